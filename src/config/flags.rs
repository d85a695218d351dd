//! What the command line can set. All values are taken as text, so that a bad one is refused like one of the file.

use std::path::PathBuf;

use super::environment::typed;
use super::file;
use super::keys::{self, Kind};
use super::layers::Layers;
use super::problem::{Problem, Problems};
use super::raw::{Field, Origin, Raw, Spot};

/// The flags of `taffrail run` and `taffrail check-config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Flags {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where HTTP and WebSocket listen
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Where the TCP stream listens, or "off"
    #[arg(long, value_name = "ADDRESS|off")]
    pub tcp: Option<String>,
    /// Where the server keeps what it must remember
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<String>,
    /// Name of the boat
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// MMSI of the boat, nine digits
    #[arg(long, value_name = "MMSI")]
    pub mmsi: Option<String>,
    /// Do not announce the server on the local network
    #[arg(long)]
    pub no_mdns: bool,
    /// Do not record
    #[arg(long)]
    pub no_history: bool,
    /// An input in place of the configured ones, repeatable: demo, serial:/dev/ttyUSB0@4800, tcp:HOST:PORT,
    /// tcp-listen:ADDRESS, udp:ADDRESS, file:PATH, stdin, signalk:URL; NAME=... names it
    #[arg(long, value_name = "SPEC")]
    pub input: Vec<String>,
    /// Which passage the demo boat makes
    #[arg(long, value_name = "NUMBER")]
    pub demo_seed: Option<String>,
    /// How many times as fast as real the demo boat sails
    #[arg(long, value_name = "TIMES")]
    pub demo_rate: Option<String>,
    /// How much to log: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<String>,
}

impl Flags {
    /// These flags over those of `lower`; inputs of both are kept.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            config: self.config.or(lower.config),
            http: self.http.or(lower.http),
            tcp: self.tcp.or(lower.tcp),
            state_dir: self.state_dir.or(lower.state_dir),
            name: self.name.or(lower.name),
            mmsi: self.mmsi.or(lower.mmsi),
            no_mdns: self.no_mdns || lower.no_mdns,
            no_history: self.no_history || lower.no_history,
            input: lower.input.into_iter().chain(self.input).collect(),
            demo_seed: self.demo_seed.or(lower.demo_seed),
            demo_rate: self.demo_rate.or(lower.demo_rate),
            log: self.log.or(lower.log),
        }
    }

    /// Adds what the flags say to `layers`. `--config` and `--log` are the command line's own business.
    pub fn read(&self, layers: &mut Layers, problems: &mut Problems) {
        let off = Some("false".to_owned());
        let flags = [
            ("--http", "server", "http", &self.http),
            ("--tcp", "server", "tcp", &self.tcp),
            ("--state-dir", "server", "state_dir", &self.state_dir),
            ("--name", "vessel", "name", &self.name),
            ("--mmsi", "vessel", "mmsi", &self.mmsi),
            ("--no-mdns", "server", "mdns", if self.no_mdns { &off } else { &None }),
            ("--no-history", "history", "enabled", if self.no_history { &off } else { &None }),
        ];
        for (flag, table, key, text) in flags {
            let kind = keys::table(table).and_then(|table| table.key(key)).map_or(Kind::Text, |key| key.kind);
            if let Some(text) = text {
                let origin = Origin::Flag(flag);
                layers.set(table, key, Spot { raw: typed(kind, text, &origin), origin });
            }
        }
        if !self.input.is_empty() {
            let inputs: Vec<Spot> = self.input.iter().filter_map(|spec| input(spec, problems)).collect();
            layers.replace("input", numbered(inputs));
        }
    }

    /// The value of a flag for the demo boat, with the flag's name.
    pub(super) fn demo(&self, key: &str) -> Option<Spot> {
        let (flag, kind, text) = match key {
            "seed" => ("--demo-seed", Kind::Whole, self.demo_seed.as_ref()?),
            _ => ("--demo-rate", Kind::Number, self.demo_rate.as_ref()?),
        };
        let origin = Origin::Flag(flag);
        Some(Spot { raw: typed(kind, text, &origin), origin })
    }
}

const ORIGIN: Origin = Origin::Flag("--input");

fn field(name: &str, raw: Raw) -> Field {
    Field { name: name.to_owned(), origin: ORIGIN, value: Spot { raw, origin: ORIGIN } }
}

/// `[NAME=]TYPE[:REST]` to what `[[input]]` would say.
fn input(spec: &str, problems: &mut Problems) -> Option<Spot> {
    let (name, what) = match spec.split_once('=') {
        Some((name, what)) if !name.contains(':') => (Some(name), what),
        _ => (None, spec),
    };
    let (kind, rest) = what.split_once(':').map_or((what, None), |(kind, rest)| (kind, Some(rest)));
    let text = |text: &str| Raw::Text(text.to_owned());
    let mut fields = vec![field("name", text(name.unwrap_or(kind))), field("type", text(kind))];
    match (kind, rest) {
        ("serial", Some(rest)) => {
            let (device, baud) = rest.rsplit_once('@').map_or((rest, None), |(device, baud)| (device, Some(baud)));
            fields.push(field("device", text(device)));
            fields.extend(baud.map(|baud| field("baud", typed(Kind::Whole, baud, &ORIGIN))));
        }
        ("tcp" | "tcp-listen" | "udp", Some(rest)) => fields.push(field("address", text(rest))),
        ("file", Some(rest)) => fields.push(field("path", text(rest))),
        ("signalk", Some(rest)) => fields.push(field("url", text(rest))),
        ("stdin" | "demo", None) => {}
        _ => {
            let types = ["serial:", "tcp:", "tcp-listen:", "udp:", "file:", "signalk:", "stdin", "demo"];
            let found = format!("found {}", text(spec));
            problems.push(Problem::new(&ORIGIN, "input", &found, file::one_of(&types, what)));
            return None;
        }
    }
    Some(Spot { raw: Raw::Table(fields), origin: ORIGIN })
}

/// Inputs without a name of their own are called by their type; the second of a type gets a number.
fn numbered(mut inputs: Vec<Spot>) -> Vec<Spot> {
    let mut seen: Vec<String> = Vec::new();
    for input in &mut inputs {
        let Raw::Table(fields) = &mut input.raw else { continue };
        let [Field { value: name, .. }, Field { value: kind, .. }, ..] = &mut fields[..] else { continue };
        if name.raw == kind.raw {
            if let Raw::Text(name) = &mut name.raw {
                let before = seen.iter().filter(|seen| *seen == name).count();
                seen.push(name.clone());
                if before > 0 {
                    name.push_str(&(before + 1).to_string());
                }
            }
        }
    }
    inputs
}
