//! AIS: six-bit payloads to updates.
//!
//! [`Decoder`] takes the `VDM` and `VDO` sentences of one input. It joins the parts of long messages
//! ([`assemble`]), unpacks the six-bit characters ([`sixbit`]), reads the fields of the message ([`message`],
//! [`weather`], [`inland`]) and says what they mean in Signal K's terms ([`to_update`]). [`encode`] is the way back, for
//! the demo boat and for tests. What becomes of targets that fall silent is the model's business: [`crate::kernel::lost`].
//!
//! Facts: IEC 61162-1 (the sentences) and ITU-R M.1371-5 (the messages). Where those, the Signal K schema and the
//! reference server part ways, `docs/decisions-ais.md` says what we do and why.

pub mod assemble;
pub mod aton_type;
pub mod calendar;
pub mod encode;
pub mod inland;
pub mod message;
pub mod ship_type;
pub mod sixbit;
pub mod to_update;
pub mod weather;

use compact_str::CompactString;

use crate::kernel::time::Now;
use crate::kernel::update::{Mmsi, Nmea0183Source, Source, Update};
use crate::nmea0183::Outcome;
use crate::nmea0183::sentence::Sentence;

use assemble::{Assembler, Assembly};
use message::{Message, ReadError};
use sixbit::Payload;

/// What a tag block before the sentence says (NMEA 0183 4.10, section 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Parameter `s`: the station that sent the sentence.
    pub source: Option<&'a str>,
    /// Parameter `g`, third number: which group of sentences this one belongs to.
    pub group: Option<u32>,
}

impl<'a> Tag<'a> {
    /// From the texts of the parameters: `s` as it stands, and of `g` (`1-2-77`) the group number at its end.
    pub fn new(source: Option<&'a str>, group: Option<&str>) -> Self {
        Self { source, group: group.and_then(|text| text.rsplit('-').next()?.parse().ok()) }
    }
}

/// Turns AIS sentences into updates. One for each input; holds the open parts of long messages and nothing else.
#[derive(Debug, Default)]
pub struct Decoder {
    assembler: Assembler,
}

impl Decoder {
    /// A decoder without open groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one `VDM` or `VDO` sentence whose checksum has been dealt with, and adds what it says to `out`. `own` tells
    /// that the message is about the vessel we are aboard (a `VDO` where the input is her transponder); otherwise the
    /// context is the MMSI of the sender. `now.mono` ages the open groups, `now.wall` completes dates without a year.
    pub fn sentence(
        &mut self,
        sentence: &Sentence<'_>,
        tag: Tag<'_>,
        own: bool,
        now: Now,
        out: &mut Vec<Update>,
    ) -> Outcome {
        let mut payload = Payload::new();
        match self.assembler.take(sentence, tag, now.mono, &mut payload) {
            Assembly::Complete => {}
            Assembly::Open => return Outcome::Nothing,
            Assembly::Refused => return Outcome::Malformed,
        }
        let ais_type = payload.unsigned(0, 6) as u8;
        let source = Source::Nmea0183(Nmea0183Source {
            sentence: CompactString::new(sentence.formatter),
            talker: CompactString::new(sentence.talker),
            label: tag.source.map(CompactString::new),
            ais_type: Some(ais_type),
        });
        match Message::read(&payload) {
            Ok((mmsi, message)) => publish(mmsi, &message, &payload, source, own, now, out),
            Err(ReadError::UnknownType) => Outcome::Unknown,
            Err(ReadError::TooShort | ReadError::NoMmsi) => Outcome::Malformed,
        }
    }

    /// Long messages that were given up because a part of them was missing, late, or could not be told from another's.
    pub fn abandoned(&self) -> u64 {
        self.assembler.abandoned()
    }
}

fn publish(
    mmsi: Mmsi,
    message: &Message,
    payload: &Payload,
    source: Source,
    own: bool,
    now: Now,
    out: &mut Vec<Update>,
) -> Outcome {
    let update = match message {
        Message::Binary { area: area @ (1 | 367), function } => {
            weather::update(mmsi, *area, *function, payload, source, now.wall)
        }
        Message::Binary { area: 200, function: 10 } => inland::update(mmsi, payload, source, own),
        Message::Binary { .. } | Message::Ignored => None,
        message => Some(to_update::update(mmsi, message, source, own, now.wall)),
    };
    match update {
        Some(update) => {
            out.push(update);
            Outcome::Understood
        }
        None => Outcome::Nothing,
    }
}

#[cfg(test)]
mod tests;
