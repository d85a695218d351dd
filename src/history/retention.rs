//! What is dropped, and when: whole windows, oldest first, sentences and other vessels before the own; the log by its age.
//!
//! One call does a bounded piece of work. Freed pages are used again by what comes; the file does not shrink, and it does
//! not grow either once retention has begun.

use rusqlite::Connection;

use super::keyframe::{series_blob, series_of};
use super::schema::{FIRST_OTHER_SERIES, WINDOW_MS, WINDOWS_PER_HOUR, chunk_id};
use super::unsealed::Seal;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Milliseconds for which windows are kept; `None` for ever.
    pub age_max_ms: Option<i64>,
    /// The same for other vessels, where it is shorter.
    pub others_age_max_ms: Option<i64>,
    /// Milliseconds for which the log is kept (resumption, exact playback).
    pub log_age_max_ms: i64,
    /// Bytes of the database beyond which the oldest windows go.
    pub size_max_bytes: Option<u64>,
    /// Bytes that stay free on the disk: below, the oldest windows go, and if that does not help recording pauses.
    pub keep_free_bytes: u64,
}

impl Default for Retention {
    /// For ever, with a day of log; half a gigabyte stays free.
    fn default() -> Self {
        Self {
            age_max_ms: None,
            others_age_max_ms: None,
            log_age_max_ms: 86_400_000,
            size_max_bytes: None,
            keep_free_bytes: 500 << 20,
        }
    }
}

/// Windows dropped by one call: an hour of a busy boat is some 130 pages to free.
const WINDOWS_A_CALL: i64 = 4;

/// Log blobs dropped by one call.
const LOG_ROWS_A_CALL: i64 = 256;

/// Blobs of sentences dropped by one call.
const SENTENCE_ROWS_A_CALL: i64 = 256;

/// Sentences and other vessels of the newest day stay as long as there is anything else to drop.
const FLOOR_MS: i64 = 86_400_000;

/// Drops what is too old at `now` (ms, from a clock that is trusted). True when something was dropped.
pub(super) fn by_age(conn: &Connection, keep: &Retention, now: i64) -> rusqlite::Result<bool> {
    let mut dropped = log(conn, now, keep.log_age_max_ms)?;
    if let Some(age) = keep.age_max_ms {
        dropped |= windows(conn, now - age)?;
    }
    if let Some(age) = keep.age_max_ms {
        dropped |= sentences(conn, now - age)?;
    }
    if let Some(age) = keep.others_age_max_ms {
        dropped |= others(conn, now - age)?;
    }
    Ok(dropped)
}

/// Drops the oldest of what there is, to make room. False when nothing is left to drop.
pub(super) fn oldest(conn: &Connection, now: i64) -> rusqlite::Result<bool> {
    if sentences(conn, now - FLOOR_MS)? || others(conn, now - FLOOR_MS)? {
        return Ok(true);
    }
    // The hour that is being recorded stays.
    let before = now - WINDOW_MS * WINDOWS_PER_HOUR;
    Ok(windows(conn, before)? || sentences(conn, before)?)
}

/// Drops sealed log blobs, the oldest first, up to the first that was received within `age` (ms) of `now`. One that seems to
/// come from further ahead was stamped by a clock that was wrong, like one from 1970: neither says how old its neighbours
/// are. The newest stays whatever its age: it says where the numbers are.
fn log(conn: &Connection, now: i64, age: i64) -> rusqlite::Result<bool> {
    let seal = Seal::load(conn)?;
    let mut statement = conn.prepare(
        "SELECT id, received FROM log WHERE id <= ?1 AND id < (SELECT max(id) FROM log) ORDER BY id LIMIT ?2",
    )?;
    let mut rows = statement.query((seal.carry, LOG_ROWS_A_CALL))?;
    let mut end: Option<i64> = None;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)?.abs_diff(now) <= age.unsigned_abs() {
            break;
        }
        end = Some(row.get(0)?);
    }
    let Some(end) = end else { return Ok(false) };
    conn.execute("DELETE FROM log WHERE id <= ?1", [end]).map(|n| n > 0)
}

/// Drops sentences that came before `before`.
fn sentences(conn: &Connection, before: i64) -> rusqlite::Result<bool> {
    let end: Option<i64> = conn.query_row(
        "SELECT max(id) FROM (SELECT id, t1 FROM sentence ORDER BY id LIMIT ?1) WHERE t1 < ?2",
        (SENTENCE_ROWS_A_CALL, before),
        |row| row.get(0),
    )?;
    let Some(end) = end else { return Ok(false) };
    conn.execute("DELETE FROM sentence WHERE id <= ?1", [end]).map(|n| n > 0)
}

/// Drops windows that end at or before `before`, some at a time. False when there are none left.
pub(super) fn windows(conn: &Connection, before: i64) -> rusqlite::Result<bool> {
    let end: Option<i64> = conn.query_row(
        "SELECT max(id + span) FROM (SELECT id, span FROM window WHERE (id + span) * ?1 <= ?2 ORDER BY id LIMIT ?3)",
        (WINDOW_MS, before, WINDOWS_A_CALL),
        |row| row.get(0),
    )?;
    let Some(end) = end else { return Ok(false) };
    let tx = conn.unchecked_transaction()?;
    let key = chunk_id(end, 0, 0);
    tx.execute("DELETE FROM chunk WHERE id < ?1", [key])?;
    tx.execute("DELETE FROM rollup WHERE id < ?1", [key])?;
    tx.execute("DELETE FROM window WHERE id < ?1", [end])?;
    // The keyframe at the new beginning stays: it says what was known then.
    tx.execute("DELETE FROM keyframe WHERE id < ?1", [end.div_euclid(WINDOWS_PER_HOUR) << 8])?;
    tx.execute("DELETE FROM gap WHERE t1 < ?1 AND last_seq < (SELECT max(last) FROM log)", [end * WINDOW_MS])?;
    tx.commit()?;
    Ok(true)
}

/// Drops the other vessels of the oldest windows that end at or before `before` and still have some.
fn others(conn: &Connection, before: i64) -> rusqlite::Result<bool> {
    let first: Option<i64> = conn.query_row("SELECT others_from FROM dropped WHERE id = 1", [], |row| row.get(0))?;
    let ids: Vec<(i64, i64)> = {
        let mut statement =
            conn.prepare("SELECT id, span FROM window WHERE id >= ?1 AND (id + span) * ?2 <= ?3 ORDER BY id LIMIT ?4")?;
        let rows = statement.query_map((first.unwrap_or(i64::MIN), WINDOW_MS, before, WINDOWS_A_CALL), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    let Some((last, span)) = ids.last() else { return Ok(false) };
    let tx = conn.unchecked_transaction()?;
    for (window, _) in &ids {
        let keys = (chunk_id(*window, FIRST_OTHER_SERIES, 0), chunk_id(window + 1, 0, 0));
        tx.execute("DELETE FROM chunk WHERE id >= ?1 AND id < ?2", keys)?;
        tx.execute("DELETE FROM rollup WHERE id >= ?1 AND id < ?2", keys)?;
        let blob: Vec<u8> = tx.query_row("SELECT series FROM window WHERE id = ?1", [window], |row| row.get(0))?;
        let own = series_blob(series_of(&blob).filter(|id| *id < FIRST_OTHER_SERIES));
        tx.execute("UPDATE window SET series = ?2 WHERE id = ?1", (window, own))?;
    }
    tx.execute("UPDATE dropped SET others_from = ?1 WHERE id = 1", [last + span])?;
    tx.commit()?;
    Ok(true)
}
