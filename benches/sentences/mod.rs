//! What all benches of sentences measure: bytes to values, bytes to the text of a delta, a recording to deltas.

use std::fmt;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::nmea0183::{Decoder, Options, delta_text};

/// Sentences of one kind.
#[derive(Debug)]
pub struct Case {
    /// What kind.
    pub name: &'static str,
    /// The sentences, each with its end of line.
    pub lines: &'static str,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

fn now() -> Now {
    Now { wall: Timestamp::from_millis(1_780_000_000_000), mono: Moment::from_millis(1000) }
}

/// Sentences to values.
pub fn to_values(bencher: Bencher<'_, '_>, case: &Case) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::with_capacity(4);
    bencher.counter(ItemsCount::new(case.lines.matches('\n').count())).bench_local(|| {
        out.clear();
        decoder.feed(black_box(case.lines.as_bytes()), now(), &mut out);
        out.len()
    });
}

/// Sentences to the text of a delta.
pub fn to_delta(bencher: Bencher<'_, '_>, case: &Case) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::with_capacity(4);
    let mut text = String::with_capacity(8192);
    bencher.counter(ItemsCount::new(case.lines.matches('\n').count())).bench_local(|| {
        out.clear();
        text.clear();
        decoder.feed(black_box(case.lines.as_bytes()), now(), &mut out);
        for update in &out {
            delta_text::push_delta(update, &mut text);
        }
        text.len()
    });
}

/// A recording of the corpus to deltas, in reads of 4 KiB; it is passed over where it is absent.
pub fn recording(bencher: Bencher<'_, '_>, name: &str) {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let dir = std::env::var("TAFFRAIL_CORPUS").unwrap_or_else(|_| beside.to_owned());
    let Ok(bytes) = std::fs::read(format!("{dir}/logs/{name}")) else { return };
    let lines = bytes.split(|&b| b == b'\n').count();
    let bencher = bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(lines));
    bencher.bench_local(|| {
        let mut decoder = Decoder::new(Options::default());
        let mut out = Vec::with_capacity(256);
        let mut text = String::with_capacity(1 << 16);
        let mut written = 0;
        for piece in bytes.chunks(4096) {
            decoder.feed(piece, now(), &mut out);
            text.clear();
            for update in out.drain(..) {
                delta_text::push_delta(&update, &mut text);
            }
            written += text.len();
        }
        written
    });
}
