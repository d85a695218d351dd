//! Weather: MDA.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, put_given, understood};
use crate::kernel::update::Update;

/// MDA: 1-2 pressure in inches of mercury, 3-4 in bar, 5-6 air temperature (C), 7-8 water temperature (C), 9 relative and
/// 10 absolute humidity (percent), 11-12 dew point (C), 13-14 wind direction true, 15-16 magnetic, 17-18 wind speed in
/// knots, 19-20 in m/s. Each value once, from its finer unit.
pub fn mda(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if !(s.field(1).is_empty() && s.field(3).is_empty()) {
        let pressure = field::bar(s.field(3)).or_else(|| field::inches_of_mercury(s.field(1)));
        put(update, "environment.outside.pressure", pressure);
    }
    put_given(update, "environment.outside.temperature", s.field(5), field::celsius(s.field(5)));
    put_given(update, "environment.water.temperature", s.field(7), field::celsius(s.field(7)));
    put_given(update, "environment.outside.humidity", s.field(9), field::percent(s.field(9)));
    put_given(update, "environment.outside.humidityAbsolute", s.field(10), field::percent(s.field(10)));
    put_given(update, "environment.outside.dewPointTemperature", s.field(11), field::celsius(s.field(11)));
    put_given(update, "environment.wind.directionTrue", s.field(13), field::direction(s.field(13)));
    put_given(update, "environment.wind.directionMagnetic", s.field(15), field::direction(s.field(15)));
    if !(s.field(17).is_empty() && s.field(19).is_empty()) {
        let speed = field::number(s.field(19)).or_else(|| field::knots(s.field(17)));
        put(update, "environment.wind.speedOverGround", speed);
    }
    understood(update)
}
