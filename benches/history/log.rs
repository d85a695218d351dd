//! What a voyage costs that somebody recorded: the log of a multiplexer, from the corpus.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taffrail::history::disk::{Disk, SystemDisk};
use taffrail::history::record::{Record, RecordKind};
use taffrail::history::status::SharedStatus;
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::id::{Origin, Seq};
use taffrail::kernel::model::Arrival;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::world::{Setup, World};
use taffrail::nmea0183::{self, Decoder};

use super::boat::Noise;
use super::recording::{at_rest, windows};
use super::usage::cpu;
use super::{OWN, START, TICK_MS};

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
pub fn record_log(directory: &Path) {
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
