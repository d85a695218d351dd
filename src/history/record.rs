//! What comes in: the vocabulary in which the hub's feeder speaks to the recorder.

use std::sync::Arc;

use crate::kernel::time::{Moment, Timestamp};
use crate::kernel::value::Value;

/// One value as the model applied it. Records come in batches in the order of `seq`; the values of one change share it,
/// and a change holds a path at most once, so (`seq`, `path`) is a key.
///
/// The three texts should be clones of one `Arc` each for as long as they are the same: the recorder recognises them by
/// address and looks at their letters only once.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The timepoint of the change.
    pub seq: u64,
    /// The context in full, such as `vessels.urn:mrn:imo:mmsi:230029970`.
    pub context: Arc<str>,
    /// The path; empty for the root of the context.
    pub path: Arc<str>,
    /// The `$source`.
    pub source: Arc<str>,
    /// When it was measured: what the data said, otherwise the time of arrival.
    pub capture: Timestamp,
    /// Wall time of arrival.
    pub received: Timestamp,
    /// Monotonic time of arrival, counted from the start of this run.
    pub received_mono: Moment,
    /// Whether the wall clock was trusted when it arrived. While it is not, a capture time equal to the time of arrival
    /// is taken for one that this server made, and an [`Epoch`] re-dates it.
    pub trusted_wall: bool,
    /// The value.
    pub value: Value,
    /// Which of the three it is.
    pub kind: RecordKind,
}

impl Record {
    /// Whether this server made the capture time: the data had none, so that it is the time of arrival.
    pub fn is_stamped_here(&self) -> bool {
        self.capture == self.received
    }

    /// Moves the stamps that this server made: the clock was off by so many milliseconds.
    pub fn shift(&mut self, ms: i64) {
        if self.is_stamped_here() {
            self.capture = self.capture.plus_millis(ms);
        }
        self.received = self.received.plus_millis(ms);
    }
}

/// What a record is about. Each kind of a path is a series of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RecordKind {
    /// A value of the path.
    #[default]
    Value,
    /// Metadata of the path, as a JSON object.
    Meta,
    /// A transition of a notification. Never left out by downsampling.
    Notification,
}

impl RecordKind {
    /// The number that stands in the database.
    pub const fn code(self) -> u8 {
        match self {
            Self::Value => 0,
            Self::Meta => 1,
            Self::Notification => 2,
        }
    }

    /// From the number in the database; `None` for one that this version does not know.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Value),
            1 => Some(Self::Meta),
            2 => Some(Self::Notification),
            _ => None,
        }
    }
}

/// A stretch of the order of which nothing, or not everything, was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// First timepoint that may be missing.
    pub first_seq: u64,
    /// Last timepoint that may be missing.
    pub last_seq: u64,
    /// Wall time of the first loss.
    pub from: Timestamp,
    /// Wall time of the last loss.
    pub to: Timestamp,
    /// Why.
    pub reason: GapReason,
}

/// Why something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The recorder did not keep up: its channel was full.
    Overrun,
    /// The database could not be written (disk full, read-only, I/O error) for longer than memory could bridge.
    WriteFailed,
    /// Recording was paused because the disk had less than the configured space left.
    LowSpace,
    /// The database was damaged and a new one was started.
    Damaged,
    /// The numbers were never given out: the run before ended without a stop and the next began at a safe distance.
    NotUsed,
    /// The feeder lost its place in the tail.
    Missed,
}

impl GapReason {
    /// The word that stands in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overrun => "overrun",
            Self::WriteFailed => "write-failed",
            Self::LowSpace => "low-space",
            Self::Damaged => "damaged",
            Self::NotUsed => "not-used",
            Self::Missed => "missed",
        }
    }

    /// From the word in the database. A word of a later version reads as [`GapReason::Missed`].
    pub fn from_word(word: &str) -> Self {
        [Self::Overrun, Self::WriteFailed, Self::LowSpace, Self::Damaged, Self::NotUsed]
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .unwrap_or(Self::Missed)
    }
}

/// The wall clock was set, or became trusted: what this run stamped before is off by `offset_ms` from what it stamps now. What
/// was stamped while the clock was trusted is never moved; for that an epoch says only that the clock was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// First timepoint that it is about. Epochs of one run may be about the same timepoints: their offsets add up.
    pub first_seq: u64,
    /// Last timepoint that was stamped before. Before `first_seq` when there is none whose stamp could be wrong.
    pub last_seq: u64,
    /// To be added to the stamps that this server made, in milliseconds.
    pub offset_ms: i64,
    /// The right time of the moment at which this was found.
    pub at: Timestamp,
}
