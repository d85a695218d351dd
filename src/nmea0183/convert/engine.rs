//! RPM: revolutions of engines and shafts.

use compact_str::format_compact;

use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// Engine or shaft numbers at the most; the standard counts from the centre line, odd to starboard, even to port.
const ENGINES_MAX: u32 = 16;

/// `RPM,S|E,number,revolutions per minute,pitch %,status`. Counter-clockwise is negative. The pitch of the propeller has
/// no path in the schema.
pub(super) fn rpm(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let Some(number) = field::count(sentence.field(2)).filter(|n| *n < ENGINES_MAX) else { return Outcome::Nothing };
    // A propulsion id is letters and digits; engines carry their bare number, as CruzPro gauges, XDR and NMEA 2000 do.
    let path = match sentence.field(1) {
        "E" | "e" => format_compact!("propulsion.{number}.revolutions"),
        "S" | "s" => format_compact!("propulsion.shaft{number}.revolutions"),
        _ => return Outcome::Nothing,
    };
    if field::status(sentence.field(5)) == Some(false) {
        update.push_at(path, Value::Null);
        return Outcome::Void;
    }
    update.push_at(path, field::number_or_null(field::revolutions_per_minute(sentence.field(3))));
    understood(update)
}
