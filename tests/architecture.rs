//! The boundary between the pure core and the shell, and the few habits that a compiler does not hold.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::{Path, PathBuf};

/// Folders and files of the core: no I/O, no clock, no async runtime. Time and bytes are arguments there.
const PURE: &[&str] = &[
    "kernel.rs",
    "kernel",
    "nmea0183.rs",
    "steps.rs",
    "nmea0183",
    "ais.rs",
    "ais",
    "demo.rs",
    "demo",
    "history/player.rs",
    "clock/trust.rs",
];

/// What the core must not name, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("tokio", "the core is synchronous"),
    ("axum", "the core does not know HTTP"),
    ("hyper", "the core does not know HTTP"),
    ("rusqlite", "the core does not know the disk"),
    ("tracing", "the core returns what happened; the shell says it"),
    ("std::fs", "the core does not know the disk"),
    ("std::net", "the core does not know the network"),
    ("std::thread", "the core has no threads"),
    ("Instant::now", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("Utc::now", "time is an argument"),
    ("println!", "the core returns what happened; the shell says it"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_below(path: &Path, out: &mut Vec<PathBuf>) {
    if path.is_file() {
        let is_code = path.extension().is_some_and(|e| e == "rs") && path.file_stem().is_some_and(|s| s != "tests");
        out.extend(is_code.then(|| path.to_owned()));
    } else if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            files_below(&entry.unwrap().path(), out);
        }
    }
}

/// Code only: comments may name what the code must not.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line.split("//").next().unwrap_or(line)))
}

#[test]
fn the_core_names_nothing_of_the_shell() {
    let mut files = Vec::new();
    for name in PURE {
        files_below(&source().join(name), &mut files);
    }
    assert!(files.len() > 50, "the core has moved: only {} files found", files.len());
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, code) in code(&text) {
            for (word, why) in FORBIDDEN {
                if code.contains(word) {
                    found.push(format!("{}:{line}: {word} ({why})", file.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_core_does_not_reach_into_the_shell() {
    let shell = ["app", "cli", "clock", "config", "dns_sd", "feed", "history", "hub", "input", "server", "state_dir"];
    let mut files = Vec::new();
    for name in PURE {
        files_below(&source().join(name), &mut files);
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, code) in code(&text) {
            for module in shell {
                let reaches =
                    code.contains(&format!("crate::{module}::")) || code.contains(&format!("crate::{module};"));
                assert!(!reaches, "{}:{line}: the core uses crate::{module}", file.display());
            }
        }
    }
}

#[test]
fn files_are_named_after_what_they_are_about() {
    let mut files = Vec::new();
    files_below(&source(), &mut files);
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let vague = ["utils", "util", "helpers", "helper", "common", "misc", "types", "manager"];
        assert!(!vague.contains(&&*name), "{}: say what is in it", file.display());
    }
}
