//! Sentences as instruments and receivers write them: one to a line, with its checksum and CR LF. What is not known is an
//! empty field.
//!
//! Angles are in degrees, since that is what the wire has; everything else is in SI units. Layouts: IEC 61162-1.

use std::fmt::{self, Arguments, Display};
use std::io::Write;

use crate::kernel::time::Timestamp;

/// Metres per second in a knot.
pub const KNOT_MPS: f64 = 1852.0 / 3600.0;
/// Metres in a nautical mile.
const MILE_M: f64 = 1852.0;
/// Kilometres per hour in a metre per second.
const KMH_PER_MPS: f64 = 3.6;
/// The greatest cross-track error that is written, in nautical miles: readers expect two decimals and one digit before.
const CROSS_TRACK_NM_MAX: f64 = 9.99;

/// Appends one sentence: `text` is all of it from `$` or `!` up to the last field.
pub fn put(out: &mut Vec<u8>, text: Arguments<'_>) {
    let start = out.len();
    out.write_fmt(text).expect("a vector takes every byte");
    let sum = out[start + 1..].iter().fold(0, |sum, byte| sum ^ byte);
    write!(out, "*{sum:02X}\r\n").expect("a vector takes every byte");
}

/// A number with so many decimals; an empty field for none.
#[derive(Debug, Clone, Copy)]
struct Field(Option<f64>, usize);

impl Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            // Zero has no sign, whatever was rounded to it.
            Some(n) if n.is_finite() => {
                let scale = 10_f64.powi(self.1 as i32);
                write!(f, "{:.*}", self.1, (n * scale).round() / scale + 0.0)
            }
            _ => Ok(()),
        }
    }
}

/// A bearing in tenths of a degree; an empty field for none.
fn direction(angle_deg: Option<f64>) -> Field {
    Field(angle_deg.map(bearing), 1)
}

/// An angle with its side, as `9.6,E`.
fn side(angle_deg: Option<f64>, [positive, negative]: [char; 2]) -> String {
    match angle_deg.filter(|angle| angle.is_finite()) {
        Some(angle) => format!("{},{}", Field(Some(angle.abs()), 1), if angle < 0.0 { negative } else { positive }),
        None => ",".to_owned(),
    }
}

/// A place in degrees: latitude and longitude, north and east positive.
pub type LatLon = (f64, f64);

/// Latitude and longitude as `ddmm.mmmmm,N,dddmm.mmmmm,E`: five decimals are two centimetres.
pub fn lat_lon((latitude, longitude): LatLon) -> String {
    let (lat, north) = degrees_minutes(latitude);
    let (lon, east) = degrees_minutes(longitude);
    let (ns, ew) = (if north { 'N' } else { 'S' }, if east { 'E' } else { 'W' });
    format!("{:02}{:08.5},{ns},{:03}{:08.5},{ew}", lat.0, lat.1, lon.0, lon.1)
}

/// Whole degrees and minutes, and whether the angle is not negative. Rounded first, so that 60.00000 minutes never appear.
fn degrees_minutes(angle_deg: f64) -> ((u32, f64), bool) {
    let units = (angle_deg.abs() * 6_000_000.0).round() as u64;
    (((units / 6_000_000) as u32, (units % 6_000_000) as f64 / 100_000.0), angle_deg >= 0.0)
}

/// `hhmmss.ss`.
pub fn time_of_day(time: Timestamp) -> String {
    let c = time.civil();
    format!("{:02}{:02}{:02}.{:02}", c.hour, c.minute, c.second, c.millisecond / 10)
}

/// A bearing in tenths of a degree, from 0.0 to 359.9.
pub fn bearing(angle_deg: f64) -> f64 {
    let tenths = (angle_deg.rem_euclid(360.0) * 10.0).round();
    if tenths >= 3600.0 { 0.0 } else { tenths / 10.0 }
}

/// A number rounded to tenths, without a sign when that leaves zero.
pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// RMC: time, position, speed and course over the ground, date, variation (east positive). Without a place it says that
/// there is no fix.
pub fn rmc(
    out: &mut Vec<u8>,
    talker: &str,
    time: Timestamp,
    place: Option<LatLon>,
    (speed_mps, course_deg, variation_deg): (Option<f64>, Option<f64>, Option<f64>),
) {
    let c = time.civil();
    let at = place.map_or_else(|| ",,,".to_owned(), lat_lon);
    let (status, mode) = if place.is_some() { ('A', 'A') } else { ('V', 'N') };
    let (knots, course) = (Field(speed_mps.map(|v| v / KNOT_MPS), 2), direction(course_deg));
    let (day, month, year) = (c.day, c.month, c.year.rem_euclid(100));
    let (time, variation) = (time_of_day(time), side(variation_deg, ['E', 'W']));
    put(
        out,
        format_args!(
            "${talker}RMC,{time},{status},{at},{knots},{course},{day:02}{month:02}{year:02},{variation},{mode}"
        ),
    );
}

/// How good a fix is, for GGA.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FixQuality {
    /// Satellites used.
    pub satellites: Option<f64>,
    /// Horizontal dilution of precision.
    pub dilution: Option<f64>,
    /// Height of the antenna above the sea, metres.
    pub altitude_m: Option<f64>,
    /// Height of the geoid above the ellipsoid, metres.
    pub geoid_m: Option<f64>,
}

/// GGA: the fix.
pub fn gga(out: &mut Vec<u8>, talker: &str, time: Timestamp, place: LatLon, quality: FixQuality) {
    let (time, at) = (time_of_day(time), lat_lon(place));
    let FixQuality { satellites, dilution, altitude_m, geoid_m } = quality;
    let used = satellites.map_or_else(String::new, |n| format!("{n:02.0}"));
    let (dilution, altitude, geoid) = (Field(dilution, 1), Field(altitude_m, 1), Field(geoid_m, 1));
    put(out, format_args!("${talker}GGA,{time},{at},1,{used},{dilution},{altitude},M,{geoid},M,,"));
}

/// GLL: position and time.
pub fn gll(out: &mut Vec<u8>, talker: &str, time: Timestamp, place: LatLon) {
    let (time, at) = (time_of_day(time), lat_lon(place));
    put(out, format_args!("${talker}GLL,{at},{time},A,A"));
}

/// VTG: course, true and magnetic, and speed over the ground.
pub fn vtg(out: &mut Vec<u8>, talker: &str, true_deg: Option<f64>, magnetic_deg: Option<f64>, speed_mps: Option<f64>) {
    let (truth, magnetic, speed) = (direction(true_deg), direction(magnetic_deg), speed_twice(speed_mps));
    put(out, format_args!("${talker}VTG,{truth},T,{magnetic},M,{speed},A"));
}

/// HDG: what the compass shows, its deviation and the variation (both east positive).
pub fn hdg(out: &mut Vec<u8>, talker: &str, compass_deg: f64, deviation_deg: Option<f64>, variation_deg: Option<f64>) {
    let (deviation, variation) = (side(deviation_deg, ['E', 'W']), side(variation_deg, ['E', 'W']));
    put(out, format_args!("${talker}HDG,{:.1},{deviation},{variation}", bearing(compass_deg)));
}

/// HDT: true heading.
pub fn hdt(out: &mut Vec<u8>, talker: &str, true_deg: f64) {
    put(out, format_args!("${talker}HDT,{:.1},T", bearing(true_deg)));
}

/// ROT: rate of turn in degrees a minute, negative to port.
pub fn rot(out: &mut Vec<u8>, talker: &str, degrees_per_minute: f64) {
    put(out, format_args!("${talker}ROT,{:.1},A", tenths(degrees_per_minute)));
}

/// RSA: rudder angle, negative to port.
pub fn rsa(out: &mut Vec<u8>, talker: &str, rudder_deg: f64) {
    put(out, format_args!("${talker}RSA,{:.1},A,,V", tenths(rudder_deg)));
}

/// VHW: heading and speed through the water.
pub fn vhw(out: &mut Vec<u8>, talker: &str, true_deg: Option<f64>, magnetic_deg: Option<f64>, speed_mps: Option<f64>) {
    let (truth, magnetic, speed) = (direction(true_deg), direction(magnetic_deg), speed_twice(speed_mps));
    put(out, format_args!("${talker}VHW,{truth},T,{magnetic},M,{speed}"));
}

/// VLW: distance through the water in metres, in all and on this passage.
pub fn vlw(out: &mut Vec<u8>, talker: &str, log_m: Option<f64>, trip_m: Option<f64>) {
    let (log, trip) = (Field(log_m.map(|m| m / MILE_M), 2), Field(trip_m.map(|m| m / MILE_M), 2));
    put(out, format_args!("${talker}VLW,{log},N,{trip},N"));
}

/// MWV: wind by its angle from the bow, clockwise; `reference` is `R` for the apparent wind, `T` for the true one.
pub fn mwv(out: &mut Vec<u8>, talker: &str, angle_deg: Option<f64>, reference: char, speed_mps: Option<f64>) {
    let (angle, knots) = (direction(angle_deg), Field(speed_mps.map(|v| v / KNOT_MPS), 1));
    put(out, format_args!("${talker}MWV,{angle},{reference},{knots},N,A"));
}

/// MWD: where the true wind comes from, and its speed.
pub fn mwd(out: &mut Vec<u8>, talker: &str, true_deg: Option<f64>, magnetic_deg: Option<f64>, speed_mps: Option<f64>) {
    let (truth, magnetic) = (direction(true_deg), direction(magnetic_deg));
    let (knots, mps) = (Field(speed_mps.map(|v| v / KNOT_MPS), 1), Field(speed_mps, 1));
    put(out, format_args!("${talker}MWD,{truth},T,{magnetic},M,{knots},N,{mps},M"));
}

/// DPT: depth below the transducer in metres; the offset leads up to the surface (positive) or down to the keel (negative).
pub fn dpt(out: &mut Vec<u8>, talker: &str, depth_m: Option<f64>, offset_m: Option<f64>, range_m: Option<f64>) {
    let (depth, offset, range) = (Field(depth_m, 1), Field(offset_m, 1), Field(range_m, 1));
    put(out, format_args!("${talker}DPT,{depth},{offset},{range}"));
}

/// DBT, DBS or DBK: depth in metres below the transducer, the surface or the keel, as `formatter` says; also in feet and
/// fathoms.
pub fn depth(out: &mut Vec<u8>, talker: &str, formatter: &str, depth_m: f64) {
    const FOOT_M: f64 = 0.3048;
    let (feet, metres) = (Field(Some(depth_m / FOOT_M), 1), Field(Some(depth_m), 1));
    let fathoms = Field(Some(depth_m / FOOT_M / 6.0), 1);
    put(out, format_args!("${talker}{formatter},{feet},f,{metres},M,{fathoms},F"));
}

/// MTW: temperature of the water.
pub fn mtw(out: &mut Vec<u8>, talker: &str, celsius: f64) {
    put(out, format_args!("${talker}MTW,{},C", Field(Some(celsius), 1)));
}

/// XTE: how far off the track to the right (positive) or left, in metres.
pub fn xte(out: &mut Vec<u8>, talker: &str, off_m: f64) {
    let (off, steer) = cross_track(off_m);
    put(out, format_args!("${talker}XTE,A,A,{off:.2},{steer},N,A"));
}

/// The distance off track in nautical miles, and the side to steer to.
pub fn cross_track(off_m: f64) -> (f64, char) {
    ((off_m.abs() / MILE_M).min(CROSS_TRACK_NM_MAX), if off_m > 0.0 { 'L' } else { 'R' })
}

/// A speed in knots and in kilometres per hour.
fn speed_twice(speed_mps: Option<f64>) -> String {
    let (knots, kmh) = (Field(speed_mps.map(|v| v / KNOT_MPS), 2), Field(speed_mps.map(|v| v * KMH_PER_MPS), 2));
    format!("{knots},N,{kmh},K")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_a_known_sentence() {
        let mut out = Vec::new();
        put(&mut out, format_args!("$GPGLL,5057.970,N,00146.110,E,142451,A"));
        assert_eq!(out, b"$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n");
    }

    #[test]
    fn minutes_never_reach_sixty() {
        let table = [
            ((59.999_999_999, 24.5), "6000.00000,N,02430.00000,E"),
            ((-0.5, -1.25), "0030.00000,S,00115.00000,W"),
            ((60.060, 24.990), "6003.60000,N,02459.40000,E"),
        ];
        for (place, text) in table {
            assert_eq!(lat_lon(place), text);
        }
    }

    #[test]
    fn rounded_angles_stay_on_the_circle() {
        assert_eq!([359.96, -0.04, 12.34, 360.0].map(bearing), [0.0, 0.0, 12.3, 0.0]);
        assert_eq!(format!("{:.1} {:.1}", tenths(-0.04), tenths(-0.06)), "0.0 -0.1");
    }

    #[test]
    fn what_is_not_known_is_an_empty_field() {
        let time = Timestamp::parse("2026-07-04T09:00:01.5Z").unwrap();
        let mut out = Vec::new();
        rmc(&mut out, "GP", time, None, (None, None, None));
        hdg(&mut out, "HC", 12.0, Some(-1.5), None);
        mwv(&mut out, "WI", None, 'R', Some(f64::NAN));
        dpt(&mut out, "SD", Some(-0.04), None, None);
        vlw(&mut out, "VW", None, Some(1852.0));
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| &line[..line.len() - 3]).collect();
        let expected = [
            "$GPRMC,090001.50,V,,,,,,,040726,,,N",
            "$HCHDG,12.0,1.5,W,,",
            "$WIMWV,,R,,N,A",
            "$SDDPT,0.0,,",
            "$VWVLW,,N,1.00,N",
        ];
        assert_eq!(lines, expected);
    }
}
