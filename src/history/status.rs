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

/// Counters since the start, and the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Records that were made durable.
    pub records: u64,
    /// Records left out by the policy or to save writing.
    pub left_out: u64,
    /// Records lost: each is covered by a gap.
    pub lost: u64,
    /// Records refused because they came out of the order of `seq` or were too large.
    pub refused: u64,
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
    /// Bytes a day at the rate of the last hour, where the system tells.
    pub bytes_per_day: Option<u64>,
    /// Bytes of the database in use.
    pub used_bytes: u64,
    /// Bytes free on the disk.
    pub free_bytes: Option<u64>,
    /// Counts databases: it changes when one was set aside, and readers open the new one.
    pub generation: u64,
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
