//! What is left out, thinned out and dropped to stay within bounds.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use taffrail::history::policy::{Contexts, Keep, RecordPolicy, Rule};
use taffrail::history::reader::Filter;
use taffrail::history::record::{GapReason, Record};
use taffrail::history::status::State;
use taffrail::history::writer::Config;
use taffrail::history::{highest_seq, schema};
use taffrail::kernel::pattern::Pattern;
use taffrail::kernel::value::Value;

use super::boat::{Boat, EVER, HOUR, MINUTE, OWN, Texts, at, count, everything, same, temporary, truth_lines};

#[test]
fn rules_leave_out_and_thin_out() {
    let directory = temporary();
    let rule = |context: Contexts, path: &str, keep| Rule { context, path: Pattern::new(path), keep };
    let anybody = Contexts::Matching(Pattern::new("*"));
    let mut config = Config::new(directory.path(), OWN);
    config.policy = RecordPolicy {
        rules: vec![rule(anybody, "navigation.position", Keep::Nothing), rule(Contexts::Own, "*", Keep::OneIn(10_000))],
    };
    let mut boat = Boat::with(config);
    boat.run(100);
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert_eq!(lines.iter().filter(|l| l.contains(" navigation.position ")).count(), 0);
    assert_eq!(lines.iter().filter(|l| l.contains(OWN)).count(), 10);
    assert_eq!(lines.iter().filter(|l| !l.contains(OWN)).count(), 20);
    assert_eq!(boat.status().left_out, 190);
}

#[test]
fn old_windows_go_by_age() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.age_max_ms = Some(6 * HOUR);
    config.retention.others_age_max_ms = Some(3 * HOUR);
    config.retention.log_age_max_ms = HOUR;
    let mut boat = Boat::with(config);
    boat.run(9 * 3600);
    let end = boat.now.wall.as_millis();
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    let oldest = |own: bool| {
        let line = lines.iter().find(|l| l.contains(OWN) == own).unwrap();
        end - line.split(' ').next().unwrap().parse::<i64>().unwrap()
    };
    assert!((6 * HOUR - 2000..=7 * HOUR + MINUTE).contains(&oldest(true)), "{}", oldest(true));
    assert!((3 * HOUR - 12_000..=4 * HOUR + MINUTE).contains(&oldest(false)), "{}", oldest(false));
    let bounds = boat.reader().bounds().unwrap();
    assert!(boat.seq - bounds.oldest_seq.unwrap() < 3 * 3600 * 2, "{bounds:?}");
    assert_eq!(highest_seq(directory.path()).unwrap(), boat.status().durable_seq);
}

#[test]
fn nothing_is_dropped_by_a_clock_that_is_not_trusted() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.age_max_ms = Some(HOUR);
    let mut boat = Boat::with(config);
    boat.run(1800);
    boat.trusted = false;
    boat.now.wall = boat.now.wall.plus_millis(1000 * HOUR);
    boat.run(1000);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn a_full_database_stays_at_its_size_and_others_go_first() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.size_max_bytes = Some(500_000);
    config.retention.log_age_max_ms = HOUR;
    let mut boat = Boat::with(config);
    boat.run(30 * 3600);
    let status = boat.status();
    assert!(status.used_bytes < 600_000, "{}", status.used_bytes);
    let file = fs::metadata(directory.path().join(schema::FILE)).unwrap().len();
    assert!(file < 900_000, "{file}");
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert!(lines.len() > 5 * 3600, "{}", lines.len());
    same(&lines, &truth_lines(&boat.truth, EVER)[boat.truth.len() - lines.len()..]);
}

#[test]
fn series_go_when_nothing_refers_to_them_any_more_and_come_back_when_they_are_heard_again() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.retention.age_max_ms = Some(3 * HOUR);
    config.retention.log_age_max_ms = HOUR;
    let mut boat = Boat::with(config);
    let passing: Vec<Arc<str>> =
        (0..300).map(|i| format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + i).into()).collect();
    let pass_by = |boat: &mut Boat| {
        for context in &passing {
            let texts = Texts::new();
            let record = boat.record(context, &texts.sog, &texts.ais, 0, Value::number(1.0));
            boat.offer(vec![record]);
        }
    };
    pass_by(&mut boat);
    boat.run(3600);
    let (series, names) = (count(directory.path(), "series"), count(directory.path(), "name"));
    assert!(series > 300, "{series}");
    // Keyframes speak of other vessels for a day; then their windows have to go, and a sweep to come round.
    boat.run(52 * 3600);
    // The newest of its sort may stay.
    assert!(count(directory.path(), "series") < series - 290, "{}", count(directory.path(), "series"));
    assert!(count(directory.path(), "name") < names - 290);
    let kept: Vec<Record> = boat.truth.iter().filter(|r| !passing.contains(&r.context)).cloned().collect();
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    assert!(lines.len() > 3 * 3600);
    same(&lines, &truth_lines(&kept, EVER)[kept.len() - lines.len()..]);
    let before = boat.truth.len();
    pass_by(&mut boat);
    boat.run(3600);
    let new = boat.truth.split_off(before);
    let lines = everything(&mut boat.reader(), &Filter::all(), EVER);
    same(&lines[lines.len() - new.len()..], &truth_lines(&new, EVER));
}

#[test]
fn recording_pauses_before_the_disk_is_full_and_says_so() {
    let directory = temporary();
    let mut boat = Boat::new(directory.path());
    boat.run(100);
    boat.disk.free.store(100 << 20, Ordering::Relaxed);
    boat.run(100);
    assert_eq!(boat.status().state, State::LowSpace);
    let lost = boat.status().lost;
    assert!(lost > 150, "{lost}");
    boat.disk.free.store(1 << 40, Ordering::Relaxed);
    boat.run(100);
    assert_eq!(boat.status().state, State::Recording);
    let gaps = boat.reader().gaps(at(EVER.0), at(EVER.1)).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason, GapReason::LowSpace);
    let missing = boat.truth.iter().filter(|r| (gaps[0].first_seq..=gaps[0].last_seq).contains(&r.seq)).count();
    assert_eq!(missing as u64, boat.status().lost);
    boat.truth.retain(|r| !(gaps[0].first_seq..=gaps[0].last_seq).contains(&r.seq));
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}

#[test]
fn a_write_budget_makes_commits_rarer_and_then_thins_out_others() {
    let directory = temporary();
    let mut config = Config::new(directory.path(), OWN);
    config.write_bytes_per_day_max = Some(1_000_000);
    let mut boat = Boat::with(config);
    let mut seen = Vec::new();
    for _ in 0..10 {
        for _ in 0..3600 {
            boat.disk.written.fetch_add(100, Ordering::Relaxed);
            boat.second();
        }
        let status = boat.status();
        seen.push((status.economy, status.commit_interval_ms, status.others_one_in_ms, status.own_one_in_ms));
    }
    // First the commits become rarer, then other vessels are thinned out, and only then the own one.
    for step in [(1, 20_000, 0, 0), (2, 60_000, 0, 0), (5, 60_000, 300_000, 0), (8, 60_000, 300_000, 60_000)] {
        assert!(seen.contains(&step), "{step:?} in {seen:?}");
    }
    assert!(seen.is_sorted(), "{seen:?}");
    let status = boat.status();
    assert!(status.left_out > 0);
    assert_eq!(status.bytes_per_day_max, Some(1_000_000));
    assert_eq!(status.bytes_per_day, Some(100 * 86_400));
    boat.disk.written.store(u64::MAX / 2, Ordering::Relaxed);
    boat.run(2);
}
