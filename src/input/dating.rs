//! At what time each line of a recording was heard, as near as the recording tells: by the logger's time before the line, by
//! its tag block or timestamp, or by the clock of the receiver whose sentences are among them. Pure.

use super::pace::{Guide, HALF_DAY_MS, LINE_MS};
use super::recorded_time::{self, Stamp};
use crate::kernel::time::Timestamp;

/// A logger that stamped lines before this had a clock that was not set: 2000-01-01.
const CLOCK_SET_MS: i64 = 946_684_800_000;

/// The time of a line that stands for itself: with a date.
pub(super) fn absolute(prefix: Option<Timestamp>, sentence: &[u8]) -> Option<Timestamp> {
    let stamp = stamp(prefix, sentence)?;
    if !stamp.is_time_of_day {
        return Some(Timestamp::from_millis(stamp.ms));
    }
    recorded_time::day(sentence).map(|day| day.plus_millis(stamp.ms))
}

/// The time that a line tells, if only that of the day.
pub(super) fn stamp(prefix: Option<Timestamp>, sentence: &[u8]) -> Option<Stamp> {
    let prefix = prefix.filter(|time| time.as_millis() >= CLOCK_SET_MS);
    recorded_time::stamp(prefix, sentence)
}

/// The time of the lines as they pass by.
#[derive(Debug)]
pub(super) struct Dating {
    now: Timestamp,
    guide: Guide,
    /// No line of the recording tells any time: ten a second.
    is_even: bool,
}

impl Dating {
    /// What comes before the first line that tells the time is of `first`. With `is_even` no line ever does.
    pub(super) fn new(first: Timestamp, is_even: bool) -> Self {
        Self { now: first, guide: Guide::default(), is_even }
    }

    /// The time of the line before.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The time of the next line.
    pub(super) fn line(&mut self, prefix: Option<Timestamp>, sentence: &[u8]) -> Timestamp {
        if self.is_even {
            self.now = self.now.plus_millis(LINE_MS);
            return self.now;
        }
        if let Some(stamp) = self.guide.follows(stamp(prefix, sentence)) {
            self.guide.set(stamp);
            self.now = match recorded_time::day(sentence) {
                _ if !stamp.is_time_of_day => Timestamp::from_millis(stamp.ms),
                Some(day) => day.plus_millis(stamp.ms),
                None => nearest(self.now, stamp.ms),
            };
        }
        self.now
    }
}

/// This time of the day, on the day on which it lies nearest to `about`.
pub(super) fn nearest(about: Timestamp, time_of_day_ms: i64) -> Timestamp {
    let today = about.start_of_day().plus_millis(time_of_day_ms);
    match today.as_millis() - about.as_millis() {
        ahead if ahead > HALF_DAY_MS => today.plus_millis(-2 * HALF_DAY_MS),
        ahead if ahead < -HALF_DAY_MS => today.plus_millis(2 * HALF_DAY_MS),
        _ => today,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(first: &str, is_even: bool, lines: &[&str]) -> Vec<String> {
        let mut dating = Dating::new(Timestamp::parse(first).unwrap(), is_even);
        let date = |line: &&str| {
            let (prefix, sentence) = recorded_time::split_prefix(line.as_bytes());
            dating.line(prefix, sentence).to_string()[5..19].to_owned()
        };
        lines.iter().map(date).collect()
    }

    #[test]
    fn sentences_with_a_date_date_the_others() {
        let lines = [
            "$IIMWV,1",
            "$GPRMC,235958,A,,,,,,,030726,,",
            "$IIMWV,2",
            "$GPRMC,235959,V,,,,,,,010100,,",
            "$GPRMC,000001,A,,,,,,,040726,,",
            "$GPGGA,120000",
        ];
        let expected = [
            "07-03T23:59:58",
            "07-03T23:59:58",
            "07-03T23:59:58",
            "07-03T23:59:59",
            "07-04T00:00:01",
            "07-04T00:00:01",
        ];
        assert_eq!(dated("2026-07-03T23:59:58Z", false, &lines), expected);
    }

    #[test]
    fn a_time_of_day_is_of_the_nearest_day() {
        let lines = ["$GPGGA,235950", "$GPGGA,000010", "$GPGGA,000009", "$GPGGA,235959", "$GPGGA,120000"];
        let expected = ["07-03T23:59:50", "07-04T00:00:10", "07-04T00:00:09", "07-03T23:59:59", "07-03T12:00:00"];
        assert_eq!(dated("2026-07-03T23:00:00Z", false, &lines), expected);
    }

    #[test]
    fn a_logger_counts_for_more_unless_its_clock_was_not_set() {
        let lines = ["1783119600000;N;$IIMWV,1", "$GPRMC,230000,A,,,,,,,010126,,", "1783119601000;N;$IIMWV,1"];
        assert_eq!(
            dated("2026-01-01T00:00:00Z", false, &lines),
            ["07-03T23:00:00", "07-03T23:00:00", "07-03T23:00:01"]
        );
        let unset = ["0000000100000;N;$GPRMC,230000,A,,,,,,,010126,,", "0000000101000;N;$IIMWV,1"];
        assert_eq!(dated("2026-01-01T00:00:00Z", false, &unset), ["01-01T23:00:00", "01-01T23:00:00"]);
    }

    #[test]
    fn without_any_time_ten_lines_are_a_second() {
        let lines = ["$IIMWV,1"; 11];
        assert_eq!(dated("2026-01-01T00:00:00Z", true, &lines)[9..], ["01-01T00:00:01", "01-01T00:00:01"]);
    }
}
