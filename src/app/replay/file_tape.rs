//! Recordings in files as a tape: the lines of each in their own time, one file after the other.

use std::path::PathBuf;

use compact_str::{CompactString, format_compact};

use crate::history::player::Instant;
use crate::input::log_file::{Heard, LogFile, Reading, Survey};
use crate::kernel::id::Seq;
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::world::{Setup, World};
use crate::server::playback::tape::{Loaded, Tape, TapeError};

/// Instants of one page.
const PAGE: usize = 1_024;

/// A file of the tape.
#[derive(Debug, Clone)]
pub struct Reel {
    /// Where it is.
    pub path: PathBuf,
    /// What is known of it.
    pub survey: Survey,
    /// When it begins, if it does not say.
    pub start: Timestamp,
    /// How it is read.
    pub reading: Reading,
}

/// A place in a row of files.
pub struct FileTape {
    reels: Vec<Reel>,
    setup: Setup,
    /// The next file.
    next: usize,
    log: Option<LogFile>,
    heard: Heard,
    /// What was read and belongs to the next page.
    waiting: Option<Instant>,
    upto: Timestamp,
}

impl FileTape {
    /// Files, up to `end` where one is given. `setup` is that of the world that will be played to.
    pub fn new(reels: Vec<Reel>, setup: Setup, end: Option<Timestamp>) -> Self {
        let upto = end.unwrap_or(Timestamp::from_millis(i64::MAX));
        Self { reels, setup, next: 0, log: None, heard: Heard::default(), waiting: None, upto }
    }

    fn rewind(&mut self) {
        self.next = 0;
        self.log = None;
        self.waiting = None;
    }

    /// The next moment: lines of one time, one after the other. `None` at the end.
    fn instant(&mut self) -> Result<Option<Instant>, TapeError> {
        loop {
            if self.log.is_none() && !self.open_next()? {
                return Ok(self.waiting.take());
            }
            let Some(log) = &mut self.log else { return Ok(None) };
            if !log.next(&mut self.heard)? {
                self.log = None;
                continue;
            }
            let Heard { at, updates, sentence } = &mut self.heard;
            if updates.is_empty() && sentence.is_empty() || *at >= self.upto {
                continue;
            }
            let finished = self.waiting.take_if(|waiting| waiting.at != *at);
            let moment = || Instant { at: *at, updates: Vec::new(), sentences: Vec::new() };
            let waiting = self.waiting.get_or_insert_with(moment);
            let source = &self.reels[self.next - 1].reading.source;
            waiting.updates.extend(updates.drain(..).map(|update| named(update, source)));
            if !sentence.is_empty() {
                waiting.sentences.append(sentence);
                waiting.sentences.extend_from_slice(b"\r\n");
            }
            if finished.is_some() {
                return Ok(finished);
            }
        }
    }

    fn open_next(&mut self) -> Result<bool, TapeError> {
        let Some(reel) = self.reels.get(self.next) else { return Ok(false) };
        let named = |error| format!("{}: {error}", reel.path.display());
        self.log = Some(LogFile::open(&reel.path, &reel.survey, reel.start, reel.reading.clone()).map_err(named)?);
        self.next += 1;
        Ok(true)
    }

    fn read_page(&mut self) -> Result<Option<Vec<Instant>>, TapeError> {
        let mut page = Vec::new();
        while page.len() < PAGE {
            match self.instant()? {
                Some(instant) => page.push(instant),
                None => break,
            }
        }
        Ok((!page.is_empty()).then_some(page))
    }
}

impl Tape for FileTape {
    fn load(&mut self, at: Timestamp) -> Result<Option<Loaded>, TapeError> {
        self.rewind();
        let mut before = World::new(self.setup.clone(), Seq::default()).replica(at);
        while let Some(instant) = self.instant()? {
            if instant.at >= at {
                let mut page = vec![instant];
                page.extend(self.read_page()?.into_iter().flatten());
                return Ok(Some(Loaded { state: state(&before), page, lost: Vec::new() }));
            }
            before.replay(instant.updates, instant.at);
        }
        Ok(None)
    }

    fn page(&mut self) -> Result<Option<Vec<Instant>>, TapeError> {
        self.read_page()
    }
}

/// The sentence's source by name, as the history has it.
fn named(mut update: Update, input: &str) -> Update {
    if let Source::Nmea0183(source) = &update.source {
        update.source = Source::Ref(format_compact!("{input}.{}", source.talker));
    }
    update
}

/// Everything that a world knows.
fn state(world: &World) -> Vec<Update> {
    let mut out = Vec::new();
    for node in world.model.contexts() {
        for leaf in node.leaves() {
            for slot in &leaf.slots {
                let source = Source::Ref(CompactString::new(&**world.model.sources().name(slot.source)));
                let mut update = Update::new(Context::Named(CompactString::new(&*node.name)), source, 1);
                update.timestamp = Some(slot.timestamp);
                update.push_at(CompactString::new(world.model.path(leaf.path)), slot.value.clone());
                out.push(update);
            }
        }
    }
    out.sort_by_key(|update| update.timestamp);
    out
}
