//! The database cannot be written, is gone, or is damaged.

use std::fs;

use taffrail::history::reader::Filter;
use taffrail::history::record::GapReason;
use taffrail::history::status::State;
use taffrail::history::{highest_seq, schema};

use super::boat::{Boat, EVER, at, everything, integrity, same, temporary, truth_lines};

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
