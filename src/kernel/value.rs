//! What a path can hold. Integers stay integers on the wire (typed clients need it), positions always print with a
//! fraction, and a number that is not finite cannot be built.

mod json_text;

use compact_str::CompactString;

pub use json_text::{JSON_BYTES_IN_PLACE, JsonText};

/// A Signal K value (specification: "Data Model", values). 32 bytes; a clone never copies more than a short text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Known to be gone or invalid; replaces the value before it.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A count or an enumeration, printed without a fraction.
    Integer(i64),
    /// A measured number in the path's SI unit, always finite (build it with [`Value::number`]).
    Number(f64),
    /// `navigation.position` and everything of its shape.
    Position(Position),
    /// A text of at most 24 bytes is held in place.
    Text(CompactString),
    /// Any other object or array, as compact JSON text that has passed the depth limit.
    Json(JsonText),
}

/// A place on the earth: degrees in WGS 84, altitude in metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres, NaN for none: an `Option` here would make every [`Value`] a third larger.
    altitude: Altitude,
}

#[derive(Debug, Clone, Copy)]
struct Altitude(f64);

impl PartialEq for Altitude {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || (self.0.is_nan() && other.0.is_nan())
    }
}

impl Position {
    /// A position without altitude; `None` unless latitude is within 90 and longitude within 180 degrees.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let valid = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        valid.then_some(Self { latitude, longitude, altitude: Altitude(f64::NAN) })
    }

    /// The same place with an altitude in metres (ignored when it is not finite).
    #[must_use]
    pub fn with_altitude(mut self, metres: f64) -> Self {
        self.altitude = Altitude(if metres.is_finite() { metres } else { f64::NAN });
        self
    }

    /// Altitude in metres, where it is known.
    pub fn altitude(&self) -> Option<f64> {
        (!self.altitude.0.is_nan()).then_some(self.altitude.0)
    }
}

impl Value {
    /// A number, or [`Value::Null`] when it is not finite: JSON has no NaN and no infinity.
    pub fn number(n: f64) -> Self {
        if n.is_finite() { Self::Number(n) } else { Self::Null }
    }

    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(CompactString::new(text))
    }

    /// An object or array already written as JSON. The caller vouches for its form; the parsers of this crate build it
    /// with their own writers, and what clients send passes [`crate::kernel::json`] first.
    pub fn json(text: impl Into<JsonText>) -> Self {
        Self::Json(text.into())
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The number behind an integer or a number; `None` for everything else.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Integer(n) => Some(n as f64),
            Self::Number(n) => Some(n),
            _ => None,
        }
    }

    /// Appends this value as JSON.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Integer(n) => out.push_str(itoa::Buffer::new().format(*n)),
            Self::Number(n) => push_number(*n, out),
            Self::Position(p) => {
                out.push_str("{\"latitude\":");
                push_number(p.latitude, out);
                out.push_str(",\"longitude\":");
                push_number(p.longitude, out);
                if let Some(altitude) = p.altitude() {
                    out.push_str(",\"altitude\":");
                    push_number(altitude, out);
                }
                out.push('}');
            }
            Self::Text(text) => push_text(text, out),
            Self::Json(json) => out.push_str(json),
        }
    }

    /// This value as a JSON text of its own.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(32);
        self.write_json(&mut out);
        out
    }
}

impl From<Position> for Value {
    fn from(p: Position) -> Self {
        Self::Position(p)
    }
}

/// Appends a finite number in the shortest form that reads back exactly, always with a fraction or an exponent.
pub fn push_number(n: f64, out: &mut String) {
    debug_assert!(n.is_finite(), "a Value holds finite numbers only");
    out.push_str(ryu::Buffer::new().format_finite(n));
}

/// Appends a text as a JSON string, quotes included.
pub fn push_text(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut start = 0;
    for (i, b) in text.bytes().enumerate() {
        if b >= b' ' && b != b'"' && b != b'\\' {
            continue;
        }
        out.push_str(&text[start..i]);
        start = i + 1;
        match b {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(b >> 4)]));
                out.push(char::from(HEX[usize::from(b & 15)]));
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: &Value, json: &str) {
        assert_eq!(value.to_json(), json);
    }

    #[test]
    fn values_print_as_typed_clients_need_them() {
        check(&Value::Null, "null");
        check(&Value::Integer(10), "10");
        check(&Value::number(60.0), "60.0");
        check(&Value::number(f64::NAN), "null");
        check(&Value::number(f64::INFINITY), "null");
        check(&Position::new(60.0, 24.5).map_or(Value::Null, Value::from), r#"{"latitude":60.0,"longitude":24.5}"#);
        let high = Position::new(-1.5, 0.0).map(|p| p.with_altitude(12.0));
        check(&high.map_or(Value::Null, Value::from), r#"{"latitude":-1.5,"longitude":0.0,"altitude":12.0}"#);
        check(&Value::text("a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\n\\u0001é\"");
        check(&Value::json(r#"{"id":36,"name":"Sailing"}"#), r#"{"id":36,"name":"Sailing"}"#);
    }

    #[test]
    fn a_position_off_the_globe_cannot_be_built() {
        assert_eq!(Position::new(90.1, 0.0), None);
        assert_eq!(Position::new(0.0, -180.1), None);
        assert_eq!(Position::new(f64::NAN, 0.0), None);
    }

    #[test]
    fn a_value_stays_small() {
        assert!(size_of::<Value>() <= 32, "{} bytes", size_of::<Value>());
    }

    proptest! {
        #[test]
        fn numbers_read_back_bit_for_bit(bits: u64) {
            let n = f64::from_bits(bits);
            prop_assume!(n.is_finite());
            let back: f64 = serde_json::from_str(&Value::number(n).to_json()).unwrap();
            prop_assert_eq!(back.to_bits(), n.to_bits());
        }

        #[test]
        fn texts_read_back(text in any::<String>()) {
            let back: String = serde_json::from_str(&Value::text(&text).to_json()).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
