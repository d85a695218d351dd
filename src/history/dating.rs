//! How what is recorded gets its right time: by the eras of the clock.
//!
//! Everything that was handed to the recorder while the clock is not trusted is stamped as if the era that goes on had been
//! there all along. When another one begins, one [`Epoch`] moves all of it there; what was stamped in an old era and comes
//! only now is moved at once.

use super::record::{Epoch, Record};
use crate::clock::trust::{Era, Eras};
use crate::kernel::time::Timestamp;

/// Of one run. It is told of every era, in order, before it dates what comes after.
#[derive(Debug)]
pub struct Dating {
    era: Era,
    /// The first timepoint that the next epoch is about.
    first_seq: u64,
}

impl Dating {
    /// A run whose first timepoint comes after `head`.
    pub fn new(era: Era, head: u64) -> Self {
        Self { era, first_seq: head + 1 }
    }

    /// Goes on to the newest era, with everything up to `upto` handed over; `now` is the time in it. What comes back has to
    /// reach the recorder before anything else does.
    pub fn go_to(&mut self, era: Era, upto: u64, now: Timestamp) -> Option<Epoch> {
        let before = self.era;
        if era.number == before.number {
            return None;
        }
        let (first_seq, last_seq) = (self.first_seq, upto);
        self.era = era;
        if before.trusted || era.trusted {
            self.first_seq = upto + 1;
        }
        let offset_ms = era.offset_ms.saturating_sub(before.offset_ms);
        (last_seq >= first_seq).then_some(Epoch { first_seq, last_seq, offset_ms, at: now })
    }

    /// Dates a record that was stamped in one of these eras.
    pub fn date(&self, record: &mut Record, eras: &Eras) {
        let era = eras.of(crate::kernel::time::Now { wall: record.received, mono: record.received_mono });
        record.trusted_wall = era.trusted || self.era.trusted;
        if !era.trusted {
            record.shift(self.era.offset_ms.saturating_sub(era.offset_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::trust::{BUILT_AFTER, Rule, Trust};
    use crate::history::record::RecordKind;
    use crate::kernel::time::{Moment, Now};
    use crate::kernel::value::Value;

    const OLD: Timestamp = Timestamp::from_millis(10_000);
    const REAL: Timestamp = BUILT_AFTER.plus_millis(1_000_000);

    fn now(wall: Timestamp, mono: u64) -> Now {
        Now { wall: wall.plus_millis(mono as i64), mono: Moment::from_millis(mono) }
    }

    fn record(received: Now, capture: Timestamp) -> Record {
        Record {
            seq: 1,
            context: "c".into(),
            path: "p".into(),
            source: "s".into(),
            capture,
            received: received.wall,
            received_mono: received.mono,
            trusted_wall: false,
            value: Value::Null,
            kind: RecordKind::Value,
        }
    }

    #[test]
    fn steps_of_a_clock_that_is_not_trusted_add_up_to_the_right_time() {
        let mut trust = Trust::new(Rule::Judged(None), now(OLD, 0));
        let mut dating = Dating::new(trust.eras().newest(), 100);
        let early = record(now(OLD, 1), now(OLD, 1).wall);
        let between = OLD.plus_millis(3_600_000);
        trust.observe(now(between, 2));
        let first = dating.go_to(trust.eras().newest(), 110, between).unwrap();
        assert_eq!((first.first_seq, first.last_seq, first.offset_ms), (101, 110, 3_600_000));
        trust.observe(now(REAL, 3));
        let second = dating.go_to(trust.eras().newest(), 120, REAL).unwrap();
        assert_eq!((second.first_seq, second.last_seq), (101, 120), "all of the run");
        assert_eq!(first.offset_ms + second.offset_ms, REAL.as_millis() - OLD.as_millis());
        // What comes late is dated at once, and so is the wall time of what has a time of its own.
        let mut late = early.clone();
        dating.date(&mut late, trust.eras());
        assert_eq!((late.capture, late.received, late.trusted_wall), (now(REAL, 1).wall, now(REAL, 1).wall, true));
        let mut stamped = record(now(OLD, 1), REAL);
        dating.date(&mut stamped, trust.eras());
        assert_eq!((stamped.capture, stamped.received), (REAL, now(REAL, 1).wall));
        assert_eq!(dating.go_to(trust.eras().newest(), 130, REAL), None);
    }

    #[test]
    fn what_a_trusted_clock_stamped_stays_as_it_is() {
        let mut trust = Trust::new(Rule::Always, now(REAL, 0));
        let mut dating = Dating::new(trust.eras().newest(), 100);
        trust.observe(now(REAL.plus_millis(-7_200_000), 5));
        let epoch = dating.go_to(trust.eras().newest(), 110, REAL).unwrap();
        assert_eq!((epoch.first_seq, epoch.last_seq, epoch.offset_ms), (101, 110, -7_200_000), "it is said");
        let mut late = record(now(REAL, 1), now(REAL, 1).wall);
        let as_it_was = late.clone();
        dating.date(&mut late, trust.eras());
        assert_eq!(late, Record { trusted_wall: true, ..as_it_was });
        assert_eq!(dating.go_to(trust.eras().newest(), 110, REAL), None);
    }
}
