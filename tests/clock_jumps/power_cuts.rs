//! The recorder's storage when the plug is pulled between the recording and the dating: no thread, no flush.

use std::path::Path;

use serde_json::Value as Json;
use taffrail::history::disk::SystemDisk;
use taffrail::history::reader::Reader;
use taffrail::history::record::{Epoch, Record, RecordKind};
use taffrail::history::status::SharedStatus;
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::value::Value;

use super::machine::{DEPTH, HOUR, at, real, samples, since_1970};

const OWN: &str = "vessels.urn:mrn:imo:mmsi:230000001";

/// One run of the writer, up to the cut.
struct Run<'a> {
    directory: &'a Path,
    writer: Writer,
    tail: Tail,
    now: Now,
    seq: u64,
}

impl<'a> Run<'a> {
    fn new(directory: &'a Path, wall: Timestamp, seq: u64) -> Self {
        let tail = Tail::default();
        let config = Config::new(directory, OWN);
        let writer = Writer::new(config, Box::new(SystemDisk::new(directory)), SharedStatus::default(), tail.clone());
        Self { directory, writer, tail, now: Now { wall, mono: Moment::default() }, seq }
    }

    /// A value that this server stamps.
    fn depth(&mut self, n: f64, trusted_wall: bool) {
        self.seq += 1;
        self.writer.batch(vec![Record {
            seq: self.seq,
            context: OWN.into(),
            path: DEPTH.into(),
            source: "sounder".into(),
            capture: self.now.wall,
            received: self.now.wall,
            received_mono: self.now.mono,
            trusted_wall,
            value: Value::number(n),
            kind: RecordKind::Value,
        }]);
    }

    fn pass(&mut self, ms: u64, trusted: bool) {
        self.now = Now { wall: self.now.wall.plus_millis(ms as i64), mono: self.now.mono + ms };
        self.writer.tick(self.now, trusted);
    }

    fn pass_hours(&mut self, hours: u64, trusted: bool) {
        for _ in 0..hours * 60 {
            self.pass(60_000, trusted);
        }
    }

    fn set(&mut self, wall: Timestamp, since: u64) -> Epoch {
        let offset_ms = wall.as_millis() - self.now.wall.as_millis();
        self.now.wall = wall;
        let epoch = Epoch { first_seq: since, last_seq: self.seq, offset_ms, at: wall };
        self.writer.epoch(epoch);
        epoch
    }

    fn recorded(&self) -> Vec<(String, Json)> {
        let mut reader = Reader::open(self.directory, Some(self.tail.clone())).unwrap();
        samples(&mut reader, DEPTH, since_1970(0), real("23:00:00"))
    }
}

/// Three values in 1970: two of them durable, one in memory.
fn begun(directory: &Path) -> Run<'_> {
    let mut run = Run::new(directory, since_1970(40_000), 100);
    run.writer.tick(run.now, false);
    for n in [1.0, 2.0, 3.0] {
        run.depth(n, false);
        run.pass(if n < 3.0 { 10_000 } else { 5_000 }, false);
    }
    run
}

#[test]
fn after_the_dating_everything_stays_dated_and_is_sealed_so() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = begun(directory.path());
    run.set(real("10:00:25"), 101);
    let expected = [at(real("10:00:00"), 1.0), at(real("10:00:10"), 2.0), at(real("10:00:20"), 3.0)];
    // What is in memory is right at once; what is durable with the next tick, whenever the last commit was.
    assert_eq!(run.recorded()[2], expected[2]);
    run.pass(1_000, true);
    assert_eq!(run.recorded(), expected);
    let bounds = Reader::open(directory.path(), None).unwrap().bounds().unwrap();
    assert_eq!((bounds.from, bounds.to), (Some(real("10:00:00")), Some(real("10:00:20"))));
    drop(run);
    let mut next = Run::new(directory.path(), real("11:00:00"), 200);
    assert_eq!(next.recorded(), expected);
    next.pass_hours(3, true);
    assert_eq!(next.recorded(), expected, "sealed and merged");
}

#[test]
fn before_the_dating_is_durable_what_was_recorded_is_found_where_the_clock_was() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = begun(directory.path());
    run.set(real("10:00:25"), 101);
    drop(run);
    let durable = [at(since_1970(40_000), 1.0), at(since_1970(50_000), 2.0)];
    // The next run dates its own and leaves those of the run before: nobody knows when that was.
    let mut next = Run::new(directory.path(), since_1970(40_000), 200);
    next.writer.tick(next.now, false);
    next.depth(4.0, false);
    next.pass(10_000, false);
    assert_eq!(next.recorded(), [durable[0].clone(), at(since_1970(40_000), 4.0), durable[1].clone()]);
    next.set(real("12:00:00"), 201);
    next.pass(1_000, true);
    let expected = [durable[0].clone(), durable[1].clone(), at(real("11:59:50"), 4.0)];
    assert_eq!(next.recorded(), expected);
    next.pass_hours(3, true);
    assert_eq!(next.recorded(), expected, "sealed and merged");
}

#[test]
fn a_run_in_1970_does_not_cost_clients_the_log_of_the_run_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = Run::new(directory.path(), real("10:00:00"), 100);
    run.depth(1.0, true);
    run.pass(10_000, true);
    drop(run);
    let mut run = Run::new(directory.path(), since_1970(40_000), 200);
    run.depth(2.0, false);
    run.pass(10_000, false);
    drop(run);
    let mut run = Run::new(directory.path(), real("10:30:00"), 300);
    run.depth(3.0, true);
    run.pass_hours(2, true);
    let oldest = || Reader::open(directory.path(), None).unwrap().bounds().unwrap().oldest_seq;
    assert_eq!(oldest(), Some(101));
    run.pass_hours(24, true);
    assert_eq!(oldest(), Some(301), "but after a day they go");
}

#[test]
fn between_two_steps_of_a_clock_that_is_not_trusted_both_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = begun(directory.path());
    let wrong = since_1970(5_000 * HOUR);
    run.set(wrong, 101);
    run.pass(1_000, false);
    run.depth(4.0, false);
    run.pass(9_000, false);
    let last = at(wrong.plus_millis(1_000), 4.0);
    assert_eq!(run.recorded()[3], last);
    run.set(real("10:00:35"), 101);
    run.pass(1_000, true);
    let expected =
        [(0, 1.0), (10, 2.0), (20, 3.0), (26, 4.0)].map(|(s, n)| at(real("10:00:00").plus_millis(s * 1_000), n));
    assert_eq!(run.recorded(), expected);
    drop(run);
    let mut next = Run::new(directory.path(), real("11:00:00"), 200);
    next.pass_hours(3, true);
    assert_eq!(next.recorded(), expected, "sealed and merged");
}
