//! What was recorded comes out again: every kind of value, at every stage of its life, in order.

use taffrail::history::reader::Filter;
use taffrail::history::record::{Record, RecordKind};
use taffrail::history::schema;
use taffrail::kernel::value::{Position, Value};

use super::boat::{
    Boat, EVER, MINUTE, OWN, START, Texts, at, count, everything, integrity, line, same, temporary, truth_lines,
};

#[test]
fn what_was_recorded_comes_out_at_every_stage() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    // In memory only, in the log, sealed, merged: the answer is the same.
    for seconds in [5, 6, 600, 60, 3500, 1200] {
        boat.run(seconds);
        let mut reader = boat.reader();
        same(&everything(&mut reader, &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
        let some = (START + 7 * MINUTE + 13, START + 23 * MINUTE + 500);
        same(&everything(&mut reader, &Filter::all(), some), &truth_lines(&boat.truth, some));
        assert_eq!(reader.damaged_blobs(), 0);
    }
    assert_eq!(count(directory.path(), "window WHERE span = 6"), 1);
    assert_eq!(count(directory.path(), "window WHERE span = 1"), 2);
    let speed: Vec<Record> =
        boat.truth.iter().filter(|r| &*r.path == "navigation.speedOverGround" && &*r.context == OWN).cloned().collect();
    let filter = Filter::path(OWN, "navigation.speedOverGround");
    same(&everything(&mut boat.reader(), &filter, EVER), &truth_lines(&speed, EVER));
    integrity(directory.path());
}

#[test]
fn a_page_is_followed_by_the_next_whatever_was_sealed_or_merged_between() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(3600);
    let mut reader = boat.reader();
    let mut scan = reader.scan(&Filter::all(), at(EVER.0), at(EVER.1)).unwrap();
    let mut page = Vec::new();
    let mut lines = Vec::new();
    while scan.next_page(&mut reader, &mut page).unwrap() {
        lines.extend(page.iter().map(|s| line(&mut reader, s)).collect::<Vec<_>>());
        boat.run(100);
        // The transaction has ended with the page: the WAL can be emptied.
        let conn = rusqlite::Connection::open(directory.path().join(schema::FILE)).unwrap();
        let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    }
    assert_eq!(count(directory.path(), "window WHERE span = 6"), 1);
    // What was recorded while reading is read too, up to the last page.
    let truth = truth_lines(&boat.truth, EVER);
    assert!(lines.len() >= 3600 * 2);
    same(&lines, &truth[..lines.len()]);
}

#[test]
fn late_and_imported_values_go_where_they_belong() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2 * 3600);
    let texts = Texts::new();
    let mut batch = Vec::new();
    for minutes in [1, 65, 119, 100_000, -5] {
        batch.push(boat.record(&texts.own, &texts.sog, &texts.gps, minutes * MINUTE, Value::number(minutes as f64)));
        batch.push(boat.record(&texts.others[0], &texts.name, &texts.ais, minutes * MINUTE, Value::text("late")));
    }
    boat.offer(batch);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    boat.run(2 * 3600);
    boat.idle(3600);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    assert_eq!(count(directory.path(), "window WHERE span = 1 AND id < (SELECT max(id) - 8 FROM window)"), 0);
}

#[test]
fn a_series_that_was_silent_for_hours_is_found_before_and_after() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    for _ in 0..3 {
        let texts = Texts::new();
        let name = boat.record(&texts.own, &texts.name, &texts.gps, 0, Value::text("Wild Rose"));
        boat.offer(vec![name]);
        boat.run(2 * 3600);
    }
    let lines = everything(&mut boat.reader(), &Filter::path(OWN, "name"), EVER);
    let truth = truth_lines(&boat.truth, EVER).into_iter().filter(|l| l.contains(" name ")).collect::<Vec<_>>();
    assert_eq!(truth.len(), 3);
    same(&lines, &truth);
}

#[test]
fn every_kind_of_value_comes_back() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::Integer(-7),
        Value::Number(-0.0),
        Value::Number(f64::MIN_POSITIVE / 2.0),
        Value::Number(f64::MAX),
        Value::Number(f64::MIN),
        Value::text("åäö \"quoted\""),
        Value::json(r#"{"id":36,"name":"Sailing"}"#),
        Position::new(-0.0, 180.0).unwrap().with_altitude(12.5).into(),
    ];
    let texts = Texts::new();
    for round in 0..700 {
        let value = values[round % values.len()].clone();
        let mut record = boat.record(&texts.own, &texts.state, &texts.gps, 0, value);
        record.kind = [RecordKind::Value, RecordKind::Meta, RecordKind::Notification][round % 3];
        boat.offer(vec![record]);
        boat.pass(1000);
    }
    boat.idle(60);
    assert!(count(directory.path(), "chunk") >= 3);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    let meta = Filter { kind: Some(RecordKind::Meta), ..Filter::all() };
    let kept: Vec<Record> = boat.truth.iter().filter(|r| r.kind == RecordKind::Meta).cloned().collect();
    same(&everything(&mut boat.reader(), &meta, EVER), &truth_lines(&kept, EVER));
}
