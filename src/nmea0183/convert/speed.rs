//! Speed and distance through the water: VHW, VLW.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, put_given, understood};
use crate::kernel::update::Update;

/// VHW: 1-2 heading true `T`, 3-4 heading magnetic `M`, 5-6 speed in knots `N`, 7-8 speed in km/h `K`. A negative speed is
/// way astern.
pub fn vhw(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    put_given(update, "navigation.headingTrue", s.field(1), field::direction(s.field(1)));
    put_given(update, "navigation.headingMagnetic", s.field(3), field::direction(s.field(3)));
    if !(s.field(5).is_empty() && s.field(7).is_empty()) {
        let speed = field::knots(s.field(5)).or_else(|| field::kmh(s.field(7)));
        put(update, "navigation.speedThroughWater", speed);
    }
    understood(update)
}

/// VLW: 1-2 total and 3-4 trip distance through the water in nautical miles (fields 5 to 8, over ground, have no path).
pub fn vlw(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    put_given(update, "navigation.log", s.field(1), field::nautical_miles(s.field(1)));
    put_given(update, "navigation.trip.log", s.field(3), field::nautical_miles(s.field(3)));
    understood(update)
}
