//! What history costs: bytes written and kept per value, CPU per value, and how long queries take.
//!
//! A boat of 60 values a second is recorded for some hours of virtual time into a real directory (the first argument, or a
//! temporary one): 40 paths of her own at 1 Hz in a dozen sentences, each 0 to 40 ms about its place in the second, and 200
//! other vessels that report position, speed and course every 30 s. Shaped like 0183 data: 0.1 degree in radians, 0.1 knot
//! in m/s, 1e-4 minute, 0.01 m, 0.1 degree Celsius in kelvin. Real voyages are noisier.
//!
//! Measured on 2026-11-22 on a shared 2-core x86-64 machine with other work on it (load 4); times are CPU time of one thread,
//! so that the others do not count. The third column is the target. Nothing was measured on a Pi yet.
//!
//! | what | measured | target |
//! |---|---|---|
//! | written, WAL and checkpoints included, log safe within 10 s with a sync | 58.4 bytes a value over 25 h | 60 |
//! | at rest, whole pages, merged to the hour, rollups and keyframes included, without the log | 1.93 bytes a value | 2.8 |
//! | of that the chunks' blobs, and the rollups | 1.46 and 0.06 bytes a value | |
//! | the log's blobs | 4.01 bytes a value | |
//! | CPU at 60 values a second, commits, seals, merges and the kernel's part included | 3.2 us a value, 0.019 % of a core | 1 % |
//! | CPU of taking and logging a burst | 0.19 us a value | |
//! | the longest tick (the merge of an hour) | 63 ms | |
//! | memory of the recorder at most | 4.8 MB | 6 MiB |
//! | one path over 6 h, 21,600 values | 1.8 ms | 5 |
//! | a month in minutes, 43,200 buckets | 3.1 ms | 50 |
//! | a month in hours | 1.5 ms | |
//! | the whole boat in order | 7.4 M values/s | 2 M |
//! | state of 640 series at a time | 9.1 ms | |
//! | resuming from the log | 6.0 M records/s | |
//!
//! A recorded voyage of four hours (7.5 values a second, `0183-plaka-multiplexed.log` of the corpus): 1.65 bytes of blobs a
//! value, 0.16 of rollups, and 2.94 in whole pages, of which 0.6 are the tables of an empty database. 160 bytes are written for
//! each value: with so few, a commit is two or three pages whatever is in it. That is 100 MB a day, a third of what 60 values a
//! second come to. CPU: 34 us a value, 0.03 % of a core.
//!
//! Windows of other lengths, blobs with their rows: 10 min 3.96, 1 h 1.76, 6 h 1.28, 24 h 1.17 bytes a value; of the recorded
//! voyage 2.12, 1.69, 1.31 and 1.31.
//!
//! Without shared stamps ([`taffrail::history::chunk`]) it was 3.46 bytes at rest.
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::{HashMap, HashSet};
use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use taffrail::history::chunk::{self, Point};
use taffrail::history::disk::{Disk, SystemDisk};
use taffrail::history::reader::{Filter, Reader};
use taffrail::history::record::{Record, RecordKind};
use taffrail::history::schema;
use taffrail::history::status::SharedStatus;
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::id::{Origin, Seq};
use taffrail::kernel::model::Arrival;
use taffrail::kernel::pattern::Pattern;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::value::{Position, Value};
use taffrail::kernel::world::{Setup, World};
use taffrail::nmea0183::{self, Decoder};

const START: i64 = 1_780_272_000_000;
const HOUR: i64 = 3_600_000;
const HOURS: i64 = 25;
/// The server tells its recorder the time this often.
const TICK_MS: i64 = 250;
const OWN: &str = "vessels.urn:mrn:imo:mmsi:230029970";

struct Noise(u64);

impl Noise {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as i64
    }
}

/// How a number of a path comes about from what its sentence says.
#[derive(Clone, Copy)]
enum Shape {
    Direction,
    Knots,
    Centimetres,
    Celsius,
    Ratio,
    Revolutions,
    Volts,
    Position,
    State,
}

struct PathState {
    path: Arc<str>,
    shape: Shape,
    sentence: usize,
    at: [i64; 2],
}

struct Vessel {
    context: Arc<str>,
    at: [i64; 2],
    speed: i64,
    course: i64,
    phase: i64,
}

struct Boat {
    noise: Noise,
    own: Arc<str>,
    gps: Arc<str>,
    ais: Arc<str>,
    paths: Vec<PathState>,
    places: Vec<i64>,
    vessels: Vec<Vessel>,
    ais_paths: [Arc<str>; 3],
    seq: u64,
}

/// Time, context, source and values.
type Change = (i64, Arc<str>, Arc<str>, Vec<(Arc<str>, Value)>);

impl Boat {
    fn new() -> Self {
        use Shape::{Celsius, Centimetres, Direction, Knots, Position, Ratio, Revolutions, State, Volts};
        let shapes = [
            Position,
            Knots,
            Direction,
            Direction,
            Direction,
            Knots,
            Centimetres,
            Direction,
            Knots,
            Direction,
            Knots,
            Celsius,
            Celsius,
            Ratio,
            Ratio,
            Revolutions,
            Revolutions,
            Volts,
            Volts,
            Volts,
            State,
            Direction,
            Centimetres,
            Celsius,
            Ratio,
            Knots,
            Direction,
            Volts,
            Revolutions,
            Celsius,
            Direction,
            Knots,
            Centimetres,
            Ratio,
            State,
            Direction,
            Volts,
            Celsius,
            Knots,
            Direction,
        ];
        let mut noise = Noise(7);
        let paths = (0..40).map(|i| PathState {
            path: format!("group{}.sensor{i}.reading", i / 4).into(),
            shape: shapes[i],
            sentence: i * 12 / 40,
            at: match shapes[i] {
                Position => [60 * 600_000 + 123_456, 24 * 600_000 + 345_678],
                Direction => [900 + i as i64, 0],
                Knots => [60, 0],
                _ => [1000 + i as i64, 0],
            },
        });
        let paths = paths.collect();
        let places = (0..12).map(|_| noise.below(950)).collect();
        let vessels = (0..200)
            .map(|i| Vessel {
                context: format!("vessels.urn:mrn:imo:mmsi:{}", 211_000_000 + i).into(),
                at: [60 * 600_000 + noise.below(60_000), 24 * 600_000 + noise.below(60_000)],
                speed: noise.below(200),
                course: noise.below(3600),
                phase: noise.below(30),
            })
            .collect();
        Self {
            noise,
            own: OWN.into(),
            gps: "gps.GP".into(),
            ais: "ais.AI".into(),
            paths,
            places,
            vessels,
            ais_paths: [
                "navigation.position".into(),
                "navigation.speedOverGround".into(),
                "navigation.courseOverGroundTrue".into(),
            ],
            seq: 1 << 24,
        }
    }

    fn second(&mut self, second: i64) -> Vec<Record> {
        let start = START + second * 1000;
        let mut changes: Vec<Change> = Vec::new();
        for sentence in 0..12 {
            let noise = &mut self.noise;
            let values = self
                .paths
                .iter_mut()
                .filter(|p| p.sentence == sentence)
                .map(|p| (p.path.clone(), step(p, noise)))
                .collect();
            changes.push((start + self.places[sentence] + noise.below(40), self.own.clone(), self.gps.clone(), values));
        }
        for vessel in self.vessels.iter_mut().filter(|v| (second + v.phase) % 30 == 0) {
            let noise = &mut self.noise;
            vessel.at[0] += noise.below(200) - 20;
            vessel.at[1] += noise.below(200) - 20;
            vessel.speed = (vessel.speed + noise.below(5) - 2).clamp(0, 300);
            vessel.course = (vessel.course + noise.below(41) - 20).rem_euclid(3600);
            let degree = |n: i64| n as f64 / 600_000.0;
            let place = Position::new(degree(vessel.at[0]), degree(vessel.at[1])).map_or(Value::Null, Value::Position);
            let values = vec![
                (self.ais_paths[0].clone(), place),
                (self.ais_paths[1].clone(), Value::number(vessel.speed as f64 / 10.0 * (1852.0 / 3600.0))),
                (self.ais_paths[2].clone(), Value::number(vessel.course as f64 / 10.0 * (PI / 180.0))),
            ];
            changes.push((start + noise.below(900), vessel.context.clone(), self.ais.clone(), values));
        }
        changes.sort_by_key(|c| c.0);
        let mut records = Vec::with_capacity(64);
        for (t, context, source, values) in changes {
            self.seq += 1;
            for (path, value) in values {
                records.push(Record {
                    seq: self.seq,
                    context: context.clone(),
                    path,
                    source: source.clone(),
                    capture: Timestamp::from_millis(t),
                    received: Timestamp::from_millis(t),
                    received_mono: Moment::from_millis((t - START) as u64),
                    trusted_wall: true,
                    value,
                    kind: RecordKind::Value,
                });
            }
        }
        records
    }
}

fn step(p: &mut PathState, noise: &mut Noise) -> Value {
    let by = noise.below(5) - 2;
    p.at[0] += by;
    let x = p.at[0];
    match p.shape {
        Shape::Direction => {
            p.at[0] = x.rem_euclid(3600);
            Value::number((p.at[0] as f64 / 10.0).to_radians())
        }
        Shape::Knots => {
            p.at[0] = x.clamp(0, 150);
            Value::number(p.at[0] as f64 / 10.0 * 1852.0 / 3600.0)
        }
        Shape::Centimetres | Shape::Volts => Value::number(x as f64 / 100.0),
        Shape::Celsius => Value::number(x as f64 / 100.0 + 273.15),
        Shape::Ratio => Value::number(x as f64 / 10.0 / 100.0),
        Shape::Revolutions => Value::number(x as f64 / 60.0),
        Shape::Position => {
            p.at[0] += 18 + by;
            p.at[1] += 25 + noise.below(5);
            let degrees = |n: i64| (n / 600_000) as f64 + (n % 600_000) as f64 / 10_000.0 / 60.0;
            Position::new(degrees(p.at[0]), degrees(p.at[1])).map_or(Value::Null, Value::Position)
        }
        Shape::State => Value::text(if x / 50 % 2 == 0 { "motoring" } else { "sailing" }),
    }
}

/// A recorded voyage: every 16 sentences of a multiplexer, two seconds apart by their own clock, as a line of 4800 baud would
/// bring them. `None` where the file is not.
fn recorded_log() -> Option<Vec<Vec<Record>>> {
    const LOG: &str = "logs/0183-plaka-multiplexed.log";
    const MS_A_BYTE: i64 = 2;
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let corpus = std::env::var_os("TAFFRAIL_CORPUS").map_or(beside, PathBuf::from);
    let text = std::fs::read(corpus.join(LOG)).ok()?;
    let mut world = World::new(Setup::new(OWN), Seq(1 << 24));
    let mut decoder = Decoder::new(nmea0183::Options::default());
    let mut noise = Noise(11);
    let (mut updates, mut batches) = (Vec::new(), Vec::new());
    let mut paths: HashMap<String, Arc<str>> = HashMap::new();
    let mut cursor = Seq(1 << 24);
    let mut cycle = -1;
    let mut ms = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b"$IIVHW") || cycle < 0 {
            cycle += 1;
            ms = cycle * 2_000;
        }
        ms += line.len() as i64 * MS_A_BYTE;
        let at = ms + noise.below(5);
        let now = Now { wall: Timestamp::from_millis(START + at), mono: Moment::from_millis(at as u64) };
        decoder.feed(line, now, &mut updates);
        let arrival = Arrival { input: "plaka", origin: Origin::SERVER, now, heard: true };
        world.apply(updates.drain(..), &arrival);
        let mut batch = Vec::new();
        for change in world.tail.after(cursor).into_iter().flatten() {
            cursor = change.seq;
            let source = world.model.sources().name(change.source);
            batch.extend(change.values.iter().map(|changed| Record {
                seq: change.seq.0,
                context: change.context_name.clone(),
                path: {
                    let text = world.model.path(changed.path);
                    paths.entry(text.to_owned()).or_insert_with(|| text.into()).clone()
                },
                source: source.clone(),
                capture: change.timestamp,
                received: now.wall,
                received_mono: now.mono,
                trusted_wall: true,
                value: changed.value.clone(),
                kind: RecordKind::Value,
            }));
        }
        batches.push(batch);
    }
    Some(batches)
}

/// What the recorded voyage costs.
fn record_log(directory: &Path) {
    let Some(batches) = recorded_log() else {
        println!("recorded voyage: skipped, no corpus");
        return;
    };
    let disk = SystemDisk::new(directory);
    let mut writer = Writer::new(
        Config::new(directory, OWN),
        Box::new(SystemDisk::new(directory)),
        SharedStatus::default(),
        Tail::default(),
    );
    let written = disk.written_bytes().unwrap_or(0);
    let (mut values, mut busy, mut second, mut last) = (0_u64, 0, 0, 0);
    let tick = |writer: &mut Writer, second: i64, busy: &mut u64| {
        for quarter in 1..=4 {
            let ms = (second - 1) * 1000 + quarter * TICK_MS;
            let now = Now { wall: Timestamp::from_millis(START + ms), mono: Moment::from_millis(ms as u64) };
            let before = cpu();
            writer.tick(now, true);
            *busy += cpu() - before;
        }
    };
    for batch in batches {
        values += batch.len() as u64;
        if let Some(record) = batch.last() {
            last = record.received_mono.as_millis() as i64 / 1000;
        }
        while second < last {
            second += 1;
            tick(&mut writer, second, &mut busy);
        }
        let before = cpu();
        writer.batch(batch);
        busy += cpu() - before;
    }
    for _ in 0..3 * 3600 {
        second += 1;
        tick(&mut writer, second, &mut busy);
    }
    writer.stop();
    let written = disk.written_bytes().unwrap_or(0) - written;
    println!("recorded voyage: {values} values of {:.1} h", last as f64 / 3600.0);
    println!("  written                {:7.1} bytes a value (at most 60)", written as f64 / values as f64);
    println!("  CPU, all included      {:7.3} us a value", busy as f64 / values as f64 / 1000.0);
    at_rest(directory, values);
    windows(directory);
}

/// What windows of other lengths would come to: blobs and rows, the stamps of a sentence shared.
fn windows(directory: &Path) {
    /// A row besides its blob: key, stamps, statistics, checksum, and its share of what is left over in a page.
    const ROW_BYTES: f64 = 100.0;
    let mut reader = Reader::open(directory, None).expect("the history opens");
    let end = Timestamp::from_millis(START + 100 * HOUR);
    let begin = Timestamp::from_millis(START);
    let series = reader.series_in(&Filter::all(), begin, end).expect("the series");
    let mut encoder = chunk::Encoder::default();
    for (name, width) in [("10 min", HOUR / 6), ("1 h", HOUR), ("6 h", 6 * HOUR), ("24 h", 24 * HOUR)] {
        let (mut bytes, mut rows, mut values) = (0, 0_usize, 0);
        let mut seen = HashSet::new();
        for info in &series {
            let filter = Filter { source: Some(Pattern::new(&info.source)), ..Filter::path(&info.context, &info.path) };
            let points: Vec<Point> = reader
                .range(&filter, begin, end, 1 << 20)
                .expect("a range")
                .into_iter()
                .map(|s| Point { at: s.at, seq: s.seq, value: s.value })
                .collect();
            values += points.len();
            for window in points.chunk_by(|a, b| a.at.as_millis() / width == b.at.as_millis() / width) {
                let stamps: Vec<(Timestamp, u64)> = window.iter().map(|p| (p.at, p.seq)).collect();
                let own = seen.insert(stamps);
                for part in window.chunks(chunk::POINTS_MAX) {
                    rows += 1;
                    bytes += if own { encoder.encode(part).len() } else { encoder.encode_values(part).len() };
                }
            }
        }
        let per = |n: f64| n / values as f64;
        println!(
            "  windows of {name:7}     {:7.2} bytes of blobs a value, {:.2} with their rows",
            per(bytes as f64),
            per(bytes as f64 + rows as f64 * ROW_BYTES)
        );
    }
}

/// Nanoseconds that this thread has run.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|l| l.strip_prefix(field)?.trim_start_matches(':').trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

fn record_voyage(directory: &Path) -> u64 {
    let disk = SystemDisk::new(directory);
    let config = Config::new(directory, OWN);
    let mut writer =
        Writer::new(config, Box::new(SystemDisk::new(directory)), SharedStatus::default(), Tail::default());
    let mut boat = Boat::new();
    let (mut values, mut busy, mut longest) = (0_u64, 0, 0);
    let written = disk.written_bytes().unwrap_or(0);
    let wall = Instant::now();
    let memory_before = memory("RssAnon");
    for second in 0..HOURS * 3600 + 1900 {
        let batch = if second < HOURS * 3600 { boat.second(second) } else { Vec::new() };
        values += batch.len() as u64;
        let before = cpu();
        writer.batch(batch);
        busy += cpu() - before;
        for quarter in 1..=4 {
            let ms = second * 1000 + quarter * TICK_MS;
            let now = Now { wall: Timestamp::from_millis(START + ms), mono: Moment::from_millis(ms as u64) };
            let before = cpu();
            writer.tick(now, true);
            let spent = cpu() - before;
            busy += spent;
            longest = longest.max(spent);
        }
    }
    let before = cpu();
    writer.stop();
    busy += cpu() - before;
    let written = disk.written_bytes().unwrap_or(0) - written;
    println!("recorded {values} values of {HOURS} h in {:.1} s of wall time", wall.elapsed().as_secs_f64());
    println!("  written                {:7.1} bytes a value (at most 60)", written as f64 / values as f64);
    println!(
        "  CPU, all included      {:7.3} us a value; longest tick {:.0} ms",
        busy as f64 / values as f64 / 1000.0,
        longest as f64 / 1e6
    );
    // The greatest there was, without the pages of the program and of the index of the WAL, which are the system's.
    let memory = memory("VmHWM") - memory("RssFile") - memory("RssShmem") - memory_before;
    println!("  memory                 {:7.1} MB more than before, at most (below 6)", memory as f64 / 1024.0);
    // A core has a million microseconds in a second.
    println!(
        "  share of a core        {:7.3} % at 60 values a second (at most 1)",
        busy as f64 / values as f64 / 1000.0 * 60.0 / 1e6 * 100.0
    );
    values
}

fn at_rest(directory: &Path, values: u64) {
    let copy = directory.join("copy.sqlite");
    std::fs::copy(directory.join(schema::FILE), &copy).expect("the database can be copied");
    let conn = rusqlite::Connection::open(&copy).expect("the copy opens");
    let sum = |what: &str| {
        conn.query_row(what, [], |row| row.get::<_, Option<i64>>(0)).expect("a number").unwrap_or(0) as f64
    };
    let values = values as f64;
    println!(
        "  log, blobs             {:7.2} bytes a value",
        sum("SELECT sum(length(blob)) FROM log") / sum("SELECT sum(n) FROM log")
    );
    println!("  chunks, blobs          {:7.2} bytes a value", sum("SELECT sum(length(blob)) FROM chunk") / values);
    println!("  rollups, blobs         {:7.2} bytes a value", sum("SELECT sum(length(blob)) FROM rollup") / values);
    println!("  keyframes, blobs       {:7.2} bytes a value", sum("SELECT sum(length(blob)) FROM keyframe") / values);
    conn.execute_batch("DELETE FROM log").expect("the copy can be written");
    let pages = sum("PRAGMA page_count") - sum("PRAGMA freelist_count");
    println!("  at rest, pages         {:7.2} bytes a value without the log (at most 2.8)", pages * 4096.0 / values);
    drop(conn);
    let _ = std::fs::remove_file(copy);
}

/// CPU seconds of one run, the mean of many: the machine may be busy with other things, and the card's share is not measured
/// here anyway.
fn mean(mut run: impl FnMut() -> usize) -> (f64, usize) {
    const RUNS: usize = 50;
    let mut n = run();
    let start = cpu();
    for _ in 0..RUNS {
        n = run();
    }
    ((cpu() - start) as f64 / 1e9 / RUNS as f64, n)
}

fn queries(directory: &Path, values: u64) {
    let at = Timestamp::from_millis;
    let mut reader = Reader::open(directory, None).expect("the history opens");
    let one = Filter::path(OWN, "group0.sensor1.reading");
    let (t, n) = mean(|| reader.range(&one, at(START), at(START + 6 * HOUR), 1 << 20).expect("a range").len());
    println!("one path over 6 h        {:7.2} ms for {n} values (below 5)", t * 1e3);
    let (t, n) = mean(|| reader.state_at(&Filter::all(), at(START + 5 * HOUR + 1_234_567)).expect("a state").len());
    println!("state at a time          {:7.2} ms for {n} series", t * 1e3);
    let before = memory("VmRSS");
    let start = cpu();
    let mut scan = reader.scan(&Filter::all(), at(START), at(START + 100 * HOUR)).expect("a scan");
    let mut page = Vec::new();
    let mut n = 0_u64;
    while scan.next_page(&mut reader, &mut page).expect("a page") {
        n += page.len() as u64;
    }
    let rate = n as f64 * 1000.0 / (cpu() - start) as f64;
    assert_eq!(n, values, "every value comes out");
    println!(
        "whole boat, in order     {rate:7.2} M values/s (above 2); {} kB more memory",
        memory("VmRSS").saturating_sub(before)
    );
    let (t, n) = mean(|| {
        let mut scan = reader.resume((1 << 24) + 100_000).expect("a place");
        let mut page = Vec::new();
        let mut n = 0;
        while n < 100_000 && scan.next_page(&mut reader, &mut page).expect("a page") {
            n += page.len();
        }
        n
    });
    println!("resume from the log      {:7.2} M records/s", n as f64 / t / 1e6);
}

/// As fast as a file is read: what recording adds to each value while nothing is sealed.
fn burst(directory: &Path) {
    let config = Config::new(directory, OWN);
    let mut writer =
        Writer::new(config, Box::new(SystemDisk::new(directory)), SharedStatus::default(), Tail::default());
    let mut boat = Boat::new();
    let batches: Vec<Vec<Record>> = (0..6000).map(|second| boat.second(second)).collect();
    let values: usize = batches.iter().map(Vec::len).sum();
    let now = Now { wall: Timestamp::from_millis(START), mono: Moment::from_millis(0) };
    writer.tick(now, true);
    let before = cpu();
    for batch in batches {
        writer.batch(batch);
        writer.tick(now, true);
    }
    writer.flush();
    println!(
        "burst, CPU               {:7.3} us a value for {values} values",
        (cpu() - before) as f64 / values as f64 / 1000.0
    );
}

/// A month of one path at 1 Hz among a hundred that speak every ten minutes.
fn month(directory: &Path) {
    let mut config = Config::new(directory, OWN);
    config.commit_interval_ms = 600_000;
    let mut writer =
        Writer::new(config, Box::new(SystemDisk::new(directory)), SharedStatus::default(), Tail::default());
    let mut noise = Noise(3);
    let (own, source): (Arc<str>, Arc<str>) = (OWN.into(), "gps.GP".into());
    let paths: Vec<Arc<str>> = (0..101).map(|i| format!("sensor{i}").into()).collect();
    let mut knots = 60;
    for minute in 0..30 * 24 * 60 {
        let mut batch = Vec::new();
        for second in 0..60_i64 {
            knots = (knots + noise.below(5) - 2).clamp(0, 150);
            let ms = (minute * 60 + second) * 1000 + noise.below(40);
            let mut push = |path: usize, value: f64| {
                batch.push(Record {
                    seq: ms as u64,
                    context: own.clone(),
                    path: paths[path].clone(),
                    source: source.clone(),
                    capture: Timestamp::from_millis(START + ms),
                    received: Timestamp::from_millis(START + ms),
                    received_mono: Moment::from_millis(ms as u64),
                    trusted_wall: true,
                    value: Value::number(value),
                    kind: RecordKind::Value,
                });
            };
            push(0, f64::from(knots as i32) / 10.0 * 1852.0 / 3600.0);
            if second == 30 {
                (0..10).for_each(|i| push((minute % 10 * 10 + i + 1) as usize, i as f64));
            }
        }
        writer.batch(batch);
        let ms = (minute + 1) * 60_000;
        writer.tick(Now { wall: Timestamp::from_millis(START + ms), mono: Moment::from_millis(ms as u64) }, true);
    }
    writer.stop();
    let mut reader = Reader::open(directory, None).expect("the history opens");
    let filter = Filter::path(OWN, "sensor0");
    let at = Timestamp::from_millis;
    let end = at(START + 30 * 24 * HOUR);
    for (name, resolution) in [("minutes", 60_000), ("hours", HOUR)] {
        let (t, n) = mean(|| {
            reader.rollup_range(&filter, at(START), end, resolution).expect("a chart").values().map(Vec::len).sum()
        });
        println!("a month in {name:8}      {:7.2} ms for {n} buckets (below 50)", t * 1e3);
    }
}

fn main() {
    let temporary = tempfile::tempdir().expect("a place for files");
    let directory = std::env::args()
        .nth(1)
        .filter(|a| !a.starts_with('-'))
        .map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let values = record_voyage(&directory.join("voyage"));
    at_rest(&directory.join("voyage"), values);
    queries(&directory.join("voyage"), values);
    windows(&directory.join("voyage"));
    record_log(&directory.join("log"));
    month(&directory.join("month"));
    println!("memory                   {:7.1} MB at most", memory("VmHWM") as f64 / 1024.0);
    burst(&directory.join("burst"));
}
