//! Recordings brought into the history afterwards: their values go straight into the chunks of their own time.
//!
//! They do not go through the log. The log is what was heard live, in order of `seq`: clients that resume would be served a
//! voyage of years ago as news. In chunks time is what counts; `seq` is the order among equal times only, and that of an
//! import is the number of the change within its file, which lies below what a server gives out.
//!
//! Nothing comes in twice. A recording is known by its content, whatever its name; how many of its lines are in chunks is
//! written in the transaction that writes the chunks. After a power cut the same lines give the same changes with the same
//! numbers, and those that are in are left out. When all of it is in, the hours that it touched are merged and their
//! keyframes written anew, oldest first; that can be done again at will.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::HistoryError;
use super::chunk::Point;
use super::intake::{Intake, text_bytes};
use super::keyframe;
use super::policy::RecordPolicy;
use super::record::Record;
use super::schema::{WINDOW_MS, WINDOWS_PER_HOUR, window_of};
use super::seal::{Placed, Report};
use super::store::Store;
use super::writer::{STAMP_MAX, VALUE_BYTES_MAX};
use crate::kernel::time::Timestamp;

/// Values of one transaction: 4 MiB of memory, and a quarter of an hour of a quiet boat.
pub const VALUES_PER_COMMIT: usize = 32_768;
/// Bytes of text of one transaction.
const TEXT_PER_COMMIT: usize = 8 << 20;

/// Which recording it is: its content, unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Bytes.
    pub bytes: u64,
    /// SHA-1 of them: a checksum against mistakes, not against forgery.
    pub hash: [u8; 20],
}

/// How far a recording has been brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Lines of it whose values are durable.
    pub lines: u64,
    /// Whether that is all.
    pub is_complete: bool,
    /// Values that came of it.
    pub points: u64,
    /// How it was read when it was begun.
    pub settings: String,
    /// Under which name it was begun.
    pub name: String,
}

/// The way in. No recorder may have the database open.
pub struct Import {
    store: Store,
    intake: Intake,
    file: Option<File>,
    waiting: Vec<(usize, Record)>,
    text_bytes: usize,
    refused: u64,
    /// Recordings that were read from their first line on, and the hours that these touched.
    whole: HashSet<i64>,
    hours: BTreeSet<i64>,
}

/// The recording at hand.
#[derive(Debug, Clone, Copy)]
struct File {
    id: i64,
    points: u64,
    range: Option<(i64, i64)>,
}

impl Import {
    /// Opens the history in `directory`, which is made where there is none, for the vessel of `own_context`.
    ///
    /// # Errors
    /// A database that cannot be opened, is damaged, of a later version or another program's.
    pub fn open(directory: &Path, own_context: Arc<str>) -> Result<Self, HistoryError> {
        Ok(Self {
            store: Store::open(directory)?,
            intake: Intake::new(RecordPolicy::default(), own_context),
            file: None,
            waiting: Vec::new(),
            text_bytes: 0,
            refused: 0,
            whole: HashSet::new(),
            hours: BTreeSet::new(),
        })
    }

    /// Takes up a recording, where it was left if it was begun before.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn begin(
        &mut self,
        content: &Content,
        name: &str,
        settings: &str,
        now: Timestamp,
    ) -> Result<Progress, HistoryError> {
        let sql = HistoryError::sql("note the recording");
        let conn = &self.store.conn;
        let key = (content.hash.as_slice(), content.bytes as i64);
        conn.execute(
            "INSERT OR IGNORE INTO import (hash, bytes, name, settings, begun, stage, lines, points)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0)",
            (key.0, key.1, name, settings, now.as_millis()),
        )
        .map_err(&sql)?;
        let (file, progress) = conn
            .query_row(
                "SELECT id, points, t0, t1, lines, stage, settings, name FROM import WHERE hash = ?1 AND bytes = ?2",
                key,
                |row| {
                    let range = row.get::<_, Option<i64>>(2)?.zip(row.get(3)?);
                    let points = row.get::<_, i64>(1)? as u64;
                    let progress = Progress {
                        lines: row.get::<_, i64>(4)? as u64,
                        is_complete: row.get::<_, i64>(5)? > 0,
                        points,
                        settings: row.get(6)?,
                        name: row.get(7)?,
                    };
                    Ok((File { id: row.get(0)?, points, range }, progress))
                },
            )
            .map_err(&sql)?;
        if progress.lines == 0 {
            self.whole.insert(file.id);
        }
        self.file = Some(file);
        self.waiting.clear();
        self.text_bytes = 0;
        Ok(progress)
    }

    /// Takes a value of the recording at hand.
    pub fn take(&mut self, record: Record) {
        let bytes = text_bytes(&record.value);
        if bytes > VALUE_BYTES_MAX || record.capture.as_millis().abs() > STAMP_MAX {
            self.refused += 1;
            return;
        }
        let slot = self.intake.slot(&record);
        self.text_bytes += bytes;
        self.waiting.push((slot, record));
    }

    /// Whether enough waits to be written. To be asked between two lines.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= VALUES_PER_COMMIT || self.text_bytes >= TEXT_PER_COMMIT
    }

    /// Makes durable what was taken, which is what the first `lines` lines say.
    ///
    /// # Errors
    /// A database that cannot be written. What was taken since the last commit is then not in it.
    pub fn commit(&mut self, lines: u64) -> Result<(), HistoryError> {
        self.write(lines, 0)
    }

    /// The same for the last time: the recording is complete.
    ///
    /// # Errors
    /// As [`Import::commit`].
    pub fn complete(&mut self, lines: u64) -> Result<(), HistoryError> {
        self.write(lines, 1)
    }

    fn write(&mut self, lines: u64, stage: i64) -> Result<(), HistoryError> {
        let Some(file) = self.file else { return Ok(()) };
        match self.write_chunks(file, lines, stage) {
            Ok(file) => {
                self.file = Some(file);
                self.text_bytes = 0;
                self.intake.trim();
                Ok(())
            }
            Err(source) => {
                self.intake.forget_ids();
                Err(HistoryError::Sql { what: "write the recording", source })
            }
        }
    }

    fn write_chunks(&mut self, mut file: File, lines: u64, stage: i64) -> rusqlite::Result<File> {
        let tx = self.store.conn.unchecked_transaction()?;
        let mut placed: Vec<Placed> = Vec::with_capacity(self.waiting.len());
        for (slot, record) in self.waiting.drain(..) {
            let Some(series) = self.intake.id(slot, &tx)? else {
                self.refused += 1;
                continue;
            };
            let at = record.capture.as_millis();
            let (first, last) = file.range.unwrap_or((at, at));
            file.range = Some((first.min(at), last.max(at)));
            self.hours.insert(window_of(at).div_euclid(WINDOWS_PER_HOUR) * WINDOWS_PER_HOUR);
            placed.push((window_of(at), series, Point { at: record.capture, seq: record.seq, value: record.value }));
        }
        file.points += placed.len() as u64;
        let mut report = Report::default();
        self.store.sealer.place(&tx, placed, &mut report)?;
        self.refused += report.lost;
        let (first, last) = file.range.unzip();
        tx.execute(
            "UPDATE import SET lines = ?2, stage = ?3, points = ?4, t0 = ?5, t1 = ?6 WHERE id = ?1",
            (file.id, lines as i64, stage, file.points as i64, first, last),
        )?;
        // Retention looks for other vessels from here on.
        tx.execute("UPDATE dropped SET others_from = min(others_from, ?1)", [first.map_or(i64::MAX, window_of)])?;
        tx.commit()?;
        Ok(file)
    }

    /// Merges the hours that ended before `now` and writes the keyframes of those that recordings touched. `each` is told
    /// of every hour, and ends it early by answering false: the rest is done by the next import, or by the server.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn settle(&mut self, now: Timestamp, mut each: impl FnMut(Timestamp) -> bool) -> Result<(), HistoryError> {
        self.settle_hours(now, &mut each).map_err(HistoryError::sql("put the hours of the recordings in order"))
    }

    fn settle_hours(&mut self, now: Timestamp, each: &mut dyn FnMut(Timestamp) -> bool) -> rusqlite::Result<()> {
        let Store { conn, sealer, .. } = &mut self.store;
        let start = |hour: i64| Timestamp::from_millis(hour * WINDOW_MS);
        while let Some((hour, _)) = sealer.merge(conn, now.as_millis())? {
            keyframe::write(conn, sealer, hour)?;
            if !each(start(hour)) {
                return Ok(());
            }
        }
        let mut hours = std::mem::take(&mut self.hours);
        touched_before(conn, &self.whole, &mut hours)?;
        for hour in hours.into_iter().filter(|hour| hour * WINDOW_MS < now.as_millis()) {
            keyframe::write(conn, sealer, hour)?;
            if !each(start(hour)) {
                return Ok(());
            }
        }
        conn.execute("UPDATE import SET stage = 2 WHERE stage = 1", []).map(|_| ())
    }

    /// Bytes of the database in use, for whoever knows how large it may become.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn used_bytes(&self) -> Result<u64, HistoryError> {
        self.store.pages().map(|pages| pages.used).map_err(HistoryError::sql("read the size"))
    }

    /// Values that came of the recording at hand so far.
    pub fn points(&self) -> u64 {
        self.file.map_or(0, |file| file.points)
    }

    /// Values that could not be kept: texts of megabytes, times beyond all calendars, a window that is full.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Ends in order.
    pub fn close(self) {
        self.store.close();
    }
}

/// Adds the hours between the ends of recordings that are complete and were not read from their first line on in this run:
/// which of them they touched is not known any more.
fn touched_before(conn: &Connection, whole: &HashSet<i64>, hours: &mut BTreeSet<i64>) -> rusqlite::Result<()> {
    let mut complete = conn.prepare("SELECT id, t0, t1 FROM import WHERE stage = 1 AND t0 IS NOT NULL")?;
    let ranges: Vec<(i64, i64, i64)> =
        complete.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut merged = conn.prepare("SELECT id FROM window WHERE span = ?1 AND id > ?2 - ?1 AND id <= ?3 ORDER BY id")?;
    for (_, first, last) in ranges.into_iter().filter(|(id, _, _)| !whole.contains(id)) {
        for hour in merged.query_map((WINDOWS_PER_HOUR, window_of(first), window_of(last)), |row| row.get(0))? {
            hours.insert(hour?);
        }
    }
    Ok(())
}
