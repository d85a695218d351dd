//! A boat under way in virtual time, and what is asked of its history.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use taffrail::history::disk::Disk;
use taffrail::history::reader::{Filter, Reader, Sample};
use taffrail::history::record::{Record, RecordKind};
use taffrail::history::schema;
use taffrail::history::status::{SharedStatus, Status};
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::value::{Position, Value};

/// 2026-06-01T00:00:00Z, the start of an hour.
pub const START: i64 = 1_780_272_000_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const OWN: &str = "vessels.urn:mrn:imo:mmsi:230029970";

/// A disk whose room and counter the test sets.
#[derive(Clone)]
pub struct TestDisk {
    pub free: Arc<AtomicU64>,
    pub written: Arc<AtomicU64>,
}

impl Default for TestDisk {
    fn default() -> Self {
        Self { free: Arc::new(AtomicU64::new(1 << 40)), written: Arc::default() }
    }
}

impl Disk for TestDisk {
    fn free_bytes(&self) -> Option<u64> {
        Some(self.free.load(Ordering::Relaxed))
    }

    fn written_bytes(&self) -> Option<u64> {
        Some(self.written.load(Ordering::Relaxed))
    }
}

/// A boat under way in virtual time, its recorder without a thread, and everything that was recorded.
pub struct Boat {
    pub directory: PathBuf,
    pub writer: Option<Writer>,
    pub config: Config,
    pub disk: TestDisk,
    pub status: SharedStatus,
    pub tail: Tail,
    pub now: Now,
    pub trusted: bool,
    pub seq: u64,
    pub truth: Vec<Record>,
    pub texts: Texts,
}

/// The texts of the series, shared as the feeder shares them.
pub struct Texts {
    pub own: Arc<str>,
    pub others: Vec<Arc<str>>,
    pub gps: Arc<str>,
    pub ais: Arc<str>,
    pub sog: Arc<str>,
    pub position: Arc<str>,
    pub name: Arc<str>,
    pub state: Arc<str>,
}

impl Texts {
    pub fn new() -> Self {
        Self {
            own: OWN.into(),
            others: (0..5).map(|i| format!("vessels.urn:mrn:imo:mmsi:21123450{i}").into()).collect(),
            gps: "gps.GP".into(),
            ais: "ais.AI".into(),
            sog: "navigation.speedOverGround".into(),
            position: "navigation.position".into(),
            name: "name".into(),
            state: "navigation.state".into(),
        }
    }
}

impl Boat {
    pub fn new(directory: &Path) -> Self {
        Self::with(Config::new(directory, OWN))
    }

    pub fn with(config: Config) -> Self {
        let mut boat = Self {
            directory: config.directory.clone(),
            writer: None,
            config,
            disk: TestDisk::default(),
            status: SharedStatus::default(),
            tail: Tail::default(),
            now: Now { wall: Timestamp::from_millis(START + 500), mono: Moment::from_millis(0) },
            trusted: true,
            seq: 1_000_000,
            truth: Vec::new(),
            texts: Texts::new(),
        };
        boat.start();
        boat
    }

    pub fn start(&mut self) {
        self.status = SharedStatus::default();
        self.tail = Tail::default();
        let disk = Box::new(self.disk.clone());
        let mut writer = Writer::new(self.config.clone(), disk, self.status.clone(), self.tail.clone());
        writer.tick(self.now, self.trusted);
        self.writer = Some(writer);
    }

    /// The power goes: nothing is flushed.
    pub fn cut(&mut self) {
        self.writer = None;
    }

    pub fn record(
        &mut self,
        context: &Arc<str>,
        path: &Arc<str>,
        source: &Arc<str>,
        late_ms: i64,
        value: Value,
    ) -> Record {
        self.seq += 1;
        Record {
            seq: self.seq,
            context: context.clone(),
            path: path.clone(),
            source: source.clone(),
            capture: self.now.wall.plus_millis(-late_ms),
            received: self.now.wall,
            received_mono: self.now.mono,
            trusted_wall: self.trusted,
            value,
            kind: RecordKind::Value,
        }
    }

    pub fn offer(&mut self, records: Vec<Record>) {
        self.truth.extend(records.iter().cloned());
        self.writer.as_mut().expect("running").batch(records);
    }

    /// A second's worth of values, then the tick.
    pub fn second(&mut self) {
        let i = self.seq as i64;
        let texts = std::mem::replace(&mut self.texts, Texts::new());
        let place = Position::new(60.0 + i as f64 / 1e7, 24.9 - i as f64 / 1e6).expect("on the globe");
        let mut batch = vec![
            self.record(
                &texts.own,
                &texts.sog,
                &texts.gps,
                300,
                Value::number((i % 97) as f64 / 10.0 * 1852.0 / 3600.0),
            ),
            self.record(&texts.own, &texts.position, &texts.gps, 300, Value::Position(place)),
        ];
        let second = self.now.mono.as_millis() / 1000;
        if second % 10 == 0 {
            let other = &texts.others[(second / 10 % 5) as usize];
            batch.push(self.record(other, &texts.sog, &texts.ais, 0, Value::number((i % 200) as f64 / 10.0)));
            batch.push(self.record(other, &texts.state, &texts.ais, 0, Value::text("motoring")));
        }
        self.texts = texts;
        self.offer(batch);
        self.pass(1000);
    }

    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second();
        }
    }

    pub fn pass(&mut self, ms: u64) {
        self.now = Now { wall: self.now.wall.plus_millis(ms as i64), mono: self.now.mono + ms };
        let (now, trusted) = (self.now, self.trusted);
        self.writer.as_mut().expect("running").tick(now, trusted);
    }

    /// Ticks without data: the work that waits for idle time is done.
    pub fn idle(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.pass(1000);
        }
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.directory, Some(self.tail.clone())).expect("the history opens")
    }

    pub fn status(&self) -> Status {
        self.status.get()
    }
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub const EVER: (i64, i64) = (0, START * 2);

/// A line a value, to compare by.
pub fn line(reader: &mut Reader, sample: &Sample) -> String {
    let info = reader.series(sample.series).unwrap().expect("a known series");
    let (t, seq) = (sample.at.as_millis(), sample.seq);
    format!("{t} {seq} {} {} {} {}", info.context, info.path, info.source, sample.value.to_json())
}

pub fn everything(reader: &mut Reader, filter: &Filter, (from, to): (i64, i64)) -> Vec<String> {
    let mut scan = reader.scan(filter, at(from), at(to)).unwrap();
    let mut page = Vec::new();
    let mut lines = Vec::new();
    let mut last = (at(i64::MIN), 0);
    while scan.next_page(reader, &mut page).unwrap() {
        for sample in &page {
            assert!((sample.at, sample.seq) >= last, "out of order at {last:?}");
            last = (sample.at, sample.seq);
            lines.push(line(reader, sample));
        }
    }
    lines
}

pub fn truth_lines(truth: &[Record], (from, to): (i64, i64)) -> Vec<String> {
    let mut records: Vec<&Record> = truth.iter().filter(|r| (from..to).contains(&r.capture.as_millis())).collect();
    records.sort_by_key(|r| (r.capture, r.seq));
    records
        .iter()
        .map(|r| {
            let t = r.capture.as_millis();
            format!("{t} {} {} {} {} {}", r.seq, r.context, r.path, r.source, r.value.to_json())
        })
        .collect()
}

/// Both the same, or the first difference.
#[track_caller]
pub fn same(there: &[String], truth: &[String]) {
    for (i, pair) in there.iter().zip(truth).enumerate() {
        assert_eq!(pair.0, pair.1, "at {i} of {} and {}", there.len(), truth.len());
    }
    assert_eq!(there.len(), truth.len());
}

/// In memory where there is such a place: most of these tests commit thousands of times.
pub fn temporary() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a place for files")
}

pub fn integrity(directory: &Path) {
    let conn = rusqlite::Connection::open(directory.join(schema::FILE)).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

pub fn count(directory: &Path, what: &str) -> i64 {
    let conn = rusqlite::Connection::open(directory.join(schema::FILE)).unwrap();
    conn.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}
