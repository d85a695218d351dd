//! What compass, log, masthead, sounder, rudder, engine and sensors send.

use super::Scene;
use super::boat::DeckWind;
use super::chart::{VARIATION_DEG, depth_m};
use super::place::{KNOT_MPS, circle_deg};
use crate::nmea0183::write::{self, bearing, put, tenths};

/// How far below the surface the sounder sits, and how far the keel reaches below it.
pub const SOUNDER_DEPTH_M: f64 = 0.4;
/// Distance from the sounder down to the lower edge of the keel.
pub const SOUNDER_TO_KEEL_M: f64 = 1.4;

/// Magnetic heading and variation. No deviation: the compass is well compensated.
pub fn hdg(scene: &Scene, out: &mut Vec<u8>) {
    write::hdg(out, "HC", scene.voyage.boat.heading_deg - VARIATION_DEG, None, Some(VARIATION_DEG));
}

/// Rate of turn in degrees a minute, negative to port.
pub fn rot(scene: &Scene, out: &mut Vec<u8>) {
    write::rot(out, "TI", scene.voyage.boat.turn_deg * 60.0);
}

/// Rudder angle, negative to port.
pub fn rsa(scene: &Scene, out: &mut Vec<u8>) {
    write::rsa(out, "AG", scene.voyage.boat.rudder_deg);
}

/// Heading and speed through the water.
pub fn vhw(scene: &Scene, out: &mut Vec<u8>) {
    let boat = &scene.voyage.boat;
    write::vhw(out, "II", Some(boat.heading_deg), Some(boat.heading_deg - VARIATION_DEG), Some(boat.water_mps));
}

/// Distance through the water, in all and on this passage.
pub fn vlw(scene: &Scene, out: &mut Vec<u8>) {
    let boat = &scene.voyage.boat;
    write::vlw(out, "II", Some(boat.log_m), Some(boat.trip_m));
}

/// Set and drift of the current.
pub fn vdr(scene: &Scene, out: &mut Vec<u8>) {
    let current = scene.voyage.current();
    let set = current.bearing_deg();
    let (truth, magnetic, knots) = (bearing(set), bearing(set - VARIATION_DEG), current.length() / KNOT_MPS);
    put(out, format_args!("$IIVDR,{truth:.1},T,{magnetic:.1},M,{knots:.2},N"));
}

/// Apparent wind.
pub fn mwv_apparent(scene: &Scene, out: &mut Vec<u8>) {
    mwv(scene.voyage.apparent_wind(), 'R', out);
}

/// True wind over the water, as instruments reckon it from the apparent wind and the log.
pub fn mwv_true(scene: &Scene, out: &mut Vec<u8>) {
    mwv(scene.voyage.true_wind(), 'T', out);
}

fn mwv(wind: DeckWind, reference: char, out: &mut Vec<u8>) {
    write::mwv(out, "WI", Some(wind.angle_deg), reference, Some(wind.speed_mps));
}

/// Direction and speed of the same true wind, so that the two sentences never contradict each other.
pub fn mwd(scene: &Scene, out: &mut Vec<u8>) {
    let wind = scene.voyage.true_wind();
    let from = circle_deg(scene.voyage.boat.heading_deg + wind.angle_deg);
    write::mwd(out, "WI", Some(from), Some(from - VARIATION_DEG), Some(wind.speed_mps));
}

/// Depth below the sounder; the negative offset leads to the keel.
pub fn dpt(scene: &Scene, out: &mut Vec<u8>) {
    let depth = depth_m(scene.voyage.boat.place) - SOUNDER_DEPTH_M;
    write::dpt(out, "SD", Some(depth), Some(-SOUNDER_TO_KEEL_M), Some(120.0));
}

/// Temperature of the water.
pub fn mtw(scene: &Scene, out: &mut Vec<u8>) {
    write::mtw(out, "YX", scene.voyage.water.temperature_c(scene.voyage.boat.place, scene.voyage.t_s()));
}

/// Engine speed and pitch of the propeller (unknown).
pub fn rpm(scene: &Scene, out: &mut Vec<u8>) {
    let rpm = scene.voyage.machinery.rpm;
    put(out, format_args!("$ERRPM,E,1,{rpm:.0},,A"));
}

/// Pitch, bow up positive, and roll, to starboard positive.
pub fn attitude(scene: &Scene, out: &mut Vec<u8>) {
    let (pitch, roll) = (tenths(scene.voyage.boat.pitch_deg), tenths(scene.voyage.boat.roll_deg));
    put(out, format_args!("$YXXDR,A,{pitch:.1},D,PTCH,A,{roll:.1},D,ROLL"));
}

/// Battery voltage and current; coolant temperature and oil pressure of the engine.
pub fn machinery(scene: &Scene, out: &mut Vec<u8>) {
    let m = &scene.voyage.machinery;
    let (volts, amperes, coolant) = (m.battery_v(), tenths(m.battery_a()), m.coolant_c);
    let oil_pa = m.oil_bar() * 100_000.0;
    put(out, format_args!("$ERXDR,U,{volts:.2},V,BATTERY#0,I,{amperes:.1},A,BATTERY#0"));
    put(out, format_args!("$ERXDR,C,{coolant:.1},C,ENGINE#0,P,{oil_pa:.0},P,ENGINEOIL#0"));
}

/// Temperature and pressure of the air.
pub fn air(scene: &Scene, out: &mut Vec<u8>) {
    let t_s = scene.voyage.t_s();
    let (celsius, bar) = (scene.voyage.weather.air_c(t_s), scene.voyage.weather.pressure_hpa(t_s) / 1000.0);
    put(out, format_args!("$WIXDR,C,{celsius:.1},C,AIRT,P,{bar:.4},B,BARO"));
}
