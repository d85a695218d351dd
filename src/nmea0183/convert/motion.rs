//! The boat's way through water and over ground: VBW, VDR, VPW, and what a radar repeats of it in OSD.

use super::object::Object;
use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// `VBW`: speeds along and across the keel, through water (valid when field 3 is `A`) and over ground (field 6), knots.
pub(super) fn vbw(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let (water, ground) = (field::status(sentence.field(3)), field::status(sentence.field(6)));
    if water == Some(false) {
        update.push("navigation.speedThroughWater", Value::Null);
    } else {
        let along = field::knots(sentence.field(1));
        let across = field::knots(sentence.field(2));
        if let Some(along) = along {
            // The sign says ahead or astern, which a bare magnitude would lose.
            let speed = along.hypot(across.unwrap_or(0.0)).copysign(along);
            update.push("navigation.speedThroughWater", Value::number(speed));
            update.push("navigation.speedThroughWaterLongitudinal", Value::number(along));
        }
        if let Some(across) = across {
            update.push("navigation.speedThroughWaterTransverse", Value::number(across));
        }
    }
    if ground == Some(false) {
        update.push("navigation.speedOverGround", Value::Null);
    } else if let Some(along) = field::knots(sentence.field(4)) {
        let across = field::knots(sentence.field(5)).unwrap_or(0.0);
        update.push("navigation.speedOverGround", Value::number(along.hypot(across)));
    }
    if water == Some(false) && ground == Some(false) {
        return Outcome::Void;
    }
    understood(update)
}

/// `VDR,set,T,set,M,drift,N`: the current. One object, with null for what is not known.
pub(super) fn vdr(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let set_true = field::direction(sentence.field(1));
    let set_magnetic = field::direction(sentence.field(3));
    let drift = field::knots(sentence.field(5));
    if set_true.is_some() || set_magnetic.is_some() || drift.is_some() {
        let current =
            Object::new().number("setTrue", set_true).number("setMagnetic", set_magnetic).number("drift", drift);
        update.push("environment.current", current.into_value());
    }
    understood(update)
}

/// `VPW,knots,N,m/s,M`: speed parallel to the wind, negative downwind. The metres carry more digits.
pub(super) fn vpw(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if let Some(speed) = field::number(sentence.field(3)).or_else(|| field::knots(sentence.field(1))) {
        update.push("performance.velocityMadeGood", Value::number(speed));
    }
    understood(update)
}

/// `OSD,heading,status,course,reference,speed,reference,set,drift,units`: own ship as a radar knows it. References: `B`
/// bottom log and `P` positioning system speak of the ground, `W` of the water; `M` (typed in) and `R` (radar) are passed
/// over.
pub(super) fn osd(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let heading_is_void = field::status(sentence.field(2)) == Some(false);
    if !heading_is_void {
        if let Some(heading) = field::direction(sentence.field(1)) {
            update.push("navigation.headingTrue", Value::number(heading));
        }
    }
    if let ("B" | "P", Some(course)) = (sentence.field(4), field::direction(sentence.field(3))) {
        update.push("navigation.courseOverGroundTrue", Value::number(course));
    }
    let units = sentence.field(9);
    if let Some(speed) = field::speed(sentence.field(5), units) {
        match sentence.field(6) {
            "B" | "P" => update.push("navigation.speedOverGround", Value::number(speed)),
            "W" => update.push("navigation.speedThroughWater", Value::number(speed)),
            _ => {}
        }
    }
    let (set, drift) = (field::direction(sentence.field(7)), field::speed(sentence.field(8), units));
    if set.is_some() && drift.is_some() {
        let current = Object::new().number("setTrue", set).number("setMagnetic", None).number("drift", drift);
        update.push("environment.current", current.into_value());
    }
    if update.values.is_empty() && heading_is_void { Outcome::Void } else { understood(update) }
}
