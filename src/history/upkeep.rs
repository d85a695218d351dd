//! Care for a database by hand: looking through it, dropping what is old, giving room back.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::HistoryError;
use super::envelope::crc;
use super::retention;
use super::schema::{self, FILE};
use super::store::Store;
use super::unused;
use crate::kernel::time::Timestamp;

/// Problems that a check lists; then it stops.
const PROBLEMS_MAX: usize = 100;

/// How large a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes of it that are free for reuse.
    pub free: u64,
    /// Series that it knows.
    pub series: u64,
}

/// How large the database is.
pub fn size(directory: &Path) -> Result<Size, HistoryError> {
    let conn = schema::open_reader(&directory.join(FILE))?;
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|n| n as u64);
    let read = || {
        let page = number("PRAGMA page_size")?;
        Ok(Size {
            file: number("PRAGMA page_count")? * page,
            free: number("PRAGMA freelist_count")? * page,
            series: number("SELECT count(*) FROM series")?,
        })
    };
    read().map_err(HistoryError::sql("read the size"))
}

/// The context of the own vessel, as it was recorded last; `None` when nothing of it was.
pub fn own_context(directory: &Path) -> Result<Option<String>, HistoryError> {
    let conn = schema::open_reader(&directory.join(FILE))?;
    conn.query_row(
        "SELECT name.text FROM series JOIN name ON name.id = series.context WHERE series.id < ?1
         ORDER BY series.id DESC LIMIT 1",
        [schema::FIRST_OTHER_SERIES],
        |row| row.get(0),
    )
    .optional()
    .map_err(HistoryError::sql("read the own vessel"))
}

/// Looks through the whole database: its structure and the checksum of every blob. What is wrong, a sentence each.
pub fn check(directory: &Path) -> Result<Vec<String>, HistoryError> {
    let conn = schema::open_reader(&directory.join(FILE))?;
    let mut problems = structure(&conn).map_err(HistoryError::sql("check the database"))?;
    if problems.is_empty() {
        for table in ["log", "chunk", "rollup", "keyframe", "sentence"] {
            blobs(&conn, table, &mut problems).map_err(HistoryError::sql("check the blobs"))?;
        }
    }
    Ok(problems)
}

fn structure(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

fn blobs(conn: &Connection, table: &str, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(&format!("SELECT id, crc, blob FROM {table}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if problems.len() >= PROBLEMS_MAX {
            break;
        }
        let (id, sum): (i64, u32) = (row.get(0)?, row.get(1)?);
        if crc(row.get_ref(2)?.as_blob()?) != sum {
            problems.push(format!("{table} {id}: the blob is not what was written"));
        }
    }
    Ok(())
}

/// Drops the windows that end at or before `before`, and how many they were. No recorder may have the database open.
pub fn prune(directory: &Path, before: Timestamp) -> Result<u64, HistoryError> {
    let sql = HistoryError::sql("drop what is old");
    let store = open(directory)?;
    let count = || store.conn.query_row("SELECT count(*) FROM window", [], |row| row.get::<_, i64>(0)).map_err(&sql);
    let windows = count()?;
    while retention::windows(&store.conn, before.as_millis()).map_err(&sql)? {}
    let dropped = windows - count()?;
    unused::drop_all(&store.conn).map_err(&sql)?;
    store.close();
    Ok(dropped as u64)
}

/// Writes the file anew without its free pages: bytes before and after. It needs as much room again while it runs. No
/// recorder may have the database open.
pub fn vacuum(directory: &Path) -> Result<(u64, u64), HistoryError> {
    let before = size(directory)?.file;
    let store = open(directory)?;
    store.conn.execute_batch("VACUUM").map_err(HistoryError::sql("vacuum"))?;
    store.close();
    Ok((before, size(directory)?.file))
}

/// Opens for writing what is there already.
fn open(directory: &Path) -> Result<Store, HistoryError> {
    drop(schema::open_any(&directory.join(FILE))?);
    Store::open(directory)
}
