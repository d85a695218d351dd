//! The writer: what the recorder does with each message, and when it commits, seals, merges and drops.
//!
//! It never reads a clock: the time comes with the ticks, so that a test runs a week in a second. Whatever the disk does,
//! it goes on: records wait in memory while there is room, then they are lost and a gap says which.

mod failure;
mod pace;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use self::pace::Pace;
use super::HistoryError;
use super::budget::Budget;
use super::disk::Disk;
use super::intake::{Intake, text_bytes};
use super::policy::RecordPolicy;
use super::record::{Epoch, Gap, GapReason, Record};
use super::retention::Retention;
use super::sentences::{Inbox, Sentence};
use super::status::{SharedStatus, State};
use super::store::Store;
use super::tail::{Tail, Waiting};
use super::unused::Sweep;
use crate::clock::{Clock, SystemClock};
use crate::kernel::time::{Moment, Now, Timestamp};

/// Records in waiting from which on a commit does not wait for its time.
const COMMIT_RECORDS: usize = super::log::BLOB_RECORDS_MAX;
/// Gaps held until they can be written; beyond that the last one is stretched.
const GAPS_MAX: usize = 64;
/// Epochs held likewise. More than one or two wait only when commits fail, and then those of a run become one.
const EPOCHS_MAX: usize = 16;
/// Between two pieces of work on old data while there is much to do, in milliseconds.
const WORK_PAUSE_MS: u64 = 1_000;
/// A text longer than this is not recorded.
pub(super) const VALUE_BYTES_MAX: usize = 1 << 20;
/// Capture times beyond this are refused, as JavaScript's clients cannot hold them: 275,000 years.
pub(super) const STAMP_MAX: i64 = 8_640_000_000_000_000;

/// How the recorder works.
#[derive(Debug, Clone)]
pub struct Config {
    /// Directory of the database, for it alone. Made when missing.
    pub directory: PathBuf,
    /// The context of the own vessel in full.
    pub own_context: Arc<str>,
    /// Milliseconds between commits: what a power cut may lose.
    pub commit_interval_ms: u64,
    /// Milliseconds between two ticks, about.
    pub tick_ms: u64,
    /// What is recorded.
    pub policy: RecordPolicy,
    /// What is kept.
    pub retention: Retention,
    /// Bytes that may be written in a day; `None` for no bound.
    pub write_bytes_per_day_max: Option<u64>,
}

impl Config {
    /// Everything, for ever, committed every ten seconds.
    pub fn new(directory: impl Into<PathBuf>, own_context: impl Into<Arc<str>>) -> Self {
        Self {
            directory: directory.into(),
            own_context: own_context.into(),
            commit_interval_ms: 10_000,
            tick_ms: 250,
            policy: RecordPolicy::default(),
            retention: Retention::default(),
            write_bytes_per_day_max: None,
        }
    }
}

/// The writer without its thread.
pub struct Writer {
    config: Config,
    disk: Box<dyn Disk>,
    status: SharedStatus,
    tail: Tail,
    /// Where sentences come in, if they do.
    inbox: Inbox,
    intake: Intake,
    budget: Budget,
    store: Option<Store>,
    gaps: Vec<Gap>,
    epochs: Vec<Epoch>,
    last_seq: Option<u64>,
    /// The last time that a tick brought.
    now: Now,
    trusted: bool,
    run_began: Option<Moment>,
    pace: Pace,
    /// Times the commits.
    watch: Box<dyn Clock>,
    worked_at: Option<Moment>,
    sealed_at: Option<Moment>,
    next_boundary: Option<i64>,
    next_room: Option<Moment>,
    standing: Standing,
    busy: bool,
    sweeping: Sweeping,
    retry: Option<Retry>,
}

/// Whether what arrives is taken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Recording,
    /// The disk is too full: what arrives is lost, until there is room.
    LowSpace,
    /// The database is not ours to write: what arrives is lost.
    Refused,
}

/// Whether series that nothing refers to are looked for.
#[derive(Debug, Default)]
struct Sweeping {
    /// Something was dropped that may have been the last of a series.
    due: bool,
    /// The next sweep does not begin before this, and goes on after that id.
    not_before: Moment,
    after: i64,
    now: Option<Sweep>,
}

/// A database that failed, and when it is tried again.
#[derive(Debug, Clone)]
struct Retry {
    since: Moment,
    at: Moment,
    pause_ms: u64,
}

impl Writer {
    /// A writer that opens its database at the first tick.
    pub fn new(config: Config, disk: Box<dyn Disk>, status: SharedStatus, tail: Tail) -> Self {
        Self {
            intake: Intake::new(config.policy.clone(), config.own_context.clone()),
            budget: Budget::new(config.write_bytes_per_day_max),
            pace: Pace::new(config.tick_ms),
            watch: Box::new(SystemClock::new()),
            config,
            disk,
            status,
            tail,
            inbox: Inbox::default(),
            store: None,
            gaps: Vec::new(),
            epochs: Vec::new(),
            last_seq: None,
            now: Now::default(),
            trusted: false,
            run_began: None,
            worked_at: None,
            sealed_at: None,
            next_boundary: None,
            next_room: None,
            standing: Standing::Recording,
            busy: false,
            sweeping: Sweeping::default(),
            retry: None,
        }
    }

    /// Takes sentences from here.
    #[must_use]
    pub fn with_sentences(self, inbox: Inbox) -> Self {
        Self { inbox, ..self }
    }

    /// Times its commits with this.
    #[must_use]
    pub fn with_watch(self, watch: Box<dyn Clock>) -> Self {
        Self { watch, ..self }
    }

    /// Takes a batch, in order of `seq`.
    pub fn batch(&mut self, records: Vec<Record>) {
        let economy = self.budget.economy();
        let (mut left_out, mut refused) = (0, 0);
        let mut lost: Option<Gap> = None;
        let tail = self.tail.clone();
        let mut buffer = tail.lock();
        for record in records {
            let bytes = text_bytes(&record.value);
            let out_of_order = self.last_seq.is_some_and(|last| record.seq < last);
            if out_of_order || bytes > VALUE_BYTES_MAX || record.capture.as_millis().abs() > STAMP_MAX {
                refused += 1;
                continue;
            }
            self.last_seq = Some(record.seq);
            let slot = self.intake.slot(&record);
            if !self.intake.keeps(slot, &record, economy) {
                left_out += 1;
                continue;
            }
            if self.standing != Standing::Recording || !buffer.has_room(bytes) {
                let reason =
                    if self.standing == Standing::LowSpace { GapReason::LowSpace } else { GapReason::WriteFailed };
                let gap = lost.get_or_insert(Gap {
                    first_seq: record.seq,
                    last_seq: record.seq,
                    from: record.received,
                    to: record.received,
                    reason,
                });
                gap.last_seq = record.seq;
                gap.to = record.received;
                self.status.update(|s| s.lost += 1);
                continue;
            }
            buffer.text_bytes += bytes;
            buffer.records.push(Waiting { slot, record });
        }
        let waiting = buffer.records.len();
        drop(buffer);
        self.status.update(|s| {
            s.left_out += left_out;
            s.refused += refused;
        });
        if let Some(gap) = lost {
            self.gap(gap);
        }
        if waiting >= COMMIT_RECORDS && self.store.is_some() {
            self.commit();
        }
    }

    /// Takes note of a gap.
    pub fn gap(&mut self, gap: Gap) {
        self.last_seq = self.last_seq.max(Some(gap.last_seq));
        let full = self.gaps.len() >= GAPS_MAX;
        match self.gaps.last_mut() {
            Some(last) if last.reason == gap.reason && (full || last.last_seq.saturating_add(1) >= gap.first_seq) => {
                last.last_seq = last.last_seq.max(gap.last_seq);
                last.to = gap.to;
            }
            Some(last) if full => {
                last.last_seq = last.last_seq.max(gap.last_seq);
                last.to = gap.to;
            }
            // While nothing can be written, one stretch of loss is one gap, whatever was left out in between.
            Some(last) if last.reason == gap.reason && self.store.is_none() => {
                last.last_seq = gap.last_seq;
                last.to = gap.to;
            }
            _ => self.gaps.push(gap),
        }
    }

    /// Takes note that the clock was set or became trusted. What waits in memory is moved at once; the row in the database
    /// is about what is durable (which may be nothing), and goes there with the next tick, whatever the interval.
    pub fn epoch(&mut self, epoch: Epoch) {
        self.tail.lock().shift(epoch.first_seq..=epoch.last_seq, epoch.offset_ms);
        let durable = self.status.get().durable_seq.unwrap_or(0);
        let epoch = Epoch { last_seq: epoch.last_seq.min(durable), ..epoch };
        let full = self.epochs.len() >= EPOCHS_MAX;
        match self.epochs.last_mut() {
            // Nothing was committed between the two.
            Some(last) if (last.first_seq, last.last_seq) == (epoch.first_seq, epoch.last_seq) => {
                last.offset_ms = last.offset_ms.saturating_add(epoch.offset_ms);
                last.at = epoch.at;
            }
            _ if full => {}
            _ => self.epochs.push(epoch),
        }
    }

    /// Does what is due. Bounded: at most one commit and one piece of work on old data.
    pub fn tick(&mut self, now: Now, trusted_wall: bool) {
        self.now = now;
        self.trusted = trusted_wall;
        self.status.update(|s| s.seen = Some(now.mono));
        self.run_began.get_or_insert(now.mono);
        if self.standing == Standing::Refused {
            return;
        }
        if self.store.is_none() && !self.open() {
            return;
        }
        if self.room_is_due() {
            self.look_for_room();
        }
        let interval = self.interval_ms();
        // The plug may be pulled: what dates the records must not wait. After a failure it is tried at once whether the database
        // can be written again.
        let due = !self.epochs.is_empty() || self.retry.is_some() || self.pace.is_due(now.mono, interval);
        if due && !self.commit() {
            return;
        }
        // Old data is looked at as often as new data is committed, or every second while there is much to do.
        if due || (self.busy && self.worked_at.is_none_or(|at| now.mono.since(at) >= WORK_PAUSE_MS)) {
            self.worked_at = Some(now.mono);
            self.busy = self.work();
        }
    }

    /// Commits what waits, whatever the time.
    pub fn flush(&mut self) -> bool {
        (self.store.is_some() || (self.standing != Standing::Refused && self.open())) && self.commit()
    }

    /// The last commit, and the end.
    pub fn stop(mut self) {
        self.flush();
        if let Some(store) = self.store.take() {
            store.close();
        }
        self.status.update(|s| s.state = State::Stopped);
    }

    /// The sentences that are to go with this commit.
    fn sentences(&self) -> Vec<Sentence> {
        let (waiting, lost) = self.inbox.waiting();
        let wanted = self.standing == Standing::Recording && self.budget.economy().sentences;
        if wanted || waiting.is_empty() {
            self.status.update(|s| s.sentences_lost += lost);
            return waiting;
        }
        self.inbox.drop_first(waiting.len());
        self.status.update(|s| s.sentences_lost += lost + waiting.len() as u64);
        Vec::new()
    }

    fn interval_ms(&self) -> u64 {
        self.config.commit_interval_ms.saturating_mul(self.budget.economy().interval_factor)
    }

    /// Opens the database, unless it is not yet time to try again.
    fn open(&mut self) -> bool {
        if self.retry.as_ref().is_some_and(|retry| self.now.mono < retry.at) {
            return false;
        }
        match Store::open(&self.config.directory) {
            Ok(store) => self.opened(store),
            Err(error) => {
                self.failed(error);
                // Set aside: the new one is opened at once.
                if self.retry.is_none() && self.standing != Standing::Refused {
                    match Store::open(&self.config.directory) {
                        Ok(store) => return self.opened(store),
                        Err(error) => self.degrade(&error.to_string()),
                    }
                }
                false
            }
        }
    }

    fn opened(&mut self, store: Store) -> bool {
        let highest = match store.highest_seq() {
            Ok(highest) => highest,
            Err(source) => {
                self.failed(HistoryError::Sql { what: "read the highest timepoint", source });
                return false;
            }
        };
        if let Some(seq) = highest {
            // A commit whose sync failed may be there all the same: it must not be there twice.
            self.tail.lock().drop_up_to(seq);
        }
        self.intake.forget_ids();
        if self.retry.is_some() {
            // The system may take for written what it could not write: all of it is written anew before we rely on it.
            if let Err(source) = store.settle() {
                self.failed(HistoryError::Sql { what: "settle the database after a failure", source });
                return false;
            }
        }
        self.store = Some(store);
        self.next_boundary = None;
        let interval = self.interval_ms();
        let recording = self.retry.is_none();
        self.status.update(|s| {
            if recording {
                s.state = State::Recording;
            }
            s.durable_seq = s.durable_seq.max(highest);
            s.commit_interval_ms = interval;
        });
        true
    }

    /// Something could be written: what had failed is over.
    fn recovered(&mut self) {
        if self.retry.take().is_some() {
            self.status.update(|s| s.state = State::Recording);
        }
    }

    fn commit(&mut self) -> bool {
        if self.store.is_none() {
            return false;
        }
        self.pace.begins(self.now.mono);
        let sentences = self.sentences();
        let empty = self.tail.lock().records.is_empty() && sentences.is_empty();
        // While the disk is too full nothing is written, and what is lost in that time becomes one gap.
        if empty && (self.standing == Standing::LowSpace || (self.gaps.is_empty() && self.epochs.is_empty())) {
            self.recovered();
            return true;
        }
        let Some(store) = self.store.as_mut() else { return false };
        let began = self.watch.now().mono;
        let outcome = store.commit(&self.tail, &mut self.intake, (&self.gaps, &self.epochs), &sentences, self.now.wall);
        self.pace.took(self.watch.now().mono.since(began));
        match outcome {
            Ok(committed) => {
                {
                    let mut buffer = self.tail.lock();
                    buffer.drop_first(committed.records);
                    if buffer.records.is_empty() {
                        self.intake.trim();
                    }
                }
                self.inbox.drop_first(sentences.len());
                self.gaps.clear();
                self.epochs.clear();
                let wall = self.now.wall;
                self.status.update(|s| {
                    s.records += committed.records as u64 - committed.refused;
                    s.refused += committed.refused;
                    s.commits += 1;
                    s.sentences += sentences.len() as u64;
                    s.durable_seq = s.durable_seq.max(committed.last_seq);
                    s.last_commit = Some(wall);
                });
                self.recovered();
                true
            }
            Err(source) => {
                self.failed(HistoryError::Sql { what: "commit the log", source });
                false
            }
        }
    }

    /// The wall time of the last tick.
    pub fn wall(&self) -> Timestamp {
        self.now.wall
    }
}
