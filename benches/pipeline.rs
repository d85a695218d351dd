//! What one sentence costs from the bytes of a serial port to the frames of its readers: framer, decoder, model, session.
//! `cargo bench --bench pipeline`. The aim is 1 µs for a mixed sentence that nobody reads (100,000 in 0.1 s); the figures
//! are per sentence.

use bytes::Bytes;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use taffrail::kernel::id::{Origin, Seq};
use taffrail::kernel::model::Arrival;
use taffrail::kernel::session::{FrameCache, Implied, Options, Session};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::world::{Setup, World};
use taffrail::nmea0183::{self, Decoder};

const SENTENCES: [&str; 4] = [
    "$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*65\r\n",
    "$IIMWV,338,R,13.41,N,A*2C\r\n",
    "$IIGGA,172814,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*46\r\n",
    "$INHDG,180,5,E,10,W*7F\r\n",
];

fn main() {
    divan::main();
}

fn at(ms: u64) -> Now {
    Now { wall: Timestamp::from_millis(1_780_000_000_000 + ms as i64), mono: Moment::from_millis(ms) }
}

/// Every session is pumped after every batch of four sentences, as at 500 sentences a second on a quick machine.
#[divan::bench(args = [0, 1, 100])]
fn sentence_to_frames(bencher: Bencher<'_, '_>, sessions: usize) {
    let mut world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(0));
    let options = || Options { subscribe: Implied::All, ..Options::default() };
    let mut sessions: Vec<Session> =
        (0..sessions).map(|_| Session::new(options(), &world, Moment::default())).collect();
    let cache = FrameCache::default();
    let mut decoder = Decoder::new(nmea0183::Options::default());
    let (mut updates, mut frames) = (Vec::new(), Vec::<Bytes>::new());
    let mut ms = 0;
    bencher.counter(ItemsCount::new(SENTENCES.len())).bench_local(|| {
        ms += 8;
        let now = at(ms);
        let arrival = Arrival { input: "serial", origin: Origin::SERVER, now, heard: true };
        for line in SENTENCES {
            decoder.feed(black_box(line.as_bytes()), now, &mut updates);
            world.apply(updates.drain(..), &arrival);
        }
        for session in &mut sessions {
            frames.clear();
            black_box(session.pump(&world, &cache, now, &mut frames, 1 << 20));
        }
        frames.len()
    });
}
