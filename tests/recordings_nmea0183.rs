//! Recordings of real boats go through with every line accounted for, and docs/recordings.md says how.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::fmt::Write as _;

use taffrail::kernel::update::Update;
use taffrail::kernel::value::Value;
use taffrail::nmea0183::{Counters, Decoder, Options, Outcome};

mod corpus;
use corpus::now;

const HEAD: &str = "\
# Recordings

What becomes of every line of the recordings that the tests play (names as in their source list). Made by
`TAFFRAIL_BLESS=1 cargo test --test recordings_nmea0183`; the test fails when this table is out of date.

| recording | lines | understood | nothing | void | unknown | bad checksum | malformed | noise | values |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

const FOOT: &str = "
Understood: at least one value was published. Nothing: correct, without news: a part of a group, an empty report, a
sentence that has no place in Signal K. Void: its sender marks it as not valid. Unknown: of a kind that is not decoded.
Bad checksum, malformed: refused. Noise: comments, empty lines, line noise.
";

const ALL: [Outcome; 7] = [
    Outcome::Understood,
    Outcome::Nothing,
    Outcome::Void,
    Outcome::Unknown,
    Outcome::BadChecksum,
    Outcome::Malformed,
    Outcome::Noise,
];

#[test]
fn the_table_of_recordings_is_up_to_date() {
    let Some(files) = recordings() else { return };
    let mut table = HEAD.to_owned();
    for (name, bytes) in &files {
        push_row(name, bytes, &mut table);
    }
    table.push_str(FOOT);
    let doc = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/recordings.md");
    if std::env::var_os("TAFFRAIL_BLESS").is_some() {
        std::fs::write(doc, &table).unwrap();
    }
    let committed = std::fs::read_to_string(doc).unwrap();
    assert_eq!(committed, table, "docs/recordings.md is out of date: run this test with TAFFRAIL_BLESS=1");
}

/// A recording read line by line and the same read in pieces of a serial port's size count the same.
#[test]
fn streams_count_like_lines() {
    let Some(files) = recordings() else { return };
    for (name, bytes) in &files {
        let (by_line, _, _) = play_lines(bytes);
        let mut decoder = Decoder::new(Options::default());
        let mut out = Vec::new();
        for piece in bytes.chunks(37) {
            decoder.feed(piece, now(), &mut out);
            check_values(&out);
            out.clear();
        }
        decoder.finish(now(), &mut out);
        let by_stream = *decoder.counters();
        assert_eq!(by_stream.bytes, bytes.len() as u64);
        assert_eq!(Counters { bytes: 0, ..by_stream }, Counters { bytes: 0, ..by_line }, "{name}");
    }
}

fn push_row(name: &str, bytes: &[u8], out: &mut String) {
    let (counters, outcomes, values) = play_lines(bytes);
    let lines: usize = outcomes.iter().sum();
    assert_eq!(lines, bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()).count(), "{name}");
    let c = counters;
    assert_eq!(c.sentences, c.understood + c.nothing + c.void + c.unknown + c.bad_checksum + c.malformed, "{name}");
    let _ = write!(out, "| {name} | {lines} |");
    for n in outcomes {
        let _ = write!(out, " {n} |");
    }
    let _ = writeln!(out, " {values} |");
}

/// Plays a recording: the counters, the lines by outcome in the order of [`ALL`], and how many values came of them.
fn play_lines(bytes: &[u8]) -> (Counters, [usize; 7], usize) {
    let mut decoder = Decoder::new(Options::default());
    let (mut outcomes, mut values) = ([0; 7], 0);
    let mut out = Vec::new();
    for line in bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let outcome = decoder.line(line, now(), &mut out);
        outcomes[ALL.iter().position(|o| *o == outcome).unwrap()] += 1;
        check_values(&out);
        values += out.iter().map(|update| update.values.len()).sum::<usize>();
        out.clear();
    }
    (*decoder.counters(), outcomes, values)
}

fn check_values(updates: &[Update]) {
    for v in updates.iter().flat_map(|update| &update.values) {
        assert!(!matches!(v.value, Value::Number(n) if !n.is_finite()), "{v:?}");
    }
}

/// Name and content of every NMEA 0183 recording of the corpus, by name.
fn recordings() -> Option<Vec<(String, Vec<u8>)>> {
    let entries = std::fs::read_dir(corpus::dir()?.join("logs")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            name.starts_with("0183-").then(|| (name, std::fs::read(&path).unwrap()))
        })
        .collect();
    files.sort();
    Some(files)
}
