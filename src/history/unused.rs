//! Series that nothing refers to any more, and names that no series has: they go after what they stood for.
//!
//! A boat on a busy coast hears of thousands of vessels in a season. When their windows have been dropped, their rows in
//! `series` and `name` would stay for ever. A sweep goes through everything that may refer to a series (windows, keyframes,
//! the log), a piece at a time, and takes off its list what it finds; what is recorded meanwhile takes itself off
//! ([`Intake::watch`](super::intake::Intake::watch)). What is left then goes.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use super::intake::Intake;
use super::keyframe::series_of;
use super::log::LogDecoder;
use super::schema::FIRST_OTHER_SERIES;

/// Series of one sweep: a megabyte. The next sweep takes the next ones.
const SERIES_A_SWEEP: i64 = 32_768;

/// Rows of a table read by one call.
const ROWS_A_CALL: i64 = 256;

/// What may refer to a series, in the order in which it is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Referring {
    Windows,
    Keyframes,
    Log,
}

/// A sweep under way. The list of what nothing was found to refer to lies with the [`Intake`].
#[derive(Debug)]
pub(super) struct Sweep {
    at: Referring,
    /// The last row read.
    after: i64,
    /// The last series on the list: the next sweep begins behind it.
    last: i64,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more to look through.
    More,
    /// So many series are gone; the next sweep begins after this id, 0 when all have been looked at.
    Done { dropped: usize, next: i64 },
}

impl Sweep {
    /// Begins with the series after `after`. `None` when there are none.
    pub fn begin(conn: &Connection, intake: &mut Intake, after: i64) -> rusqlite::Result<Option<Self>> {
        // The newest id of each sort stays, so that no id is ever given out again: readers remember what they stand for.
        let newest = |from: i64| {
            conn.query_row(
                "SELECT coalesce(max(id), 0) FROM series WHERE id >= ?1 AND id < ?2",
                (from, from + FIRST_OTHER_SERIES),
                |row| row.get::<_, i64>(0),
            )
        };
        let kept = [newest(0)?, newest(FIRST_OTHER_SERIES)?];
        let mut statement = conn.prepare("SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let ids = statement.query_map((after, SERIES_A_SWEEP), |row| row.get::<_, i64>(0))?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>()?;
        let Some(last) = ids.last().copied() else { return Ok(None) };
        intake.watch(ids.into_iter().filter(|id| !kept.contains(id)).collect());
        Ok(Some(Self { at: Referring::Windows, after: i64::MIN, last }))
    }

    /// Looks through some more, and drops what is left on the list when everything has been looked through.
    pub fn step(&mut self, conn: &Connection, decoder: &mut LogDecoder, intake: &mut Intake) -> rusqlite::Result<Step> {
        let sql = match self.at {
            Referring::Windows => "SELECT id, series FROM window WHERE id > ?1 ORDER BY id LIMIT ?2",
            Referring::Keyframes => "SELECT id, blob FROM keyframe WHERE id > ?1 ORDER BY id LIMIT ?2",
            Referring::Log => "SELECT id, blob FROM log WHERE id > ?1 ORDER BY id LIMIT ?2",
        };
        let mut read = 0;
        {
            let mut statement = conn.prepare(sql)?;
            let mut rows = statement.query((self.after, ROWS_A_CALL))?;
            while let Some(row) = rows.next()? {
                read += 1;
                self.after = row.get(0)?;
                let blob = row.get_ref(1)?.as_blob()?;
                match self.at {
                    Referring::Windows => series_of(blob).for_each(|id| intake.unwatch(id)),
                    // What cannot be read refers to nothing that could ever be read again.
                    Referring::Keyframes | Referring::Log => {
                        let _ = decoder.series(blob, |id| intake.unwatch(id));
                    }
                }
            }
        }
        if read == ROWS_A_CALL {
            return Ok(Step::More);
        }
        self.after = i64::MIN;
        self.at = match self.at {
            Referring::Windows => Referring::Keyframes,
            Referring::Keyframes => Referring::Log,
            Referring::Log => return self.drop_rest(conn, intake),
        };
        Ok(Step::More)
    }

    fn drop_rest(&self, conn: &Connection, intake: &mut Intake) -> rusqlite::Result<Step> {
        let unused = intake.unwatched();
        let more: Option<i64> = conn
            .query_row("SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT 1", [self.last], |row| row.get(0))
            .optional()?;
        let next = more.map_or(0, |_| self.last);
        if unused.is_empty() {
            return Ok(Step::Done { dropped: 0, next });
        }
        let tx = conn.unchecked_transaction()?;
        {
            let mut delete = tx.prepare("DELETE FROM series WHERE id = ?1")?;
            for id in &unused {
                delete.execute([id])?;
            }
        }
        tx.execute_batch(
            "DELETE FROM name WHERE id NOT IN
                (SELECT context FROM series UNION SELECT path FROM series UNION SELECT source FROM series)",
        )?;
        tx.commit()?;
        Ok(Step::Done { dropped: unused.len(), next })
    }
}

/// Drops all that nothing refers to, at once: for the program, when no recorder runs. Gives how many series there were.
pub(super) fn drop_all(conn: &Connection) -> rusqlite::Result<usize> {
    let mut intake = Intake::new(super::policy::RecordPolicy::default(), "".into());
    let mut decoder = LogDecoder::default();
    let (mut total, mut after) = (0, 0);
    while let Some(mut sweep) = Sweep::begin(conn, &mut intake, after)? {
        let (dropped, next) = loop {
            if let Step::Done { dropped, next } = sweep.step(conn, &mut decoder, &mut intake)? {
                break (dropped, next);
            }
        };
        total += dropped;
        after = next;
        if after == 0 {
            break;
        }
    }
    Ok(total)
}

/// The ids of which nothing is known yet that would refer to them.
pub(super) type Unused = HashSet<i64, foldhash::fast::FixedState>;
