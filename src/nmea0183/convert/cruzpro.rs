//! `PBVE`: gauges of CruzPro. One field of letters `A` to `P`, each a hexadecimal digit (`A` is 0), the product first.
//!
//! A byte is two letters, high digit first. A word is four: its low byte first, each byte written as before, except that
//! the last two letters are swapped in weight (third letter times 4096, fourth times 256).

use std::fmt::Write as _;
use std::sync::Arc;

use super::{State, understood};
use crate::kernel::update::{PathMeta, Update, path};
use crate::kernel::value::{Value, push_number};
use crate::nmea0183::Outcome;
use crate::nmea0183::field::KELVIN_AT_ZERO_CELSIUS;
use crate::nmea0183::sentence::Sentence;

/// Pascal in one pound per square inch.
const PASCAL_PER_PSI: f64 = 6_894.757_293;

/// Alarm thresholds last told, of the pressure and of the temperature gauge: metadata goes out when they change.
#[derive(Debug, Default)]
pub struct Gauges {
    pressure: Option<(u16, u16, bool)>,
    temperature: Option<(u16, u16, bool)>,
}

/// RPM and hours (`B`), oil pressure (`D`), engine temperature (`E`). Fuel (`F`) counts in units that it does not name.
pub(super) fn pbve(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let letters = Letters(sentence.field(1).as_bytes());
    let gauges = &mut state.devices.gauges;
    // None: the sentence is too short.
    let _ = match letters.0.first() {
        Some(b'B') => letters.tachometer(update),
        Some(b'D') => letters.oil_pressure(gauges, update),
        Some(b'E') => letters.temperature(gauges, update),
        _ => None,
    };
    understood(update)
}

struct Letters<'a>(&'a [u8]);

impl Letters<'_> {
    fn digit(&self, at: usize) -> Option<u16> {
        self.0.get(at).filter(|b| (b'A'..=b'P').contains(b)).map(|b| u16::from(b - b'A'))
    }

    fn byte(&self, at: usize) -> Option<u16> {
        Some(self.digit(at)? << 4 | self.digit(at + 1)?)
    }

    fn word(&self, at: usize) -> Option<u16> {
        Some(self.digit(at + 2)? << 12 | self.digit(at + 3)? << 8 | self.byte(at)?)
    }

    fn tachometer(&self, update: &mut Update) -> Option<()> {
        let revolutions = f64::from(self.word(42)?) / 60.0;
        let (hours, minutes) = (f64::from(self.word(30)?), f64::from(self.byte(28)?));
        update.push("propulsion.0.revolutions", Value::number(revolutions));
        update.push("propulsion.0.runTime", Value::number(hours * 3600.0 + minutes * 60.0));
        Some(())
    }

    /// Letters 14: unit (0 psi, otherwise bar), 18 and 22: alarm thresholds, 28: pressure.
    fn oil_pressure(&self, gauges: &mut Gauges, update: &mut Update) -> Option<()> {
        let in_bar = self.byte(14)? != 0;
        let (low, high, now) = (self.word(18)?, self.word(22)?, self.word(28)?);
        let pascal = |n: u16| f64::from(n) * if in_bar { 100_000.0 } else { PASCAL_PER_PSI };
        update.push("propulsion.0.oilPressure", Value::number(pascal(now)));
        if gauges.pressure.replace((low, high, in_bar)) != Some((low, high, in_bar)) {
            update.meta.push(PathMeta {
                path: path("propulsion.0.oilPressure"),
                meta: meta("Pa", "Engine oil pressure", low < high, pascal(low), pascal(high)),
            });
        }
        Some(())
    }

    /// Letters 16: unit (0 Fahrenheit, otherwise Celsius), 18 and 22: alarm thresholds, 28: temperature.
    fn temperature(&self, gauges: &mut Gauges, update: &mut Update) -> Option<()> {
        let in_celsius = self.byte(16)? != 0;
        let (low, high, now) = (self.word(18)?, self.word(22)?, self.word(28)?);
        let kelvin = |n: u16| {
            let n = f64::from(n);
            KELVIN_AT_ZERO_CELSIUS + if in_celsius { n } else { (n - 32.0) / 1.8 }
        };
        update.push("propulsion.0.coolantTemperature", Value::number(kelvin(now)));
        if gauges.temperature.replace((low, high, in_celsius)) != Some((low, high, in_celsius)) {
            update.meta.push(PathMeta {
                path: path("propulsion.0.coolantTemperature"),
                meta: meta("K", "Engine coolant temperature", low < high, kelvin(low), kelvin(high)),
            });
        }
        Some(())
    }
}

/// Unit, name and the zones below the lower and above the upper threshold; without zones when the gauge has none.
fn meta(units: &str, name: &str, has_zones: bool, low: f64, high: f64) -> Arc<str> {
    let mut text = String::with_capacity(256);
    // Writing into a String cannot fail.
    let _ = write!(text, r#"{{"units":"{units}","displayName":"{name}""#);
    if has_zones {
        text.push_str(r#","zones":[{"upper":"#);
        push_number(low, &mut text);
        let _ = write!(text, r#","state":"alarm","message":"{name} is low"}},{{"lower":"#);
        push_number(high, &mut text);
        let _ = write!(text, r#","state":"alarm","message":"{name} is high"}}]"#);
    }
    text.push('}');
    Arc::from(text)
}
