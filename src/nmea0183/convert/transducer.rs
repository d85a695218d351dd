//! XDR: groups of transducer type, value, unit and name. The type and unit say how to come to SI, the name says what was
//! measured; names are not standardised, so a table of rules ([`XdrRule`]) turns them into paths: the configured ones
//! first, then those for the names that common devices use. What no rule names goes nowhere.

mod rules;

use compact_str::CompactString;

use super::attitude::Axis;
use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;
use crate::steps;

pub use rules::XdrRule;

/// Cubic metres in a litre.
const CUBIC_METRES_PER_LITRE: f64 = 0.001;

/// The configured rules of one device.
#[derive(Debug, Default)]
pub struct Transducers {
    configured: Vec<XdrRule>,
}

impl Transducers {
    /// With rules of the user's, which come before the built-in ones.
    pub fn new(configured: Vec<XdrRule>) -> Self {
        Self { configured }
    }

    /// Where a measurement belongs and its factor; `None` when nobody knows the name.
    fn target(&self, kind: &str, unit: &str, name: &str) -> Option<(CompactString, f64)> {
        steps::took(self.configured.len() + rules::BUILT_IN.len());
        let configured = self.configured.iter().find_map(|rule| rule.target(kind, unit, name));
        configured.or_else(|| rules::BUILT_IN.iter().find_map(|rule| rule.target(kind, unit, name)))
    }
}

/// `XDR,type,value,unit,name,..` with any number of groups.
pub(super) fn xdr(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let now = state.now.mono;
    let devices = &mut state.devices;
    let mut turned = false;
    for group in sentence.fields().chunks_exact(4) {
        let [kind, value, unit, name] = [group[0], group[1], group[2], group[3]];
        if value.is_empty() || name.is_empty() {
            continue;
        }
        let Some((path, factor)) = devices.transducers.target(kind, unit, name) else { continue };
        let axis = match path.as_str() {
            "navigation.attitude.roll" => Some(Axis::Roll),
            "navigation.attitude.pitch" => Some(Axis::Pitch),
            "navigation.attitude.yaw" => Some(Axis::Yaw),
            _ => None,
        };
        match (axis, measurement(kind, value, unit, factor)) {
            (Some(axis), Value::Number(radians)) => {
                devices.attitude.learn(axis, radians, now);
                turned = true;
            }
            (None, value @ (Value::Number(_) | Value::Bool(_))) => update.push_at(path, value),
            _ => {}
        }
    }
    if turned {
        devices.attitude.publish(now, update);
    }
    understood(update)
}

/// A measurement in SI; null when it cannot be read.
fn measurement(kind: &str, text: &str, unit: &str, factor: f64) -> Value {
    if kind == "S" {
        // Switch or valve: the unit is empty or `B` (binary).
        return match text {
            "1" | "1.0" | "ON" | "On" => Value::Bool(true),
            "0" | "0.0" | "OFF" | "Off" => Value::Bool(false),
            _ => Value::Null,
        };
    }
    si(kind, text, unit).map_or(Value::Null, |n| Value::number(n * factor))
}

/// To SI by transducer type and unit (NMEA 0183, XDR). Types: `A` angle, `C` temperature, `D` displacement, `F` frequency,
/// `G` generic, `H` humidity, `I` current, `L` salinity, `M` absolute humidity, `N` force, `P` pressure, `R` flow, `T`
/// tachometer, `U` voltage, `V` volume, `W` dew point.
fn si(kind: &str, text: &str, unit: &str) -> Option<f64> {
    let n = field::number(text)?;
    Some(match (kind, unit) {
        ("A", "D") => n.to_radians(),
        ("C" | "W", "C") => n + field::KELVIN_AT_ZERO_CELSIUS,
        ("C" | "W", "F") => (n - 32.0) / 1.8 + field::KELVIN_AT_ZERO_CELSIUS,
        // Percent of the full range: trim tabs, humidities, tank levels.
        ("A" | "E" | "G" | "H" | "V", "P") => n / 100.0,
        ("D", "f" | "F") => n * field::METRES_PER_FOOT,
        ("L", "S") => n / 1000.0,
        ("P", "B") => n * 100_000.0,
        // Not in the standard, but sent: hectopascal or millibar, inches of mercury.
        ("P", "H") => n * 100.0,
        ("P", "I") => n * field::PASCAL_PER_INCH_OF_MERCURY,
        ("R" | "V", "L" | "l") => n * CUBIC_METRES_PER_LITRE,
        ("T", "R") => n / 60.0,
        // Engine hours, as some gateways write them; the standard leaves the unit of `G` empty.
        ("G", "H") => n * 3600.0,
        // SI already: kelvin, metre, hertz, ampere, volt, pascal, cubic metre (per second), newton, kg/m3, radian; and
        // what is generic is as its rule says.
        ("C" | "W" | "M", "K")
        | ("D" | "R" | "V", "M")
        | ("F", "H")
        | ("I", "A")
        | ("U", "V")
        | ("P", "P")
        | ("N", "N")
        | ("A", "R")
        | ("G", _) => n,
        // A unit that does not belong to the type: better no value than a wrong one.
        _ => return None,
    })
}
