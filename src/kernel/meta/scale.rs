//! How far a gauge's needle swings: `displayScale` in a path's metadata.

use serde_json::{Map, Value as Json};

/// A validated `displayScale`: the value at either end of the gauge and the law between them
/// (Signal K specification, "Metadata").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DisplayScale {
    lower: f64,
    upper: f64,
    law: Law,
}

/// The law by which values spread over the gauge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Evenly.
    Linear,
    /// By the natural logarithm.
    Logarithmic,
    /// By the square root.
    SquareRoot,
    /// By a power of the value; the exponent is finite and not zero.
    Power(f64),
}

impl DisplayScale {
    /// From the JSON object; the error is the member at fault and what is wrong with it.
    pub fn from_json(json: &Map<String, Json>) -> Result<Self, (&'static str, &'static str)> {
        let number = |name: &'static str| match json.get(name) {
            None | Some(Json::Null) => Err((name, "is required")),
            Some(value) => value.as_f64().filter(|n| n.is_finite()).ok_or((name, "must be a number")),
        };
        let (lower, upper) = (number("lower")?, number("upper")?);
        let has_power = json.get("power").is_some_and(|p| !p.is_null());
        let law = match json.get("type") {
            None | Some(Json::Null) => Law::Linear,
            Some(Json::String(name)) => match name.as_str() {
                "linear" => Law::Linear,
                "logarithmic" => Law::Logarithmic,
                "squareroot" => Law::SquareRoot,
                "power" => Law::Power(number("power")?),
                _ => return Err(("type", "must be linear, logarithmic, squareroot or power")),
            },
            Some(_) => return Err(("type", "must be linear, logarithmic, squareroot or power")),
        };
        if has_power && !matches!(law, Law::Power(_)) {
            return Err(("power", "is for type power only"));
        }
        Self::new(lower, upper, law)
    }

    /// From its parts; the error is the member at fault and what is wrong with it. Both ends must lie where the law is
    /// defined (above zero for a logarithm, not below it for a square root) and give two different places on the gauge.
    pub fn new(lower: f64, upper: f64, law: Law) -> Result<Self, (&'static str, &'static str)> {
        match law {
            Law::Power(p) if p == 0.0 || !p.is_finite() => return Err(("power", "must be a number other than 0")),
            Law::Logarithmic if lower <= 0.0 => return Err(("lower", "must be above 0 on a logarithmic scale")),
            Law::Logarithmic if upper <= 0.0 => return Err(("upper", "must be above 0 on a logarithmic scale")),
            Law::SquareRoot if lower < 0.0 => return Err(("lower", "must not be below 0 on a square root scale")),
            Law::SquareRoot if upper < 0.0 => return Err(("upper", "must not be below 0 on a square root scale")),
            _ => {}
        }
        if !law.at(lower).is_finite() {
            return Err(("lower", "has no place on this scale"));
        }
        if !law.at(upper).is_finite() {
            return Err(("upper", "has no place on this scale"));
        }
        if law.at(lower) == law.at(upper) {
            return Err(("upper", "must not be the same place as lower"));
        }
        Ok(Self { lower, upper, law })
    }

    /// Where the needle stands for this value: 0 at `lower`, 1 at `upper`, beyond them outside the gauge. `None` for a
    /// value that the law is not defined for (a logarithm of zero).
    pub fn deflection(&self, value: f64) -> Option<f64> {
        let (lower, upper) = (self.law.at(self.lower), self.law.at(self.upper));
        Some((self.law.at(value) - lower) / (upper - lower)).filter(|d| d.is_finite())
    }
}

impl Law {
    fn at(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.ln(),
            Self::SquareRoot => value.sqrt(),
            Self::Power(p) => value.powf(p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(json: &str) -> Result<DisplayScale, (&'static str, &'static str)> {
        DisplayScale::from_json(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_needle_swings_by_the_law() {
        for (json, value, deflection) in [
            (r#"{"lower":0,"upper":100}"#, 50.0, Some(0.5)),
            (r#"{"lower":0,"upper":100,"type":"linear"}"#, 120.0, Some(1.2)),
            (r#"{"lower":10,"upper":-10,"type":"linear"}"#, 5.0, Some(0.25)),
            (r#"{"lower":1,"upper":1000,"type":"logarithmic"}"#, 10.0, Some(1.0 / 3.0)),
            (r#"{"lower":1,"upper":1000,"type":"logarithmic"}"#, 0.0, None),
            (r#"{"lower":1,"upper":1000,"type":"logarithmic"}"#, -1.0, None),
            (r#"{"lower":0,"upper":100,"type":"squareroot"}"#, 25.0, Some(0.5)),
            (r#"{"lower":4,"upper":16,"type":"squareroot"}"#, 9.0, Some(0.5)),
            (r#"{"lower":0,"upper":100,"type":"squareroot"}"#, -4.0, None),
            (r#"{"lower":0,"upper":10,"type":"power","power":2}"#, 5.0, Some(0.25)),
            (r#"{"lower":1,"upper":3,"type":"power","power":3}"#, 2.0, Some(7.0 / 26.0)),
            (r#"{"lower":0,"upper":100,"type":"power","power":0.5}"#, 25.0, Some(0.5)),
        ] {
            match (scale(json).unwrap().deflection(value), deflection) {
                (Some(is), Some(want)) => assert!((is - want).abs() < 1e-12, "{json} {value}: {is}"),
                (is, want) => assert_eq!(is, want, "{json} {value}"),
            }
        }
    }

    #[test]
    fn both_ends_of_every_scale_are_0_and_1() {
        for law in [Law::Linear, Law::Logarithmic, Law::SquareRoot, Law::Power(2.0), Law::Power(-1.5)] {
            let scale = DisplayScale::new(0.5, 80.0, law).unwrap();
            assert_eq!((scale.deflection(0.5), scale.deflection(80.0)), (Some(0.0), Some(1.0)), "{law:?}");
        }
    }

    #[test]
    fn a_bad_scale_names_its_member() {
        for (json, member) in [
            ("{}", "lower"),
            (r#"{"lower":0}"#, "upper"),
            (r#"{"lower":"0","upper":1}"#, "lower"),
            (r#"{"lower":1,"upper":1}"#, "upper"),
            (r#"{"lower":0,"upper":1,"type":"cubic"}"#, "type"),
            (r#"{"lower":0,"upper":1,"type":3}"#, "type"),
            (r#"{"lower":0,"upper":1,"power":2}"#, "power"),
            (r#"{"lower":0,"upper":1,"type":"linear","power":2}"#, "power"),
            (r#"{"lower":0,"upper":1,"type":"power"}"#, "power"),
            (r#"{"lower":0,"upper":1,"type":"power","power":0}"#, "power"),
            (r#"{"lower":0,"upper":1,"type":"logarithmic"}"#, "lower"),
            (r#"{"lower":1,"upper":0,"type":"logarithmic"}"#, "upper"),
            (r#"{"lower":-1,"upper":4,"type":"squareroot"}"#, "lower"),
            (r#"{"lower":0,"upper":4,"type":"power","power":-1}"#, "lower"),
            (r#"{"lower":-4,"upper":4,"type":"power","power":2}"#, "upper"),
        ] {
            assert_eq!(scale(json).map_err(|(member, _)| member), Err(member), "{json}");
        }
    }
}
