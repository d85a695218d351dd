//! Databases of older and later versions.

use std::fs;
use std::path::Path;

use taffrail::history::reader::{Filter, Reader};
use taffrail::history::status::State;
use taffrail::history::{highest_seq, schema};

use super::boat::{Boat, EVER, count, everything, integrity, same, temporary, truth_lines};

/// Makes the file of an older version with the rows of `from`, as far as it had tables for them.
fn file_of_version(version: usize, from: &Path, file: &Path) {
    let conn = crate::frozen::file_of_version(version, file);
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
    assert_eq!(schema::VERSION as usize, crate::frozen::VERSIONS.len(), "a new version needs its frozen tables here");
    for version in 1..crate::frozen::VERSIONS.len() {
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
