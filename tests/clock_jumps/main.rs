//! What the boat's clock may do while the server runs: begin in 1970, be set, be behind at midnight, be contradicted by a
//! receiver. The clocks are the test's; sentences come over a real socket, and the history is a real database.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[path = "../harness/mod.rs"]
mod harness;

mod gnss;
mod machine;
mod power_cuts;
mod steps;
mod trust;
