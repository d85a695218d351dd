//! The history as the rest of the server holds it: where it is, how it is doing, and places for those who read.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::HistoryError;
use super::reader::Reader;
use super::record::Gap;
use super::sentences::Inbox;
use super::status::SharedStatus;
use super::tail::Tail;

/// What others may know of the history.
#[derive(Debug, Clone)]
pub struct History {
    /// Where it is.
    pub directory: PathBuf,
    /// How the recorder is doing.
    pub status: SharedStatus,
    /// What is not yet on the disk.
    pub tail: Tail,
    /// Where sentences go that are to be kept as they came, if they are.
    pub sentences: Option<Inbox>,
    /// Places for those who read at the same time.
    pub readers: Arc<Semaphore>,
    /// The numbers between the run before and this one, which were never given out, where there was one.
    pub unused: Option<Gap>,
    /// No rule leaves anything out.
    pub keeps_all: bool,
    /// Places for playbacks, and for streams that go on from the log; each keeps a connection to the database, and memory
    /// for a page.
    pub playbacks: Arc<Semaphore>,
}

impl History {
    /// Whether the log holds every change, as far as is known: no rule thins it out, nor does the bound on what is written.
    pub fn keeps_every_change(&self) -> bool {
        let status = self.status.get();
        self.keeps_all && status.own_one_in_ms == 0 && status.others_one_in_ms == 0
    }

    /// A reader of its own for one query or one playback.
    pub fn reader(&self) -> Result<Reader, HistoryError> {
        Ok(Reader::open(&self.directory, Some(self.tail.clone()))?.following(self.status.clone()))
    }
}
