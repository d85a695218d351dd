//! The recorder's storage: what is recorded, and what is promised about loss.
//!
//! Every change that the model applied goes, with all its stamps, into a **log**: one blob each commit interval (ten
//! seconds), in the order of `seq`, on the disk when the commit returns. Every ten minutes what the log holds is sealed
//! into **chunks**: the values of one series in one window, some two bytes each. An hour later the windows of the hour
//! are merged into one. The log is kept for a day, for clients that resume and for exact playback; chunks as long as
//! [`retention`] says.
//!
//! What is promised:
//!
//! - **A power cut loses at most one commit interval**, and never damages what was committed. Nothing needs a stop in
//!   order: what was in the log and not yet in chunks is sealed after the next start as it would have been before.
//! - **Everything that is missing is said**: a full channel, a disk that could not be written, a damaged file leave a
//!   [`record::Gap`].
//! - **The live server never waits for the disk.** The writer is a thread of its own behind a bounded channel; while the
//!   database cannot be written, up to [`tail::RECORDS_MAX`] records wait in memory and it is tried again.
//! - **Values come back bit for bit.**
//! - **A damaged database is never deleted**: it is set aside and a new one begun.
//! - **What is newer than the last commit is seen too**: readers take it from memory ([`tail::Tail`]).
//!
//! Order is `seq`; wall time is added. Stamps that this server made before the clock was trusted are moved when it is:
//! [`dating`].
//!
//! The way in is [`recorder::Recorder`] with [`record::Record`]s, and [`import::Import`] for what others recorded; the way out
//! is [`reader::Reader`].

pub mod aggregate;
pub mod answer;
pub mod budget;
pub mod chart;
pub mod chunk;
mod column;
pub mod dating;
pub mod disk;
mod envelope;
mod filter;
pub mod handle;
pub mod import;
mod intake;
mod keyframe;
mod lengths;
pub mod log;
mod number;
pub mod player;
pub mod policy;
pub mod query;
pub mod reader;
pub mod record;
pub mod recorder;
pub mod rehearsal;
mod repeats;
pub mod resume;
pub mod retention;
pub mod rollup;
pub mod scan;
pub mod schema;
mod seal;
pub mod sentences;
mod shared;
pub mod status;
mod store;
pub mod tail;
mod transform;
mod unsealed;
mod unused;
pub mod upkeep;
pub mod writer;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// SQLite said no.
    #[error("{what}: {source}")]
    Sql {
        /// What was being done.
        what: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is damaged.
    #[error("the history database is damaged: {found}")]
    Damaged {
        /// What was found.
        found: String,
    },
    /// The database is of another version than this program knows: it is left alone.
    #[error("the history database has version {found}, this program knows {known}")]
    Version {
        /// The version found.
        found: i32,
        /// The version of this program.
        known: i32,
    },
    /// The database belongs to another program: it is left alone.
    #[error("the history database was not made by this program")]
    Foreign,
    /// A query asks for more than is given at once.
    #[error("too many points in one answer: at most {max}")]
    TooMuch {
        /// The bound.
        max: usize,
    },
}

impl HistoryError {
    fn sql(what: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Sql { what, source }
    }
}

/// The greatest timepoint that the history in `directory` knows of; `None` when there is no history. Quick, and reads only:
/// the hub asks before it gives out its first number.
pub fn highest_seq(directory: &std::path::Path) -> Result<Option<u64>, HistoryError> {
    let path = directory.join(schema::FILE);
    if !path.exists() {
        return Ok(None);
    }
    // The tables asked are the same in every version.
    let (conn, found) = schema::open_any(&path)?;
    if !(1..=schema::VERSION).contains(&found) {
        return if found == 0 { Ok(None) } else { Err(HistoryError::Version { found, known: schema::VERSION }) };
    }
    store::highest_seq(&conn).map_err(HistoryError::sql("read the highest timepoint"))
}
