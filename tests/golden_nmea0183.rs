//! Every row of the NMEA 0183 corpus against the decoder. The rows hold what the reference parser makes of a sentence;
//! where that is disputed, what we hold to be right is `preferred` in the row or a paragraph of docs/decisions-nmea0183.md
//! named here. Anything else that differs fails.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use serde_json::{Map, Value};
use taffrail::nmea0183::{Decoder, Options, Outcome, delta_text};

mod corpus;
use corpus::now;

/// Types (by the text before the first dash) that `golden_ais.rs` holds to account.
const ELSEWHERE: &[&str] = &["VDM", "VDO"];

/// Rows of covered types that need a sentence of [`ELSEWHERE`].
const ELSEWHERE_ROWS: &[&str] = &["3d54e4aa", "7536131c"];

/// Where a row is disputed with a reason that contains `why`, and the difference is at `path` (a prefix), the paragraph
/// `key` of docs/decisions-nmea0183.md says what is right.
struct Decision {
    why: &'static str,
    path: &'static str,
    key: &'static str,
}

const DECISIONS: &[Decision] = &[
    Decision { why: "fraction of a second is cut off", path: "timestamp", key: "fractions" },
    Decision { why: "wrong tag block checksum", path: "timestamp", key: "tag-checksum" },
    Decision { why: "wrong tag block checksum", path: "source", key: "tag-checksum" },
    Decision { why: "the tag checksum becomes part of the source", path: "source", key: "tag-checksum" },
    Decision { why: "methodQuality is an object", path: "navigation.gnss.methodQuality", key: "method-quality" },
    Decision { why: "is published as the bearing of the track", path: "navigation.course", key: "bearings" },
    Decision { why: "empty time voids data", path: "navigation.courseRhumbline", key: "empty-time" },
    Decision { why: "status V (void)", path: "navigation.", key: "void" },
    Decision { why: "status V (void)", path: "outcome", key: "void" },
    Decision { why: "mode N with status A", path: "navigation.position", key: "void" },
    Decision { why: "unit letter is ignored", path: "environment.water.temperature", key: "celsius" },
    Decision { why: "missing reference is taken as true wind", path: "environment.wind.", key: "wind-reference" },
    Decision { why: "missing unit is taken as m/s", path: "environment.wind.speed", key: "wind-unit" },
    Decision { why: "one accumulator for all talkers", path: "navigation.gnss.satellitesInView", key: "satellites" },
    Decision { why: "a repeated first sentence", path: "navigation.gnss.satellitesInView", key: "satellites" },
    Decision { why: "64 is subtracted", path: "navigation.gnss.satellitesInView", key: "satellites" },
    Decision { why: "constellation name is missing", path: "navigation.gnss.satellitesInView", key: "satellites" },
    // single devices
    Decision { why: "a missing waypoint name", path: "navigation.courseRhumbline.bearing", key: "legs" },
    Decision { why: "one empty unit letter", path: "navigation.courseRhumbline", key: "legs" },
    Decision { why: "an empty waypoint name", path: "navigation.courseRhumbline.previousPoint.ID", key: "legs" },
    Decision { why: "one empty half loses the other", path: "steering.autopilot.target.", key: "commanded-heading" },
    Decision { why: "the released parser turns empty", path: "steering.autopilot.", key: "commanded-heading" },
    Decision { why: "notification without state", path: "notifications.", key: "dsc-notifications" },
    Decision { why: "an empty category", path: "navigation.position", key: "dsc-distress" },
    Decision { why: "the released parser turns empty", path: "navigation.position", key: "dsc-sender" },
    Decision { why: "the released parser turns empty", path: "context", key: "dsc-sender" },
    Decision { why: "engine_N / shaft_N", path: "propulsion.", key: "engines" },
    Decision { why: "path built from a missing field", path: "propulsion.", key: "engines" },
    Decision { why: "navigation.trip is not a value", path: "navigation.trip", key: "seatalk-trip" },
    Decision { why: "averageSpeedThroughWater is not", path: "navigation.averageSpeed", key: "seatalk-average" },
    Decision {
        why: "dilution is replaced by 148",
        path: "navigation.gnss.horizontalDilution",
        key: "seatalk-dilution",
    },
    Decision { why: "a heading of 0 is dropped", path: "navigation.headingMagnetic", key: "seatalk-zeros" },
    Decision { why: "a rudder angle of 0", path: "steering.rudderAngle", key: "seatalk-zeros" },
    Decision { why: "an autopilot course of 0", path: "steering.autopilot.target.", key: "seatalk-zeros" },
    Decision { why: "truncated datagram", path: "environment.", key: "seatalk-short" },
];

/// Rows whose reason in the corpus does not name the difference.
const DECIDED_ROWS: &[(&str, &str)] =
    &[("9d859b53", "void"), ("f2e8a5bc", "old-vtg"), ("91a23cd8", "dsc-notifications")];

#[derive(Default)]
struct Tally {
    agreed: usize,
    preferred: usize,
    decided: usize,
    elsewhere: usize,
}

/// What one line published: values by path, and the rest of its updates.
#[derive(Default)]
struct Published {
    context: Option<String>,
    sources: Vec<Value>,
    timestamps: Vec<String>,
    values: BTreeMap<String, Value>,
}

/// Where a row differs from the decoder: the path, and how.
type Difference = (String, String);

#[test]
fn every_row_agrees_or_is_decided() {
    let Some(rows) = rows() else { return };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut failures = Vec::new();
    for row in &rows {
        let kind = row["type"].as_str().unwrap();
        let id = &row["id"].as_str().unwrap()[..8];
        let tally = tallies.entry(kind).or_default();
        if ELSEWHERE.contains(&kind.split('-').next().unwrap()) || ELSEWHERE_ROWS.contains(&id) {
            tally.elsewhere += 1;
            continue;
        }
        let differences = differences(row);
        let open: Vec<_> = differences.iter().filter(|(path, _)| decision(row, id, path).is_none()).collect();
        if !open.is_empty() {
            failures.push(format!("{kind} {id} {}\n  {}\n  why: {}", row["note"], row["input"], row["why"]));
            failures.extend(open.iter().map(|(path, what)| format!("    {path}: {what}")));
        } else if !differences.is_empty() {
            tally.decided += 1;
        } else if row.get("preferred").is_some() {
            tally.preferred += 1;
        } else {
            tally.agreed += 1;
        }
    }
    println!("{:<14} {:>7} {:>9} {:>7} {:>7}", "type", "agreed", "preferred", "decided", "in ais");
    for (kind, t) in &tallies {
        println!("{kind:<14} {:>7} {:>9} {:>7} {:>7}", t.agreed, t.preferred, t.decided, t.elsewhere);
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_decision_has_its_paragraph() {
    let read = |name| {
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
    };
    let text = read("decisions-nmea0183.md") + &read("decisions-devices.md");
    for key in DECISIONS.iter().map(|d| d.key).chain(DECIDED_ROWS.iter().map(|(_, key)| *key)) {
        assert!(text.contains(&format!("\n## {key}\n")), "no paragraph {key}");
    }
}

/// The paragraph that decides a difference at `path` of a row, if one does.
fn decision(row: &Value, id: &str, path: &str) -> Option<&'static str> {
    let by_row = DECIDED_ROWS.iter().find(|(decided, _)| *decided == id).map(|(_, key)| *key);
    let applies = |d: &&Decision| path.starts_with(d.path) && list(&row["why"]).any(|why| text(why).contains(d.why));
    by_row.or_else(|| DECISIONS.iter().find(applies).map(|d| d.key))
}

fn differences(row: &Value) -> Vec<Difference> {
    let checksum_ignored = row["options"]["validateChecksum"] == Value::Bool(false);
    let mut decoder = Decoder::new(Options { checksum_ignored, ..Options::default() });
    let outputs: Vec<&Value> = list(&row["output"]).collect();
    // Rows that are empty throughout bind to doing no harm only; refusals and warnings bind to publishing nothing.
    let lenient = row["type"] == "unsupported" || outputs.iter().all(|o| o.is_null() || o["error"] == "exception");
    let mut found = Vec::new();
    let mut last = Published::default();
    for (i, (input, output)) in list(&row["input"]).zip(&outputs).enumerate() {
        let mut updates = Vec::new();
        let outcome = decoder.line(text(input).as_bytes(), now(), &mut updates);
        let ours = published(updates.iter().map(|u| serde_json::from_str(&delta_text::delta(u)).unwrap()));
        let refused = matches!(outcome, Outcome::BadChecksum | Outcome::Malformed | Outcome::Noise);
        if output["error"] == "rejected" && !refused || output["error"] == "void" && outcome != Outcome::Void {
            found.push(("outcome".to_owned(), format!("{outcome:?} where the row has {output}")));
        }
        if output.get("updates").is_some_and(|updates| list(updates).next().is_some()) && !lenient {
            let next = row["upstreamNext"].get(i).map(|next| published([next.clone()]));
            compare(row, i, &published([(*output).clone()]), next.as_ref(), &ours, &mut found);
        } else if !lenient {
            let extra = ours.values.iter().filter(|(_, value)| !value.is_null());
            found.extend(extra.map(|(path, value)| (path.clone(), format!("{value} where the row has nothing"))));
        }
        last = ours;
    }
    let Some(preferred) = row["preferred"].as_array() else { return found };
    for entry in preferred {
        let path = text(&entry["path"]);
        let ours = last.values.get(path).unwrap_or(&Value::Null);
        if !same(path, &entry["value"], ours) {
            found.push((format!("preferred {path}"), format!("{ours} where {} is preferred", entry["value"])));
        }
    }
    if preferred.is_empty() && last.values.values().any(|value| !value.is_null()) {
        found.push(("preferred nothing".to_owned(), format!("{:?}", last.values)));
    }
    found
}

fn compare(
    row: &Value,
    i: usize,
    row_says: &Published,
    next: Option<&Published>,
    ours: &Published,
    found: &mut Vec<Difference>,
) {
    let mut differs = |path: &str, what: String| found.push((path.to_owned(), what));
    let preferred: Vec<&str> = list(&row["preferred"]).map(|p| text(&p["path"])).collect();
    let dropped = |field: &str| list(&row["dropped"]).find(|d| d["output"] == i && d["field"] == field);
    let zeros = list(&row["why"]).any(|why| text(why).starts_with("the released parser turns empty fields into zeros"));
    for (path, value) in &row_says.values {
        let our_value = ours.values.get(path).unwrap_or(&Value::Null);
        let next_value = next.map(|next| next.values.get(path).unwrap_or(&Value::Null));
        let agrees =
            same(path, value, our_value) || zeros && next_value.is_some_and(|next| same(path, next, our_value));
        if !agrees && !preferred.contains(&path.as_str()) {
            differs(path, format!("{our_value} where the row has {value}"));
        }
    }
    for (path, value) in &ours.values {
        let known = row_says.values.contains_key(path)
            || next.is_some_and(|next| next.values.contains_key(path))
            || preferred.contains(&path.as_str())
            || dropped(path).is_some();
        if !known {
            differs(path, format!("{value} where the row has no such path"));
        }
    }
    if row_says.context != ours.context {
        differs("context", format!("{:?} where the row has {:?}", ours.context, row_says.context));
    }
    let time_of_day = dropped("updates[0].timestamp").and_then(|d| d["timeOfDay"].as_str());
    let our_time = ours.timestamps.first().map_or("nothing", String::as_str);
    let expected = row_says.timestamps.first().map(String::as_str).or(time_of_day);
    // Null is as good as nothing, and nothing has no time.
    let silent = ours.sources.is_empty() && row_says.values.values().all(Value::is_null);
    if !silent && expected.is_some_and(|expected| !our_time.ends_with(expected)) {
        differs("timestamp", format!("{our_time} where the row has {expected:?}"));
    }
    for source in &ours.sources {
        let row_source = row_says.sources.first().unwrap_or(&Value::Null);
        if ["sentence", "talker", "type"].iter().any(|key| row_source.get(key).is_some_and(|v| *v != source[key])) {
            differs("source", format!("{source} where the row has {row_source}"));
        }
    }
}

/// Equal as the corpus asks: numbers to 1e-6, directions modulo a full turn, an absent key as good as null.
fn same(path: &str, a: &Value, b: &Value) -> bool {
    const DIRECTIONS: [&str; 8] = ["heading", "bearing", "course", "direction", "azimuth", "set", "tack", "angle"];
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let leaf = path.rsplit('.').next().unwrap_or_default().to_lowercase();
            let turns = if DIRECTIONS.iter().any(|name| leaf.contains(name)) { ((a - b) / TAU).round() } else { 0.0 };
            let distance = (a - b - turns * TAU).abs();
            distance <= 1e-6 * a.abs().max(b.abs()) || distance < 1e-12
        }
        (Value::Object(a), Value::Object(b)) => {
            let get = |object: &Map<String, Value>, key| object.get(key).cloned().unwrap_or(Value::Null);
            a.keys().chain(b.keys()).all(|key| same(key, &get(a, key), &get(b, key)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(path, a, b)),
        _ => a == b,
    }
}

fn published(deltas: impl IntoIterator<Item = Value>) -> Published {
    let mut all = Published::default();
    let mut identity = Map::new();
    for delta in deltas {
        all.context = delta["context"].as_str().map(str::to_owned).or(all.context);
        for update in list(&delta["updates"]) {
            all.sources.extend(update.get("source").cloned());
            all.timestamps.extend(update["timestamp"].as_str().map(str::to_owned));
            for v in list(&update["values"]) {
                match (text(&v["path"]), v["value"].clone()) {
                    ("", Value::Object(object)) => identity.extend(object),
                    (path, value) => drop(all.values.insert(path.to_owned(), value)),
                }
            }
        }
    }
    if !identity.is_empty() {
        all.values.insert(String::new(), Value::Object(identity));
    }
    all
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn rows() -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(corpus::dir()?.join("nmea0183-golden.jsonl")).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
