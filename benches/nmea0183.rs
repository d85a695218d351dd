//! What one sentence costs from bytes to values and on to the text of a delta, by family; and what the recordings of real
//! boats cost. `cargo bench --bench nmea0183`. The aim for RMC is 0.4 µs and one allocation (the list of values) on the
//! x86 machine of the continuous build; tests/cost_nmea0183.rs holds the allocations.
//!
//! 2026-11-22, x86-64, a shared and busy machine, fastest of 100 samples, to values / to a delta:
//!
//! | family | µs | allocations | | family | µs | allocations |
//! |---|---|---|---|---|---|---|
//! | RMC | 0.42 / 0.75 | 1 | | RMB | 0.42 / 0.88 | 1 |
//! | GGA | 0.43 / 1.00 | 1 | | APB | 0.38 / 0.91 | 1 |
//! | VTG | 0.26 / 0.41 | 1 | | XDR, 4 groups | 0.83 / 0.99 | 6 |
//! | HDG | 0.23 / 0.48 | 1 | | TTM | 0.74 / 0.79 | 5 |
//! | MWV | 0.21 / 0.35 | 1 | | GSV, 3 sentences | 2.21 / 2.31 | 4 |
//! | DPT | 0.19 / 0.44 | 1 | | SeaTalk 84 | 0.28 / 0.49 | 1 |
//! | MDA | 0.37 / 0.92 | 1 | | refused | 0.09 | 0 |
//!
//! Recordings to deltas, sentences per second: plaka (one sailing boat) 1.36 million, hakefjord (radar) 0.67 million,
//! n2kd 2.8 million, humminbird 2.4 million.

mod sentences;

use divan::{AllocProfiler, Bencher};
use sentences::Case;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

#[rustfmt::skip]
const FAMILIES: [Case; 15] = [
    Case { name: "RMC", lines: "$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*65\r\n" },
    Case { name: "GGA", lines: "$IIGGA,172814,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*46\r\n" },
    Case { name: "VTG", lines: "$GPVTG,360.0,T,348.7,M,5.5,N,10.2,K,A*1D\r\n" },
    Case { name: "HDG", lines: "$INHDG,180,5,E,10,W*7F\r\n" },
    Case { name: "MWV", lines: "$IIMWV,338,R,13.41,N,A*2C\r\n" },
    Case { name: "DPT", lines: "$SDDPT,4.1,1.0*53\r\n" },
    Case { name: "VHW", lines: "$IIVHW,182.7,T,181.8,M,5.0,N,9.3,K*56\r\n" },
    Case { name: "MDA", lines: "$WIMDA,29.92,I,1.0133,B,17.6,C,16.1,C,53.4,,8.1,C,243.7,T,231.2,M,4.4,N,2.3,M*08\r\n" },
    Case { name: "RMB", lines: "$GPRMB,A,0.66,L,003,004,4917.24,N,12309.57,W,001.3,052.5,000.5,V*20\r\n" },
    Case { name: "APB", lines: "$GPAPB,A,A,0.10,R,N,V,V,011,M,DEST,011,M,011,M*3C\r\n" },
    Case { name: "XDR", lines: "$IIXDR,A,-1.2,D,PITCH,A,3.4,D,ROLL,C,17.6,C,AIRTEMP,P,1.0133,B,BAROMETER*2D\r\n" },
    Case { name: "TTM", lines: "$RATTM,11,11.4,13.6,T,7.0,20.0,T,0.0,0.0,N,,T,,154125.82,A*3E\r\n" },
    Case { name: "SeaTalk", lines: "$STALK,84,C6,A8,10,08,00,05,00,08*69\r\n" },
    Case {
        name: "GSV, 3 sentences",
        lines: "$GPGSV,3,1,09,07,16,321,37,08,29,281,33,10,29,143,35,16,75,216,35,0*6E\r\n\
                $GPGSV,3,2,09,18,38,057,35,20,44,105,40,21,81,117,33,26,43,164,25,0*63\r\n\
                $GPGSV,3,3,09,27,62,289,41,0*5B\r\n",
    },
    Case { name: "refused", lines: "$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*66\r\n" },
];

/// The recordings of the corpus; each is passed over where it is absent.
const RECORDINGS: [&str; 4] = [
    "0183-plaka-multiplexed.log",
    "0183-hakefjord-radar-ttm.log",
    "0183-n2kd-numeric-talkers.log",
    "0183-humminbird.log",
];

fn main() {
    divan::main();
}

#[divan::bench(args = FAMILIES)]
fn to_values(bencher: Bencher<'_, '_>, case: &Case) {
    sentences::to_values(bencher, case);
}

#[divan::bench(args = FAMILIES)]
fn to_delta(bencher: Bencher<'_, '_>, case: &Case) {
    sentences::to_delta(bencher, case);
}

#[divan::bench(args = RECORDINGS, sample_count = 10, sample_size = 1)]
fn recording(bencher: Bencher<'_, '_>, name: &str) {
    sentences::recording(bencher, name);
}
