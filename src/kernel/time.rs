//! The two clocks of the core, both as plain numbers: wall time ([`Timestamp`]) and monotonic time ([`Moment`]).
//!
//! Nothing here reads a clock. A wall time says when something happened in the world and may jump; a moment says how
//! long ago it was and never jumps. Expiry, staleness and rate policies use moments only, so that a recording of 2014
//! does not expire on arrival and a clock set by NTP ages nothing.

use std::fmt;
use std::ops::{Add, Sub};

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// A wall time in milliseconds since 1970-01-01T00:00:00Z, negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A calendar date and a time of day in UTC, as receivers send them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Full year, such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59; 60 (a leap second) is accepted and runs into the next minute.
    pub second: u32,
    /// 0 to 999.
    pub millisecond: u32,
}

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// From a calendar date and time in UTC; `None` when a part is out of its range or the day does not exist.
    pub fn from_civil(c: Civil) -> Option<Self> {
        let in_range = (1..=12).contains(&c.month)
            && (1..=days_in_month(c.year, c.month)).contains(&c.day)
            && c.hour < 24
            && c.minute < 60
            && c.second <= 60
            && c.millisecond < 1000
            && (-9999..=9999).contains(&c.year);
        if !in_range {
            return None;
        }
        let time_of_day = i64::from((c.hour * 60 + c.minute) * 60 + c.second) * 1000 + i64::from(c.millisecond);
        Some(Self(days_from_civil(c.year, c.month, c.day) * DAY_MS + time_of_day))
    }

    /// The calendar date and time in UTC.
    pub fn civil(self) -> Civil {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS) as u32;
        Civil {
            year,
            month,
            day,
            hour: ms / 3_600_000,
            minute: ms / 60_000 % 60,
            second: ms / 1000 % 60,
            millisecond: ms % 1000,
        }
    }

    /// Midnight (UTC) of this day.
    #[must_use]
    pub fn start_of_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MS))
    }

    /// Reads an RFC 3339 time. Signal K asks for UTC with `Z`; an offset is accepted on input and taken off.
    /// Fractions of any length are cut to milliseconds. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        if b.len() < 20 || b[4] != b'-' || b[7] != b'-' || !matches!(b[10], b'T' | b't' | b' ') {
            return None;
        }
        if b[13] != b':' || b[16] != b':' {
            return None;
        }
        let two = |at: usize| digits(&b[at..at + 2]);
        let mut millisecond = 0;
        let mut rest = &b[19..];
        if rest[0] == b'.' {
            let n = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
            if n == 0 {
                return None;
            }
            for i in 0..3 {
                millisecond = millisecond * 10 + if i < n { u32::from(rest[1 + i] - b'0') } else { 0 };
            }
            rest = &rest[1 + n..];
        }
        let offset_minutes = match rest {
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
                let minutes = i64::from(digits(&[*h1, *h2])? * 60 + digits(&[*m1, *m2])?);
                if *sign == b'+' { minutes } else { -minutes }
            }
            _ => return None,
        };
        let civil = Civil {
            year: digits(&b[0..4])? as i32,
            month: two(5)?,
            day: two(8)?,
            hour: two(11)?,
            minute: two(14)?,
            second: two(17)?,
            millisecond,
        };
        Self::from_civil(civil).map(|t| Self(t.0 - offset_minutes * 60_000))
    }

    /// `2026-11-22T15:42:33.000Z` as 24 ASCII bytes: RFC 3339, UTC, always milliseconds. Years outside 0 to 9999 are
    /// held at those bounds, so that the text is always valid.
    pub fn to_bytes(self) -> [u8; 24] {
        const FIRST: i64 = -62_167_219_200_000;
        const LAST: i64 = 253_402_300_799_999;
        let c = Self(self.0.clamp(FIRST, LAST)).civil();
        let mut out = *b"0000-00-00T00:00:00.000Z";
        put(&mut out[0..4], c.year as u32);
        put(&mut out[5..7], c.month);
        put(&mut out[8..10], c.day);
        put(&mut out[11..13], c.hour);
        put(&mut out[14..16], c.minute);
        put(&mut out[17..19], c.second);
        put(&mut out[20..23], c.millisecond);
        out
    }

    /// Appends the text of [`Self::to_bytes`].
    pub fn push_to(self, out: &mut String) {
        out.extend(self.to_bytes().iter().map(|&b| char::from(b)));
    }

    /// The time `ms` milliseconds later (earlier when negative); saturates at the ends.
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|&b| fmt::Write::write_char(f, char::from(b)))
    }
}

/// A point on the monotonic clock, in milliseconds since an origin that the shell chose (the start of the process).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// From milliseconds since the origin.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Milliseconds from `earlier` to this moment; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Moment {
    type Output = Self;

    fn add(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl Sub<u64> for Moment {
    type Output = Self;

    fn sub(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }
}

/// Wall and monotonic time read together: what the shell hands to the core with everything that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Wall time; may be wrong on a board without a clock of its own.
    pub wall: Timestamp,
    /// Monotonic time.
    pub mono: Moment,
}

/// Number of days in a month of the proleptic Gregorian calendar.
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date (years counted from March, in eras of 400 years, so that no table is needed).
fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let y = i64::from(if month <= 2 { year - 1 } else { year });
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month, day)
}

fn digits(b: &[u8]) -> Option<u32> {
    b.iter().try_fold(0, |n, c| c.is_ascii_digit().then(|| n * 10 + u32::from(c - b'0')))
}

fn put(out: &mut [u8], mut n: u32) {
    for b in out.iter_mut().rev() {
        *b = b'0' + (n % 10) as u8;
        n /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_and_millis_agree() {
        let table = [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2014-06-30T10:00:00.000Z", 1_404_122_400_000),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("1969-12-31T23:59:59.999Z", -1),
        ];
        for (text, ms) in table {
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_millis(ms)), "{text}");
            assert_eq!(Timestamp::from_millis(ms).to_string(), text);
        }
    }

    #[test]
    fn other_spellings_are_read_and_nonsense_is_not() {
        let t = Timestamp::parse("2026-01-02T03:04:05.678Z");
        assert_eq!(Timestamp::parse("2026-01-02T03:04:05.6789123Z"), t);
        assert_eq!(Timestamp::parse("2026-01-02T05:04:05.678+02:00"), t);
        assert_eq!(Timestamp::parse("2026-01-01T22:04:05.678-05:00"), t);
        let nonsense = [
            "",
            "2026-01-02",
            "2026-13-02T03:04:05Z",
            "2026-02-30T03:04:05Z",
            "2026-01-02T03:04:05",
            "x026-01-02T03:04:05Z",
        ];
        for text in nonsense {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_printed_time_reads_back(ms in -62_167_219_200_000_i64..253_402_300_799_999) {
            let t = Timestamp::from_millis(ms);
            prop_assert_eq!(Timestamp::parse(&t.to_string()), Some(t));
            prop_assert_eq!(Timestamp::from_civil(t.civil()), Some(t));
        }

        #[test]
        fn any_text_is_read_or_refused_without_harm(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
