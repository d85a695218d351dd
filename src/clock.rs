//! The one place that reads the clocks of the machine. Everything else gets a [`Now`] as an argument, or asks the
//! [`Clock`] that it was given.
//!
//! [`trust`] judges whether the wall clock is to be believed, [`board`] says what the machine's files know of it, and
//! [`boat`] puts both together into the clock that the server asks.

pub mod board;
pub mod boat;
pub mod trust;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::kernel::time::{Moment, Now, Timestamp};

/// Tells the time. Shared as `Arc<dyn Clock>`.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Wall and monotonic time, read together.
    fn now(&self) -> Now;

    /// Whether the wall time is to be believed. A clock that nobody judges is.
    fn is_trusted(&self) -> bool {
        true
    }
}

/// The clocks of the machine. Its moments count from when it was made, which is when the process starts.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose moment zero is now.
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Now {
        let mono = Moment::from_millis(self.origin.elapsed().as_millis() as u64);
        // A board without a clock of its own may well believe that it is before 1970.
        let wall_ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        };
        Now { wall: Timestamp::from_millis(wall_ms), mono }
    }
}

/// A clock that stands still until it is told to move: for tests and for worlds with a time of their own.
#[derive(Debug)]
pub struct ManualClock(Mutex<Now>);

impl ManualClock {
    /// A clock that shows `wall` at moment zero.
    pub fn new(wall: Timestamp) -> Self {
        Self(Mutex::new(Now { wall, mono: Moment::default() }))
    }

    /// Lets `ms` milliseconds pass on both clocks.
    pub fn advance(&self, ms: u64) {
        self.change(|now| *now = Now { wall: now.wall.plus_millis(ms as i64), mono: now.mono + ms });
    }

    /// Sets the wall clock alone, as NTP or a navigator does.
    pub fn set_wall(&self, wall: Timestamp) {
        self.change(|now| now.wall = wall);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Now) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        self.change(|now| *now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told() {
        let clock = ManualClock::new(Timestamp::from_millis(1_000));
        clock.advance(250);
        assert_eq!(clock.now(), Now { wall: Timestamp::from_millis(1_250), mono: Moment::from_millis(250) });
        clock.set_wall(Timestamp::from_millis(9_000));
        assert_eq!(clock.now(), Now { wall: Timestamp::from_millis(9_000), mono: Moment::from_millis(250) });
    }

    #[test]
    fn the_system_clock_never_runs_backwards() {
        let clock = SystemClock::new();
        let first = clock.now();
        let second = clock.now();
        assert!(second.mono >= first.mono);
        assert!(first.mono.as_millis() < 60_000, "moments count from when the clock was made");
        assert!(first.wall > Timestamp::from_millis(1_700_000_000_000), "this machine knows that it is after 2023");
    }
}
