//! The sentences of the own vessel, and the values that each is made of.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::kernel::time::Timestamp;
use crate::kernel::value::Value;
use crate::nmea0183::write::{self, FixQuality, LatLon, put};

/// Zero degrees Celsius in kelvin.
const CELSIUS_ZERO_K: f64 = 273.15;

const POSITION: &str = "navigation.position";
const SPEED: &str = "navigation.speedOverGround";
const COURSE: &str = "navigation.courseOverGroundTrue";
const COURSE_MAGNETIC: &str = "navigation.courseOverGroundMagnetic";
const VARIATION: &str = "navigation.magneticVariation";
const HEADING: &str = "navigation.headingTrue";
const HEADING_MAGNETIC: &str = "navigation.headingMagnetic";
const BELOW_TRANSDUCER: &str = "environment.depth.belowTransducer";
const BELOW_KEEL: &str = "environment.depth.belowKeel";
const BELOW_SURFACE: &str = "environment.depth.belowSurface";
const TO_KEEL: &str = "environment.depth.transducerToKeel";
const TO_SURFACE: &str = "environment.depth.surfaceToTransducer";

/// A sentence, or two that belong together.
struct Speech {
    /// Said when one of these changes.
    paths: &'static [&'static str],
    write: fn(&Own, Timestamp, &mut Vec<u8>),
}

/// In the order in which they are said.
const SPEECHES: [Speech; 16] = [
    Speech { paths: &[POSITION, SPEED, COURSE], write: rmc },
    Speech { paths: &[POSITION], write: gga },
    Speech { paths: &[SPEED, COURSE], write: vtg },
    Speech { paths: &[HEADING_MAGNETIC], write: hdg },
    Speech { paths: &[HEADING], write: hdt },
    Speech { paths: &["navigation.rateOfTurn"], write: rot },
    Speech { paths: &["steering.rudderAngle"], write: rsa },
    Speech { paths: &["navigation.speedThroughWater"], write: vhw },
    Speech { paths: &["navigation.log", "navigation.trip.log"], write: vlw },
    Speech { paths: &["environment.wind.angleApparent", "environment.wind.speedApparent"], write: mwv_apparent },
    Speech { paths: &["environment.wind.angleTrueWater", "environment.wind.speedTrue"], write: mwv_true },
    Speech { paths: &["environment.wind.directionTrue"], write: mwd },
    Speech { paths: &[BELOW_TRANSDUCER, BELOW_KEEL, BELOW_SURFACE], write: depth },
    Speech { paths: &["environment.water.temperature"], write: mtw },
    Speech { paths: &["navigation.courseRhumbline.crossTrackError"], write: xte },
    Speech { paths: &["environment.outside.temperature", "environment.outside.pressure"], write: air },
];

/// Values that are part of a sentence without being a reason to say it.
const BESIDES: [&str; 9] = [
    VARIATION,
    COURSE_MAGNETIC,
    TO_KEEL,
    TO_SURFACE,
    "environment.wind.directionMagnetic",
    "navigation.gnss.satellites",
    "navigation.gnss.horizontalDilution",
    "navigation.gnss.antennaAltitude",
    "navigation.gnss.geoidalSeparation",
];

/// What is known of the own vessel, and which of [`SPEECHES`] are due.
#[derive(Debug)]
pub(super) struct Own {
    /// By path; for each path the speeches it is a reason for, one bit each.
    values: HashMap<&'static str, (u32, Value), FixedState>,
    due: u32,
}

impl Default for Own {
    fn default() -> Self {
        let mut values: HashMap<&'static str, (u32, Value), FixedState> = HashMap::default();
        for (i, speech) in SPEECHES.iter().enumerate() {
            for path in speech.paths {
                values.entry(path).or_insert((0, Value::Null)).0 |= 1 << i;
            }
        }
        for path in BESIDES {
            values.entry(path).or_insert((0, Value::Null));
        }
        Self { values, due: 0 }
    }
}

impl Own {
    pub(super) fn learn(&mut self, path: &str, value: &Value) {
        if let Some((speeches, known)) = self.values.get_mut(path) {
            self.due |= *speeches;
            known.clone_from(value);
        }
    }

    pub(super) fn all_is_due(&mut self) {
        self.due = self.values.values().filter(|(_, v)| !v.is_null()).fold(0, |due, (speeches, _)| due | speeches);
    }

    pub(super) fn speak(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let due = std::mem::take(&mut self.due);
        for (i, speech) in SPEECHES.iter().enumerate() {
            if due & 1 << i != 0 {
                (speech.write)(self, at, out);
            }
        }
    }

    fn value(&self, path: &'static str) -> &Value {
        self.values.get(path).map_or(&Value::Null, |(_, value)| value)
    }

    fn number(&self, path: &'static str) -> Option<f64> {
        self.value(path).as_f64()
    }

    fn degrees(&self, path: &'static str) -> Option<f64> {
        self.number(path).map(f64::to_degrees)
    }

    fn place(&self) -> Option<LatLon> {
        match self.value(POSITION) {
            Value::Position(position) => Some((position.latitude, position.longitude)),
            _ => None,
        }
    }
}

fn rmc(own: &Own, at: Timestamp, out: &mut Vec<u8>) {
    let motion = (own.number(SPEED), own.degrees(COURSE), own.degrees(VARIATION));
    write::rmc(out, "GP", at, own.place(), motion);
}

fn gga(own: &Own, at: Timestamp, out: &mut Vec<u8>) {
    let Some(place) = own.place() else { return };
    let quality = FixQuality {
        satellites: own.number("navigation.gnss.satellites"),
        dilution: own.number("navigation.gnss.horizontalDilution"),
        altitude_m: own.number("navigation.gnss.antennaAltitude"),
        geoid_m: own.number("navigation.gnss.geoidalSeparation"),
    };
    write::gga(out, "GP", at, place, quality);
}

fn vtg(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    let (course, speed) = (own.degrees(COURSE), own.number(SPEED));
    if course.is_none() && speed.is_none() {
        return;
    }
    let magnetic = own.degrees(COURSE_MAGNETIC);
    write::vtg(out, "GP", course, magnetic, speed);
}

fn hdg(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(magnetic) = own.degrees(HEADING_MAGNETIC) {
        // What the model holds has been compensated.
        write::hdg(out, "HC", magnetic, None, own.degrees(VARIATION));
    }
}

fn hdt(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(heading) = own.degrees(HEADING) {
        write::hdt(out, "II", heading);
    }
}

fn rot(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(turn) = own.degrees("navigation.rateOfTurn") {
        write::rot(out, "TI", turn * 60.0);
    }
}

fn rsa(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(angle) = own.degrees("steering.rudderAngle") {
        write::rsa(out, "AG", angle);
    }
}

fn vhw(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(speed) = own.number("navigation.speedThroughWater") {
        write::vhw(out, "II", own.degrees(HEADING), own.degrees(HEADING_MAGNETIC), Some(speed));
    }
}

fn vlw(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    let (log, trip) = (own.number("navigation.log"), own.number("navigation.trip.log"));
    if log.is_some() || trip.is_some() {
        write::vlw(out, "II", log, trip);
    }
}

fn mwv_apparent(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    mwv(own, "environment.wind.angleApparent", 'R', "environment.wind.speedApparent", out);
}

fn mwv_true(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    mwv(own, "environment.wind.angleTrueWater", 'T', "environment.wind.speedTrue", out);
}

fn mwv(own: &Own, angle: &'static str, reference: char, speed: &'static str, out: &mut Vec<u8>) {
    let (angle, speed) = (own.degrees(angle), own.number(speed));
    if angle.is_some() && speed.is_some() {
        write::mwv(out, "WI", angle, reference, speed);
    }
}

fn mwd(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(direction) = own.degrees("environment.wind.directionTrue") {
        let magnetic = own.degrees("environment.wind.directionMagnetic");
        write::mwd(out, "WI", Some(direction), magnetic, own.number("environment.wind.speedTrue"));
    }
}

/// DPT and DBT where the depth below the transducer is known, else that which is.
fn depth(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(depth) = own.number(BELOW_TRANSDUCER) {
        let offset = own.number(TO_SURFACE).or_else(|| own.number(TO_KEEL).map(|down| -down));
        write::dpt(out, "SD", Some(depth), offset, None);
        write::depth(out, "SD", "DBT", depth);
        return;
    }
    for (path, formatter) in [(BELOW_KEEL, "DBK"), (BELOW_SURFACE, "DBS")] {
        if let Some(depth) = own.number(path) {
            write::depth(out, "SD", formatter, depth);
        }
    }
}

fn mtw(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(kelvin) = own.number("environment.water.temperature") {
        write::mtw(out, "YX", kelvin - CELSIUS_ZERO_K);
    }
}

fn xte(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(off) = own.number("navigation.courseRhumbline.crossTrackError") {
        write::xte(out, "II", off);
    }
}

fn air(own: &Own, _: Timestamp, out: &mut Vec<u8>) {
    if let Some(kelvin) = own.number("environment.outside.temperature") {
        put(out, format_args!("$WIXDR,C,{:.1},C,AIRT", kelvin - CELSIUS_ZERO_K));
    }
    if let Some(pascal) = own.number("environment.outside.pressure") {
        put(out, format_args!("$WIXDR,P,{:.4},B,BARO", pascal / 100_000.0));
    }
}
