//! Whether this program can go on with a history that another version of it wrote, found out on a copy: an update asks
//! before it is put in place, and going back to the program before it is refused while that would end the recording.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::HistoryError;
use super::schema::{self, VERSION};

/// A database up to this size is copied with all its rows; of a larger one only the tables are, since a year of rows would
/// fill the card that an update is to be put on.
const COPY_BYTES_MAX: u64 = 64 << 20;

/// Copies that others may have left behind under the names that are tried.
const NAMES_MAX: u32 = 16;

/// What the next start would make of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// It is of this program's version.
    Current,
    /// It would be brought up to date, which was tried in a copy and works.
    Older {
        /// Its version now.
        found: i32,
        /// Whether the copy had all the rows; else it had the tables alone.
        with_rows: bool,
    },
}

/// Looks at the database at `path`, and changes nothing.
///
/// # Errors
/// [`HistoryError::Version`] for one of a later version and [`HistoryError::Foreign`] for one of another program: the server
/// would leave both alone. Anything else: it cannot be read, or the copy could not be brought up to date.
pub fn rehearse(path: &Path) -> Result<Prospect, HistoryError> {
    let conn = open(path).map_err(HistoryError::sql("open the database for reading"))?;
    let found = schema::version_of(&conn)?;
    if found == VERSION {
        return Ok(Prospect::Current);
    }
    let size = fs::metadata(path).map_or(0, |file| file.len());
    let with_rows = size <= COPY_BYTES_MAX;
    if with_rows {
        let room = Room::make().map_err(|source| HistoryError::Io { what: "make a folder for a copy", source })?;
        let copy = room.0.join(schema::FILE);
        conn.execute("VACUUM INTO ?1", [copy.to_string_lossy()])
            .and_then(|_| Connection::open(&copy))
            .map_err(HistoryError::sql("copy the database"))
            .and_then(|copy| schema::bring_up_to_date(&copy))?;
    } else {
        let copy = tables_of(&conn).map_err(HistoryError::sql("copy the tables"))?;
        schema::bring_up_to_date(&copy)?;
    }
    Ok(Prospect::Older { found, with_rows })
}

/// Opens the database so that nothing is left beside it. SQLite's readers make files for a write-ahead log that is not
/// there; where there is none nobody writes either, and the file can be read as one that does not change.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let conn = if Path::new(&log).exists() {
        Connection::open_with_flags(path, flags)?
    } else {
        Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    conn.busy_timeout(std::time::Duration::from_secs(1))?;
    conn.execute_batch("PRAGMA trusted_schema = OFF;")?;
    Ok(conn)
}

/// The URI by which SQLite takes a file for one that nobody changes.
fn immutable(path: &Path) -> PathBuf {
    let mut uri = b"file:".to_vec();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02X}").bytes()),
            _ => uri.push(byte),
        }
    }
    uri.extend(b"?immutable=1");
    PathBuf::from(OsStr::from_bytes(&uri))
}

/// A database in memory with the tables of `conn`, and its marks, but no rows.
fn tables_of(conn: &Connection) -> rusqlite::Result<Connection> {
    let copy = Connection::open_in_memory()?;
    let mut statements = conn.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?;
    let mut rows = statements.query([])?;
    while let Some(row) = rows.next()? {
        copy.execute_batch(&row.get::<_, String>(0)?)?;
    }
    for mark in ["application_id", "user_version"] {
        let value: i32 = conn.pragma_query_value(None, mark, |row| row.get(0))?;
        copy.pragma_update(None, mark, value)?;
    }
    Ok(copy)
}

/// A folder of our own for the copy, which goes away with it.
struct Room(PathBuf);

impl Room {
    fn make() -> io::Result<Self> {
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for n in 0..NAMES_MAX {
            let path = std::env::temp_dir().join(format!("taffrail-rehearsal-{}-{n}", std::process::id()));
            // Made, never entered as it is found, and closed to others: a temporary folder is everybody's.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_signs_of_a_uri_is_that_file() {
        let path = Path::new("/boat/50% full?/a#b/history.sqlite");
        assert_eq!(immutable(path), Path::new("file:/boat/50%25 full%3F/a%23b/history.sqlite?immutable=1"));
    }

    #[test]
    fn the_tables_alone_are_brought_up_to_date_like_the_whole() {
        for version in 0..VERSION {
            let old = schema::of_version(version);
            let copy = tables_of(&old).unwrap();
            schema::bring_up_to_date(&copy).unwrap();
            let names = |conn: &Connection| {
                let mut names = conn.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
                names.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap()
            };
            assert_eq!(names(&copy), names(&schema::of_version(VERSION)));
            assert_eq!(schema::version_of(&copy).unwrap(), VERSION);
            assert_eq!(schema::version_of(&old).unwrap(), version, "the original stays");
        }
    }
}
