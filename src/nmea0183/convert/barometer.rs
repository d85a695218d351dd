//! Air pressure and humidity in sentences of their own: MMB, MHU. Weather stations of today send MDA or XDR instead.

use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// `MMB,inches of mercury,I,bar,B`. Bar carries more digits.
pub(super) fn mmb(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let bar = (sentence.field(4) == "B").then(|| field::bar(sentence.field(3))).flatten();
    let inches = || (sentence.field(2) == "I").then(|| field::inches_of_mercury(sentence.field(1))).flatten();
    if let Some(pascal) = bar.or_else(inches) {
        update.push("environment.outside.pressure", Value::number(pascal));
    }
    understood(update)
}

/// `MHU,relative humidity %,absolute humidity %,dew point,C`.
pub(super) fn mhu(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if let Some(ratio) = field::percent(sentence.field(1)) {
        update.push("environment.outside.humidity", Value::number(ratio));
    }
    if let ("C", Some(kelvin)) = (sentence.field(4), field::celsius(sentence.field(3))) {
        update.push("environment.outside.dewPointTemperature", Value::number(kelvin));
    }
    understood(update)
}
