//! Calls over VHF and MF (DSC and its expansion DSE), and man-overboard devices (MOB).
//!
//! A call is about its sender: the update's context is the caller, or the ship in distress that a relay speaks of.

use compact_str::format_compact;

use super::notification::{Severity, notification, notification_at};
use super::{State, understood};
use crate::kernel::time::Moment;
use crate::kernel::update::{Context, Mmsi, Root, Update};
use crate::kernel::value::{Position, Value};
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;
use crate::steps;

/// Callers whose position waits for the digits that DSE adds; beyond that the oldest is forgotten.
const CALLERS_MAX: usize = 8;

/// How long a caller's position waits for its DSE, in milliseconds: radios send it in the same second.
const CALLER_HOLD_MS: u64 = 60_000;

/// Positions of DSC calls, in whole minutes, until DSE gives the rest. At most [`CALLERS_MAX`].
#[derive(Debug, Default)]
pub struct Calls {
    positions: Vec<(Mmsi, CoarsePosition, Moment)>,
}

/// A position in whole minutes: magnitudes, and the signs apart (a ship can be at 0° 00.9' S).
#[derive(Debug, Clone, Copy)]
struct CoarsePosition {
    latitude: f64,
    longitude: f64,
    south: bool,
    west: bool,
}

impl CoarsePosition {
    /// Ten digits: quadrant (0 NE, 1 NW, 2 SE, 3 SW), latitude `ddmm`, longitude `dddmm`. All nines mean unknown.
    fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let degrees = |degrees: &str, minutes: &str| {
            let minutes = field::number(minutes).filter(|m| *m < 60.0)?;
            Some(field::number(degrees)? + minutes / 60.0)
        };
        let quadrant = text.as_bytes()[0].wrapping_sub(b'0');
        (quadrant <= 3).then_some(Self {
            latitude: degrees(&text[1..3], &text[3..5])?,
            longitude: degrees(&text[5..8], &text[8..10])?,
            south: quadrant >= 2,
            west: quadrant % 2 == 1,
        })
    }

    /// With parts of a minute added.
    fn position(self, latitude_minutes: f64, longitude_minutes: f64) -> Option<Position> {
        let signed = |degrees: f64, negative: bool| if negative { -degrees } else { degrees };
        let latitude = signed(self.latitude + latitude_minutes / 60.0, self.south);
        let longitude = signed(self.longitude + longitude_minutes / 60.0, self.west);
        Position::new(latitude + 0.0, longitude + 0.0)
    }
}

/// What a `DSC` sentence is about.
enum Call<'a> {
    /// Somebody is in distress: nature, and the words of the message.
    Distress(&'a str, &'static str),
    /// Somebody answered a distress call.
    Acknowledged(&'a str),
    /// Urgency.
    Urgency,
    /// Safety.
    Safety,
    /// A ship says where it is.
    Position,
    /// Any other call: a request, a working channel, a poll.
    Other,
}

/// `DSC`: format, sender, category, nature or first telecommand, second, position or frequency, time, ship in distress,
/// its nature, acknowledgement, expansion. Symbols are the last two digits of ITU-R M.493.
pub(super) fn dsc(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let (format, category) = (symbol(sentence.field(1)), symbol(sentence.field(3)));
    let first = symbol(sentence.field(4));
    let in_distress = mmsi(sentence.field(8));
    let Some(caller) = mmsi(sentence.field(2)) else { return Outcome::Nothing };
    // A distress call (format 12) has no category of its own; some radios fill it in, some do not.
    let (subject, call) = match (format, category, first) {
        ("12", _, nature) => (caller, Call::Distress(nature, "distress call")),
        (_, "12", "10") => (in_distress.unwrap_or(caller), Call::Acknowledged(symbol(sentence.field(9)))),
        (_, "12", "12") => (in_distress.unwrap_or(caller), Call::Distress(symbol(sentence.field(9)), "distress relay")),
        (_, "12", nature) => (caller, Call::Distress(nature, "distress call")),
        (_, "10", _) => (caller, Call::Urgency),
        (_, "08", _) => (caller, Call::Safety),
        (_, _, "21") => (caller, Call::Position),
        _ => (caller, Call::Other),
    };
    update.context = Context::Mmsi(root(subject), subject);
    let distress = matches!(call, Call::Distress(..) | Call::Acknowledged(_));
    if distress || matches!(call, Call::Position) || (first == "21" && !matches!(call, Call::Other)) {
        if let Some(coarse) = CoarsePosition::parse(sentence.field(6)) {
            state.devices.calls.learn(subject, coarse, state.now.mono);
            if let Some(position) = coarse.position(0.0, 0.0) {
                update.push("navigation.position", position.into());
            }
        }
    }
    match call {
        Call::Distress(code, kind) => {
            let nature = nature(code);
            let message = format!("DSC {kind} of {subject}: {nature}");
            update
                .push_at(format_compact!("notifications.{nature}"), notification(Severity::Emergency, true, &message));
        }
        Call::Acknowledged(code) => {
            let nature = nature(code);
            let message = format!("DSC distress of {subject} acknowledged by {caller}: {nature}");
            update.push_at(format_compact!("notifications.{nature}"), notification(Severity::Alarm, false, &message));
        }
        Call::Urgency => {
            let message = format!("DSC urgency call of {caller}");
            update.push("notifications.dscUrgency", notification(Severity::Alarm, true, &message));
        }
        Call::Safety => {
            let message = format!("DSC safety call of {caller}");
            update.push("notifications.dscSafety", notification(Severity::Alert, true, &message));
        }
        Call::Position | Call::Other => {}
    }
    understood(update)
}

/// `DSE`: number of sentences, which one, query flag, MMSI, then pairs of code and data. Code `00` adds four digits to
/// each minute of the position, `02` is the speed in tenths of a knot, `03` the course in tenths of a degree.
pub(super) fn dse(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let Some(subject) = mmsi(sentence.field(4)) else { return Outcome::Nothing };
    if sentence.field(3) == "Q" {
        return Outcome::Nothing;
    }
    update.context = Context::Mmsi(root(subject), subject);
    for pair in sentence.fields().get(4..).unwrap_or_default().chunks_exact(2) {
        let data = pair[1];
        steps::took(data.len());
        if !data.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        match symbol(pair[0]) {
            "00" if data.len() == 8 => {
                let parts = |digits: &str| field::number(digits).map(|n| n / 10_000.0);
                let now = state.now.mono;
                let position = state.devices.calls.coarse(subject, now).zip(parts(&data[..4])).zip(parts(&data[4..]));
                if let Some(position) = position.and_then(|((coarse, lat), lon)| coarse.position(lat, lon)) {
                    update.push("navigation.position", position.into());
                }
            }
            "02" => {
                if let Some(tenths) = field::number(data) {
                    let speed = field::metres_per_second_from_knots(tenths / 10.0);
                    update.push("navigation.speedOverGround", Value::number(speed));
                }
            }
            "03" => {
                if let Some(tenths) = field::number(data).filter(|tenths| *tenths <= 3600.0) {
                    let course = field::wrap_two_pi((tenths / 10.0).to_radians());
                    update.push("navigation.courseOverGroundTrue", Value::number(course));
                }
            }
            _ => {}
        }
    }
    understood(update)
}

impl Calls {
    fn learn(&mut self, mmsi: Mmsi, position: CoarsePosition, now: Moment) {
        steps::took(self.positions.len());
        self.positions.retain(|(of, _, at)| *of != mmsi && now.since(*at) <= CALLER_HOLD_MS);
        if self.positions.len() == CALLERS_MAX {
            self.positions.remove(0);
        }
        self.positions.push((mmsi, position, now));
    }

    fn coarse(&self, mmsi: Mmsi, now: Moment) -> Option<CoarsePosition> {
        steps::took(self.positions.len());
        let fresh = |(of, _, at): &&(Mmsi, CoarsePosition, Moment)| *of == mmsi && now.since(*at) <= CALLER_HOLD_MS;
        self.positions.iter().find(fresh).map(|(_, position, _)| *position)
    }
}

/// `MOB`: emitter, status, time, position source, date, time, latitude, `N`, longitude, `E`, course, speed, MMSI, battery.
/// The alarm is the own vessel's: the person has fallen from it.
pub(super) fn mob(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let position =
        field::latitude_longitude(sentence.field(7), sentence.field(8), sentence.field(9), sentence.field(10));
    let emitter = sentence.field(1);
    let value = match sentence.field(2) {
        "A" => notification_at(Severity::Emergency, &format!("Man overboard device {emitter} activated"), position),
        "M" => notification_at(Severity::Emergency, "Man overboard button pressed", position),
        "V" => notification(Severity::Normal, false, "No man overboard device is active"),
        // `T` test, `E` error of the device.
        _ => return Outcome::Nothing,
    };
    update.push("notifications.mob", value);
    understood(update)
}

/// The last two digits of a symbol of two or three: `112` and `12` are the same.
fn symbol(text: &str) -> &str {
    match text.len() {
        3 => text.strip_prefix('1').unwrap_or(text),
        _ => text,
    }
}

/// Nine digits; radios add a tenth, zero.
fn mmsi(text: &str) -> Option<Mmsi> {
    match text.len() {
        9 => Mmsi::parse(text),
        10 if text.is_ascii() => Mmsi::parse(&text[..9]),
        _ => None,
    }
}

/// Coast stations begin with 00, aids to navigation with 99, emergency devices with 97 (ITU-R M.585).
fn root(mmsi: Mmsi) -> Root {
    match mmsi.get() {
        0..=9_999_999 => Root::BaseStations,
        970_000_000..=979_999_999 => Root::Sar,
        990_000_000..=999_999_999 => Root::Atons,
        111_000_000..=111_999_999 => Root::Aircraft,
        _ => Root::Vessels,
    }
}

/// Nature of distress (ITU-R M.493) as the last word of the notification's path.
fn nature(code: &str) -> &'static str {
    match code {
        "00" => "fire",
        "01" => "flooding",
        "02" => "collision",
        "03" => "grounding",
        "04" => "listing",
        "05" => "sinking",
        "06" => "adrift",
        "07" => "undesignated",
        "08" => "abandon",
        "09" => "piracy",
        "10" => "mob",
        "12" => "epirb",
        _ => "unassigned",
    }
}
