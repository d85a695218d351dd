//! What is in the log and not yet in chunks.
//!
//! A seal at time `boundary` takes every record of the log whose capture time lies before it, and those that lie so far
//! ahead that waiting for them makes no sense; the rest belongs to the window that is still open and is taken by the next
//! seal. So a record is unsealed when its blob is newer than the last one sealed (`upto`), or when its blob is newer than
//! the last one of the seal before (`carry`) and its capture time lies in `boundary..ahead`. One row says all of it, and
//! it changes in the transaction that writes the chunks: a power cut leaves either both or neither.

use rusqlite::Connection;

use super::envelope::crc;
use super::log::{Entry, LogDecoder};
use super::record::Epoch;
use crate::kernel::time::Timestamp;

/// The row of table `seal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal {
    pub upto: i64,
    pub carry: i64,
    pub boundary: i64,
    pub ahead: i64,
}

impl Seal {
    pub fn load(conn: &Connection) -> rusqlite::Result<Self> {
        conn.query_row("SELECT upto, carry, boundary, ahead FROM seal WHERE id = 1", [], |row| {
            Ok(Self { upto: row.get(0)?, carry: row.get(1)?, boundary: row.get(2)?, ahead: row.get(3)? })
        })
    }

    pub fn store(self, conn: &Connection) -> rusqlite::Result<()> {
        conn.execute(
            "UPDATE seal SET upto = ?1, carry = ?2, boundary = ?3, ahead = ?4 WHERE id = 1",
            (self.upto, self.carry, self.boundary, self.ahead),
        )
        .map(|_| ())
    }

    /// Whether a record of a blob is not yet in a chunk.
    pub fn leaves(&self, blob: i64, capture: i64) -> bool {
        blob > self.upto || (blob > self.carry && (self.boundary..self.ahead).contains(&capture))
    }
}

/// Epochs that are kept: one or two a run. The oldest go, which only a clock that is set all the time comes to.
pub(super) const EPOCHS_KEPT: i64 = 1024;

/// The epochs in the database, the oldest first.
pub(super) fn epochs(conn: &Connection) -> rusqlite::Result<Vec<Epoch>> {
    let mut statement = conn.prepare("SELECT first_seq, last_seq, offset_ms, at FROM epoch ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(Epoch {
            first_seq: row.get::<_, i64>(0)? as u64,
            last_seq: row.get::<_, i64>(1)? as u64,
            offset_ms: row.get(2)?,
            at: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    rows.collect()
}

/// The right capture time of an entry: a stamp that this server made by a clock that was not trusted is moved by what the
/// clock turned out to be off.
pub(super) fn dated(entry: &Entry, epochs: &[Epoch]) -> Timestamp {
    if entry.trusted_wall || entry.capture != entry.received {
        return entry.capture;
    }
    let of_entry = epochs.iter().filter(|e| (e.first_seq..=e.last_seq).contains(&entry.seq));
    of_entry.fold(entry.capture, |at, e| at.plus_millis(e.offset_ms))
}

/// The least and the greatest (right) capture time of what the log holds since the last seal but one.
pub(super) fn bounds(
    conn: &Connection,
    seal: &Seal,
    decoder: &mut LogDecoder,
) -> rusqlite::Result<(Option<i64>, Option<i64>)> {
    let moved: bool = conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM log JOIN epoch ON log.last BETWEEN first_seq AND last_seq
         WHERE log.id > ?1 AND undated = 1)",
        [seal.carry],
        |row| row.get(0),
    )?;
    if !moved {
        return conn.query_row("SELECT min(t0), max(t1) FROM log WHERE id > ?1", [seal.carry], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
    }
    // Until they are sealed, which is soon, the blobs themselves say where their records are now.
    let mut found: (Option<i64>, Option<i64>) = (None, None);
    each(
        conn,
        seal,
        decoder,
        (i64::MIN, i64::MAX),
        |_| false,
        |_, entry| {
            let at = entry.capture.as_millis();
            found = (found.0.into_iter().chain([at]).min(), found.1.max(Some(at)));
        },
    )?;
    Ok(found)
}

/// What reading the log came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    /// Key of the last blob read.
    pub last: Option<i64>,
    /// Blobs that did not match their checksum.
    pub damaged: u64,
    /// Whether blobs were left because enough had been read.
    pub more: bool,
}

/// Hands over the unsealed entries whose (right) capture time lies in `from..to`, in order of `seq`, each with the key of its
/// blob. Stops after the blob with which `enough` holds.
pub(super) fn each(
    conn: &Connection,
    seal: &Seal,
    decoder: &mut LogDecoder,
    (from, to): (i64, i64),
    mut enough: impl FnMut(i64) -> bool,
    mut hand: impl FnMut(i64, Entry),
) -> rusqlite::Result<Outcome> {
    let epochs = epochs(conn)?;
    let mut outcome = Outcome::default();
    let mut statement = conn.prepare(
        // A blob with undated stamps may hold anything once they are re-dated.
        "SELECT id, crc, blob FROM log WHERE id > ?1 AND (undated = 1 OR (t1 >= ?2 AND t0 < ?3)) ORDER BY id",
    )?;
    let mut rows = statement.query((seal.carry, from, to))?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if outcome.last.is_some_and(&mut enough) {
            outcome.more = true;
            break;
        }
        outcome.last = Some(id);
        let blob = row.get_ref(2)?.as_blob()?;
        let sound = crc(blob) == row.get::<_, u32>(1)?
            && decoder
                .decode(blob, |mut entry| {
                    entry.capture = dated(&entry, &epochs);
                    let capture = entry.capture.as_millis();
                    if (from..to).contains(&capture) && seal.leaves(id, capture) {
                        hand(id, entry);
                    }
                })
                .is_ok();
        outcome.damaged += u64::from(!sound);
    }
    Ok(outcome)
}
