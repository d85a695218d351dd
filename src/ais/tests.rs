//! Sentences in, JSON out.

mod round_trip;
mod safety;
mod weather;

use super::encode::{Bits, Form, lines, sentences};
use super::message::{Aid, Aircraft, ClassA, ClassB, Dimensions, Eta, Fixed, Message, Place, Static, Voyage};
use super::{Decoder, Tag};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::kernel::update::{Context, Mmsi, Root, Source, Update};
use crate::nmea0183::Outcome;
use crate::nmea0183::sentence::Sentence;

fn now(ms: u64) -> Now {
    let wall = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
    Now { wall, mono: Moment::from_millis(ms) }
}

/// Takes one line apart as the framer does; a checksum, where there is one, must be right.
fn feed(decoder: &mut Decoder, line: &str, tag: Tag<'_>, own: bool, out: &mut Vec<Update>) -> Outcome {
    let body = line.strip_prefix('!').unwrap();
    let (body, checksum) = body.split_once('*').unwrap();
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    assert_eq!(checksum, format!("{sum:02X}"), "{line}");
    let (address, data) = body.split_once(',').unwrap();
    let sentence = Sentence::from_parts(true, &address[..2], &address[2..], data);
    decoder.sentence(&sentence, tag, own, now(0), out)
}

/// `context: path=value ...`, paths in alphabetical order, one line for each update.
fn told(updates: &[Update]) -> String {
    let mut lines = Vec::new();
    for update in updates {
        let mut values: Vec<String> =
            update.values.iter().map(|v| format!("  {}={}", v.path, v.value.to_json())).collect();
        values.sort_unstable();
        let context = update.context.to_text().unwrap_or_else(|| "own".to_owned());
        lines.push(format!("{context}\n{}", values.join("\n")));
    }
    lines.join("\n")
}

fn check(lines: &[&str], expected: &str) {
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for line in lines {
        feed(&mut decoder, line, Tag::default(), false, &mut out);
    }
    assert_eq!(told(&out), expected.trim_matches('\n'), "{lines:?}");
}

/// What our own encoder makes of a message, decoded again.
fn check_encoded(mmsi: u32, message: &Message, expected: &str) {
    let form = Form { talker: "AI", own: false, channel: Some('A'), sequence: 3 };
    let lines = sentences(Mmsi::new(mmsi).unwrap(), message, form);
    check(&lines.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// 60.1 north, 24.9 east.
const HELSINKI: Place = Place { longitude: 14_940_000, latitude: 36_060_000 };

const NOWHERE: Place = Place { longitude: 181 * 600_000, latitude: 91 * 600_000 };

#[test]
fn class_a_reports() {
    let report = ClassA {
        kind: 1,
        status: 5,
        rate_of_turn: -20,
        speed: 100,
        place: HELSINKI,
        course: 900,
        heading: 180,
        manoeuvre: 1,
    };
    check_encoded(
        230_123_456,
        &Message::ClassA(report),
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  navigation.courseOverGroundTrue=1.5707963267948966
  navigation.headingTrue=3.141592653589793
  navigation.position={"latitude":60.1,"longitude":24.9}
  navigation.rateOfTurn=-0.005194133403050541
  navigation.specialManeuver="not engaged"
  navigation.speedOverGround=5.144444444444445
  navigation.state="moored"
  sensors.ais.class="A"
"#,
    );
    let silent = ClassA {
        kind: 3,
        status: 12,
        rate_of_turn: -128,
        speed: 1023,
        place: NOWHERE,
        course: 3600,
        heading: 511,
        manoeuvre: 0,
    };
    check_encoded(
        1,
        &Message::ClassA(silent),
        r#"
vessels.urn:mrn:imo:mmsi:000000001
  ={"mmsi":"000000001"}
  navigation.specialManeuver="not available"
  sensors.ais.class="A"
"#,
    );
}

#[test]
fn zero_is_a_coordinate() {
    let report = ClassB { place: Place::default(), speed: 1023, course: 3600, heading: 511, extended: None };
    check_encoded(
        230_123_456,
        &Message::ClassB(report),
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  navigation.position={"latitude":0.0,"longitude":0.0}
  sensors.ais.class="B"
"#,
    );
}

#[test]
fn voyage_data_comes_in_two_sentences() {
    let voyage = Voyage {
        edition: 1,
        imo: 9_074_729,
        call_sign: "OH1234".into(),
        name: "AURORA \"B\" \\ 2".into(),
        ship_type: 60,
        dimensions: Dimensions { bow: 30, stern: 90, port: 10, starboard: 5 },
        eta: Eta { month: 1, day: 2, hour: 3, minute: 4 },
        draught: 65,
        destination: "TALLINN".into(),
    };
    check_encoded(
        230_123_456,
        &Message::Voyage(voyage),
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"communication":{"callsignVhf":"OH1234"}}
  ={"mmsi":"230123456"}
  ={"name":"AURORA \"B\" \\ 2"}
  ={"registrations":{"imo":"IMO 9074729"}}
  design.aisShipType={"id":60,"name":"Passenger ship"}
  design.beam=15
  design.draft={"current":6.5}
  design.length={"overall":120}
  navigation.destination.commonName="TALLINN"
  navigation.destination.eta="2027-01-02T03:04:00.000Z"
  sensors.ais.class="A"
  sensors.ais.fromBow=30
  sensors.ais.fromCenter=-2.5
"#,
    );
}

#[test]
fn stations_aids_and_aircraft() {
    check_encoded(
        2_300_001,
        &Message::Fixed(Fixed { kind: 4, place: HELSINKI }),
        r#"
atons.urn:mrn:imo:mmsi:002300001
  ={"mmsi":"002300001"}
  navigation.position={"latitude":60.1,"longitude":24.9}
  sensors.ais.class="BASE"
"#,
    );
    check_encoded(
        992_301_234,
        &Message::Aid(Aid {
            aid_type: 28,
            name: "A ROCK THAT IS FAR FROM ANY LAND".into(),
            place: HELSINKI,
            dimensions: Dimensions::default(),
            off_position: false,
            virtual_aid: true,
        }),
        r#"
atons.urn:mrn:imo:mmsi:992301234
  ={"mmsi":"992301234"}
  ={"name":"A ROCK THAT IS FAR FROM ANY LAND"}
  atonType={"id":28,"name":"Isolated danger"}
  navigation.position={"latitude":60.1,"longitude":24.9}
  offPosition=false
  sensors.ais.class="ATON"
  virtual=true
"#,
    );
    check_encoded(
        111_230_500,
        &Message::Aircraft(Aircraft { altitude: 300, speed: 120, place: HELSINKI, course: 3601 }),
        r#"
aircraft.urn:mrn:imo:mmsi:111230500
  ={"mmsi":"111230500"}
  navigation.courseOverGroundTrue=0.0017453292519943296
  navigation.gnss.antennaAltitude=300.0
  navigation.position={"latitude":60.1,"longitude":24.9}
  navigation.speedOverGround=61.733333333333334
"#,
    );
}

#[test]
fn an_aid_whose_name_breaks_at_a_space_keeps_it() {
    let aid = Aid { aid_type: 0, name: "NINETEEN CHARACTERS AND MORE".into(), place: NOWHERE, ..Aid::default() };
    check_encoded(
        992_301_234,
        &Message::Aid(aid),
        r#"
atons.urn:mrn:imo:mmsi:992301234
  ={"mmsi":"992301234"}
  ={"name":"NINETEEN CHARACTERS AND MORE"}
  sensors.ais.class="ATON"
"#,
    );
}

#[test]
fn class_b_static_data_in_two_parts() {
    check_encoded(
        230_123_456,
        &Message::Name("GULL".into()),
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  ={"name":"GULL"}
  sensors.ais.class="B"
"#,
    );
    let part = Static {
        ship_type: 36,
        call_sign: "OH9".into(),
        dimensions: Dimensions { bow: 4, stern: 5, port: 1, starboard: 2 },
    };
    check_encoded(
        230_123_456,
        &Message::Static(part.clone()),
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"communication":{"callsignVhf":"OH9"}}
  ={"mmsi":"230123456"}
  design.aisShipType={"id":36,"name":"Sailing"}
  design.beam=3
  design.length={"overall":9}
  sensors.ais.class="B"
  sensors.ais.fromBow=4
  sensors.ais.fromCenter=0.5
"#,
    );
    // A tender has the number of her mother ship where others have their size.
    check_encoded(
        982_301_234,
        &Message::Static(part),
        r#"
vessels.urn:mrn:imo:mmsi:982301234
  ={"communication":{"callsignVhf":"OH9"}}
  ={"mmsi":"982301234"}
  design.aisShipType={"id":36,"name":"Sailing"}
  sensors.ais.class="B"
"#,
    );
}

#[test]
fn own_ship_only_when_told_so() {
    let line = "!AIVDO,1,1,,,13`l7@000lw;AupKR6s4lSop0000,0*00";
    let mmsi = Mmsi::new(244_123_456).unwrap();
    for (own, context) in [(true, Context::Own), (false, Context::Mmsi(Root::Vessels, mmsi))] {
        let mut out = Vec::new();
        assert_eq!(feed(&mut Decoder::new(), line, Tag::default(), own, &mut out), Outcome::Understood);
        assert_eq!(out[0].context, context);
        let Source::Nmea0183(source) = &out[0].source else { panic!("a sentence is the source") };
        assert_eq!((source.sentence.as_str(), source.talker.as_str(), source.ais_type), ("VDO", "AI", Some(1)));
    }
}

/// What our decoder makes of bits that the encoder has no message for.
fn check_bits(bits: &Bits, expected: &str) {
    let form = Form { talker: "AI", own: false, channel: None, sequence: 0 };
    let lines = lines(bits, form);
    check(&lines.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

fn bits(kind: u8, mmsi: u32) -> Bits {
    let mut bits = Bits::default();
    bits.head(kind, Mmsi::new(mmsi).unwrap());
    bits
}

#[test]
fn long_range_reports_keep_their_signs_and_wrap_their_course() {
    let mut report = bits(27, 230_123_456);
    report.put(0, 2).put(1, 4).put(-41_052_i32 as u32, 18).put(-32_967_i32 as u32, 17).put(12, 6).put(90, 9).put(0, 2);
    check_bits(
        &report,
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  navigation.courseOverGroundTrue=1.5707963267948966
  navigation.position={"latitude":-54.945,"longitude":-68.42}
  navigation.speedOverGround=6.173333333333334
  navigation.state="anchored"
"#,
    );
    let mut silent = bits(27, 230_123_456);
    silent.put(0, 2).put(13, 4).put(181 * 600, 18).put(91 * 600, 17).put(63, 6).put(511, 9).put(0, 2);
    check_bits(
        &silent,
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  navigation.courseOverGroundTrue=2.6354471705114375
"#,
    );
}

#[test]
fn inland_vessels_tell_their_size_in_decimetres() {
    let mut size = bits(8, 244_123_456);
    size.put(0, 2).put(200, 10).put(10, 6).text("02301234", 8).put(1105, 13).put(114, 10).put(8010, 14).put(0, 3);
    size.put(321, 11).put(0, 13);
    check_bits(
        &size,
        r#"
vessels.urn:mrn:imo:mmsi:244123456
  ={"mmsi":"244123456"}
  design.beam=11.4
  design.draft={"current":3.21}
  design.length={"overall":110.5}
  sensors.ais.designatedAreaCode=200
  sensors.ais.functionalId=10
"#,
    );
}

#[test]
fn every_sentence_is_accounted_for() {
    let table = [
        ("1,1,,A,13aEOK000j0Fpn0NDrh3Q2mp0000,0", Outcome::Understood),
        ("1,1,,B,B3aDp400?H000000002af765h000,0", Outcome::Understood),
        ("1,1,,,:3aDs1h01pT00000000000,4", Outcome::Nothing),
        ("1,1,,1,83aDs1h01pT00000000000,4", Outcome::Nothing),
        ("2,1,1,2,53brRt4000010SG700iE@LE8@Tp4,0", Outcome::Nothing),
        ("2,2,9,C,`0000000001,2", Outcome::Nothing),
        ("1,1,,D,03aDs1h01pT00000000000,4", Outcome::Unknown),
        ("1,1,,A,t3aDs1h01pT00000000000,4", Outcome::Unknown),
        ("1,1,,A,1,0", Outcome::Malformed),
        ("1,1,,A,,0", Outcome::Malformed),
        ("1,1,,A,1000000P0:PCci0MkuH0I0Ep0000,0", Outcome::Malformed),
        ("1,1,,A,1wwwwwwP0:PCci0MkuH0I0Ep0000,0", Outcome::Malformed),
        ("1,1,,A,13aEOK000j0Fpn0NDrh3Q2mp000X,0", Outcome::Malformed),
        (",,,,,", Outcome::Malformed),
    ];
    for (fields, expected) in table {
        let sentence = Sentence::from_parts(true, "AI", "VDM", fields);
        let mut out = Vec::new();
        let outcome = Decoder::new().sentence(&sentence, Tag::default(), false, now(0), &mut out);
        assert_eq!(outcome, expected, "{fields}");
        assert_eq!(out.len(), usize::from(outcome == Outcome::Understood), "{fields}");
    }
}

#[test]
fn the_station_of_a_tag_block_is_the_label() {
    let sentence = Sentence::from_parts(true, "BS", "VDM", "1,1,,A,13aEOK000j0Fpn0NDrh3Q2mp0000,0");
    let mut out = Vec::new();
    let tag = Tag { source: Some("2573238"), group: None };
    Decoder::new().sentence(&sentence, tag, false, now(0), &mut out);
    let Source::Nmea0183(source) = &out[0].source else { panic!("a sentence is the source") };
    assert_eq!((source.talker.as_str(), source.label.as_deref()), ("BS", Some("2573238")));
}

#[test]
fn parts_are_held_together_by_their_tag_block_group() {
    let lines = [
        ("1-2-77", "2,1,1,B,53aDo842:N2U0C;?CD1@4LLD@0000000000000161@D3440Ht0000000,0"),
        ("1-2-78", "2,1,1,B,53aDot42Ee3PS=8<000EHE:0LUHDp00000000016I38MM5WdNWDSm51D,0"),
        ("2-2-77", "2,2,1,B,000000000000000,2"),
        ("2-2-78", "2,2,1,B,Q0C@00000000000,2"),
    ];
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for (group, fields) in lines {
        let sentence = Sentence::from_parts(true, "AI", "VDM", fields);
        decoder.sentence(&sentence, Tag::new(None, Some(group)), false, now(0), &mut out);
    }
    let text = told(&out);
    assert_eq!(out.len(), 2, "{text}");
    assert!(told(&out[..1]).contains(r#"{"name":"TAGGED"}"#), "{text}");
    assert!(told(&out[1..]).contains(r#"{"name":"EVER GIVEN"}"#), "{text}");
    assert_eq!(Tag::new(Some("r1"), Some("x")), Tag { source: Some("r1"), group: None });
}
