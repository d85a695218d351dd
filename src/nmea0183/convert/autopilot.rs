//! Heading and track control: HSC, HTC, HTD.

use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

const TARGET_TRUE: &str = "steering.autopilot.target.headingTrue";
const TARGET_MAGNETIC: &str = "steering.autopilot.target.headingMagnetic";

/// `HSC,heading,T,heading,M`: the commanded heading. The letters decide, the later of two equal ones wins, and an empty
/// letter stands for the one of its place. A command replaces the one before it as a whole, so the reference that it
/// leaves out becomes null.
pub(super) fn hsc(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let (mut in_true, mut in_magnetic) = (None, None);
    for (n, of_place) in [(1, "T"), (3, "M")] {
        let letter = if sentence.field(n + 1).is_empty() { of_place } else { sentence.field(n + 1) };
        if let Some(heading) = field::direction(sentence.field(n)) {
            match letter {
                "T" | "t" => in_true = Some(heading),
                "M" | "m" => in_magnetic = Some(heading),
                _ => {}
            }
        }
    }
    if in_true.is_some() || in_magnetic.is_some() {
        update.push(TARGET_TRUE, field::number_or_null(in_true));
        update.push(TARGET_MAGNETIC, field::number_or_null(in_magnetic));
    }
    understood(update)
}

/// `HTC`: what the controller is told. Field 2 and 3 the rudder, 10 the heading, 13 its reference.
pub(super) fn htc(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    command(sentence, update);
    understood(update)
}

/// `HTD`: what the controller does: the fields of HTC, and in field 4 the mode, in 17 the heading of the ship.
pub(super) fn htd(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    command(sentence, update);
    let state = match sentence.field(4) {
        "M" => Some("standby"),
        "S" | "H" => Some("auto"),
        "T" => Some("route"),
        "R" => Some("directControl"),
        _ => None,
    };
    if let Some(state) = state {
        update.push("steering.autopilot.state", Value::text(state));
    }
    if let Some(heading) = field::direction(sentence.field(17)) {
        match sentence.field(13) {
            "T" => update.push("navigation.headingTrue", Value::number(heading)),
            "M" => update.push("navigation.headingMagnetic", Value::number(heading)),
            _ => {}
        }
    }
    understood(update)
}

fn command(sentence: &Sentence<'_>, update: &mut Update) {
    if let Some(angle) = field::degrees(sentence.field(2)) {
        match sentence.field(3) {
            "L" => update.push("steering.rudderAngleTarget", Value::number(-angle + 0.0)),
            "R" => update.push("steering.rudderAngleTarget", Value::number(angle)),
            _ => {}
        }
    }
    if let Some(heading) = field::direction(sentence.field(10)) {
        match sentence.field(13) {
            "T" => update.push(TARGET_TRUE, Value::number(heading)),
            "M" => update.push(TARGET_MAGNETIC, Value::number(heading)),
            _ => {}
        }
    }
}
