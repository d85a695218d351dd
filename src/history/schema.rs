//! The database: its tables, its version, and the settings of a connection, each with its reason.
//!
//! Keys put time first. A window's chunks lie side by side, so that a seal appends to one end of the tree and retention
//! takes off the other; with the path first, each of some hundred series would dirty a page of its own.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::HistoryError;

/// Name of the database in its directory.
pub const FILE: &str = "history.sqlite";

/// Marks the file as ours (`Tfrl`), so that a foreign database is neither used nor set aside.
const APPLICATION_ID: i32 = 0x5466_726c;

/// The version that this program writes.
pub const VERSION: i32 = MIGRATIONS.len() as i32;

/// Milliseconds of a window: the stretch of time that is sealed together.
pub const WINDOW_MS: i64 = 600_000;

/// Windows that are merged into one when an hour is over.
pub const WINDOWS_PER_HOUR: i64 = 6;

/// Bits of a chunk's key below the window: 24 for the series, 6 for the part.
const SERIES_BITS: u32 = 24;
const PART_BITS: u32 = 6;

/// Most parts of one series in one window.
pub const PARTS_MAX: i64 = 1 << PART_BITS;

/// Series of the own vessel lie below this id, those of others at and above it, so that the others of a window are one
/// range of keys and can go first.
pub const FIRST_OTHER_SERIES: i64 = 1 << (SERIES_BITS - 1);

/// What each version added; the first one makes an empty file ours.
const MIGRATIONS: [&str; 4] = [
    // 1
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
     CREATE TABLE series (
        id INTEGER PRIMARY KEY,      -- below 2^23: of the own vessel
        context INTEGER NOT NULL, path INTEGER NOT NULL, source INTEGER NOT NULL, kind INTEGER NOT NULL,
        UNIQUE (context, path, source, kind));
     CREATE TABLE log (
        id INTEGER PRIMARY KEY,      -- first seq << 8 | number of the blob among those of equal first seq
        last INTEGER NOT NULL,       -- last seq
        n INTEGER NOT NULL,
        t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,   -- capture time, least and greatest, ms
        received INTEGER NOT NULL,   -- wall time of the commit, ms
        undated INTEGER NOT NULL,    -- 1 when a record was stamped by a clock that was not trusted
        crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE chunk (
        id INTEGER PRIMARY KEY,      -- window << 30 | series << 6 | part
        t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,   -- ms after the start of the window
        n INTEGER NOT NULL,          -- points
        stamps INTEGER,              -- series whose chunk of this window holds the stamps, if not this one
        count INTEGER, min REAL, mean REAL, max REAL,   -- of the numbers among them, where there are enough
        crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE rollup (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, blob BLOB NOT NULL);   -- keys of chunk
     CREATE TABLE window (
        id INTEGER PRIMARY KEY,      -- start / 600 s
        span INTEGER NOT NULL,       -- how many windows it stands for
        series BLOB NOT NULL);       -- ids of the series in it, ascending, as varints of their distances
     CREATE INDEX window_single ON window (id) WHERE span = 1;
     CREATE TABLE seal (             -- one row: what of the log is in chunks already
        id INTEGER PRIMARY KEY CHECK (id = 1),
        upto INTEGER NOT NULL, carry INTEGER NOT NULL, boundary INTEGER NOT NULL, ahead INTEGER NOT NULL);
     INSERT INTO seal VALUES (1, -1, -1, 0, 0);
     CREATE TABLE gap (
        id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, reason TEXT NOT NULL);
     CREATE TABLE epoch (
        id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        offset_ms INTEGER NOT NULL, at INTEGER NOT NULL);",
    // 2
    "CREATE TABLE keyframe (
        id INTEGER PRIMARY KEY,      -- hours since 1970, of its end << 8 | part
        crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE dropped (          -- one row: other vessels are gone from windows before this one
        id INTEGER PRIMARY KEY CHECK (id = 1), others_from INTEGER);
     INSERT INTO dropped VALUES (1, NULL);",
    // 3
    "CREATE TABLE import (           -- recordings that were brought in
        id INTEGER PRIMARY KEY,
        hash BLOB NOT NULL, bytes INTEGER NOT NULL,   -- of the content, unpacked: which file it is, whatever its name
        name TEXT NOT NULL,          -- as it was given first
        settings TEXT NOT NULL,      -- how it is read
        begun INTEGER NOT NULL,      -- wall time, ms
        stage INTEGER NOT NULL,      -- 0: under way; 1: all of it is in chunks; 2: and their hours are in order
        lines INTEGER NOT NULL,      -- of it, from the first, whose values are in chunks
        points INTEGER NOT NULL,
        t0 INTEGER, t1 INTEGER,      -- capture time, least and greatest, ms
        UNIQUE (hash, bytes));",
    // 4
    "CREATE TABLE sentence (         -- lines as they came, in that order
        id INTEGER PRIMARY KEY,
        t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,   -- time of arrival, least and greatest, ms
        n INTEGER NOT NULL, crc INTEGER NOT NULL, blob BLOB NOT NULL);",
];

/// The window in which a capture time lies. Stamps beyond the years 0 to 9999 lie in the first and the last.
pub fn window_of(ms: i64) -> i64 {
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_300_799_999;
    ms.clamp(FIRST, LAST).div_euclid(WINDOW_MS)
}

/// The key of a chunk.
pub const fn chunk_id(window: i64, series: i64, part: i64) -> i64 {
    window << (SERIES_BITS + PART_BITS) | series << PART_BITS | part
}

/// Window, series and part of a key.
pub const fn split_chunk_id(id: i64) -> (i64, i64, i64) {
    let series = id >> PART_BITS & ((1 << SERIES_BITS) - 1);
    (id >> (SERIES_BITS + PART_BITS), series, id & (PARTS_MAX - 1))
}

/// Opens the database for the writer: makes it when it is missing, brings an older version up to date, refuses a newer.
pub fn open_writer(path: &Path) -> Result<Connection, HistoryError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(HistoryError::sql("open the database"))?;
    // What is not ours is not even given our settings: some of them are written into the file.
    let missing = missing(&conn)?;
    settings(&conn).map_err(HistoryError::sql("set up the database"))?;
    migrate(&conn, missing)?;
    Ok(conn)
}

/// Opens the database for reading only. An older version is refused too: the writer brings it up to date first.
pub fn open_reader(path: &Path) -> Result<Connection, HistoryError> {
    let (conn, found) = open_any(path)?;
    if found == VERSION { Ok(conn) } else { Err(HistoryError::Version { found, known: VERSION }) }
}

/// Opens a database of any version for reading only, and says which it is.
pub(super) fn open_any(path: &Path) -> Result<(Connection, i32), HistoryError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let conn = Connection::open_with_flags(path, flags)?;
        // 1 MiB a reader: a chunk is read once, caching more of them helps nobody.
        conn.execute_batch("PRAGMA cache_size = -1024; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
        conn.busy_timeout(std::time::Duration::from_secs(1))?;
        conn.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0)).map(|found| (conn, found))
    };
    open().map_err(HistoryError::sql("open the database for reading"))
}

/// The version of an open database, where it is ours and not of a later version than this program's.
pub(super) fn version_of(conn: &Connection) -> Result<i32, HistoryError> {
    missing(conn).map(|(found, _)| found)
}

/// Takes a database through the migrations that it lacks.
pub(super) fn bring_up_to_date(conn: &Connection) -> Result<(), HistoryError> {
    migrate(conn, missing(conn)?)
}

fn settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(std::time::Duration::from_secs(1))?;
    conn.execute_batch(
        // 4 KiB pages: a commit every ten seconds dirties two or three pages whatever they hold, so small ones write
        // least; 8 KiB packs chunks worse (measured), 16 KiB a little better and writes three times as much for the log.
        "PRAGMA page_size = 4096;
         -- No auto_vacuum: its pointer pages would add a page to every commit. Freed pages are used again, so that a file
         -- at its limit stays at it; VACUUM would write the whole file anew and need as much room again.
         PRAGMA auto_vacuum = NONE;
         -- Readers never wait for the writer nor it for them, and a commit is one append.
         PRAGMA journal_mode = WAL;
         -- A commit is on the disk when it returns. NORMAL would write 15 % less and may lose the last commits.
         PRAGMA synchronous = FULL;
         -- 4 MiB of WAL before its pages go to the file: the hot pages of an hour's commits are written once, not 360 times.
         PRAGMA wal_autocheckpoint = 1000;
         -- The WAL of a large merge is cut back afterwards.
         PRAGMA journal_size_limit = 4194304;
         -- 1 MiB: a seal walks through the file once, and what it changes fits.
         PRAGMA cache_size = -1024;
         PRAGMA temp_store = MEMORY;
         -- Damage is found where it is read, not where it has spread.
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )
}

/// The migrations that a database still needs, and the version that it has.
fn missing(conn: &Connection) -> Result<(i32, &'static [&'static str]), HistoryError> {
    let sql = HistoryError::sql("read the version of the database");
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (found, application) =
        number("user_version").and_then(|v| number("application_id").map(|a| (v, a))).map_err(sql)?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(HistoryError::sql("read the schema"))?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(HistoryError::Foreign);
    }
    let missing = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    missing.map(|missing| (found, missing)).ok_or(HistoryError::Version { found, known: VERSION })
}

fn migrate(conn: &Connection, (found, missing): (i32, &[&str])) -> Result<(), HistoryError> {
    for (step, version) in missing.iter().zip(found + 1..) {
        // One transaction a version: a power cut leaves the version before or the one after.
        conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; {step} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}; COMMIT;"
        ))
        .map_err(|source| {
            let _ = conn.execute_batch("ROLLBACK");
            HistoryError::Sql { what: "bring the database up to date", source }
        })?;
    }
    Ok(())
}

/// An empty database as the program of that version made it.
#[cfg(test)]
pub(super) fn of_version(version: i32) -> Connection {
    let conn = Connection::open_in_memory().expect("there is memory");
    migrate(&conn, (0, &MIGRATIONS[..version as usize])).expect("an empty database takes its tables");
    conn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_put_time_first_and_come_apart_again() {
        for (window, series, part) in
            [(0, 0, 0), (2_900_000, 1, 63), (-3, FIRST_OTHER_SERIES + 7, 1), (422_337_167, 0xff_ffff, 0)]
        {
            assert_eq!(split_chunk_id(chunk_id(window, series, part)), (window, series, part));
        }
        assert!(chunk_id(-1, 0xff_ffff, 63) < chunk_id(0, 0, 0));
        assert_eq!(window_of(i64::MIN).abs() >> 33, 0);
        assert_eq!(window_of(i64::MAX) >> 33, 0);
        assert_eq!(window_of(-1), -1);
    }
}
