//! Where the shared corpus is, and the clock that the tests on it use.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

pub mod golden;

use std::path::PathBuf;

use taffrail::kernel::time::{Moment, Now, Timestamp};

/// The corpus: `TAFFRAIL_CORPUS`, or `shared/corpus` beside the checkout. `None`, with a printed line, where it is absent:
/// it is too large to live in the repository.
pub fn dir() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let dir = std::env::var_os("TAFFRAIL_CORPUS").map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no corpus in {}", dir.display());
    None
}

/// Noon (UTC) of 15 June 2026.
pub fn now() -> Now {
    Now { wall: Timestamp::from_millis(1_781_524_800_000), mono: Moment::from_millis(1000) }
}
