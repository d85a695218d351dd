//! Every row of the NMEA 0183 and AIS corpus against the decoder: it agrees, or says what the row prefers, or a paragraph of
//! docs/decisions-*.md says why not. Prints how many of each there are, and every row that was decided otherwise.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::collections::BTreeMap;

use taffrail::nmea0183::{Decoder, Options, Outcome, delta_text};

mod corpus;
use corpus::golden::{self, Answer, Verdict};
use corpus::now;

/// The pages of decisions.
const PAGES: [&str; 3] = ["decisions-nmea0183.md", "decisions-devices.md", "decisions-ais.md"];

#[test]
fn every_row_agrees_or_is_decided() {
    let Some(rows) = golden::rows() else { return };
    let mut tallies: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut failures = Vec::new();
    for row in &rows {
        let kind = row["type"].as_str().unwrap();
        let tally = tallies.entry(kind).or_default();
        match golden::verdict(row, &answers(row)) {
            Verdict::Agreed => tally[0] += 1,
            Verdict::Preferred => tally[1] += 1,
            Verdict::Decided(keys) => {
                tally[2] += 1;
                let places: Vec<_> = keys.iter().map(|key| place(key).unwrap()).collect();
                println!("decided: {} {kind}: {}", golden::id(row), places.join(", "));
            }
            Verdict::Differs(how) => {
                failures.push(format!("{kind} {} {} {}", golden::id(row), row["note"], row["input"]));
                failures.push(format!("    {}\n  why: {}", how.join("\n    "), row["why"]));
            }
        }
    }
    println!("{:<18} {:>7} {:>9} {:>7}", "type", "agreed", "preferred", "decided");
    for (kind, [agreed, preferred, decided]) in &tallies {
        println!("{kind:<18} {agreed:>7} {preferred:>9} {decided:>7}");
    }
    let [agreed, preferred, decided] = tallies.values().fold([0; 3], |sum, t| [0, 1, 2].map(|i| sum[i] + t[i]));
    println!("{:<18} {agreed:>7} {preferred:>9} {decided:>7} of {}", "all", rows.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert_eq!(agreed + preferred + decided, rows.len());
}

#[test]
fn every_decision_has_its_paragraph() {
    for key in golden::keys() {
        assert!(place(key).is_some(), "no paragraph {key}");
    }
}

/// The page that has a paragraph of this name, and the paragraph.
fn place(key: &str) -> Option<String> {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let has_it = |page: &&&str| {
        let text = std::fs::read_to_string(docs.join(page)).unwrap();
        text.lines().any(|line| line.strip_prefix("## ").is_some_and(|head| head.split(' ').next() == Some(key)))
    };
    PAGES.iter().find(has_it).map(|page| format!("{page} {key}"))
}

fn answers(row: &serde_json::Value) -> Vec<Answer> {
    let options = Options { checksum_ignored: golden::checksum_ignored(row), ..Options::default() };
    let mut decoder = Decoder::new(options);
    let answer = |line: &str| {
        let mut updates = Vec::new();
        let outcome = decoder.line(line.as_bytes(), now(), &mut updates);
        let deltas = updates.iter().map(|u| serde_json::from_str(&delta_text::delta(u)).unwrap()).collect();
        let refused = matches!(outcome, Outcome::BadChecksum | Outcome::Malformed | Outcome::Noise);
        Answer { deltas, refused, void: outcome == Outcome::Void }
    };
    golden::inputs(row).map(answer).collect()
}
