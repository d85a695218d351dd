//! The pace of a replay: how long after its beginning each line is due. Pure: it never looks at a clock.

use super::recorded_time::Stamp;

/// A line of a recording that tells no time takes this long at rate 1: ten sentences a second.
pub(super) const LINE_MS: i64 = 100;

/// Lines between two that tell the time, before the recording counts as one that has stopped telling it: more than any boat
/// says in a second, so that real recordings are never slowed down.
const UNTIMED_LINES_MAX: u32 = 200;

/// A hole in a recording takes no longer than this at rate 1.
const HOLE_MS_MAX: i64 = 30_000;

/// Half a day: a time of day that lies further back is of the next day.
pub(super) const HALF_DAY_MS: i64 = 43_200_000;

/// Chooses the clock that a recording is followed by, of the several that its lines tell.
#[derive(Debug, Default)]
pub(super) struct Guide {
    /// The clock followed, as it was seen last.
    base: Option<Stamp>,
    untimed_lines: u32,
}

impl Guide {
    /// The clock followed, as it was seen last.
    pub(super) fn base(&self) -> Option<Stamp> {
        self.base
    }

    /// Whether the stamp of the next line is followed: the first one, a better one, or one of the same origin.
    pub(super) fn follows(&mut self, stamp: Option<Stamp>) -> Option<Stamp> {
        let followed = stamp.filter(|stamp| self.goes_by(*stamp));
        if followed.is_some() {
            self.untimed_lines = 0;
        } else {
            self.untimed_lines = self.untimed_lines.saturating_add(1);
        }
        followed
    }

    /// The clock stands here now.
    pub(super) fn set(&mut self, stamp: Stamp) {
        self.base = Some(stamp);
    }

    /// No clock has been seen, or none for long.
    pub(super) fn is_lost(&self) -> bool {
        self.base.is_none() || self.untimed_lines > UNTIMED_LINES_MAX
    }

    fn goes_by(&mut self, stamp: Stamp) -> bool {
        let Some(base) = self.base else { return true };
        if (stamp.basis, stamp.by) == (base.basis, base.by) {
            return true;
        }
        let base_has_gone = self.untimed_lines > UNTIMED_LINES_MAX;
        if stamp.basis > base.basis || base_has_gone {
            // From here on by this one; what lies between the two is not known and takes no time.
            self.base = Some(stamp);
            return true;
        }
        false
    }
}

/// The state of a replay's pace.
#[derive(Debug)]
pub(super) struct Pace {
    rate: f64,
    guide: Guide,
    /// Recorded time gone by.
    elapsed_ms: f64,
}

impl Pace {
    /// `rate` times as fast as recorded; it is positive and finite.
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, guide: Guide::default(), elapsed_ms: 0.0 }
    }

    /// When the next line is due, in milliseconds since the replay began.
    pub(super) fn due_ms(&mut self, stamp: Option<Stamp>) -> f64 {
        if let Some(stamp) = self.guide.follows(stamp) {
            let base = self.guide.base();
            self.elapsed_ms += base.map_or(0, |base| step_ms(base, stamp)) as f64;
            // A step back that is no midnight (a late sentence) must not be walked twice.
            if base.is_none_or(|base| !is_late(base, stamp)) {
                self.guide.set(stamp);
            }
        } else if self.guide.is_lost() {
            self.elapsed_ms += LINE_MS as f64;
        }
        self.elapsed_ms / self.rate
    }
}

/// Recorded milliseconds from one stamp to the next of the same origin.
fn step_ms(from: Stamp, to: Stamp) -> i64 {
    let step = signed_step_ms(from, to);
    step.clamp(0, HOLE_MS_MAX)
}

fn signed_step_ms(from: Stamp, to: Stamp) -> i64 {
    let step = to.ms.saturating_sub(from.ms);
    if to.is_time_of_day && step < -HALF_DAY_MS { step + 2 * HALF_DAY_MS } else { step }
}

/// A little back: late, not a recording that starts over.
fn is_late(base: Stamp, stamp: Stamp) -> bool {
    (-HOLE_MS_MAX..0).contains(&signed_step_ms(base, stamp))
}

#[cfg(test)]
mod tests {
    use super::super::recorded_time::{self, Basis};
    use super::*;
    use proptest::prelude::*;

    fn due(rate: f64, lines: &[&str]) -> Vec<f64> {
        let mut pace = Pace::new(rate);
        let due = |line: &&str| {
            let (prefix, rest) = recorded_time::split_prefix(line.as_bytes());
            pace.due_ms(recorded_time::stamp(prefix, rest))
        };
        lines.iter().map(due).collect()
    }

    #[test]
    fn a_recording_is_replayed_in_its_own_time() {
        let lines = ["$GPRMC,092211.00,A", "$IIMWV,1", "$GPRMC,092212.50,A", "$IIMWV,1", "$GPRMC,092214,A"];
        assert_eq!(due(1.0, &lines), [0.0, 0.0, 1500.0, 1500.0, 3000.0]);
        assert_eq!(due(10.0, &lines), [0.0, 0.0, 150.0, 150.0, 300.0]);
    }

    #[test]
    fn without_times_ten_sentences_take_a_second() {
        assert_eq!(due(1.0, &["$IIMWV,1", "$IIMWV,2", "$IIMWV,3"]), [100.0, 200.0, 300.0]);
        assert_eq!(due(2.0, &["$IIMWV,1", "$IIMWV,2"]), [50.0, 100.0]);
    }

    #[test]
    fn one_clock_is_followed_and_the_others_are_not() {
        let lines = ["$GPRMC,100000,A", "$IIRMC,103000,A", "$GPRMC,100001,A", "$IIRMC,103001,A"];
        assert_eq!(due(1.0, &lines), [0.0, 0.0, 1000.0, 1000.0]);
    }

    #[test]
    fn a_loggers_time_is_better_than_a_receivers() {
        let lines =
            ["$GPRMC,100000,A", "1404122400000;A;$IIMWV,1", "1404122402000;A;$GPRMC,100001,A", "$GPRMC,100009,A"];
        assert_eq!(due(1.0, &lines), [0.0, 0.0, 2000.0, 2000.0]);
    }

    #[test]
    fn midnight_holes_and_late_lines() {
        assert_eq!(due(1.0, &["$GPRMC,235959,A", "$GPRMC,000001,A"]), [0.0, 2000.0], "midnight");
        assert_eq!(due(1.0, &["$GPRMC,100000,A", "$GPRMC,180000,A"]), [0.0, 30_000.0], "a hole");
        let late = ["$GPRMC,100005,A", "$GPRMC,100003,A", "$GPRMC,100006,A"];
        assert_eq!(due(1.0, &late), [0.0, 0.0, 1000.0], "late");
        let anew = ["$GPRMC,100500,A", "$GPRMC,100000,A", "$GPRMC,100001,A"];
        assert_eq!(due(1.0, &anew), [0.0, 0.0, 1000.0], "a recording that starts over");
    }

    #[test]
    fn a_receiver_that_loses_its_fix_does_not_set_the_replay_racing() {
        let mut lines = vec!["$GPRMC,100000,A"];
        lines.resize(1 + UNTIMED_LINES_MAX as usize, "$GPRMC,,V");
        lines.extend(["$GPRMC,,V"; 10]);
        assert_eq!(due(1.0, &lines).last(), Some(&1000.0));
    }

    fn stamp() -> impl Strategy<Value = Option<Stamp>> {
        let basis = prop::sample::select(vec![Basis::Content, Basis::TagBlock, Basis::Prefix]);
        let stamp = (basis, any::<i64>(), any::<bool>(), prop::sample::select(vec![*b"GPRMC", *b"IIZDA"]));
        prop::option::of(stamp.prop_map(|(basis, ms, is_time_of_day, by)| Stamp { basis, ms, is_time_of_day, by }))
    }

    proptest! {
        #[test]
        fn no_line_is_due_before_the_one_ahead_of_it_nor_long_after(stamps in prop::collection::vec(stamp(), 0..60)) {
            let mut pace = Pace::new(1.0);
            let mut before = 0.0;
            for stamp in stamps {
                let due = pace.due_ms(stamp);
                prop_assert!((before..=before + HOLE_MS_MAX as f64).contains(&due), "{before} to {due}");
                before = due;
            }
        }
    }
}
