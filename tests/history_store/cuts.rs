//! Power cuts: at any moment, with what was not synced written in part.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use taffrail::history::reader::{Filter, Reader};
use taffrail::history::record::{Gap, Record, RecordKind};
use taffrail::history::recorder::Recorder;
use taffrail::history::status::{SharedStatus, State};
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::history::{highest_seq, schema};
use taffrail::kernel::time::{Moment, Now};
use taffrail::kernel::value::Value;

use super::boat::{Boat, EVER, OWN, START, TestDisk, Texts, at, everything, integrity, same, temporary, truth_lines};

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
            .args(["--exact", "cuts::power_cut_child", "--nocapture", "--test-threads", "1"])
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
