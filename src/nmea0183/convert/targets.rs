//! Radar targets: TTM (tracked target) and TLL (target position).
//!
//! A radar numbers its targets and uses the numbers again; they are no vessels with an identity. So they stay with the
//! own vessel, at `sensors.radar.targets.<number>.track` (TTM, one object) and `.position` (TLL). A lost target is null.

use compact_str::format_compact;

use super::object::Object;
use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// Target numbers at the most: three digits (NMEA 0183 4.0 and later; two before).
const TARGETS_MAX: u32 = 1000;

/// `TTM`: number, distance, bearing, `T`/`R`, speed, course, `T`/`R`, distance and minutes to the closest approach, units
/// `K`/`N`/`S`, name, status, `R` for a reference target, time, acquisition.
pub(super) fn ttm(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let Some(number) = field::count(sentence.field(1)).filter(|n| *n < TARGETS_MAX) else { return Outcome::Nothing };
    let path = format_compact!("sensors.radar.targets.{number}.track");
    let status = status(sentence.field(12));
    if status == "lost" {
        update.push_at(path, Value::Null);
        return Outcome::Understood;
    }
    let units = sentence.field(10);
    let distance = |n: usize| match units {
        "S" => field::number(sentence.field(n)).map(|miles| miles * 1609.344),
        _ => field::distance(sentence.field(n), units),
    };
    let Some(range) = distance(2) else { return Outcome::Nothing };
    let bearing_key = if sentence.field(4) == "R" { "bearingRelative" } else { "bearingTrue" };
    let course_key = if sentence.field(7) == "R" { "courseRelative" } else { "courseTrue" };
    let mut track = Object::new()
        .number("distance", Some(range))
        .number_if(bearing_key, field::direction(sentence.field(3)))
        .number_if("speed", field::speed(sentence.field(5), units))
        .number_if(course_key, field::direction(sentence.field(6)));
    if let (Some(closest), Some(minutes)) = (distance(8), field::number(sentence.field(9))) {
        // Negative once the closest approach has been.
        let approach = Object::new().number("distance", Some(closest)).number("timeTo", Some(minutes * 60.0));
        track = track.json("closestApproach", &approach.into_text());
    }
    track = track.text_if("name", &field::text(sentence.field(11)).unwrap_or_default()).text("status", status);
    if sentence.field(13) == "R" {
        track = track.bool("reference", true);
    }
    update.push_at(path, track.into_value());
    understood(update)
}

/// `TLL`: number, position, name, time, status, `R` for a reference target.
pub(super) fn tll(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let Some(number) = field::count(sentence.field(1)).filter(|n| *n < TARGETS_MAX) else { return Outcome::Nothing };
    let path = format_compact!("sensors.radar.targets.{number}.position");
    if status(sentence.field(8)) == "lost" {
        update.push_at(path, Value::Null);
        return Outcome::Understood;
    }
    if let Some(position) =
        field::latitude_longitude(sentence.field(2), sentence.field(3), sentence.field(4), sentence.field(5))
    {
        update.push_at(path, position.into());
    }
    understood(update)
}

/// `L` lost, `Q` (query) being acquired, `T` tracked.
fn status(letter: &str) -> &'static str {
    match letter {
        "L" | "l" => "lost",
        "Q" | "q" => "acquiring",
        _ => "tracking",
    }
}
