//! The scripts around the program: the roll-back of a bad update, and the unit as systemd reads it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::process::Command;

#[allow(clippy::print_stdout, reason = "what was skipped, and why, belongs into the output of the test")]
fn passes(script: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
    let output = Command::new("sh").arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{text}");
    assert!(output.status.success(), "{text}");
}

#[test]
fn a_bad_update_is_rolled_back() {
    passes("test-update.sh");
}

#[test]
fn the_unit_is_right_and_closed() {
    passes("check-unit.sh");
}
