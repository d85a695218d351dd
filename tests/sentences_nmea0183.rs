//! Sentences that say a thing twice, leave out a letter, or name more than one sender: what comes out, value by value.

#![allow(clippy::unwrap_used)] // a test may do so

use serde_json::{Value, json};
use taffrail::nmea0183::{Decoder, Options, delta_text};

mod corpus;
use corpus::golden::same;
use corpus::now;

const KNOT: f64 = 1852.0 / 3600.0;

fn sealed(body: &str) -> String {
    format!("${body}*{:02X}", body.bytes().fold(0, |sum, b| sum ^ b))
}

/// The one delta of a line.
fn delta(line: &str) -> Value {
    let mut out = Vec::new();
    Decoder::new(Options::default()).line(line.as_bytes(), now(), &mut out);
    assert_eq!(out.len(), 1, "{line}");
    serde_json::from_str(&delta_text::delta(&out[0])).unwrap()
}

#[test]
fn a_speed_stated_twice_is_the_one_that_was_filled_in() {
    let (sog, target, wind) =
        ("navigation.speedOverGround", "performance.targetSpeed", "environment.wind.speedApparent");
    let table = [
        // Both, and the km/h have the finer steps.
        ("GPVTG,1.5,T,2.5,M,5.5,N,10.2,K,A", sog, 10.2 / 3.6),
        ("GPVTG,1.5,T,2.5,M,5.5,N,10.2,k", sog, 10.2 / 3.6),
        // One of them was not filled in.
        ("GPVTG,1.5,T,2.5,M,5.5,N,0.0,K", sog, 5.5 * KNOT),
        ("GPVTG,1.5,T,2.5,M,,N,10.2,K", sog, 10.2 / 3.6),
        ("GPVTG,1.5,T,2.5,M,0.0,N,0.0,K", sog, 0.0),
        // A letter is missing.
        ("GPVTG,1.5,T,2.5,M,5.5,N,10.2,", sog, 5.5 * KNOT),
        ("GPVTG,1.5,T,2.5,M,5.5,,10.2,", sog, 10.2 / 3.6),
        ("GPVTG,054.7,034.4,005.5,010.2", sog, 10.2 / 3.6),
        ("PNKEP,01,8.3,N,15.5,K", target, 8.3 * KNOT),
        ("PNKEP,01,8.3,N,0,K", target, 8.3 * KNOT),
        ("PNKEP,01,0,N,15.5,K", target, 15.5 / 3.6),
        ("PNKEP,01,0.0,N,0.0,K", target, 0.0),
        ("IIVWR,075,R,1.0,N,0.51,M,1.85,K", wind, KNOT),
        ("IIVWR,075,R,1.0,,0.51,M,1.85,K", wind, KNOT),
        ("IIVWR,075,R,1.0,X,0.51,M,1.85,K", wind, 0.51),
        ("IIVWR,075,R,,N,,M,1.85,", wind, 1.85 / 3.6),
        // SeaTalk: whole knots, and a byte of tenths.
        ("STALK,11,01,0A,05", wind, 10.5 * KNOT),
        ("PSMDST,R,11,01,8A,09", wind, 10.9 * KNOT),
    ];
    for (body, path, expected) in table {
        let delta = delta(&sealed(body));
        let values = delta["updates"][0]["values"].as_array().unwrap();
        let value = values.iter().find(|v| v["path"] == path).map(|v| &v["value"]);
        assert!(value.is_some_and(|value| same(path, value, &json!(expected))), "{body}: {value:?}, not {expected}");
    }
}

#[test]
fn letters_may_be_small() {
    let table = [
        ("iihdt,123.4,t", "navigation.headingTrue", json!(123.4_f64.to_radians())),
        ("IIdbt,035.53,f,010.83,M,005.85,F", "environment.depth.belowTransducer", json!(10.83)),
        ("stalk,00,02,00,64,00", "environment.depth.belowTransducer", json!(3.048)),
        ("IIMWV,045.0,r,10.4,k,a", "environment.wind.angleApparent", json!(45_f64.to_radians())),
        ("IIMWV,045.0,r,10.4,k,a", "environment.wind.speedApparent", json!(10.4 / 3.6)),
        ("IIVWR,075,l,1.0,n,0.51,m,1.85,k", "environment.wind.angleApparent", json!(-75_f64.to_radians())),
        ("IIVWR,075,l,1.0,n,0.51,m,1.85,k", "environment.wind.speedApparent", json!(KNOT)),
        ("YXMTW,17.9,c", "environment.water.temperature", json!(291.05)),
        (
            "GPAPB,a,a,0.10,r,n,v,v,011,m,DEST,012,t,013,m",
            "navigation.courseRhumbline.nextPoint.bearingTrue",
            json!(12_f64.to_radians()),
        ),
        (
            "GPBWC,225444,4917.24,n,12309.57,w,051.9,t,031.6,m,001.3,n,004",
            "navigation.courseGreatCircle.nextPoint.bearingMagnetic",
            json!(31.6_f64.to_radians()),
        ),
    ];
    for (body, path, expected) in table {
        let delta = delta(&sealed(body));
        let values = delta["updates"][0]["values"].as_array().unwrap();
        let value = values.iter().find(|v| v["path"] == path).map(|v| &v["value"]);
        assert!(value.is_some_and(|value| same(path, value, &expected)), "{body}: {value:?}, not {expected}");
    }
    let source = delta(&sealed("iihdt,123.4,t"))["updates"][0]["source"].clone();
    assert_eq!(source, json!({"sentence": "HDT", "talker": "ii", "type": "NMEA0183"}));
}

#[test]
fn the_second_antenna_of_a_compass_has_its_own_satellites() {
    let mut decoder = Decoder::new(Options::default());
    let mut out = Vec::new();
    let groups =
        ["GPGSV,2,1,05,01,40,083,46", "GPGSVH,2,1,05,07,40,083,46", "GPGSV,2,2,05,02,40,083,46", "GPGSVH,2,2,05"];
    for body in groups {
        decoder.line(sealed(body).as_bytes(), now(), &mut out);
    }
    let deltas: Vec<Value> = out.iter().map(|u| serde_json::from_str(&delta_text::delta(u)).unwrap()).collect();
    let of = |delta: &Value| {
        let update = &delta["updates"][0];
        let value = &update["values"][0]["value"];
        let first = value["satellites"][0]["id"].clone();
        (update["source"]["talker"].clone(), update["source"]["sentence"].clone(), value["antennaType"].clone(), first)
    };
    let found: Vec<_> = deltas.iter().map(of).collect();
    let expected =
        [(json!("GP"), json!("GSV"), Value::Null, json!(1)), (json!("GP-H"), json!("GSVH"), json!("SLAVE"), json!(7))];
    assert_eq!(found, expected);
}

#[test]
fn the_source_is_the_talker_of_the_sentence_and_its_label_the_station() {
    let tagged = |tags: &str, line: &str| format!("\\{tags}*{:02X}\\{line}", tags.bytes().fold(0, |sum, b| sum ^ b));
    let ais = "!AIVDM,1,1,,A,13aDoQP01sbl;`AdWd03CBlt0000,0*44";
    let table = [
        (sealed("IIHDT,123.4,T"), json!({"sentence": "HDT", "talker": "II", "type": "NMEA0183"})),
        (sealed("IIDBTX,035.53,f,,M,,F"), json!({"sentence": "DBTX", "talker": "II", "type": "NMEA0183"})),
        (sealed("04HDM,186.5,M"), json!({"sentence": "HDM", "talker": "04", "type": "NMEA0183"})),
        (sealed("PNKEP,02,344.4"), json!({"sentence": "KEP", "talker": "PN", "type": "NMEA0183"})),
        (sealed("STALK,00,02,00,64,00"), json!({"sentence": "ALK", "talker": "ST", "type": "NMEA0183"})),
        (sealed("PSMDST,00,02,00,64,00"), json!({"sentence": "DST", "talker": "PS", "type": "NMEA0183"})),
        (ais.to_owned(), json!({"sentence": "VDM", "talker": "AI", "type": "NMEA0183", "aisType": 1})),
        (
            tagged("s:mast,c:1438489697", &sealed("IIHDT,123.4,T")),
            json!({"sentence": "HDT", "talker": "II", "type": "NMEA0183", "label": "mast"}),
        ),
        (
            tagged("s:rX01", ais),
            json!({"sentence": "VDM", "talker": "AI", "type": "NMEA0183", "label": "rX01", "aisType": 1}),
        ),
    ];
    for (line, source) in table {
        assert_eq!(delta(&line)["updates"][0]["source"], source, "{line}");
    }
}
