//! What recording costs: bytes written and kept, CPU and memory, over a day and in a burst.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use taffrail::history::chunk::{self, Point};
use taffrail::history::disk::{Disk, SystemDisk};
use taffrail::history::reader::{Filter, Reader};
use taffrail::history::record::Record;
use taffrail::history::schema;
use taffrail::history::status::SharedStatus;
use taffrail::history::tail::Tail;
use taffrail::history::writer::{Config, Writer};
use taffrail::kernel::pattern::Pattern;
use taffrail::kernel::time::{Moment, Now, Timestamp};

use super::boat::Boat;
use super::usage::{cpu, memory};
use super::{HOUR, OWN, START, TICK_MS};

const HOURS: i64 = 25;

pub fn record_voyage(directory: &Path) -> u64 {
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

/// As fast as a file is read: what recording adds to each value while nothing is sealed.
pub fn burst(directory: &Path) {
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

pub fn at_rest(directory: &Path, values: u64) {
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

/// What windows of other lengths would come to: blobs and rows, the stamps of a sentence shared.
pub fn windows(directory: &Path) {
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
