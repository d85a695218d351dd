//! Every AIS row of the golden corpus: sentences in, deltas out, compared path by path. The corpus lies beside the
//! package (`../shared/corpus`) or where `TAFFRAIL_CORPUS` says; without it this test only says so.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value as Json, json};
use taffrail::ais::{Decoder, Tag};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::update::{Source, Update};
use taffrail::nmea0183::sentence::Sentence;

/// Paths by which a row may differ because it is disputed: what its `why` names, by a word of it.
const DISPUTES: &[(&str, &[&str])] = &[
    ("drops the position", &["navigation.position"]),
    ("sensors.ais.class is not published", &["sensors.ais.class"]),
    ("safety text", &["notifications.safetyMessage"]),
    ("positive to port", &["sensors.ais.fromCenter"]),
    ("type 9 altitude", &["navigation.gnss.antennaAltitude"]),
    ("name extension", &["/name"]),
    ("speed 63", &["navigation.speedOverGround"]),
    ("course 511", &["navigation.courseOverGroundTrue"]),
    ("wrapped", &["navigation.courseOverGroundTrue", "navigation.headingTrue"]),
    ("belong to the sar context", &["context", "notifications.mob", "notifications.sart", "notifications.epirb"]),
    ("source.talker", &["source.talker"]),
];

/// Rows whose `preferred` value we hold to be wrong, with the reason.
const REFUSED: &[(&str, &str, &str)] = &[(
    "785c14cfbb5c44dc",
    "navigation.courseOverGroundTrue",
    "a course of 511 in type 27 is \"not available\" (as the row itself says), not 151 degrees",
)];

#[test]
fn golden_rows_match() {
    let Some(rows) = corpus() else {
        println!("skipped: no corpus (set TAFFRAIL_CORPUS)");
        return;
    };
    let mut failures = Vec::new();
    let mut compared = 0;
    for row in rows.iter().filter(|row| is_ais(row)) {
        compared += 1;
        if let Err(difference) = check(row) {
            failures.push(format!("{} {} ({}): {difference}", row["id"], row["type"], row["note"]));
        }
    }
    assert!(compared > 0, "the corpus has no AIS rows");
    assert!(failures.is_empty(), "{} of {compared} rows differ:\n{}", failures.len(), failures.join("\n"));
    println!("{compared} rows match");
}

fn corpus() -> Option<Vec<Json>> {
    let folder = std::env::var_os("TAFFRAIL_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let text = std::fs::read_to_string(folder.join("nmea0183-golden.jsonl")).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect())
}

fn is_ais(row: &Json) -> bool {
    let kind = row["type"].as_str().unwrap_or_default();
    kind.starts_with("VDM") || kind.starts_with("VDO")
}

fn check(row: &Json) -> Result<(), String> {
    let inputs = row["input"].as_array().expect("inputs");
    let outputs = row["output"].as_array().expect("outputs");
    let preferred = row["preferred"].as_array();
    let mut decoder = Decoder::new();
    for (i, (input, output)) in inputs.iter().zip(outputs).enumerate() {
        let got = feed(&mut decoder, input.as_str().expect("text"));
        let is_last = i + 1 == inputs.len();
        if let Some(preferred) = preferred.filter(|_| is_last) {
            has_preferred(row, preferred, &got)?;
        }
        if row["why"].to_string().contains("should be dropped") {
            if got.is_empty() {
                continue;
            }
            return Err("nothing should be published".to_owned());
        }
        if output.is_null() || output.get("error").is_some() {
            continue;
        }
        same(row, output, &got)?;
    }
    Ok(())
}

fn has_preferred(row: &Json, preferred: &[Json], got: &BTreeMap<String, Json>) -> Result<(), String> {
    for wanted in preferred {
        let path = wanted["path"].as_str().expect("path");
        if REFUSED.iter().any(|(id, refused, _)| row["id"] == *id && path == *refused) {
            continue;
        }
        let have = got.get(path).unwrap_or(&Json::Null);
        if !close(path, &wanted["value"], have) {
            return Err(format!("{path}: preferred {}, got {have}", wanted["value"]));
        }
    }
    Ok(())
}

fn same(row: &Json, output: &Json, got: &BTreeMap<String, Json>) -> Result<(), String> {
    let disputed: Vec<&str> = row["why"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .flat_map(|why| DISPUTES.iter().filter(|(word, _)| why.contains(word)).flat_map(|(_, paths)| paths.iter()))
        .copied()
        .collect();
    let dropped: Vec<&str> =
        row["dropped"].as_array().into_iter().flatten().filter_map(|field| field["field"].as_str()).collect();
    for field in row["dropped"].as_array().into_iter().flatten() {
        let have = got.get(field["field"].as_str().expect("field")).and_then(Json::as_str).unwrap_or_default();
        let suffix = field["suffix"].as_str().unwrap_or_default();
        if !have.ends_with(suffix) {
            return Err(format!("{}: {have} does not end in {suffix}", field["field"]));
        }
    }
    let expected = flatten(output);
    for path in expected.keys().chain(got.keys()) {
        if disputed.contains(&path.as_str()) || dropped.contains(&path.as_str()) {
            continue;
        }
        let (want, have) = (expected.get(path).unwrap_or(&Json::Null), got.get(path).unwrap_or(&Json::Null));
        if !close(path, want, have) {
            return Err(format!("{path}: expected {want}, got {have}"));
        }
    }
    Ok(())
}

/// A delta as one table: the context, the source and every path; identity members under `/member`.
fn flatten(delta: &Json) -> BTreeMap<String, Json> {
    let mut table = BTreeMap::new();
    table.insert("context".to_owned(), delta["context"].clone());
    for update in delta["updates"].as_array().into_iter().flatten() {
        for key in ["sentence", "talker"] {
            table.insert(format!("source.{key}"), update["source"][key].clone());
        }
        for value in update["values"].as_array().into_iter().flatten() {
            insert(&mut table, value["path"].as_str().expect("path"), &value["value"]);
        }
    }
    table
}

fn insert(table: &mut BTreeMap<String, Json>, path: &str, value: &Json) {
    match value.as_object().filter(|_| path.is_empty()) {
        Some(members) => {
            for (key, member) in members {
                table.insert(format!("/{key}"), member.clone());
            }
        }
        None => {
            table.insert(path.to_owned(), value.clone());
        }
    }
}

/// Frames one line as the input does (checksum, tag block) and gives what the decoder says, in the form of [`flatten`].
fn feed(decoder: &mut Decoder, line: &str) -> BTreeMap<String, Json> {
    let mut line = line.trim();
    let mut tag = Tag::default();
    if let Some((block, rest)) = line.strip_prefix('\\').and_then(|rest| rest.split_once('\\')) {
        line = rest;
        for field in block.split('*').next().unwrap_or_default().split(',') {
            match field.split_once(':') {
                Some(("s", source)) => tag.source = Some(source),
                Some(("g", group)) => tag.group = group.rsplit('-').next().and_then(|n| n.parse().ok()),
                _ => {}
            }
        }
    }
    let (address, data) = line[1..].split('*').next().and_then(|body| body.split_once(',')).expect("a sentence");
    let sentence = Sentence::from_parts(true, &address[..2], &address[2..], data);
    let wall = Timestamp::parse("2026-11-22T12:00:00Z").expect("a time");
    let mut updates = Vec::new();
    decoder.sentence(&sentence, tag, false, Now { wall, mono: Moment::default() }, &mut updates);
    let mut table = BTreeMap::new();
    for update in &updates {
        table.extend(flatten(&delta(update)));
    }
    table
}

fn delta(update: &Update) -> Json {
    let Source::Nmea0183(source) = &update.source else { panic!("a sentence is the source") };
    let values: Vec<Json> = update
        .values
        .iter()
        .map(|v| json!({"path": v.path.as_str(), "value": serde_json::from_str::<Json>(&v.value.to_json()).expect("JSON")}))
        .collect();
    json!({
        "context": update.context.to_text(),
        "updates": [{
            "source": {"sentence": source.sentence.as_str(), "talker": source.talker.as_str(), "type": "NMEA0183"},
            "values": values,
        }],
    })
}

fn close(path: &str, want: &Json, have: &Json) -> bool {
    match (want, have) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| close(path, value, b.get(key).unwrap_or(&Json::Null)))
        }
        (Json::Number(_), Json::Number(_)) => {
            let (a, b) = (want.as_f64().expect("a number"), have.as_f64().expect("a number"));
            let difference = (a - b).abs();
            difference <= 1e-6 * a.abs().max(b.abs())
                || (path.contains("ourse") && (difference - std::f64::consts::TAU).abs() < 1e-6)
        }
        _ => want == have,
    }
}
