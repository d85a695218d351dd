//! Sentences of single manufacturers that carry plain values: nke, Garmin, u-blox, and a heave of Furuno.
//! Attitudes are in [`super::attitude`], CruzPro gauges in [`super::cruzpro`], SeaTalk in [`super::seatalk`].

use super::gnss_quality::push_errors;
use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// `PNKEP` of nke: `01` target speed in knots and km/h, `02` course on the other tack, `03` best angle.
pub(super) fn pnkep(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    match sentence.field(1) {
        "01" => {
            if let Some(speed) = field::speed_of(field::knots(sentence.field(2)), field::kmh(sentence.field(4))) {
                update.push("performance.targetSpeed", Value::number(speed));
            }
        }
        "02" => {
            if let Some(course) = field::direction(sentence.field(2)) {
                update.push("performance.tackMagnetic", Value::number(course));
            }
        }
        "03" => {
            if let Some(angle) = field::degrees(sentence.field(2)) {
                update.push("performance.targetAngle", Value::number(angle));
            }
        }
        _ => {}
    }
    understood(update)
}

/// `PGRME` of Garmin: estimated errors of position, horizontal, vertical and overall, in metres.
pub(super) fn pgrme(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let metres = |n: usize| (sentence.field(n + 1) == "M").then(|| field::number(sentence.field(n)))?;
    push_errors(metres(1), metres(3), update);
    understood(update)
}

/// `PGRMZ` of Garmin: altitude in feet; field 3 is `3` when it comes from the fix, `2` when a user typed it in.
pub(super) fn pgrmz(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if let ("3", Some(metres)) = (sentence.field(3), field::distance(sentence.field(1), sentence.field(2))) {
        update.push("navigation.gnss.antennaAltitude", Value::number(metres));
    }
    understood(update)
}

/// `PGRMM` of Garmin: the name of the map datum that the positions of this receiver are in.
pub(super) fn pgrmm(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let now = state.now.mono;
    state.devices.datums.learn_map_datum(sentence.field(1), now, update);
    understood(update)
}

/// `PUBX,00` of u-blox: position and quality in one. The others are satellites, clocks and settings.
pub(super) fn pubx(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if sentence.field(1) != "00" {
        return Outcome::Nothing;
    }
    let quality = match sentence.field(8) {
        "G2" | "G3" => "GNSS Fix",
        "D2" | "D3" => "DGNSS fix",
        "DR" | "RK" => "Estimated (DR) mode",
        // `NF` no fix, `TT` time only.
        _ => {
            update.push("navigation.position", Value::Null);
            return Outcome::Void;
        }
    };
    let Some(position) =
        field::latitude_longitude(sentence.field(3), sentence.field(4), sentence.field(5), sentence.field(6))
    else {
        return Outcome::Nothing;
    };
    update.push("navigation.position", position.into());
    update.push("navigation.gnss.methodQuality", Value::text(quality));
    if let Some(speed) = field::kmh(sentence.field(11)) {
        update.push("navigation.speedOverGround", Value::number(speed));
    }
    if let Some(course) = field::direction(sentence.field(12)) {
        update.push("navigation.courseOverGroundTrue", Value::number(course));
    }
    if let Some(dilution) = field::number(sentence.field(15)) {
        update.push("navigation.gnss.horizontalDilution", Value::number(dilution));
    }
    if let Some(satellites) = field::count(sentence.field(18)) {
        update.push("navigation.gnss.satellites", Value::Integer(i64::from(satellites)));
    }
    push_errors(field::number(sentence.field(9)), field::number(sentence.field(10)), update);
    understood(update)
}
