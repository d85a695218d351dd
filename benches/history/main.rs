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

mod boat;
mod log;
mod queries;
mod recording;
mod usage;

use std::path::PathBuf;

use log::record_log;
use queries::{month, queries};
use recording::{at_rest, burst, record_voyage, windows};
use usage::memory;

const START: i64 = 1_780_272_000_000;
const HOUR: i64 = 3_600_000;
/// The server tells its recorder the time this often.
const TICK_MS: i64 = 250;
const OWN: &str = "vessels.urn:mrn:imo:mmsi:230029970";

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
