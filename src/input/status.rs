//! What an input is doing and what it has heard: the source of the status page, of `/metrics` and of `taffrail status`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ended::{Ended, Why};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::nmea0183::Counters;

/// What an input is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// On the way: opening, resolving, connecting, looking for the baud rate.
    Connecting,
    /// Open, and reading since then.
    Running {
        /// Since when.
        since: Moment,
    },
    /// Waiting for the next attempt.
    Waiting {
        /// When it will be made.
        until: Moment,
    },
    /// Over for good.
    Ended,
}

/// The last thing that went wrong. It stays after recovery: "why was there no wind an hour ago?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The reason.
    pub why: Why,
    /// In words, with what to do.
    pub text: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// A copy of everything known about an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputReport {
    /// What it is doing.
    pub state: State,
    /// What it is connected to, such as `serial /dev/ttyUSB0 at 4800`; empty before the first connection.
    pub object: Arc<str>,
    /// The last thing that went wrong.
    pub problem: Option<Problem>,
    /// Bytes and lines by what became of them, over all connections.
    pub counters: Counters,
    /// Updates that were thrown away because the server could not keep up.
    pub dropped_updates: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Clients turned away (TCP listener) or senders forgotten (UDP) because there were too many.
    pub turned_away: u64,
    /// When the last byte came.
    pub last_heard: Option<Moment>,
}

/// The shared, live form of an [`InputReport`]: written by the input, read by anybody. The lock is held for a copy.
#[derive(Debug)]
pub struct InputStatus {
    name: Arc<str>,
    report: Mutex<Life>,
}

#[derive(Debug)]
struct Life {
    report: InputReport,
    connections: u64,
}

impl InputStatus {
    /// The status of an input that has not been started.
    pub fn new(name: Arc<str>) -> Self {
        let report = InputReport {
            state: State::Connecting,
            object: Arc::from(""),
            problem: None,
            counters: Counters::default(),
            dropped_updates: 0,
            reconnects: 0,
            turned_away: 0,
            last_heard: None,
        };
        Self { name, report: Mutex::new(Life { report, connections: 0 }) }
    }

    /// The name of the input.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// A copy of everything.
    pub fn report(&self) -> InputReport {
        self.lock().report.clone()
    }

    pub(super) fn connecting(&self) {
        self.lock().report.state = State::Connecting;
    }

    /// A connection to `object` stands.
    pub(super) fn running(&self, object: &str, now: Now) {
        let mut life = self.lock();
        life.report.state = State::Running { since: now.mono };
        life.report.reconnects = life.connections;
        life.connections += 1;
        if &*life.report.object != object {
            life.report.object = Arc::from(object);
        }
    }

    pub(super) fn waiting(&self, until: Moment) {
        self.lock().report.state = State::Waiting { until };
    }

    pub(super) fn ended(&self) {
        self.lock().report.state = State::Ended;
    }

    pub(super) fn problem(&self, ended: &Ended, now: Now) {
        self.lock().report.problem =
            Some(Problem { why: ended.why, text: Arc::from(ended.message.as_str()), at: now.wall });
    }

    /// How long the connection that is ending has stood, in milliseconds; `None` when it never stood.
    pub(super) fn stood_ms(&self, now: Now) -> Option<u64> {
        match self.lock().report.state {
            State::Running { since } => Some(now.mono.since(since)),
            _ => None,
        }
    }

    /// A decoder's counters went from `before` to `after`.
    pub(super) fn heard(&self, before: &Counters, after: &Counters, now: Now) {
        let mut life = self.lock();
        add_difference(&mut life.report.counters, before, after);
        life.report.last_heard = Some(now.mono);
    }

    pub(super) fn dropped(&self, updates: u64) {
        self.lock().report.dropped_updates += updates;
    }

    pub(super) fn turned_away(&self) {
        self.lock().report.turned_away += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        // A panic of the writer leaves plain numbers behind, never a broken invariant.
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds to `total` what lies between two readings of one decoder's counters. Written out in full, so that a new counter is
/// not forgotten here.
fn add_difference(total: &mut Counters, before: &Counters, after: &Counters) {
    let sum = |field: fn(&Counters) -> u64| field(total) + field(after).saturating_sub(field(before));
    *total = Counters {
        bytes: sum(|c| c.bytes),
        sentences: sum(|c| c.sentences),
        understood: sum(|c| c.understood),
        nothing: sum(|c| c.nothing),
        void: sum(|c| c.void),
        unknown: sum(|c| c.unknown),
        bad_checksum: sum(|c| c.bad_checksum),
        malformed: sum(|c| c.malformed),
        noise_bytes: sum(|c| c.noise_bytes),
        bad_tag_blocks: sum(|c| c.bad_tag_blocks),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_successive_decoders_add_up() {
        let status = InputStatus::new(Arc::from("gps"));
        let zero = Counters::default();
        let first = Counters { bytes: 100, sentences: 2, understood: 2, ..zero };
        let more = Counters { bytes: 150, sentences: 3, understood: 2, unknown: 1, ..zero };
        status.heard(&zero, &first, Now::default());
        status.heard(&first, &more, Now::default());
        status.heard(&zero, &first, Now::default());
        let counters = status.report().counters;
        assert_eq!((counters.bytes, counters.sentences, counters.understood, counters.unknown), (250, 5, 4, 1));
    }

    #[test]
    fn the_first_connection_is_no_reconnect() {
        let status = InputStatus::new(Arc::from("gps"));
        status.running("serial /dev/ttyUSB0 at 4800", Now::default());
        assert_eq!(status.report().reconnects, 0);
        status.running("serial /dev/ttyUSB0 at 4800", Now::default());
        assert_eq!(status.report().reconnects, 1);
    }
}
