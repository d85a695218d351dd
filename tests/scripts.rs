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

/// The first adapter that was plugged in after the start was refused until the next one: its driver, and with it the name in the
/// list of devices, had not been there. `scripts/check-machine.py` sees it on a whole machine.
#[test]
fn an_adapter_whose_driver_comes_later_is_allowed() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/taffrail.service");
    let unit = std::fs::read_to_string(unit).unwrap();
    let allowed: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("DeviceAllow=char-")).collect();
    for (driver, number) in [("ttyACM", "166 rw"), ("ttyUSB", "188 rw"), ("rfcomm", "216 rw")] {
        assert!(allowed.contains(&number), "{driver}: {allowed:?}");
    }
    let built_in = ["ttyS rw", "ttyAMA rw"];
    let by_name = allowed.iter().filter(|kind| !kind.starts_with(|c: char| c.is_ascii_digit()));
    assert!(by_name.clone().all(|kind| built_in.contains(kind)), "{by_name:?}");
}
