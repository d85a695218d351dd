//! The recorder's storage against real SQLite files: what goes in comes out, and what happens to it when the disk, the power
//! or the clock do what they do on boats. Time is virtual: hours pass in milliseconds.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail where it stands, and says what it skips")]

mod frozen;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use taffrail::history::answer::{Circumstances, NoAnswer, answer};
use taffrail::history::disk::Disk;
use taffrail::history::policy::{Contexts, Keep, RecordPolicy, Rule};
use taffrail::history::query::{Asked, Question, Range};
use taffrail::history::reader::{Filter, Reader, Sample};
use taffrail::history::record::{Epoch, Gap, GapReason, Record, RecordKind};
use taffrail::history::recorder::Recorder;
use taffrail::history::status::{SharedStatus, State, Status};
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::history::{highest_seq, schema};
use taffrail::kernel::pattern::Pattern;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::value::{Position, Value};

/// 2026-06-01T00:00:00Z, the start of an hour.
const START: i64 = 1_780_272_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const OWN: &str = "vessels.urn:mrn:imo:mmsi:230029970";

/// A disk whose room and counter the test sets.
#[derive(Clone)]
struct TestDisk {
    free: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
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
struct Boat {
    directory: PathBuf,
    writer: Option<Writer>,
    config: Config,
    disk: TestDisk,
    status: SharedStatus,
    tail: Tail,
    now: Now,
    trusted: bool,
    seq: u64,
    truth: Vec<Record>,
    texts: Texts,
}

/// The texts of the series, shared as the feeder shares them.
struct Texts {
    own: Arc<str>,
    others: Vec<Arc<str>>,
    gps: Arc<str>,
    ais: Arc<str>,
    sog: Arc<str>,
    position: Arc<str>,
    name: Arc<str>,
    state: Arc<str>,
}

impl Texts {
    fn new() -> Self {
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
    fn new(directory: &Path) -> Self {
        Self::with(Config::new(directory, OWN))
    }

    fn with(config: Config) -> Self {
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

    fn start(&mut self) {
        self.status = SharedStatus::default();
        self.tail = Tail::default();
        let disk = Box::new(self.disk.clone());
        let mut writer = Writer::new(self.config.clone(), disk, self.status.clone(), self.tail.clone());
        writer.tick(self.now, self.trusted);
        self.writer = Some(writer);
    }

    /// The power goes: nothing is flushed.
    fn cut(&mut self) {
        self.writer = None;
    }

    fn record(&mut self, context: &Arc<str>, path: &Arc<str>, source: &Arc<str>, late_ms: i64, value: Value) -> Record {
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

    fn offer(&mut self, records: Vec<Record>) {
        self.truth.extend(records.iter().cloned());
        self.writer.as_mut().expect("running").batch(records);
    }

    /// A second's worth of values, then the tick.
    fn second(&mut self) {
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

    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second();
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now = Now { wall: self.now.wall.plus_millis(ms as i64), mono: self.now.mono + ms };
        let (now, trusted) = (self.now, self.trusted);
        self.writer.as_mut().expect("running").tick(now, trusted);
    }

    /// Ticks without data: the work that waits for idle time is done.
    fn idle(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.pass(1000);
        }
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.directory, Some(self.tail.clone())).expect("the history opens")
    }

    fn status(&self) -> Status {
        self.status.get()
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

const EVER: (i64, i64) = (0, START * 2);

/// A line a value, to compare by.
fn line(reader: &mut Reader, sample: &Sample) -> String {
    let info = reader.series(sample.series).unwrap().expect("a known series");
    let (t, seq) = (sample.at.as_millis(), sample.seq);
    format!("{t} {seq} {} {} {} {}", info.context, info.path, info.source, sample.value.to_json())
}

fn everything(reader: &mut Reader, filter: &Filter, (from, to): (i64, i64)) -> Vec<String> {
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

fn truth_lines(truth: &[Record], (from, to): (i64, i64)) -> Vec<String> {
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
fn same(there: &[String], truth: &[String]) {
    for (i, pair) in there.iter().zip(truth).enumerate() {
        assert_eq!(pair.0, pair.1, "at {i} of {} and {}", there.len(), truth.len());
    }
    assert_eq!(there.len(), truth.len());
}

/// In memory where there is such a place: most of these tests commit thousands of times.
fn temporary() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a place for files")
}

fn integrity(directory: &Path) {
    let conn = rusqlite::Connection::open(directory.join(schema::FILE)).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

fn count(directory: &Path, what: &str) -> i64 {
    let conn = rusqlite::Connection::open(directory.join(schema::FILE)).unwrap();
    conn.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_recorded_comes_out_at_every_stage() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    // In memory only, in the log, sealed, merged: the answer is the same.
    for seconds in [5, 6, 600, 60, 3500, 1200] {
        boat.run(seconds);
        let mut reader = boat.reader();
        same(&everything(&mut reader, &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
        let some = (START + 7 * MINUTE + 13, START + 23 * MINUTE + 500);
        same(&everything(&mut reader, &Filter::all(), some), &truth_lines(&boat.truth, some));
        assert_eq!(reader.damaged_blobs(), 0);
    }
    assert_eq!(count(directory.path(), "window WHERE span = 6"), 1);
    assert_eq!(count(directory.path(), "window WHERE span = 1"), 2);
    let speed: Vec<Record> =
        boat.truth.iter().filter(|r| &*r.path == "navigation.speedOverGround" && &*r.context == OWN).cloned().collect();
    let filter = Filter::path(OWN, "navigation.speedOverGround");
    same(&everything(&mut boat.reader(), &filter, EVER), &truth_lines(&speed, EVER));
    integrity(directory.path());
}

#[test]
fn a_page_is_followed_by_the_next_whatever_was_sealed_or_merged_between() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(3600);
    let mut reader = boat.reader();
    let mut scan = reader.scan(&Filter::all(), at(EVER.0), at(EVER.1)).unwrap();
    let mut page = Vec::new();
    let mut lines = Vec::new();
    while scan.next_page(&mut reader, &mut page).unwrap() {
        lines.extend(page.iter().map(|s| line(&mut reader, s)).collect::<Vec<_>>());
        boat.run(100);
        // The transaction has ended with the page: the WAL can be emptied.
        let conn = rusqlite::Connection::open(directory.path().join(schema::FILE)).unwrap();
        let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    }
    assert_eq!(count(directory.path(), "window WHERE span = 6"), 1);
    // What was recorded while reading is read too, up to the last page.
    let truth = truth_lines(&boat.truth, EVER);
    assert!(lines.len() >= 3600 * 2);
    same(&lines, &truth[..lines.len()]);
}

#[test]
fn late_and_imported_values_go_where_they_belong() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2 * 3600);
    let texts = Texts::new();
    let mut batch = Vec::new();
    for minutes in [1, 65, 119, 100_000, -5] {
        batch.push(boat.record(&texts.own, &texts.sog, &texts.gps, minutes * MINUTE, Value::number(minutes as f64)));
        batch.push(boat.record(&texts.others[0], &texts.name, &texts.ais, minutes * MINUTE, Value::text("late")));
    }
    boat.offer(batch);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    boat.run(2 * 3600);
    boat.idle(3600);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    assert_eq!(count(directory.path(), "window WHERE span = 1 AND id < (SELECT max(id) - 8 FROM window)"), 0);
}

#[test]
fn a_series_that_was_silent_for_hours_is_found_before_and_after() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    for _ in 0..3 {
        let texts = Texts::new();
        let name = boat.record(&texts.own, &texts.name, &texts.gps, 0, Value::text("Wild Rose"));
        boat.offer(vec![name]);
        boat.run(2 * 3600);
    }
    let lines = everything(&mut boat.reader(), &Filter::path(OWN, "name"), EVER);
    let truth = truth_lines(&boat.truth, EVER).into_iter().filter(|l| l.contains(" name ")).collect::<Vec<_>>();
    assert_eq!(truth.len(), 3);
    same(&lines, &truth);
}

#[test]
fn every_kind_of_value_comes_back() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::Integer(-7),
        Value::Number(-0.0),
        Value::Number(f64::MIN_POSITIVE / 2.0),
        Value::Number(f64::MAX),
        Value::Number(f64::MIN),
        Value::text("åäö \"quoted\""),
        Value::json(r#"{"id":36,"name":"Sailing"}"#),
        Position::new(-0.0, 180.0).unwrap().with_altitude(12.5).into(),
    ];
    let texts = Texts::new();
    for round in 0..700 {
        let value = values[round % values.len()].clone();
        let mut record = boat.record(&texts.own, &texts.state, &texts.gps, 0, value);
        record.kind = [RecordKind::Value, RecordKind::Meta, RecordKind::Notification][round % 3];
        boat.offer(vec![record]);
        boat.pass(1000);
    }
    boat.idle(60);
    assert!(count(directory.path(), "chunk") >= 3);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    let meta = Filter { kind: Some(RecordKind::Meta), ..Filter::all() };
    let kept: Vec<Record> = boat.truth.iter().filter(|r| r.kind == RecordKind::Meta).cloned().collect();
    same(&everything(&mut boat.reader(), &meta, EVER), &truth_lines(&kept, EVER));
}

#[test]
fn a_cut_loses_one_interval_at_most_and_the_open_windows_are_sealed_later() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    for seconds in [3, 17, 605, 1234, 29, 3601] {
        boat.run(seconds);
        boat.cut();
        let mut reader = Reader::open(directory.path(), None);
        if let Ok(reader) = &mut reader {
            let there: std::collections::HashSet<String> =
                everything(reader, &Filter::all(), EVER).into_iter().collect();
            let cutoff = boat.now.wall.plus_millis(-10_000);
            let durable: Vec<Record> = boat.truth.iter().filter(|r| r.received <= cutoff).cloned().collect();
            for line in truth_lines(&durable, EVER) {
                assert!(there.contains(&line), "lost: {line}");
            }
            // What was lost is lost; the rest must stay.
        }
        let highest = highest_seq(directory.path()).unwrap().unwrap_or(0);
        assert!(highest <= boat.seq);
        boat.truth.retain(|r| r.seq <= highest);
        boat.now.mono = Moment::from_millis(0);
        boat.start();
    }
    boat.run(4000);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn many_starts_within_one_window_lose_nothing() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    for start in 0..120 {
        boat.run(3 + start % 17);
        assert!(boat.writer.as_mut().unwrap().flush());
        boat.cut();
        boat.start();
        let status = boat.status();
        assert_eq!((status.damaged_blobs, status.lost, status.set_aside), (0, 0, 0), "start {start}");
        same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    }
    integrity(directory.path());
}

#[test]
fn resumption_gives_every_record_after_a_timepoint() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(905);
    let mut reader = boat.reader();
    for after in [0, 999_999, 1_000_000, 1_000_777, boat.seq - 3, boat.seq, boat.seq + 10] {
        let mut scan = reader.resume(after).unwrap();
        let mut page = Vec::new();
        let mut records = Vec::new();
        while scan.next_page(&mut reader, &mut page).unwrap() {
            records.append(&mut page);
        }
        let expected: Vec<Record> = boat.truth.iter().filter(|r| r.seq > after).cloned().collect();
        assert_eq!(records, expected, "after {after}");
        let missing = (after < 1_000_000).then_some((after + 1, 1_000_000));
        assert_eq!(scan.missing(), missing);
    }
}

#[test]
fn the_state_at_a_time_is_the_last_value_of_each_series() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    let texts = Texts::new();
    let name = boat.record(&texts.others[0], &texts.name, &texts.ais, 0, Value::text("JYTTE"));
    let design = boat.record(&texts.own, &texts.name, &texts.gps, 0, Value::text("Taffrail"));
    boat.offer(vec![name, design]);
    boat.run(4 * 3600);
    let check = |boat: &Boat, t: i64| {
        let mut reader = boat.reader();
        let mut last: std::collections::BTreeMap<String, &Record> = std::collections::BTreeMap::new();
        for r in boat.truth.iter().filter(|r| r.capture < at(t)) {
            let known = last.entry(format!("{} {} {}", r.context, r.path, r.source)).or_insert(r);
            if (known.capture, known.seq) <= (r.capture, r.seq) {
                *known = r;
            }
        }
        let mut expected = truth_lines(&last.into_values().cloned().collect::<Vec<_>>(), EVER);
        let state = reader.state_at(&Filter::all(), at(t)).unwrap();
        let mut lines: Vec<String> = state.iter().map(|s| line(&mut reader, s)).collect();
        expected.sort();
        lines.sort();
        assert_eq!(lines, expected, "at {t}");
    };
    for t in [START, START + 1, START + 5 * MINUTE + 1, START + HOUR, START + 2 * HOUR + 7 * MINUTE, START + 4 * HOUR] {
        check(&boat, t);
    }
    assert!(count(directory.path(), "keyframe") >= 2);
    // Names outlive their hours, and a null ends them.
    boat.idle(3 * 3600);
    check(&boat, START + 7 * HOUR);
    let gone = boat.record(&texts.others[0], &texts.name, &texts.ais, 0, Value::Null);
    boat.offer(vec![gone]);
    boat.run(3 * 3600);
    boat.idle(3600);
    let state = boat.reader().state_at(&Filter::path(&texts.others[0], "name"), at(START + 11 * HOUR)).unwrap();
    assert!(state.iter().all(|s| s.value.is_null()), "{state:?}");
}

#[test]
fn charts_agree_with_the_values() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(3 * 3600 + 1234);
    let filter = Filter::path(OWN, "navigation.speedOverGround");
    let (from, to) = (at(START + 7 * MINUTE + 100), at(START + 3 * HOUR + 13 * MINUTE));
    for resolution in [1000, 10_000, MINUTE, 5 * MINUTE, HOUR, 24 * HOUR] {
        let mut reader = boat.reader();
        let chart = reader.rollup_range(&filter, from, to, resolution).unwrap();
        let buckets = chart.values().next().expect("one series");
        let down = |t: i64| t.div_euclid(resolution) * resolution;
        let (first, end) = (down(from.as_millis()), down(to.as_millis() - 1) + resolution);
        let mut expected: std::collections::BTreeMap<i64, Vec<f64>> = std::collections::BTreeMap::new();
        for r in boat.truth.iter().filter(|r| &*r.path == "navigation.speedOverGround" && &*r.context == OWN) {
            let t = r.capture.as_millis();
            if (first..end).contains(&t) {
                expected.entry(down(t)).or_default().push(r.value.as_f64().unwrap());
            }
        }
        assert_eq!(buckets.len(), expected.len(), "at {resolution}");
        for (bucket, (t, numbers)) in buckets.iter().zip(&expected) {
            assert_eq!((bucket.at.as_millis(), bucket.count), (*t, numbers.len() as u64), "at {resolution}");
            assert_eq!(bucket.min, numbers.iter().copied().fold(f64::INFINITY, f64::min));
            assert_eq!(bucket.max, numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            assert!((bucket.mean - mean).abs() < 1e-3, "{} {mean}", bucket.mean);
        }
    }
}

#[test]
fn answers_agree_with_the_values() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2 * 3600 + 1234);
    let path = "navigation.speedOverGround";
    let (from, to) = (at(START + 7 * MINUTE + 12_345), at(START + 2 * HOUR + 13 * MINUTE + 777));
    for resolution_ms in [7_000, MINUTE, 30 * MINUTE, HOUR, 24 * HOUR] {
        let columns =
            ["average", "min", "max", "first"].map(|method| Asked::parse(&format!("{path}:{method}")).unwrap());
        let range = Range { from, to };
        let question = Question { context: None, range, columns: columns.to_vec(), resolution_ms, each_source: false };
        let about = Circumstances { context: OWN, is_angle: &|_| false, goes_on: &|| true };
        let answer = answer(&mut boat.reader(), &question, &about).unwrap();
        let mut expected: std::collections::BTreeMap<i64, Vec<f64>> = std::collections::BTreeMap::new();
        for r in boat.truth.iter().filter(|r| &*r.path == path && &*r.context == OWN) {
            if (from..to).contains(&r.capture) {
                let begin = r.capture.as_millis().div_euclid(resolution_ms) * resolution_ms;
                expected.entry(begin.max(from.as_millis())).or_default().push(r.value.as_f64().unwrap());
            }
        }
        assert_eq!(answer.rows().count(), expected.len(), "at {resolution_ms}");
        for ((begin, cells), (t, numbers)) in answer.rows().zip(&expected) {
            let cells: Vec<f64> = cells.into_iter().map(|cell| cell.unwrap().as_f64().unwrap()).collect();
            assert_eq!(begin.as_millis(), *t, "at {resolution_ms}");
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            assert!((cells[0] - mean).abs() < 1e-3, "{} {mean}", cells[0]);
            let ends =
                [numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(0.0, f64::max)];
            assert_eq!(cells[1..], [ends[0], ends[1], numbers[0]], "at {resolution_ms}, {begin}");
        }
    }
    let question = Question {
        context: None,
        range: Range { from, to },
        columns: vec![Asked::parse(path).unwrap()],
        resolution_ms: 1_000,
        each_source: false,
    };
    let about = Circumstances { context: OWN, is_angle: &|_| false, goes_on: &|| false };
    assert!(matches!(answer(&mut boat.reader(), &question, &about), Err(NoAnswer::GivenUp)));
}

#[test]
fn contexts_paths_and_bounds() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(1500);
    let mut reader = boat.reader();
    let ever = (at(EVER.0), at(EVER.1));
    assert_eq!(reader.contexts(ever.0, ever.1).unwrap().len(), 6);
    let paths = reader.paths(&Pattern::new(OWN), ever.0, ever.1).unwrap();
    assert_eq!(paths, ["navigation.position".into(), "navigation.speedOverGround".into()] as [Arc<str>; 2]);
    assert_eq!(reader.contexts(at(START - HOUR), at(START - 20 * MINUTE)).unwrap().len(), 0);
    let bounds = reader.bounds().unwrap();
    assert!(bounds.from.unwrap() <= at(START) && bounds.from.unwrap() > at(START - HOUR));
    assert_eq!(bounds.to.unwrap(), at(START + 1499 * 1000 + 200));
    assert_eq!((bounds.oldest_seq, bounds.newest_seq), (Some(1_000_001), Some(boat.seq)));
}

#[test]
fn rules_leave_out_and_thin_out() {
    let directory = temporary();
    let rule = |context: Contexts, path: &str, keep| Rule { context, path: Pattern::new(path), keep };
    let anybody = Contexts::Matching(Pattern::new("*"));
    let mut config = Config::new(directory.path(), OWN);
    config.policy = RecordPolicy {
        rules: vec![rule(anybody, "navigation.position", Keep::Nothing), rule(Contexts::Own, "*", Keep::OneIn(10_000))],
    };
    let mut boat = Boat::with(config);
    boat.run(100);
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert_eq!(lines.iter().filter(|l| l.contains(" navigation.position ")).count(), 0);
    assert_eq!(lines.iter().filter(|l| l.contains(OWN)).count(), 10);
    assert_eq!(lines.iter().filter(|l| !l.contains(OWN)).count(), 20);
    assert_eq!(boat.status().left_out, 190);
}

#[test]
fn stamps_of_an_untrusted_clock_are_moved_when_it_becomes_trusted() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.cut();
    let off = 100 * 24 * HOUR;
    boat.now.wall = at(START - off);
    boat.trusted = false;
    boat.start();
    let texts = Texts::new();
    let first = boat.seq + 1;
    for i in 0..30 {
        let own_stamp = boat.record(&texts.own, &texts.sog, &texts.gps, 0, Value::Integer(i));
        let mut gps_stamp = boat.record(&texts.own, &texts.position, &texts.gps, 0, Value::Integer(i));
        gps_stamp.capture = at(START + i * 1000);
        boat.offer(vec![own_stamp, gps_stamp]);
        boat.pass(1000);
    }
    let epoch = Epoch { first_seq: first, last_seq: boat.seq, offset_ms: off, at: at(START + 30_000) };
    boat.writer.as_mut().unwrap().epoch(epoch);
    boat.trusted = true;
    boat.now.wall = boat.now.wall.plus_millis(off);
    boat.pass(1000);
    for r in &mut boat.truth {
        if r.capture == r.received {
            r.capture = r.capture.plus_millis(off);
        }
    }
    for _ in 0..2 {
        boat.pass(10_000);
        same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
        boat.run(700);
    }
    assert_eq!(count(directory.path(), &format!("window WHERE id < {}", START / 600_000)), 0);
}

#[test]
fn a_clock_set_back_loses_nothing() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2000);
    boat.now.wall = boat.now.wall.plus_millis(-3 * HOUR);
    boat.run(3000);
    boat.now.wall = boat.now.wall.plus_millis(9 * HOUR);
    boat.run(3000);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn old_windows_go_by_age() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.age_max_ms = Some(6 * HOUR);
    config.retention.others_age_max_ms = Some(3 * HOUR);
    config.retention.log_age_max_ms = HOUR;
    let mut boat = Boat::with(config);
    boat.run(9 * 3600);
    let end = boat.now.wall.as_millis();
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    let oldest = |own: bool| {
        let line = lines.iter().find(|l| l.contains(OWN) == own).unwrap();
        end - line.split(' ').next().unwrap().parse::<i64>().unwrap()
    };
    assert!((6 * HOUR - 2000..=7 * HOUR + MINUTE).contains(&oldest(true)), "{}", oldest(true));
    assert!((3 * HOUR - 12_000..=4 * HOUR + MINUTE).contains(&oldest(false)), "{}", oldest(false));
    let bounds = boat.reader().bounds().unwrap();
    assert!(boat.seq - bounds.oldest_seq.unwrap() < 3 * 3600 * 2, "{bounds:?}");
    assert_eq!(highest_seq(directory.path()).unwrap(), boat.status().durable_seq);
}

#[test]
fn nothing_is_dropped_by_a_clock_that_is_not_trusted() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.age_max_ms = Some(HOUR);
    let mut boat = Boat::with(config);
    boat.run(1800);
    boat.trusted = false;
    boat.now.wall = boat.now.wall.plus_millis(1000 * HOUR);
    boat.run(1000);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn a_full_database_stays_at_its_size_and_others_go_first() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.size_max_bytes = Some(500_000);
    config.retention.log_age_max_ms = HOUR;
    let mut boat = Boat::with(config);
    boat.run(30 * 3600);
    let status = boat.status();
    assert!(status.used_bytes < 600_000, "{}", status.used_bytes);
    let file = fs::metadata(directory.path().join(schema::FILE)).unwrap().len();
    assert!(file < 900_000, "{file}");
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert!(lines.len() > 5 * 3600, "{}", lines.len());
    same(&lines, &truth_lines(&boat.truth, EVER)[boat.truth.len() - lines.len()..]);
}

#[test]
fn series_go_when_nothing_refers_to_them_any_more_and_come_back_when_they_are_heard_again() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.age_max_ms = Some(3 * HOUR);
    config.retention.log_age_max_ms = HOUR;
    let mut boat = Boat::with(config);
    let passing: Vec<Arc<str>> =
        (0..300).map(|i| format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + i).into()).collect();
    let pass_by = |boat: &mut Boat| {
        for context in &passing {
            let texts = Texts::new();
            let record = boat.record(context, &texts.sog, &texts.ais, 0, Value::number(1.0));
            boat.offer(vec![record]);
        }
    };
    pass_by(&mut boat);
    boat.run(3600);
    let (series, names) = (count(directory.path(), "series"), count(directory.path(), "name"));
    assert!(series > 300, "{series}");
    // Keyframes speak of other vessels for a day; then their windows have to go, and a sweep to come round.
    boat.run(52 * 3600);
    // The newest of its sort may stay.
    assert!(count(directory.path(), "series") < series - 290, "{}", count(directory.path(), "series"));
    assert!(count(directory.path(), "name") < names - 290);
    let kept: Vec<Record> = boat.truth.iter().filter(|r| !passing.contains(&r.context)).cloned().collect();
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert!(lines.len() > 3 * 3600);
    same(&lines, &truth_lines(&kept, EVER)[kept.len() - lines.len()..]);
    let before = boat.truth.len();
    pass_by(&mut boat);
    boat.run(3600);
    let new = boat.truth.split_off(before);
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    same(&lines[lines.len() - new.len()..], &truth_lines(&new, EVER));
}

#[test]
fn recording_pauses_before_the_disk_is_full_and_says_so() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(100);
    boat.disk.free.store(100 << 20, Ordering::Relaxed);
    boat.run(100);
    assert_eq!(boat.status().state, State::LowSpace);
    let lost = boat.status().lost;
    assert!(lost > 150, "{lost}");
    boat.disk.free.store(1 << 40, Ordering::Relaxed);
    boat.run(100);
    assert_eq!(boat.status().state, State::Recording);
    let gaps = boat.reader().gaps(at(EVER.0), at(EVER.1)).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason, GapReason::LowSpace);
    let missing = boat.truth.iter().filter(|r| (gaps[0].first_seq..=gaps[0].last_seq).contains(&r.seq)).count();
    assert_eq!(missing as u64, boat.status().lost);
    boat.truth.retain(|r| !(gaps[0].first_seq..=gaps[0].last_seq).contains(&r.seq));
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn a_write_budget_makes_commits_rarer_and_then_thins_out_others() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.write_bytes_per_day_max = Some(1_000_000);
    let mut boat = Boat::with(config);
    let mut seen = Vec::new();
    for _ in 0..10 {
        for _ in 0..3600 {
            boat.disk.written.fetch_add(100, Ordering::Relaxed);
            boat.second();
        }
        let status = boat.status();
        seen.push((status.economy, status.commit_interval_ms, status.others_one_in_ms, status.own_one_in_ms));
    }
    // First the commits become rarer, then other vessels are thinned out, and only then the own one.
    for step in [(1, 20_000, 0, 0), (2, 60_000, 0, 0), (5, 60_000, 300_000, 0), (8, 60_000, 300_000, 60_000)] {
        assert!(seen.contains(&step), "{step:?} in {seen:?}");
    }
    assert!(seen.is_sorted(), "{seen:?}");
    let status = boat.status();
    assert!(status.left_out > 0);
    assert_eq!(status.bytes_per_day_max, Some(1_000_000));
    assert_eq!(status.bytes_per_day, Some(100 * 86_400));
    boat.disk.written.store(u64::MAX / 2, Ordering::Relaxed);
    boat.run(2);
}

#[test]
fn a_directory_that_cannot_be_written_is_tried_again_and_the_loss_is_said() {
    let root = temporary();
    let blocked = root.path().join("history");
    // A file where the directory should be: refused whoever we are, root too.
    fs::write(&blocked, "in the way").unwrap();
    let mut boat = Boat::new(&blocked);
    boat.run(30);
    assert!(matches!(boat.status().state, State::Degraded { .. }), "{:?}", boat.status());
    fs::remove_file(&blocked).unwrap();
    boat.run(80);
    assert_eq!(boat.status().state, State::Recording);
    // It was short enough for memory to bridge it.
    assert_eq!(boat.status().lost, 0);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn a_long_outage_is_one_gap() {
    let root = temporary();
    let blocked = root.path().join("history");
    fs::write(&blocked, "in the way").unwrap();
    let mut boat = Boat::new(&blocked);
    boat.run(20_000);
    let lost = boat.status().lost;
    assert!(lost > 1000);
    fs::remove_file(&blocked).unwrap();
    boat.run(100);
    let mut reader = boat.reader();
    let gaps = reader.gaps(at(EVER.0), at(EVER.1)).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason, GapReason::WriteFailed);
    boat.truth.retain(|r| !(gaps[0].first_seq..=gaps[0].last_seq).contains(&r.seq));
    same(&everything(&mut reader, &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn a_deleted_database_is_begun_anew() {
    let root = temporary();
    let directory = root.path().join("history");
    let mut boat = Boat::new(&directory);
    boat.run(30);
    fs::remove_dir_all(&directory).unwrap();
    boat.run(60);
    assert_eq!(boat.status().state, State::Recording);
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert!(lines.len() > 60, "{}", lines.len());
}

#[test]
fn a_damaged_file_is_set_aside_and_kept() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2000);
    let durable = boat.status().durable_seq.unwrap();
    boat.writer.take().unwrap().stop();
    let file = directory.path().join(schema::FILE);
    let mut bytes = fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 9000].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    boat.start();
    boat.run(30);
    let status = boat.status();
    assert_eq!((status.state, status.set_aside), (State::Recording, 1));
    let aside = directory.path().join("history-damaged-2026-06-01.sqlite");
    assert_eq!(fs::read(&aside).unwrap(), bytes);
    integrity(directory.path());
    assert!(highest_seq(directory.path()).unwrap().unwrap() > durable);
    // Not a database at all; and the second of the day gets a name of its own.
    boat.cut();
    fs::write(&file, "this is not a database, and it is long enough to be looked at as one".repeat(100)).unwrap();
    boat.start();
    boat.run(30);
    assert_eq!(boat.status().state, State::Recording);
    assert!(directory.path().join("history-damaged-2026-06-01-2.sqlite").exists());
}

#[test]
fn damage_found_while_running_sets_aside_too() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(500);
    let mut reader = boat.reader().following(boat.status.clone());
    {
        let conn = rusqlite::Connection::open(directory.path().join(schema::FILE)).unwrap();
        conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    let file = directory.path().join(schema::FILE);
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    boat.run(1500);
    let status = boat.status();
    assert_eq!((status.state, status.set_aside), (State::Recording, 1), "{:?}", status.last_error);
    assert!(reader.refresh().unwrap());
    let gaps = reader.gaps(at(EVER.0), at(EVER.1)).unwrap();
    assert_eq!(gaps[0].reason, GapReason::Damaged);
    assert!(everything(&mut reader, &Filter::all(), EVER).len() > 1000);
}

#[test]
fn a_damaged_blob_costs_its_window_only() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(3 * 600 + 100);
    {
        let conn = rusqlite::Connection::open(directory.path().join(schema::FILE)).unwrap();
        conn.execute("UPDATE chunk SET blob = zeroblob(50) WHERE id = (SELECT id FROM chunk ORDER BY id LIMIT 1)", [])
            .unwrap();
    }
    let mut reader = boat.reader();
    let lines = everything(&mut reader, &Filter::all(), EVER);
    assert_eq!(reader.damaged_blobs(), 1);
    assert!(lines.len() > boat.truth.len() - 700 && lines.len() < boat.truth.len());
}

/// Makes the file of an older version with the rows of `from`, as far as it had tables for them.
fn file_of_version(version: usize, from: &Path, file: &Path) {
    let conn = frozen::file_of_version(version, file);
    conn.execute_batch(&format!("ATTACH '{}' AS full; DELETE FROM seal;", from.display())).unwrap();
    if version > 1 {
        conn.execute_batch("DELETE FROM dropped").unwrap();
    }
    let mut tables = conn.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'").unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for table in tables.map(Result::unwrap) {
        conn.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM full.{table}")).unwrap();
    }
}

#[test]
fn a_file_of_each_older_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(3 * 3600);
    boat.writer.take().unwrap().stop();
    let full = directory.path().join(schema::FILE);
    assert_eq!(schema::VERSION as usize, frozen::VERSIONS.len(), "a new version needs its frozen tables here");
    for version in 1..frozen::VERSIONS.len() {
        let old = temporary();
        file_of_version(version, &full, &old.path().join(schema::FILE));
        // Nobody but the writer changes it.
        let refused = Reader::open(old.path(), None).err().expect("an old version is not read").to_string();
        assert_eq!(
            refused,
            format!("the history database has version {version}, this program knows {}", schema::VERSION)
        );
        assert_eq!(highest_seq(old.path()).unwrap(), Some(boat.seq));
        boat.directory = old.path().to_owned();
        boat.config.directory = old.path().to_owned();
        let (now, seq, truth) = (boat.now, boat.seq, boat.truth.clone());
        boat.start();
        boat.run(2 * 3600);
        same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
        assert!(count(old.path(), "keyframe") > 0);
        assert_eq!(count(old.path(), "gap"), 0);
        boat.writer.take().unwrap().stop();
        integrity(old.path());
        (boat.now, boat.seq, boat.truth) = (now, seq, truth);
    }
}

#[test]
fn a_file_of_a_later_version_or_of_another_program_is_refused_and_left_as_it_is() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(100);
    boat.writer.take().unwrap().stop();
    let file = directory.path().join(schema::FILE);
    let set = |sql: &str| rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    let later = schema::VERSION + 1;
    set(&format!("PRAGMA user_version = {later};"));
    let before = fs::read(&file).unwrap();
    boat.start();
    boat.run(30);
    let State::Refused { reason } = boat.status().state else { panic!("{:?}", boat.status()) };
    assert_eq!(reason, format!("the history database has version {later}, this program knows {}", schema::VERSION));
    assert_eq!(boat.status().lost, 66);
    boat.cut();
    assert!(fs::read(&file).unwrap() == before, "it was written to");
    assert!(!directory.path().join(format!("{}-wal", schema::FILE)).exists());
    fs::remove_file(&file).unwrap();
    set("CREATE TABLE settings (a); PRAGMA user_version = 2;");
    let before = fs::read(&file).unwrap();
    boat.start();
    assert!(matches!(boat.status().state, State::Refused { .. }), "{:?}", boat.status());
    boat.cut();
    assert!(fs::read(&file).unwrap() == before, "it was written to");
}

/// A file system of one megabyte, if this user may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|s| s.success()).then(|| Self(at.to_owned()))
    }

    fn remount(&self, option: &str) -> bool {
        Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(&self.0)
            .status()
            .is_ok_and(|s| s.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_degrades_history_and_nothing_that_was_written_is_lost() {
    let directory = temporary();
    let Some(disk) = SmallDisk::mount(directory.path()) else {
        println!("skipped: may not mount a small file system here");
        return;
    };
    let mut config = Config::new(directory.path(), OWN);
    config.retention.keep_free_bytes = 0;
    let mut boat = Boat::with(config);
    let mut full = 0;
    while full < 50 {
        boat.run(10);
        full += u64::from(boat.status().state != State::Recording);
        assert!(boat.seq < 2_000_000, "the disk never filled");
    }
    let durable = boat.status().durable_seq.unwrap();
    assert!(disk.remount("size=64m"));
    boat.run(130);
    let status = boat.status();
    assert_eq!(status.state, State::Recording, "{:?}", status.last_error);
    assert!(status.durable_seq.unwrap() > durable);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    integrity(directory.path());
    // Read-only, as a card remounts itself after an error.
    boat.writer.take().unwrap().stop();
    assert!(disk.remount("ro"));
    boat.start();
    boat.run(60);
    assert!(matches!(boat.status().state, State::Degraded { .. }), "{:?}", boat.status());
    assert!(disk.remount("rw"));
    boat.run(130);
    assert_eq!(boat.status().state, State::Recording);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

/// What the child of the power-cut test does: records as fast as it can, an interval of ten seconds a commit, and says
/// after each tick which timepoint is durable.
#[test]
fn power_cut_child() {
    let Ok(directory) = std::env::var("TAFFRAIL_POWER_CUT") else { return };
    let directory = PathBuf::from(directory);
    let mut boat = Boat::new(&directory);
    let first = highest_seq(&directory).unwrap().unwrap_or(boat.seq);
    boat.seq = first;
    // Virtual time goes on where the child before left it.
    let passed = (first - 1_000_000) as i64 * 400;
    boat.now.wall = at(START + passed);
    println!("begin {first}");
    loop {
        boat.second();
        boat.truth.clear();
        println!("{} {}", boat.seq, boat.status().durable_seq.unwrap_or(0));
    }
}

/// Children are killed in the middle of whatever they do; each time the file must open, be whole, and hold everything that
/// was said to be durable. `TAFFRAIL_KILLS` raises their number.
#[test]
fn power_cut() {
    let directory = temporary();
    let kills = std::env::var("TAFFRAIL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let mut highest = 0;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "power_cut_child", "--nocapture", "--test-threads", "1"])
            .env("TAFFRAIL_POWER_CUT", directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // The harness prints before and, on the same line, as the test begins.
        let begin = lines.find_map(|l| l.split("begin ").nth(1)?.trim().parse::<u64>().ok()).expect("the child begins");
        assert!(begin >= highest, "kill {kill}: began at {begin} after {highest}");
        // After some ticks, a different number each time, at whatever the child then does.
        let (mut said, mut durable) = (begin, highest);
        for line in lines.by_ref().take((kill * 7919 % 1500) + 15) {
            if let Some((seq, done)) = line.split_once(' ') {
                said = seq.parse().unwrap_or(said);
                durable = durable.max(done.parse().unwrap_or(0));
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            if let Some((_, done)) = line.split_once(' ') {
                durable = durable.max(done.parse().unwrap_or(0));
            }
        }
        integrity(directory.path());
        let now = highest_seq(directory.path()).unwrap().expect("something was recorded");
        assert!(now >= durable, "kill {kill}: {durable} was durable, {now} is there");
        // An interval and the second that ends it: 11 seconds of at most 4 records.
        assert!(said <= now + 11 * 4, "kill {kill}: {said} was recorded, {now} is there");
        highest = now;
    }
    let mut reader = Reader::open(directory.path(), None).unwrap();
    let lines = everything(&mut reader, &Filter::all(), EVER);
    assert_eq!(reader.damaged_blobs(), 0);
    // Every timepoint from the first to the last, once.
    let mut seqs: Vec<u64> = lines.iter().map(|l| l.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1_000_001..=highest).collect::<Vec<_>>());
}

/// The files as they lay at any moment, copied: what a card holds when the power goes between two writes.
#[test]
fn copies_of_the_files_at_any_moment_open_whole() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    for copy in 0..30 {
        boat.run(37 + copy * 13 % 400);
        let there = boat.status().durable_seq.unwrap();
        let target = temporary();
        for name in [schema::FILE.to_owned(), format!("{}-wal", schema::FILE)] {
            let _ = fs::copy(directory.path().join(&name), target.path().join(&name));
        }
        // A torn tail: the last write of the WAL reached the card by half.
        let wal = target.path().join(format!("{}-wal", schema::FILE));
        let torn = copy % 2 == 1;
        if let Ok(bytes) = fs::read(&wal) {
            if torn && bytes.len() > 3000 {
                fs::write(&wal, &bytes[..bytes.len() - 3000]).unwrap();
            }
        }
        integrity(target.path());
        let highest = highest_seq(target.path()).unwrap().unwrap_or(0);
        if torn {
            assert!(highest + 60 >= there, "copy {copy}: {highest} of {there}");
        } else {
            assert_eq!(highest, there, "copy {copy}");
        }
        let lines = everything(&mut Reader::open(target.path(), None).unwrap(), &Filter::all(), EVER);
        let truth: Vec<Record> = boat.truth.iter().filter(|r| r.seq <= highest).cloned().collect();
        same(&lines, &truth_lines(&truth, EVER));
    }
}

/// What a card may hold when the power goes while it writes: of what was not yet synced any sectors, in any order. The files
/// are taken after each tick (all of it synced by then) and before the next, and between the two a part of what changed is
/// put in.
#[test]
fn any_part_of_what_was_not_synced_opens_whole_and_loses_no_more_than_that() {
    const SECTOR: usize = 512;
    let files = |directory: &Path| {
        let read = |suffix: &str| fs::read(directory.join(format!("{}{suffix}", schema::FILE))).unwrap_or_default();
        (read(""), read("-wal"))
    };
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    let mut chance = move |n: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance as usize % n
    };
    // Some of the sectors in which two files differ, all as they were before or as they became.
    let mut mixed = |before: &[u8], after: &[u8]| {
        let keep = chance(101);
        let mut bytes = before.to_vec();
        bytes.resize(before.len().max(after.len()), 0);
        for (i, sector) in after.chunks(SECTOR).enumerate() {
            let place = i * SECTOR..i * SECTOR + sector.len();
            if bytes[place.clone()] != *sector && chance(100) < keep {
                bytes[place].copy_from_slice(sector);
            }
        }
        bytes
    };
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.commit_interval_ms = 2_000;
    let mut boat = Boat::with(config);
    let (mut tried, mut checkpoints, mut lost) = (0, 0, 0);
    let moments = std::env::var("TAFFRAIL_MOMENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    boat.run(23);
    let mut after = files(directory.path());
    for tick in 0.. {
        if tried >= moments && checkpoints >= 3 {
            break;
        }
        let durable = boat.status().durable_seq.unwrap();
        let before = after;
        boat.run(2);
        after = files(directory.path());
        // One in eleven, and all that write into the file itself.
        if tick % 11 != 0 && before.0 == after.0 {
            continue;
        }
        let salts = |wal: &[u8]| wal.get(16..24).map(<[u8]>::to_vec);
        let restarted = salts(&before.1) != salts(&after.1);
        let cut = match (before.0 == after.0, restarted) {
            // Only the WAL was written to, be it from its begin.
            (true, _) => (before.0.clone(), mixed(&before.1, &after.1)),
            // The WAL was synced, and its pages were on their way into the file.
            (false, false) => {
                checkpoints += 1;
                (mixed(&before.0, &after.0), after.1.clone())
            }
            // Both, one after the other: the files do not tell in which order.
            (false, true) => continue,
        };
        tried += 1;
        let card = temporary();
        fs::write(card.path().join(schema::FILE), &cut.0).unwrap();
        fs::write(card.path().join(format!("{}-wal", schema::FILE)), &cut.1).unwrap();
        let status = SharedStatus::default();
        let disk = Box::new(TestDisk::default());
        let mut writer = Writer::new(Config::new(card.path(), OWN), disk, status.clone(), Tail::default());
        writer.tick(boat.now, true);
        assert_eq!((status.get().state, status.get().set_aside), (State::Recording, 0), "moment {tried}");
        drop(writer);
        integrity(card.path());
        let highest = highest_seq(card.path()).unwrap().unwrap();
        assert!(highest >= durable, "moment {tried}: {durable} was durable, {highest} is there");
        lost += u64::from(highest == durable);
        let lines = everything(&mut Reader::open(card.path(), None).unwrap(), &Filter::all(), EVER);
        let truth: Vec<Record> = boat.truth.iter().filter(|r| r.seq <= highest).cloned().collect();
        same(&lines, &truth_lines(&truth, EVER));
    }
    println!("{tried} moments, {checkpoints} in checkpoints, {lost} lost what was not synced");
    assert!(lost > 0, "nothing was ever torn");
}

#[test]
fn the_recorder_never_makes_its_feeder_wait_and_says_what_it_missed() {
    let directory = temporary();
    let recorder = Recorder::start(Config::new(directory.path(), OWN)).unwrap();
    let texts = Texts::new();
    let record = |seq: u64| Record {
        seq,
        context: texts.own.clone(),
        path: texts.sog.clone(),
        source: texts.gps.clone(),
        capture: at(START + seq as i64),
        received: at(START + seq as i64),
        received_mono: Moment::from_millis(seq),
        trusted_wall: true,
        value: Value::Integer(seq as i64),
        kind: RecordKind::Value,
    };
    recorder.tick(Now { wall: at(START), mono: Moment::from_millis(0) }, true);
    // Many more batches than the channel holds, faster than they can be taken.
    let mut kept = 0;
    for batch in 0..5000_u64 {
        kept += u64::from(recorder.offer((0..20).map(|i| record(batch * 20 + i)).collect())) * 20;
    }
    recorder.flush();
    assert!(recorder.offer(vec![record(100_000)]));
    kept += 1;
    assert!(recorder.flush());
    let lost = recorder.status().lost;
    assert_eq!(kept + lost, 100_001);
    let mut reader = Reader::open(directory.path(), Some(recorder.tail())).unwrap();
    let lines = everything(&mut reader, &Filter::all(), EVER);
    assert_eq!(lines.len() as u64, kept);
    let gaps: Vec<Gap> = reader.gaps(at(EVER.0), at(EVER.1)).unwrap();
    let covered: u64 = gaps.iter().map(|g| g.last_seq - g.first_seq + 1).sum();
    assert!(covered >= lost, "{gaps:?}");
    recorder.stop();
    assert_eq!(highest_seq(directory.path()).unwrap(), Some(100_000));
}
