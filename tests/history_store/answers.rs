//! States, charts and answers agree with the values they are made of.

use std::sync::Arc;

use taffrail::history::answer::{Circumstances, NoAnswer, answer};
use taffrail::history::query::{Asked, Question, Range};
use taffrail::history::reader::Filter;
use taffrail::history::record::Record;
use taffrail::kernel::pattern::Pattern;
use taffrail::kernel::value::Value;

use super::boat::{Boat, EVER, HOUR, MINUTE, OWN, START, Texts, at, count, line, temporary, truth_lines};

#[test]
fn the_state_at_a_time_is_the_last_value_of_each_series() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    let texts = Texts::new();
    let name = boat.record(&texts.others[0], &texts.name, &texts.ais, 0, Value::text("JYTTE"));
    let design = boat.record(&texts.own, &texts.name, &texts.gps, 0, Value::text("Taffrail"));
    boat.offer(vec![name, design]);
    boat.run(4 * 3600);
    let check = |boat: &Boat, t: i64| {
        let mut reader = boat.reader();
        let mut last: std::collections::BTreeMap<String, &Record> = std::collections::BTreeMap::new();
        for r in boat.truth.iter().filter(|r| r.capture < at(t)) {
            let known = last.entry(format!("{} {} {}", r.context, r.path, r.source)).or_insert(r);
            if (known.capture, known.seq) <= (r.capture, r.seq) {
                *known = r;
            }
        }
        let mut expected = truth_lines(&last.into_values().cloned().collect::<Vec<_>>(), EVER);
        let state = reader.state_at(&Filter::all(), at(t)).unwrap();
        let mut lines: Vec<String> = state.iter().map(|s| line(&mut reader, s)).collect();
        expected.sort();
        lines.sort();
        assert_eq!(lines, expected, "at {t}");
    };
    for t in [START, START + 1, START + 5 * MINUTE + 1, START + HOUR, START + 2 * HOUR + 7 * MINUTE, START + 4 * HOUR] {
        check(&boat, t);
    }
    assert!(count(directory.path(), "keyframe") >= 2);
    // Names outlive their hours, and a null ends them.
    boat.idle(3 * 3600);
    check(&boat, START + 7 * HOUR);
    let gone = boat.record(&texts.others[0], &texts.name, &texts.ais, 0, Value::Null);
    boat.offer(vec![gone]);
    boat.run(3 * 3600);
    boat.idle(3600);
    let state = boat.reader().state_at(&Filter::path(&texts.others[0], "name"), at(START + 11 * HOUR)).unwrap();
    assert!(state.iter().all(|s| s.value.is_null()), "{state:?}");
}

#[test]
fn charts_agree_with_the_values() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(3 * 3600 + 1234);
    let filter = Filter::path(OWN, "navigation.speedOverGround");
    let (from, to) = (at(START + 7 * MINUTE + 100), at(START + 3 * HOUR + 13 * MINUTE));
    for resolution in [1000, 10_000, MINUTE, 5 * MINUTE, HOUR, 24 * HOUR] {
        let mut reader = boat.reader();
        let chart = reader.rollup_range(&filter, from, to, resolution).unwrap();
        let buckets = chart.values().next().expect("one series");
        let down = |t: i64| t.div_euclid(resolution) * resolution;
        let (first, end) = (down(from.as_millis()), down(to.as_millis() - 1) + resolution);
        let mut expected: std::collections::BTreeMap<i64, Vec<f64>> = std::collections::BTreeMap::new();
        for r in boat.truth.iter().filter(|r| &*r.path == "navigation.speedOverGround" && &*r.context == OWN) {
            let t = r.capture.as_millis();
            if (first..end).contains(&t) {
                expected.entry(down(t)).or_default().push(r.value.as_f64().unwrap());
            }
        }
        assert_eq!(buckets.len(), expected.len(), "at {resolution}");
        for (bucket, (t, numbers)) in buckets.iter().zip(&expected) {
            assert_eq!((bucket.at.as_millis(), bucket.count), (*t, numbers.len() as u64), "at {resolution}");
            assert_eq!(bucket.min, numbers.iter().copied().fold(f64::INFINITY, f64::min));
            assert_eq!(bucket.max, numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            assert!((bucket.mean - mean).abs() < 1e-3, "{} {mean}", bucket.mean);
        }
    }
}

#[test]
fn answers_agree_with_the_values() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(2 * 3600 + 1234);
    let path = "navigation.speedOverGround";
    let (from, to) = (at(START + 7 * MINUTE + 12_345), at(START + 2 * HOUR + 13 * MINUTE + 777));
    for resolution_ms in [7_000, MINUTE, 30 * MINUTE, HOUR, 24 * HOUR] {
        let columns =
            ["average", "min", "max", "first"].map(|method| Asked::parse(&format!("{path}:{method}")).unwrap());
        let range = Range { from, to };
        let question = Question { context: None, range, columns: columns.to_vec(), resolution_ms, each_source: false };
        let about = Circumstances { context: OWN, is_angle: &|_| false, goes_on: &|| true };
        let answer = answer(&mut boat.reader(), &question, &about).unwrap();
        let mut expected: std::collections::BTreeMap<i64, Vec<f64>> = std::collections::BTreeMap::new();
        for r in boat.truth.iter().filter(|r| &*r.path == path && &*r.context == OWN) {
            if (from..to).contains(&r.capture) {
                let begin = r.capture.as_millis().div_euclid(resolution_ms) * resolution_ms;
                expected.entry(begin.max(from.as_millis())).or_default().push(r.value.as_f64().unwrap());
            }
        }
        assert_eq!(answer.rows().count(), expected.len(), "at {resolution_ms}");
        for ((begin, cells), (t, numbers)) in answer.rows().zip(&expected) {
            let cells: Vec<f64> = cells.into_iter().map(|cell| cell.unwrap().as_f64().unwrap()).collect();
            assert_eq!(begin.as_millis(), *t, "at {resolution_ms}");
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            assert!((cells[0] - mean).abs() < 1e-3, "{} {mean}", cells[0]);
            let ends =
                [numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(0.0, f64::max)];
            assert_eq!(cells[1..], [ends[0], ends[1], numbers[0]], "at {resolution_ms}, {begin}");
        }
    }
    let question = Question {
        context: None,
        range: Range { from, to },
        columns: vec![Asked::parse(path).unwrap()],
        resolution_ms: 1_000,
        each_source: false,
    };
    let about = Circumstances { context: OWN, is_angle: &|_| false, goes_on: &|| false };
    assert!(matches!(answer(&mut boat.reader(), &question, &about), Err(NoAnswer::GivenUp)));
}

#[test]
fn contexts_paths_and_bounds() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(1500);
    let mut reader = boat.reader();
    let ever = (at(EVER.0), at(EVER.1));
    assert_eq!(reader.contexts(ever.0, ever.1).unwrap().len(), 6);
    let paths = reader.paths(&Pattern::new(OWN), ever.0, ever.1).unwrap();
    assert_eq!(paths, ["navigation.position".into(), "navigation.speedOverGround".into()] as [Arc<str>; 2]);
    assert_eq!(reader.contexts(at(START - HOUR), at(START - 20 * MINUTE)).unwrap().len(), 0);
    let bounds = reader.bounds().unwrap();
    assert!(bounds.from.unwrap() <= at(START) && bounds.from.unwrap() > at(START - HOUR));
    assert_eq!(bounds.to.unwrap(), at(START + 1499 * 1000 + 200));
    assert_eq!((bounds.oldest_seq, bounds.newest_seq), (Some(1_000_001), Some(boat.seq)));
}
