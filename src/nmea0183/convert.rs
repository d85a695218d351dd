//! Formatter to converter. A converter fills in one [`Update`] that already names the own vessel and the source.
//!
//! To add a sentence: write its [`Converter`] in the file of its family under `convert/`, give it an arm in
//! [`converter`], and its field names an entry in [`super::explain`].

mod alerts;
mod attitude;
mod autopilot;
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
use crate::kernel::update::Update;

pub use transducer::XdrRule;

/// Turns one sentence into values. It adds them to the update and says what became of the sentence; it may change the
/// update's context (a radar target, a vessel in distress) and its timestamp. An update left without values is not
/// passed on.
pub type Converter = fn(&Sentence<'_>, &mut State, &mut Update) -> Outcome;

/// What a device's sentences need of each other, one per [`super::Decoder`].
#[derive(Debug, Default)]
pub struct State {
    /// Time of arrival of the sentence in hand.
    pub now: Now,
    /// What the sentences of single devices need of each other.
    pub devices: device::DeviceState,
    /// The last full date and time that this device gave (RMC, ZDA), and when it did.
    clock: Option<(Timestamp, Now)>,
}

/// The converter for a formatter (three letters, or the whole address of a proprietary sentence).
pub fn converter(formatter: &str) -> Option<Converter> {
    device::converter(formatter)
}

impl State {
    /// Notes a full date and time that the device gave.
    pub fn learn(&mut self, time: Timestamp) {
        self.clock = Some((time, self.now));
    }

    /// The time that a `hhmmss` field means, on the day that brings it nearest to the time last learnt from the device
    /// (moved on by what has passed since); without one, nearest to the wall clock. So midnight never jumps a day.
    pub fn resolve(&self, time_of_day: &str) -> Option<Timestamp> {
        let of_day = field::time_of_day(time_of_day)?;
        let expected = match self.clock {
            Some((time, at)) => time.plus_millis(i64::try_from(self.now.mono.since(at.mono)).unwrap_or(0)),
            None => self.now.wall,
        };
        let today = expected.start_of_day().plus_millis(of_day);
        let days = (expected.as_millis() - today.as_millis() + field::DAY_MS / 2).div_euclid(field::DAY_MS);
        Some(today.plus_millis(days * field::DAY_MS))
    }
}
