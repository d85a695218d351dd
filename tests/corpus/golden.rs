//! The golden rows of the NMEA 0183 corpus: what the reference parser makes of a sentence, and how our answer is compared
//! with it. Where a row is disputed, right is what it prefers, or what a paragraph of docs/decisions-*.md says, named in
//! [`DECISIONS`]. Anything else that differs is a fault.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use serde_json::{Map, Value};

/// Where a row is disputed with a reason that contains `why`, and the difference is at `path` (a prefix), the paragraph
/// `key` says what is right.
pub struct Decision {
    why: &'static str,
    path: &'static str,
    pub key: &'static str,
}

const fn decided(why: &'static str, path: &'static str, key: &'static str) -> Decision {
    Decision { why, path, key }
}

pub const DECISIONS: &[Decision] = &[
    decided("fraction of a second is cut off", "timestamp", "fractions"),
    decided("wrong tag block checksum", "timestamp", "tag-checksum"),
    decided("wrong tag block checksum", "source", "tag-checksum"),
    decided("the tag checksum becomes part of the source", "source", "tag-checksum"),
    decided("source.talker is replaced by the tag source", "source", "tag-source"),
    // Rows whose tag block names a station, disputed for another reason.
    decided("delta without values", "source", "tag-source"),
    decided("methodQuality is an object", "navigation.gnss.methodQuality", "method-quality"),
    decided("is published as the bearing of the track", "navigation.course", "bearings"),
    decided("empty time voids data", "navigation.courseRhumbline", "empty-time"),
    decided("status V (void)", "navigation.", "void"),
    decided("status V (void)", "outcome", "void"),
    decided("mode N with status A", "navigation.position", "void"),
    decided("unit letter is ignored", "environment.water.temperature", "celsius"),
    decided("missing reference is taken as true wind", "environment.wind.", "wind-reference"),
    decided("missing unit is taken as m/s", "environment.wind.speed", "wind-unit"),
    decided("one accumulator for all talkers", "navigation.gnss.satellitesInView", "satellites"),
    decided("a repeated first sentence", "navigation.gnss.satellitesInView", "satellites"),
    decided("64 is subtracted", "navigation.gnss.satellitesInView", "satellites"),
    decided("constellation name is missing", "navigation.gnss.satellitesInView", "satellites"),
    // single devices
    decided("a missing waypoint name", "navigation.courseRhumbline.bearing", "legs"),
    decided("one empty unit letter", "navigation.courseRhumbline", "legs"),
    decided("an empty waypoint name", "navigation.courseRhumbline.previousPoint.ID", "legs"),
    decided("one empty half loses the other", "steering.autopilot.target.", "commanded-heading"),
    decided("the released parser turns empty", "steering.autopilot.", "commanded-heading"),
    decided("notification without state", "notifications.", "dsc-notifications"),
    decided("an empty category", "navigation.position", "dsc-distress"),
    decided("the released parser turns empty", "navigation.position", "dsc-sender"),
    decided("the released parser turns empty", "context", "dsc-sender"),
    decided("engine_N / shaft_N", "propulsion.", "engines"),
    decided("path built from a missing field", "propulsion.", "engines"),
    decided("navigation.trip is not a value", "navigation.trip", "seatalk-trip"),
    decided("averageSpeedThroughWater is not", "navigation.averageSpeed", "seatalk-average"),
    decided("dilution is replaced by 148", "navigation.gnss.horizontalDilution", "seatalk-dilution"),
    decided("a heading of 0 is dropped", "navigation.headingMagnetic", "seatalk-zeros"),
    decided("a rudder angle of 0", "steering.rudderAngle", "seatalk-zeros"),
    decided("an autopilot course of 0", "steering.autopilot.target.", "seatalk-zeros"),
    decided("truncated datagram", "environment.", "seatalk-short"),
    // AIS
    decided("drops the position", "navigation.position", "AIS-2"),
    decided("positive to starboard", "sensors.ais.fromCenter", "AIS-3"),
    decided("type 27 speed 63", "navigation.speedOverGround", "AIS-5"),
    decided("sensors.ais.class is not published", "sensors.ais.class", "AIS-6"),
    decided("type 9 altitude", "navigation.gnss.antennaAltitude", "AIS-7"),
    decided("name extension", "/name", "AIS-8"),
    decided("belong to the sar context", "context", "AIS-9"),
    decided("belong to the sar context", "notifications.", "AIS-10"),
    decided("safety text", "notifications.safetyMessage", "AIS-11"),
    decided("payload shorter than its message type", "", "AIS-14"),
];

/// Rows whose reason in the corpus does not name the difference.
const DECIDED_ROWS: &[(&str, &str)] =
    &[("9d859b53", "void"), ("f2e8a5bc", "old-vtg"), ("91a23cd8", "dsc-notifications")];

/// The paragraphs that the tables name.
pub fn keys() -> impl Iterator<Item = &'static str> {
    DECISIONS.iter().map(|d| d.key).chain(DECIDED_ROWS.iter().map(|(_, key)| *key))
}

/// What one line of a row was answered with.
#[derive(Default)]
pub struct Answer {
    /// The deltas, in order.
    pub deltas: Vec<Value>,
    /// It was refused: no sentence, or one that is broken.
    pub refused: bool,
    /// Its sender marks it as not valid.
    pub void: bool,
}

/// How the answers to a row compare with it.
pub enum Verdict {
    /// They say what it says.
    Agreed,
    /// They say what it prefers.
    Preferred,
    /// They differ where these paragraphs say otherwise.
    Decided(Vec<&'static str>),
    /// They differ without a reason: what, and how.
    Differs(Vec<String>),
}

/// All rows of the corpus; `None`, with a printed line, where it is absent.
pub fn rows() -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(super::dir()?.join("nmea0183-golden.jsonl")).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The first eight digits of a row's name.
pub fn id(row: &Value) -> &str {
    &text(&row["id"])[..8]
}

/// The lines of a row, in order.
pub fn inputs(row: &Value) -> impl Iterator<Item = &str> {
    list(&row["input"]).map(text)
}

/// Whether the row wants checksums to be ignored.
pub fn checksum_ignored(row: &Value) -> bool {
    row["options"]["validateChecksum"] == Value::Bool(false)
}

/// Compares the answers to the lines of a row, one for each, with what it says.
pub fn verdict(row: &Value, answers: &[Answer]) -> Verdict {
    let differences = differences(row, answers);
    let mut keys: Vec<_> = differences.iter().filter_map(|(path, _)| decision(row, path)).collect();
    if keys.len() < differences.len() {
        let open = differences.iter().filter(|(path, _)| decision(row, path).is_none());
        return Verdict::Differs(open.map(|(path, what)| format!("{path}: {what}")).collect());
    }
    keys.dedup();
    match (keys.is_empty(), row.get("preferred")) {
        (false, _) => Verdict::Decided(keys),
        (true, Some(_)) => Verdict::Preferred,
        (true, None) => Verdict::Agreed,
    }
}

/// Where an answer differs from the row: the path, and how.
type Difference = (String, String);

/// What one line published: values by path (members of the identity at `/member`), and the rest of its updates.
#[derive(Default)]
struct Published {
    context: Option<String>,
    sources: Vec<Value>,
    timestamps: Vec<String>,
    values: BTreeMap<String, Value>,
}

/// The paragraph that decides a difference at `path` of a row, if one does.
fn decision(row: &Value, path: &str) -> Option<&'static str> {
    let by_row = DECIDED_ROWS.iter().find(|(decided, _)| *decided == id(row)).map(|(_, key)| *key);
    let applies = |d: &&Decision| path.starts_with(d.path) && list(&row["why"]).any(|why| text(why).contains(d.why));
    by_row.or_else(|| DECISIONS.iter().find(applies).map(|d| d.key))
}

fn differences(row: &Value, answers: &[Answer]) -> Vec<Difference> {
    let outputs: Vec<&Value> = list(&row["output"]).collect();
    // Rows that are empty throughout bind to doing no harm only; refusals and warnings bind to publishing nothing.
    let lenient = row["type"] == "unsupported" || outputs.iter().all(|o| o.is_null() || o["error"] == "exception");
    let mut found = Vec::new();
    let mut last = Published::default();
    assert_eq!(outputs.len(), answers.len(), "an answer for each line");
    for (i, (answer, output)) in answers.iter().zip(&outputs).enumerate() {
        let ours = published(&answer.deltas);
        let wrong = output["error"] == "rejected" && !answer.refused || output["error"] == "void" && !answer.void;
        if wrong {
            let (refused, void) = (answer.refused, answer.void);
            found.push(("outcome".to_owned(), format!("refused {refused}, void {void} where the row has {output}")));
        }
        if output.get("updates").is_some_and(|updates| list(updates).next().is_some()) && !lenient {
            let next = row["upstreamNext"].get(i).map(|next| published([next]));
            compare(row, i, &published([*output]), next.as_ref(), &ours, &mut found);
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
            || preferred.contains(&path.as_str());
        match dropped(path).map(|d| text(&d["suffix"])) {
            Some(suffix) if !text(value).ends_with(suffix) => {
                differs(path, format!("{value} does not end in {suffix}"));
            }
            None if !known => differs(path, format!("{value} where the row has no such path")),
            _ => {}
        }
    }
    // Null is as good as nothing, and nothing has neither a context, nor a time, nor a source.
    if ours.sources.is_empty() && row_says.values.values().all(Value::is_null) {
        return;
    }
    if row_says.context != ours.context {
        differs("context", format!("{:?} where the row has {:?}", ours.context, row_says.context));
    }
    let time_of_day = dropped("updates[0].timestamp").and_then(|d| d["timeOfDay"].as_str());
    let our_time = ours.timestamps.first().map_or("nothing", String::as_str);
    let expected = row_says.timestamps.first().map(String::as_str).or(time_of_day);
    if expected.is_some_and(|expected| !our_time.ends_with(expected)) {
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
pub fn same(path: &str, a: &Value, b: &Value) -> bool {
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

fn published<'a>(deltas: impl IntoIterator<Item = &'a Value>) -> Published {
    let mut all = Published::default();
    for delta in deltas {
        all.context = delta["context"].as_str().map(str::to_owned).or(all.context);
        for update in list(&delta["updates"]) {
            all.sources.extend(update.get("source").cloned());
            all.timestamps.extend(update["timestamp"].as_str().map(str::to_owned));
            for v in list(&update["values"]) {
                match (text(&v["path"]), &v["value"]) {
                    ("", Value::Object(identity)) => {
                        all.values.extend(identity.iter().map(|(key, member)| (format!("/{key}"), member.clone())));
                    }
                    (path, value) => drop(all.values.insert(path.to_owned(), value.clone())),
                }
            }
        }
    }
    all
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
