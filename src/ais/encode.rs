//! The way back: a [`Message`] to `!AIVDM` or `!AIVDO` sentences. Small on purpose: what position and static reports
//! of the usual stations need, which is types 1 to 5, 9, 18, 21 and 24.

use std::fmt::Write as _;

use super::message::{Aid, Aircraft, ClassA, ClassB, Dimensions, Fixed, Message, Place, Static, Voyage};
use super::sixbit::symbol;
use crate::kernel::update::Mmsi;

/// Six-bit characters in one sentence: what 82 characters leave room for.
pub const SYMBOLS_MAX: usize = 60;

/// How the sentences look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<'a> {
    /// Two letters before the formatter, `AI` for a ship's transponder or receiver.
    pub talker: &'a str,
    /// `VDO` (own vessel) instead of `VDM`.
    pub own: bool,
    /// Radio channel `A` or `B`; none for what was not on the air, as is usual with `VDO`.
    pub channel: Option<char>,
    /// Sequence number of a message of several sentences, 0 to 9. The caller counts it on.
    pub sequence: u8,
}

/// The sentences of one message, checksums included, line ends not. Empty for a message that is not encoded here. Numbers
/// that do not fit their field lose their upper bits, texts their end; characters outside of six-bit ASCII become `?`.
pub fn sentences(mmsi: Mmsi, message: &Message, form: Form<'_>) -> Vec<String> {
    bits(mmsi, message).map_or_else(Vec::new, |bits| lines(&bits, form))
}

/// The sentences that carry these bits.
pub(super) fn lines(bits: &Bits, form: Form<'_>) -> Vec<String> {
    let (symbols, fill) = bits.symbols();
    let total = symbols.len().div_ceil(SYMBOLS_MAX);
    symbols
        .chunks(SYMBOLS_MAX)
        .enumerate()
        .map(|(i, part)| {
            let mut line = String::with_capacity(82);
            let formatter = if form.own { "VDO" } else { "VDM" };
            let _ = write!(line, "!{}{formatter},{total},{},", form.talker, i + 1);
            if total > 1 {
                let _ = write!(line, "{}", form.sequence % 10);
            }
            line.push(',');
            line.extend(form.channel);
            line.push(',');
            line.extend(part.iter().map(|&symbol| char::from(symbol)));
            let _ = write!(line, ",{}", if i + 1 == total { fill } else { 0 });
            let checksum = line.bytes().skip(1).fold(0, |sum, byte| sum ^ byte);
            let _ = write!(line, "*{checksum:02X}");
            line
        })
        .collect()
}

fn bits(mmsi: Mmsi, message: &Message) -> Option<Bits> {
    let mut bits = Bits::default();
    match message {
        Message::ClassA(report) => class_a(bits.head(report.kind, mmsi), report),
        Message::Fixed(station) if station.kind == 4 => base_station(bits.head(4, mmsi), *station),
        Message::Voyage(voyage) => voyage_data(bits.head(5, mmsi), voyage),
        Message::Aircraft(report) => aircraft(bits.head(9, mmsi), report),
        Message::ClassB(report) if report.extended.is_none() => class_b(bits.head(18, mmsi), report),
        Message::Aid(aid) => aid_to_navigation(bits.head(21, mmsi), aid),
        Message::Name(name) => bits.head(24, mmsi).put(0, 2).text(name, 20),
        Message::Static(part) => static_part(bits.head(24, mmsi), part),
        _ => return None,
    };
    Some(bits)
}

fn class_a<'b>(bits: &'b mut Bits, report: &ClassA) -> &'b mut Bits {
    bits.put(report.status.into(), 4)
        .put(report.rate_of_turn as u32, 8)
        .put(report.speed.into(), 10)
        .put(0, 1)
        .place(report.place)
        .put(report.course.into(), 12)
        .put(report.heading.into(), 9)
        .put(SECOND_UNKNOWN, 6)
        .put(report.manoeuvre.into(), 2)
        .put(0, 23)
}

/// Without a time: year, month and day 0, hour 24, minute and second 60.
fn base_station(bits: &mut Bits, station: Fixed) -> &mut Bits {
    bits.put(0, 23).put(24, 5).put(60, 6).put(60, 6).put(0, 1).place(station.place).put(0, 34)
}

fn voyage_data<'b>(bits: &'b mut Bits, voyage: &Voyage) -> &'b mut Bits {
    bits.put(voyage.edition.into(), 2)
        .put(voyage.imo, 30)
        .text(&voyage.call_sign, 7)
        .text(&voyage.name, 20)
        .put(voyage.ship_type.into(), 8)
        .dimensions(voyage.dimensions)
        .put(0, 4)
        .put(voyage.eta.month.into(), 4)
        .put(voyage.eta.day.into(), 5)
        .put(voyage.eta.hour.into(), 5)
        .put(voyage.eta.minute.into(), 6)
        .put(voyage.draught.into(), 8)
        .text(&voyage.destination, 20)
        .put(0, 2)
}

fn aircraft<'b>(bits: &'b mut Bits, report: &Aircraft) -> &'b mut Bits {
    bits.put(report.altitude.into(), 12)
        .put(report.speed.into(), 10)
        .put(0, 1)
        .place(report.place)
        .put(report.course.into(), 12)
        .put(SECOND_UNKNOWN, 6)
        .put(0, 34)
}

fn class_b<'b>(bits: &'b mut Bits, report: &ClassB) -> &'b mut Bits {
    bits.put(0, 8)
        .put(report.speed.into(), 10)
        .put(0, 1)
        .place(report.place)
        .put(report.course.into(), 12)
        .put(report.heading.into(), 9)
        .put(SECOND_UNKNOWN, 6)
        .put(0, 29)
}

fn aid_to_navigation<'b>(bits: &'b mut Bits, aid: &Aid) -> &'b mut Bits {
    bits.put(aid.aid_type.into(), 5)
        .text(&aid.name, 20)
        .put(0, 1)
        .place(aid.place)
        .dimensions(aid.dimensions)
        .put(0, 4)
        .put(SECOND_UNKNOWN, 6)
        .put(aid.off_position.into(), 1)
        .put(0, 9)
        .put(aid.virtual_aid.into(), 1)
        .put(0, 2);
    let more = aid.name.chars().count().saturating_sub(20).min(14);
    let extension: String = aid.name.chars().skip(20).take(more).collect();
    bits.text(&extension, more)
}

fn static_part<'b>(bits: &'b mut Bits, part: &Static) -> &'b mut Bits {
    bits.put(1, 2)
        .put(part.ship_type.into(), 8)
        .put(0, 42)
        .text(&part.call_sign, 7)
        .dimensions(part.dimensions)
        .put(0, 6)
}

/// The second of the minute of a fix, not available.
const SECOND_UNKNOWN: u32 = 60;

/// A message under construction, six bits to a byte.
#[derive(Debug, Default)]
pub(super) struct Bits {
    sixes: Vec<u8>,
    count: usize,
}

impl Bits {
    /// What every message begins with.
    pub(super) fn head(&mut self, kind: u8, mmsi: Mmsi) -> &mut Self {
        self.put(kind.into(), 6).put(0, 2).put(mmsi.get(), 30)
    }

    pub(super) fn put(&mut self, value: u32, width: usize) -> &mut Self {
        for bit in (0..width).rev() {
            if self.count % 6 == 0 {
                self.sixes.push(0);
            }
            let set = (u64::from(value) >> bit.min(63) & 1) as u8;
            if let Some(last) = self.sixes.last_mut() {
                *last |= set << (5 - self.count % 6);
            }
            self.count += 1;
        }
        self
    }

    pub(super) fn place(&mut self, place: Place) -> &mut Self {
        self.put(place.longitude as u32, 28).put(place.latitude as u32, 27)
    }

    fn dimensions(&mut self, size: Dimensions) -> &mut Self {
        self.put(size.bow.into(), 9).put(size.stern.into(), 9).put(size.port.into(), 6).put(size.starboard.into(), 6)
    }

    /// Filled up with `@`, which ends a text.
    pub(super) fn text(&mut self, text: &str, characters: usize) -> &mut Self {
        let mut sixes = text.chars().map(six_bit);
        for _ in 0..characters {
            self.put(sixes.next().unwrap_or(0).into(), 6);
        }
        self
    }

    /// The characters, and how many bits of the last one are filling.
    fn symbols(&self) -> (Vec<u8>, usize) {
        (self.sixes.iter().map(|&six| symbol(six)).collect(), self.sixes.len() * 6 - self.count)
    }
}

/// Six-bit ASCII: `@` to `_` are 0 to 31, space to `?` stand for themselves. Small letters become capitals.
fn six_bit(character: char) -> u8 {
    match character.to_ascii_uppercase() {
        c @ ' '..='?' => c as u8,
        c @ '@'..='_' => c as u8 - 64,
        _ => b'?',
    }
}
