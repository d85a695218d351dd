//! What the bytes of one connection become: sentences through [`nmea0183::Decoder`], or Signal K deltas, one a line.

use std::sync::Arc;

use super::lines::Lines;
use super::tap::Tap;
use super::{DeltaFn, DeltaLimits};
use crate::config::{Checksum, Format, Sentences};
use crate::kernel::time::{Now, Timestamp};
use crate::kernel::update::{Source, Update};
use crate::nmea0183::convert::XdrRule;
use crate::nmea0183::{self, Counters};

/// The decoder of one connection, with what it has made and not yet handed over. A new connection gets a new one, so that
/// half a sentence of before the plug was pulled never meets the other half of another.
#[derive(Debug)]
pub(super) struct Decoding {
    device: Device,
    /// Updates not yet handed over.
    pub(super) updates: Vec<Update>,
    /// The counters as they were when the status last heard of them.
    pub(super) reported: Counters,
    good_before: u64,
    bytes_since_good: u64,
    date_taken: Option<Timestamp>,
    tap: Option<Tap>,
}

#[derive(Debug)]
enum Device {
    Nmea0183 { decoder: Box<nmea0183::Decoder>, talkers: Vec<(String, String)> },
    SignalK(DeltaLines),
}

impl Decoding {
    pub(super) fn new(
        format: Format,
        sentences: &Sentences,
        input: &Arc<str>,
        delta: DeltaFn,
        limits: DeltaLimits,
    ) -> Self {
        let device = match format {
            Format::Nmea0183 => Device::Nmea0183 {
                decoder: Box::new(nmea0183::Decoder::new(options(sentences))),
                talkers: sentences.talkers.clone(),
            },
            Format::SignalK => Device::SignalK(DeltaLines::new(input.clone(), delta, limits)),
        };
        Self {
            device,
            updates: Vec::new(),
            reported: Counters::default(),
            good_before: 0,
            bytes_since_good: 0,
            date_taken: None,
            tap: None,
        }
    }

    /// With somebody who keeps the sentences.
    pub(super) fn tapped(self, tap: Option<Tap>) -> Self {
        Self { tap, ..self }
    }

    /// Says whether the wall times of what is fed from now on may be wrong.
    pub(super) fn doubt_wall(&mut self, in_doubt: bool) {
        if let Device::Nmea0183 { decoder, .. } = &mut self.device {
            decoder.doubt_wall(in_doubt);
        }
    }

    /// The full date and time that the device gave in what was fed with this time of arrival, each once.
    pub(super) fn take_date(&mut self, now: Now) -> Option<Timestamp> {
        let Device::Nmea0183 { decoder, .. } = &self.device else { return None };
        let (date, _) = decoder.date_learnt().filter(|(date, at)| *at == now && self.date_taken != Some(*date))?;
        self.date_taken = Some(date);
        self.date_taken
    }

    /// Takes bytes as they came.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Now) {
        if let Some(tap) = &mut self.tap {
            tap.feed(bytes, now.wall);
        }
        match &mut self.device {
            Device::Nmea0183 { decoder, talkers } => {
                let before = self.updates.len();
                decoder.feed(bytes, now, &mut self.updates);
                group(talkers, &mut self.updates[before..]);
            }
            Device::SignalK(lines) => lines.feed(bytes, &mut self.updates),
        }
        let good = self.good_lines();
        if good == self.good_before {
            self.bytes_since_good += bytes.len() as u64;
        } else {
            self.good_before = good;
            self.bytes_since_good = 0;
        }
    }

    /// Nothing comes after this: an open line is taken as complete.
    pub(super) fn finish(&mut self, now: Now) {
        if let Some(tap) = &mut self.tap {
            tap.finish(now.wall);
        }
        match &mut self.device {
            Device::Nmea0183 { decoder, talkers } => {
                let before = self.updates.len();
                decoder.finish(now, &mut self.updates);
                group(talkers, &mut self.updates[before..]);
            }
            Device::SignalK(lines) => lines.finish(&mut self.updates),
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        match &self.device {
            Device::Nmea0183 { decoder, .. } => decoder.counters(),
            Device::SignalK(lines) => &lines.counters,
        }
    }

    /// Lines that are what they should be, whether or not they say something to us: proof that this is the right speed and
    /// the right protocol.
    pub(super) fn good_lines(&self) -> u64 {
        let c = self.counters();
        c.understood + c.nothing + c.void + c.unknown
    }

    /// Bytes since the last good line.
    pub(super) fn bytes_since_good(&self) -> u64 {
        self.bytes_since_good
    }
}

/// The decoder's options from the configuration of an input.
fn options(sentences: &Sentences) -> nmea0183::Options {
    let xdr = sentences.xdr.iter().cloned().map(|transducer| XdrRule {
        name: transducer.name.into(),
        kind: transducer.kind.unwrap_or_default().into(),
        unit: transducer.unit.unwrap_or_default().into(),
        path: transducer.path.into(),
        factor: transducer.factor,
    });
    nmea0183::Options {
        checksum_optional: sentences.checksum == Checksum::Optional,
        checksum_ignored: sentences.checksum == Checksum::Ignored,
        vdo_is_own: true,
        xdr: xdr.collect(),
    }
}

/// Labels what a talker says with its group, or what a station says with that of the station, so that several receivers'
/// talkers are one source. Which talker it was stays known.
fn group(talkers: &[(String, String)], updates: &mut [Update]) {
    if talkers.is_empty() {
        return;
    }
    for update in updates {
        if let Source::Nmea0183(source) = &mut update.source {
            if let Some((_, group)) = talkers.iter().find(|(name, _)| *name == *source.name()) {
                source.label = Some(group.into());
            }
        }
    }
}

/// Signal K deltas, one a line.
struct DeltaLines {
    lines: Lines,
    input: Arc<str>,
    delta: DeltaFn,
    limits: DeltaLimits,
    counters: Counters,
}

impl DeltaLines {
    fn new(input: Arc<str>, delta: DeltaFn, limits: DeltaLimits) -> Self {
        Self { lines: Lines::new(limits.line_bytes_max), input, delta, limits, counters: Counters::default() }
    }

    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Update>) {
        self.counters.bytes += bytes.len() as u64;
        let Self { lines, input, delta, limits, counters } = self;
        let mut rest = bytes;
        while let Some(line) = lines.next(&mut rest) {
            take_line(line.bytes, line.is_whole, |text, out| delta(text, input, *limits, out), counters, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Update>) {
        let Self { lines, input, delta, limits, counters } = self;
        if let Some(line) = lines.finish() {
            take_line(line.bytes, line.is_whole, |text, out| delta(text, input, *limits, out), counters, out);
        }
    }
}

impl std::fmt::Debug for DeltaLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeltaLines").field("counters", &self.counters).finish_non_exhaustive()
    }
}

fn take_line(
    line: &[u8],
    is_whole: bool,
    delta: impl Fn(&str, &mut Vec<Update>) -> usize,
    counters: &mut Counters,
    out: &mut Vec<Update>,
) {
    let text = line.trim_ascii();
    if is_whole && text.is_empty() {
        return;
    }
    let text = match std::str::from_utf8(text) {
        Ok(text) if is_whole && text.starts_with('{') => text,
        _ => {
            counters.noise_bytes += line.len() as u64;
            return;
        }
    };
    counters.sentences += 1;
    let before = out.len();
    let issues = delta(text, out);
    match (out.len() > before, issues) {
        (true, _) => counters.understood += 1,
        // A hello, or a delta that is correct and empty.
        (false, 0) => counters.nothing += 1,
        (false, _) => counters.malformed += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::update::{Context, Source};

    /// Understands `{"u":…}`, finds nothing in `{}`, and takes offence at everything else.
    fn delta(text: &str, _input: &str, _limits: DeltaLimits, out: &mut Vec<Update>) -> usize {
        if text.starts_with("{\"u\"") {
            out.push(Update::new(Context::Own, Source::Ref("test".into()), 0));
        }
        usize::from(!text.starts_with("{\"u\"") && text != "{}")
    }

    #[test]
    fn each_line_of_deltas_is_counted_as_one_thing() {
        let mut decoding =
            Decoding::new(Format::SignalK, &Sentences::default(), &"test".into(), delta, DeltaLimits::default());
        decoding.feed(b"{\"u\":1}\r\n\n{}\n{bad\nnot json\n\xff\xfe\n{\"u\"", Now::default());
        assert_eq!(decoding.updates.len(), 1);
        decoding.feed(b":2}\n", Now::default());
        let c = *decoding.counters();
        assert_eq!((decoding.updates.len(), c.understood, c.nothing, c.malformed, c.noise_bytes), (2, 2, 1, 1, 12));
        assert_eq!((c.sentences, decoding.bytes_since_good()), (4, 0));
    }

    #[test]
    fn a_line_without_end_costs_its_own_bytes_and_no_more() {
        const DELTA_LINE_BYTES_MAX: usize = 64 * 1024;
        let mut decoding =
            Decoding::new(Format::SignalK, &Sentences::default(), &"test".into(), delta, DeltaLimits::default());
        for _ in 0..10 {
            decoding.feed(&[b'{'; DELTA_LINE_BYTES_MAX / 4], Now::default());
        }
        decoding.feed(b"\n{\"u\":1}\n", Now::default());
        let c = decoding.counters();
        assert_eq!((c.understood, c.noise_bytes), (1, (10 * DELTA_LINE_BYTES_MAX / 4 + 1) as u64));
    }
}
