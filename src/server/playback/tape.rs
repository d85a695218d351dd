//! Where a playback comes from: the history, or something else that has times.

use crate::history::HistoryError;
use crate::history::player::{self, Instant};
use crate::history::reader::{Filter, Reader};
use crate::history::record::Gap;
use crate::history::scan::Scan;
use crate::kernel::time::Timestamp;
use crate::kernel::update::Update;

/// Recorded gaps that one playback holds at the most; of those after them only the silence shows.
const GAPS_MAX: usize = 4_096;

/// Why a tape cannot be read.
pub type TapeError = Box<dyn std::error::Error + Send + Sync>;

/// A recording that is read page by page, in order of time. All calls block.
pub trait Tape: Send {
    /// Goes to another time. `None`, and stays where it is, when there is nothing from there on.
    ///
    /// # Errors
    /// A recording that cannot be read.
    fn load(&mut self, at: Timestamp) -> Result<Option<Loaded>, TapeError>;

    /// The next page; `None` when there is no more, for now or (with an end) at all.
    ///
    /// # Errors
    /// A recording that cannot be read.
    fn page(&mut self) -> Result<Option<Vec<Instant>>, TapeError>;
}

/// What a playback begins with, and again after a seek.
#[derive(Debug)]
pub struct Loaded {
    /// What was known by then.
    pub state: Vec<Update>,
    /// What comes first.
    pub page: Vec<Instant>,
    /// What the recorder lost from there on.
    pub lost: Vec<Gap>,
}

/// A place in the history to go on reading from.
pub struct HistoryTape {
    reader: Reader,
    scan: Scan,
    end: Option<Timestamp>,
    /// Where the scan ends.
    upto: Timestamp,
}

impl HistoryTape {
    /// The history from `start` on; without an `end`, with what is recorded meanwhile.
    ///
    /// # Errors
    /// A history that cannot be read.
    pub fn new(mut reader: Reader, start: Timestamp, end: Option<Timestamp>) -> Result<Self, HistoryError> {
        let scan = reader.scan(&Filter::all(), start, start)?;
        Ok(Self { reader, scan, end, upto: start })
    }
}

impl Tape for HistoryTape {
    fn load(&mut self, at: Timestamp) -> Result<Option<Loaded>, TapeError> {
        let is_new = self.reader.refresh()?;
        let newest = self.reader.bounds()?.to.map(|to| to.plus_millis(1));
        let Some(upto) = newest.map(|newest| self.end.unwrap_or(newest)).filter(|upto| at < *upto) else {
            return Ok(None);
        };
        let mut scan = self.reader.scan(&Filter::all(), at, upto)?;
        let Some(page) = next_page(&mut scan, &mut self.reader)? else {
            if is_new {
                self.scan = scan;
            }
            return Ok(None);
        };
        let state = self.reader.state_at(&Filter::all(), at)?;
        let reader = &mut self.reader;
        let state = player::state(state, |id| reader.series(id).ok().flatten());
        (self.scan, self.upto) = (scan, upto);
        let mut lost = self.reader.gaps(at, self.end.unwrap_or(Timestamp::from_millis(i64::MAX)))?;
        lost.truncate(GAPS_MAX);
        Ok(Some(Loaded { state, page, lost }))
    }

    fn page(&mut self) -> Result<Option<Vec<Instant>>, TapeError> {
        if let Some(page) = next_page(&mut self.scan, &mut self.reader)? {
            return Ok(Some(page));
        }
        // Without an end the playback goes on with what was recorded meanwhile.
        let newest = self.reader.bounds()?.to.map(|to| to.plus_millis(1));
        let Some(upto) = newest.filter(|newest| self.end.is_none() && *newest > self.upto) else { return Ok(None) };
        self.scan = self.reader.scan(&Filter::all(), self.upto, upto)?;
        self.upto = upto;
        Ok(next_page(&mut self.scan, &mut self.reader)?)
    }
}

fn next_page(scan: &mut Scan, reader: &mut Reader) -> Result<Option<Vec<Instant>>, HistoryError> {
    let mut samples = Vec::new();
    while scan.next_page(reader, &mut samples)? {
        let page = player::instants(&samples, |id| reader.series(id).ok().flatten());
        if !page.is_empty() {
            return Ok(Some(page));
        }
    }
    Ok(None)
}
