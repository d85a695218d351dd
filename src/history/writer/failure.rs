//! What a failure means to the writer: a damaged file is set aside, a foreign one left alone, anything else tried again.

use rusqlite::ErrorCode;

use super::super::HistoryError;
use super::super::record::{Gap, GapReason};
use super::super::status::State;
use super::super::store::set_aside;
use super::{Retry, Standing, Writer};

/// First and longest pause before a failed database is tried again.
const RETRY_MIN_MS: u64 = 1000;
const RETRY_MAX_MS: u64 = 30_000;

impl Writer {
    /// Decides what a failure means: damage sets the file aside, a foreign or newer file is left alone, anything else is
    /// tried again.
    pub(super) fn failed(&mut self, error: HistoryError) {
        let text = error.to_string();
        self.status.update(|s| s.last_error = Some(text.clone()));
        self.intake.forget_ids();
        self.sweeping.now = None;
        match error {
            HistoryError::Version { .. } | HistoryError::Foreign => {
                self.store = None;
                self.standing = Standing::Refused;
                self.status.update(|s| s.state = State::Refused { reason: text });
            }
            error if error.is_damage() => {
                // The last timepoint that we know of; the new database has to go on from there.
                let durable = self.status.get().durable_seq;
                self.store = None;
                match set_aside(&self.config.directory, self.now.wall) {
                    Ok(_) => {
                        self.status.update(|s| {
                            s.set_aside += 1;
                            s.generation += 1;
                        });
                        self.retry = None;
                        if let Some(seq) = durable {
                            let at = self.now.wall;
                            self.gap(Gap { first_seq: 0, last_seq: seq, from: at, to: at, reason: GapReason::Damaged });
                        }
                    }
                    Err(error) => self.degrade(&format!("{text}; set it aside: {error}")),
                }
            }
            _ => {
                self.store = None;
                self.degrade(&text);
            }
        }
    }

    /// Notes when to try again: twice as long each time.
    pub(super) fn degrade(&mut self, reason: &str) {
        let now = self.now.mono;
        let (since, pause_ms) = self
            .retry
            .as_ref()
            .map_or((now, RETRY_MIN_MS), |retry| (retry.since, (retry.pause_ms * 2).min(RETRY_MAX_MS)));
        let at = now + pause_ms;
        self.retry = Some(Retry { since, at, pause_ms });
        self.status.update(|s| {
            s.last_error = Some(reason.to_owned());
            s.state = State::Degraded { since, reason: reason.to_owned(), retry_at: at };
        });
    }
}

impl HistoryError {
    /// Whether the file itself is damaged, so that trying again cannot help.
    fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Sql { source, .. } => {
                matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            _ => false,
        }
    }
}
