//! What holds for every stream of bytes, whatever is in it.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use proptest::prelude::*;
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::kernel::update::{PathValue, Update};
use taffrail::kernel::value::Value;
use taffrail::nmea0183::{Counters, Decoder, Options, Outcome};

mod corpus;
mod hostile;
use corpus::now;
use hostile::{sealed, sentence};

/// No sentence publishes more values than this.
const VALUES_MAX: usize = 16;

fn play<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Update>, Counters) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::new();
    for piece in pieces {
        decoder.feed(piece, now(), &mut out);
    }
    decoder.finish(now(), &mut out);
    (out, *decoder.counters())
}

proptest! {
    #[test]
    fn the_cut_of_the_stream_changes_nothing(
        lines in prop::collection::vec(prop_oneof![
            3 => hostile::line(),
            1 => hostile::group().prop_map(|lines| lines.join("\r\n").into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..30),
            2 => Just(b"\r\n".to_vec()),
        ], 0..30),
        sizes in prop::collection::vec(1_usize..200, 1..30),
    ) {
        let bytes = lines.concat();
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for size in sizes {
            let (piece, left) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        pieces.push(rest);
        prop_assert_eq!(play(pieces), play([&bytes[..]]));
    }

    #[test]
    fn any_bytes_are_taken_and_counted(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let (_, c) = play([&bytes[..]]);
        prop_assert_eq!(c.bytes, bytes.len() as u64);
        prop_assert_eq!(c.sentences, c.understood + c.nothing + c.void + c.unknown + c.bad_checksum + c.malformed);
    }

    #[test]
    fn values_are_few_finite_and_in_range(lines in prop::collection::vec(sentence(), 1..20)) {
        let mut decoder = Decoder::new(Options::default());
        for line in lines {
            let mut out = Vec::new();
            let outcome = decoder.line(line.as_bytes(), now(), &mut out);
            prop_assert!(outcome != Outcome::BadChecksum && outcome != Outcome::Noise, "{} {:?}", line, outcome);
            prop_assert!(out.len() <= 1);
            for v in out.iter().flat_map(|update| &update.values) {
                if let Value::Number(n) = v.value {
                    prop_assert!(n.is_finite());
                    if v.path.contains("heading") || v.path.contains("bearing") || v.path.contains("direction") {
                        prop_assert!((0.0..std::f64::consts::TAU).contains(&n), "{} {}", v.path, n);
                    }
                }
                let json: Result<serde_json::Value, _> = serde_json::from_str(&v.value.to_json());
                prop_assert!(json.is_ok(), "{}", v.value.to_json());
            }
            prop_assert!(out.iter().all(|update| update.values.len() <= VALUES_MAX));
            if outcome == Outcome::Understood {
                // That a radar has lost a target is news, and has no value.
                let says = |v: &PathValue| v.value != Value::Null || v.path.starts_with("sensors.radar.targets.");
                prop_assert!(out.iter().flat_map(|update| &update.values).any(says), "{line}");
            }
        }
    }

    #[test]
    fn rubbish_before_a_sentence_never_costs_it(rubbish in prop::collection::vec(any::<u8>(), 0..1500)) {
        let good = sealed('$', "IIHDT,123.4,T");
        for separator in ["\r\n", "\n", "\r"] {
            let bytes = [&rubbish[..], separator.as_bytes(), good.as_bytes()].concat();
            let (updates, _) = play([&bytes[..]]);
            prop_assert!(updates.last().is_some_and(|update| update.values[0].path == "navigation.headingTrue"));
        }
    }

    #[test]
    fn a_broken_sentence_never_costs_the_next(cut in 1_usize..60) {
        let broken = &"$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*65"[..cut];
        let bytes = format!("{broken}{}\r\n", sealed('$', "IIHDT,123.4,T"));
        let (updates, _) = play([bytes.as_bytes()]);
        prop_assert_eq!(updates.len(), 1);
    }
}

/// The time of day of the last sentence, and the day it was put on.
fn check_time(sentences: &[&str], wall: &str, elapsed_ms: u64, expected: &str) {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::new();
    for (i, body) in sentences.iter().enumerate() {
        let mono = Moment::from_millis(if i + 1 == sentences.len() { elapsed_ms } else { 0 });
        decoder.line(sealed('$', body).as_bytes(), Now { wall: Timestamp::parse(wall).unwrap(), mono }, &mut out);
    }
    let time = out.last().and_then(|update| update.timestamp).map(|t| t.to_string());
    assert_eq!(time.as_deref(), Some(expected), "{sentences:?}");
}

#[test]
fn midnight_never_jumps_a_day() {
    let new_year = "GPRMC,000000.10,A,5733.12,N,01121.77,E,0.0,,010126,,,A";
    let old_year = "GPRMC,235959.90,A,5733.12,N,01121.77,E,0.0,,311225,,,A";
    let before = "GPGLL,5733.12,N,01121.77,E,235959.95,A,A";
    let after = "GPGLL,5733.12,N,01121.77,E,000000.15,A,A";
    let wall = "2014-07-01T12:00:00Z";
    check_time(&[new_year, before], wall, 0, "2025-12-31T23:59:59.950Z");
    check_time(&[old_year, after], wall, 0, "2026-01-01T00:00:00.150Z");
    check_time(&[new_year, after], wall, 0, "2026-01-01T00:00:00.150Z");
    // Two days on, without another date.
    check_time(&[new_year, after], wall, 2 * 86_400_000, "2026-01-03T00:00:00.150Z");
    // No date at all: the wall clock's.
    check_time(&[before], "2026-03-01T00:00:05Z", 0, "2026-02-28T23:59:59.950Z");
    check_time(&[after], "2026-02-28T23:59:58Z", 0, "2026-03-01T00:00:00.150Z");
    // A date from a receiver without a fix is not learnt.
    let no_fix = "GPRMC,000000.10,V,,,,,,,060180,,,N";
    check_time(&[old_year, no_fix, after], wall, 0, "2026-01-01T00:00:00.150Z");
}

#[test]
fn a_week_number_that_ran_over_is_put_right_only_where_the_clock_agrees() {
    let fix = "GPRMC,120000,A,5733.12,N,01121.77,E,0.0,,301006,,,A";
    check_time(&[fix], "2026-06-15T12:00:00Z", 0, "2026-06-15T12:00:00.000Z");
    check_time(&[fix], "2026-07-15T12:00:00Z", 0, "2006-10-30T12:00:00.000Z");
    check_time(&[fix], "1970-01-01T00:00:00Z", 0, "2006-10-30T12:00:00.000Z");
    check_time(&["GPZDA,120000,30,10,2006,00,00"], "2026-06-15T12:00:00Z", 0, "2026-06-15T12:00:00.000Z");
}

#[test]
fn checksum_options() {
    let outcome = |options: Options, line: &str| {
        let (mut decoder, mut out) = (Decoder::new(options), Vec::new());
        decoder.line(line.as_bytes(), now(), &mut out)
    };
    let optional = || Options { checksum_optional: true, ..Options::default() };
    let ignored = || Options { checksum_ignored: true, ..Options::default() };
    let (none, wrong) = ("$IIHDT,123.4,T", "$IIHDT,123.4,T*00");
    assert_eq!(outcome(Options::default(), none), Outcome::BadChecksum);
    assert_eq!(outcome(optional(), none), Outcome::Understood);
    assert_eq!(outcome(optional(), wrong), Outcome::BadChecksum);
    assert_eq!(outcome(ignored(), wrong), Outcome::Understood);
    assert_eq!(outcome(Options::default(), "$IIHDT,123.4,T*26,1241544035"), Outcome::Understood);
    assert_eq!(outcome(Options::default(), "$IIH\x00DT,12\x003.4,T*26"), Outcome::Understood);
}
