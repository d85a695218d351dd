//! Every record after a timepoint, in the order of `seq`, from the log: for clients that come back, and for the exact
//! playback of recent days.

use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::HistoryError;
use super::envelope::crc;
use super::log::Entry;
use super::reader::{Reader, gaps_where};
use super::record::{Gap, Record, RecordKind};
use super::unsealed::{dated, epochs};

/// A place in the log. Made by [`Reader::resume`].
#[derive(Debug, Clone)]
pub struct LogScan {
    /// The last timepoint that was delivered.
    after: u64,
    /// Key of the next blob, at least.
    next: i64,
    missing: Option<(u64, u64)>,
    gaps: Vec<Gap>,
    done: bool,
}

impl LogScan {
    pub(super) fn new(reader: &Reader, after: u64) -> Result<Self, HistoryError> {
        let sql = HistoryError::sql("find a place in the log");
        let first = (after.saturating_add(1).min(i64::MAX as u64 >> 8) << 8) as i64;
        let read = || {
            // The last blob that begins at or before the timepoint wanted may hold it.
            let next: Option<i64> =
                reader.conn.query_row("SELECT max(id) FROM log WHERE id <= ?1 | 255", [first], |row| row.get(0))?;
            let oldest: Option<i64> = reader.conn.query_row("SELECT min(id) FROM log", [], |row| row.get(0))?;
            Ok((next, oldest))
        };
        let (next, oldest) = read().map_err(sql)?;
        // A log without a blob begins with what is not yet durable.
        let oldest = oldest
            .map(|id| (id >> 8) as u64)
            .or_else(|| reader.tail_records(|_| true).first().map(|record| record.seq));
        let missing = oldest.filter(|oldest| after.saturating_add(1) < *oldest).map(|oldest| (after + 1, oldest - 1));
        let limit = i64::try_from(after).unwrap_or(i64::MAX);
        let gaps = gaps_where(&reader.conn, "last_seq > ?1 AND first_seq <= ?2", (limit, i64::MAX))?;
        Ok(Self { after, next: next.unwrap_or(i64::MIN), missing, gaps, done: false })
    }

    /// The timepoints, first and last, that lie between the one asked for and the first that is kept; `None` when nothing
    /// is missing before the first page.
    pub const fn missing(&self) -> Option<(u64, u64)> {
        self.missing
    }

    /// The gaps after the timepoint asked for.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The last timepoint delivered so far; the one asked for at first.
    pub const fn position(&self) -> u64 {
        self.after
    }

    /// Puts the next records into `page`: one blob of the log, or at last what is not yet durable. False when there are no
    /// more at present.
    pub fn next_page(&mut self, reader: &mut Reader, page: &mut Vec<Record>) -> Result<bool, HistoryError> {
        page.clear();
        if self.done {
            return Ok(false);
        }
        while page.is_empty() {
            // Copied before the look into the log: what is committed in between is found there.
            let after = self.after;
            let mut entries = Vec::new();
            if self.blob(reader, &mut entries)? {
                self.records(reader, entries, page)?;
                continue;
            }
            let tail = reader.tail_records(|r| r.seq > after);
            if self.blob(reader, &mut entries)? {
                self.records(reader, entries, page)?;
                continue;
            }
            self.done = true;
            page.extend(tail);
            self.after = page.last().map_or(self.after, |r| r.seq);
            return Ok(!page.is_empty());
        }
        Ok(true)
    }

    /// The entries of the next blob. False when there is none.
    fn blob(&mut self, reader: &mut Reader, entries: &mut Vec<Entry>) -> Result<bool, HistoryError> {
        let sql = HistoryError::sql("read the log");
        let row: Option<(i64, u32, Vec<u8>)> = reader
            .conn
            .query_row("SELECT id, crc, blob FROM log WHERE id >= ?1 ORDER BY id LIMIT 1", [self.next], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .map_err(&sql)?;
        let Some((id, sum, blob)) = row else { return Ok(false) };
        let epochs = epochs(&reader.conn).map_err(&sql)?;
        let sound = crc(&blob) == sum
            && reader
                .codec
                .log
                .decode(&blob, |mut entry| {
                    entry.capture = dated(&entry, &epochs);
                    entries.push(entry);
                })
                .is_ok();
        reader.damaged += u64::from(!sound);
        self.next = id + 1;
        Ok(true)
    }

    fn records(
        &mut self,
        reader: &mut Reader,
        entries: Vec<Entry>,
        page: &mut Vec<Record>,
    ) -> Result<(), HistoryError> {
        let from = self.after;
        for entry in entries.into_iter().filter(|e| e.seq > from) {
            self.after = entry.seq;
            let info = reader.series(entry.series)?;
            let unknown = || Arc::<str>::from("");
            let (context, path, source, kind) = info.map_or_else(
                || (unknown(), unknown(), unknown(), RecordKind::Value),
                |i| (i.context.clone(), i.path.clone(), i.source.clone(), i.kind),
            );
            page.push(Record {
                seq: entry.seq,
                context,
                path,
                source,
                capture: entry.capture,
                received: entry.received,
                received_mono: entry.received_mono,
                trusted_wall: entry.trusted_wall,
                value: entry.value,
                kind,
            });
        }
        Ok(())
    }
}
