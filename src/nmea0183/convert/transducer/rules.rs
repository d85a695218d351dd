//! Names of transducers and the paths they mean.

use std::borrow::Cow;

use compact_str::CompactString;

/// Digits of an instance (`#12`) at the most.
const INSTANCE_DIGITS_MAX: usize = 3;

/// One row of the table that turns a transducer's name into a path.
#[derive(Debug, Clone, PartialEq)]
pub struct XdrRule {
    /// The name, letters of either case. One `*` in it stands for an instance: digits, with or without a `#` before them,
    /// or nothing, which means `0`.
    pub name: Cow<'static, str>,
    /// Transducer type (`A`, `C`, ..); empty for any.
    pub kind: Cow<'static, str>,
    /// Unit as sent; empty for any.
    pub unit: Cow<'static, str>,
    /// Where it goes, the instance in place of `*`. The members of `navigation.attitude` become one object.
    pub path: Cow<'static, str>,
    /// What the value in SI is multiplied by: 1, or -1 for a sensor mounted the other way round.
    pub factor: f64,
}

impl XdrRule {
    /// The path and factor for a measurement that this rule covers.
    pub(super) fn target(&self, kind: &str, unit: &str, name: &str) -> Option<(CompactString, f64)> {
        if !(self.kind.is_empty() || self.kind == kind) || !(self.unit.is_empty() || self.unit == unit) {
            return None;
        }
        let instance = instance(&self.name, name)?;
        let path = match self.path.split_once('*') {
            Some((before, after)) => [before, instance, after].into_iter().collect(),
            None => CompactString::new(&self.path),
        };
        Some((path, self.factor))
    }
}

/// Compares a name with a pattern; gives the instance where the pattern asks for one.
fn instance<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once('*') else {
        return name.eq_ignore_ascii_case(pattern).then_some("0");
    };
    let head = name.get(..before.len()).filter(|head| head.eq_ignore_ascii_case(before))?;
    let rest = &name[head.len()..];
    let middle = rest.get(..rest.len().checked_sub(after.len())?)?;
    if !rest[middle.len()..].eq_ignore_ascii_case(after) {
        return None;
    }
    let digits = middle.strip_prefix(['#', '_', '-', ' ']).unwrap_or(middle);
    match digits.len() {
        0 => Some("0"),
        1..=INSTANCE_DIGITS_MAX if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits),
        _ => None,
    }
}

const fn rule(kind: &'static str, name: &'static str, path: &'static str) -> XdrRule {
    scaled(kind, "", name, path, 1.0)
}

const fn scaled(
    kind: &'static str,
    unit: &'static str,
    name: &'static str,
    path: &'static str,
    factor: f64,
) -> XdrRule {
    XdrRule {
        name: Cow::Borrowed(name),
        kind: Cow::Borrowed(kind),
        unit: Cow::Borrowed(unit),
        path: Cow::Borrowed(path),
        factor,
    }
}

/// Names used by Airmar (`PTCH`, `STNP`), Actisense and Maretron (`ENV_..`, `ENGTEMP0`), Raymarine and B&G (`AIRT`,
/// `Barometer`), the names of NMEA 0183 4.11 (`Engine#0`), and gateways that follow them (Yacht Devices, ShipModul,
/// OpenCPN's plug-ins).
pub(super) const BUILT_IN: &[XdrRule] = &[
    // attitude
    scaled("A", "D", "PTCH", "navigation.attitude.pitch", 1.0),
    scaled("A", "D", "PITCH", "navigation.attitude.pitch", 1.0),
    scaled("A", "D", "TRIM", "navigation.attitude.pitch", 1.0),
    scaled("A", "D", "ROLL", "navigation.attitude.roll", 1.0),
    scaled("A", "D", "HEEL", "navigation.attitude.roll", 1.0),
    scaled("A", "D", "HEEL ANGLE", "navigation.attitude.roll", 1.0),
    scaled("A", "D", "HEELANGLE", "navigation.attitude.roll", 1.0),
    scaled("A", "D", "YAW", "navigation.attitude.yaw", 1.0),
    scaled("A", "D", "LEEW", "navigation.leewayAngle", 1.0),
    scaled("A", "D", "LEEWAY", "navigation.leewayAngle", 1.0),
    scaled("A", "D", "RUDDER*", "steering.rudderAngle", 1.0),
    scaled("A", "D", "RUDD", "steering.rudderAngle", 1.0),
    rule("D", "HEAVE", "environment.heave"),
    // air
    rule("C", "AIRT", "environment.outside.temperature"),
    rule("C", "AIRTEMP", "environment.outside.temperature"),
    rule("C", "TEMPAIR", "environment.outside.temperature"),
    rule("C", "TEMP_AIR", "environment.outside.temperature"),
    rule("C", "AIR*", "environment.outside.temperature"),
    rule("C", "ENV_OUTAIR_T", "environment.outside.temperature"),
    rule("C", "ENV_OUTSIDE_T", "environment.outside.temperature"),
    rule("C", "OUTSIDE", "environment.outside.temperature"),
    rule("C", "ENV_INSIDE_T", "environment.inside.temperature"),
    rule("C", "INSIDE", "environment.inside.temperature"),
    rule("C", "WCHR", "environment.outside.apparentWindChillTemperature"),
    rule("C", "WCHT", "environment.outside.theoreticalWindChillTemperature"),
    rule("C", "HINX", "environment.outside.heatIndexTemperature"),
    rule("C", "DEWP", "environment.outside.dewPointTemperature"),
    rule("C", "DEWPOINT", "environment.outside.dewPointTemperature"),
    rule("C", "ENV_DEW_T", "environment.outside.dewPointTemperature"),
    rule("W", "AIR*", "environment.outside.dewPointTemperature"),
    rule("P", "BARO", "environment.outside.pressure"),
    rule("P", "BAROMETER", "environment.outside.pressure"),
    rule("P", "BAROMETRIC", "environment.outside.pressure"),
    rule("P", "STNP", "environment.outside.pressure"),
    rule("P", "ATMOS", "environment.outside.pressure"),
    rule("P", "PRESS", "environment.outside.pressure"),
    rule("P", "PRESSURE", "environment.outside.pressure"),
    rule("P", "AIRP", "environment.outside.pressure"),
    rule("P", "AIR*", "environment.outside.pressure"),
    rule("P", "ENV_ATMOS_P", "environment.outside.pressure"),
    rule("P", "ENV_OUTSIDE_P", "environment.outside.pressure"),
    rule("H", "AIRH", "environment.outside.humidity"),
    rule("H", "AIR*", "environment.outside.humidity"),
    rule("H", "HUMI", "environment.outside.humidity"),
    rule("H", "HUMIDITY", "environment.outside.humidity"),
    rule("H", "HYGR", "environment.outside.humidity"),
    rule("H", "ENV_OUTSIDE_H", "environment.outside.humidity"),
    rule("H", "ENV_OUTAIR_H", "environment.outside.humidity"),
    rule("H", "ENV_INSIDE_H", "environment.inside.relativeHumidity"),
    rule("H", "INSIDE", "environment.inside.relativeHumidity"),
    // water
    rule("C", "WATER", "environment.water.temperature"),
    rule("C", "WATERTEMP", "environment.water.temperature"),
    rule("C", "TEMPWATER", "environment.water.temperature"),
    rule("C", "WATT", "environment.water.temperature"),
    rule("C", "WTMP", "environment.water.temperature"),
    rule("C", "SEATEMP", "environment.water.temperature"),
    rule("C", "ENV_WATER_T", "environment.water.temperature"),
    rule("L", "SALINITY", "environment.water.salinity"),
    rule("L", "WATER", "environment.water.salinity"),
    // engines
    rule("T", "ENGINE*", "propulsion.*.revolutions"),
    rule("T", "ENGRPM*", "propulsion.*.revolutions"),
    rule("C", "ENGINE*", "propulsion.*.temperature"),
    rule("C", "ENGTEMP*", "propulsion.*.temperature"),
    rule("C", "ENGINETEMP*", "propulsion.*.temperature"),
    rule("C", "TEMPENGINE*", "propulsion.*.temperature"),
    rule("C", "ENGINEEXHAUST*", "propulsion.*.exhaustTemperature"),
    rule("C", "ENGEXHT*", "propulsion.*.exhaustTemperature"),
    rule("C", "ENGINEOIL*", "propulsion.*.oilTemperature"),
    rule("C", "ENGOILT*", "propulsion.*.oilTemperature"),
    rule("P", "ENGINEOIL*", "propulsion.*.oilPressure"),
    rule("P", "ENGOILP*", "propulsion.*.oilPressure"),
    rule("P", "ENGINE*", "propulsion.*.boostPressure"),
    rule("C", "TRANSOIL*", "propulsion.*.transmission.oilTemperature"),
    rule("P", "TRANSOIL*", "propulsion.*.transmission.oilPressure"),
    rule("P", "ENGFUEL*", "propulsion.*.fuel.pressure"),
    rule("P", "ENGINEFUEL*", "propulsion.*.fuel.pressure"),
    rule("R", "ENGINEFUEL*", "propulsion.*.fuel.rate"),
    rule("U", "ALTERNATOR*", "propulsion.*.alternatorVoltage"),
    rule("U", "ALTVOLT*", "propulsion.*.alternatorVoltage"),
    scaled("G", "H", "ENGINE*", "propulsion.*.runTime", 1.0),
    scaled("G", "", "ENGINE*", "propulsion.*.runTime", 3600.0),
    scaled("G", "H", "ENGINEHOURS*", "propulsion.*.runTime", 1.0),
    scaled("G", "", "ENGINEHOURS*", "propulsion.*.runTime", 3600.0),
    scaled("G", "H", "ENGHRS*", "propulsion.*.runTime", 1.0),
    scaled("G", "", "ENGHRS*", "propulsion.*.runTime", 3600.0),
    // batteries
    rule("U", "BATTERY*", "electrical.batteries.*.voltage"),
    rule("U", "BATVOLT*", "electrical.batteries.*.voltage"),
    rule("U", "BATT*", "electrical.batteries.*.voltage"),
    rule("I", "BATTERY*", "electrical.batteries.*.current"),
    rule("I", "BATCURR*", "electrical.batteries.*.current"),
    rule("I", "BATT*", "electrical.batteries.*.current"),
    rule("C", "BATTERY*", "electrical.batteries.*.temperature"),
    rule("C", "BATTEMP*", "electrical.batteries.*.temperature"),
    // tanks, as percent of full or as volume
    scaled("V", "P", "FUEL*", "tanks.fuel.*.currentLevel", 1.0),
    scaled("V", "P", "FRESHWATER*", "tanks.freshWater.*.currentLevel", 1.0),
    scaled("V", "P", "WASTEWATER*", "tanks.wasteWater.*.currentLevel", 1.0),
    scaled("V", "P", "BLACKWATER*", "tanks.blackWater.*.currentLevel", 1.0),
    scaled("V", "P", "LIVEWELLWATER*", "tanks.liveWell.*.currentLevel", 1.0),
    scaled("V", "P", "LIVEWELL*", "tanks.liveWell.*.currentLevel", 1.0),
    scaled("V", "P", "OIL*", "tanks.lubrication.*.currentLevel", 1.0),
    rule("V", "FUEL*", "tanks.fuel.*.currentVolume"),
    rule("V", "FRESHWATER*", "tanks.freshWater.*.currentVolume"),
    rule("V", "WASTEWATER*", "tanks.wasteWater.*.currentVolume"),
    rule("V", "BLACKWATER*", "tanks.blackWater.*.currentVolume"),
    rule("V", "LIVEWELLWATER*", "tanks.liveWell.*.currentVolume"),
    rule("V", "LIVEWELL*", "tanks.liveWell.*.currentVolume"),
    rule("V", "OIL*", "tanks.lubrication.*.currentVolume"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_digits_or_nothing() {
        let table = [
            ("ENGINE*", "Engine#1", Some("1")),
            ("ENGINE*", "ENGINE", Some("0")),
            ("ENGINE*", "ENGINE12", Some("12")),
            ("ENGINE*", "ENGINEOIL#0", None),
            ("ENGINE*", "ENG", None),
            ("ENGINE*", "ENGINE#1234", None),
            ("T*_X", "t_7_x", Some("7")),
            ("T*_X", "t_x", Some("0")),
            ("AIRT", "airt", Some("0")),
            ("AIRT", "airté", None),
            ("AB*", "aé", None),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(instance(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_tank_in_litres_or_per_cent() {
        let find = |kind, unit, name| BUILT_IN.iter().find_map(|rule| rule.target(kind, unit, name)).unwrap().0;
        assert_eq!(find("V", "P", "FUEL#1"), "tanks.fuel.1.currentLevel");
        assert_eq!(find("V", "M", "FUEL#1"), "tanks.fuel.1.currentVolume");
    }
}
