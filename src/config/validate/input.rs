//! `[[input]]`: a type decides which other keys belong to it; the others are refused, so that a misplaced one is noticed.

use super::sentences;
use crate::config::flags::Flags;
use crate::config::layers::{Effective, Layers, Reading, Section};
use crate::config::problem::{Problem, Problems};
use crate::config::raw::{Field, Origin, Raw, Spot};
use crate::config::{Format, Input, InputKind, Sentences, Upstream, Wanted, reading};

/// Characters of an input's name: it is part of every `$source`, which clients show in narrow columns.
const NAME_CHARS_MAX: usize = 32;

/// Times as fast as real; faster than this nothing is left to see, and "max" says it better.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

/// What `type` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Serial,
    Tcp,
    TcpListen,
    Udp,
    File,
    Stdin,
    Demo,
    SignalK,
}

const TYPES: &[(&str, Type)] = &[
    ("serial", Type::Serial),
    ("tcp", Type::Tcp),
    ("tcp-listen", Type::TcpListen),
    ("udp", Type::Udp),
    ("file", Type::File),
    ("stdin", Type::Stdin),
    ("demo", Type::Demo),
    ("signalk", Type::SignalK),
];

const FORMATS: &[(&str, Format)] = &[("nmea0183", Format::Nmea0183), ("signalk", Format::SignalK)];

const WANTED: &[(&str, Wanted)] = &[("all", Wanted::All), ("self", Wanted::Own)];

/// All inputs, and for each the place that says where it listens or what it opens.
pub fn read(
    layers: &mut Layers,
    flags: &Flags,
    effective: &mut Effective,
    problems: &mut Problems,
) -> (Vec<Input>, Vec<Origin>) {
    let mut sections = layers.elements("input", problems);
    if sections.is_empty() && problems.is_empty() {
        sections.extend(Section::of_element("input", demo_boat(), problems));
    }
    let (mut inputs, mut places): (Vec<Input>, Vec<Origin>) = (Vec::new(), Vec::new());
    let mut names: Vec<(String, Origin)> = Vec::new();
    for mut section in sections {
        let input = one(&mut section, flags, problems);
        if let Some((name, _)) = &input {
            let place = section.origin_of("name");
            if let Some((_, first)) = names.iter().find(|(known, _)| known == name) {
                let found = format!("found a second input \"{name}\"");
                let expected = format!("a name of its own (the first one: {first})");
                problems.push(Problem::new(&place, "input.name", &found, expected));
            }
            names.push((name.clone(), place));
        }
        if let Some((name, Some((kind, format, sentences)))) = input {
            let key = match kind {
                InputKind::Serial { .. } => "device",
                InputKind::Tcp { .. } | InputKind::TcpListen { .. } | InputKind::Udp { .. } => "address",
                _ => "type",
            };
            places.push(section.origin_of(key));
            inputs.push(Input { name, kind, format, sentences });
            section.finish(effective);
        }
    }
    for (key, flag) in [("seed", "--demo-seed"), ("rate", "--demo-rate")] {
        let is_demo = |input: &Input| matches!(input.kind, InputKind::Demo { .. });
        if flags.demo(key).is_some() && problems.is_empty() && !inputs.iter().any(is_demo) {
            let problem = Problem::new(&Origin::Flag(flag), "input", "there is no demo input", "--input demo with it");
            problems.push(problem);
        }
    }
    (inputs, places)
}

/// What holds when nobody configured an input.
fn demo_boat() -> Spot {
    let field = |name: &str| Field {
        name: name.to_owned(),
        origin: Origin::Default,
        value: Spot { raw: Raw::Text("demo".to_owned()), origin: Origin::Default },
    };
    Spot { raw: Raw::Table(vec![field("name"), field("type")]), origin: Origin::Default }
}

type Content = Option<(InputKind, Format, Sentences)>;

/// One input: its name, and what it is where that could be read.
fn one(section: &mut Section, flags: &Flags, problems: &mut Problems) -> Option<(String, Content)> {
    let is_name = |text: &str| {
        text.len() <= NAME_CHARS_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let expected = "1 to 32 letters, digits, - and _";
    let name = section.required("name", problems, reading::text_if(is_name, expected));
    if let Some(name) = &name {
        section.label(name);
    }
    let word = section.required("type", problems, reading::word(TYPES));
    let content = word.and_then(|word| {
        let kind = kind(section, word, flags, problems);
        let has_format = !matches!(word, Type::Demo | Type::SignalK);
        let format = match word {
            Type::Demo => Format::Nmea0183,
            Type::SignalK => Format::SignalK,
            _ => section.get("format", problems, reading::word(FORMATS)),
        };
        let keys = keys_of(word);
        let (sentences, format_keys) = match format {
            Format::Nmea0183 if has_format => (sentences::read(section, problems), ", format, checksum, talkers, xdr"),
            _ => (Sentences::default(), if has_format { ", format" } else { "" }),
        };
        section.refuse_rest(problems, &format!("only the keys of this type: name, type{keys}{format_keys}"));
        kind.map(|kind| (kind, format, sentences))
    });
    name.map(|name| (name, content))
}

fn keys_of(word: Type) -> &'static str {
    match word {
        Type::Serial => ", device, baud",
        Type::Tcp | Type::TcpListen | Type::Udp => ", address",
        Type::File => ", path, rate, repeat",
        Type::Stdin => "",
        Type::Demo => ", seed, rate",
        Type::SignalK => ", url, subscribe, paths, aboard, certificate",
    }
}

fn kind(section: &mut Section, word: Type, flags: &Flags, problems: &mut Problems) -> Option<InputKind> {
    Some(match word {
        Type::Serial => {
            let device = section.required("device", problems, reading::path);
            let baud = section.get("baud", problems, baud);
            InputKind::Serial { device: device?, baud }
        }
        Type::Tcp => InputKind::Tcp { address: section.required("address", problems, reading::host_and_port)? },
        Type::TcpListen => InputKind::TcpListen { address: section.required("address", problems, reading::address)? },
        Type::Udp => InputKind::Udp { address: section.required("address", problems, reading::address)? },
        Type::File => {
            let path = section.required("path", problems, reading::path);
            let rate = section.get("rate", problems, rate_or_max);
            let repeat = section.get("repeat", problems, reading::switch);
            InputKind::File { path: path?, rate, repeat }
        }
        Type::Stdin => InputKind::Stdin,
        Type::Demo => {
            for key in ["seed", "rate"] {
                if let Some(spot) = flags.demo(key) {
                    section.set(key, spot);
                }
            }
            let seed = section.get("seed", problems, reading::whole(0..=i64::MAX)).unsigned_abs();
            InputKind::Demo { seed, rate: section.get("rate", problems, reading::number(RATES)) }
        }
        Type::SignalK => {
            let url = section.required("url", problems, reading::url);
            let subscribe = section.get("subscribe", problems, reading::word(WANTED));
            let paths = section.get("paths", problems, paths);
            let aboard = section.get("aboard", problems, reading::switch);
            let certificate = section.optional("certificate", problems, reading::path);
            InputKind::SignalK(Upstream { url: url?, subscribe, paths, aboard, certificate })
        }
    })
}

/// Patterns of one input at the most.
const PATHS_MAX: usize = 64;

fn paths(raw: &Raw) -> Reading<Vec<String>> {
    let all = match raw {
        Raw::List(items) if !items.is_empty() && items.len() <= PATHS_MAX => {
            items.iter().map(|Spot { raw, .. }| reading::signalk_path(raw).ok()).collect()
        }
        _ => None,
    };
    all.ok_or_else(|| "a list of 1 to 64 paths, such as [\"navigation.*\", \"environment.wind.*\"]".into())
}

fn baud(raw: &Raw) -> Reading<Option<u32>> {
    match raw {
        Raw::Text(text) if text == "auto" => Ok(None),
        _ => reading::whole(300..=4_000_000)(raw)
            .map(|baud| u32::try_from(baud).ok())
            .map_err(|expected| format!("{expected}, or \"auto\"").into()),
    }
}

fn rate_or_max(raw: &Raw) -> Reading<Option<f64>> {
    match raw {
        Raw::Text(text) if text == "max" => Ok(None),
        _ => reading::number(RATES)(raw).map(Some).map_err(|expected| format!("{expected}, or \"max\"").into()),
    }
}
