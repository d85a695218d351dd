//! How long to wait before the next attempt: longer each time, to a bound, and never twice the same, so that ten boats in
//! a harbour (or ten inputs after a power cut) don't knock at the same door together.

use std::time::Duration;

/// Exponential waiting with jitter. Pure: randomness is an argument.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// The first wait is at most `first`, each next one twice as long at the most, none longer than `max`.
    pub fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, ceiling: first.min(max) }
    }

    /// The next wait: between half of the present ceiling and all of it. `random` is any 64 random bits.
    pub fn next(&mut self, random: u64) -> Duration {
        let half = self.ceiling / 2;
        let share = (random >> 32) as f64 / f64::from(u32::MAX);
        self.ceiling = (self.ceiling * 2).min(self.max);
        half + half.mul_f64(share)
    }

    /// Forgets the failures so far: the other side was there for a good while.
    pub fn reset(&mut self) {
        self.ceiling = self.first.min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_to_the_bound_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(3));
        let longest: Vec<u128> = (0..5).map(|_| backoff.next(u64::MAX).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(backoff.next(0).as_millis(), 1500, "the luckiest waits half");
        backoff.reset();
        assert_eq!(backoff.next(u64::MAX).as_millis(), 500);
    }

    proptest! {
        #[test]
        fn no_wait_is_outside_its_bounds(randoms in prop::collection::vec(any::<u64>(), 1..40)) {
            let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
            for random in randoms {
                let wait = backoff.next(random);
                prop_assert!(wait >= Duration::from_millis(250) && wait <= Duration::from_secs(30), "{wait:?}");
            }
        }
    }
}
