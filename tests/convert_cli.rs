//! `taffrail convert` as a process: every row of the NMEA 0183 corpus through it, and the samples of this repository.
// clippy knows only the functions marked #[test] as tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Map, Value};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::nmea0183::{Decoder, Options, Outcome, delta_text};

const CLOCK: &str = "2026-06-15T12:00:00Z";

#[test]
fn every_row_of_the_corpus_comes_out_as_the_row_says() {
    let Some(rows) = corpus() else { return };
    let mut failures = Vec::new();
    let (mut agreed, mut preferred, mut disputed) = (0, 0, 0);
    for row in &rows {
        let id = &text(&row["id"])[..8];
        let found = differences(row);
        if !found.is_empty() {
            failures.push(format!("{} {id} {}\n    {}", row["type"], row["input"], found.join("\n    ")));
        } else if row.get("preferred").is_some() {
            preferred += 1;
        } else if row["disputed"].as_bool() == Some(true) || row.get("why").is_some() {
            disputed += 1;
        } else {
            agreed += 1;
        }
    }
    println!("{} rows: {agreed} agree, {preferred} as preferred, {disputed} disputed", rows.len());
    assert!(failures.is_empty(), "{} of {} rows differ\n{}", failures.len(), rows.len(), failures.join("\n"));
}

#[test]
fn samples_give_the_deltas_beside_them() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples/nmea0183");
    for name in ["passage", "devices", "faults"] {
        let file = dir.join(name).with_extension("nmea");
        let output = convert(&["--clock", CLOCK, file.to_str().unwrap()], b"");
        assert!(output.status.success(), "{output:?}");
        let expected = std::fs::read_to_string(file.with_extension("jsonl")).unwrap();
        let (ours, expected) = (json_lines(&output.stdout), json_lines(expected.as_bytes()));
        assert_eq!(ours, expected, "{name}");
        assert_eq!(output.stderr.is_empty(), name != "faults", "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn sentences_without_a_checksum_need_the_flag() {
    for (line, refused) in [("$IIMTW,16.8,C*1C", false), ("$IIMTW,16.8,C*1D", true), ("$IIMTW,16.8,C", true)] {
        let output = convert(&[], line.as_bytes());
        assert_eq!(output.stdout.is_empty(), refused, "{line}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, if refused { "line 1: the checksum is missing or wrong\n" } else { "" }, "{line}");
        assert!(!convert(&["--no-checksum"], line.as_bytes()).stdout.is_empty(), "{line}");
    }
}

#[test]
fn the_exit_status_says_what_went_wrong() {
    let table: [(&[&str], i32, &str); 4] = [
        (&[], 0, "line 1: no sentence\n"),
        (&["/nonexistent/voyage.nmea"], 1, "taffrail: /nonexistent/voyage.nmea: "),
        (&["--clock", "noon"], 64, "2026-06-15T12:00:00Z"),
        (&["--mmsi"], 64, "--mmsi"),
    ];
    for (arguments, status, said) in table {
        let output = convert(arguments, b"hello\n");
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{arguments:?} {output:?}");
    }
}

#[test]
fn deltas_come_while_the_input_is_open_and_a_reader_that_leaves_ends_it_quietly() {
    let mut child = start(&[]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdin.write_all(b"$IIMTW,16.8,C*1C\n").unwrap();
    let mut byte = [0];
    while byte != *b"\n" {
        stdout.read_exact(&mut byte).unwrap();
    }
    drop(stdout);
    // Not once only: a process that another test starts in this moment may hold the reader's end for an instant.
    while stdin.write_all(b"$IIMTW,16.8,C*1C\n").is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn explanations_come_from_arguments_or_from_standard_input() {
    let sentence = "$IIMTW,16.8,C*1C";
    let explain = |arguments: &[&str], input: &str| {
        let mut child = piped(Command::new(env!("CARGO_BIN_EXE_taffrail")).arg("explain").args(arguments));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let one = explain(&[sentence], "");
    assert!(one.contains("environment.water.temperature") && one.contains("289.95"), "{one}");
    assert_eq!(explain(&[], &format!("{sentence}\r\n\n{sentence}")), format!("{one}\n{one}"));
}

/// How the binary's deltas for a row differ from what the row says. They must also be those of the library byte for byte,
/// which tells which line each came from.
fn differences(row: &Value) -> Vec<String> {
    let checksum_ignored = row["options"]["validateChecksum"] == Value::Bool(false);
    let mut arguments = vec!["--clock", CLOCK];
    arguments.extend(checksum_ignored.then_some("--no-checksum"));
    let input = list(&row["input"]).map(text).collect::<Vec<_>>().join("\n");
    let output = convert(&arguments, input.as_bytes());
    let problems = String::from_utf8(output.stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut deltas = stdout.lines();

    let now = Now { wall: Timestamp::parse(CLOCK).unwrap(), mono: Moment::from_millis(0) };
    let mut decoder = Decoder::new(Options { checksum_ignored, ..Options::default() });
    let mut found = Vec::new();
    if !output.status.success() {
        found.push(format!("exit status {:?}", output.status));
    }
    let outputs: Vec<&Value> = list(&row["output"]).collect();
    let lenient = row["type"] == "unsupported" || outputs.iter().all(|o| o.is_null() || o["error"] == "exception");
    let is_disputed = row.get("why").is_some();
    let mut last = Published::default();
    for (i, (line, says)) in list(&row["input"]).zip(&outputs).enumerate() {
        let mut updates = Vec::new();
        let outcome = decoder.line(text(line).as_bytes(), now, &mut updates);
        let ours: Vec<&str> = deltas.by_ref().take(updates.len()).collect();
        let library: Vec<String> = updates.iter().map(delta_text::delta).collect();
        if ours != library {
            found.push(format!("line {}: {ours:?} where the library has {library:?}", i + 1));
        }
        let refused = matches!(outcome, Outcome::BadChecksum | Outcome::Malformed | Outcome::Noise);
        if refused && !problems.contains(&format!("line {}: ", i + 1)) {
            found.push(format!("line {}: refused without a word", i + 1));
        }
        last = published(ours.iter().map(|line| serde_json::from_str(line).unwrap()));
        if lenient || is_disputed {
            continue;
        }
        if says["error"] == "rejected" && !refused {
            found.push(format!("line {}: {outcome:?} where the row has {says}", i + 1));
        }
        compare(row, i, &published([(*says).clone()]), &last, &mut found);
    }
    found.extend(deltas.map(|delta| format!("one delta too many: {delta}")));
    if let Some(preferred) = row["preferred"].as_array() {
        for entry in preferred {
            let (path, value) = (text(&entry["path"]), &entry["value"]);
            let ours = last.values.get(path).unwrap_or(&Value::Null);
            // A course of 511 in type 27 is "not available" (ITU-R M.1371-5), whatever is preferred.
            if !same(path, value, ours) && text(&row["id"]) != "785c14cfbb5c44dc" {
                found.push(format!("{path}: {ours} where {value} is preferred"));
            }
        }
        if preferred.is_empty() && last.values.values().any(|value| !value.is_null()) {
            found.push(format!("{:?} where nothing is preferred", last.values));
        }
    }
    found
}

/// What one line published: values by path, and the rest.
#[derive(Default)]
struct Published {
    context: Option<String>,
    sources: Vec<Value>,
    timestamps: Vec<String>,
    values: BTreeMap<String, Value>,
}

fn compare(row: &Value, i: usize, row_says: &Published, ours: &Published, found: &mut Vec<String>) {
    let dropped = |field: &str| list(&row["dropped"]).find(|d| d["output"] == i && d["field"] == field);
    for (path, value) in &row_says.values {
        let our_value = ours.values.get(path).unwrap_or(&Value::Null);
        if !same(path, value, our_value) {
            found.push(format!("{path}: {our_value} where the row has {value}"));
        }
    }
    let is_dropped = |path: &str| list(&row["dropped"]).any(|d| d["output"] == i && text(&d["field"]).contains(path));
    for (path, value) in ours.values.iter().filter(|(path, value)| !value.is_null() && !is_dropped(path)) {
        let next = &row["upstreamNext"][i];
        if !row_says.values.contains_key(path) && !published([next.clone()]).values.contains_key(path) {
            found.push(format!("{path}: {value} where the row has no such path"));
        }
    }
    if ours.sources.is_empty() {
        return;
    }
    if row_says.context != ours.context && !row_says.values.is_empty() {
        found.push(format!("context {:?} where the row has {:?}", ours.context, row_says.context));
    }
    let time_of_day = dropped("updates[0].timestamp").and_then(|d| d["timeOfDay"].as_str());
    let our_time = ours.timestamps.first().map_or("nothing", String::as_str);
    let expected = row_says.timestamps.first().map(String::as_str).or(time_of_day);
    if expected.is_some_and(|expected| !our_time.ends_with(expected)) {
        found.push(format!("timestamp {our_time} where the row has {expected:?}"));
    }
    for source in ours.sources.iter().filter(|_| !row_says.sources.is_empty()) {
        let row_source = &row_says.sources[0];
        if ["sentence", "talker", "type"].iter().any(|key| row_source.get(key).is_some_and(|v| *v != source[key])) {
            found.push(format!("source {source} where the row has {row_source}"));
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

fn start(arguments: &[&str]) -> std::process::Child {
    piped(Command::new(env!("CARGO_BIN_EXE_taffrail")).arg("convert").args(arguments))
}

fn piped(command: &mut Command) -> std::process::Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn convert(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(arguments);
    // One that refuses its arguments may be gone before it is fed.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn corpus() -> Option<Vec<Value>> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let dir = std::env::var_os("TAFFRAIL_CORPUS").map_or(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(dir.join("nmea0183-golden.jsonl")) else {
        println!("skipped: no corpus in {}", dir.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
