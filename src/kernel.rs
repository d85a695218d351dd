//! The pure part: values, updates, the model, the one ordered log and the sessions that read it.
//!
//! No I/O, no clock, no async: time is an argument, randomness is an argument, and everything can be driven by a test
//! one step at a time.

pub mod change;
pub mod decode;
pub mod encode;
pub mod hello;
pub mod id;
pub mod intern;
pub mod json;
pub mod lost;
pub mod meta;
pub mod model;
pub mod notifications;
pub mod pattern;
pub mod query;
pub mod relay;
pub mod session;
pub mod subscription;
pub mod tail;
pub mod time;
pub mod update;
pub mod value;
pub mod world;
pub mod zones;
