//! Dates that are sent in pieces: an arrival without a year, an observation without a month.

use super::message::Eta;
use crate::kernel::time::{Civil, Timestamp};

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// The arrival as a time: of the years around `now` the one that brings it nearest. An arrival of last week is late, not
/// 51 weeks ahead. A day that its month does not have runs into the next one (31 April is 1 May): crews type such dates.
/// `None` when a part is not available.
pub fn arrival(eta: Eta, now: Timestamp) -> Option<Timestamp> {
    if !(1..=31).contains(&eta.day) {
        return None;
    }
    let year = now.civil().year;
    let at = |year| {
        let first_of_month = Civil {
            year,
            month: eta.month.into(),
            day: 1,
            hour: eta.hour.into(),
            minute: eta.minute.into(),
            second: 0,
            millisecond: 0,
        };
        Timestamp::from_civil(first_of_month).map(|t| t.plus_millis((i64::from(eta.day) - 1) * DAY_MS))
    };
    nearest([at(year - 1), at(year), at(year + 1)], now)
}

/// The observation of this day of the month: of the months around `now` the one that brings it nearest. `None` when a
/// part is not available (day 0, hour 24, minute 60).
pub fn observation(day: u32, hour: u32, minute: u32, now: Timestamp) -> Option<Timestamp> {
    let months = i64::from(now.civil().year) * 12 + i64::from(now.civil().month) - 1;
    let at = |months: i64| {
        Timestamp::from_civil(Civil {
            year: months.div_euclid(12) as i32,
            month: months.rem_euclid(12) as u32 + 1,
            day,
            hour,
            minute,
            second: 0,
            millisecond: 0,
        })
    };
    nearest([at(months - 1), at(months), at(months + 1)], now)
}

fn nearest(candidates: [Option<Timestamp>; 3], now: Timestamp) -> Option<Timestamp> {
    candidates.into_iter().flatten().min_by_key(|t| t.as_millis().abs_diff(now.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eta(month: u8, day: u8, hour: u8, minute: u8) -> Eta {
        Eta { month, day, hour, minute }
    }

    #[test]
    fn the_year_is_the_nearest_one() {
        let table = [
            ("2026-11-22T12:00:00.000Z", eta(12, 31, 23, 59), "2026-12-31T23:59:00.000Z"),
            ("2026-11-22T12:00:00.000Z", eta(1, 2, 3, 4), "2027-01-02T03:04:00.000Z"),
            ("2026-11-22T12:00:00.000Z", eta(11, 20, 0, 0), "2026-11-20T00:00:00.000Z"),
            ("2027-01-02T00:00:00.000Z", eta(12, 30, 6, 0), "2026-12-30T06:00:00.000Z"),
            ("2027-12-01T00:00:00.000Z", eta(2, 29, 6, 0), "2028-02-29T06:00:00.000Z"),
            ("2026-03-01T00:00:00.000Z", eta(2, 29, 1, 1), "2026-03-01T01:01:00.000Z"),
            ("2026-11-22T12:00:00.000Z", eta(4, 31, 5, 5), "2027-05-01T05:05:00.000Z"),
        ];
        for (now, eta, expected) in table {
            assert_eq!(arrival(eta, Timestamp::parse(now).unwrap()).unwrap().to_string(), expected, "{eta:?}");
        }
    }

    #[test]
    fn what_is_not_available_is_no_time() {
        let now = Timestamp::parse("2026-11-22T12:00:00.000Z").unwrap();
        for eta in [eta(0, 1, 1, 1), eta(1, 0, 1, 1), eta(1, 1, 24, 0), eta(1, 1, 1, 60), eta(13, 1, 1, 1)] {
            assert_eq!(arrival(eta, now), None, "{eta:?}");
        }
        assert_eq!(observation(0, 1, 1, now), None);
        assert_eq!(observation(1, 24, 0, now), None);
    }

    #[test]
    fn the_month_is_the_nearest_one() {
        let table = [
            ("2026-11-22T12:00:00.000Z", 22, "2026-11-22T10:00:00.000Z"),
            ("2027-01-01T00:10:00.000Z", 31, "2026-12-31T10:00:00.000Z"),
            ("2026-12-31T23:50:00.000Z", 1, "2027-01-01T10:00:00.000Z"),
        ];
        for (now, day, expected) in table {
            let at = observation(day, 10, 0, Timestamp::parse(now).unwrap()).unwrap();
            assert_eq!(at.to_string(), expected);
        }
    }
}
