//! `taffrail export --format parquet`: what readers of Parquet get is what CSV says.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

use std::fs::File;
use std::path::Path;
use std::process::Command;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use taffrail::demo::Demo;
use taffrail::kernel::time::Timestamp;

fn taffrail(state: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    let output = command.args(arguments).arg("--state-dir").arg(state).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A row as a line of CSV, but for the quoting.
fn line(row: &Row) -> String {
    let field = |name: &str| match row.get_column_iter().find(|(column, _)| *column == name).unwrap().1 {
        Field::Double(n) => format!("{n:?}"),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).unwrap(),
        Field::Null => String::new(),
        other => panic!("{name}: {other}"),
    };
    let Some((_, Field::TimestampMillis(ms))) = row.get_column_iter().next() else { panic!("{row}") };
    let value = match (field("latitude"), field("longitude")) {
        (latitude, longitude) if !latitude.is_empty() => {
            format!("{{\"latitude\":{latitude},\"longitude\":{longitude}}}")
        }
        _ => field("number") + &field("text") + &field("json"),
    };
    let time = Timestamp::from_millis(*ms);
    format!("{time},{},{},{},{}", field("context"), field("path"), field("source"), printed(&value))
}

/// A line of CSV without its quoting.
fn plain(line: &str) -> String {
    let fields: Vec<&str> = line.splitn(5, ',').collect();
    let value = fields[4].strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(fields[4]);
    format!("{},{}", fields[..4].join(","), printed(&value.replace("\"\"", "\"")))
}

/// Numbers as Rust prints them, everything else as it is.
fn printed(value: &str) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), |n| format!("{n:?}"))
}

#[test]
fn every_value_is_in_it_in_groups_of_bounded_size() {
    let state = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-07-04T09:00:00Z").unwrap();
    let mut bytes = Vec::new();
    Demo::new(3, start).advance_to(25 * 60_000, &mut bytes);
    let recording = state.path().join("demo.nmea");
    std::fs::write(&recording, bytes).unwrap();
    taffrail(state.path(), &["import", recording.to_str().unwrap()]);

    let file = state.path().join("everything.parquet");
    let all = ["--context", "*"];
    taffrail(state.path(), &[&["export", "--format", "parquet", "-o", file.to_str().unwrap()], &all[..]].concat());
    let csv = taffrail(state.path(), &[&["export"], &all[..]].concat());

    let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
    let groups = reader.metadata().row_groups();
    assert!(groups.len() > 1 && groups.iter().all(|group| group.num_rows() <= 65_536), "{} groups", groups.len());
    let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| line(&row.unwrap())).collect();
    let lines: Vec<String> = csv.lines().skip(1).map(plain).collect();
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        assert_eq!(row, line);
    }
    let (packed, text) = (std::fs::metadata(&file).unwrap().len(), csv.len() as u64);
    assert!(packed * 5 < text, "{packed} bytes for {text} of CSV");
}
