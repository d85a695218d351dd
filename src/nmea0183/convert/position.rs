//! Fixes: RMC, GGA, GNS, GLL, RMA.

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, put, put_given, understood};
use crate::kernel::time::Timestamp;
use crate::kernel::update::Update;
use crate::kernel::value::{Position, Value};

const POSITION: &str = "navigation.position";
const SPEED: &str = "navigation.speedOverGround";
const COURSE: &str = "navigation.courseOverGroundTrue";
const VARIATION: &str = "navigation.magneticVariation";

/// After so many weeks the week number of GPS starts again from zero.
const ROLLOVER_MS: i64 = 1024 * 7 * field::DAY_MS;

/// RMC: recommended minimum. 1 time, 2 status, 3-6 position, 7 speed (kn), 8 course (true), 9 date, 10-11 variation,
/// 12 mode, 13 navigational status.
///
/// Status `V` or mode `N`: position, speed and course are null whatever their fields hold; date and time are still given,
/// as a receiver without a fix knows them from its own clock, but nothing is learnt from them.
pub fn rmc(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let valid = field::status(s.field(2)) != Some(false) && !field::mode_is_invalid(s.field(12));
    let stamp = match (field::time_of_day(s.field(1)), field::date(s.field(9))) {
        (Some(of_day), Some(date)) => Some(state.full_time(date, of_day)),
        _ => None,
    };
    if let Some(time) = stamp.or_else(|| state.resolve(s.field(1))) {
        update.timestamp = Some(time);
    }
    if valid {
        if let Some(time) = stamp {
            state.learn(time);
        }
        let position = field::latitude_longitude(s.field(3), s.field(4), s.field(5), s.field(6));
        put_position(update, position);
        put(update, COURSE, field::direction(s.field(8)));
        put(update, SPEED, field::knots(s.field(7)).filter(|speed| *speed >= 0.0));
    } else {
        for path in [POSITION, COURSE, SPEED] {
            update.push(path, Value::Null);
        }
    }
    put_given(update, VARIATION, s.field(10), field::east_west(s.field(10), s.field(11)));
    if let Some(time) = stamp {
        // The schema's "age" is the moment for which the variation was computed, in seconds since 1970.
        let seconds = time.as_millis().div_euclid(1000);
        update.push("navigation.magneticVariationAgeOfService", Value::Integer(seconds));
        put_datetime(update, time);
    }
    if valid { understood(update) } else { Outcome::Void }
}

/// GGA: fix data. 1 time, 2-5 position, 6 quality, 7 satellites, 8 dilution, 9-10 antenna height (m), 11-12 geoid above
/// the ellipsoid (m), 13 age of differential data (s), 14 reference station.
pub fn gga(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    if s.fields().iter().all(|f| f.is_empty()) {
        return Outcome::Nothing;
    }
    update.timestamp = state.resolve(s.field(1)).or(update.timestamp);
    let quality = s.field(6);
    let valid = quality != "0";
    let position = field::latitude_longitude(s.field(2), s.field(3), s.field(4), s.field(5));
    put_position(update, position.filter(|_| valid));
    if !quality.is_empty() {
        let name = match quality {
            "0" => Some("no GPS"),
            "1" => Some("GNSS Fix"),
            "2" => Some("DGNSS fix"),
            "3" => Some("Precise GNSS"),
            "4" => Some("RTK fixed integer"),
            "5" => Some("RTK float"),
            "6" => Some("Estimated (DR) mode"),
            "7" => Some("Manual input"),
            "8" => Some("Simulator mode"),
            "9" => Some("Error"),
            _ => None,
        };
        put_quality(update, name);
    }
    // The unit of both heights is always metres; some senders write another letter and mean metres all the same.
    put_fix_details(update, [s.field(7), s.field(9), s.field(8), s.field(11), s.field(13), s.field(14)]);
    if valid { understood(update) } else { Outcome::Void }
}

/// GNS: fix data for several systems. 1 time, 2-5 position, 6 a mode letter for each system, 7 satellites, 8 dilution,
/// 9 antenna height (m), 10 geoid above the ellipsoid (m), 11 age of differential data, 12 reference station,
/// 13 navigational status.
pub fn gns(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    if s.fields().iter().all(|f| f.is_empty()) {
        return Outcome::Nothing;
    }
    update.timestamp = state.resolve(s.field(1)).or(update.timestamp);
    let modes = s.field(6);
    let valid = modes.is_empty() || !modes.bytes().all(|b| b == b'N');
    let position = field::latitude_longitude(s.field(2), s.field(3), s.field(4), s.field(5));
    put_position(update, position.filter(|_| valid));
    if !modes.is_empty() {
        put_quality(update, best_mode(modes));
    }
    put_fix_details(update, [s.field(7), s.field(9), s.field(8), s.field(10), s.field(11), s.field(12)]);
    let status = match s.field(13) {
        "S" => Some("Safe"),
        "C" => Some("Caution"),
        "U" => Some("Unsafe"),
        "V" => Some("Not Valid"),
        _ => None,
    };
    if let Some(status) = status {
        update.push("navigation.gnss.status", Value::text(status));
    }
    if valid { understood(update) } else { Outcome::Void }
}

/// GLL: 1-4 position, 5 time, 6 status, 7 mode. Senders of before NMEA 2.0 stop after field 4.
pub fn gll(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    update.timestamp = state.resolve(s.field(5)).or(update.timestamp);
    if field::status(s.field(6)) == Some(false) || field::mode_is_invalid(s.field(7)) {
        update.push(POSITION, Value::Null);
        return Outcome::Void;
    }
    if (1..=4).all(|n| s.field(n).is_empty()) {
        return Outcome::Nothing;
    }
    put_position(update, field::latitude_longitude(s.field(1), s.field(2), s.field(3), s.field(4)));
    understood(update)
}

/// RMA: the same minimum from a Loran-C receiver. 1 status, 2-5 position, 6-7 time differences, 8 speed (kn), 9 course
/// (true), 10-11 variation.
pub fn rma(s: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let valid = field::status(s.field(1)) != Some(false) && !field::mode_is_invalid(s.field(12));
    if valid {
        put_position(update, field::latitude_longitude(s.field(2), s.field(3), s.field(4), s.field(5)));
        put_given(update, COURSE, s.field(9), field::direction(s.field(9)));
        put_given(update, SPEED, s.field(8), field::knots(s.field(8)).filter(|speed| *speed >= 0.0));
    } else {
        for path in [POSITION, COURSE, SPEED] {
            update.push(path, Value::Null);
        }
    }
    put_given(update, VARIATION, s.field(10), field::east_west(s.field(10), s.field(11)));
    if valid { understood(update) } else { Outcome::Void }
}

/// Publishes `navigation.datetime`.
pub(super) fn put_datetime(update: &mut Update, time: Timestamp) {
    let bytes = time.to_bytes();
    update.push("navigation.datetime", Value::text(std::str::from_utf8(&bytes).unwrap_or_default()));
}

/// Takes a date back out of the last week rollover of a receiver with old firmware: it is 1024 weeks behind. Only where
/// that brings it to within a day of the wall clock, so that a recording from those years keeps its dates.
pub(super) fn rolled_over(time: Timestamp, wall: Timestamp) -> Timestamp {
    let moved = time.plus_millis(ROLLOVER_MS);
    let distance = moved.as_millis().abs_diff(wall.as_millis());
    if distance <= field::DAY_MS as u64 { moved } else { time }
}

fn put_position(update: &mut Update, position: Option<Position>) {
    update.push(POSITION, position.map_or(Value::Null, Value::Position));
}

fn put_quality(update: &mut Update, name: Option<&'static str>) {
    update.push("navigation.gnss.methodQuality", name.map_or(Value::Null, Value::text));
}

/// The best mode among the systems, in the words of the schema: the fix is as good as the best system makes it.
fn best_mode(modes: &str) -> Option<&'static str> {
    const ORDER: [(char, &str); 9] = [
        ('R', "RTK fixed integer"),
        ('F', "RTK float"),
        ('P', "Precise GNSS"),
        ('D', "DGNSS fix"),
        ('A', "GNSS Fix"),
        ('E', "Estimated (DR) mode"),
        ('M', "Manual input"),
        ('S', "Simulator mode"),
        ('N', "no GPS"),
    ];
    ORDER.iter().find(|(letter, _)| modes.contains(*letter)).map(|(_, name)| *name)
}

/// The numbers that GGA and GNS share: satellites, antenna height, dilution, geoid, age and station of differential data.
fn put_fix_details(update: &mut Update, [satellites, height, dilution, geoid, age, station]: [&str; 6]) {
    if !satellites.is_empty() {
        update.push("navigation.gnss.satellites", field::integer_or_null(field::integer(satellites)));
    }
    put_given(update, "navigation.gnss.antennaAltitude", height, field::number(height));
    put_given(update, "navigation.gnss.horizontalDilution", dilution, field::number(dilution));
    put_given(update, "navigation.gnss.geoidalSeparation", geoid, field::number(geoid));
    put_given(update, "navigation.gnss.differentialAge", age, field::number(age));
    if !station.is_empty() {
        update.push("navigation.gnss.differentialReference", field::integer_or_null(field::integer(station)));
    }
}
