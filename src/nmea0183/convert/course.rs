//! Course and speed over ground: VTG.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;

const TRUE: &str = "navigation.courseOverGroundTrue";
const MAGNETIC: &str = "navigation.courseOverGroundMagnetic";
const SPEED: &str = "navigation.speedOverGround";

/// VTG: 1-2 course true `T`, 3-4 course magnetic `M`, 5-6 speed in knots `N`, 7-8 speed in km/h `K`, 9 mode. Before NMEA
/// 2.0 the letters were missing: four bare numbers.
pub fn vtg(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if field::mode_is_invalid(s.field(9)) {
        for path in [MAGNETIC, TRUE, SPEED] {
            update.push(path, Value::Null);
        }
        return Outcome::Void;
    }
    let [course, magnetic, knots, kmh] = if field::number(s.field(2)).is_some() || s.fields().len() == 4 {
        [s.field(1), s.field(2), s.field(3), s.field(4)]
    } else {
        [s.field(1), s.field(3), s.field(5), s.field(7)]
    };
    if [course, magnetic, knots, kmh].iter().all(|f| f.is_empty()) {
        return Outcome::Nothing;
    }
    // A receiver that gives the speed alone is at rest and has no course.
    put(update, MAGNETIC, field::direction(magnetic));
    put(update, TRUE, field::direction(course));
    put(update, SPEED, field::kmh(kmh).or_else(|| field::knots(knots)).filter(|speed| *speed >= 0.0));
    understood(update)
}
