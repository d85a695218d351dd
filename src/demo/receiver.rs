//! What the satellite receiver and the plotter send: position, time, motion over the ground, satellites, next waypoint.

use std::fmt::Write;

use super::Scene;
use super::chart::{VARIATION_DEG, along_and_across};
use super::place::KNOT_MPS;
use super::wire::{bearing, lat_lon, put, tenths, time_of_day};

/// Time, position, speed and course, date and variation.
pub fn rmc(scene: &Scene, out: &mut Vec<u8>) {
    let (time, c) = (time_of_day(scene.time), scene.time.civil());
    let boat = &scene.voyage.boat;
    let (knots, course) = (boat.ground.length() / KNOT_MPS, bearing(boat.ground.bearing_deg()));
    let date = format!("{:02}{:02}{:02}", c.day, c.month, c.year.rem_euclid(100));
    let at = lat_lon(boat.place);
    put(out, format_args!("$GPRMC,{time},A,{at},{knots:.2},{course:.1},{date},{VARIATION_DEG:.1},E,A"));
}

/// The fix: position, quality, satellites, height of the antenna and of the geoid.
pub fn gga(scene: &Scene, out: &mut Vec<u8>) {
    let time = time_of_day(scene.time);
    let at = lat_lon(scene.voyage.boat.place);
    let used = scene.sky.in_view(scene.voyage.t_s()).len();
    let dilution = 0.6 + 3.2 / used as f64;
    let height = 3.2 + 0.1 * scene.voyage.boat.pitch_deg;
    put(out, format_args!("$GPGGA,{time},{at},1,{used:02},{dilution:.1},{height:.1},M,17.8,M,,"));
}

/// Position and time.
pub fn gll(scene: &Scene, out: &mut Vec<u8>) {
    let (time, at) = (time_of_day(scene.time), lat_lon(scene.voyage.boat.place));
    put(out, format_args!("$GPGLL,{at},{time},A,A"));
}

/// Course, true and magnetic, and speed over the ground.
pub fn vtg(scene: &Scene, out: &mut Vec<u8>) {
    let ground = scene.voyage.boat.ground;
    let course = ground.bearing_deg();
    let (truth, magnetic) = (bearing(course), bearing(course - VARIATION_DEG));
    let (knots, kmh) = (ground.length() / KNOT_MPS, ground.length() * 3.6);
    put(out, format_args!("$GPVTG,{truth:.1},T,{magnetic:.1},M,{knots:.2},N,{kmh:.2},K,A"));
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
    let steer = if across > 0.0 { 'L' } else { 'R' };
    let closing = (boat.ground.east * way.east + boat.ground.north * way.north) / way.length() / KNOT_MPS;
    let closing = tenths(closing);
    let (off, range) = ((across.abs() / 1852.0).min(9.99), way.length() / 1852.0);
    let (origin, goal, at, towards) = (from.name, to.name, lat_lon(to.place), bearing(way.bearing_deg()));
    put(out, format_args!("$GPRMB,A,{off:.2},{steer},{origin},{goal},{at},{range:.1},{towards:.1},{closing:.1},V,A"));
}
