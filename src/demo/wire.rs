//! How the demo's multiplexer writes: one sentence to a line, with its checksum.

use std::fmt::Arguments;
use std::io::Write;

use super::place::{Place, circle_deg};
use crate::kernel::time::Timestamp;

/// Appends one sentence: `text` is all of it from `$` or `!` up to the last field.
pub fn put(out: &mut Vec<u8>, text: Arguments<'_>) {
    let start = out.len();
    out.write_fmt(text).expect("a vector takes every byte");
    let sum = out[start + 1..].iter().fold(0, |sum, byte| sum ^ byte);
    write!(out, "*{sum:02X}\r\n").expect("a vector takes every byte");
}

/// Latitude and longitude as `ddmm.mmmmm,N,dddmm.mmmmm,E`: five decimals are two centimetres.
pub fn lat_lon(place: Place) -> String {
    let (lat, north) = degrees_minutes(place.lat_deg);
    let (lon, east) = degrees_minutes(place.lon_deg);
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
    circle_deg((circle_deg(angle_deg) * 10.0).round() / 10.0)
}

/// A number rounded to tenths, without a sign when that leaves zero.
pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
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
        for ((lat, lon), text) in table {
            assert_eq!(lat_lon(Place::new(lat, lon)), text);
        }
    }

    #[test]
    fn rounded_angles_stay_on_the_circle() {
        assert_eq!([359.96, -0.04, 12.34, 360.0].map(bearing), [0.0, 0.0, 12.3, 0.0]);
        assert_eq!(format!("{:.1} {:.1}", tenths(-0.04), tenths(-0.06)), "0.0 -0.1");
    }
}
