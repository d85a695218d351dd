//! `taffrail convert` as a process: every row of the NMEA 0183 corpus through it, and the samples of this repository.
// clippy knows only the functions marked #[test] as tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::nmea0183::{Decoder, Options, Outcome, delta_text};

mod corpus;
use corpus::golden::{self, Answer, Verdict};

const CLOCK: &str = "2026-06-15T12:00:00Z";

#[test]
fn every_row_of_the_corpus_comes_out_as_the_row_says() {
    let Some(rows) = golden::rows() else { return };
    let mut failures = Vec::new();
    for row in &rows {
        let (answers, mut found) = answers(row);
        if let Verdict::Differs(how) = golden::verdict(row, &answers) {
            found.extend(how);
        }
        if !found.is_empty() {
            failures.push(format!(
                "{} {} {}\n    {}",
                row["type"],
                golden::id(row),
                row["input"],
                found.join("\n    ")
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} rows differ\n{}", failures.len(), rows.len(), failures.join("\n"));
    println!("{} rows", rows.len());
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

/// The binary's answers to the lines of a row, and how they differ from those of the library: they must be the same byte
/// for byte, which also tells which line each came from. What was refused must have been said.
fn answers(row: &Value) -> (Vec<Answer>, Vec<String>) {
    let checksum_ignored = golden::checksum_ignored(row);
    let mut arguments = vec!["--clock", CLOCK];
    arguments.extend(checksum_ignored.then_some("--no-checksum"));
    let input = golden::inputs(row).collect::<Vec<_>>().join("\n");
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
    let mut answers = Vec::new();
    for (i, line) in golden::inputs(row).enumerate() {
        let mut updates = Vec::new();
        let outcome = decoder.line(line.as_bytes(), now, &mut updates);
        let ours: Vec<&str> = deltas.by_ref().take(updates.len()).collect();
        let library: Vec<String> = updates.iter().map(delta_text::delta).collect();
        if ours != library {
            found.push(format!("line {}: {ours:?} where the library has {library:?}", i + 1));
        }
        let refused = matches!(outcome, Outcome::BadChecksum | Outcome::Malformed | Outcome::Noise);
        if refused && !problems.contains(&format!("line {}: ", i + 1)) {
            found.push(format!("line {}: refused without a word", i + 1));
        }
        let deltas = ours.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        answers.push(Answer { deltas, refused, void: outcome == Outcome::Void });
    }
    found.extend(deltas.map(|delta| format!("one delta too many: {delta}")));
    (answers, found)
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
