//! What compass, log, masthead, sounder, rudder, engine and sensors send.

use super::Scene;
use super::boat::DeckWind;
use super::chart::{VARIATION_DEG, depth_m};
use super::place::{KNOT_MPS, circle_deg};
use super::wire::{bearing, put, tenths};

/// How far below the surface the sounder sits, and how far the keel reaches below it.
pub const SOUNDER_DEPTH_M: f64 = 0.4;
/// Distance from the sounder down to the lower edge of the keel.
pub const SOUNDER_TO_KEEL_M: f64 = 1.4;

/// Magnetic heading and variation. No deviation: the compass is well compensated.
pub fn hdg(scene: &Scene, out: &mut Vec<u8>) {
    let magnetic = bearing(scene.voyage.boat.heading_deg - VARIATION_DEG);
    put(out, format_args!("$HCHDG,{magnetic:.1},,,{VARIATION_DEG:.1},E"));
}

/// Rate of turn in degrees a minute, negative to port.
pub fn rot(scene: &Scene, out: &mut Vec<u8>) {
    let turn = tenths(scene.voyage.boat.turn_deg * 60.0);
    put(out, format_args!("$TIROT,{turn:.1},A"));
}

/// Rudder angle, negative to port.
pub fn rsa(scene: &Scene, out: &mut Vec<u8>) {
    let rudder = tenths(scene.voyage.boat.rudder_deg);
    put(out, format_args!("$AGRSA,{rudder:.1},A,,V"));
}

/// Heading and speed through the water.
pub fn vhw(scene: &Scene, out: &mut Vec<u8>) {
    let boat = &scene.voyage.boat;
    let (truth, magnetic) = (bearing(boat.heading_deg), bearing(boat.heading_deg - VARIATION_DEG));
    let (knots, kmh) = (boat.water_mps / KNOT_MPS, boat.water_mps * 3.6);
    put(out, format_args!("$IIVHW,{truth:.1},T,{magnetic:.1},M,{knots:.2},N,{kmh:.2},K"));
}

/// Distance through the water, in all and on this passage.
pub fn vlw(scene: &Scene, out: &mut Vec<u8>) {
    let (log, trip) = (scene.voyage.boat.log_m / 1852.0, scene.voyage.boat.trip_m / 1852.0);
    put(out, format_args!("$IIVLW,{log:.2},N,{trip:.2},N"));
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
    let (angle, knots) = (bearing(wind.angle_deg), wind.speed_mps / KNOT_MPS);
    put(out, format_args!("$WIMWV,{angle:.1},{reference},{knots:.1},N,A"));
}

/// Direction and speed of the same true wind, so that the two sentences never contradict each other.
pub fn mwd(scene: &Scene, out: &mut Vec<u8>) {
    let wind = scene.voyage.true_wind();
    let from = circle_deg(scene.voyage.boat.heading_deg + wind.angle_deg);
    let (truth, magnetic) = (bearing(from), bearing(from - VARIATION_DEG));
    let (knots, mps) = (wind.speed_mps / KNOT_MPS, wind.speed_mps);
    put(out, format_args!("$WIMWD,{truth:.1},T,{magnetic:.1},M,{knots:.1},N,{mps:.1},M"));
}

/// Depth below the sounder; the negative offset leads to the keel.
pub fn dpt(scene: &Scene, out: &mut Vec<u8>) {
    let depth = depth_m(scene.voyage.boat.place) - SOUNDER_DEPTH_M;
    put(out, format_args!("$SDDPT,{depth:.1},-{SOUNDER_TO_KEEL_M:.1},120.0"));
}

/// Temperature of the water.
pub fn mtw(scene: &Scene, out: &mut Vec<u8>) {
    let celsius = scene.voyage.water.temperature_c(scene.voyage.boat.place, scene.voyage.t_s());
    put(out, format_args!("$YXMTW,{celsius:.1},C"));
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
