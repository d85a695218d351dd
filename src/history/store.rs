//! The database as the writer holds it: opening it, what to do when it is damaged, and the commit of the log.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::HistoryError;
use super::envelope::{LEVEL_KEPT, Packer, crc};
use super::intake::Intake;
use super::log::{BLOB_RECORDS_MAX, LogEncoder};
use super::record::{Epoch, Gap};
use super::schema::{self, FILE};
use super::seal::Sealer;
use super::sentences::{self, Sentence};
use super::tail::Tail;
use super::unsealed::EPOCHS_KEPT;
use crate::kernel::time::Timestamp;

/// A database up to this size is checked whole when it is opened: a tenth of a second here. A larger one is checked at its
/// ends, and as a whole only when a statement finds damage; reading years of data at every start would take minutes.
const CHECK_WHOLE_BYTES_MAX: u64 = 64 << 20;

/// Blobs of one first seq: the low bits of a log key.
const BLOB_BITS: u32 = 8;

/// The writer's database.
pub(super) struct Store {
    pub conn: Connection,
    pub sealer: Sealer,
    encoder: LogEncoder,
    packer: Packer,
    path: PathBuf,
    last_log_id: i64,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Committed {
    /// Records taken off the tail.
    pub records: usize,
    /// Of them, those for whose series there was no id any more.
    pub refused: u64,
    /// The last timepoint that is durable now.
    pub last_seq: Option<u64>,
}

impl Store {
    /// Opens the database in `directory`, which is made when it is missing.
    pub fn open(directory: &Path) -> Result<Self, HistoryError> {
        fs::create_dir_all(directory)
            .map_err(|source| HistoryError::Io { what: "make the history directory", source })?;
        let path = directory.join(FILE);
        let size = fs::metadata(&path).map_or(0, |m| m.len());
        let conn = schema::open_writer(&path)?;
        check(&conn, size <= CHECK_WHOLE_BYTES_MAX)?;
        let last_log_id = conn
            .query_row("SELECT coalesce(max(id), -1) FROM log", [], |row| row.get(0))
            .map_err(HistoryError::sql("read the log"))?;
        Ok(Self {
            conn,
            sealer: Sealer::default(),
            encoder: LogEncoder::default(),
            packer: Packer::new(LEVEL_KEPT),
            path,
            last_log_id,
        })
    }

    /// Whether the file is still where it was opened.
    pub fn is_in_place(&self) -> bool {
        self.path.exists()
    }

    /// The greatest timepoint that the database knows of.
    pub fn highest_seq(&self) -> rusqlite::Result<Option<u64>> {
        highest_seq(&self.conn)
    }

    /// Makes what waits in the tail durable, with gaps, epochs and sentences, in one transaction.
    pub fn commit(
        &mut self,
        tail: &Tail,
        intake: &mut Intake,
        (gaps, epochs): (&[Gap], &[Epoch]),
        sentences: &[Sentence],
        now: Timestamp,
    ) -> rusqlite::Result<Committed> {
        let tx = self.conn.unchecked_transaction()?;
        let mut committed = Committed::default();
        let mut last_log_id = self.last_log_id;
        {
            let mut insert = tx.prepare(
                "INSERT INTO log (id, last, n, t0, t1, received, undated, crc, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            // Readers wait for this lock, but it is held for packing only, never for the disk's sync.
            let buffer = tail.lock();
            for records in buffer.records.chunks(BLOB_RECORDS_MAX) {
                let mut ids = Vec::with_capacity(records.len());
                for waiting in records {
                    ids.push(intake.id(waiting.slot, &tx)?);
                }
                let entries = || ids.iter().zip(records).filter_map(|(id, w)| id.map(|id| (id, &w.record)));
                committed.records += records.len();
                committed.refused += ids.iter().filter(|id| id.is_none()).count() as u64;
                let (Some(first), Some(last)) = (entries().next(), entries().next_back()) else { continue };
                let blob = self.encoder.encode(entries());
                let captures = || entries().map(|(_, r)| r.capture.as_millis());
                // The key grows with every blob, also when one change is spread over two of them.
                last_log_id = ((first.1.seq as i64) << BLOB_BITS).max(last_log_id + 1);
                insert.execute((
                    last_log_id,
                    last.1.seq as i64,
                    entries().count() as i64,
                    captures().min(),
                    captures().max(),
                    now.as_millis(),
                    entries().any(|(_, r)| !r.trusted_wall && r.capture == r.received),
                    crc(&blob),
                    &blob,
                ))?;
                committed.last_seq = Some(last.1.seq);
            }
        }
        if !sentences.is_empty() {
            sentences::store(&tx, &mut self.packer, sentences)?;
        }
        for gap in gaps {
            tx.execute(
                "INSERT INTO gap (first_seq, last_seq, t0, t1, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    gap.first_seq as i64,
                    gap.last_seq as i64,
                    gap.from.as_millis(),
                    gap.to.as_millis(),
                    gap.reason.as_str(),
                ),
            )?;
        }
        for epoch in epochs {
            tx.execute(
                "INSERT INTO epoch (first_seq, last_seq, offset_ms, at) VALUES (?1, ?2, ?3, ?4)",
                (epoch.first_seq as i64, epoch.last_seq as i64, epoch.offset_ms, epoch.at.as_millis()),
            )?;
            // Retention measures the age of the log by the clock as it is now.
            tx.execute(
                "UPDATE log SET received = received + ?3 WHERE id >= ?1 AND id < ?2",
                (
                    (epoch.first_seq as i64) << BLOB_BITS,
                    (epoch.last_seq as i64).saturating_add(1) << BLOB_BITS,
                    epoch.offset_ms,
                ),
            )?;
            tx.execute("DELETE FROM epoch WHERE id <= (SELECT max(id) FROM epoch) - ?1", [EPOCHS_KEPT])?;
        }
        tx.commit()?;
        self.last_log_id = last_log_id;
        Ok(committed)
    }

    /// Seals what was captured before `boundary` (ms); see [`Sealer::seal`].
    pub fn seal(&mut self, boundary: i64) -> rusqlite::Result<super::seal::Report> {
        self.sealer.seal(&self.conn, boundary)
    }

    /// Pages of the file in use and in all, and the size of a page.
    pub fn pages(&self) -> rusqlite::Result<Pages> {
        let number = |name| self.conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map(|n| n as u64);
        let (count, free, size) = (number("page_count")?, number("freelist_count")?, number("page_size")?);
        Ok(Pages { used: count.saturating_sub(free) * size, free: free * size })
    }

    /// Puts everything into the file itself and syncs it, and sees that a transaction can be written.
    pub fn settle(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch(
            "PRAGMA wal_checkpoint(TRUNCATE); BEGIN IMMEDIATE; UPDATE seal SET upto = upto WHERE id = 1; COMMIT",
        )
    }

    /// Ends the WAL in order. Not needed for consistency: it only leaves one tidy file.
    pub fn close(self) {
        let _ = self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

/// Bytes of the file that hold something, and that are free for use within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    pub used: u64,
    pub free: u64,
}

/// The greatest timepoint in a database: of the log, whose newest row is never dropped, and of the gaps.
pub(super) fn highest_seq(conn: &Connection) -> rusqlite::Result<Option<u64>> {
    let log: Option<i64> =
        conn.query_row("SELECT last FROM log ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    let gap: Option<i64> = conn.query_row("SELECT max(last_seq) FROM gap", [], |row| row.get(0))?;
    Ok(log.max(gap).map(|seq| seq as u64))
}

/// Looks for damage: everywhere, or at the ends where new data meets old.
fn check(conn: &Connection, whole: bool) -> Result<(), HistoryError> {
    let sql = |source| HistoryError::Sql { what: "check the database", source };
    if whole {
        let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sql)?;
        if verdict != "ok" {
            return Err(HistoryError::Damaged { found: verdict });
        }
    }
    for (table, order) in [("log", "DESC"), ("chunk", "DESC"), ("log", "ASC"), ("chunk", "ASC")] {
        let row: Option<(u32, Vec<u8>)> = conn
            .query_row(&format!("SELECT crc, blob FROM {table} ORDER BY id {order} LIMIT 1"), [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(sql)?;
        if row.is_some_and(|(sum, blob)| crc(&blob) != sum) {
            return Err(HistoryError::Damaged {
                found: format!("a blob at the end of table {table} is not what was written"),
            });
        }
    }
    super::unsealed::Seal::load(conn).map_err(sql)?;
    Ok(())
}

/// Moves a damaged database out of the way, never to be deleted by us: `history-damaged-<UTC date>.sqlite`, with its WAL, so
/// that it can be looked at and salvaged. Gives the new path.
pub(super) fn set_aside(directory: &Path, today: Timestamp) -> std::io::Result<PathBuf> {
    let date = today.to_string();
    let date = date.get(..10).unwrap_or("unknown");
    let name = |n: u32| if n < 2 { format!("history-damaged-{date}") } else { format!("history-damaged-{date}-{n}") };
    let stem = (1..1000)
        .map(name)
        .find(|stem| !directory.join(format!("{stem}.sqlite")).exists())
        .unwrap_or_else(|| format!("history-damaged-{date}-last"));
    let target = directory.join(format!("{stem}.sqlite"));
    for suffix in ["-wal", "-shm"] {
        let source = directory.join(format!("{FILE}{suffix}"));
        if source.exists() {
            fs::rename(source, directory.join(format!("{stem}.sqlite{suffix}")))?;
        }
    }
    fs::rename(directory.join(FILE), &target)?;
    Ok(target)
}
