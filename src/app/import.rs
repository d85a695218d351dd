//! A recording on its way into the history: its lines go through a world of their own, whose clock is that of the recording,
//! and what the recorder would have kept of it goes into the chunks.

use std::io;
use std::sync::Arc;

use super::recording::push_records;
use crate::config::Config;
use crate::history::HistoryError;
use crate::history::disk::{Disk as _, SystemDisk};
use crate::history::import::Import;
use crate::history::record::Record;
use crate::input::log_file::{Heard, LogFile};
use crate::kernel::id::{Origin, Seq};
use crate::kernel::model::Arrival;
use crate::kernel::time::Timestamp;
use crate::kernel::world::{World, recorded_now};
use crate::state_dir::StateDir;

/// Time is let pass in the world this often, in milliseconds of the recording.
const SWEEP_INTERVAL_MS: i64 = 1_000;

/// Why a recording was not brought in to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error("cannot be read: {0}")]
    File(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The disk would have less room left than the configuration wants.
    #[error(
        "stopped: the disk has {free_mb} MB left, and [history] keep_free is {keep_mb} MB; make room and start again"
    )]
    DiskFull {
        /// What is left.
        free_mb: u64,
        /// What is to be left.
        keep_mb: u64,
    },
    /// The history would lose its oldest days.
    #[error(
        "stopped: the history has {used_mb} MB, and [history] max_size is {max_mb} MB, above which the server drops the \
         oldest; raise it and start again"
    )]
    HistoryFull {
        /// What it has.
        used_mb: u64,
        /// What it may have.
        max_mb: u64,
    },
}

/// Where recordings go, and as whose.
#[derive(Debug)]
pub struct Destination<'a> {
    config: &'a Config,
    own: String,
    disk: SystemDisk,
}

impl<'a> Destination<'a> {
    /// The history of a configuration whose state directory is held.
    pub fn new(config: &'a Config, state: &StateDir) -> Self {
        let disk = SystemDisk::new(&super::recording::directory(config));
        Self { config, own: super::own_vessel(config, state), disk }
    }

    /// Opens it.
    ///
    /// # Errors
    /// A database that cannot be opened.
    pub fn open(&self) -> Result<Import, HistoryError> {
        Import::open(&super::recording::directory(self.config), Arc::from(self.own.as_str()))
    }

    /// Brings in what `log` says from its beginning; of the first `known` lines nothing, as that is in already. `source` is the
    /// first part of the `$source` of its sentences. `progress` is told after each commit, and every now and then.
    ///
    /// # Errors
    /// See [`ImportError`]. What was committed stays, and is gone on from the next time.
    pub fn bring(
        &self,
        import: &mut Import,
        log: &mut LogFile,
        (known, source): (u64, &str),
        mut progress: impl FnMut(&LogFile, Timestamp),
    ) -> Result<(), ImportError> {
        let mut heard = Heard::default();
        let mut world: Option<World> = None;
        let (mut cursor, mut swept) = (Seq::default(), Timestamp::default());
        let mut records = Vec::new();
        while log.next(&mut heard)? {
            progress(log, heard.at);
            if heard.updates.is_empty() {
                continue;
            }
            let world = world.get_or_insert_with(|| {
                // Its numbers begin anew with each recording; the identity that it begins with is no news.
                let world = World::new(super::setup(self.config, &self.own), Seq::default()).replica(heard.at);
                (cursor, swept) = (world.head(), heard.at);
                world
            });
            let now = recorded_now(heard.at);
            if heard.at.as_millis() - swept.as_millis() >= SWEEP_INTERVAL_MS {
                world.sweep(now);
                swept = heard.at;
            }
            world.apply(heard.updates.drain(..), &Arrival { input: source, origin: Origin::SERVER, now, heard: true });
            let head = world.head();
            if log.taken() > known {
                for change in world.tail.after(cursor).into_iter().flatten() {
                    push_records(world, change, &mut records);
                }
                // The times of a recording are its own.
                records.drain(..).for_each(|record| import.take(Record { trusted_wall: true, ..record }));
            }
            cursor = head;
            if import.is_full() {
                self.look_for_room(import)?;
                import.commit(log.taken())?;
            }
        }
        import.complete(log.taken())?;
        Ok(())
    }

    /// Never fills the disk, nor the history so far that what was brought in would be dropped again.
    fn look_for_room(&self, import: &Import) -> Result<(), ImportError> {
        const MB: u64 = 1_000_000;
        let (keep, max) = (self.config.history.keep_free, self.config.history.max_size);
        if let Some(free) = self.disk.free_bytes().filter(|free| *free < keep) {
            return Err(ImportError::DiskFull { free_mb: free / MB, keep_mb: keep / MB });
        }
        let used = import.used_bytes()?;
        if used > max {
            return Err(ImportError::HistoryFull { used_mb: used / MB, max_mb: max / MB });
        }
        Ok(())
    }
}
