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

mod sentences;

use divan::{AllocProfiler, Bencher};
use sentences::Case;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

#[rustfmt::skip]
const KINDS: [Case; 10] = [
    Case { name: "1, class A position", lines: "!AIVDM,1,1,,A,13aDoQP01sbl;`AdWd03CBlt0000,0*44\r\n" },
    Case { name: "4, base station", lines: "!AIVDM,1,1,,A,402E341vQWdN?s6k51PSnb700000,0*24\r\n" },
    Case {
        name: "5, voyage, 2 sentences",
        lines: "!AIVDM,2,1,1,A,53aDot42Ee3PS=8<000EHE:0LUHDp00000000016I38MM5WdNWDSm51D,0*44\r\n\
                !AIVDM,2,2,1,A,Q0C@00000000000,2*47\r\n",
    },
    Case {
        name: "8, weather",
        lines: "!AIVDM,1,1,,A,8@2R5Ph0GhOCT1a2VvkrgwvlFR06EuOwgqrqwnSwe7wvlOwwsAwwnSGmwvwt,0*40\r\n",
    },
    Case { name: "18, class B position", lines: "!AIVDM,1,1,,A,B3aDp3h0?Nidi@H8ubRaf765h000,0*62\r\n" },
    Case {
        name: "19, class B extended",
        lines: "!AIVDM,1,1,,A,C3aDp6@0?OjlON6pQfjaf7N0:ha051R0000000000000BPH31120,0*69\r\n",
    },
    Case {
        name: "21, aid to navigation",
        lines: "!AIVDM,1,1,,A,E>jMfikQ:WdhKP0000000000000088v@10,4*6F\r\n",
    },
    Case { name: "24A, name", lines: "!AIVDM,1,1,,A,H3aDp80R3;20<P59=QP,2*70\r\n" },
    Case { name: "24B, static", lines: "!AIVDM,1,1,,A,H3aDp8TTCBD4001@2ijkl00`7220,0*61\r\n" },
    Case { name: "27, long range", lines: "!AIVDM,1,1,,A,K3aDp9p0JwSQS67d,0*7B\r\n" },
];

/// The recordings of the corpus; each is passed over where it is absent.
const RECORDINGS: [&str; 3] = ["0183-nais400-ais.log", "0183-gps-and-ais.log", "0183-norway-tagblocks-bsvdm.raw"];

fn main() {
    divan::main();
}

#[divan::bench(args = KINDS)]
fn to_values(bencher: Bencher<'_, '_>, case: &Case) {
    sentences::to_values(bencher, case);
}

#[divan::bench(args = KINDS)]
fn to_delta(bencher: Bencher<'_, '_>, case: &Case) {
    sentences::to_delta(bencher, case);
}

#[divan::bench(args = RECORDINGS, sample_count = 20, sample_size = 1)]
fn recording(bencher: Bencher<'_, '_>, name: &str) {
    sentences::recording(bencher, name);
}
