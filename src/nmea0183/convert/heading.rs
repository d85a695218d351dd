//! Heading and rate of turn: HDG, HDM, HDT, ROT.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, put_given, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;

const MAGNETIC: &str = "navigation.headingMagnetic";
const TRUE: &str = "navigation.headingTrue";

/// HDG: 1 sensor heading, 2-3 deviation, 4-5 variation. The sensor's heading is the compass heading where a deviation is
/// given, and then the deviation makes it magnetic; without one the sensor is taken to be compensated.
pub fn hdg(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let sensor = field::degrees(s.field(1));
    let deviation = field::east_west(s.field(2), s.field(3));
    let variation = field::east_west(s.field(4), s.field(5));
    if let Some(sensor) = sensor {
        let magnetic = sensor + deviation.unwrap_or(0.0);
        put(update, MAGNETIC, Some(field::wrap_two_pi(magnetic)));
        if deviation.is_some() {
            put(update, "navigation.headingCompass", Some(field::wrap_two_pi(sensor)));
        }
        if let Some(variation) = variation {
            put(update, TRUE, Some(field::wrap_two_pi(magnetic + variation)));
        }
    } else if deviation.is_none() && variation.is_none() {
        update.push(MAGNETIC, Value::Null);
    }
    if let Some(variation) = variation {
        put(update, "navigation.magneticVariation", Some(variation));
    }
    if let Some(deviation) = deviation {
        put(update, "navigation.magneticDeviation", Some(deviation));
    }
    understood(update)
}

/// HDM: 1 heading, 2 `M`.
pub fn hdm(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    put(update, MAGNETIC, field::direction(s.field(1)));
    understood(update)
}

/// HDT: 1 heading, 2 `T`.
pub fn hdt(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    put(update, TRUE, field::direction(s.field(1)));
    understood(update)
}

/// ROT: 1 degrees per minute, minus to port, 2 status.
pub fn rot(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    const PATH: &str = "navigation.rateOfTurn";
    match field::status(s.field(2)) {
        Some(true) => put(update, PATH, field::degrees_per_minute(s.field(1))),
        Some(false) => {
            update.push(PATH, Value::Null);
            return Outcome::Void;
        }
        // No field 2 at all is a sender of before the status was added; an empty one vouches for nothing.
        None if s.fields().len() < 2 => put_given(update, PATH, s.field(1), field::degrees_per_minute(s.field(1))),
        None => {}
    }
    understood(update)
}
