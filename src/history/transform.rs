//! The integers behind measured numbers. A speed that was sent as `5.3` knots is 2.7265555555555556 m/s: seventeen digits
//! that carry two. A [`Grid`] is the expression that turned the one into the other; found again, the number can be kept
//! as the integer 53, and the same expression brings back the same bits.
//!
//! The expressions here must stay those of the converters (`nmea0183/field.rs`, `ais/to_update.rs`), operation for
//! operation: `x * 1852 / 3600` and `x * (1852 / 3600)` differ in the last bit. Where they do not fit any more, nothing
//! is lost but space. Codes stand in files and are never given a second meaning.

use std::f64::consts::{PI, TAU};

/// Largest integer that is tried: above it an `f64` skips integers.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Most decimals of a sent number that are tried.
const DECIMALS_MAX: u8 = 10;

const TEN: [f64; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
const TENTH: [f64; 11] = [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10];

const KNOT: f64 = 1852.0 / 3600.0;
const DEGREE: f64 = PI / 180.0;

/// What was done to the sent number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Unit {
    /// Nothing: metres, ratios, degrees of latitude, whatever came in SI.
    Same = 0,
    /// Knots to m/s, in two steps.
    Knots = 1,
    /// Knots to m/s by one factor.
    KnotFactor = 2,
    /// Degrees to radians, as `f64::to_radians` and `x * (PI / 180)` have it.
    Degrees = 3,
    /// Degrees to radians in two steps.
    DegreesTwoSteps = 4,
    /// Directions of 0 to 360 degrees brought to -π..π by taking off a turn.
    DegreesLessTurn = 5,
    /// Angles to port, first wrapped to 0..2π and then to -π..π.
    DegreesToPort = 6,
    /// Degrees a minute to rad/s.
    DegreesPerMinute = 7,
    /// The same by one factor.
    DegreesPerMinuteFactor = 8,
    /// Celsius to kelvin.
    Celsius = 9,
    /// Whole degrees and minutes, `dd + mm.mmmm / 60`.
    DegreesMinutes = 10,
    /// Ten-thousandths of a minute, as AIS has them.
    MinuteTenThousandths = 11,
    /// Thousandths of a minute, as AIS weather and aids have them.
    MinuteThousandths = 12,
    /// Percent to a ratio.
    Percent = 13,
    /// Revolutions a minute to hertz, minutes to hours.
    PerMinute = 14,
    /// Kilometres an hour to m/s.
    KilometresPerHour = 15,
    /// Feet to metres.
    Feet = 16,
    /// Fathoms to metres.
    Fathoms = 17,
    /// Statute miles an hour to m/s.
    MilesPerHour = 18,
    /// Nautical miles to metres.
    NauticalMiles = 19,
    /// Hectopascal (and millibar) to pascal.
    Hectopascal = 20,
    /// Kilometres to metres, kilopascal to pascal, litres from cubic metres.
    Thousand = 21,
    /// Bar to pascal.
    Bar = 22,
    /// Inches of mercury to pascal.
    InchesOfMercury = 23,
    /// An integer times a resolution such as 1e-4, as NMEA 2000 gateways compute it.
    Resolution = 24,
    /// Hours to seconds.
    Hours = 25,
    /// Litres to cubic metres and milli-units.
    Thousandth = 26,
    /// Ampere hours to coulomb is `Hours`; degrees Fahrenheit to kelvin.
    Fahrenheit = 27,
}

const UNITS: [Unit; 28] = [
    Unit::Same,
    Unit::Knots,
    Unit::KnotFactor,
    Unit::Degrees,
    Unit::DegreesTwoSteps,
    Unit::DegreesLessTurn,
    Unit::DegreesToPort,
    Unit::DegreesPerMinute,
    Unit::DegreesPerMinuteFactor,
    Unit::Celsius,
    Unit::DegreesMinutes,
    Unit::MinuteTenThousandths,
    Unit::MinuteThousandths,
    Unit::Percent,
    Unit::PerMinute,
    Unit::KilometresPerHour,
    Unit::Feet,
    Unit::Fathoms,
    Unit::MilesPerHour,
    Unit::NauticalMiles,
    Unit::Hectopascal,
    Unit::Thousand,
    Unit::Bar,
    Unit::InchesOfMercury,
    Unit::Resolution,
    Unit::Hours,
    Unit::Thousandth,
    Unit::Fahrenheit,
];

/// One expression from an integer to a number: a unit, and how many decimals the sent number had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    unit: Unit,
    decimals: u8,
}

impl Grid {
    /// The byte that stands in a chunk. 255 is never one.
    pub fn code(self) -> u8 {
        // 28 units of 11 do not fit in a byte; those that come without decimals, or with few, share what is left.
        let (unit, decimals) = (self.unit as u16, u16::from(self.decimals));
        match UNITS_WIDE.iter().position(|u| *u == self.unit) {
            Some(wide) => (wide as u16 * 11 + decimals) as u8,
            None => (WIDE_CODES + (unit - first_narrow()) * NARROW_DECIMALS + decimals) as u8,
        }
    }

    /// The grid of a code; `None` for a code that this version does not know.
    pub fn from_code(code: u8) -> Option<Self> {
        let code = u16::from(code);
        if code < WIDE_CODES {
            return Some(Self { unit: UNITS_WIDE[usize::from(code / 11)], decimals: (code % 11) as u8 });
        }
        let unit = UNITS.get(usize::from((code - WIDE_CODES) / NARROW_DECIMALS + first_narrow()))?;
        Some(Self { unit: *unit, decimals: ((code - WIDE_CODES) % NARROW_DECIMALS) as u8 })
    }

    /// The number that stands for `k` here.
    pub fn number(self, k: i64) -> f64 {
        let k = k as f64;
        let ten = TEN[usize::from(self.decimals)];
        let x = k / ten;
        match self.unit {
            Unit::Same => x,
            Unit::Knots => x * 1852.0 / 3600.0,
            Unit::KnotFactor => x * KNOT,
            Unit::DegreesTwoSteps => x * PI / 180.0,
            Unit::DegreesLessTurn if k < 0.0 => (k + 360.0 * ten) / ten * DEGREE - TAU,
            Unit::DegreesToPort if k < 0.0 => x * DEGREE + TAU - TAU,
            Unit::Degrees | Unit::DegreesLessTurn | Unit::DegreesToPort => x * DEGREE,
            Unit::DegreesPerMinute => x * DEGREE / 60.0,
            Unit::DegreesPerMinuteFactor => x * (DEGREE / 60.0),
            Unit::Celsius => x + 273.15,
            Unit::DegreesMinutes => {
                let unit = 60.0 * ten;
                let magnitude = k.abs();
                let whole = (magnitude / unit).floor();
                let degrees = whole + (magnitude - whole * unit) / ten / 60.0;
                if k < 0.0 { -degrees } else { degrees }
            }
            Unit::MinuteTenThousandths => x / 600_000.0,
            Unit::MinuteThousandths => x / 60_000.0,
            Unit::Percent => x / 100.0,
            Unit::PerMinute => x / 60.0,
            Unit::KilometresPerHour => x / 3.6,
            Unit::Feet => x * 0.3048,
            Unit::Fathoms => x * 1.8288,
            Unit::MilesPerHour => x * 0.44704,
            Unit::NauticalMiles => x * 1852.0,
            Unit::Hectopascal => x * 100.0,
            Unit::Thousand => x * 1000.0,
            Unit::Bar => x * 100_000.0,
            Unit::InchesOfMercury => x * 3_386.388_666_666_7,
            Unit::Resolution => k * TENTH[usize::from(self.decimals)],
            Unit::Hours => x * 3600.0,
            Unit::Thousandth => x / 1000.0,
            Unit::Fahrenheit => (x - 32.0) * 5.0 / 9.0 + 273.15,
        }
    }

    /// The integer that stands for `n`, when there is one that brings `n` back bit for bit.
    pub fn integer(self, n: f64) -> Option<i64> {
        let sent = match self.unit {
            Unit::Same | Unit::Resolution => n,
            Unit::Knots | Unit::KnotFactor => n / KNOT,
            Unit::Degrees | Unit::DegreesTwoSteps | Unit::DegreesLessTurn | Unit::DegreesToPort => n / DEGREE,
            Unit::DegreesPerMinute | Unit::DegreesPerMinuteFactor => n / DEGREE * 60.0,
            Unit::Celsius => n - 273.15,
            Unit::DegreesMinutes | Unit::PerMinute => n * 60.0,
            Unit::MinuteTenThousandths => n * 600_000.0,
            Unit::MinuteThousandths => n * 60_000.0,
            Unit::Percent => n * 100.0,
            Unit::KilometresPerHour => n * 3.6,
            Unit::Feet => n / 0.3048,
            Unit::Fathoms => n / 1.8288,
            Unit::MilesPerHour => n / 0.44704,
            Unit::NauticalMiles => n / 1852.0,
            Unit::Hectopascal => n / 100.0,
            Unit::Thousand => n / 1000.0,
            Unit::Bar => n / 100_000.0,
            Unit::InchesOfMercury => n / 3_386.388_666_666_7,
            Unit::Hours => n / 3600.0,
            Unit::Thousandth => n * 1000.0,
            Unit::Fahrenheit => (n - 273.15) * 9.0 / 5.0 + 32.0,
        };
        let k = (sent * TEN[usize::from(self.decimals)]).round_ties_even();
        // The comparison is false for NaN as well.
        if k.abs() < INTEGER_MAX && self.number(k as i64).to_bits() == n.to_bits() { Some(k as i64) } else { None }
    }

    /// The coarsest grid that holds most of `numbers`, or none when it holds fewer than three quarters of them.
    pub fn find(numbers: &[f64]) -> Option<Self> {
        let mut best = None;
        let mut best_hits = (numbers.len() * 3).div_ceil(4).max(1) - 1;
        for grid in Self::all() {
            let allowed = numbers.len() - best_hits - 1;
            let mut misses = 0;
            for n in numbers {
                misses += usize::from(grid.integer(*n).is_none());
                if misses > allowed {
                    break;
                }
            }
            if misses <= allowed {
                best = Some(grid);
                best_hits = numbers.len() - misses;
                if misses == 0 {
                    break;
                }
            }
        }
        best
    }

    /// Every grid, the likeliest and coarsest first. Plain decimals come before units, units before resolutions.
    fn all() -> impl Iterator<Item = Self> {
        let few = |range: std::ops::RangeInclusive<u8>, units: &'static [Unit]| {
            range.flat_map(move |decimals| units.iter().map(move |&unit| Self { unit, decimals }))
        };
        few(0..=4, &[Unit::Same])
            .chain(few(0..=NARROW_DECIMALS as u8 - 1, &UNITS_COMMON))
            .chain(few(5..=8, &[Unit::Same]))
            .chain(few(2..=8, &[Unit::DegreesMinutes]))
            .chain(few(0..=NARROW_DECIMALS as u8 - 1, &UNITS_RARE))
            .chain(few(9..=DECIMALS_MAX, &[Unit::Same]))
            .chain(few(1..=DECIMALS_MAX, &[Unit::Resolution]))
    }
}

/// Units that are tried with up to ten decimals.
const UNITS_WIDE: [Unit; 3] = [Unit::Same, Unit::DegreesMinutes, Unit::Resolution];
/// Codes taken by them.
const WIDE_CODES: u16 = 33;
/// The others are tried with 0 to 6 decimals: no sensor sends a seventh.
const NARROW_DECIMALS: u16 = 7;

/// The unit whose code follows those of the wide ones. Wide units in between leave their codes unused.
const fn first_narrow() -> u16 {
    Unit::Knots as u16
}

const UNITS_COMMON: [Unit; 7] = [
    Unit::Knots,
    Unit::KnotFactor,
    Unit::Degrees,
    Unit::DegreesLessTurn,
    Unit::DegreesToPort,
    Unit::Celsius,
    Unit::MinuteTenThousandths,
];

const UNITS_RARE: [Unit; 18] = [
    Unit::DegreesPerMinute,
    Unit::DegreesPerMinuteFactor,
    Unit::DegreesTwoSteps,
    Unit::MinuteThousandths,
    Unit::Percent,
    Unit::PerMinute,
    Unit::KilometresPerHour,
    Unit::Feet,
    Unit::Fathoms,
    Unit::MilesPerHour,
    Unit::NauticalMiles,
    Unit::Hectopascal,
    Unit::Thousand,
    Unit::Bar,
    Unit::InchesOfMercury,
    Unit::Hours,
    Unit::Thousandth,
    Unit::Fahrenheit,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrap_two_pi(radians: f64) -> f64 {
        let wrapped = radians.rem_euclid(TAU);
        if wrapped >= TAU { 0.0 } else { wrapped }
    }

    fn wrap_pi(radians: f64) -> f64 {
        let wrapped = wrap_two_pi(radians);
        if wrapped > PI { wrapped - TAU } else { wrapped }
    }

    #[test]
    fn codes_are_distinct_and_come_back() {
        let mut seen = std::collections::HashSet::new();
        for grid in Grid::all() {
            assert!(seen.insert(grid.code()), "{grid:?}");
            assert_ne!(grid.code(), 255);
            assert_eq!(Grid::from_code(grid.code()), Some(grid));
        }
        for code in 0..=255 {
            let _ = Grid::from_code(code).map(|grid| grid.number(i64::MIN));
        }
    }

    /// What the converters compute from a field of the given number of decimals, and the numbers a boat sends there.
    #[test]
    fn what_the_converters_compute_is_found_again() {
        type Convert = fn(f64) -> f64;
        let table: [(&str, Convert, f64, i64); 20] = [
            ("metres", |x| x, 100.0, 3000),
            ("knots", |x| x * 1852.0 / 3600.0, 10.0, 400),
            ("AIS knots", |x| x * KNOT, 10.0, 1022),
            ("direction", |x| wrap_two_pi(x.to_radians()), 10.0, 3599),
            ("wind angle of 0 to 360", |x| wrap_pi(x.to_radians()), 10.0, 3599),
            ("wind angle to port", |x| wrap_pi(-x.to_radians()), 1.0, 180),
            ("rate of turn", |x| x.to_radians() / 60.0, 10.0, 7000),
            ("Celsius", |x| x + 273.15, 10.0, 1000),
            ("revolutions", |x| x / 60.0, 10.0, 40_000),
            ("percent", |x| x / 100.0, 10.0, 1000),
            ("km/h", |x| x / 3.6, 10.0, 1000),
            ("feet", |x| x * 0.3048, 10.0, 3000),
            ("fathoms", |x| x * 1.8288, 10.0, 500),
            ("bar", |x| x * 100_000.0, 10_000.0, 11_000),
            ("inches of mercury", |x| x * 3_386.388_666_666_7, 10_000.0, 310_000),
            ("nautical miles", |x| x * 1852.0, 1000.0, 99_999),
            ("AIS place", |x| x / 600_000.0, 1.0, 100_000_000),
            ("1e-7 degree", |x| x, 1e7, 1_800_000_000),
            (
                "minutes",
                |x| (x / 60.0).floor() + (x * 1e4 - (x / 60.0).floor() * 60e4).round() / 1e4 / 60.0,
                1e4,
                50_000_000,
            ),
            ("1e-4 rad", |x| x * 1e-4, 1.0, 62_831),
        ];
        for (name, convert, scale, top) in table {
            let numbers: Vec<f64> = (0..500).map(|i| convert((i * 7919 % (top + 1)) as f64 / scale)).collect();
            let grid = Grid::find(&numbers).unwrap_or_else(|| panic!("{name}: none found"));
            // A zero to port is -0.0, which no integer brings back: an exception in its column.
            for n in numbers.iter().filter(|n| n.to_bits() != (-0.0_f64).to_bits()) {
                let k = grid.integer(*n).unwrap_or_else(|| panic!("{name}: {n} is not on {grid:?}"));
                assert_eq!(grid.number(k).to_bits(), n.to_bits());
            }
        }
    }

    #[test]
    fn noise_has_no_grid() {
        let numbers: Vec<f64> = (1..100).map(|i| f64::from(i).sqrt().sin()).collect();
        assert_eq!(Grid::find(&numbers), None);
    }

    proptest! {
        #[test]
        fn an_integer_is_given_only_for_a_number_that_comes_back(bits: u64, code: u8) {
            let n = f64::from_bits(bits);
            if let Some(grid) = Grid::from_code(code) {
                if let Some(k) = grid.integer(n) {
                    prop_assert_eq!(grid.number(k).to_bits(), bits);
                }
            }
        }
    }
}
