//! The same hour of sailing twice: the sentences of a recording through our decoder, and the deltas that the reference
//! parser made of them, each into a model of its own. After every round of the instruments both models say the same, but
//! for what was decided otherwise.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use taffrail::kernel::decode;
use taffrail::kernel::id::{Origin, Seq};
use taffrail::kernel::model::Arrival;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::update::Update;
use taffrail::kernel::world::{Setup, World};
use taffrail::nmea0183::{Decoder, Options};

mod corpus;
use corpus::golden::same;

/// The recording, and how many of its lines the reference parser was given.
const RECORDING: &str = "0183-plaka-multiplexed.log";
const LINES: usize = 6000;

/// What the reference parser made of them, its clock standing still at [`CLOCK`].
const REFERENCE: &str = "signalk-delta-from-plaka.jsonl";
const CLOCK: &str = "2014-06-30T10:00:00Z";

/// The instruments speak in turn, and this sentence begins a round.
const FIRST_OF_ROUND: &str = "VHW";

/// Differences that were decided: source and path, what the reference says there, and the paragraph of
/// docs/decisions-nmea0183.md. Both are empty fields that the reference reads as zeros.
const DECIDED: [(&str, &str, &str, &str); 2] = [
    ("plaka.GP", "navigation.courseRhumbline.crossTrackError", "0", "empty"),
    ("plaka.II", "environment.current", r#"{"setTrue":0,"setMagnetic":0,"drift":0}"#, "empty"),
];

/// A wind without a direction, of which the reference publishes nothing and we the speed (docs/decisions-nmea0183.md,
/// wind-speed-alone). These lines are left out, so that what the other sentences say of the wind can be compared.
const WIND_WITHOUT_DIRECTION: &str = "$IIMWD,,,,,";

#[test]
fn a_recording_leads_to_the_model_that_the_reference_parser_leads_to() {
    let Some(dir) = corpus::dir() else { return };
    let recording = std::fs::read_to_string(dir.join("logs").join(RECORDING)).unwrap();
    let reference = std::fs::read_to_string(dir.join("logs").join(REFERENCE)).unwrap();
    let sentences: Vec<&str> = recording.lines().take(LINES).collect();
    let deltas: Vec<&str> = reference.lines().collect();
    let sentences = rounds(&sentences, &format!("$II{FIRST_OF_ROUND}"));
    let deltas = rounds(&deltas, &format!("\"sentence\":\"{FIRST_OF_ROUND}\""));
    assert_eq!(sentences.len(), deltas.len(), "rounds of the instruments");

    let (mut ours, mut theirs) = (Side::new(), Side::new());
    let mut decoder = Decoder::new(Options { vdo_is_own: true, ..Options::default() });
    let mut decided = [0; DECIDED.len()];
    let mut compared = BTreeMap::new();
    for (sentences, deltas) in sentences.iter().zip(&deltas) {
        let mut updates = Vec::new();
        for line in sentences.iter().filter(|line| !line.starts_with(WIND_WITHOUT_DIRECTION)) {
            decoder.line(line.as_bytes(), now(), &mut updates);
        }
        ours.apply(updates);
        theirs.apply(deltas.iter().flat_map(|delta| decode::delta(delta, "plaka").unwrap().updates).collect());
        let (ours, theirs) = (ours.leaves(), theirs.leaves());
        let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let (source, path) = key;
            let [our, their] = [&ours, &theirs].map(|leaves| leaves.get(key).unwrap_or(&Json::Null));
            if same(path, their, our) {
                *compared.entry(key.clone()).or_insert(0) += 1;
                continue;
            }
            let says = |wanted: &str| same(path, &serde_json::from_str(wanted).unwrap(), their);
            let why = DECIDED.iter().position(|(s, p, wanted, _)| s == source && p == path && says(wanted));
            let Some(why) = why else {
                panic!("{source} {path}: {our} where the reference has {their}, {sentences:?}")
            };
            decided[why] += 1;
        }
    }
    for ((source, path), count) in &compared {
        println!("{source} {path}: the same {count} times");
    }
    for ((source, path, _, key), count) in DECIDED.iter().zip(decided) {
        println!("{source} {path}: decided otherwise {count} times (decisions-nmea0183.md, {key})");
        assert!(count > 0, "{source} {path} does not differ any more");
    }
    for path in ["navigation.position", "environment.wind.speedApparent", "environment.wind.angleTrueWater"] {
        assert!(compared.keys().any(|(_, compared)| compared == path), "{path} was not compared");
    }
}

/// Lines cut before every one that contains `first`.
fn rounds<'a>(lines: &'a [&'a str], first: &str) -> Vec<&'a [&'a str]> {
    let starts: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].contains(first)).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &lines[start..end]).collect()
}

fn now() -> Now {
    Now { wall: Timestamp::parse(CLOCK).unwrap(), mono: Moment::from_millis(1000) }
}

/// A model, and how to read it.
struct Side(World);

impl Side {
    fn new() -> Self {
        Self(World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230099999"), Seq(0)))
    }

    fn apply(&mut self, updates: Vec<Update>) {
        let arrival = Arrival { input: "plaka", origin: Origin::SERVER, now: now(), heard: true };
        let applied = self.0.apply(updates, &arrival);
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    }

    /// Every value of the own vessel by source and path; of the position also when it was.
    fn leaves(&self) -> BTreeMap<(String, String), Json> {
        let model = &self.0.model;
        let mut all = BTreeMap::new();
        for leaf in model.own_node().leaves().iter().filter(|leaf| !leaf.is_static) {
            for slot in &leaf.slots {
                let key = (model.sources().name(slot.source).to_string(), model.path(leaf.path).to_owned());
                if key.1 == "navigation.position" {
                    all.insert((key.0.clone(), "time of the position".to_owned()), slot.timestamp.to_string().into());
                }
                all.insert(key, serde_json::from_str(&slot.value.to_json()).unwrap());
            }
        }
        all
    }
}
