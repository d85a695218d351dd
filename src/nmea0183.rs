//! NMEA 0183: bytes in, [`Update`]s out. [`Decoder`] is the whole of it for one device.
//!
//! [`framer`] finds the sentences in a stream, [`sentence`] and [`tag_block`] check and take apart one of them, [`convert`]
//! finds the converter for its formatter, and the converters turn its fields (with [`field`]) into values in SI units.
//! [`explain`] says all of that in words for one line, and [`delta_text`] writes updates as Signal K deltas.
//!
//! Invariants: no input stops a decoder or costs it the next good sentence; every sentence is counted as exactly one
//! [`Outcome`]; the result does not depend on how the bytes were cut into reads; no value that leaves is NaN or infinite.

pub mod convert;
pub mod delta_text;
pub mod explain;
pub mod field;
pub mod framer;
pub mod sentence;
pub mod tag_block;

use compact_str::CompactString;

use crate::ais::Tag;
use crate::kernel::time::Now;
use crate::kernel::update::{Context, Nmea0183Source, Source, Update};

use convert::{State, TextMessage, Transducers, XdrRule};
use framer::{Framer, Piece};
use sentence::{Demand, Refusal, Sentence};
use tag_block::TagBlock;

/// Values for which an update has room at first; GGA, the longest of the frequent sentences, has eight.
const VALUES_EXPECTED: usize = 8;

/// How a device's sentences are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Accept sentences without a checksum (a wrong one is always refused).
    pub checksum_optional: bool,
    /// Do not look at checksums at all: for the instrument that computes them wrongly. Line noise then passes for data,
    /// so this is nothing for a healthy device.
    pub checksum_ignored: bool,
    /// `!AIVDO` is the own vessel. Off in `taffrail convert`, which knows no own ship and keeps the MMSI context.
    pub vdo_is_own: bool,
    /// Names of transducers (XDR) and their paths, before the built-in ones.
    pub xdr: Vec<XdrRule>,
}

/// What became of one line. Every line is exactly one of these, so that a recording can be accounted for in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Published at least one value.
    Understood,
    /// Known, correct, and nothing to publish: part of a group, an empty report, a sentence that we ignore on purpose.
    /// An empty report may still say that a value is gone (null).
    Nothing,
    /// Known, and marked by its sender as not valid (status `V`). Values that are gone by that are published as null.
    Void,
    /// A correct sentence of a kind that we do not know.
    Unknown,
    /// The checksum is missing or wrong.
    BadChecksum,
    /// Has the frame of a sentence, but its content cannot be.
    Malformed,
    /// No sentence at all.
    Noise,
}

/// What one device sent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Bytes of all kinds.
    pub bytes: u64,
    /// Lines with the frame of a sentence, good or bad.
    pub sentences: u64,
    /// Of these: [`Outcome::Understood`].
    pub understood: u64,
    /// [`Outcome::Nothing`].
    pub nothing: u64,
    /// [`Outcome::Void`].
    pub void: u64,
    /// [`Outcome::Unknown`].
    pub unknown: u64,
    /// [`Outcome::BadChecksum`].
    pub bad_checksum: u64,
    /// [`Outcome::Malformed`].
    pub malformed: u64,
    /// Bytes that belong to no sentence (line ends not counted).
    pub noise_bytes: u64,
    /// Tag blocks that were ignored because their checksum is wrong; their sentences are counted above all the same.
    pub bad_tag_blocks: u64,
}

/// Turns what one device sends into updates. Holds what its sentences need of each other: the open line, groups of several
/// sentences, the last known date.
#[derive(Debug, Default)]
pub struct Decoder {
    options: Options,
    counters: Counters,
    framer: Framer,
    /// For [`Decoder::line`], so that it can be mixed with an open line of [`Decoder::feed`].
    line_framer: Framer,
    state: State,
    ais: crate::ais::Decoder,
}

impl Decoder {
    /// A decoder for one device.
    pub fn new(options: Options) -> Self {
        let mut state = State::default();
        state.devices.transducers = Transducers::new(options.xdr.clone());
        Self { options, state, ..Self::default() }
    }

    /// Takes bytes as they were read, in pieces of any size, and adds what their complete lines say to `out`.
    pub fn feed(&mut self, bytes: &[u8], now: Now, out: &mut Vec<Update>) {
        self.counters.bytes += bytes.len() as u64;
        self.state.now = now;
        let mut framer = std::mem::take(&mut self.framer);
        framer.push(bytes, |piece| {
            self.piece(piece, out);
        });
        self.framer = framer;
    }

    /// The device has ended: a last line without an end is taken as complete.
    pub fn finish(&mut self, now: Now, out: &mut Vec<Update>) {
        self.state.now = now;
        let mut framer = std::mem::take(&mut self.framer);
        framer.finish(|piece| {
            self.piece(piece, out);
        });
        self.framer = framer;
    }

    /// Takes one whole line without its end. A line with several sentences in it has the outcome of the best of them.
    pub fn line(&mut self, line: &[u8], now: Now, out: &mut Vec<Update>) -> Outcome {
        self.counters.bytes += line.len() as u64;
        self.state.now = now;
        let mut framer = std::mem::take(&mut self.line_framer);
        let mut best = Outcome::Noise;
        let mut found = |piece: Piece<'_>| {
            let outcome = self.piece(piece, out);
            if rank(outcome) < rank(best) {
                best = outcome;
            }
        };
        framer.push(line, &mut found);
        framer.finish(&mut found);
        self.line_framer = framer;
        best
    }

    /// What came so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The oldest text message (`TXT`) that nobody has taken yet, for a log. Only the newest few are kept.
    pub fn take_text(&mut self) -> Option<TextMessage> {
        self.state.devices.texts.take()
    }

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<Update>) -> Outcome {
        let outcome = match piece {
            Piece::Segment(bytes) => {
                let outcome = self.segment(bytes, out);
                if outcome == Outcome::Noise {
                    self.counters.noise_bytes += bytes.len() as u64;
                }
                outcome
            }
            Piece::TooLong => Outcome::Malformed,
            Piece::Noise(bytes) => {
                self.counters.noise_bytes += bytes as u64;
                Outcome::Noise
            }
        };
        let counter = match outcome {
            Outcome::Understood => &mut self.counters.understood,
            Outcome::Nothing => &mut self.counters.nothing,
            Outcome::Void => &mut self.counters.void,
            Outcome::Unknown => &mut self.counters.unknown,
            Outcome::BadChecksum => &mut self.counters.bad_checksum,
            Outcome::Malformed => &mut self.counters.malformed,
            Outcome::Noise => return outcome,
        };
        *counter += 1;
        self.counters.sentences += 1;
        outcome
    }

    fn segment(&mut self, bytes: &[u8], out: &mut Vec<Update>) -> Outcome {
        let untagged = tag_block::take(bytes);
        self.counters.bad_tag_blocks += u64::from(untagged.bad);
        if untagged.rest.is_empty() {
            // A tag block may stand on a line of its own (IEC 61162-450 groups); one that is broken has no sentence.
            return if untagged.bad == 0 { Outcome::Nothing } else { Outcome::Malformed };
        }
        let demand = if self.options.checksum_ignored {
            Demand::Nothing
        } else if self.options.checksum_optional {
            Demand::RightIfThere
        } else {
            Demand::Right
        };
        let checked = match sentence::check(untagged.rest, demand) {
            Ok(checked) => checked,
            Err(Refusal::NoSentence) => return Outcome::Noise,
            Err(Refusal::ChecksumMissing | Refusal::ChecksumWrong { .. }) => return Outcome::BadChecksum,
            Err(Refusal::Malformed) => return Outcome::Malformed,
        };
        let text = sentence::text(checked.body);
        let sentence = Sentence::parse(checked.encapsulated, &text);
        if matches!(sentence.formatter, "VDM" | "VDO") {
            return self.ais_sentence(&sentence, &untagged.tags, out);
        }
        let Some(converter) = convert::converter(sentence.formatter) else {
            return if convert::is_ignored(&sentence) { Outcome::Nothing } else { Outcome::Unknown };
        };
        self.state.tag_time = untagged.tags.time;
        let mut update = Update {
            context: Context::Own,
            source: Source::Nmea0183(source(&sentence, untagged.tags.source)),
            timestamp: untagged.tags.time,
            values: self.state.empty_values(VALUES_EXPECTED),
            meta: Vec::new(),
        };
        let outcome = converter(&sentence, &mut self.state, &mut update);
        self.state.settle_datum(sentence.talker, &mut update);
        if update.values.is_empty() && update.meta.is_empty() {
            self.state.take_back(update.values);
        } else {
            out.push(update);
        }
        outcome
    }

    /// AIS sentences leave for [`crate::ais`] here.
    fn ais_sentence(&mut self, sentence: &Sentence<'_>, tags: &TagBlock<'_>, out: &mut Vec<Update>) -> Outcome {
        let before = out.len();
        let own = self.options.vdo_is_own && sentence.formatter == "VDO";
        let outcome = self.ais.sentence(sentence, Tag::new(tags.source, tags.group), own, self.state.now, out);
        if tags.time.is_some() {
            for update in &mut out[before..] {
                update.timestamp = tags.time;
            }
        }
        outcome
    }
}

/// The source of a sentence, labelled with the station of its tag block. Of a proprietary address the first two characters
/// stand for the talker and the last three for the sentence, as all Signal K servers show it.
pub fn source(sentence: &Sentence<'_>, station: Option<&str>) -> Nmea0183Source {
    let address = sentence.formatter;
    let (talker, formatter) = match sentence.talker {
        "" => (address.get(..2).unwrap_or(address), address.get(address.len().saturating_sub(3)..).unwrap_or(address)),
        talker => (talker, sentence.as_sent),
    };
    Nmea0183Source {
        sentence: CompactString::new(formatter),
        talker: CompactString::new(talker),
        label: station.map(CompactString::new),
        ais_type: None,
    }
}

/// The order in which one line's outcome is chosen from those of its sentences.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Understood => 0,
        Outcome::Void => 1,
        Outcome::Nothing => 2,
        Outcome::Unknown => 3,
        Outcome::BadChecksum => 4,
        Outcome::Malformed => 5,
        Outcome::Noise => 6,
    }
}
