//! The demo boat.

pub mod ais_sentences;
pub mod boat;
pub mod chance;
pub mod chart;
pub mod helm;
pub mod machinery;
pub mod place;
pub mod roster;
pub mod traffic;
pub mod voyage;
pub mod weather;
pub mod wire;
