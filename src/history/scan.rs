//! All that was recorded in a stretch of time, in order, a page at a time.
//!
//! A scan goes window by window. Of the window at hand it holds the unpacked columns of each chosen series (about three
//! bytes a value: an hour of a busy boat is 700 kB) and merges them slice by slice; what is in the log and in memory joins
//! in. Its place is a time, so that windows may be sealed, merged or dropped between two pages.

use rusqlite::{Connection, OptionalExtension};

use super::HistoryError;
use super::chunk::{Point, Points};
use super::filter::Chosen;
use super::reader::{Filter, Reader, Sample, highest_log_seq};
use super::schema::{PARTS_MAX, WINDOW_MS, WINDOWS_PER_HOUR, chunk_id, split_chunk_id, window_of};
use super::seal::Sealer;
use super::shared;
use super::unsealed::{self, Seal};
use crate::kernel::time::Timestamp;

/// Values that a page holds, about.
const PAGE: i64 = 4096;

/// Series up to which each is looked up by its key; beyond, the whole window is walked.
const LOOKUPS_MAX: usize = 64;

/// A place in the history. Made by [`Reader::scan`].
pub struct Scan {
    filter: Filter,
    chosen: Chosen,
    /// Next time to be delivered, in ms.
    at: i64,
    to: i64,
    slot: Option<Slot>,
}

/// The window at hand, or what is left after the last one.
struct Slot {
    is_of_window: bool,
    columns: Vec<Column>,
    /// From the log and the tail, newest first.
    loose: Vec<Sample>,
    end: i64,
    slice_ms: i64,
}

/// What is left of a chunk, its next point taken out.
struct Column {
    series: i64,
    points: Points,
    next: Option<Point>,
}

impl Scan {
    pub(super) fn new(filter: Filter, chosen: Chosen, from: Timestamp, to: Timestamp) -> Self {
        Self { filter, chosen, at: from.as_millis(), to: to.as_millis(), slot: None }
    }

    /// The time from which the next page goes on.
    pub const fn position(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }

    /// Puts the next values into `page`, in order of (capture time, seq). A page ends between two milliseconds, never
    /// within one. False when there are no more.
    pub fn next_page(&mut self, reader: &mut Reader, page: &mut Vec<Sample>) -> Result<bool, HistoryError> {
        page.clear();
        while page.is_empty() {
            if self.slot.is_none() {
                self.slot = self.load(reader)?;
            }
            let Some(slot) = &mut self.slot else { return Ok(false) };
            let Some(first) = slot.first() else {
                self.at = slot.end;
                self.slot = None;
                continue;
            };
            // Straight to where something is: a night without data is one step.
            let end = self.at.max(first).saturating_add(slot.slice_ms).min(slot.end);
            slot.take(end, page, &mut reader.damaged);
            self.at = end;
        }
        page.sort_unstable_by_key(|s| (s.at, s.seq, s.series));
        Ok(true)
    }

    /// The next window that has something, or the end.
    fn load(&self, reader: &mut Reader) -> Result<Option<Slot>, HistoryError> {
        let sql = HistoryError::sql("read a window");
        if self.at >= self.to {
            return Ok(None);
        }
        let (at, to) = (self.at, self.to);
        let tail = reader.tail_records(|r| (at..to).contains(&r.capture.as_millis()) && self.filter.matches(r));
        let mut damaged = 0;
        let (mut slot, durable) = {
            let tx = reader.conn.unchecked_transaction().map_err(&sql)?;
            let durable = highest_log_seq(&tx).map_err(&sql)?;
            let slot = self.durable(&tx, &mut reader.codec, &mut damaged).map_err(&sql)?;
            (slot, durable)
        };
        reader.damaged += damaged;
        let tail = reader.tail_samples(tail, durable)?;
        // A window without any of the chosen series is passed over: they may go on after it.
        if !slot.is_of_window && slot.loose.is_empty() && tail.is_empty() {
            return Ok(None);
        }
        let end = Timestamp::from_millis(slot.end);
        slot.loose.extend(tail.into_iter().filter(|s| s.at < end));
        slot.loose.sort_unstable_by_key(|s| std::cmp::Reverse((s.at, s.seq)));
        Ok(Some(slot))
    }

    /// The next window of chunks, with what the log holds up to its end; or what the log holds up to the end of all.
    fn durable(&self, conn: &Connection, codec: &mut Sealer, damaged: &mut u64) -> rusqlite::Result<Slot> {
        let window: Option<(i64, i64)> = conn
            .query_row(
                "SELECT id, span FROM window WHERE id > ?1 - ?2 AND id + span > ?1 AND id * ?3 < ?4 ORDER BY id LIMIT 1",
                (window_of(self.at), WINDOWS_PER_HOUR, WINDOW_MS, self.to),
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (start, span_end) =
            window.map_or((self.at, self.to), |(id, span)| (id * WINDOW_MS, (id + span) * WINDOW_MS));
        let end = span_end.min(self.to).max(self.at.saturating_add(1));
        let is_of_window = window.is_some();
        let mut slot = Slot { is_of_window, columns: Vec::new(), loose: Vec::new(), end, slice_ms: 1 };
        let mut count = 0;
        if let Some((window, _)) = window {
            count = self.columns(conn, codec, window, &mut slot, damaged)?;
        }
        let seal = Seal::load(conn)?;
        let loose = &mut slot.loose;
        let outcome = unsealed::each(
            conn,
            &seal,
            &mut codec.log,
            (self.at, end),
            |_| false,
            |_, entry| {
                if self.chosen.has(entry.series) {
                    let Some(value) = Some(entry.value) else { return };
                    loose.push(Sample { series: entry.series, at: entry.capture, seq: entry.seq, value });
                }
            },
        )?;
        *damaged += outcome.damaged;
        count += slot.loose.len() as i64;
        // An hour in slices of some seconds, or all of a sparse one at once.
        let span = end.saturating_sub(start.max(self.at)).max(1);
        slot.slice_ms =
            (i128::from(span) * i128::from(PAGE) / i128::from(count.max(1))).clamp(1, i128::from(i64::MAX)) as i64;
        Ok(slot)
    }

    /// Opens the chunks of a window. Gives the number of points in them.
    fn columns(
        &self,
        conn: &Connection,
        codec: &mut Sealer,
        window: i64,
        slot: &mut Slot,
        damaged: &mut u64,
    ) -> rusqlite::Result<i64> {
        let mut statement =
            conn.prepare(&format!("SELECT {}, t0, t1 FROM chunk WHERE id >= ?1 AND id < ?2", shared::COLUMNS))?;
        codec.shared.clear();
        let few = match &self.chosen {
            Chosen::Ids(ids) if ids.len() <= LOOKUPS_MAX => Some(ids),
            _ => None,
        };
        let ranges: Vec<(i64, i64)> = match few {
            Some(ids) => {
                ids.iter().map(|id| (chunk_id(window, *id, 0), chunk_id(window, *id, 0) + PARTS_MAX)).collect()
            }
            None => vec![(chunk_id(window, 0, 0), chunk_id(window + 1, 0, 0))],
        };
        let mut count = 0;
        for range in ranges {
            let mut rows = statement.query(range)?;
            while let Some(row) = rows.next()? {
                let (_, series, _) = split_chunk_id(row.get(0)?);
                let (t0, t1): (i64, i64) = (row.get(4)?, row.get(5)?);
                let start = window * WINDOW_MS;
                if !self.chosen.has(series) || start + t1 < self.at || start + t0 >= self.to {
                    continue;
                }
                match shared::open(conn, &mut codec.decoder, &mut codec.shared, row)? {
                    Ok(points) => {
                        count += points.left() as i64;
                        let mut column = Column { series, points, next: None };
                        column.advance(damaged);
                        while column.next.as_ref().is_some_and(|p| p.at.as_millis() < self.at) {
                            column.advance(damaged);
                        }
                        slot.columns.push(column);
                    }
                    Err(_) => *damaged += 1,
                }
            }
        }
        Ok(count)
    }
}

impl Slot {
    /// The time of the first value that is left.
    fn first(&self) -> Option<i64> {
        let columns = self.columns.iter().filter_map(|c| c.next.as_ref().map(|p| p.at.as_millis()));
        let loose = self.loose.last().map(|s| s.at.as_millis());
        columns.chain(loose).min().filter(|t| *t < self.end)
    }

    /// Moves everything before `end` (ms) into the page.
    fn take(&mut self, end: i64, page: &mut Vec<Sample>, damaged: &mut u64) {
        let end = Timestamp::from_millis(end);
        for column in &mut self.columns {
            while let Some(point) = column.next.take_if(|p| p.at < end) {
                page.push(Sample { series: column.series, at: point.at, seq: point.seq, value: point.value });
                column.advance(damaged);
            }
        }
        let later = self.loose.partition_point(|s| s.at >= end);
        page.extend(self.loose.drain(later..).rev());
    }
}

impl Column {
    fn advance(&mut self, damaged: &mut u64) {
        self.next = match self.points.next() {
            Some(Ok(point)) => Some(point),
            Some(Err(_)) => {
                *damaged += 1;
                None
            }
            None => None,
        };
    }
}
