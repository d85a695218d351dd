//! Stamps of a clock that is not trusted, or set back.

use taffrail::history::reader::Filter;
use taffrail::history::record::Epoch;
use taffrail::kernel::value::Value;

use super::boat::{Boat, EVER, HOUR, START, Texts, at, count, everything, same, temporary, truth_lines};

#[test]
fn stamps_of_an_untrusted_clock_are_moved_when_it_becomes_trusted() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.cut();
    let off = 100 * 24 * HOUR;
    boat.now.wall = at(START - off);
    boat.trusted = false;
    boat.start();
    let texts = Texts::new();
    let first = boat.seq + 1;
    for i in 0..30 {
        let own_stamp = boat.record(&texts.own, &texts.sog, &texts.gps, 0, Value::Integer(i));
        let mut gps_stamp = boat.record(&texts.own, &texts.position, &texts.gps, 0, Value::Integer(i));
        gps_stamp.capture = at(START + i * 1000);
        boat.offer(vec![own_stamp, gps_stamp]);
        boat.pass(1000);
    }
    let epoch = Epoch { first_seq: first, last_seq: boat.seq, offset_ms: off, at: at(START + 30_000) };
    boat.writer.as_mut().unwrap().epoch(epoch);
    boat.trusted = true;
    boat.now.wall = boat.now.wall.plus_millis(off);
    boat.pass(1000);
    for r in &mut boat.truth {
        if r.capture == r.received {
            r.capture = r.capture.plus_millis(off);
        }
    }
    for _ in 0..2 {
        boat.pass(10_000);
        same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
        boat.run(700);
    }
    assert_eq!(count(directory.path(), &format!("window WHERE id < {}", START / 600_000)), 0);
}

#[test]
fn a_clock_set_back_loses_nothing() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2000);
    boat.now.wall = boat.now.wall.plus_millis(-3 * HOUR);
    boat.run(3000);
    boat.now.wall = boat.now.wall.plus_millis(9 * HOUR);
    boat.run(3000);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}
