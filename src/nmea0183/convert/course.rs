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
/// 2.0 the letters were missing: four bare numbers. The km/h have the finer steps; a speed without its letter counts when no
/// other does.
pub fn vtg(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if field::mode_is_invalid(s.field(9)) {
        for path in [MAGNETIC, TRUE, SPEED] {
            update.push(path, Value::Null);
        }
        return Outcome::Void;
    }
    let is_bare = field::number(s.field(2)).is_some() || s.fields().len() == 4;
    let [course, magnetic, knots, kmh] = (if is_bare { [1, 2, 3, 4] } else { [1, 3, 5, 7] }).map(|n| s.field(n));
    let [knots_letter, kmh_letter] = if is_bare { ["N", "K"] } else { [s.field(6), s.field(8)] };
    if [course, magnetic, knots, kmh].iter().all(|f| f.is_empty()) {
        return Outcome::Nothing;
    }
    // A receiver that gives the speed alone is at rest and has no course.
    put(update, MAGNETIC, field::direction(magnetic));
    put(update, TRUE, field::direction(course));
    let speed = field::speed_of(field::speed(kmh, kmh_letter), field::speed(knots, knots_letter))
        .or_else(|| field::speed_of(field::kmh(kmh), field::knots(knots)));
    put(update, SPEED, speed.filter(|speed| *speed >= 0.0));
    understood(update)
}
