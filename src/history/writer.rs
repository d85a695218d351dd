//! The writer: what the recorder does with each message, and when it commits, seals, merges and drops.
//!
//! It never reads a clock: the time comes with the ticks, so that a test runs a week in a second. Whatever the disk does,
//! it goes on: records wait in memory while there is room, then they are lost and a gap says which.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use super::HistoryError;
use super::budget::Budget;
use super::disk::Disk;
use super::intake::{Intake, text_bytes};
use super::keyframe;
use super::policy::RecordPolicy;
use super::record::{Epoch, Gap, GapReason, Record};
use super::retention::{self, Retention};
use super::schema::WINDOW_MS;
use super::status::{SharedStatus, State};
use super::store::{Store, set_aside};
use super::tail::{Tail, Waiting};
use super::unsealed::Seal;
use crate::kernel::time::{Moment, Now, Timestamp};

/// How long after the end of a window its stragglers are waited for.
const SEAL_GRACE_MS: i64 = 30_000;
/// How long after the end of an hour its windows are merged.
const MERGE_DELAY_MS: i64 = WINDOW_MS;
/// How long records wait for the clock to become trusted before they are sealed as they are. What was sealed is not moved any
/// more by an epoch that comes later. Until then every query reads all of them, which after six hours takes a small board some
/// seconds.
const UNDATED_WAIT_MS: u64 = 6 * 3_600_000;
/// Between looks at the room on the disk and the size of the database.
const ROOM_MS: u64 = 10_000;
/// First and longest pause before a failed database is tried again.
const RETRY_MIN_MS: u64 = 1000;
const RETRY_MAX_MS: u64 = 60_000;
/// Records in waiting from which on a commit does not wait for its time.
const COMMIT_RECORDS: usize = super::log::BLOB_RECORDS_MAX;
/// Gaps held until they can be written; beyond that the last one is stretched.
const GAPS_MAX: usize = 64;
/// Epochs held likewise. More than one or two wait only when commits fail, and then those of a run become one.
const EPOCHS_MAX: usize = 16;
/// A text longer than this is not recorded.
pub(super) const VALUE_BYTES_MAX: usize = 1 << 20;
/// Capture times beyond this are refused, as JavaScript's clients cannot hold them: 275,000 years.
pub(super) const STAMP_MAX: i64 = 8_640_000_000_000_000;
/// Free pages within the file that count as room although the disk has none left.
const REUSABLE_MIN: u64 = 4 << 20;

/// How the recorder works.
#[derive(Debug, Clone)]
pub struct Config {
    /// Directory of the database, for it alone. Made when missing.
    pub directory: PathBuf,
    /// The context of the own vessel in full.
    pub own_context: Arc<str>,
    /// Milliseconds between commits: what a power cut may lose.
    pub commit_interval_ms: u64,
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
    last_commit: Option<Moment>,
    sealed_at: Option<Moment>,
    next_boundary: Option<i64>,
    next_room: Option<Moment>,
    standing: Standing,
    busy: bool,
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
            config,
            disk,
            status,
            tail,
            store: None,
            gaps: Vec::new(),
            epochs: Vec::new(),
            last_seq: None,
            now: Now::default(),
            trusted: false,
            run_began: None,
            last_commit: None,
            sealed_at: None,
            next_boundary: None,
            next_room: None,
            standing: Standing::Recording,
            busy: false,
            retry: None,
        }
    }

    /// Takes a batch, in order of `seq`.
    pub fn batch(&mut self, records: Vec<Record>) {
        let others_one_in_ms = self.budget.economy().others_one_in_ms;
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
            if !self.intake.keeps(slot, &record, others_one_in_ms) {
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
        // The plug may be pulled: what dates the records must not wait.
        let due = !self.epochs.is_empty() || self.last_commit.is_none_or(|last| now.mono.since(last) >= interval);
        if due && !self.commit() {
            return;
        }
        // Old data is looked at as often as new data is committed, or at every tick while there is much to do.
        if due || self.busy {
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
        self.intake.forget_ids();
        self.store = Some(store);
        self.retry = None;
        self.next_boundary = None;
        let interval = self.interval_ms();
        self.status.update(|s| {
            s.state = State::Recording;
            s.durable_seq = s.durable_seq.max(highest);
            s.commit_interval_ms = interval;
        });
        true
    }

    fn commit(&mut self) -> bool {
        let Some(store) = self.store.as_mut() else { return false };
        self.last_commit = Some(self.now.mono);
        let empty = self.tail.lock().records.is_empty();
        // While the disk is too full nothing is written, and what is lost in that time becomes one gap.
        if empty && (self.standing == Standing::LowSpace || (self.gaps.is_empty() && self.epochs.is_empty())) {
            return true;
        }
        match store.commit(&self.tail, &mut self.intake, &self.gaps, &self.epochs, self.now.wall) {
            Ok(committed) => {
                {
                    let mut buffer = self.tail.lock();
                    buffer.drop_first(committed.records);
                    if buffer.records.is_empty() {
                        self.intake.trim();
                    }
                }
                self.gaps.clear();
                self.epochs.clear();
                let wall = self.now.wall;
                self.status.update(|s| {
                    s.records += committed.records as u64 - committed.refused;
                    s.refused += committed.refused;
                    s.commits += 1;
                    s.durable_seq = s.durable_seq.max(committed.last_seq);
                    s.last_commit = Some(wall);
                });
                true
            }
            Err(source) => {
                self.failed(HistoryError::Sql { what: "commit the log", source });
                false
            }
        }
    }

    /// One piece of work: a seal that is due, else a merge, else what is too old. True when it found something to do.
    fn work(&mut self) -> bool {
        match self.piece_of_work() {
            Ok(done) => done,
            Err(source) => {
                self.failed(HistoryError::Sql { what: "seal, merge or drop", source });
                false
            }
        }
    }

    fn piece_of_work(&mut self) -> rusqlite::Result<bool> {
        if self.seal_if_due()? {
            return Ok(true);
        }
        let Some(store) = self.store.as_mut() else { return Ok(false) };
        let boundary = Seal::load(&store.conn)?.boundary;
        if let Some((hour, report)) = store.sealer.merge(&store.conn, boundary.saturating_sub(MERGE_DELAY_MS))? {
            let damaged = keyframe::write(&store.conn, &mut store.sealer, hour)?;
            self.status.update(|s| {
                s.damaged_blobs += report.damaged + damaged;
                s.lost += report.lost;
            });
            return Ok(true);
        }
        // A clock that is not trusted drops nothing.
        Ok(self.trusted && retention::by_age(&store.conn, &self.config.retention, self.now.wall.as_millis())?)
    }

    fn seal_if_due(&mut self) -> rusqlite::Result<bool> {
        let now = self.now;
        // Until the clock is trusted nothing is known of the window; but not for ever.
        let waited = self.run_began.map_or(0, |began| now.mono.since(began));
        if !self.trusted && waited < UNDATED_WAIT_MS {
            return Ok(false);
        }
        let boundary = (now.wall.as_millis() - SEAL_GRACE_MS).div_euclid(WINDOW_MS) * WINDOW_MS;
        let next = *self.next_boundary.get_or_insert(boundary);
        // By the wall clock, and by the other one in case the wall clock was set back.
        let overdue = self.sealed_at.is_some_and(|at| now.mono.since(at) > 2 * WINDOW_MS as u64);
        if boundary < next && !overdue {
            return Ok(false);
        }
        // What the tail holds from before the boundary belongs into this seal.
        if !self.commit() {
            return Ok(false);
        }
        let Some(store) = self.store.as_mut() else { return Ok(false) };
        let report = store.seal(boundary)?;
        if !report.more {
            self.next_boundary = Some(boundary + WINDOW_MS);
            self.sealed_at = Some(now.mono);
        }
        self.status.update(|s| {
            s.seals += 1;
            s.damaged_blobs += report.damaged;
            s.lost += report.lost;
        });
        Ok(true)
    }

    fn room_is_due(&mut self) -> bool {
        let due = self.next_room.is_none_or(|at| self.now.mono >= at);
        if due {
            self.next_room = Some(self.now.mono + ROOM_MS);
        }
        due
    }

    /// Looks at the size of the database and the room on the disk, and drops the oldest when there is too little.
    fn look_for_room(&mut self) {
        if let Some(written) = self.disk.written_bytes() {
            self.budget.observe(self.now.mono, written);
        }
        let interval = self.interval_ms();
        let Some(store) = self.store.as_mut() else { return };
        if !store.is_in_place() {
            self.store = None;
            // Readers still hold the old file.
            self.status.update(|s| s.generation += 1);
            self.degrade("the database was moved or deleted");
            return;
        }
        let keep = self.config.retention;
        let free_bytes = self.disk.free_bytes();
        let outcome = (|| {
            let pages = store.pages()?;
            let too_large = keep.size_max_bytes.is_some_and(|max| pages.used > max);
            let short = free_bytes.is_some_and(|free| free < keep.keep_free_bytes) && pages.free < REUSABLE_MIN;
            // With a clock that is not trusted the newest windows could be taken for old ones.
            let dropped =
                (too_large || short) && self.trusted && retention::oldest(&store.conn, self.now.wall.as_millis())?;
            if too_large && dropped {
                // The next look is at the next tick: an hour a tick is faster than any boat records.
                self.next_room = None;
            }
            Ok((pages, short && !dropped))
        })();
        match outcome {
            Ok((pages, low_space)) => {
                let standing = if low_space { Standing::LowSpace } else { Standing::Recording };
                if standing != self.standing {
                    self.standing = standing;
                    self.status.update(|s| s.state = if low_space { State::LowSpace } else { State::Recording });
                }
                let (economy, rate) = (self.budget.step(), self.budget.rate());
                self.status.update(|s| {
                    s.used_bytes = pages.used;
                    s.free_bytes = free_bytes;
                    s.economy = economy;
                    s.bytes_per_day = rate;
                    s.commit_interval_ms = interval;
                });
            }
            Err(source) => self.failed(HistoryError::Sql { what: "look for room", source }),
        }
    }

    /// Decides what a failure means: damage sets the file aside, a foreign or newer file is left alone, anything else is
    /// tried again.
    fn failed(&mut self, error: HistoryError) {
        let text = error.to_string();
        self.status.update(|s| s.last_error = Some(text.clone()));
        self.intake.forget_ids();
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
    fn degrade(&mut self, reason: &str) {
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

    /// The wall time of the last tick.
    pub fn wall(&self) -> Timestamp {
        self.now.wall
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
