//! `[history]`: what is recorded, and how much room it may take.

use std::path::PathBuf;
use std::time::Duration;

/// `[history]`
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Record at all.
    pub enabled: bool,
    /// The directory of the history; `history` below the state directory when not set.
    pub path: Option<PathBuf>,
    /// Synced to the card this often: what a power cut can cost.
    pub commit_interval: Duration,
    /// Bytes that the history may take.
    pub max_size: u64,
    /// Bytes that stay free on its partition.
    pub keep_free: u64,
    /// Megabytes written a day, where limited.
    pub max_mb_per_day: Option<u32>,
    /// How long values are kept, where that is limited.
    pub keep_for: Option<Duration>,
    /// The same for other vessels.
    pub keep_others_for: Option<Duration>,
    /// How long the log is kept, for clients that resume.
    pub log_for: Duration,
    /// Keep NMEA 0183 sentences as they came.
    pub sentences: bool,
    /// `[[history.rule]]`, first match counts.
    pub rules: Vec<RecordRule>,
}

/// `[[history.rule]]`: what is recorded of which values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRule {
    /// Whose values.
    pub context: RecordContext,
    /// Path pattern.
    pub path: String,
    /// How many of them.
    pub keep: Keep,
}

/// `context` of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordContext {
    /// The own vessel.
    Own,
    /// Every other context.
    Others,
    /// Those that match a pattern.
    Pattern(String),
}

/// `keep` of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Every value.
    All,
    /// None.
    Nothing,
    /// The first in each stretch of this length.
    OneIn(Duration),
}
