//! How the recorder is doing, for the status page, the metrics and the log.

use std::sync::{Arc, Mutex, PoisonError};

use crate::kernel::time::{Moment, Timestamp};

/// What the recorder is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum State {
    /// Not open yet.
    #[default]
    Starting,
    /// Recording.
    Recording,
    /// Not able to write; tried again at the moment given. What arrives is held in memory while there is room.
    Degraded {
        /// Since when.
        since: Moment,
        /// What failed, in a sentence.
        reason: String,
        /// When it is tried again.
        retry_at: Moment,
    },
    /// Nothing is recorded because the disk is nearly full and nothing old is left to drop.
    LowSpace,
    /// The database is of a newer version, or not ours: it is left alone and nothing is recorded.
    Refused {
        /// Why, in a sentence.
        reason: String,
    },
    /// Stopped in order.
    Stopped,
}

/// The writer is told the time every second. When it has not come to it for so long, in milliseconds, it waits for a card
/// that does not answer.
const STALLED_MS: u64 = 15_000;

/// Counters since the start, and the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// The last moment at which the writer did something. It stands still while the disk does not answer.
    pub seen: Option<Moment>,
    /// Records that were made durable.
    pub records: u64,
    /// Records left out by the policy or to save writing.
    pub left_out: u64,
    /// Records lost: each is covered by a gap.
    pub lost: u64,
    /// Records refused because they came out of the order of `seq` or were too large.
    pub refused: u64,
    /// Sentences that were made durable.
    pub sentences: u64,
    /// Sentences lost for want of room, or left out to save writing.
    pub sentences_lost: u64,
    /// Commits of the log.
    pub commits: u64,
    /// Windows sealed.
    pub seals: u64,
    /// Blobs that did not match their checksum and were passed over.
    pub damaged_blobs: u64,
    /// Databases that were set aside as damaged.
    pub set_aside: u64,
    /// The last failure, if there was one.
    pub last_error: Option<String>,
    /// The last timepoint that is durable.
    pub durable_seq: Option<u64>,
    /// Wall time of the last commit.
    pub last_commit: Option<Timestamp>,
    /// Milliseconds between commits now: what a power cut may lose.
    pub commit_interval_ms: u64,
    /// How far writing is being saved; 0 is not at all. See [`super::budget`].
    pub economy: usize,
    /// Bytes that may be written in a day, where limited.
    pub bytes_per_day_max: Option<u64>,
    /// Milliseconds in which one value of a series of other vessels is kept, to save writing; 0 for every value.
    pub others_one_in_ms: u64,
    /// The same for the own vessel.
    pub own_one_in_ms: u64,
    /// Bytes a day at the rate of the last hour, where the system tells.
    pub bytes_per_day: Option<u64>,
    /// Bytes of the database in use.
    pub used_bytes: u64,
    /// Bytes free on the disk.
    pub free_bytes: Option<u64>,
    /// Counts databases: it changes when one was set aside, and readers open the new one.
    pub generation: u64,
}

impl Status {
    /// How many milliseconds the writer has been waiting for the disk, when that is too long.
    pub fn stalled_ms(&self, now: Moment) -> Option<u64> {
        let stands = matches!(self.state, State::Recording | State::Degraded { .. } | State::LowSpace);
        let waited = now.since(self.seen.filter(|_| stands)?);
        (waited > STALLED_MS).then_some(waited)
    }

    /// Why what arrives is not recorded, in a sentence; `None` while it is, or is about to be.
    pub fn problem(&self, now: Moment) -> Option<String> {
        if let Some(ms) = self.stalled_ms(now) {
            return Some(format!("the disk has not answered for {} s", ms / 1_000));
        }
        match &self.state {
            State::Degraded { reason, .. } | State::Refused { reason } => Some(reason.clone()),
            State::LowSpace => {
                Some("the disk is nearly full (history.keep_free), and nothing old is left to drop".into())
            }
            State::Starting | State::Recording | State::Stopped => None,
        }
    }

    /// One word for how it is doing, as in `/healthz`.
    pub fn word(&self, now: Moment) -> &'static str {
        match &self.state {
            _ if self.stalled_ms(now).is_some() => "stalled",
            State::Degraded { .. } => "degraded",
            State::LowSpace => "lowSpace",
            State::Refused { .. } => "refused",
            State::Starting => "starting",
            State::Recording => "recording",
            State::Stopped => "stopped",
        }
    }
}

/// The status, shared between the writer and whoever asks.
#[derive(Debug, Clone, Default)]
pub struct SharedStatus(Arc<Mutex<Status>>);

impl SharedStatus {
    /// A copy of the status.
    pub fn get(&self) -> Status {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes it.
    pub(super) fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
