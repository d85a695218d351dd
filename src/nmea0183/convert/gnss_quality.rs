//! How good the position is, and in which datum: GSA, GBS, GST, DTM.
//!
//! A position belongs to WGS 84 or it does not belong on the chart. A talker that announces another datum (DTM) has its
//! positions moved by the offsets it gives; without offsets they go to `navigation.gnss.positionInLocalDatum`, and
//! `navigation.gnss.datum` says which datum that is. So `navigation.position` is WGS 84 always.

use compact_str::CompactString;

use super::{State, understood};
use crate::kernel::time::Moment;
use crate::kernel::update::{Context, Update, path};
use crate::kernel::value::{Position, Value};
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;
use crate::steps;

/// Talkers whose datum is kept; beyond that the oldest is forgotten.
const DATUMS_MAX: usize = 8;

/// How long a datum holds without being repeated, in milliseconds. The standard asks for DTM before every position that
/// is not in WGS 84; receivers send it every few seconds.
const DATUM_HOLD_MS: u64 = 120_000;

/// `GSA`: fix mode and dilutions. The satellites are one constellation's only, so they are not counted here.
pub(super) fn gsa(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    // Without a fix receivers send 99.99 or nothing.
    let no_fix = sentence.field(2) == "1";
    let dilutions = [(15, "navigation.gnss.positionDilution"), (16, "navigation.gnss.horizontalDilution")];
    for (n, at) in dilutions {
        if no_fix {
            update.push(at, Value::Null);
        } else if let Some(dilution) = field::number(sentence.field(n)) {
            update.push(at, Value::number(dilution));
        }
    }
    if no_fix {
        return Outcome::Void;
    }
    understood(update)
}

/// `GBS`: expected errors of latitude, longitude and altitude in metres.
pub(super) fn gbs(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    push_error_axes(sentence, 2, update);
    understood(update)
}

/// `GST`: standard deviations of latitude, longitude and altitude in metres.
pub(super) fn gst(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    push_error_axes(sentence, 6, update);
    understood(update)
}

fn push_error_axes(sentence: &Sentence<'_>, first: usize, update: &mut Update) {
    let (north, east) = (field::number(sentence.field(first)), field::number(sentence.field(first + 1)));
    let horizontal = north.zip(east).map(|(north, east)| north.hypot(east));
    push_errors(horizontal, field::number(sentence.field(first + 2)), update);
}

/// Publishes estimated errors of the position in metres. The paths are ours: the schema has none.
pub(super) fn push_errors(horizontal: Option<f64>, vertical: Option<f64>, update: &mut Update) {
    if let Some(metres) = horizontal {
        update.push("navigation.gnss.horizontalError", Value::number(metres));
    }
    if let Some(metres) = vertical {
        update.push("navigation.gnss.verticalError", Value::number(metres));
    }
}

/// `DTM,local datum,subdivision,latitude offset in minutes,N|S,longitude offset,E|W,altitude offset,reference datum`.
pub(super) fn dtm(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let code = sentence.field(1);
    if code.is_empty() {
        return Outcome::Nothing;
    }
    update.push("navigation.gnss.datum", Value::text(code));
    let signed = |n: usize, positive: &str, negative: &str| {
        let degrees = field::number(sentence.field(n))? / 60.0;
        match sentence.field(n + 1) {
            letter if letter == positive => Some(degrees),
            letter if letter == negative => Some(-degrees),
            _ => None,
        }
    };
    let offset = if sentence.field(8) == "W84" { signed(3, "N", "S").zip(signed(5, "E", "W")) } else { None };
    let now = state.now.mono;
    state.devices.datums.learn(sentence.talker, is_wgs84(code), offset, now);
    understood(update)
}

/// PZ-90 (`P90`) of today is WGS 84 to within centimetres.
fn is_wgs84(code: &str) -> bool {
    matches!(code, "W84" | "P90")
}

/// The datums that talkers of this device announced, other than WGS 84. At most [`DATUMS_MAX`].
#[derive(Debug, Default)]
pub struct Datums {
    local: Vec<LocalDatum>,
}

#[derive(Debug)]
struct LocalDatum {
    talker: CompactString,
    /// Degrees north and east that the local datum is off WGS 84, where the talker says so.
    offset: Option<(f64, f64)>,
    at: Moment,
}

impl Datums {
    fn learn(&mut self, talker: &str, wgs84: bool, offset: Option<(f64, f64)>, now: Moment) {
        steps::took(self.local.len());
        self.local.retain(|datum| datum.talker != talker && now.since(datum.at) <= DATUM_HOLD_MS);
        if wgs84 {
            return;
        }
        if self.local.len() == DATUMS_MAX {
            self.local.remove(0);
        }
        self.local.push(LocalDatum { talker: CompactString::new(talker), offset, at: now });
    }

    /// Garmin's `PGRMM` names the datum of the receiver, whose standard sentences come from talker `GP`.
    pub(super) fn learn_map_datum(&mut self, name: &str, now: Moment, update: &mut Update) {
        if name.is_empty() {
            return;
        }
        steps::took(name.len());
        let squeezed = name.bytes().filter(u8::is_ascii_alphanumeric);
        let wgs84 = squeezed.eq(*b"WGS84");
        update.push("navigation.gnss.datum", if wgs84 { Value::text("W84") } else { Value::text(name) });
        self.learn("GP", wgs84, None, now);
    }

    /// Brings the own position that `talker` gave to WGS 84, or takes it off `navigation.position`.
    pub(super) fn settle(&self, talker: &str, now: Moment, update: &mut Update) {
        if self.local.is_empty() || update.context != Context::Own {
            return;
        }
        steps::took(self.local.len() + update.values.len());
        let fresh = |datum: &&LocalDatum| datum.talker == talker && now.since(datum.at) <= DATUM_HOLD_MS;
        let Some(datum) = self.local.iter().find(fresh) else { return };
        for value in update.values.iter_mut().filter(|value| value.path == "navigation.position") {
            let Value::Position(local) = value.value else { continue };
            match datum.offset.and_then(|offset| shifted(local, offset)) {
                Some(position) => value.value = position.into(),
                None => value.path = path("navigation.gnss.positionInLocalDatum"),
            }
        }
    }
}

/// The offset is local minus reference.
fn shifted(local: Position, (north, east): (f64, f64)) -> Option<Position> {
    let shifted = Position::new(local.latitude - north, local.longitude - east)?;
    Some(local.altitude().map_or(shifted, |altitude| shifted.with_altitude(altitude)))
}
