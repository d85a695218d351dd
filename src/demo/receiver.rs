//! What the satellite receiver and the plotter send: position, time, motion over the ground, satellites, next waypoint.

use std::fmt::Write;

use super::Scene;
use super::chart::{VARIATION_DEG, along_and_across};
use crate::nmea0183::write::{
    self, FixQuality, KNOT_MPS, LatLon, bearing, cross_track, lat_lon, put, tenths, time_of_day,
};

/// Time, position, speed and course, date and variation.
pub fn rmc(scene: &Scene, out: &mut Vec<u8>) {
    let ground = scene.voyage.boat.ground;
    let motion = (Some(ground.length()), Some(ground.bearing_deg()), Some(VARIATION_DEG));
    write::rmc(out, "GP", scene.time, Some(place(scene)), motion);
}

/// The fix: position, quality, satellites, height of the antenna and of the geoid.
pub fn gga(scene: &Scene, out: &mut Vec<u8>) {
    let used = scene.sky.in_view(scene.voyage.t_s()).len() as f64;
    let quality = FixQuality {
        satellites: Some(used),
        dilution: Some(0.6 + 3.2 / used),
        altitude_m: Some(3.2 + 0.1 * scene.voyage.boat.pitch_deg),
        geoid_m: Some(17.8),
    };
    write::gga(out, "GP", scene.time, place(scene), quality);
}

/// Position and time.
pub fn gll(scene: &Scene, out: &mut Vec<u8>) {
    write::gll(out, "GP", scene.time, place(scene));
}

/// Course, true and magnetic, and speed over the ground.
pub fn vtg(scene: &Scene, out: &mut Vec<u8>) {
    let ground = scene.voyage.boat.ground;
    let course = ground.bearing_deg();
    write::vtg(out, "GP", Some(course), Some(course - VARIATION_DEG), Some(ground.length()));
}

fn place(scene: &Scene) -> LatLon {
    scene.voyage.boat.place.lat_lon()
}

/// Time and date.
pub fn zda(scene: &Scene, out: &mut Vec<u8>) {
    let (time, c) = (time_of_day(scene.time), scene.time.civil());
    put(out, format_args!("$GPZDA,{time},{:02},{:02},{:04},00,00", c.day, c.month, c.year.clamp(0, 9999)));
}

/// Satellites in view, four to a sentence.
pub fn gsv(scene: &Scene, out: &mut Vec<u8>) {
    let seen = scene.sky.in_view(scene.voyage.t_s());
    let sentences = seen.len().div_ceil(4);
    for (i, four) in seen.chunks(4).enumerate() {
        let mut text = format!("$GPGSV,{sentences},{},{:02}", i + 1, seen.len());
        for s in four {
            write!(text, ",{:02},{:02},{:03},{:02}", s.number, s.elevation_deg, s.azimuth_deg, s.snr_db)
                .expect("a string takes every character");
        }
        put(out, format_args!("{text}"));
    }
}

/// The way to the next waypoint: cross-track error, both waypoints, range, bearing and closing speed.
pub fn rmb(scene: &Scene, out: &mut Vec<u8>) {
    let boat = &scene.voyage.boat;
    let (from, to) = scene.voyage.helm.leg();
    let (_, across) = along_and_across(from.place, to.place, boat.place);
    let way = boat.place.to(to.place);
    let closing = (boat.ground.east * way.east + boat.ground.north * way.north) / way.length() / KNOT_MPS;
    let closing = tenths(closing);
    let (off, steer) = cross_track(across);
    let range = way.length() / 1852.0;
    let (origin, goal, at, towards) = (from.name, to.name, lat_lon(to.place.lat_lon()), bearing(way.bearing_deg()));
    put(out, format_args!("$GPRMB,A,{off:.2},{steer},{origin},{goal},{at},{range:.1},{towards:.1},{closing:.1},V,A"));
}
