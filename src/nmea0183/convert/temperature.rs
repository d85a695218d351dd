//! Temperatures: MTW (water), MTA (air).

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, understood};
use crate::kernel::update::Update;

/// MTW: 1 water temperature, 2 `C`.
pub fn mtw(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    temperature(s, update, "environment.water.temperature")
}

/// MTA: 1 air temperature, 2 `C`.
pub fn mta(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    temperature(s, update, "environment.outside.temperature")
}

/// The standard has degrees Celsius only; another letter, or none, is not read as Celsius: ten degrees Fahrenheit are ice.
fn temperature(s: &Sentence<'_>, update: &mut Update, path: &'static str) -> Outcome {
    match (s.field(1), s.field(2)) {
        ("", _) => put(update, path, None),
        (value, "C" | "c") => put(update, path, field::celsius(value)),
        _ => return Outcome::Malformed,
    }
    understood(update)
}
