//! A recording in a file, read line by line as fast as it comes, with the time at which each line was heard.
//!
//! What it may hold: NMEA 0183 sentences, with the logger's time before each, tag blocks, or nothing; Signal K deltas, one a
//! line; the hourly files of the Node server (`time;kind;line`), in which both are mixed. Each line says itself what it is.
//! All of it may be packed with gzip. What is not understood is counted by its kind.
//!
//! A file is read twice: [`survey`] looks through it for what must be known before the first line is used (which file it is,
//! and a date), then [`LogFile`] reads it. The same file gives the same lines at the same times, always.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use compact_str::CompactString;
use sha1::{Digest as _, Sha1};

use super::dating::{self, Dating};
use super::{DeltaFn, DeltaLimits, recorded_time};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::kernel::update::{Context, Update};
use crate::nmea0183::{self, Counters, Decoder, Options};

/// Bytes read from the file at once.
const READ_BYTES: usize = 64 * 1024;
/// Bytes that begin a file packed with gzip (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The least number of a parameter group that messages of NMEA 2000 have.
const PGN_MIN: u32 = 59_392;

/// How a file is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The first part of the `$source` of what its sentences say.
    pub source: Arc<str>,
    /// The context that is the own vessel in it, besides `vessels.self`.
    pub own: Option<CompactString>,
    /// Take sentences without a checksum, and with a wrong one.
    pub checksum_ignored: bool,
    /// Reads its deltas.
    pub delta: DeltaFn,
    /// How large they may be. A longer line of any kind is passed over.
    pub limits: DeltaLimits,
}

/// What is known of a file before its first line is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// SHA-1 of them.
    pub hash: [u8; 20],
    /// The first time in it that has a date.
    pub first: Option<Timestamp>,
    /// The first time of the day that a line tells, in milliseconds, where none before it has a date.
    pub time_of_day: Option<i64>,
    /// Lines that are sentences of NMEA 0183, right or wrong.
    pub sentences: u64,
    /// Lines that are deltas.
    pub deltas: u64,
    /// What the hello among its deltas says of whose they are.
    pub own: Option<CompactString>,
}

impl Survey {
    /// The time of the first line, where `start` is the time of the begin, or a time near to it, of a file that names no date.
    pub fn begins(&self, start: Timestamp) -> Timestamp {
        let on_that_day = || self.time_of_day.map_or(start, |ms| dating::nearest(start, ms));
        self.first.unwrap_or_else(on_that_day)
    }
}

/// What the lines of a file were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Lines, without those that are empty or comments.
    pub lines: u64,
    /// NMEA 0183.
    pub sentences: Counters,
    /// Deltas that could be used.
    pub deltas: u64,
    /// Deltas in which nothing could be used.
    pub bad_deltas: u64,
    /// NMEA 2000, which is not read yet.
    pub nmea2000: u64,
    /// Lines that are too long.
    pub overlong: u64,
    /// Everything else.
    pub other: u64,
}

/// What one line says.
#[derive(Debug, Default)]
pub struct Heard {
    /// When it was heard.
    pub at: Timestamp,
    /// What it says. A timestamp of its own is kept, everything else has that of the line.
    pub updates: Vec<Update>,
    /// The line itself, if it is a sentence of NMEA 0183: as the device sent it, without its end.
    pub sentence: Vec<u8>,
}

/// A kind of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sentence,
    Delta,
    Nmea2000,
    Other,
}

impl Survey {
    /// Whether any line is of a kind that is understood.
    pub const fn is_known(&self) -> bool {
        self.sentences + self.deltas > 0
    }
}

/// Looks through a file. `progress` is told how many bytes of it have been read, and ends it by answering false.
///
/// # Errors
/// A file that cannot be read; [`io::ErrorKind::Interrupted`] when `progress` ended it.
pub fn survey(path: &Path, limits: DeltaLimits, mut progress: impl FnMut(u64) -> bool) -> io::Result<Survey> {
    let mut lines = LineReader::open(path, limits.line_bytes_max)?;
    let mut hash = Sha1::new();
    let mut survey =
        Survey { bytes: 0, hash: [0; 20], first: None, time_of_day: None, sentences: 0, deltas: 0, own: None };
    while let Some(is_whole) = lines.next()? {
        survey.bytes += lines.line.len() as u64;
        hash.update(&lines.line);
        if !is_whole {
            continue;
        }
        let (prefix, text) = recorded_time::split_prefix(lines.line.trim_ascii_end());
        let kind = kind(prefix, text);
        survey.sentences += u64::from(kind == Kind::Sentence);
        survey.deltas += u64::from(kind == Kind::Delta);
        if survey.own.is_none() && kind == Kind::Delta {
            survey.own = own_of_hello(text);
        }
        if survey.first.is_none() && matches!(kind, Kind::Sentence | Kind::Delta) {
            survey.first = dating::absolute(prefix, text);
            survey.time_of_day = survey.time_of_day.or_else(|| dating::stamp(prefix, text).map(|stamp| stamp.ms));
        }
        if !progress(lines.read_bytes()) {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
    survey.hash = hash.finalize().into();
    Ok(survey)
}

/// A file that is being read.
pub struct LogFile {
    lines: LineReader,
    reading: Reading,
    dating: Dating,
    decoder: Decoder,
    counts: Counts,
    taken: u64,
}

impl LogFile {
    /// Opens a file that has been surveyed. `start` is the time of its begin, or a day on which it was made, where it tells
    /// no date itself.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(path: &Path, survey: &Survey, start: Timestamp, reading: Reading) -> io::Result<Self> {
        let options =
            Options { checksum_ignored: reading.checksum_ignored, vdo_is_own: true, ..nmea0183::Options::default() };
        Ok(Self {
            lines: LineReader::open(path, reading.limits.line_bytes_max)?,
            dating: Dating::new(survey.begins(start), survey.first.is_none() && survey.time_of_day.is_none()),
            decoder: Decoder::new(options),
            counts: Counts::default(),
            taken: 0,
            reading,
        })
    }

    /// Reads the next line, of whatever kind. False at the end.
    ///
    /// # Errors
    /// A file that cannot be read further.
    pub fn next(&mut self, heard: &mut Heard) -> io::Result<bool> {
        heard.updates.clear();
        heard.sentence.clear();
        heard.at = self.dating.now();
        let Some(is_whole) = self.lines.next()? else { return Ok(false) };
        self.taken += 1;
        if !is_whole {
            self.counts.lines += 1;
            self.counts.overlong += 1;
            return Ok(true);
        }
        let (prefix, text) = recorded_time::split_prefix(self.lines.line.trim_ascii_end());
        if text.trim_ascii().is_empty() || text.starts_with(b"#") {
            return Ok(true);
        }
        self.counts.lines += 1;
        let kind = kind(prefix, text);
        if matches!(kind, Kind::Sentence | Kind::Delta) {
            heard.at = self.dating.line(prefix, text);
        }
        match kind {
            Kind::Sentence => {
                let now = Now { wall: heard.at, mono: moment(heard.at) };
                self.decoder.line(text, now, &mut heard.updates);
                heard.sentence.extend_from_slice(text);
            }
            Kind::Delta => {
                let Reading { delta, source, limits, .. } = &self.reading;
                // A line that is no text is a delta in which nothing can be used.
                let issues =
                    std::str::from_utf8(text).map_or(1, |text| delta(text, source, *limits, &mut heard.updates));
                // A hello says nothing and is right all the same.
                let is_bad = heard.updates.is_empty() && issues > 0;
                self.counts.bad_deltas += u64::from(is_bad);
                self.counts.deltas += u64::from(!is_bad);
            }
            Kind::Nmea2000 => self.counts.nmea2000 += 1,
            Kind::Other => self.counts.other += 1,
        }
        for update in &mut heard.updates {
            update.timestamp.get_or_insert(heard.at);
            if matches!(&update.context, Context::Named(name) if Some(name) == self.reading.own.as_ref()) {
                update.context = Context::Own;
            }
        }
        Ok(true)
    }

    /// Lines read so far, empty ones too: the place in the file.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes of the file read so far, packed as they are.
    pub fn read_bytes(&self) -> u64 {
        self.lines.read_bytes()
    }

    /// What its lines were so far.
    pub fn counts(&self) -> Counts {
        Counts { sentences: *self.decoder.counters(), ..self.counts }
    }
}

/// A time of the recording as the moment that a decoder counts with.
fn moment(at: Timestamp) -> Moment {
    Moment::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

fn kind(prefix: Option<Timestamp>, text: &[u8]) -> Kind {
    match text.first() {
        Some(b'$' | b'!' | b'\\') => Kind::Sentence,
        Some(b'{') => Kind::Delta,
        _ if prefix.is_none() && is_nmea2000(text) => Kind::Nmea2000,
        _ => Kind::Other,
    }
}

/// Lines of NMEA 2000 as loggers write them: `1404122400000;A;…` of the Node server, and `time,priority,PGN,source,…`.
fn is_nmea2000(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut parts = text.splitn(3, ';');
    let is_time = |part: &str| part.len() >= 12 && part.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some_and(is_time) && parts.next().is_some_and(|kind| kind.starts_with(['A', 'a', 'c'])) {
        return true;
    }
    let mut fields = text.split(',');
    let pgn = fields.nth(2).and_then(|field| field.parse::<u32>().ok());
    pgn.is_some_and(|pgn| pgn >= PGN_MIN) && fields.count() >= 3
}

/// The context of `self` in a hello, which is the first message of every stream.
fn own_of_hello(text: &[u8]) -> Option<CompactString> {
    #[derive(serde::Deserialize)]
    struct Hello<'a> {
        #[serde(rename = "self")]
        own: Option<&'a str>,
        #[serde(rename = "version")]
        _version: &'a str,
    }
    let hello: Hello<'_> = serde_json::from_slice(text).ok()?;
    hello.own.filter(|own| own.starts_with("vessels.")).map(CompactString::new)
}

/// The lines of a file, packed or not. A line that is too long comes in pieces.
struct LineReader {
    input: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    line: Vec<u8>,
    bytes_max: usize,
    in_overlong: bool,
}

impl LineReader {
    fn open(path: &Path, bytes_max: usize) -> io::Result<Self> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { file: File::open(path)?, read: read.clone() };
        let mut plain = BufReader::with_capacity(READ_BYTES, counted);
        let input: Box<dyn BufRead + Send> = if plain.fill_buf()?.starts_with(&GZIP) {
            Box::new(BufReader::with_capacity(READ_BYTES, flate2::bufread::MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        Ok(Self { input, read, line: Vec::new(), bytes_max, in_overlong: false })
    }

    /// Reads the next line into `line`, its end included: whole or not; `None` at the end.
    fn next(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let limit = self.bytes_max as u64;
        match self.input.by_ref().take(limit).read_until(b'\n', &mut self.line) {
            Ok(_) => {}
            // A logger that lost its power left the packed file without its end; what is there counts.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
        if self.line.is_empty() {
            return Ok(None);
        }
        let is_complete = self.line.ends_with(b"\n") || self.line.len() < self.bytes_max;
        let is_whole = is_complete && !self.in_overlong;
        self.in_overlong = !is_complete;
        Ok(Some(is_whole))
    }

    fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// A file that counts what was read of it.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
