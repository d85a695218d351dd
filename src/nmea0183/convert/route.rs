//! Steering to a waypoint: APB, BWC, BWR, RMB, XTE.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, put_given, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;

const CROSS_TRACK: &str = "navigation.courseRhumbline.crossTrackError";
const NEXT_ID: &str = "navigation.courseRhumbline.nextPoint.ID";

/// XTE: 1-2 status (general, cycle lock), 3 distance off the track, 4 side to steer to, 5 unit, 6 mode.
pub fn xte(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if is_void(s, [1, 2]) || field::mode_is_invalid(s.field(6)) {
        return Outcome::Void;
    }
    put_given(update, CROSS_TRACK, s.field(3), cross_track(s.field(3), s.field(4), s.field(5)));
    understood(update)
}

/// APB: 1-2 status, 3-5 cross track as in XTE, 6 arrival circle entered, 7 perpendicular passed, 8-9 bearing from origin to
/// destination, 10 destination, 11-12 bearing from here to it, 13-14 heading to steer, 15 mode.
pub fn apb(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if is_void(s, [1, 2]) || field::mode_is_invalid(s.field(15)) {
        return Outcome::Void;
    }
    put_given(update, CROSS_TRACK, s.field(3), cross_track(s.field(3), s.field(4), s.field(5)));
    put_bearing(
        update,
        s,
        8,
        [
            [
                "navigation.courseRhumbline.bearingTrackTrue",
                "navigation.courseRhumbline.bearingOriginToDestinationTrue",
            ],
            [
                "navigation.courseRhumbline.bearingTrackMagnetic",
                "navigation.courseRhumbline.bearingOriginToDestinationMagnetic",
            ],
        ],
    );
    put_bearing(
        update,
        s,
        11,
        [
            ["navigation.courseRhumbline.bearingToDestinationTrue", "navigation.courseRhumbline.nextPoint.bearingTrue"],
            [
                "navigation.courseRhumbline.bearingToDestinationMagnetic",
                "navigation.courseRhumbline.nextPoint.bearingMagnetic",
            ],
        ],
    );
    put_bearing(
        update,
        s,
        13,
        [["steering.autopilot.target.headingTrue"], ["steering.autopilot.target.headingMagnetic"]],
    );
    if update.values.is_empty() && s.field(10).is_empty() {
        return Outcome::Nothing;
    }
    // An empty name replaces that of the waypoint before.
    update.push(NEXT_ID, Value::text(field::text(s.field(10)).unwrap_or_default()));
    put_alarm(update, "notifications.arrivalCircleEntered", s.field(6), "WP arrival circle entered!");
    put_alarm(update, "notifications.perpendicularPassed", s.field(7), "Perpendicular passed!");
    understood(update)
}

/// BWC: distance and bearing to a waypoint along the great circle. 1 time, 2-5 waypoint, 6-7 bearing true `T`, 8-9 bearing
/// magnetic `M`, 10-11 distance, 12 name, 13 mode. The bearings are those from here, not those of the track.
pub fn bwc(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    to_waypoint(
        s,
        state,
        update,
        &[
            "navigation.courseGreatCircle.nextPoint.position",
            "navigation.courseGreatCircle.nextPoint.distance",
            "navigation.courseGreatCircle.nextPoint.bearingTrue",
            "navigation.courseGreatCircle.nextPoint.bearingMagnetic",
        ],
    )
}

/// BWR: the same along the rhumb line.
pub fn bwr(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    to_waypoint(
        s,
        state,
        update,
        &[
            "navigation.courseRhumbline.nextPoint.position",
            "navigation.courseRhumbline.nextPoint.distance",
            "navigation.courseRhumbline.nextPoint.bearingTrue",
            "navigation.courseRhumbline.nextPoint.bearingMagnetic",
        ],
    )
}

/// RMB: recommended minimum while steering to a waypoint. 1 status, 2 cross track (nautical miles), 3 side to steer to,
/// 4 origin, 5 destination, 6-9 its position, 10 distance (nautical miles), 11 bearing (true), 12 closing speed (kn, minus
/// when going away), 13 arrival, 14 mode.
pub fn rmb(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    const POSITION: &str = "navigation.courseRhumbline.nextPoint.position";
    const BEARING: &str = "navigation.courseRhumbline.nextPoint.bearingTrue";
    const CLOSING: &str = "navigation.courseRhumbline.nextPoint.velocityMadeGood";
    const DISTANCE: &str = "navigation.courseRhumbline.nextPoint.distance";
    if is_void(s, [1, 1]) || field::mode_is_invalid(s.field(14)) {
        for path in [POSITION, BEARING, CLOSING, DISTANCE, CROSS_TRACK] {
            update.push(path, Value::Null);
        }
        return Outcome::Void;
    }
    if (2..=12).all(|n| s.field(n).is_empty()) {
        return Outcome::Nothing;
    }
    let position = field::latitude_longitude(s.field(6), s.field(7), s.field(8), s.field(9));
    update.push(POSITION, position.map_or(Value::Null, Value::Position));
    put(update, BEARING, field::direction(s.field(11)));
    put(update, CLOSING, field::knots(s.field(12)));
    put(update, DISTANCE, field::nautical_miles(s.field(10)));
    put(update, CROSS_TRACK, cross_track(s.field(2), s.field(3), "N"));
    for (path, name) in [(NEXT_ID, s.field(5)), ("navigation.courseRhumbline.previousPoint.ID", s.field(4))] {
        if let Some(name) = field::text(name) {
            update.push(path, Value::text(name));
        }
    }
    understood(update)
}

fn is_void(s: &Sentence<'_>, status_fields: [usize; 2]) -> bool {
    status_fields.iter().any(|&n| field::status(s.field(n)) == Some(false))
}

/// Metres off the track: `L` (steer left) is positive, the boat being to the right of it. `N` is nautical miles; all other
/// senders use kilometres.
fn cross_track(distance: &str, side: &str, unit: &str) -> Option<f64> {
    let metres = match unit {
        "N" | "n" => field::nautical_miles(distance)?,
        "" => return None,
        _ => field::kilometres(distance)?,
    };
    match side {
        "L" | "l" => Some(metres),
        // The sum keeps "on the track" from printing as -0.
        "R" | "r" => Some(-metres + 0.0),
        _ => None,
    }
}

/// A bearing in field `n`, at the true or the magnetic paths by the letter after it.
fn put_bearing<const N: usize>(
    update: &mut Update,
    s: &Sentence<'_>,
    n: usize,
    [when_true, when_magnetic]: [[&'static str; N]; 2],
) {
    let paths = match s.field(n + 1) {
        "T" | "t" => when_true,
        "M" | "m" => when_magnetic,
        _ => return,
    };
    for path in paths {
        put_given(update, path, s.field(n), field::direction(s.field(n)));
    }
}

fn put_alarm(update: &mut Update, path: &'static str, status: &str, message: &str) {
    let value = if field::status(status) == Some(true) {
        Value::json(format!(r#"{{"method":["sound","visual"],"state":"alarm","message":"{message}"}}"#))
    } else {
        Value::Null
    };
    update.push(path, value);
}

fn to_waypoint(
    s: &Sentence<'_>,
    state: &mut State,
    update: &mut Update,
    [position_path, distance_path, true_path, magnetic_path]: &[&'static str; 4],
) -> Outcome {
    update.timestamp = state.resolve(s.field(1)).or(update.timestamp);
    if field::mode_is_invalid(s.field(13)) {
        update.push(position_path, Value::Null);
        return Outcome::Void;
    }
    if [2, 4, 6, 8, 10].iter().all(|&n| s.field(n).is_empty()) {
        return Outcome::Nothing;
    }
    let position = field::latitude_longitude(s.field(2), s.field(3), s.field(4), s.field(5));
    update.push(position_path, position.map_or(Value::Null, Value::Position));
    put_given(update, distance_path, s.field(10), field::distance(s.field(10), s.field(11)));
    for (path, n, letter) in [(true_path, 6, "T"), (magnetic_path, 8, "M")] {
        if s.field(n + 1).eq_ignore_ascii_case(letter) {
            put_given(update, path, s.field(n), field::direction(s.field(n)));
        }
    }
    understood(update)
}
