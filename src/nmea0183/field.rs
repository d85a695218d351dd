//! Fields to SI values: the only place where units are converted.
//!
//! Every function takes the text of one field (or of a value and its letter) and gives `None` for an empty or damaged
//! one. Numbers are read from their decimal digits straight to the nearest `f64`; a hexadecimal number, an exponent, an
//! infinity or a NaN is no number here.

use std::borrow::Cow;
use std::f64::consts::{PI, TAU};

use crate::kernel::time::{Civil, Timestamp};
use crate::kernel::value::{Position, Value};
use crate::steps;

/// Metres in a nautical mile (exact, by definition).
pub const METRES_PER_NAUTICAL_MILE: f64 = 1852.0;
/// Metres in an international foot (exact).
pub const METRES_PER_FOOT: f64 = 0.3048;
/// Metres in an international fathom, six feet (exact).
pub const METRES_PER_FATHOM: f64 = 1.8288;
/// Metres per second in a statute mile per hour (exact).
pub const METRES_PER_SECOND_PER_MPH: f64 = 0.44704;
/// Pascal in one inch of mercury (conventional value at 0 °C).
pub const PASCAL_PER_INCH_OF_MERCURY: f64 = 3_386.388_666_666_7;
/// Kelvin at 0 °C.
pub const KELVIN_AT_ZERO_CELSIUS: f64 = 273.15;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

/// Powers of ten that an `f64` holds exactly; with a mantissa below 2^53 one division by them is correctly rounded.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A plain decimal number: an optional sign, digits, at most one point, at least one digit.
pub fn number(text: &str) -> Option<f64> {
    steps::took(text.len());
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let mut mantissa = 0_u64;
    let mut seen = 0_usize;
    let mut fraction_digits = 0_usize;
    let mut in_fraction = false;
    for &b in digits {
        match b {
            b'0'..=b'9' => {
                // Wraps only beyond 18 digits, and then the slow path below is taken.
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(b - b'0'));
                seen += 1;
                fraction_digits += usize::from(in_fraction);
            }
            b'.' if !in_fraction => in_fraction = true,
            _ => return None,
        }
    }
    if seen == 0 {
        return None;
    }
    let magnitude = if seen <= 18 && mantissa < 1 << 53 && fraction_digits < POWERS_OF_TEN.len() {
        mantissa as f64 / POWERS_OF_TEN[fraction_digits]
    } else {
        // The characters are known to be digits and a point here, so none of the other spellings can pass.
        std::str::from_utf8(digits).ok()?.parse().ok().filter(|n: &f64| n.is_finite())?
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// A whole number: an optional sign and digits.
pub fn integer(text: &str) -> Option<i64> {
    steps::took(text.len());
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A count that must not be negative.
pub fn count(text: &str) -> Option<u32> {
    integer(text).and_then(|n| u32::try_from(n).ok())
}

/// A hexadecimal number without a prefix, as SeaTalk bytes and AIS relays write them.
pub fn hex(text: &str) -> Option<u32> {
    let fits = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| u32::from_str_radix(text, 16).ok())?
}

/// Knots to metres per second.
pub fn knots(text: &str) -> Option<f64> {
    number(text).map(metres_per_second_from_knots)
}

/// A number of knots in metres per second.
pub fn metres_per_second_from_knots(knots: f64) -> f64 {
    knots * METRES_PER_NAUTICAL_MILE / 3600.0
}

/// Kilometres per hour to metres per second.
pub fn kmh(text: &str) -> Option<f64> {
    number(text).map(|n| n / 3.6)
}

/// Statute miles per hour to metres per second.
pub fn mph(text: &str) -> Option<f64> {
    number(text).map(|n| n * METRES_PER_SECOND_PER_MPH)
}

/// A speed with its unit letter: `N` knots, `K` km/h, `M` m/s, `S` statute miles per hour.
pub fn speed(text: &str, unit: &str) -> Option<f64> {
    match unit {
        "N" | "n" => knots(text),
        "K" | "k" => kmh(text),
        "M" | "m" => number(text),
        "S" | "s" => mph(text),
        _ => None,
    }
}

/// One speed stated twice: the first statement that is not zero, else the first there is. A zero beside a speed is a field
/// that the sender did not fill in.
pub fn speed_of(first: Option<f64>, second: Option<f64>) -> Option<f64> {
    let moving = |speed: &f64| *speed != 0.0;
    first.filter(moving).or(second.filter(moving)).or(first).or(second)
}

/// Nautical miles to metres.
pub fn nautical_miles(text: &str) -> Option<f64> {
    number(text).map(|n| n * METRES_PER_NAUTICAL_MILE)
}

/// Kilometres to metres.
pub fn kilometres(text: &str) -> Option<f64> {
    number(text).map(|n| n * 1000.0)
}

/// A distance with its unit letter: `N` nautical miles, `K` kilometres, `M` metres, `F`/`f` feet.
pub fn distance(text: &str, unit: &str) -> Option<f64> {
    match unit {
        "N" | "n" => nautical_miles(text),
        "K" | "k" => kilometres(text),
        "M" | "m" => number(text),
        "F" | "f" => feet(text),
        _ => None,
    }
}

/// Feet to metres.
pub fn feet(text: &str) -> Option<f64> {
    number(text).map(|n| n * METRES_PER_FOOT)
}

/// Fathoms to metres.
pub fn fathoms(text: &str) -> Option<f64> {
    number(text).map(|n| n * METRES_PER_FATHOM)
}

/// Degrees to radians, as they come: neither wrapped nor checked for range.
pub fn degrees(text: &str) -> Option<f64> {
    number(text).map(f64::to_radians)
}

/// A compass direction in degrees to radians in 0..2π. Senders write 360 for north and some count on past it.
pub fn direction(text: &str) -> Option<f64> {
    degrees(text).map(wrap_two_pi)
}

/// Degrees per minute to radians per second.
pub fn degrees_per_minute(text: &str) -> Option<f64> {
    number(text).map(|n| n.to_radians() / 60.0)
}

/// Degrees Celsius to kelvin.
pub fn celsius(text: &str) -> Option<f64> {
    number(text).map(|n| n + KELVIN_AT_ZERO_CELSIUS)
}

/// Bar to pascal.
pub fn bar(text: &str) -> Option<f64> {
    number(text).map(|n| n * 100_000.0)
}

/// Inches of mercury to pascal.
pub fn inches_of_mercury(text: &str) -> Option<f64> {
    number(text).map(|n| n * PASCAL_PER_INCH_OF_MERCURY)
}

/// Percent to a ratio.
pub fn percent(text: &str) -> Option<f64> {
    number(text).map(|n| n / 100.0)
}

/// Revolutions per minute to hertz.
pub fn revolutions_per_minute(text: &str) -> Option<f64> {
    number(text).map(|n| n / 60.0)
}

/// An angle in radians brought to 0..2π.
pub fn wrap_two_pi(radians: f64) -> f64 {
    let wrapped = radians.rem_euclid(TAU);
    // rem_euclid of a tiny negative angle rounds up to a full turn, which is zero.
    if wrapped >= TAU { 0.0 } else { wrapped }
}

/// An angle in radians brought to -π..π, π itself included (dead astern is π, not -π).
pub fn wrap_pi(radians: f64) -> f64 {
    let wrapped = wrap_two_pi(radians);
    if wrapped > PI { wrapped - TAU } else { wrapped }
}

/// Magnetic variation or deviation: degrees with `E` (positive) or `W`, to radians. Without its letter it is ambiguous
/// and therefore nothing.
pub fn east_west(text: &str, letter: &str) -> Option<f64> {
    let radians = degrees(text)?;
    match letter {
        "E" | "e" => Some(radians),
        // The sum keeps a variation of zero from printing as -0.
        "W" | "w" => Some(-radians + 0.0),
        _ => None,
    }
}

/// Latitude and longitude as `ddmm.mmmm`, `N`/`S`, `dddmm.mmmm`, `E`/`W`. `None` when one of the four is missing,
/// damaged or off the globe: half a position is none.
pub fn latitude_longitude(lat: &str, ns: &str, lon: &str, ew: &str) -> Option<Position> {
    let latitude = match ns {
        "N" | "n" => degrees_minutes(lat)?,
        "S" | "s" => -degrees_minutes(lat)?,
        _ => return None,
    };
    let longitude = match ew {
        "E" | "e" => degrees_minutes(lon)?,
        "W" | "w" => -degrees_minutes(lon)?,
        _ => return None,
    };
    // `-0.0` would print as such and mean nothing.
    Position::new(latitude + 0.0, longitude + 0.0)
}

/// `ddmm.mmmm` in degrees; `None` for 60 minutes and more.
fn degrees_minutes(text: &str) -> Option<f64> {
    if !text.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    // Degrees and minutes are read apart: taking the degrees off a `ddmm.mmmm` float would cost the last digits.
    let point = text.bytes().position(|b| b == b'.').unwrap_or(text.len());
    let split = point.saturating_sub(2);
    let whole = if split == 0 { 0.0 } else { number(text.get(..split)?)? };
    let minutes = number(text.get(split..)?)?;
    (minutes < 60.0).then_some(whole + minutes / 60.0)
}

/// `hhmmss` with any fraction, in milliseconds since midnight (the fraction is cut to milliseconds); second 60 is
/// accepted, for a leap second.
pub fn time_of_day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 6 {
        return None;
    }
    let hour = two_digits(&bytes[0..2])?;
    let minute = two_digits(&bytes[2..4])?;
    let second = two_digits(&bytes[4..6])?;
    let mut millisecond = 0;
    if let Some((point, fraction)) = bytes[6..].split_first() {
        if *point != b'.' || !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        for i in 0..3 {
            millisecond = millisecond * 10 + i64::from(fraction.get(i).map_or(0, |b| b - b'0'));
        }
    }
    (hour < 24 && minute < 60 && second <= 60)
        .then_some(i64::from((hour * 60 + minute) * 60 + second) * 1000 + millisecond)
}

/// `ddmmyy` as midnight (UTC) of that day. Two-digit years below 80 are 20yy, the others 19yy: GPS began in 1980.
pub fn date(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 6 {
        return None;
    }
    let year = two_digits(&bytes[4..6])? as i32;
    let year = if year < 80 { 2000 + year } else { 1900 + year };
    midnight(year, two_digits(&bytes[2..4])?, two_digits(&bytes[0..2])?)
}

/// Day, month and a year of two or four digits as midnight (UTC) of that day.
pub fn day_month_year(day: &str, month: &str, year: &str) -> Option<Timestamp> {
    let year_number = i32::try_from(count(year)?).ok()?;
    let year_number = match year.len() {
        4 => year_number,
        2 if year_number < 80 => 2000 + year_number,
        2 => 1900 + year_number,
        _ => return None,
    };
    midnight(year_number, count(month)?, count(day)?)
}

fn midnight(year: i32, month: u32, day: u32) -> Option<Timestamp> {
    Timestamp::from_civil(Civil { year, month, day, hour: 0, minute: 0, second: 0, millisecond: 0 })
}

fn two_digits(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0')),
        _ => None,
    }
}

/// Whether a status field says that the data are valid. `A` is yes and `V` no in every sentence of the standard; an
/// empty or unknown letter says nothing.
pub fn status(text: &str) -> Option<bool> {
    match text {
        "A" | "a" => Some(true),
        "V" | "v" => Some(false),
        _ => None,
    }
}

/// Whether a mode indicator (NMEA 2.3 and later) says that there is no fix at all: `N`.
pub fn mode_is_invalid(text: &str) -> bool {
    matches!(text, "N" | "n")
}

/// A text field with its `^hh` escapes undone; `None` when empty.
pub fn text(field: &str) -> Option<Cow<'_, str>> {
    if field.is_empty() {
        return None;
    }
    steps::took(field.len());
    if !field.contains('^') {
        return Some(Cow::Borrowed(field));
    }
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('^') {
        steps::took(at + 3);
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).and_then(|code| u8::from_str_radix(code, 16).ok());
        if let Some(code) = code.filter(|code| *code >= b' ') {
            out.push(char::from(code));
            rest = &rest[at + 3..];
        } else {
            out.push('^');
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// A measured number, or null for none.
pub fn number_or_null(n: Option<f64>) -> Value {
    n.map_or(Value::Null, Value::number)
}

/// A count, or null for none.
pub fn integer_or_null(n: Option<i64>) -> Value {
    n.map_or(Value::Null, Value::Integer)
}

/// A text, or null for an empty field.
pub fn text_or_null(field: &str) -> Value {
    text(field).map_or(Value::Null, Value::text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_plain_decimals() {
        let table = [("0", 0.0), ("-.5", -0.5), ("+12.", 12.0), ("007.250", 7.25), ("3723.46587704", 3_723.465_877_04)];
        for (text, n) in table {
            assert_eq!(number(text), Some(n), "{text}");
        }
        let long = format!("{}.5", "1".repeat(400));
        for text in ["", "-", ".", "1e5", "0x10", "NaN", "inf", "1.2.3", "1,5", "--1", "1 2", "١", &long] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn positions_keep_every_digit_and_stay_on_the_globe() {
        let p = latitude_longitude("3723.46587704", "N", "12202.26957864", "W").unwrap();
        assert!((p.latitude - 37.391_097_950_666_67).abs() < 1e-13);
        assert!((p.longitude + 122.037_826_310_666_67).abs() < 1e-13);
        assert_eq!(latitude_longitude("9000.0", "S", "18000.0", "E"), Position::new(-90.0, 180.0));
        let refused = [
            ("9000.1", "N", "0", "E"),
            ("5960.0", "N", "0", "E"),
            ("", "N", "0", "E"),
            ("10", "", "0", "E"),
            ("-1000.0", "N", "0", "E"),
            ("1000.0", "N", "18000.1", "E"),
            ("10é0.0", "N", "00000", "E"),
        ];
        for (lat, ns, lon, ew) in refused {
            assert_eq!(latitude_longitude(lat, ns, lon, ew), None, "{lat} {ns} {lon} {ew}");
        }
    }

    #[test]
    fn times_and_dates() {
        assert_eq!(time_of_day("172814.05"), Some(62_894_050));
        assert_eq!(time_of_day("235960"), Some(DAY_MS));
        for text in ["", "1728", "172860x", "240000", "17281a", "172814,5", "é28140"] {
            assert_eq!(time_of_day(text), None, "{text}");
        }
        assert_eq!(date("010180").unwrap().to_string(), "1980-01-01T00:00:00.000Z");
        assert_eq!(date("290224").unwrap().to_string(), "2024-02-29T00:00:00.000Z");
        assert_eq!(date("290223"), None);
    }

    #[test]
    fn units_follow_their_letters() {
        let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-12, "{a:?} {b}");
        close(speed("1", "N"), 0.514_444_444_444_444_4);
        close(speed("3.6", "K"), 1.0);
        close(speed("10", "S"), 4.4704);
        assert_eq!(speed("1", "X"), None);
        assert_eq!(speed_of(Some(0.0), Some(2.0)), Some(2.0));
        assert_eq!(speed_of(Some(1.0), Some(2.0)), Some(1.0));
        assert_eq!(speed_of(Some(0.0), None), Some(0.0));
        assert_eq!(speed_of(None, None), None);
        close(celsius("-0.5"), 272.65);
        close(east_west("3", "W"), -3_f64.to_radians());
        close(feet("10"), 3.048);
        close(fathoms("10"), 18.288);
    }

    #[test]
    fn texts_lose_their_escapes() {
        assert_eq!(text("A^2cB^x^5E").unwrap(), "A,B^x^");
        assert_eq!(text(""), None);
    }

    proptest! {
        #[test]
        fn numbers_are_the_nearest_f64(whole in "[0-9]{1,22}", fraction in "[0-9]{0,25}", negative: bool) {
            let text = format!("{}{whole}.{fraction}", if negative { "-" } else { "" });
            prop_assert_eq!(number(&text), text.parse::<f64>().ok());
        }

        #[test]
        fn wrapped_angles_are_in_range(radians in -1e6_f64..1e6) {
            let full = wrap_two_pi(radians);
            prop_assert!((0.0..TAU).contains(&full));
            let half = wrap_pi(radians);
            prop_assert!(half > -PI && half <= PI);
            prop_assert!((half.sin() - radians.sin()).abs() < 1e-9);
        }

        #[test]
        fn any_text_is_read_or_refused(a in ".{0,12}", b in ".{0,3}", c in ".{0,12}", d in ".{0,3}") {
            let _ = (latitude_longitude(&a, &b, &c, &d), time_of_day(&a), date(&a), text(&a), hex(&a), integer(&a));
            let _ = (day_month_year(&a, &b, &c), direction(&a), east_west(&a, &b));
        }
    }
}
