//! Another Signal K server as an input, over real sockets: whole servers that read from each other, and peers that are not
//! what they should be.

#![cfg(feature = "upstream")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[path = "../aboard/mod.rs"]
mod aboard;

mod deltas;
mod loops;
mod peers;
mod ship;
