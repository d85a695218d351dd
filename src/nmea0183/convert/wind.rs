//! Wind: MWV, MWD, VWR, VWT.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, put_given, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;

const ANGLE_APPARENT: &str = "environment.wind.angleApparent";
const SPEED_APPARENT: &str = "environment.wind.speedApparent";
const ANGLE_TRUE: &str = "environment.wind.angleTrueWater";
const SPEED_TRUE: &str = "environment.wind.speedTrue";

/// MWV: 1 angle from the bow, clockwise 0 to 360 degrees, 2 reference (`R` apparent, `T` true), 3 speed, 4 its unit, 5
/// status. A sentence that ends after field 4 comes from a converter that leaves the status out, and counts as valid.
pub fn mwv(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let (angle_path, speed_path) = match s.field(2) {
        "R" | "r" => (ANGLE_APPARENT, SPEED_APPARENT),
        "T" | "t" => (ANGLE_TRUE, SPEED_TRUE),
        "" if s.field(1).is_empty() && s.field(3).is_empty() => return Outcome::Nothing,
        // Apparent and true wind must never be mixed up.
        _ => return Outcome::Malformed,
    };
    match field::status(s.field(5)) {
        Some(false) => {
            update.push(speed_path, Value::Null);
            update.push(angle_path, Value::Null);
            return Outcome::Void;
        }
        None if s.fields().len() > 4 => return Outcome::Nothing,
        _ => {}
    }
    put(update, speed_path, field::speed(s.field(3), s.field(4)).filter(|speed| *speed >= 0.0));
    put(update, angle_path, field::degrees(s.field(1)).map(field::wrap_pi));
    understood(update)
}

/// MWD: 1-2 direction true `T`, 3-4 direction magnetic `M`, 5-6 speed in knots `N`, 7-8 speed in m/s `M`. A value whose
/// letter is missing or another one is left out.
pub fn mwd(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if s.field(2) == "T" {
        put_given(update, "environment.wind.directionTrue", s.field(1), field::direction(s.field(1)));
    }
    if s.field(4) == "M" {
        put_given(update, "environment.wind.directionMagnetic", s.field(3), field::direction(s.field(3)));
    }
    let speed = in_unit(s, 7, "M").or_else(|| in_unit(s, 5, "N"));
    if speed.is_some() {
        put(update, SPEED_TRUE, speed);
    }
    understood(update)
}

/// VWR: apparent wind. 1 angle from the bow, 2 `L` port or `R` starboard, then speeds: 3-4 knots `N`, 5-6 m/s `M`,
/// 7-8 km/h `K`. The knots are taken first: they are what such instruments measure in.
pub fn vwr(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let in_place = |n, unit| in_unit_or_bare(s, n, unit);
    let speed = in_place(3, "N").or_else(|| in_place(5, "M")).or_else(|| in_place(7, "K"));
    by_side(s, update, [ANGLE_APPARENT, SPEED_APPARENT], speed)
}

/// VWT: true wind, fields as VWR. Here the m/s are taken first: the instruments that still send VWT compute in them.
pub fn vwt(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let speed = in_unit(s, 5, "M").or_else(|| in_unit(s, 7, "K")).or_else(|| in_unit(s, 3, "N"));
    by_side(s, update, [ANGLE_TRUE, SPEED_TRUE], speed)
}

fn by_side(
    s: &Sentence<'_>,
    update: &mut Update,
    [angle_path, speed_path]: [&'static str; 2],
    speed: Option<f64>,
) -> Outcome {
    let angle = match s.field(2) {
        "L" | "l" => field::degrees(s.field(1)).map(|angle| field::wrap_pi(-angle)),
        "R" | "r" => field::degrees(s.field(1)).map(field::wrap_pi),
        _ => None,
    };
    if angle.is_none() && speed.is_none() && [1, 3, 5, 7].iter().all(|&n| s.field(n).is_empty()) {
        return Outcome::Nothing;
    }
    put(update, angle_path, angle);
    put(update, speed_path, speed);
    understood(update)
}

/// The speed in field `n`, where the letter after it says that it is in this unit.
fn in_unit(s: &Sentence<'_>, n: usize, unit: &str) -> Option<f64> {
    if s.field(n + 1) == unit { field::speed(s.field(n), unit) } else { None }
}

/// The same, in capitals or not, and an empty letter stands for the one of its place.
fn in_unit_or_bare(s: &Sentence<'_>, n: usize, unit: &str) -> Option<f64> {
    let letter = s.field(n + 1);
    if letter.is_empty() || letter.eq_ignore_ascii_case(unit) { field::speed(s.field(n), unit) } else { None }
}
