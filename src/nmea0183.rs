//! NMEA 0183: bytes in, [`Update`]s out. [`Decoder`] is the whole of it for one device.

pub mod convert;
pub mod field;
pub mod sentence;

use crate::kernel::time::Now;
use crate::kernel::update::Update;

/// How a device's sentences are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Accept sentences without a checksum (a wrong one is always refused).
    pub checksum_optional: bool,
    /// `!AIVDO` is the own vessel. Off in `taffrail convert`, which knows no own ship and keeps the MMSI context.
    pub vdo_is_own: bool,
}

/// What became of one line. Every line is exactly one of these, so that a recording can be accounted for in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Published at least one value.
    Understood,
    /// Known, correct, and nothing to publish: part of a group, an empty report, a sentence that we ignore on purpose.
    Nothing,
    /// Known, and marked by its sender as not valid (status `V`).
    Void,
    /// A correct sentence of a kind that we do not know.
    Unknown,
    /// The checksum is missing or wrong.
    BadChecksum,
    /// Has the frame of a sentence, but its content cannot be.
    Malformed,
    /// No sentence at all.
    Noise,
}

/// What one device sent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Bytes of all kinds.
    pub bytes: u64,
    /// Lines with the frame of a sentence, good or bad.
    pub sentences: u64,
    /// Of these: [`Outcome::Understood`].
    pub understood: u64,
    /// [`Outcome::Nothing`].
    pub nothing: u64,
    /// [`Outcome::Void`].
    pub void: u64,
    /// [`Outcome::Unknown`].
    pub unknown: u64,
    /// [`Outcome::BadChecksum`].
    pub bad_checksum: u64,
    /// [`Outcome::Malformed`].
    pub malformed: u64,
    /// Bytes that belong to no sentence.
    pub noise_bytes: u64,
}

/// Turns what one device sends into updates. Holds what its sentences need of each other: the open line, groups of several
/// sentences, the last known date.
#[derive(Debug, Default)]
pub struct Decoder {
    options: Options,
    counters: Counters,
}

impl Decoder {
    /// A decoder for one device.
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes bytes as they were read, in pieces of any size, and adds what their complete lines say to `out`.
    pub fn feed(&mut self, bytes: &[u8], now: Now, out: &mut Vec<Update>) {
        let _ = (&self.options, bytes, now, out);
    }

    /// The device has ended: a last line without an end is taken as complete.
    pub fn finish(&mut self, now: Now, out: &mut Vec<Update>) {
        let _ = (now, out);
    }

    /// Takes one whole line without its end.
    pub fn line(&mut self, line: &[u8], now: Now, out: &mut Vec<Update>) -> Outcome {
        let _ = (line, now, out);
        Outcome::Noise
    }

    /// What came so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
