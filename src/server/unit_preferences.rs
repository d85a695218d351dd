//! `/signalk/v1/unitpreferences/…`: in which units a screen shows what the server keeps in SI (SRV-03). Read only: three
//! presets to choose from, and everything that is needed to convert.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::headers;

/// The preset of a screen that has not chosen.
const ACTIVE: &str = "nautical-metric";

/// Name of each preset, its name for people, and what it is for; the columns of [`CATEGORIES`].
const PRESETS: [(&str, &str, &str); 3] = [
    ("metric", "Metric", "Kilometres and kilometres per hour; everything else metric"),
    (ACTIVE, "Nautical (metric)", "Nautical miles and knots; everything else metric"),
    ("imperial-us", "Nautical (US)", "Nautical miles and knots; feet, Fahrenheit and US gallons"),
];

/// A category of quantities: its SI unit, the unit in each preset, and paths that belong to it where the unit alone does
/// not tell.
struct Category {
    name: &'static str,
    base: &'static str,
    shown: [&'static str; 3],
    paths: &'static [&'static str],
}

const fn category(
    name: &'static str,
    base: &'static str,
    shown: [&'static str; 3],
    paths: &'static [&'static str],
) -> Category {
    Category { name, base, shown, paths }
}

const CATEGORIES: &[Category] = &[
    category(
        "speed",
        "m/s",
        ["km/h", "kn", "kn"],
        &[
            "navigation.speedOverGround",
            "navigation.speedThroughWater",
            "environment.wind.speedApparent",
            "environment.wind.speedTrue",
            "environment.wind.speedOverGround",
            "performance.velocityMadeGood",
        ],
    ),
    category(
        "distance",
        "m",
        ["km", "nmi", "nmi"],
        &[
            "navigation.log",
            "navigation.trip.log",
            "navigation.courseRhumbline.nextPoint.distance",
            "navigation.courseGreatCircle.nextPoint.distance",
        ],
    ),
    category(
        "depth",
        "m",
        ["m", "m", "ft"],
        &[
            "environment.depth.belowTransducer",
            "environment.depth.belowKeel",
            "environment.depth.belowSurface",
            "design.draft",
        ],
    ),
    category("length", "m", ["m", "m", "ft"], &["design.length", "design.beam", "design.airHeight"]),
    category(
        "temperature",
        "K",
        ["C", "C", "F"],
        &[
            "environment.water.temperature",
            "environment.outside.temperature",
            "environment.inside.temperature",
            "propulsion.*.temperature",
            "propulsion.*.coolantTemperature",
        ],
    ),
    category("pressure", "Pa", ["hPa", "hPa", "inHg"], &["environment.outside.pressure"]),
    category(
        "angle",
        "rad",
        ["deg", "deg", "deg"],
        &[
            "navigation.courseOverGroundTrue",
            "navigation.headingTrue",
            "navigation.headingMagnetic",
            "environment.wind.angleApparent",
            "environment.wind.directionTrue",
        ],
    ),
    category("angularVelocity", "rad/s", ["deg/min", "deg/min", "deg/min"], &["navigation.rateOfTurn"]),
    category("volume", "m3", ["L", "L", "gal"], &["tanks.*.*.capacity", "tanks.*.*.currentVolume"]),
    category("volumeRate", "m3/s", ["L/h", "L/h", "gal/h"], &["propulsion.*.fuel.rate"]),
    category("percentage", "ratio", ["%", "%", "%"], &["tanks.*.*.currentLevel"]),
    category("frequency", "Hz", ["rpm", "rpm", "rpm"], &["propulsion.*.revolutions"]),
    category("voltage", "V", ["V", "V", "V"], &["electrical.batteries.*.voltage"]),
    category("current", "A", ["A", "A", "A"], &["electrical.batteries.*.current"]),
    category("power", "W", ["W", "W", "W"], &[]),
    category("charge", "C", ["Ah", "Ah", "Ah"], &["electrical.batteries.*.capacity.dischargeSinceFull"]),
    category("energy", "J", ["kWh", "kWh", "kWh"], &["electrical.batteries.*.capacity.remaining"]),
    category("time", "s", ["h", "h", "h"], &["propulsion.*.runTime"]),
    category("mass", "kg", ["kg", "kg", "lb"], &[]),
];

/// Conversions by SI unit: the other unit with its symbol and name, the factor and then the offset that lead to it.
const UNITS: &[(&str, &str, &str, &str, f64, f64)] = &[
    ("m/s", "m/s", "m/s", "metres per second", 1.0, 0.0),
    ("m/s", "km/h", "km/h", "kilometres per hour", 3.6, 0.0),
    // A knot is 1852 metres an hour.
    ("m/s", "kn", "kn", "knots", 3_600.0 / 1_852.0, 0.0),
    ("m/s", "mph", "mph", "miles per hour", 3_600.0 / 1_609.344, 0.0),
    ("m", "m", "m", "metres", 1.0, 0.0),
    ("m", "km", "km", "kilometres", 0.001, 0.0),
    ("m", "nmi", "nmi", "nautical miles", 1.0 / 1_852.0, 0.0),
    ("m", "ft", "ft", "feet", 1.0 / 0.3048, 0.0),
    ("m", "fathom", "fm", "fathoms", 1.0 / 1.8288, 0.0),
    ("K", "K", "K", "kelvins", 1.0, 0.0),
    ("K", "C", "°C", "degrees Celsius", 1.0, -273.15),
    ("K", "F", "°F", "degrees Fahrenheit", 1.8, -459.67),
    ("Pa", "Pa", "Pa", "pascals", 1.0, 0.0),
    ("Pa", "hPa", "hPa", "hectopascals", 0.01, 0.0),
    ("Pa", "bar", "bar", "bars", 1e-5, 0.0),
    ("Pa", "inHg", "inHg", "inches of mercury", 1.0 / 3_386.389, 0.0),
    ("Pa", "psi", "psi", "pounds per square inch", 1.0 / 6_894.757, 0.0),
    ("rad", "rad", "rad", "radians", 1.0, 0.0),
    ("rad", "deg", "°", "degrees", 180.0 / std::f64::consts::PI, 0.0),
    ("rad/s", "rad/s", "rad/s", "radians per second", 1.0, 0.0),
    ("rad/s", "deg/s", "°/s", "degrees per second", 180.0 / std::f64::consts::PI, 0.0),
    ("rad/s", "deg/min", "°/min", "degrees per minute", 10_800.0 / std::f64::consts::PI, 0.0),
    ("m3", "m3", "m³", "cubic metres", 1.0, 0.0),
    ("m3", "L", "L", "litres", 1_000.0, 0.0),
    ("m3", "gal", "gal", "US gallons", 1.0 / 0.003_785_411_784, 0.0),
    ("m3/s", "m3/s", "m³/s", "cubic metres per second", 1.0, 0.0),
    ("m3/s", "L/h", "L/h", "litres per hour", 3_600_000.0, 0.0),
    ("m3/s", "gal/h", "gal/h", "US gallons per hour", 3_600.0 / 0.003_785_411_784, 0.0),
    ("ratio", "ratio", "", "ratio", 1.0, 0.0),
    ("ratio", "%", "%", "per cent", 100.0, 0.0),
    ("Hz", "Hz", "Hz", "hertz", 1.0, 0.0),
    ("Hz", "rpm", "rpm", "revolutions per minute", 60.0, 0.0),
    ("V", "V", "V", "volts", 1.0, 0.0),
    ("A", "A", "A", "amperes", 1.0, 0.0),
    ("W", "W", "W", "watts", 1.0, 0.0),
    ("W", "kW", "kW", "kilowatts", 0.001, 0.0),
    ("C", "C", "C", "coulombs", 1.0, 0.0),
    ("C", "Ah", "Ah", "ampere hours", 1.0 / 3_600.0, 0.0),
    ("J", "J", "J", "joules", 1.0, 0.0),
    ("J", "kWh", "kWh", "kilowatt hours", 1.0 / 3_600_000.0, 0.0),
    ("s", "s", "s", "seconds", 1.0, 0.0),
    ("s", "min", "min", "minutes", 1.0 / 60.0, 0.0),
    ("s", "h", "h", "hours", 1.0 / 3_600.0, 0.0),
    ("kg", "kg", "kg", "kilograms", 1.0, 0.0),
    ("kg", "lb", "lb", "pounds", 1.0 / 0.453_592_37, 0.0),
];

/// Answers for one of the documents.
pub async fn document(Path(name): Path<String>) -> Response {
    let json = match &*name {
        "config" => json!({"activePreset": ACTIVE}),
        "active" => preset(ACTIVE, true).unwrap_or_default(),
        "presets" => {
            let list = PRESETS.map(|(name, shown, _)| json!({"name": name, "displayName": shown}));
            json!({"builtIn": list, "custom": []})
        }
        "definitions" => definitions(),
        "categories" => {
            let bases = CATEGORIES.iter().map(|c| (c.name.to_owned(), json!(c.base)));
            let names: Vec<&str> = CATEGORIES.iter().map(|c| c.name).collect();
            json!({"categoryToBaseUnit": bases.collect::<Map<_, _>>(), "coreCategories": names})
        }
        "default-categories" => {
            let paths = CATEGORIES.iter().map(|c| (c.name.to_owned(), json!({"baseUnit": c.base, "paths": c.paths})));
            json!({"categories": paths.collect::<Map<_, _>>()})
        }
        _ => return nothing(&name),
    };
    headers::json_body(json.to_string())
}

/// Answers for one preset.
pub async fn named_preset(Path(name): Path<String>) -> Response {
    preset(&name, false).map_or_else(|| nothing(&name), |preset| headers::json_body(preset.to_string()))
}

fn nothing(name: &str) -> Response {
    headers::error(StatusCode::NOT_FOUND, &format!("there are no unit preferences called {name}"))
}

/// A preset: for each category the unit to show. `resolved` ones bring the formulas along.
fn preset(name: &str, resolved: bool) -> Option<Json> {
    let column = PRESETS.iter().position(|(known, _, _)| *known == name)?;
    let entry = |category: &Category| {
        let target = category.shown[column];
        let mut entry = json!({"baseUnit": category.base, "targetUnit": target, "displayFormat": "0.0"});
        if let (true, Json::Object(entry), Some(Json::Object(formulas))) =
            (resolved, &mut entry, conversion(category.base, target))
        {
            entry.extend(formulas);
        }
        (category.name.to_owned(), entry)
    };
    let categories: Map<String, Json> = CATEGORIES.iter().map(entry).collect();
    let (_, _, description) = PRESETS[column];
    Some(json!({"version": "1.0.0", "name": name, "description": description, "categories": categories}))
}

fn definitions() -> Json {
    let mut definitions = Map::new();
    for (base, unit, ..) in UNITS {
        let entry = definitions.entry(*base).or_insert_with(|| json!({"conversions": {}}));
        entry["conversions"][*unit] = conversion(base, unit).unwrap_or_default();
    }
    Json::Object(definitions)
}

/// How to convert, as formulas of `value` that a screen evaluates.
fn conversion(base: &str, unit: &str) -> Option<Json> {
    let (_, _, symbol, name, factor, offset) = UNITS.iter().find(|row| row.0 == base && row.1 == unit)?;
    let (formula, inverse) = match (*factor == 1.0, *offset == 0.0) {
        (true, true) => ("value".to_owned(), "value".to_owned()),
        (false, true) => (format!("value * {factor}"), format!("value / {factor}")),
        (_, false) => {
            let (sign, back, size) = if *offset < 0.0 { ('-', '+', -offset) } else { ('+', '-', *offset) };
            (format!("value * {factor} {sign} {size}"), format!("(value {back} {size}) / {factor}"))
        }
    };
    Some(json!({"formula": formula, "inverseFormula": inverse, "symbol": symbol, "longName": name}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::meta::table::Table;

    #[test]
    fn every_unit_of_every_preset_can_be_converted_to() {
        for category in CATEGORIES {
            for unit in category.shown {
                assert!(conversion(category.base, unit).is_some(), "{}: {} to {unit}", category.name, category.base);
            }
        }
    }

    #[test]
    fn every_path_has_the_unit_of_its_category() {
        let table = Table::new();
        for category in CATEGORIES {
            for path in category.paths {
                let row = table
                    .find(&path.replace("tanks.*", "tanks.fuel").replace('*', "x"))
                    .unwrap_or_else(|| panic!("{path}"));
                let is_object = row.kind == "object";
                assert!(is_object || row.units == category.base, "{path}: {} is not {}", row.units, category.base);
            }
        }
    }

    #[test]
    fn formulas_are_right() {
        let table = [
            ("m/s", "kn", "value * 1.9438444924406046", "value / 1.9438444924406046"),
            ("K", "C", "value * 1 - 273.15", "(value + 273.15) / 1"),
            ("K", "F", "value * 1.8 - 459.67", "(value + 459.67) / 1.8"),
            ("V", "V", "value", "value"),
        ];
        for (base, unit, formula, inverse) in table {
            let found = conversion(base, unit).unwrap();
            assert_eq!((&found["formula"], &found["inverseFormula"]), (&json!(formula), &json!(inverse)));
        }
    }
}
