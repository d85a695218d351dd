//! The demo from outside: bytes with checksums, read by a small reader of their own.

use std::collections::BTreeMap;

use super::*;
use crate::ais::Tag;
use crate::kernel::time::Now;
use crate::nmea0183::Outcome;
use crate::nmea0183::sentence::Sentence;
use proptest::prelude::*;

fn start() -> Timestamp {
    Timestamp::parse("2026-07-04T09:00:00Z").expect("a valid time")
}

fn bytes(seed: u64, until_ms: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Demo::new(seed, start()).advance_to(until_ms, &mut out);
    out
}

/// The fields of every line, once its frame, length and checksum are right.
fn lines(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.ends_with("\r\n"));
    let check = |line: &str| {
        assert!(line.len() + 2 <= 82, "{} characters: {line}", line.len() + 2);
        assert!(line.starts_with(['$', '!']) && line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
        let (content, sum) = line[1..].split_once('*').unwrap();
        assert_eq!(format!("{:02X}", content.bytes().fold(0, |a, b| a ^ b)), sum, "{line}");
        content.split(',').map(str::to_owned).collect()
    };
    text.split_terminator("\r\n").map(check).collect()
}

#[test]
fn every_line_is_a_sentence_with_all_its_fields() {
    let fields = BTreeMap::from([
        ("GPRMC", (12, 12)),
        ("GPGGA", (14, 14)),
        ("GPVTG", (9, 9)),
        ("GPGLL", (7, 7)),
        ("GPZDA", (6, 6)),
        ("GPGSV", (7, 19)),
        ("GPRMB", (14, 14)),
        ("HCHDG", (5, 5)),
        ("WIMWV", (5, 5)),
        ("WIMWD", (8, 8)),
        ("YXXDR", (8, 8)),
        ("ERXDR", (8, 8)),
        ("WIXDR", (8, 8)),
        ("IIVHW", (8, 8)),
        ("IIVLW", (4, 4)),
        ("IIVDR", (6, 6)),
        ("SDDPT", (3, 3)),
        ("YXMTW", (2, 2)),
        ("AGRSA", (4, 4)),
        ("TIROT", (2, 2)),
        ("ERRPM", (5, 5)),
        ("AIVDM", (6, 6)),
    ]);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..4 {
        for line in lines(&bytes(seed, 1_200_000)) {
            let (least, most) = fields[line[0].as_str()];
            assert!((least..=most).contains(&(line.len() - 1)), "{line:?}");
            *seen.entry(line[0].clone()).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), fields.len(), "{seen:?}");
}

#[test]
fn lines_stay_short_and_correct_all_round_the_passage() {
    let mut demo = Demo::new(3, start());
    let mut out = Vec::new();
    for hour in [2, 4, 7, 9] {
        // Jump without writing, then listen for a minute.
        demo.voyage.advance_to(hour * 3_600_000);
        demo.traffic.advance_to(hour * 3_600_000);
        demo.due_ms = std::array::from_fn(|i| hour * 3_600_000 + SLOTS[i].after_ms);
        out.clear();
        demo.advance_to(hour * 3_600_000 + 60_000, &mut out);
        assert!(lines(&out).len() > 900);
    }
}

#[test]
fn the_rate_is_that_of_a_boat() {
    let mut demo = Demo::new(1, start());
    let (mut out, mut all) = (Vec::new(), 0);
    for second in 1..=900 {
        out.clear();
        demo.advance_to(second * 1_000 - 1, &mut out);
        let count = lines(&out).len();
        assert!((12..=45).contains(&count), "{count} sentences in second {second}");
        all += count;
    }
    assert!((14..=20).contains(&(all / 900)), "{} a second", all / 900);
}

#[test]
fn what_the_receiver_says_is_what_she_does() {
    // Between two fixes a second apart she moves by their speed and course.
    let mut demo = Demo::new(1, start());
    let mut out = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for at_ms in (600_000..900_000).step_by(1_000) {
        out.clear();
        demo.advance_to(at_ms, &mut out);
        let rmc = lines(&out).into_iter().rfind(|l| l[0] == "GPRMC").unwrap();
        let minutes = |text: &str, digits: usize| {
            text[..digits].parse::<f64>().unwrap() * 60.0 + text[digits..].parse::<f64>().unwrap()
        };
        let (lat, lon) = (minutes(&rmc[3], 2), minutes(&rmc[5], 3));
        let (knots, course): (f64, f64) = (rmc[7].parse().unwrap(), rmc[8].parse().unwrap());
        if let Some((lat_before, lon_before)) = last {
            let north = (lat - lat_before) * 1852.0;
            let east = (lon - lon_before) * 1852.0 * (lat / 60.0).to_radians().cos();
            let expected = place::Vector::polar(knots * place::KNOT_MPS, course);
            let off = place::Vector { east, north }.minus(expected).length();
            assert!(off < 0.25, "{off} m off within a second, at {knots} kn");
        }
        last = Some((lat, lon));
    }
}

#[test]
fn time_goes_on_in_the_sentences() {
    let times: Vec<String> =
        lines(&bytes(1, 3_000)).into_iter().filter(|l| l[0] == "GPRMC").map(|l| l[1].clone()).collect();
    assert_eq!(times, ["090000.00", "090001.00", "090002.00", "090003.00"]);
    let first = &lines(&bytes(1, 0))[0];
    assert_eq!((first[0].as_str(), first[9].as_str()), ("GPRMC", "040726"));
}

#[test]
fn within_half_a_minute_all_ships_have_a_name() {
    let first = |kind: char| {
        let starts = |l: &Vec<String>| l[0] == "AIVDM" && l[2] == "1" && l[5].starts_with(kind);
        lines(&bytes(1, 30_000)).into_iter().filter(starts).count()
    };
    // Six of class A, four of class B with two parts each, one aid to navigation.
    assert_eq!((first('5'), first('H'), first('E')), (6, 8, 1));
}

#[test]
fn our_own_decoder_understands_all_the_traffic() {
    let mut decoder = crate::ais::Decoder::new();
    let (mut updates, mut understood) = (Vec::new(), 0);
    for line in lines(&bytes(1, 600_000)).iter().filter(|l| l[0] == "AIVDM") {
        let data = line[1..].join(",");
        let sentence = Sentence::from_parts(true, "AI", "VDM", &data);
        let outcome = decoder.sentence(&sentence, Tag::default(), false, Now::default(), &mut updates);
        let first_of_two = line[1] == "2" && line[2] == "1";
        assert_eq!(outcome, if first_of_two { Outcome::Nothing } else { Outcome::Understood }, "{line:?}");
        understood += usize::from(!first_of_two);
    }
    assert!(understood > 600 && updates.len() == understood, "{understood} of {}", updates.len());
}

#[test]
fn another_seed_is_another_day() {
    assert_ne!(bytes(1, 5_000), bytes(2, 5_000));
}

#[test]
fn the_next_sentence_is_due_when_it_says() {
    let mut demo = Demo::new(1, start());
    let mut out = Vec::new();
    assert_eq!(demo.next_due(), 0);
    for _ in 0..500 {
        let due = demo.next_due();
        out.clear();
        demo.advance_to(due - due.min(1), &mut out);
        assert!(due == 0 || out.is_empty(), "sent before {due}");
        demo.advance_to(due, &mut out);
        assert!(!out.is_empty() && demo.next_due() > due);
    }
}

/// Two minutes of seed 1. `TAFFRAIL_BLESS=1` writes the file anew.
#[test]
fn the_sample_is_what_the_demo_sends() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/demo-passage.nmea");
    let now = bytes(1, 119_999);
    if std::env::var_os("TAFFRAIL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read(&path).expect("samples/demo-passage.nmea: write it with TAFFRAIL_BLESS=1");
    for (i, (now, kept)) in lines(&now).iter().zip(&lines(&kept)).enumerate() {
        assert_eq!(now, kept, "line {}", i + 1);
    }
    assert_eq!(now.len(), kept.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_seed_gives_the_same_bytes_however_the_time_is_cut(
        seed in any::<u64>(),
        cuts in proptest::collection::vec(0_u64..5_000, 1..60),
    ) {
        let mut demo = Demo::new(seed, start());
        let (mut out, mut at_ms) = (Vec::new(), 0);
        for cut in cuts {
            at_ms += cut;
            demo.advance_to(at_ms, &mut out);
        }
        prop_assert_eq!(out, bytes(seed, at_ms));
    }
}
