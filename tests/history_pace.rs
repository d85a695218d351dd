//! What a power cut may cost: never more than `commit_interval`, on a quick card and on a slow one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![cfg(feature = "history")]

use std::sync::Arc;
use std::sync::Mutex;

use taffrail::clock::Clock;
use taffrail::history::disk::SystemDisk;
use taffrail::history::record::{Record, RecordKind};
use taffrail::history::status::SharedStatus;
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::value::Value;

const INTERVAL_MS: u64 = 10_000;
const TICK_MS: u64 = 250;
/// How long the server gathers changes before it hands them over.
const GATHER_MS: u64 = 100;
const START: i64 = 1_800_000_000_000;

/// A watch on which so much passes between any two looks: a commit is looked at when it begins and when it ends.
#[derive(Debug)]
struct CommitsTake(u64, Mutex<u64>);

impl Clock for CommitsTake {
    fn now(&self) -> Now {
        let mut looked = self.1.lock().unwrap();
        *looked += self.0;
        Now { wall: Timestamp::from_millis(START), mono: Moment::from_millis(*looked) }
    }
}

fn now(ms: u64) -> Now {
    Now { wall: Timestamp::from_millis(START + ms as i64), mono: Moment::from_millis(ms) }
}

fn record(seq: u64, ms: u64) -> Record {
    let text: Arc<str> = "navigation.speedOverGround".into();
    Record {
        seq,
        context: "vessels.urn:mrn:imo:mmsi:230000001".into(),
        path: text.clone(),
        source: text,
        capture: now(ms).wall,
        received: now(ms).wall,
        received_mono: now(ms).mono,
        trusted_wall: true,
        value: Value::number(seq as f64),
        kind: RecordKind::Value,
    }
}

/// The age of the oldest value that a cut at the worst moment loses: right before a commit has ended.
fn worst_loss(commit_ms: u64) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), "vessels.urn:mrn:imo:mmsi:230000001");
    (config.commit_interval_ms, config.tick_ms) = (INTERVAL_MS, TICK_MS);
    let status = SharedStatus::default();
    let disk = Box::new(SystemDisk::new(directory.path()));
    let writer = Writer::new(config, disk, status.clone(), Tail::default());
    let mut writer = writer.with_watch(Box::new(CommitsTake(commit_ms, Mutex::new(0))));
    let (mut worst, mut handed_over) = (0, 0);
    for ms in (0_u64..180_000).step_by(TICK_MS as usize) {
        // A value every ten milliseconds; those of the last moments are still being gathered.
        let ready = ms.saturating_sub(GATHER_MS) / 10;
        writer.batch((handed_over..ready).map(|n| record(n + 1, n * 10)).collect());
        handed_over = ready;
        let (safe, commits) = (status.get().durable_seq.unwrap_or(0), status.get().commits);
        writer.tick(now(ms), true);
        // The first commits teach it what the card needs.
        if status.get().commits > commits && commits > 2 {
            let oldest_not_safe = safe * 10;
            worst = worst.max(ms + commit_ms - oldest_not_safe);
        }
    }
    assert!(status.get().commits > 10);
    worst
}

#[test]
fn whatever_is_older_than_the_interval_is_safe_however_long_a_commit_takes() {
    for commit_ms in [0, 40, 900, 3_000, 4_500] {
        let worst = worst_loss(commit_ms);
        println!("commits of {commit_ms} ms: at most the last {worst} ms are lost");
        assert!(worst <= INTERVAL_MS, "{worst} ms with commits of {commit_ms} ms");
        // And none is begun much earlier than that takes: each costs the card a few pages.
        assert!(worst + 3 * TICK_MS > INTERVAL_MS, "{worst} ms with commits of {commit_ms} ms");
    }
}
