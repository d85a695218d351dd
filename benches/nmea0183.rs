//! What one sentence costs from bytes to values. `cargo bench --bench nmea0183`; the aim for RMC is 0.4 µs and one
//! allocation (the list of values) on the x86 machine of the continuous build.

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::nmea0183::{Decoder, Options, delta_text};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const RMC: &str = "$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*65\r\n";
const MWV: &str = "$IIMWV,338,R,13.41,N,A*2C\r\n";
const GGA: &str = "$IIGGA,172814,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*46\r\n";
const HDG: &str = "$INHDG,180,5,E,10,W*7F\r\n";
const REFUSED: &str = "$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*66\r\n";

fn main() {
    divan::main();
}

fn now() -> Now {
    Now { wall: Timestamp::from_millis(1_780_000_000_000), mono: Moment::from_millis(1000) }
}

#[divan::bench(args = [RMC, MWV, GGA, HDG, REFUSED])]
fn sentence(bencher: Bencher<'_, '_>, line: &str) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::with_capacity(4);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        out.clear();
        decoder.feed(black_box(line.as_bytes()), now(), &mut out);
        out.len()
    });
}

#[divan::bench]
fn rmc_to_delta_text(bencher: Bencher<'_, '_>) {
    let mut out = Vec::new();
    Decoder::new(Options::default()).feed(RMC.as_bytes(), now(), &mut out);
    let mut text = String::with_capacity(1024);
    bencher.bench_local(|| {
        text.clear();
        delta_text::push_delta(black_box(&out[0]), &mut text);
        text.len()
    });
}

/// The multiplexed recording of the corpus, where it is there: everything a busy boat sends, in reads of 4 KiB.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn busy_boat(bencher: Bencher<'_, '_>) {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let dir = std::env::var("TAFFRAIL_CORPUS").unwrap_or_else(|_| beside.to_owned());
    let bytes =
        std::fs::read(format!("{dir}/logs/0183-plaka-multiplexed.log")).unwrap_or_else(|_| RMC.repeat(50_000).into());
    let lines = bytes.split(|&b| b == b'\n').count();
    let bencher = bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(lines));
    bencher.bench_local(|| {
        let mut decoder = Decoder::new(Options::default());
        let mut out = Vec::new();
        let mut values = 0;
        for piece in bytes.chunks(4096) {
            decoder.feed(piece, now(), &mut out);
            values += out.drain(..).map(|update| update.values.len()).sum::<usize>();
        }
        values
    });
}
