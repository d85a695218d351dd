//! Taffrail: a Signal K-compatible marine data server.
//!
//! Bytes come in through [`input`], become [`kernel::update::Update`]s in [`nmea0183`] and [`ais`], are applied by the one
//! writer in [`hub`] to the one model in [`kernel`], and go out to every app through [`server`]. [`history`] keeps them.
//! [`app`] wires it all; nothing here is a static, so two servers run in one process.
//!
//! `kernel`, `nmea0183`, `ais`, `demo` and `steps` are pure: no I/O, no clock, no async. `tests/architecture.rs` holds that line.

pub mod ais;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
#[cfg(feature = "dns-sd")]
pub mod dns_sd;
pub mod feed;
#[cfg(feature = "history")]
pub mod history;
pub mod hub;
pub mod input;
pub mod kernel;
pub mod nmea0183;
pub mod server;
pub mod state_dir;
pub mod steps;
