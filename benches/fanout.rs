//! What readers cost: a delivered frame, a beat of `fixed`, a greeting, the tree over HTTP. `cargo bench --bench fanout`.
//! The aims: a beat of 200 vessels for 100 clients within 5 % of a core (0.5 ms a client and second), a greeting with 200
//! vessels in 0.5 ms, `GET /vessels` in 1 ms, `GET /vessels/self` in 50 µs.

use bytes::Bytes;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use taffrail::kernel::id::{Origin, Seq};
use taffrail::kernel::model::Arrival;
use taffrail::kernel::query;
use taffrail::kernel::session::{FrameCache, Implied, Options, Session};
use taffrail::kernel::subscription;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::update::{Context, Mmsi, Root, Source, Update};
use taffrail::kernel::value::{Position, Value};
use taffrail::kernel::world::{Setup, World};

const CLIENTS: usize = 100;
const VESSELS: u32 = 200;

fn main() {
    divan::main();
}

fn at(ms: u64) -> Now {
    Now { wall: Timestamp::from_millis(1_780_000_000_000 + ms as i64), mono: Moment::from_millis(ms) }
}

fn apply(world: &mut World, update: Update, ms: u64) {
    world.apply([update], &Arrival { input: "bench", origin: Origin::SERVER, now: at(ms), heard: true });
}

fn own(world: &mut World, n: u64) {
    let mut update = Update::new(Context::Own, Source::Ref("gps.GP".into()), 4);
    update.push("navigation.speedOverGround", Value::number(n as f64 / 10.0));
    update.push("navigation.courseOverGroundTrue", Value::number(1.25));
    update.push("navigation.magneticVariation", Value::number(0.1));
    update.push("navigation.position", Position::new(60.0, 25.0 + n as f64 / 1e7).map_or(Value::Null, Value::from));
    apply(world, update, n);
}

/// The own vessel with forty paths, and ships around it with a position report and static data each.
fn harbour() -> World {
    let mut world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(0));
    own(&mut world, 1);
    let mut update = Update::new(Context::Own, Source::Ref("nmea.II".into()), 40);
    for n in 0..40 {
        update.push_at(format!("electrical.batteries.{n}.voltage"), Value::number(12.0 + f64::from(n) / 100.0));
    }
    apply(&mut world, update, 2);
    for ship in 0..VESSELS {
        report(&mut world, ship, u64::from(ship) + 3);
        let Some(mmsi) = Mmsi::new(230_000_100 + ship) else { continue };
        let mut update = Update::new(Context::Mmsi(Root::Vessels, mmsi), Source::Ref("ais.AI".into()), 4);
        update
            .push("", Value::json(format!(r#"{{"name":"SHIP {ship}","communication":{{"callsignVhf":"OH{ship}"}}}}"#)));
        update.push("design.draft", Value::json(r#"{"maximum":4.5}"#));
        update.push("navigation.destination.commonName", Value::text("HELSINKI"));
        apply(&mut world, update, u64::from(ship) + 3);
    }
    world
}

fn report(world: &mut World, ship: u32, ms: u64) {
    let Some(mmsi) = Mmsi::new(230_000_100 + ship) else { return };
    let mut update = Update::new(Context::Mmsi(Root::Vessels, mmsi), Source::Ref("ais.AI".into()), 6);
    update.push("navigation.position", Position::new(60.0, 25.0).map_or(Value::Null, Value::from));
    update.push("navigation.speedOverGround", Value::number(5.5));
    update.push("navigation.courseOverGroundTrue", Value::number(1.5));
    update.push("navigation.headingTrue", Value::number(1.6));
    update.push("navigation.state", Value::text("motoring"));
    apply(world, update, ms);
}

fn clients(world: &World, subscribe: Implied) -> Vec<Session> {
    let options = Options { subscribe, ..Options::default() };
    (0..CLIENTS).map(|_| Session::new(options.clone(), world, Moment::default())).collect()
}

/// One change to a hundred clients who want everything, per delivered frame.
#[divan::bench]
fn delivered_frame(bencher: Bencher<'_, '_>) {
    let mut world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(0));
    let mut sessions = clients(&world, Implied::All);
    let cache = FrameCache::default();
    let mut frames: Vec<Bytes> = Vec::new();
    let mut n = 0;
    bencher.counter(ItemsCount::new(CLIENTS)).bench_local(|| {
        n += 2;
        own(&mut world, n);
        for session in &mut sessions {
            frames.clear();
            black_box(session.pump(&world, &cache, at(n), &mut frames, 1 << 20));
        }
    });
}

/// A second in a harbour, with as many reports as ships, for a hundred clients with `fixed` 1 s on `vessels.*`; per
/// client and beat.
#[divan::bench]
fn beat_of_200_vessels(bencher: Bencher<'_, '_>) {
    let mut world = harbour();
    let mut sessions = clients(&world, Implied::None);
    let message = r#"{"context":"vessels.*","subscribe":[{"path":"*","period":1000}]}"#;
    for session in &mut sessions {
        let message = serde_json::from_str(message).expect("it is JSON");
        let (rows, _) = subscription::rows_of(&message, false);
        session.subscribe(rows, &world, Moment::default()).expect("there is room");
    }
    let cache = FrameCache::default();
    let mut frames: Vec<Bytes> = Vec::new();
    let mut ms = 0;
    bencher.counter(ItemsCount::new(CLIENTS)).bench_local(|| {
        ms += 1_000;
        for ship in 0..VESSELS {
            report(&mut world, ship, ms);
        }
        for session in &mut sessions {
            frames.clear();
            black_box(session.pump(&world, &cache, at(ms), &mut frames, 1 << 24));
        }
    });
}

#[divan::bench]
fn greeting_with_200_vessels(bencher: Bencher<'_, '_>) {
    let world = harbour();
    let cache = FrameCache::default();
    let options = Options { subscribe: Implied::All, send_cached: true, ..Options::default() };
    let mut frames: Vec<Bytes> = Vec::new();
    bencher.bench_local(|| {
        frames.clear();
        let mut session = Session::new(options.clone(), &world, Moment::default());
        black_box(session.pump(&world, &cache, at(1_000), &mut frames, 1 << 24))
    });
}

#[divan::bench(args = ["vessels", "vessels/self"])]
fn get(bencher: Bencher<'_, '_>, path: &str) {
    let world = harbour();
    let segments: Vec<&str> = path.split('/').collect();
    bencher.bench_local(|| {
        let mut out = String::new();
        query::write_node(&mut out, &world, black_box(&segments), at(1_000));
        out
    });
}
