//! What the writer does with old data, a piece at a time: seals, merges, and what is dropped to stay within bounds.

use super::super::HistoryError;
use super::super::schema::WINDOW_MS;
use super::super::status::State;
use super::super::unsealed::Seal;
use super::super::unused::{Step, Sweep};
use super::super::{keyframe, retention};
use super::{Standing, Writer};

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
/// Between sweeps for series that nothing refers to any more: a day.
const SWEEP_PAUSE_MS: u64 = 86_400_000;
/// Free pages within the file that count as room although the disk has none left.
const REUSABLE_MIN: u64 = 4 << 20;

impl Writer {
    /// One piece of work: a seal that is due, else a merge, else what is too old. True when it found something to do.
    pub(super) fn work(&mut self) -> bool {
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
        if self.trusted && retention::by_age(&store.conn, &self.config.retention, self.now.wall.as_millis())? {
            self.sweeping.due = true;
            return Ok(true);
        }
        self.sweep()
    }

    /// A piece of looking for series that nothing refers to. False when that is not to be done now.
    fn sweep(&mut self) -> rusqlite::Result<bool> {
        let Some(store) = self.store.as_mut() else { return Ok(false) };
        let Some(sweep) = &mut self.sweeping.now else {
            if self.sweeping.due && self.now.mono >= self.sweeping.not_before {
                self.sweeping.now = Sweep::begin(&store.conn, &mut self.intake, self.sweeping.after)?;
                self.sweeping.due = self.sweeping.now.is_some();
                if !self.sweeping.due {
                    self.sweeping.after = 0;
                }
                self.sweeping.not_before = self.now.mono + SWEEP_PAUSE_MS;
            }
            return Ok(self.sweeping.now.is_some());
        };
        if let Step::Done { dropped, next } = sweep.step(&store.conn, &mut store.sealer.log, &mut self.intake)? {
            self.sweeping.now = None;
            self.sweeping.after = next;
            self.sweeping.due = next > 0;
            if next > 0 {
                self.sweeping.not_before = self.now.mono;
            }
            tracing::debug!(dropped, "history: series that nothing refers to any more");
        }
        Ok(true)
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

    pub(super) fn room_is_due(&mut self) -> bool {
        let due = self.next_room.is_none_or(|at| self.now.mono >= at);
        if due {
            self.next_room = Some(self.now.mono + ROOM_MS);
        }
        due
    }

    /// Looks at the size of the database and the room on the disk, and drops the oldest when there is too little.
    pub(super) fn look_for_room(&mut self) {
        if let Some(written) = self.disk.written_bytes() {
            let before = self.budget.step();
            self.budget.observe(self.now.mono, written);
            self.tell_economy(before);
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
            self.sweeping.due |= dropped;
            Ok((pages, short && !dropped))
        })();
        match outcome {
            Ok((pages, low_space)) => {
                let standing = if low_space { Standing::LowSpace } else { Standing::Recording };
                if standing != self.standing {
                    self.standing = standing;
                    self.status.update(|s| s.state = if low_space { State::LowSpace } else { State::Recording });
                }
                let (step, economy, rate) = (self.budget.step(), self.budget.economy(), self.budget.rate());
                let max = self.budget.bytes_per_day_max();
                self.status.update(|s| {
                    s.used_bytes = pages.used;
                    s.free_bytes = free_bytes;
                    s.economy = step;
                    s.others_one_in_ms = economy.others_one_in_ms;
                    s.own_one_in_ms = economy.own_one_in_ms;
                    s.bytes_per_day = rate;
                    s.bytes_per_day_max = max;
                    s.commit_interval_ms = interval;
                });
            }
            Err(source) => self.failed(HistoryError::Sql { what: "look for room", source }),
        }
    }

    /// Says in the log when a step was taken to stay within the bytes of a day, or taken back.
    fn tell_economy(&self, before: usize) {
        let (step, economy) = (self.budget.step(), self.budget.economy());
        if step == before {
            return;
        }
        let (rate, max) = (self.budget.rate(), self.budget.bytes_per_day_max());
        let (commit_ms, others_ms, own_ms) = (self.interval_ms(), economy.others_one_in_ms, economy.own_one_in_ms);
        if step > before {
            tracing::warn!(
                rate,
                max,
                commit_ms,
                others_ms,
                own_ms,
                "history: more is written than max_mb_per_day allows; less is recorded from now on"
            );
        } else {
            tracing::info!(rate, max, commit_ms, others_ms, own_ms, "history: more is recorded again");
        }
    }
}
