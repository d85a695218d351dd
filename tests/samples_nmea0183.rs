//! The made-up sentences in samples/nmea0183 give the deltas beside them.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::path::{Path, PathBuf};

use taffrail::nmea0183::{Counters, Decoder, Options, delta_text};

mod corpus;
use corpus::now;

fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/nmea0183"))
}

/// Reads a file as a device would send it, in pieces of 11 bytes.
fn play(path: &Path) -> (String, Counters) {
    let mut decoder = Decoder::new(Options::default());
    let mut updates = Vec::new();
    for piece in std::fs::read(path).unwrap().chunks(11) {
        decoder.feed(piece, now(), &mut updates);
    }
    decoder.finish(now(), &mut updates);
    let lines = updates.iter().map(|update| delta_text::delta(update) + "\n");
    (lines.collect(), *decoder.counters())
}

#[test]
fn samples_give_the_deltas_beside_them() {
    let mut played = 0;
    for entry in std::fs::read_dir(samples()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "nmea") {
            continue;
        }
        let (deltas, _) = play(&path);
        let expected = path.with_extension("jsonl");
        if std::env::var_os("TAFFRAIL_BLESS").is_some() {
            std::fs::write(&expected, &deltas).unwrap();
        }
        let committed = std::fs::read_to_string(&expected).unwrap();
        for (line, (ours, theirs)) in deltas.lines().zip(committed.lines()).enumerate() {
            let ours: serde_json::Value = serde_json::from_str(ours).unwrap();
            let theirs: serde_json::Value = serde_json::from_str(theirs).unwrap();
            assert_eq!(ours, theirs, "{} line {}", expected.display(), line + 1);
        }
        assert_eq!(deltas.lines().count(), committed.lines().count(), "{}", expected.display());
        played += 1;
    }
    assert!(played >= 5, "only {played} samples found");
}

#[test]
fn faults_are_counted_and_cost_only_themselves() {
    let (deltas, counters) = play(&samples().join("faults.nmea"));
    let expected = Counters {
        bytes: counters.bytes,
        sentences: 17,
        understood: 8,
        nothing: 2,
        void: 0,
        unknown: 1,
        bad_checksum: 4,
        malformed: 2,
        noise_bytes: 46,
        bad_tag_blocks: 1,
    };
    assert_eq!(counters, expected);
    assert!(deltas.contains("\"label\":\"mast\"") && deltas.contains("Ytterön"), "{deltas}");
}
