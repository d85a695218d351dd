//! When a commit begins: early enough that what it brings is on the disk before it is older than the interval.
//!
//! A value that comes right after a commit began goes with the next one, and is safe when that has ended. So the next one
//! begins before the interval is over, by as long as commits take on this card, and by what a value and a tick may be late.

use crate::kernel::time::Moment;

/// How long the feeder may hold a value back to gather a batch, and how late a tick may be on a busy board, in milliseconds.
const LATE_MS: u64 = 150;
/// The longest commit that is remembered becomes shorter by one part in so many with each that is not as long.
const FADING: u64 = 16;

/// Paces the commits of one writer.
#[derive(Debug)]
pub(super) struct Pace {
    tick_ms: u64,
    began: Option<Moment>,
    /// How long a commit takes, in milliseconds: the longest that was seen, fading.
    takes_ms: u64,
}

impl Pace {
    /// For a writer that is told the time so often.
    pub(super) fn new(tick_ms: u64) -> Self {
        Self { tick_ms, began: None, takes_ms: 0 }
    }

    /// Whether a commit is to begin at this tick, for nothing to be older than `interval_ms` when it is safe. It is never
    /// begun in the first half of the interval: a card that needs longer than the other half cannot keep that promise.
    pub(super) fn is_due(&self, now: Moment, interval_ms: u64) -> bool {
        // With this tick it is in time; with the next one it might not be.
        let ahead = (self.tick_ms + LATE_MS + self.takes_ms).min(interval_ms / 2);
        self.began.is_none_or(|began| now.since(began) + ahead >= interval_ms)
    }

    /// A commit begins.
    pub(super) fn begins(&mut self, now: Moment) {
        self.began = Some(now);
    }

    /// It has ended.
    pub(super) fn took(&mut self, ms: u64) {
        self.takes_ms = ms.max(self.takes_ms - self.takes_ms.div_ceil(FADING));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    /// When the next commit begins after one at 0.
    fn next(pace: &mut Pace, interval_ms: u64) -> u64 {
        pace.begins(at(0));
        (0..=interval_ms).map(|n| n * pace.tick_ms).find(|&ms| pace.is_due(at(ms), interval_ms)).unwrap()
    }

    #[test]
    fn a_commit_begins_early_by_as_long_as_it_takes() {
        let mut pace = Pace::new(250);
        assert!(pace.is_due(at(0), 10_000), "the first at once");
        assert_eq!(next(&mut pace, 10_000), 9_750);
        for (took, begins) in [(40, 9_750), (900, 8_750), (3_000, 6_750), (60_000, 5_000)] {
            pace.took(took);
            assert_eq!(next(&mut pace, 10_000), begins, "after one of {took} ms");
        }
    }

    #[test]
    fn one_long_commit_is_forgotten_in_time() {
        let mut pace = Pace::new(250);
        pace.took(4_000);
        for _ in 0..100 {
            pace.took(20);
        }
        assert_eq!(next(&mut pace, 10_000), 9_750);
    }

    #[test]
    fn short_intervals_have_their_half() {
        let mut pace = Pace::new(10);
        assert_eq!(next(&mut pace, 100), 50);
    }
}
