//! Histories as the program of each version made them.

use std::path::Path;

/// The tables as each version of the program made them: frozen, whatever the program does today.
pub const VERSIONS: [&str; 4] = [
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
     CREATE TABLE series (id INTEGER PRIMARY KEY, context INTEGER NOT NULL, path INTEGER NOT NULL,
        source INTEGER NOT NULL, kind INTEGER NOT NULL, UNIQUE (context, path, source, kind));
     CREATE TABLE log (id INTEGER PRIMARY KEY, last INTEGER NOT NULL, n INTEGER NOT NULL, t0 INTEGER NOT NULL,
        t1 INTEGER NOT NULL, received INTEGER NOT NULL, undated INTEGER NOT NULL, crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE chunk (id INTEGER PRIMARY KEY, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, n INTEGER NOT NULL,
        stamps INTEGER, count INTEGER, min REAL, mean REAL, max REAL, crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE rollup (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE window (id INTEGER PRIMARY KEY, span INTEGER NOT NULL, series BLOB NOT NULL);
     CREATE INDEX window_single ON window (id) WHERE span = 1;
     CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), upto INTEGER NOT NULL, carry INTEGER NOT NULL,
        boundary INTEGER NOT NULL, ahead INTEGER NOT NULL);
     INSERT INTO seal VALUES (1, -1, -1, 0, 0);
     CREATE TABLE gap (id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, reason TEXT NOT NULL);
     CREATE TABLE epoch (id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        offset_ms INTEGER NOT NULL, at INTEGER NOT NULL);",
    "CREATE TABLE keyframe (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, blob BLOB NOT NULL);
     CREATE TABLE dropped (id INTEGER PRIMARY KEY CHECK (id = 1), others_from INTEGER);
     INSERT INTO dropped VALUES (1, NULL);",
    "CREATE TABLE import (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, bytes INTEGER NOT NULL, name TEXT NOT NULL,
        settings TEXT NOT NULL, begun INTEGER NOT NULL, stage INTEGER NOT NULL, lines INTEGER NOT NULL, points INTEGER NOT NULL,
        t0 INTEGER, t1 INTEGER, UNIQUE (hash, bytes));",
    "CREATE TABLE sentence (id INTEGER PRIMARY KEY, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, n INTEGER NOT NULL,
        crc INTEGER NOT NULL, blob BLOB NOT NULL);",
];

/// Makes an empty history of a version.
pub fn file_of_version(version: usize, file: &Path) -> rusqlite::Connection {
    let conn = rusqlite::Connection::open(file).expect("the file can be made");
    for step in &VERSIONS[..version] {
        conn.execute_batch(step).expect("an empty database takes its tables");
    }
    conn.execute_batch(&format!("PRAGMA application_id = 1416000108; PRAGMA user_version = {version};"))
        .expect("an empty database takes its marks");
    conn
}
