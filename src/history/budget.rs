//! A bound on what is written to the card in a day: commits become rarer first, then other vessels are thinned out, and at
//! last the own one.

use crate::kernel::time::Moment;

/// How long is measured before a step is taken.
const OBSERVE_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;

/// What the recorder does to stay within its budget, from nothing to the most it will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Economy {
    /// How many times the configured commit interval; a power cut loses as much.
    pub interval_factor: u64,
    /// Other vessels: one value of a series in so many milliseconds; 0 keeps all.
    pub others_one_in_ms: u64,
    /// The same for the own vessel.
    pub own_one_in_ms: u64,
    /// Whether sentences are kept, where they are to be.
    pub sentences: bool,
}

const fn step(interval_factor: u64, others_one_in_ms: u64, own_one_in_ms: u64) -> Economy {
    Economy { interval_factor, others_one_in_ms, own_one_in_ms, sentences: interval_factor < 6 }
}

/// The steps. Each writes noticeably less than the one before.
const STEPS: [Economy; 9] = [
    step(1, 0, 0),
    step(2, 0, 0),
    step(6, 0, 0),
    step(6, 10_000, 0),
    step(6, 60_000, 0),
    step(6, 300_000, 0),
    step(6, 300_000, 2_000),
    step(6, 300_000, 10_000),
    step(6, 300_000, 60_000),
];

/// Watches the bytes written and says which step to take.
#[derive(Debug)]
pub struct Budget {
    bytes_per_day_max: Option<u64>,
    step: usize,
    /// When the stretch being measured began, and what had been written by then.
    since: Option<(Moment, u64)>,
    /// Bytes a day that the last stretch came to.
    rate: Option<u64>,
}

impl Budget {
    /// A budget in bytes a day; `None` for no bound.
    pub const fn new(bytes_per_day_max: Option<u64>) -> Self {
        Self { bytes_per_day_max, step: 0, since: None, rate: None }
    }

    /// Notes that `written` bytes have been written in all by now.
    pub fn observe(&mut self, now: Moment, written: u64) {
        let Some((since, before)) = self.since else {
            self.since = Some((now, written));
            return;
        };
        let elapsed = now.since(since);
        if elapsed < OBSERVE_MS {
            return;
        }
        let bytes = written.saturating_sub(before);
        let rate = (u128::from(bytes) * u128::from(DAY_MS) / u128::from(elapsed)) as u64;
        self.rate = Some(rate);
        self.since = Some((now, written));
        let Some(max) = self.bytes_per_day_max else { return };
        if rate > max {
            self.step = (self.step + 1).min(STEPS.len() - 1);
        } else if rate < max / 2 {
            // Half: a step back must not lead straight to the next step up.
            self.step = self.step.saturating_sub(1);
        }
    }

    /// What is to be done now.
    pub fn economy(&self) -> Economy {
        STEPS[self.step]
    }

    /// Which step that is; 0 is none.
    pub const fn step(&self) -> usize {
        self.step
    }

    /// Bytes a day at the rate of the last hour measured.
    pub const fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// The bound, in bytes a day.
    pub const fn bytes_per_day_max(&self) -> Option<u64> {
        self.bytes_per_day_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_by_the_hour_and_taken_back_when_there_is_room() {
        let mut budget = Budget::new(Some(24_000));
        let mut written = 0;
        let mut steps = Vec::new();
        for (hour, bytes) in [0, 2000, 2000, 900, 900, 400, 400].into_iter().enumerate() {
            written += bytes;
            budget.observe(Moment::from_millis(hour as u64 * OBSERVE_MS), written);
            steps.push(budget.step());
        }
        assert_eq!(steps, [0, 1, 2, 2, 2, 1, 0]);
        assert_eq!(budget.rate(), Some(9600));
    }

    #[test]
    fn without_a_bound_nothing_is_done() {
        let mut budget = Budget::new(None);
        budget.observe(Moment::from_millis(0), 0);
        budget.observe(Moment::from_millis(OBSERVE_MS), u64::MAX);
        assert_eq!((budget.step(), budget.economy()), (0, STEPS[0]));
    }
}
