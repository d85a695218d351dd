//! What an AIS message costs from its sentences to values and on to the text of a delta, by type; and what the recordings
//! of real receivers cost. `cargo bench --bench ais`. A position is to cost one allocation, the list of its values
//! (tests/cost_nmea0183.rs holds that).
//!
//! 2026-11-22, x86-64, a shared and busy machine, fastest of 100 samples, to values / to a delta:
//!
//! | type | µs | allocations | | type | µs | allocations |
//! |---|---|---|---|---|---|---|
//! | 1, class A position | 0.38 / 0.85 | 1 | | 19, class B extended | 0.72 / 1.24 | 5 |
//! | 4, base station | 0.34 / 0.55 | 1 | | 21, aid to navigation | 0.73 / 1.16 | 5 |
//! | 5, voyage, 2 sentences | 1.52 / 1.92 | 12 | | 24A, name | 0.53 / 0.64 | 3 |
//! | 8, weather | 1.13 / 1.59 | 8 | | 24B, static | 0.56 / 0.80 | 6 |
//! | 18, class B position | 0.36 / 0.72 | 1 | | 27, long range | 0.30 / 0.59 | 1 |
//!
//! Recordings to deltas, sentences per second: nais400 1.26 million, gps-and-ais 1.30 million, norway (tag blocks) 1.01
//! million.

use std::fmt;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::nmea0183::{Decoder, Options, delta_text};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

/// The sentences of one message.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    lines: &'static str,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

#[rustfmt::skip]
const KINDS: [Kind; 10] = [
    Kind { name: "1, class A position", lines: "!AIVDM,1,1,,A,13aDoQP01sbl;`AdWd03CBlt0000,0*44\r\n" },
    Kind { name: "4, base station", lines: "!AIVDM,1,1,,A,402E341vQWdN?s6k51PSnb700000,0*24\r\n" },
    Kind {
        name: "5, voyage, 2 sentences",
        lines: "!AIVDM,2,1,1,A,53aDot42Ee3PS=8<000EHE:0LUHDp00000000016I38MM5WdNWDSm51D,0*44\r\n\
                !AIVDM,2,2,1,A,Q0C@00000000000,2*47\r\n",
    },
    Kind {
        name: "8, weather",
        lines: "!AIVDM,1,1,,A,8@2R5Ph0GhOCT1a2VvkrgwvlFR06EuOwgqrqwnSwe7wvlOwwsAwwnSGmwvwt,0*40\r\n",
    },
    Kind { name: "18, class B position", lines: "!AIVDM,1,1,,A,B3aDp3h0?Nidi@H8ubRaf765h000,0*62\r\n" },
    Kind {
        name: "19, class B extended",
        lines: "!AIVDM,1,1,,A,C3aDp6@0?OjlON6pQfjaf7N0:ha051R0000000000000BPH31120,0*69\r\n",
    },
    Kind {
        name: "21, aid to navigation",
        lines: "!AIVDM,1,1,,A,E>jMfikQ:WdhKP0000000000000088v@10,4*6F\r\n",
    },
    Kind { name: "24A, name", lines: "!AIVDM,1,1,,A,H3aDp80R3;20<P59=QP,2*70\r\n" },
    Kind { name: "24B, static", lines: "!AIVDM,1,1,,A,H3aDp8TTCBD4001@2ijkl00`7220,0*61\r\n" },
    Kind { name: "27, long range", lines: "!AIVDM,1,1,,A,K3aDp9p0JwSQS67d,0*7B\r\n" },
];

/// The recordings of the corpus; each is passed over where it is absent.
const RECORDINGS: [&str; 3] = ["0183-nais400-ais.log", "0183-gps-and-ais.log", "0183-norway-tagblocks-bsvdm.raw"];

fn main() {
    divan::main();
}

fn now() -> Now {
    Now { wall: Timestamp::from_millis(1_780_000_000_000), mono: Moment::from_millis(1000) }
}

#[divan::bench(args = KINDS)]
fn to_values(bencher: Bencher<'_, '_>, kind: &Kind) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::with_capacity(4);
    bencher.counter(ItemsCount::new(kind.lines.matches('\n').count())).bench_local(|| {
        out.clear();
        decoder.feed(black_box(kind.lines.as_bytes()), now(), &mut out);
        out.len()
    });
}

#[divan::bench(args = KINDS)]
fn to_delta(bencher: Bencher<'_, '_>, kind: &Kind) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::with_capacity(4);
    let mut text = String::with_capacity(8192);
    bencher.counter(ItemsCount::new(kind.lines.matches('\n').count())).bench_local(|| {
        out.clear();
        text.clear();
        decoder.feed(black_box(kind.lines.as_bytes()), now(), &mut out);
        for update in &out {
            delta_text::push_delta(update, &mut text);
        }
        text.len()
    });
}

/// A recording to deltas, in reads of 4 KiB.
#[divan::bench(args = RECORDINGS, sample_count = 20, sample_size = 1)]
fn recording(bencher: Bencher<'_, '_>, name: &str) {
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
