//! Sentences in, JSON out.

use compact_str::CompactString;
use proptest::prelude::*;

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
fn distress_devices_raise_an_alarm_and_a_test_does_not() {
    let device = |status| {
        Message::ClassA(ClassA {
            kind: 1,
            status,
            rate_of_turn: -128,
            speed: 1023,
            place: HELSINKI,
            course: 3600,
            heading: 511,
            manoeuvre: 0,
        })
    };
    check_encoded(
        972_000_001,
        &device(14),
        r#"
sar.urn:mrn:imo:mmsi:972000001
  ={"mmsi":"972000001"}
  navigation.position={"latitude":60.1,"longitude":24.9}
  navigation.specialManeuver="not available"
  navigation.state="ais-sart"
  notifications.mob={"state":"emergency","method":["visual","sound"],"message":"Man overboard device 972000001 is active"}
  sensors.ais.class="A"
"#,
    );
    check_encoded(
        970_000_001,
        &device(15),
        r#"
sar.urn:mrn:imo:mmsi:970000001
  ={"mmsi":"970000001"}
  navigation.position={"latitude":60.1,"longitude":24.9}
  navigation.specialManeuver="not available"
  navigation.state="default"
  notifications.sart={"state":"normal","method":[],"message":"Search and rescue transmitter 970000001 is under test"}
  sensors.ais.class="A"
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
    check_bits(&silent, "vessels.urn:mrn:imo:mmsi:230123456\n  ={\"mmsi\":\"230123456\"}");
}

#[test]
fn safety_texts_become_notifications() {
    let mut to_all = bits(14, 2_300_001);
    to_all.put(0, 2).text("BUOY 7 UNLIT", 12);
    check_bits(
        &to_all,
        r#"
vessels.urn:mrn:imo:mmsi:002300001
  ={"mmsi":"002300001"}
  notifications.safetyMessage={"state":"alert","method":["visual"],"message":"BUOY 7 UNLIT"}
"#,
    );
    let mut to_one = bits(12, 230_123_456);
    to_one.put(0, 2).put(230_999_999, 30).put(0, 2).text("CALL ME", 7);
    check_bits(
        &to_one,
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  notifications.safetyMessage={"state":"alert","method":["visual"],"message":"to 230999999: CALL ME"}
"#,
    );
    let mut beacon = bits(14, 974_000_001);
    beacon.put(0, 2).text("EPIRB ACTIVE", 12);
    check_bits(
        &beacon,
        r#"
sar.urn:mrn:imo:mmsi:974000001
  ={"mmsi":"974000001"}
  notifications.epirb={"state":"emergency","method":["visual","sound"],"message":"Emergency beacon 974000001 is active"}
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
fn weather_of_the_present_layout() {
    let mut weather = bits(8, 2_300_001);
    weather.put(0, 2).put(1, 10).put(31, 6);
    weather.put(-1_494_000_i32 as u32, 25).put(3_606_000, 24).put(0, 1).put(21, 5).put(23, 5).put(50, 6);
    weather.put(20, 7).put(127, 7).put(180, 9).put(360, 9).put(-125_i32 as u32, 11).put(85, 7).put(-200_i32 as u32, 10);
    weather.put(214, 9).put(1, 2).put(1, 1).put(100, 7).put(983, 12).put(2, 2).put(15, 8).put(90, 9).put(0, 44);
    weather.put(12, 8).put(6, 6).put(270, 9).put(255, 8).put(63, 6).put(360, 9).put(4, 4).put(36, 10).put(5, 3);
    weather.put(350, 9).put(1, 2).put(0, 10);
    check_bits(
        &weather,
        r#"
meteo.urn:mrn:imo:mmsi:002300001:100900
  ={"mmsi":"002300001"}
  environment.date="2026-11-21T23:50:00.000Z"
  environment.outside.dewPointTemperature=253.15
  environment.outside.horizontalVisibility.overRange=true
  environment.outside.horizontalVisibility=18520.0
  environment.outside.precipitation="snow"
  environment.outside.precipitationValue=5
  environment.outside.pressure=101300.0
  environment.outside.pressureTendency="decreasing"
  environment.outside.pressureTendencyValue=1
  environment.outside.relativeHumidity=0.85
  environment.outside.temperature=260.65
  environment.water.current.drift=0.77
  environment.water.current.set=1.5707963267948966
  environment.water.ice="yes"
  environment.water.iceValue=1
  environment.water.level=-0.17
  environment.water.levelTendency="increasing"
  environment.water.levelTendencyValue=2
  environment.water.salinity=0.035
  environment.water.seaState="moderate breeze, 5.5-7.9 m/s"
  environment.water.seaStateValue=4
  environment.water.temperature=276.75
  environment.water.waves.directionTrue=4.71238898038469
  environment.water.waves.period=6.0
  environment.water.waves.significantHeight=1.2
  environment.wind.averageSpeed=10.29
  environment.wind.directionTrue=3.141592653589793
  navigation.position={"latitude":60.1,"longitude":-24.9}
  sensors.ais.designatedAreaCode=1
  sensors.ais.functionalId=31
"#,
    );
}

#[test]
fn weather_of_the_old_layout() {
    let mut weather = bits(8, 2_300_001);
    weather.put(0, 2).put(1, 10).put(11, 6);
    weather.put(3_606_000, 24).put(1_494_000, 25).put(22, 5).put(10, 5).put(0, 6);
    weather.put(20, 7).put(30, 7).put(180, 9).put(190, 9).put(475, 11).put(127, 7).put(0, 10);
    weather.put(213, 9).put(3, 2).put(255, 8).put(83, 9).put(0, 2).put(255, 8).put(511, 9).put(0, 44);
    weather.put(255, 8).put(63, 6).put(511, 9).put(255, 8).put(63, 6).put(511, 9).put(13, 4).put(136, 10).put(7, 3);
    weather.put(511, 9).put(3, 2).put(0, 6);
    check_bits(
        &weather,
        r#"
meteo.urn:mrn:imo:mmsi:002300001:100900
  ={"mmsi":"002300001"}
  environment.date="2026-11-22T10:00:00.000Z"
  environment.outside.dewPointTemperature=253.15
  environment.outside.pressure=101300.0
  environment.outside.temperature=260.65
  environment.water.level=-1.7
  environment.water.levelTendency="steady"
  environment.water.levelTendencyValue=0
  environment.water.temperature=276.75
  environment.wind.averageSpeed=10.29
  environment.wind.directionTrue=3.141592653589793
  environment.wind.gust=15.43
  environment.wind.gustDirectionTrue=3.3161255787892263
  navigation.position={"latitude":60.1,"longitude":24.9}
  sensors.ais.designatedAreaCode=1
  sensors.ais.functionalId=11
"#,
    );
}

#[test]
fn environmental_reports_of_one_site() {
    let mut weather = bits(8, 2_300_001);
    weather.put(0, 2).put(1, 10).put(33, 6);
    let head = |weather: &mut Bits, kind| {
        weather.put(kind, 4).put(22, 5).put(11, 5).put(30, 6).put(77, 7);
    };
    head(&mut weather, 0);
    weather.put(2, 6).place(HELSINKI).put(0, 24);
    head(&mut weather, 1);
    weather.text("HARMAJA", 14).put(0, 1);
    head(&mut weather, 2);
    weather.put(10, 7).put(122, 7).put(90, 9).put(360, 9).put(0, 53);
    head(&mut weather, 3);
    weather.put(0, 1).put(-42_i32 as u32, 16).put(0, 2).put(0, 5).put(1, 3).put(0, 58);
    check_bits(
        &weather,
        r#"
meteo.urn:mrn:imo:mmsi:002300001:77
  ={"mmsi":"002300001"}
  ={"name":"HARMAJA"}
  environment.date="2026-11-22T11:30:00.000Z"
  environment.water.level=-0.42
  environment.water.levelTendency="increasing"
  environment.water.levelTendencyValue=2
  environment.wind.averageSpeed=5.14
  environment.wind.directionTrue=1.5707963267948966
  navigation.position={"latitude":60.1,"longitude":24.9}
  sensors.ais.designatedAreaCode=1
  sensors.ais.functionalId=33
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

fn six_bit_text(most: usize) -> impl Strategy<Value = CompactString> {
    prop::string::string_regex(&format!("([A-Z0-9!-?]([ A-Z0-9!-?]{{0,{}}}[A-Z0-9!-?])?)?", most - 2))
        .unwrap()
        .prop_map(CompactString::from)
}

fn any_place() -> impl Strategy<Value = Place> {
    (-(1_i32 << 27)..1 << 27, -(1_i32 << 26)..1 << 26).prop_map(|(longitude, latitude)| Place { longitude, latitude })
}

fn any_size() -> impl Strategy<Value = Dimensions> {
    (0_u16..512, 0_u16..512, 0_u16..64, 0_u16..64).prop_map(|(bow, stern, port, starboard)| Dimensions {
        bow,
        stern,
        port,
        starboard,
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let class_a = (1_u8..4, 0_u8..16, any::<i8>(), 0_u16..1024, any_place(), 0_u16..4096, 0_u16..512, 0_u8..4)
        .prop_map(|(kind, status, rate_of_turn, speed, place, course, heading, manoeuvre)| {
            Message::ClassA(ClassA { kind, status, rate_of_turn, speed, place, course, heading, manoeuvre })
        });
    let base = any_place().prop_map(|place| Message::Fixed(Fixed { kind: 4, place }));
    let eta = (0_u8..16, 0_u8..32, 0_u8..32, 0_u8..64).prop_map(|(month, day, hour, minute)| Eta {
        month,
        day,
        hour,
        minute,
    });
    let numbers = (0_u8..4, 0_u32..1 << 30, any::<u8>(), any::<u8>());
    let voyage = (numbers, six_bit_text(7), six_bit_text(20), any_size(), eta, six_bit_text(20)).prop_map(
        |((edition, imo, ship_type, draught), call_sign, name, dimensions, eta, destination)| {
            Message::Voyage(Voyage { edition, imo, call_sign, name, ship_type, dimensions, eta, draught, destination })
        },
    );
    let aircraft = (0_u16..4096, 0_u16..1024, any_place(), 0_u16..4096)
        .prop_map(|(altitude, speed, place, course)| Message::Aircraft(Aircraft { altitude, speed, place, course }));
    let class_b = (0_u16..1024, any_place(), 0_u16..4096, 0_u16..512).prop_map(|(speed, place, course, heading)| {
        Message::ClassB(ClassB { speed, place, course, heading, extended: None })
    });
    let aid = (0_u8..32, six_bit_text(34), any_place(), any_size(), any::<bool>(), any::<bool>()).prop_map(
        |(aid_type, name, place, dimensions, off_position, virtual_aid)| {
            Message::Aid(Aid { aid_type, name, place, dimensions, off_position, virtual_aid })
        },
    );
    let name = six_bit_text(20).prop_map(Message::Name);
    let part = (any::<u8>(), six_bit_text(7), any_size())
        .prop_map(|(ship_type, call_sign, dimensions)| Message::Static(Static { ship_type, call_sign, dimensions }));
    prop_oneof![class_a, base, voyage, aircraft, class_b, aid, name, part]
}

/// The payload fields of our own sentences, put together again.
fn read_back(lines: &[String]) -> (Mmsi, Message) {
    let mut payload = super::sixbit::Payload::new();
    for line in lines {
        assert!(line.len() <= 80, "{line} has no room for its line end");
        let fields: Vec<&str> = line.split(',').collect();
        payload.push(fields[5].as_bytes()).unwrap();
        payload.set_fill(fields[6][..1].parse().unwrap());
    }
    Message::read(&payload).unwrap()
}

proptest! {
    #[test]
    fn what_is_encoded_reads_back(mmsi in 1_u32..980_000_000, message in any_message()) {
        let mmsi = Mmsi::new(mmsi).unwrap();
        let form = Form { talker: "AI", own: true, channel: Some('B'), sequence: 9 };
        prop_assert_eq!(read_back(&sentences(mmsi, &message, form)), (mmsi, message));
    }

    #[test]
    fn any_payload_is_read_or_refused_without_harm(payload in "[0-W`-w]{0,188}", fill in 0_u8..6, own: bool) {
        let fields = format!("1,1,,A,{payload},{fill}");
        let sentence = Sentence::from_parts(true, "AI", "VDM", &fields);
        let mut out = Vec::new();
        Decoder::new().sentence(&sentence, Tag::default(), own, now(0), &mut out);
        for update in &out {
            prop_assert!(!update.values.is_empty());
            for value in &update.values {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&value.value.to_json()).is_ok());
            }
        }
    }

    #[test]
    fn any_fields_are_read_or_refused_without_harm(fields in ".{0,80}", ms: u64, group: Option<u32>) {
        let sentence = Sentence::from_parts(true, "AI", "VDM", &fields);
        let tag = Tag { source: None, group };
        Decoder::new().sentence(&sentence, tag, false, now(ms), &mut Vec::new());
    }

    #[test]
    fn receivers_that_can_be_told_apart_may_interleave_as_they_like(
        names in prop::collection::vec(six_bit_text(20), 1..20),
        order in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        // One receiver for each name; each sends its two parts in order, the order among them is anyone's.
        let parts: Vec<Vec<String>> = names
            .iter()
            .map(|name| {
                let voyage = Voyage { name: name.clone(), ..Voyage::default() };
                let form = Form { talker: "AI", own: false, channel: Some('A'), sequence: 1 };
                sentences(Mmsi::new(230_000_001).unwrap(), &Message::Voyage(voyage), form)
            })
            .collect();
        let mut left: Vec<(usize, usize)> = (0..names.len()).map(|receiver| (receiver, 0)).collect();
        let mut decoder = Decoder::new();
        for index in order {
            if left.is_empty() {
                break;
            }
            let at = index.index(left.len());
            let (receiver, part) = left[at];
            let station = format!("r{receiver}");
            let tag = Tag { source: Some(&station), group: None };
            let mut out = Vec::new();
            feed(&mut decoder, &parts[receiver][part], tag, false, &mut out);
            if part == 0 {
                left[at].1 = 1;
                prop_assert!(out.is_empty());
                continue;
            }
            left.remove(at);
            let mut expected = String::from("{\"name\":");
            crate::kernel::value::push_text(&names[receiver], &mut expected);
            expected.push('}');
            let named = out[0].values.iter().any(|v| v.value.to_json() == expected);
            prop_assert!(named || names[receiver].is_empty());
        }
    }
}
