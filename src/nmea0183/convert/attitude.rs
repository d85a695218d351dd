//! Pitch, roll, yaw and heading of motion sensors and satellite compasses: PASHR, PFEC, PRDID, PSAT, PTNTHPR, THS.
//!
//! `navigation.attitude` is one object in radians, pitch positive with the bow up, roll positive to starboard. A sensor
//! that sends its members apart (XDR) would wipe out the others each time, so what was heard lately is kept beside it.

use super::object::Object;
use super::{State, understood};
use crate::kernel::time::Moment;
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// How long a member of the attitude stands beside a newer one, in milliseconds.
const ATTITUDE_HOLD_MS: u64 = 3000;

/// Roll, pitch and yaw as last heard in XDR. Three values, each with the moment of its arrival.
#[derive(Debug, Default)]
pub struct Attitude {
    members: [Option<(f64, Moment)>; 3],
}

/// A member of the attitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Roll,
    Pitch,
    Yaw,
}

impl Attitude {
    /// Notes one angle in radians.
    pub(super) fn learn(&mut self, axis: Axis, radians: f64, now: Moment) {
        self.members[axis as usize] = Some((radians, now));
    }

    /// Publishes what is fresh.
    pub(super) fn publish(&self, now: Moment, update: &mut Update) {
        let fresh =
            |axis: Axis| self.members[axis as usize].filter(|(_, at)| now.since(*at) <= ATTITUDE_HOLD_MS).map(|m| m.0);
        push_attitude(fresh(Axis::Roll), fresh(Axis::Pitch), fresh(Axis::Yaw), update);
    }
}

fn push_attitude(roll: Option<f64>, pitch: Option<f64>, yaw: Option<f64>, update: &mut Update) {
    if roll.is_some() || pitch.is_some() || yaw.is_some() {
        let attitude = Object::new().number("yaw", yaw).number("pitch", pitch).number("roll", roll);
        update.push("navigation.attitude", attitude.into_value());
    }
}

fn push_heading_true(heading: Option<f64>, update: &mut Update) {
    if let Some(heading) = heading {
        update.push("navigation.headingTrue", Value::number(heading));
    }
}

/// `THS,heading,mode`: true heading; `A` autonomous and `E` estimated count, `M`, `S` and `V` do not.
pub(super) fn ths(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if matches!(sentence.field(2), "M" | "S" | "V") {
        update.push("navigation.headingTrue", Value::Null);
        return Outcome::Void;
    }
    push_heading_true(field::direction(sentence.field(1)), update);
    understood(update)
}

/// `PASHR`. Two forms: `time,heading,T,roll,pitch,heave,..` (inertial systems), and `ATT,time,heading,pitch,roll,..`
/// (Ashtech receivers, last field 1 when the attitude is not good).
pub(super) fn pashr(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if sentence.field(1) == "ATT" {
        if sentence.field(8) == "1" {
            return Outcome::Void;
        }
        let yaw = field::direction(sentence.field(3));
        push_heading_true(yaw, update);
        push_attitude(field::degrees(sentence.field(5)), field::degrees(sentence.field(4)), yaw, update);
    } else if field::time_of_day(sentence.field(1)).is_some() {
        let yaw = (sentence.field(3) == "T").then(|| field::direction(sentence.field(2))).flatten();
        push_heading_true(yaw, update);
        push_attitude(field::degrees(sentence.field(4)), field::degrees(sentence.field(5)), yaw, update);
        if let Some(heave) = field::number(sentence.field(6)) {
            update.push("environment.heave", Value::number(heave));
        }
    }
    understood(update)
}

/// `PFEC` of Furuno: `GPatt,yaw,pitch,roll` and `GPhve,heave,status`. The others are settings and their answers.
pub(super) fn pfec(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    match sentence.field(1) {
        "GPatt" => {
            let yaw = field::direction(sentence.field(2));
            push_heading_true(yaw, update);
            push_attitude(field::degrees(sentence.field(4)), field::degrees(sentence.field(3)), yaw, update);
        }
        "GPhve" => {
            if field::status(sentence.field(3)) == Some(false) {
                return Outcome::Void;
            }
            if let Some(heave) = field::number(sentence.field(2)) {
                update.push("environment.heave", Value::number(heave));
            }
        }
        _ => {}
    }
    understood(update)
}

/// `PRDID,pitch,roll,heading` of Teledyne RD Instruments.
pub(super) fn prdid(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let yaw = field::direction(sentence.field(3));
    push_heading_true(yaw, update);
    push_attitude(field::degrees(sentence.field(2)), field::degrees(sentence.field(1)), yaw, update);
    understood(update)
}

/// `PSAT,HPR,time,heading,pitch,roll,N|G` of Hemisphere: `N` heading by satellites, `G` by the gyro that bridges gaps.
pub(super) fn psat(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if sentence.field(1) == "HPR" {
        let yaw = field::direction(sentence.field(3));
        push_heading_true(yaw, update);
        push_attitude(field::degrees(sentence.field(5)), field::degrees(sentence.field(4)), yaw, update);
    }
    understood(update)
}

/// `PTNTHPR,heading,status,pitch,status,roll,status` of True North: a magnetic compass. Only status `N` (normal) counts.
pub(super) fn ptnthpr(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let normal = |n: usize| sentence.field(n + 1) == "N";
    let angle = |n: usize| normal(n).then(|| field::degrees(sentence.field(n)))?;
    if !normal(1) && !normal(3) && !normal(5) {
        return Outcome::Void;
    }
    if let Some(heading) = normal(1).then(|| field::direction(sentence.field(1))).flatten() {
        update.push("navigation.headingMagnetic", Value::number(heading));
    }
    push_attitude(angle(5), angle(3), None, update);
    understood(update)
}
