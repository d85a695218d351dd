//! The recorder's storage against real SQLite files: what goes in comes out, and what happens to it when the disk, the power
//! or the clock do what they do on boats. Time is virtual: hours pass in milliseconds.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail where it stands, and says what it skips")]

#[path = "../frozen/mod.rs"]
mod frozen;

mod answers;
mod boat;
mod bounds;
mod clock;
mod cuts;
mod full_disk;
mod outages;
mod reading;
mod versions;
