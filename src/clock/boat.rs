//! The clock of the boat: the machine's, with what is known about it. The only one that the server asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Clock;
use super::board::Board;
use super::trust::{Era, Eras, Rule, Trust, Verdict};
use crate::config::ClockTrust;
use crate::kernel::id::Origin;
use crate::kernel::time::{Now, Timestamp};

/// The clock is looked at this often when nobody asks it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Somebody is asked whether the kernel's clock is synchronised this often, as long as nothing else confirms the time.
const ASK_INTERVAL: Duration = Duration::from_secs(30);
/// Readings at the most until two in a row agree that the clock was set: the two clocks are read one after the other, and a
/// pause between looks like a step.
const READINGS_MAX: usize = 5;

/// The machine's clocks under a judge.
#[derive(Debug)]
pub struct BoatClock {
    machine: Arc<dyn Clock>,
    board: Board,
    trust: Mutex<Trust>,
}

impl BoatClock {
    /// The clock of a machine, judged as the configuration says.
    pub fn new(machine: Arc<dyn Clock>, setting: ClockTrust, board: Board) -> Self {
        let rule = match setting {
            ClockTrust::Trusted => Rule::Always,
            ClockTrust::Untrusted => Rule::Never,
            ClockTrust::Auto => Rule::Judged(board.grounds()),
        };
        let trust = Mutex::new(Trust::new(rule, machine.now()));
        let clock = Self { machine, board, trust };
        let (now, verdict) = (clock.now(), clock.look());
        if verdict.trusted {
            tracing::debug!(time = %now.wall, "the clock is trusted: {}", verdict.why);
        } else {
            tracing::warn!(time = %now.wall, board = clock.board.name(), "the clock is not trusted: {}", verdict.why);
        }
        clock
    }

    /// A clock that paces a recording, and is not to be told to anybody.
    pub fn of_a_recording(machine: Arc<dyn Clock>) -> Self {
        let trust = Mutex::new(Trust::new(Rule::Never, machine.now()));
        Self { machine, board: Board::unknown(), trust }
    }

    /// What time it is aboard.
    pub fn now(&self) -> Now {
        self.reading().0
    }

    /// The time, and the era in which it is read: whether the wall time is to be believed.
    pub fn reading(&self) -> (Now, Era) {
        let (trust, machine) = self.read();
        (trust.now(machine), trust.eras().newest())
    }

    /// What is thought of the clock.
    pub fn verdict(&self) -> Verdict {
        let (trust, machine) = self.read();
        trust.verdict(machine.mono)
    }

    /// The eras of this run: what it takes to date a stamp that was read off this clock.
    pub fn eras(&self) -> Eras {
        self.judge_at_rest().eras().clone()
    }

    /// A device told a full and valid date just now.
    pub fn hear_date(&self, input: Origin, date: Timestamp) {
        let (mut trust, machine) = self.read();
        judge(&mut trust, machine, |trust| trust.date(input.0, date, machine));
    }

    /// Looks whether anything has become known. To be called once a second.
    pub fn look(&self) -> Verdict {
        let wants = self.judge_at_rest().wants_synchronised();
        // The file system is asked without the lock.
        let synchronised = wants && self.board.is_synchronised();
        let (mut trust, machine) = self.read();
        judge(&mut trust, machine, |trust| {
            if synchronised {
                trust.synchronised(machine);
            } else {
                trust.observe(machine);
            }
        })
    }

    /// Looks once a second, and asks now and then, until the token is cancelled.
    pub async fn run(self: Arc<Self>, token: CancellationToken) {
        let both = async { tokio::join!(self.keep_looking(), self.keep_asking()) };
        let _ = token.run_until_cancelled(both).await;
    }

    async fn keep_looking(&self) {
        let mut tick = tokio::time::interval(LOOK_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.look();
        }
    }

    async fn keep_asking(&self) {
        let mut tick = tokio::time::interval(ASK_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let wants = self.judge_at_rest().wants_synchronised();
            if wants && self.board.kernel_is_synchronised().await {
                let (mut trust, machine) = self.read();
                judge(&mut trust, machine, |trust| trust.synchronised(machine));
            }
        }
    }

    /// The judge, without a look at the clocks: whatever was read off this clock before is in an era that it knows.
    fn judge_at_rest(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the machine's clocks; every reading is under the lock, so that none is older than the era it is taken for.
    fn read(&self) -> (MutexGuard<'_, Trust>, Now) {
        let mut trust = self.judge_at_rest();
        let mut machine = self.machine.now();
        for _ in 0..READINGS_MAX {
            if !trust.has_stepped(machine) {
                return (trust, machine);
            }
            let again = self.machine.now();
            let difference = |now: Now| now.wall.as_millis() - now.mono.as_millis() as i64;
            if difference(again).abs_diff(difference(machine)) < super::trust::STEP_MIN_MS as u64 {
                judge(&mut trust, again, |trust| trust.observe(again));
                return (trust, again);
            }
            machine = again;
        }
        (trust, machine)
    }
}

/// Changes the judge's mind, and says in the log what is different then.
fn judge(trust: &mut Trust, machine: Now, change: impl FnOnce(&mut Trust)) -> Verdict {
    let (before, old) = (trust.verdict(machine.mono), trust.eras().newest());
    change(trust);
    let (after, time) = (trust.verdict(machine.mono), trust.now(machine).wall);
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    if after.steps > before.steps {
        let by = seconds(after.last_step_ms.unwrap_or_default());
        tracing::warn!("the clock of the machine was set by {by:+} s, or the machine slept; it is {time}");
    }
    if after.correction_ms != before.correction_ms {
        let off = seconds(after.correction_ms);
        tracing::info!("the time is that of the machine and {off:+} s: {}", after.why);
    }
    // A rule that trusts from the start has an era that says so already.
    if after.trusted != old.trusted {
        let words = if after.trusted { "trusted" } else { "not trusted any more" };
        tracing::info!(%time, "the clock is {words}: {}", after.why);
    }
    after
}

impl Clock for BoatClock {
    fn now(&self) -> Now {
        self.now()
    }

    fn is_trusted(&self) -> bool {
        self.judge_at_rest().eras().newest().trusted
    }
}
