//! The `nmea` crate as a second opinion: for every sentence of the corpus and of the recordings that both read, the values
//! are the same within what the crate's `f32` can hold.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may do both

use std::collections::{BTreeMap, BTreeSet};

use nmea::ParseResult;
use nmea::sentences::mwv::{MwvReference, MwvWindSpeedUnits};
use taffrail::kernel::value::Value;
use taffrail::nmea0183::{Decoder, Options, Outcome};

mod corpus;
use corpus::now;

const KNOT: f64 = 1852.0 / 3600.0;
/// Where we are sure that the crate is wrong.
const OVERRULED: [&str; 2] = [
    // A latitude of 91 degrees.
    "$GNRMC,123519.00,A,9107.038,N,01131.000,E,022.4,084.4,230324,003.1,W,A*38",
    // A bearing whose reference is missing.
    "$GPBWC,225444,4917.24,N,12309.57,W,051.9,,031.6,M,001.3,N,004*7D",
];

/// Path, and the crate's value in SI units.
type Opinion = Vec<(&'static str, Option<f64>)>;

#[test]
fn both_read_the_same() {
    let Some(lines) = lines() else { return };
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for line in lines.iter().filter(|line| !OVERRULED.contains(&line.as_str())) {
        let Ok(parsed) = nmea::parse_str(line) else { continue };
        let mut out = Vec::new();
        if Decoder::new(Options::default()).line(line.as_bytes(), now(), &mut out) != Outcome::Understood {
            continue;
        }
        let ours: BTreeMap<_, _> = out.iter().flat_map(|u| &u.values).map(|v| (v.path.as_str(), &v.value)).collect();
        for (path, theirs) in opinion(&parsed) {
            let Some(theirs) = theirs else { continue };
            *compared.entry(line[3..6].to_owned()).or_default() += 1;
            let place = match ours.get("navigation.position") {
                Some(Value::Position(p)) if path == "latitude" => Some(p.latitude),
                Some(Value::Position(p)) if path == "longitude" => Some(p.longitude),
                _ => None,
            };
            let our_value = place.or_else(|| ours.get(path).and_then(|value| value.as_f64()));
            let tolerance = match &line[3..6] {
                _ if place.is_some() => 1e-12,
                // We take the km/h, the crate takes the knots, and the sender has rounded both.
                "VTG" if path.ends_with("speedOverGround") => 0.04,
                _ => 1e-6 * theirs.abs().max(1.0),
            };
            if !our_value.is_some_and(|n| same(n, theirs, tolerance)) {
                failures.push(format!("{line}\n  {path}: {our_value:?}, second opinion {theirs}"));
            }
        }
    }
    println!("values compared: {compared:?}");
    for formatter in ["RMC", "GGA", "GLL", "GNS", "VTG", "HDT", "MWV", "MTW", "VHW", "DPT", "DBK", "MDA", "BWC"] {
        assert!(compared.contains_key(formatter), "nothing compared for {formatter}");
    }
    assert!(
        failures.is_empty(),
        "{} of {:?}\n{}",
        failures.len(),
        compared,
        failures[..failures.len().min(20)].join("\n")
    );
}

fn same(a: f64, b: f64, tolerance: f64) -> bool {
    let turns = ((a - b) / std::f64::consts::TAU).round();
    (a - b).abs() <= tolerance || (a - b - turns * std::f64::consts::TAU).abs() <= tolerance
}

fn opinion(parsed: &ParseResult) -> Opinion {
    let f = |n: Option<f32>| n.map(f64::from);
    let angle = |n: Option<f32>| n.map(|n| f64::from(n).to_radians());
    let speed = |n: Option<f32>| n.map(|n| f64::from(n) * KNOT).filter(|n| *n >= 0.0);
    let kelvin = |n: Option<f32>| n.map(|n| f64::from(n) + 273.15);
    match parsed {
        ParseResult::RMC(d) => vec![
            ("latitude", d.lat),
            ("longitude", d.lon),
            ("navigation.speedOverGround", speed(d.speed_over_ground)),
            ("navigation.courseOverGroundTrue", angle(d.true_course)),
            ("navigation.magneticVariation", angle(d.magnetic_variation)),
        ],
        ParseResult::GGA(d) => vec![
            ("latitude", d.latitude),
            ("longitude", d.longitude),
            ("navigation.gnss.satellites", d.fix_satellites.map(f64::from)),
            ("navigation.gnss.horizontalDilution", f(d.hdop)),
            ("navigation.gnss.antennaAltitude", f(d.altitude)),
            ("navigation.gnss.geoidalSeparation", f(d.geoid_separation)),
        ],
        ParseResult::GNS(d) => vec![
            ("latitude", d.lat),
            ("longitude", d.lon),
            ("navigation.gnss.horizontalDilution", f(d.hdop)),
            ("navigation.gnss.antennaAltitude", f(d.alt)),
            ("navigation.gnss.geoidalSeparation", f(d.geoid_separation)),
        ],
        ParseResult::GLL(d) => vec![("latitude", d.latitude), ("longitude", d.longitude)],
        ParseResult::VTG(d) => vec![
            ("navigation.courseOverGroundTrue", angle(d.true_course)),
            ("navigation.speedOverGround", speed(d.speed_over_ground)),
        ],
        ParseResult::HDT(d) => vec![("navigation.headingTrue", angle(d.heading))],
        ParseResult::MWV(d) => {
            let factor = match d.wind_speed_units {
                Some(MwvWindSpeedUnits::KilometersPerHour) => 1.0 / 3.6,
                Some(MwvWindSpeedUnits::Knots) => KNOT,
                Some(MwvWindSpeedUnits::MilesPerHour) => 0.44704,
                _ => 1.0,
            };
            let wind_speed = d.wind_speed_units.and(f(d.wind_speed)).map(|n| n * factor);
            let [angle_path, speed_path] = match d.reference {
                Some(MwvReference::Relative) => ["environment.wind.angleApparent", "environment.wind.speedApparent"],
                _ => ["environment.wind.angleTrueWater", "environment.wind.speedTrue"],
            };
            vec![(angle_path, angle(d.wind_direction)), (speed_path, wind_speed)]
        }
        ParseResult::MTW(d) => vec![("environment.water.temperature", d.temperature.map(|n| n + 273.15))],
        ParseResult::VHW(d) => vec![
            ("navigation.headingTrue", d.heading_true.map(f64::to_radians)),
            ("navigation.headingMagnetic", d.heading_magnetic.map(f64::to_radians)),
            ("navigation.speedThroughWater", d.relative_speed_knots.map(|n| n * KNOT)),
        ],
        ParseResult::DPT(d) => vec![("environment.depth.belowTransducer", d.water_depth)],
        ParseResult::DBK(d) => vec![("environment.depth.belowKeel", d.depth_meters)],
        ParseResult::MDA(d) => vec![
            ("environment.outside.temperature", kelvin(d.air_temp_deg)),
            ("environment.water.temperature", kelvin(d.water_temp_deg)),
            ("environment.outside.dewPointTemperature", kelvin(d.dew_point)),
            ("environment.wind.directionTrue", angle(d.wind_direction_true)),
            ("environment.wind.directionMagnetic", angle(d.wind_direction_magnetic)),
            ("environment.wind.speedOverGround", f(d.wind_speed_ms)),
        ],
        ParseResult::BWC(d) => vec![
            ("navigation.courseGreatCircle.nextPoint.bearingTrue", angle(d.true_bearing)),
            ("navigation.courseGreatCircle.nextPoint.bearingMagnetic", angle(d.magnetic_bearing)),
        ],
        _ => Vec::new(),
    }
}

/// The different sentences of the corpus and the recordings.
fn lines() -> Option<BTreeSet<String>> {
    let dir = corpus::dir()?;
    let rows = std::fs::read_to_string(dir.join("nmea0183-golden.jsonl")).unwrap();
    let mut lines = BTreeSet::new();
    for row in rows.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap()) {
        lines.extend(row["input"].as_array().unwrap().iter().map(|input| input.as_str().unwrap().to_owned()));
    }
    for entry in std::fs::read_dir(dir.join("logs")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("0183-") {
            let bytes = std::fs::read(entry.path()).unwrap();
            lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        }
    }
    lines.retain(|line| line.starts_with('$') && line.len() > 6 && line.is_ascii());
    Some(lines)
}
