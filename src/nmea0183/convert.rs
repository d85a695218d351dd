//! Formatter to converter. A converter fills in one [`Update`] that already names the own vessel and the source.
//!
//! To add a sentence: write its [`Converter`] in the file of its family under `convert/`, give it an arm in
//! [`converter`], and its field names an entry in [`super::explain`].
//!
//! What an empty field means. Where a sentence exists to report one thing, an empty field says that the thing is gone, and
//! null is published: it replaces the old value on the plotter. Where a field is an extra that many senders never fill
//! (variation, height), empty says nothing and nothing is published: another sentence may well know it. A damaged field
//! is always null, because its old value is not what the sender means either.

pub mod course;
pub mod depth;
pub mod heading;
pub mod position;
pub mod route;
pub mod rudder;
pub mod satellites;
pub mod speed;
pub mod temperature;
pub mod time;
pub mod weather;
pub mod wind;

mod alerts;
mod attitude;
mod autopilot;
mod barometer;
mod cruzpro;
pub mod device;
#[cfg(test)]
mod device_tests;
mod distress;
mod engine;
mod gnss_quality;
mod motion;
mod notification;
mod object;
mod proprietary;
mod seatalk;
mod targets;
mod transducer;
mod waypoints;

use super::Outcome;
use super::field;
use super::sentence::Sentence;
use crate::kernel::time::{Now, Timestamp};
use crate::kernel::update::{PathValue, Update};
use crate::kernel::value::Value;

pub use alerts::TextMessage;
pub use transducer::{Transducers, XdrRule};

/// Turns one sentence into values. It adds them to the update and says what became of the sentence; it may change the
/// update's context (a radar target, a vessel in distress) and its timestamp. An update left without values is not
/// passed on.
pub type Converter = fn(&Sentence<'_>, &mut State, &mut Update) -> Outcome;

/// The converter for a formatter (three letters, or the whole address of a proprietary sentence).
pub fn converter(formatter: &str) -> Option<Converter> {
    // Matched as bytes: the compiler makes a decision tree of it instead of forty comparisons.
    Some(match formatter.as_bytes() {
        // position and time
        b"RMC" => position::rmc,
        b"GGA" => position::gga,
        b"GNS" => position::gns,
        b"GLL" => position::gll,
        b"RMA" => position::rma,
        b"ZDA" => time::zda,
        b"GSV" => satellites::gsv,
        // course, speed, heading
        b"VTG" => course::vtg,
        b"HDG" => heading::hdg,
        b"HDM" => heading::hdm,
        b"HDT" => heading::hdt,
        b"ROT" => heading::rot,
        b"RSA" => rudder::rsa,
        b"VHW" => speed::vhw,
        b"VLW" => speed::vlw,
        // wind
        b"MWV" => wind::mwv,
        b"MWD" => wind::mwd,
        b"VWR" => wind::vwr,
        b"VWT" => wind::vwt,
        // depth, temperature, weather
        b"DPT" => depth::dpt,
        b"DBT" => depth::dbt,
        b"DBS" => depth::dbs,
        b"DBK" => depth::dbk,
        b"MTW" => temperature::mtw,
        b"MTA" => temperature::mta,
        b"MDA" => weather::mda,
        // route
        b"APB" => route::apb,
        b"BWC" => route::bwc,
        b"BWR" => route::bwr,
        b"RMB" => route::rmb,
        b"XTE" => route::xte,
        _ => return device::converter(formatter),
    })
}

/// Sentences that are known and carry nothing which Signal K has a place for: [`device::is_ignored`], and queries
/// (`xxyyQ`).
pub fn is_ignored(sentence: &Sentence<'_>) -> bool {
    device::is_ignored(sentence.formatter) || (!sentence.talker.is_empty() && is_query(sentence))
}

fn is_query(sentence: &Sentence<'_>) -> bool {
    sentence.formatter.len() == 3 && sentence.formatter.ends_with('Q') && sentence.fields().len() == 1
}

/// What a device's sentences need of each other, one per [`super::Decoder`].
#[derive(Debug, Default)]
pub struct State {
    /// Time of arrival of the sentence in hand.
    pub now: Now,
    /// Whether the wall time of arrival may be wrong by any amount: then no date is taken from it.
    pub wall_in_doubt: bool,
    /// What the sentences of single devices need of each other.
    pub devices: device::DeviceState,
    /// Time in the tag block of the sentence in hand.
    pub tag_time: Option<Timestamp>,
    /// The last full date and time that this device gave (RMC, ZDA), and when it did.
    clock: Option<(Timestamp, Now)>,
    /// Open groups of satellites in view.
    satellites: satellites::Groups,
    /// The buffer of an update that stayed empty, for the next one.
    spare: Vec<PathValue>,
}

/// Around midnight, for so many milliseconds, a receiver's date and time of day may not be of the same day.
const MIDNIGHT_MS: i64 = 5_000;

impl State {
    /// The last full date and time that the device gave, and when it did.
    pub fn learnt(&self) -> Option<(Timestamp, Now)> {
        self.clock
    }

    /// Notes a full date and time that the device gave.
    pub fn learn(&mut self, time: Timestamp) {
        self.clock = Some((time, self.now));
    }

    /// The time that a `hhmmss` field means, on the day that brings it nearest to the time of the tag block, else to the
    /// time last learnt from the device (moved on by what has passed since), else to the wall clock. So midnight never
    /// jumps a day, whichever of two sentences comes first. `None` when the day is not known.
    pub fn resolve(&self, time_of_day: &str) -> Option<Timestamp> {
        let of_day = field::time_of_day(time_of_day)?;
        let expected = self.tag_time.or_else(|| self.expected())?;
        let today = expected.start_of_day().plus_millis(of_day);
        let days =
            (expected.as_millis().saturating_sub(today.as_millis()) + field::DAY_MS / 2).div_euclid(field::DAY_MS);
        Some(today.plus_millis(days * field::DAY_MS))
    }

    /// The time by what was last learnt from the device, else by the wall clock, if that is right.
    fn expected(&self) -> Option<Timestamp> {
        match self.clock {
            Some((time, at)) => Some(time.plus_millis(i64::try_from(self.now.mono.since(at.mono)).unwrap_or(i64::MAX))),
            None => (!self.wall_in_doubt).then_some(self.now.wall),
        }
    }

    /// The time that a date (midnight of its day) and a time of day come to, with the faults of receivers taken out: a week
    /// number that has rolled over, and a date that changes some sentences before or after the time of day at midnight.
    pub fn full_time(&self, date: Timestamp, of_day: i64) -> Timestamp {
        let time = position::rolled_over(date.plus_millis(of_day), self.now.wall);
        let Some(expected) = self.expected() else { return time };
        let moved = match of_day {
            0..MIDNIGHT_MS => time.plus_millis(field::DAY_MS),
            _ if of_day >= field::DAY_MS - MIDNIGHT_MS => time.plus_millis(-field::DAY_MS),
            _ => return time,
        };
        if moved.as_millis().abs_diff(expected.as_millis()) < MIDNIGHT_MS as u64 { moved } else { time }
    }

    /// Brings the own position in an update to WGS 84 when its talker has announced another datum.
    pub(super) fn settle_datum(&self, talker: &str, update: &mut Update) {
        self.devices.datums.settle(talker, self.now.mono, update);
    }

    /// An empty list of values with room for `capacity` of them.
    pub(super) fn empty_values(&mut self, capacity: usize) -> Vec<PathValue> {
        let spare = std::mem::take(&mut self.spare);
        if spare.capacity() == 0 { Vec::with_capacity(capacity) } else { spare }
    }

    /// Gives back a list that stayed empty.
    pub(super) fn take_back(&mut self, values: Vec<PathValue>) {
        debug_assert!(values.is_empty());
        self.spare = values;
    }
}

/// Publishes a number, or null when the field is empty or damaged.
pub fn put(update: &mut Update, path: &'static str, n: Option<f64>) {
    update.push(path, field::number_or_null(n));
}

/// Publishes a number read from `text`: nothing when the field is empty, null when it is damaged.
pub fn put_given(update: &mut Update, path: &'static str, text: &str, n: Option<f64>) {
    if !text.is_empty() {
        put(update, path, n);
    }
}

/// Understood when there is a value among what was published, otherwise an empty report.
pub fn understood(update: &Update) -> Outcome {
    if update.values.iter().any(|v| v.value != Value::Null) { Outcome::Understood } else { Outcome::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Moment;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    /// A device that told a date, and so many milliseconds later.
    fn after(learnt: Option<&str>, wall: &str, ms: u64) -> State {
        let mut state = State { now: Now { wall: at(wall), mono: Moment::default() }, ..State::default() };
        if let Some(time) = learnt {
            state.learn(at(time));
        }
        state.now = Now { wall: state.now.wall.plus_millis(ms as i64), mono: Moment::from_millis(ms) };
        state
    }

    #[test]
    fn a_date_that_changes_too_late_or_too_early_at_midnight_is_put_right() {
        let table = [
            // The date that was learnt, milliseconds since, what the sentence says, what it means.
            (Some("2027-01-15T23:59:59Z"), 1_000, "150127", "000000", "2027-01-16T00:00:00.000Z"),
            (Some("2027-01-15T23:59:59Z"), 1_000, "160127", "000000", "2027-01-16T00:00:00.000Z"),
            (Some("2027-01-15T23:59:58Z"), 1_000, "160127", "235959", "2027-01-15T23:59:59.000Z"),
            (Some("2027-01-31T23:59:59Z"), 2_000, "310127", "000001", "2027-02-01T00:00:01.000Z"),
            // A recording read as fast as it can be: no time passes.
            (Some("2027-01-15T23:59:59Z"), 0, "150127", "000001", "2027-01-16T00:00:01.000Z"),
            // By the wall clock, when the device has said nothing yet.
            (None, 0, "150127", "000001", "2027-01-16T00:00:01.000Z"),
            // Not at midnight, or not by a day: as it is said.
            (Some("2027-01-15T23:59:59Z"), 8_000, "150127", "000007", "2027-01-15T00:00:07.000Z"),
            (Some("2027-01-15T12:00:00Z"), 1_000, "150127", "000000", "2027-01-15T00:00:00.000Z"),
            (Some("2027-01-15T23:59:59Z"), 1_000, "140127", "000000", "2027-01-14T00:00:00.000Z"),
        ];
        for (learnt, ms, date, time, expected) in table {
            let state = after(learnt, "2027-01-16T00:00:01Z", ms);
            let (date, of_day) = (field::date(date).expect("a date"), field::time_of_day(time).expect("a time"));
            assert_eq!(state.full_time(date, of_day).to_string(), expected, "{learnt:?} {date} {time}");
        }
    }

    #[test]
    fn a_time_of_day_means_nothing_without_a_date_or_a_clock_that_is_right() {
        let mut state = after(None, "1970-01-01T00:00:40Z", 0);
        assert!(state.resolve("100000").is_some());
        state.wall_in_doubt = true;
        assert_eq!(state.resolve("100000"), None);
        state.learn(at("2027-01-15T10:00:00Z"));
        assert_eq!(state.resolve("100001"), Some(at("2027-01-15T10:00:01Z")));
        let mut tagged = State { tag_time: Some(at("2027-01-15T10:00:00Z")), ..State::default() };
        tagged.wall_in_doubt = true;
        assert_eq!(tagged.resolve("100001"), Some(at("2027-01-15T10:00:01Z")));
    }
}
