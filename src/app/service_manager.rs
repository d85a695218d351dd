//! What the service manager is told, in the words of `sd_notify(3)`: that the server is ready, what it is doing, that it is
//! alive, that it stops. Where nobody listens (`NOTIFY_SOCKET` is not set) nothing of this happens.
//!
//! Alive means that the hub makes its rounds. It makes one a second at the least, whether data come or not, so a hub that
//! hangs, or a runtime that does not come round to this task, costs the heartbeat and systemd starts the server anew.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinHandle;

use super::Server;
use crate::hub::HubCounters;
use crate::input::status::{InputStatus, State};
use crate::server::Shared;

/// The status line is looked at this often; it is sent when it has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);
/// Looks at the hub in one `WatchdogSec`. Two could miss by the jitter of a busy board, four leave room for one bad look.
const LOOKS_PER_WATCHDOG: u32 = 4;

/// Says that the server is ready, and keeps telling until the task is aborted or the process ends.
pub(super) fn ready(server: &Server) -> Option<JoinHandle<()>> {
    std::env::var_os("NOTIFY_SOCKET")?;
    let about =
        About { port: server.http.port(), inputs: server.inputs.statuses().to_vec(), shared: server.shared.clone() };
    say(&[NotifyState::Ready, NotifyState::Status(&about.line())]);
    Some(tokio::spawn(keep_telling(sd_notify::watchdog_enabled(), server.hub.clone(), move || about.line(), say)))
}

/// Says that the server is on its way down.
pub(super) fn stopping() {
    say(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// What the status line is made from.
struct About {
    port: u16,
    inputs: Vec<Arc<InputStatus>>,
    shared: Arc<Shared>,
}

impl About {
    fn line(&self) -> String {
        let running = |input: &&Arc<InputStatus>| matches!(input.report().state, State::Running { .. });
        let running = self.inputs.iter().filter(running).count();
        let clients = self.shared.connections.total();
        format!("port {}: {running} of {} inputs up, connections: {clients}", self.port, self.inputs.len())
    }
}

async fn keep_telling(
    watchdog: Option<Duration>,
    hub: Arc<HubCounters>,
    status: impl Fn() -> String,
    mut say: impl FnMut(&[NotifyState<'_>]),
) {
    let look = watchdog.map_or(STATUS_INTERVAL, |limit| (limit / LOOKS_PER_WATCHDOG).min(STATUS_INTERVAL));
    let mut ticks = tokio::time::interval(look.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut said, mut status_age) = (status(), Duration::ZERO);
    let mut seen = None;
    loop {
        ticks.tick().await;
        let rounds = hub.rounds.load(Ordering::Relaxed);
        let moves = seen.replace(rounds) != Some(rounds);
        if watchdog.is_some() && moves {
            say(&[NotifyState::Watchdog]);
        }
        status_age += look;
        if status_age >= STATUS_INTERVAL {
            status_age = Duration::ZERO;
            let now = status();
            if now != said {
                say(&[NotifyState::Status(&now)]);
                said = now;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What was said within `seconds`, one line for each message; `each_second` is called before every second.
    async fn heard(watchdog: Option<u64>, seconds: u64, each_second: impl Fn(u64, &HubCounters)) -> Vec<String> {
        let (hub, heard) = (Arc::new(HubCounters::default()), Arc::new(Mutex::new(Vec::new())));
        let (rounds, lines) = (hub.clone(), heard.clone());
        let status = move || format!("round {}", rounds.rounds.load(Ordering::Relaxed) / 100);
        let say = move |states: &[NotifyState<'_>]| {
            lines.lock().unwrap().extend(states.iter().map(ToString::to_string));
        };
        let task = tokio::spawn(keep_telling(watchdog.map(Duration::from_secs), hub.clone(), status, say));
        // Half a second off, so that nothing falls together with a look.
        tokio::time::sleep(Duration::from_millis(500)).await;
        for second in 0..seconds {
            each_second(second, &hub);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        task.abort();
        let heard = heard.lock().unwrap();
        heard.clone()
    }

    fn beats(heard: &[String]) -> usize {
        heard.iter().filter(|line| *line == "WATCHDOG=1").count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_hub_that_makes_rounds_beats_several_times_within_the_limit() {
        let heard = heard(Some(8), 80, |_, hub| {
            hub.rounds.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(beats(&heard.await), 41, "every 2 of 80 seconds, and at the start");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hub_that_hangs_costs_the_heartbeat_and_one_that_comes_back_gets_it_back() {
        let heard = heard(Some(8), 120, |second, hub| {
            if !(40..80).contains(&second) {
                hub.rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(beats(&heard.await), 21 + 20, "up to 40 s, and from 82 s");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_watchdog_only_a_changed_status_is_said() {
        let heard = heard(None, 60, |second, hub| {
            hub.rounds.store(if second < 30 { 1 } else { 100 }, Ordering::Relaxed);
        });
        assert_eq!(heard.await, ["STATUS=round 1"]);
    }
}
