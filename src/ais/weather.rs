//! Type 8: what weather stations, buoys and tide gauges broadcast. Three layouts:
//!
//! - area 1, function 31: meteorological and hydrographic data (IMO SN.1/Circ.289);
//! - area 1, function 11: its forerunner (IMO SN/Circ.236), still sent by many stations, with offsets for signs;
//! - area 1 and area 367 (United States), function 33: reports of one kind each, as many as fit.
//!
//! The context is the station's, not the transmitter's: one base station speaks for many gauges.

use compact_str::format_compact;

use super::sixbit::Payload;
use super::to_update::{DEGREE, KNOT, push_mmsi, push_name, push_place, push_position, text};
use super::{calendar, message::Place};
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Context, Mmsi, Root, Source, Update};
use crate::kernel::value::Value;
use crate::steps;

/// Units of the coordinates of functions 11 and 31 in a degree (1/1000 minute).
const PLACE_UNITS: f64 = 60_000.0;

/// Bits of one report of function 33, and of what stands before the first.
const REPORT_BITS: usize = 112;
const HEADER_BITS: usize = 56;

/// Values that a full message gives at most: one allocation.
const VALUES_MAX: usize = 40;

/// The update about the station; `None` for another function and for a message too short for its fields.
pub fn update(
    mmsi: Mmsi,
    area: u32,
    function: u32,
    payload: &Payload,
    source: Source,
    now: Timestamp,
) -> Option<Update> {
    let mut update = Update::new(Context::Own, source, VALUES_MAX);
    push_mmsi(&mut update, mmsi);
    update.push("sensors.ais.designatedAreaCode", Value::Integer(area.into()));
    update.push("sensors.ais.functionalId", Value::Integer(function.into()));
    let station = match (area, function) {
        (1, 31) if payload.capacity() >= 350 => single(&mut update, payload, &Layout::CIRC_289, now),
        (1, 11) if payload.capacity() >= 346 => single(&mut update, payload, &Layout::CIRC_236, now),
        (1 | 367, 33) if payload.capacity() >= HEADER_BITS + REPORT_BITS => {
            Some(reports(&mut update, payload, area == 1, now))
        }
        _ => return None,
    };
    update.context = Context::Named(match station {
        Some(station) => format_compact!("{}.urn:mrn:imo:mmsi:{mmsi}:{station}", Root::Meteo.as_str()),
        None => format_compact!("{}.urn:mrn:imo:mmsi:{mmsi}", Root::Meteo.as_str()),
    });
    Some(update)
}

/// How functions 11 and 31 differ.
struct Layout {
    /// First bit of the 25 bits of longitude and of the 24 bits of latitude.
    longitude: usize,
    latitude: usize,
    /// First bit of the day; all fields up to the water level follow in the same widths.
    day: usize,
    level_bits: u32,
    /// Temperatures have their lowest value added instead of a sign.
    offset: bool,
    /// Air pressure for the number 0, in hPa.
    pressure: u32,
}

impl Layout {
    const CIRC_289: Self = Self { longitude: 56, latitude: 81, day: 106, level_bits: 12, offset: false, pressure: 799 };
    const CIRC_236: Self = Self { longitude: 80, latitude: 56, day: 105, level_bits: 9, offset: true, pressure: 800 };

    /// A temperature in tenths of a degree Celsius, of which `lowest` is the lowest.
    fn temperature(&self, p: &Payload, at: usize, width: u32, lowest: i32) -> i32 {
        if self.offset { p.unsigned(at, width) as i32 + lowest } else { p.signed(at, width) }
    }
}

/// Functions 11 and 31. Gives what tells the station from others of the same transmitter.
fn single(update: &mut Update, p: &Payload, layout: &Layout, now: Timestamp) -> Option<String> {
    let longitude = f64::from(p.signed(layout.longitude, 25)) / PLACE_UNITS;
    let latitude = f64::from(p.signed(layout.latitude, 24)) / PLACE_UNITS;
    push_position(update, latitude, longitude);
    let day = layout.day;
    push_date(update, p, day, now);
    push_wind(update, p, day + 16, 126);
    push_celsius(update, "environment.outside.temperature", layout.temperature(p, day + 48, 11, -600), -600..=600);
    push_percent(update, p.unsigned(day + 59, 7));
    push_celsius(
        update,
        "environment.outside.dewPointTemperature",
        layout.temperature(p, day + 66, 10, -200),
        -200..=500,
    );
    push_pressure(update, p.unsigned(day + 76, 9), layout.pressure);
    push_tendency(update, "environment.outside.pressureTendency", p.unsigned(day + 85, 2));
    if layout.offset {
        let tenths = p.unsigned(day + 87, 8);
        push_visibility(update, tenths, tenths < 255, false);
    } else {
        let tenths = p.unsigned(day + 88, 7);
        push_visibility(update, tenths, tenths < 127, p.flag(day + 87));
    }
    let level = p.unsigned(day + 95, layout.level_bits);
    if layout.offset {
        // Tenths of a metre from -10 to +30.
        push_level(update, (level <= 400).then(|| (f64::from(level) - 100.0) / 10.0));
    } else {
        push_level(update, (level <= 4000).then(|| (f64::from(level) - 1000.0) / 100.0));
    }
    let water = day + 95 + layout.level_bits as usize;
    push_tendency(update, "environment.water.levelTendency", p.unsigned(water, 2));
    let drift = p.unsigned(water + 2, 8);
    if drift <= 251 {
        update.push("environment.water.current.drift", knots(f64::from(drift) / 10.0));
    }
    push_direction(update, "environment.water.current.set", p.unsigned(water + 10, 9));
    push_height(update, "environment.water.waves.significantHeight", p.unsigned(water + 63, 8));
    push_period(update, "environment.water.waves.period", p.unsigned(water + 71, 6));
    push_direction(update, "environment.water.waves.directionTrue", p.unsigned(water + 77, 9));
    push_height(update, "environment.water.swell.height", p.unsigned(water + 86, 8));
    push_period(update, "environment.water.swell.period", p.unsigned(water + 94, 6));
    push_direction(update, "environment.water.swell.directionTrue", p.unsigned(water + 100, 9));
    push_coded(
        update,
        ["environment.water.seaState", "environment.water.seaStateValue"],
        &SEA_STATES,
        p.unsigned(water + 109, 4),
    );
    push_celsius(update, "environment.water.temperature", layout.temperature(p, water + 113, 10, -100), -100..=500);
    push_coded(
        update,
        ["environment.outside.precipitation", "environment.outside.precipitationValue"],
        &PRECIPITATIONS,
        p.unsigned(water + 123, 3),
    );
    push_salinity(update, p.unsigned(water + 126, 9));
    push_coded(update, ["environment.water.ice", "environment.water.iceValue"], &ICE, p.unsigned(water + 135, 2));
    let on_globe = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_globe.then(|| format!("{}{}", thousandths(latitude), thousandths(longitude)))
}

/// Function 33. Gives the number of the site.
fn reports(update: &mut Update, p: &Payload, international: bool, now: Timestamp) -> String {
    let count = (p.capacity() - HEADER_BITS) / REPORT_BITS;
    let site_bits = if international { 7 } else { 6 };
    push_date(update, p, HEADER_BITS + 4, now);
    for i in 0..count {
        steps::took(1);
        let at = HEADER_BITS + i * REPORT_BITS;
        let data = at + 27;
        match p.unsigned(at, 4) {
            0 => {
                let place = Place { longitude: p.signed(data + 6, 28), latitude: p.signed(data + 34, 27) };
                push_place(update, place);
            }
            1 => push_name(update, &p.text(data, 14)),
            2 => push_wind(update, p, data, 121),
            3 => water_level(update, p, if international { data + 1 } else { data }),
            9 => air(update, p, data),
            _ => {}
        }
    }
    p.unsigned(HEADER_BITS + 20, site_bits).to_string()
}

/// Report 3. The international form has one bit in front of the level (relative to a datum, or the depth of the water).
fn water_level(update: &mut Update, p: &Payload, at: usize) {
    if !measured(p, at + 23) {
        return;
    }
    let level = p.signed(at, 16);
    push_level(update, (level > -32_768).then(|| f64::from(level) / 100.0));
    // Rising 0, falling 1, steady 2: not the order of the older messages.
    let tendency = [2, 1, 0, 3][p.unsigned(at + 16, 2) as usize];
    push_tendency(update, "environment.water.levelTendency", tendency);
}

/// Report 9.
fn air(update: &mut Update, p: &Payload, at: usize) {
    if measured(p, at + 11) {
        push_celsius(update, "environment.outside.temperature", p.signed(at, 11), -600..=600);
    }
    if measured(p, at + 34) {
        let tenths = p.unsigned(at + 16, 8);
        push_visibility(update, tenths, tenths <= 241, tenths == 241);
        push_celsius(update, "environment.outside.dewPointTemperature", p.signed(at + 24, 10), -200..=500);
    }
    if measured(p, at + 48) {
        push_pressure(update, p.unsigned(at + 37, 9), 799);
        push_tendency(update, "environment.outside.pressureTendency", p.unsigned(at + 46, 2));
    }
    push_salinity(update, p.unsigned(at + 51, 9));
}

/// A sensor description of 1 (raw) or 2 (checked) in real time; the others are forecasts, old data or none.
fn measured(p: &Payload, at: usize) -> bool {
    matches!(p.unsigned(at, 3), 1 | 2)
}

fn push_date(update: &mut Update, p: &Payload, at: usize, now: Timestamp) {
    if let Some(date) = calendar::observation(p.unsigned(at, 5), p.unsigned(at + 5, 5), p.unsigned(at + 10, 6), now) {
        update.push("environment.date", Value::text(date.to_string()));
    }
}

/// Average, gust and their directions, 32 bits; knots up to `highest`, which stands for "that and more".
fn push_wind(update: &mut Update, p: &Payload, at: usize, highest: u32) {
    let (average, gust) = (p.unsigned(at, 7), p.unsigned(at + 7, 7));
    if average <= highest {
        update.push("environment.wind.averageSpeed", knots(average.into()));
    }
    if gust <= highest {
        update.push("environment.wind.gust", knots(gust.into()));
    }
    push_direction(update, "environment.wind.directionTrue", p.unsigned(at + 14, 9));
    push_direction(update, "environment.wind.gustDirectionTrue", p.unsigned(at + 23, 9));
}

/// Knots as metres per second in hundredths: the message has whole knots (tenths for currents) and no more digits.
fn knots(knots: f64) -> Value {
    Value::number((knots * KNOT * 100.0).round() / 100.0)
}

fn push_direction(update: &mut Update, path: &'static str, degrees: u32) {
    if degrees < 360 {
        update.push(path, Value::number(f64::from(degrees) * DEGREE));
    }
}

/// Tenths of a degree Celsius to kelvin, exact to the last digit.
fn push_celsius(update: &mut Update, path: &'static str, tenths: i32, range: std::ops::RangeInclusive<i32>) {
    if range.contains(&tenths) {
        update.push(path, Value::number(f64::from(tenths * 10 + 27_315) / 100.0));
    }
}

fn push_percent(update: &mut Update, percent: u32) {
    if percent <= 100 {
        update.push("environment.outside.relativeHumidity", Value::number(f64::from(percent) / 100.0));
    }
}

fn push_pressure(update: &mut Update, number: u32, zero: u32) {
    if number <= 401 {
        update.push("environment.outside.pressure", Value::number(f64::from(number + zero) * 100.0));
    }
}

fn push_visibility(update: &mut Update, tenth_miles: u32, available: bool, or_more: bool) {
    if available {
        let metres = f64::from(tenth_miles) * 185.2;
        update.push("environment.outside.horizontalVisibility", Value::number(metres));
        update.push("environment.outside.horizontalVisibility.overRange", Value::Bool(or_more));
    }
}

fn push_level(update: &mut Update, metres: Option<f64>) {
    if let Some(metres) = metres {
        update.push("environment.water.level", Value::number(metres));
    }
}

fn push_height(update: &mut Update, path: &'static str, tenths: u32) {
    if tenths <= 251 {
        update.push(path, Value::number(f64::from(tenths) / 10.0));
    }
}

fn push_period(update: &mut Update, path: &'static str, seconds: u32) {
    if seconds <= 60 {
        update.push(path, Value::number(seconds.into()));
    }
}

/// Tenths of a gram of salt in a kilogram of water, as a ratio of masses.
fn push_salinity(update: &mut Update, tenths: u32) {
    if tenths <= 501 {
        update.push("environment.water.salinity", Value::number(f64::from(tenths) / 10_000.0));
    }
}

fn push_tendency(update: &mut Update, path: &'static str, number: u32) {
    let value_path = match path {
        "environment.water.levelTendency" => "environment.water.levelTendencyValue",
        _ => "environment.outside.pressureTendencyValue",
    };
    push_coded(update, [path, value_path], &TENDENCIES, number);
}

/// A number of a table, as its text and once more as itself.
fn push_coded(update: &mut Update, [path, value_path]: [&'static str; 2], names: &[&'static str], number: u32) {
    if let Some(name) = names.get(number as usize) {
        update.push(path, text(name));
        update.push(value_path, Value::Integer(number.into()));
    }
}

/// The first three decimals of a coordinate: what tells the stations of one transmitter apart.
fn thousandths(degrees: f64) -> String {
    let digits = format!("{:.3}", (degrees % 1.0).abs());
    digits[digits.len() - 3..].to_owned()
}

const TENDENCIES: [&str; 3] = ["steady", "decreasing", "increasing"];

const ICE: [&str; 2] = ["no", "yes"];

const PRECIPITATIONS: [&str; 7] =
    ["reserved", "rain", "thunderstorm", "freezing rain", "mixed/ice", "snow", "reserved"];

/// The Beaufort scale in the spelling of the reference server.
const SEA_STATES: [&str; 13] = [
    "calm, 0-0.2 m/s",
    "light air, 0.3-1.5 m/s",
    "light breeze, 1.6-3.3 m/s",
    "gentle breeze, 3.4-5.4 m/s",
    "moderate breeze, 5.5-7.9 m/s",
    "fresh breeze, 8-10.7 m/s",
    "strong breeze, 10.8-13.8 m/s",
    "high wind, 13.9-17.1 m/s",
    "gale, 17.2-20.7 m/s",
    "strong gale, 20.8-24.4 m/s",
    "storm, 24.5-28.4 m/s",
    "violent storm, 28.5-32.6 m/s",
    "hurricane-force, ≥ 32.7 m/s",
];
