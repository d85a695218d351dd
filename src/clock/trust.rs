//! Whether the wall clock is to be believed, and what time it is aboard: evidence in, verdict out. Pure.
//!
//! The wall clock of the machine and its monotonic clock go at the same pace (NTP slews both), so their distance changes
//! only when somebody sets the wall clock: that is a *step*. Between two steps lies an *era*, in which one number, the
//! distance, turns every moment into a wall time. When a later era turns out to be right, stamps of an era before it are
//! moved by the difference of the two numbers, to the millisecond, whatever the clock showed then.

use std::collections::VecDeque;
use std::fmt;

use crate::kernel::time::{Moment, Now, Timestamp};

/// A moment before which no build of this program ran (2026-11-22): a clock that shows less has not been set. To be moved on
/// with each release.
pub const BUILT_AFTER: Timestamp = Timestamp::from_millis(1_795_305_600_000);
/// The wall clock was set when its distance to the monotonic clock changed by this much, in milliseconds. Smaller steps are
/// left alone: sentences are no more exact than that.
pub const STEP_MIN_MS: i64 = 1_000;
/// Dates and clocks agree when they are this close, in milliseconds: a sentence comes up to a second after the time that it
/// tells, and a network adds to that.
const AGREE_MS: u64 = 3_000;
/// Dates of one input that must agree with each other before the time is taken from them …
const DATES_MIN: u32 = 3;
/// … and the time that must lie between the first and the last, in milliseconds.
const DATES_SPAN_MS: u64 = 5_000;
/// Dates later than this many milliseconds after [`BUILT_AFTER`] are not believed: the 1024 weeks of a GPS rollover.
const FUTURE_MAX_MS: i64 = 1024 * 7 * 86_400_000;
/// Inputs whose dates are followed; those of others are not looked at.
const WITNESSES_MAX: usize = 8;
/// Eras that are remembered; of more the oldest are forgotten. Only stamps on their way from an input to the recorder need
/// any but the newest.
const ERAS_MAX: usize = 64;

/// What the wall clock is believed for. The later of two is the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grounds {
    /// This is not a board of which it is known that it may lack a clock of its own.
    Computer,
    /// A real-time clock kept the time while the power was off.
    RealTimeClock,
    /// Somebody set the clock while the server ran: a time daemon, or a hand.
    Set,
    /// A satellite receiver's dates.
    Dates,
    /// The system says that it has synchronised the clock.
    Synchronised,
}

/// How it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The clock is right, whatever it shows.
    Always,
    /// The clock is never believed.
    Never,
    /// By evidence. With `None` there is none at the start.
    Judged(Option<Grounds>),
}

/// Why the clock is believed, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The configuration says that it is right.
    Configured,
    /// There are grounds.
    Grounds(Grounds),
    /// The configuration says not to believe it.
    Distrusted,
    /// It shows a time before this program was made.
    BeforeBuild,
    /// The board has no clock of its own, and nothing has confirmed the time yet.
    Unconfirmed,
}

impl Why {
    /// One word, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Grounds(Grounds::Computer) => "computer",
            Self::Grounds(Grounds::RealTimeClock) => "realTimeClock",
            Self::Grounds(Grounds::Set) => "set",
            Self::Grounds(Grounds::Dates) => "gnss",
            Self::Grounds(Grounds::Synchronised) => "synchronised",
            Self::Distrusted => "distrusted",
            Self::BeforeBuild => "beforeBuild",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured => "the configuration says that the clock is right",
            Self::Grounds(Grounds::Computer) => "a computer of this kind keeps the time while it is off",
            Self::Grounds(Grounds::RealTimeClock) => "a real-time clock keeps the time",
            Self::Grounds(Grounds::Set) => "the clock was set while the server ran",
            Self::Grounds(Grounds::Dates) => "a satellite receiver tells the date",
            Self::Grounds(Grounds::Synchronised) => "the system has synchronised the clock",
            Self::Distrusted => "the configuration says not to believe the clock",
            Self::BeforeBuild => "the clock shows a time before this program was made",
            Self::Unconfirmed => "this board has no clock of its own, and nothing has confirmed the time yet",
        })
    }
}

/// What is thought of the clock now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is believed.
    pub trusted: bool,
    /// Why.
    pub why: Why,
    /// Added to what the machine's clock shows, in milliseconds: not zero while the dates of a receiver are believed and the
    /// machine's clock is not.
    pub correction_ms: i64,
    /// How often the machine's clock was set since the start.
    pub steps: u64,
    /// By how many milliseconds it was set the last time.
    pub last_step_ms: Option<i64>,
}

/// A stretch of time in which the wall clock was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era {
    /// Counts eras of this run.
    pub number: u64,
    /// When it began.
    pub from: Moment,
    /// Wall time minus monotonic time, in milliseconds.
    pub offset_ms: i64,
    /// Whether the wall time was believed.
    pub trusted: bool,
}

/// The eras of this run, the oldest first; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eras(VecDeque<Era>);

impl Eras {
    /// The one that goes on.
    pub fn newest(&self) -> Era {
        *self.0.back().expect("there is one from the start, and the newest is never dropped")
    }

    /// All that are remembered, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Era> {
        self.0.iter()
    }

    /// The one in which `stamp` was read off the clock.
    pub fn of(&self, stamp: Now) -> Era {
        let begun = || self.0.iter().rev().filter(|era| era.from <= stamp.mono);
        // Of two eras that touch in this millisecond, the stamp itself says which.
        let fitting = begun().find(|era| distance(era.offset_ms, offset(stamp)) < STEP_MIN_MS as u64);
        fitting.or_else(|| begun().next()).copied().unwrap_or(self.0[0])
    }
}

/// The dates of one input.
#[derive(Debug, Clone, Copy)]
struct Witness {
    input: u32,
    first: Moment,
    count: u32,
    /// The least delayed date minus its moment.
    offset_ms: i64,
}

/// The judge. Every reading of the machine's clocks goes through it.
#[derive(Debug)]
pub struct Trust {
    rule: Rule,
    grounds: Option<Grounds>,
    /// Of the machine's clock.
    machine_offset_ms: i64,
    correction_ms: i64,
    eras: Eras,
    witnesses: Vec<Witness>,
    steps: u64,
    last_step_ms: Option<i64>,
}

impl Trust {
    /// A judge who begins with this reading of the machine's clocks.
    pub fn new(rule: Rule, machine: Now) -> Self {
        let grounds = if let Rule::Judged(grounds) = rule { grounds } else { None };
        let first = Era { number: 0, from: Moment::default(), offset_ms: offset(machine), trusted: false };
        let mut trust = Self {
            rule,
            grounds,
            machine_offset_ms: first.offset_ms,
            correction_ms: 0,
            eras: Eras(VecDeque::from([first])),
            witnesses: Vec::new(),
            steps: 0,
            last_step_ms: None,
        };
        let trusted = trust.why(machine.mono).is_ok();
        trust.eras.0[0].trusted = trusted;
        trust
    }

    /// The time aboard at a reading of the machine's clocks.
    pub fn now(&self, machine: Now) -> Now {
        Now { wall: machine.wall.plus_millis(self.correction_ms), mono: machine.mono }
    }

    /// Whether the machine's clock was set since the last reading. Then call [`Self::observe`].
    pub fn has_stepped(&self, machine: Now) -> bool {
        distance(offset(machine), self.machine_offset_ms) >= STEP_MIN_MS as u64
    }

    /// Takes a reading, at least once a second: notices that the clock was set, and that it has come to a time that can be.
    pub fn observe(&mut self, machine: Now) {
        if self.has_stepped(machine) {
            let before_ms = self.machine_offset_ms.saturating_add(self.correction_ms);
            let step_ms = offset(machine).saturating_sub(self.machine_offset_ms);
            self.machine_offset_ms = offset(machine);
            self.steps += 1;
            self.last_step_ms = Some(step_ms);
            self.set(machine, before_ms);
        }
        self.settle(machine.mono);
    }

    /// Somebody has set the machine's clock; `before_ms` is the offset of the time aboard until then.
    fn set(&mut self, machine: Now, before_ms: i64) {
        if self.grounds == Some(Grounds::Dates) {
            // The receiver knows better, unless whoever set the clock agrees with it.
            let agree = distance(self.machine_offset_ms, before_ms) <= AGREE_MS;
            self.correction_ms = if agree { 0 } else { before_ms.saturating_sub(self.machine_offset_ms) };
        } else if !self.eras.newest().trusted && machine.wall >= BUILT_AFTER {
            self.ground(Grounds::Set);
        }
    }

    /// The system says that it has synchronised its clock.
    pub fn synchronised(&mut self, machine: Now) {
        self.observe(machine);
        if machine.wall >= BUILT_AFTER {
            self.ground(Grounds::Synchronised);
            self.correction_ms = 0;
            self.settle(machine.mono);
        }
    }

    /// Whether the system may still be asked whether it has synchronised its clock.
    pub fn wants_synchronised(&self) -> bool {
        matches!(self.rule, Rule::Judged(_)) && (!self.eras.newest().trusted || self.grounds == Some(Grounds::Dates))
    }

    /// An input told a full and valid date at this reading of the machine's clocks.
    pub fn date(&mut self, input: u32, date: Timestamp, machine: Now) {
        self.observe(machine);
        let trusted = self.eras.newest().trusted;
        let wanted = matches!(self.rule, Rule::Judged(_)) && (!trusted || self.grounds == Some(Grounds::Dates));
        // A receiver whose week number has rolled over is behind by 19 years: it confirms nothing.
        if !wanted || date < BUILT_AFTER || date > BUILT_AFTER.plus_millis(FUTURE_MAX_MS) {
            return;
        }
        let told_ms = date.as_millis().saturating_sub(as_ms(machine.mono));
        if !trusted && machine.wall >= BUILT_AFTER && distance(told_ms, self.machine_offset_ms) <= AGREE_MS {
            self.ground(Grounds::Dates);
        } else if let Some(offset_ms) = self.heard(input, told_ms, machine.mono) {
            let aboard_ms = self.machine_offset_ms.saturating_add(self.correction_ms);
            if !trusted || distance(offset_ms, aboard_ms) > AGREE_MS {
                self.correction_ms = offset_ms.saturating_sub(self.machine_offset_ms);
            }
            self.ground(Grounds::Dates);
        }
        self.settle(machine.mono);
    }

    /// Notes a date; what the dates of this input come to, once there are enough.
    fn heard(&mut self, input: u32, told_ms: i64, at: Moment) -> Option<i64> {
        let known = self.witnesses.iter().position(|witness| witness.input == input);
        let begun = Witness { input, first: at, count: 1, offset_ms: told_ms };
        let Some(known) = known else {
            if self.witnesses.len() < WITNESSES_MAX {
                self.witnesses.push(begun);
            }
            return None;
        };
        let witness = &mut self.witnesses[known];
        if distance(witness.offset_ms, told_ms) > AGREE_MS {
            *witness = begun;
            return None;
        }
        witness.count += 1;
        witness.offset_ms = witness.offset_ms.max(told_ms);
        let enough = witness.count >= DATES_MIN && at.since(witness.first) >= DATES_SPAN_MS;
        // Decided by these; the next decision is by those that come.
        enough.then(|| self.witnesses.remove(known).offset_ms)
    }

    fn ground(&mut self, grounds: Grounds) {
        if matches!(self.rule, Rule::Judged(_)) {
            self.grounds = self.grounds.max(Some(grounds));
        }
    }

    /// `Ok` when the time aboard is believed at `mono`.
    fn why(&self, mono: Moment) -> Result<Why, Why> {
        let wall_ms = as_ms(mono).saturating_add(self.machine_offset_ms).saturating_add(self.correction_ms);
        match (self.rule, self.grounds) {
            (Rule::Always, _) => Ok(Why::Configured),
            (Rule::Never, _) => Err(Why::Distrusted),
            (Rule::Judged(_), _) if wall_ms < BUILT_AFTER.as_millis() => Err(Why::BeforeBuild),
            (Rule::Judged(_), Some(grounds)) => Ok(Why::Grounds(grounds)),
            (Rule::Judged(_), None) => Err(Why::Unconfirmed),
        }
    }

    /// Begins a new era when what is known now differs from the one that goes on.
    fn settle(&mut self, mono: Moment) {
        let last = self.eras.newest();
        let trusted = self.why(mono).is_ok();
        let offset_ms = self.machine_offset_ms.saturating_add(self.correction_ms);
        if trusted == last.trusted && distance(offset_ms, last.offset_ms) < STEP_MIN_MS as u64 {
            return;
        }
        if self.eras.0.len() >= ERAS_MAX {
            self.eras.0.pop_front();
        }
        self.eras.0.push_back(Era { number: last.number + 1, from: mono, offset_ms, trusted });
    }

    /// What is thought of the clock at this moment.
    pub fn verdict(&self, mono: Moment) -> Verdict {
        let (trusted, why) = match self.why(mono) {
            Ok(why) => (true, why),
            Err(why) => (false, why),
        };
        let Self { correction_ms, steps, last_step_ms, .. } = *self;
        Verdict { trusted, why, correction_ms, steps, last_step_ms }
    }

    /// The eras of this run.
    pub const fn eras(&self) -> &Eras {
        &self.eras
    }
}

fn as_ms(mono: Moment) -> i64 {
    i64::try_from(mono.as_millis()).unwrap_or(i64::MAX)
}

fn offset(reading: Now) -> i64 {
    reading.wall.as_millis().saturating_sub(as_ms(reading.mono))
}

fn distance(a: i64, b: i64) -> u64 {
    a.abs_diff(b)
}

#[cfg(test)]
mod tests;
