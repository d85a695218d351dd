//! How long questions take: of a path, of the whole boat, of the log, and of a month.

use std::path::Path;
use std::sync::Arc;

use taffrail::history::disk::SystemDisk;
use taffrail::history::reader::{Filter, Reader};
use taffrail::history::record::{Record, RecordKind};
use taffrail::history::status::SharedStatus;
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::value::Value;

use super::boat::Noise;
use super::usage::{cpu, mean, memory};
use super::{HOUR, OWN, START};

pub fn queries(directory: &Path, values: u64) {
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

/// A month of one path at 1 Hz among a hundred that speak every ten minutes.
pub fn month(directory: &Path) {
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
