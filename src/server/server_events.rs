//! What `?serverevents=all` adds to a stream: frames about the server itself, which dashboards show (STR-14). They have a
//! `type` and no `updates`, so other clients never get them.
//!
//! One task makes each frame once; a stream takes the newest of each kind when it is ready for one, so that a slow client
//! costs nothing and never gets old figures.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::Shared;
use super::figures::{Figures, Snapshot};
use crate::input::Batch;
use crate::input::status::{InputReport, State};
use crate::kernel::id::Origin;
use crate::kernel::query;
use crate::kernel::time::Timestamp;
use crate::kernel::update::Update;

/// Inputs are looked at this often.
const TICK: Duration = Duration::from_secs(1);
/// Every so many ticks: `SERVERSTATISTICS`.
const STATISTICS_TICKS: u64 = 5;
/// Every so many ticks: figures of the server as values of the own vessel.
const VALUES_TICKS: u64 = 10;

/// The newest frame of each kind.
#[derive(Debug)]
pub struct Events {
    statistics: watch::Sender<Bytes>,
    inputs: watch::Sender<Bytes>,
}

impl Default for Events {
    fn default() -> Self {
        Self { statistics: watch::Sender::new(Bytes::new()), inputs: watch::Sender::new(Bytes::new()) }
    }
}

impl Events {
    /// A stream's end. The newest frames of before come first.
    pub fn lane(&self) -> Lane {
        let mut lane = Lane { statistics: self.statistics.subscribe(), inputs: self.inputs.subscribe() };
        lane.statistics.mark_changed();
        lane.inputs.mark_changed();
        lane
    }
}

/// Where a stream gets its frames about the server.
#[derive(Debug)]
pub struct Lane {
    statistics: watch::Receiver<Bytes>,
    inputs: watch::Receiver<Bytes>,
}

impl Lane {
    /// The next frame. Nothing is lost when this is dropped half-way.
    pub async fn next(&mut self) -> Bytes {
        loop {
            let (alive, newest) = tokio::select! {
                biased;
                changed = self.inputs.changed() => (changed.is_ok(), &mut self.inputs),
                changed = self.statistics.changed() => (changed.is_ok(), &mut self.statistics),
            };
            if !alive {
                std::future::pending::<()>().await;
            }
            let frame = newest.borrow_and_update().clone();
            if !frame.is_empty() {
                return frame;
            }
        }
    }
}

/// Makes the frames, and the server's own values, until the server stops.
pub async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut statistics = Figures::default();
    let mut values = Figures::default();
    let mut told = Vec::new();
    #[cfg(feature = "history")]
    let mut notice = super::history_notice::HistoryNotice::default();
    for n in 0_u64.. {
        tokio::select! {
            () = shared.token.cancelled() => return,
            _ = tick.tick() => {}
        }
        shared.health.look_at_hub(&shared.hub_counters);
        if inputs_changed(&mut told, &shared) {
            shared.events.inputs.send_replace(provider_status(&told));
        }
        #[cfg(feature = "history")]
        if let Some(history) = &shared.history {
            let said = notice.look(&history.status.get(), &shared.feed, shared.clock.now().mono);
            if let Some(said) = said.filter(|said| publish(&shared, said.update.clone())) {
                notice.said(&said);
            }
        }
        if n % STATISTICS_TICKS == 0 {
            let now = statistics.next(Snapshot::take(&shared));
            shared.events.statistics.send_replace(server_statistics(now));
        }
        if n % VALUES_TICKS == 0 {
            let now = values.next(Snapshot::take(&shared));
            // Not at the start, when there is nothing to say yet.
            if n > 0 {
                publish(&shared, now.to_update());
            }
        }
    }
}

/// Hands values of the server's own to the hub, unless that is so busy that they would be in the way. False then.
fn publish(shared: &Shared, update: Update) -> bool {
    let received = shared.clock.now();
    let batch = Batch { input: super::figures::SOURCE.into(), origin: Origin::SERVER, received, updates: vec![update] };
    shared.hub.try_send(batch).is_ok()
}

/// `VESSEL_INFO`: who we are.
pub fn vessel_info(shared: &Shared) -> String {
    let now = shared.clock.now();
    let world = shared.feed.read();
    let mut data = serde_json::Map::new();
    for name in ["name", "mmsi", "uuid"] {
        let mut text = String::new();
        if query::write_node(&mut text, &world, &["vessels", "self", name], now) {
            data.insert(name.to_owned(), serde_json::from_str(&text).unwrap_or_default());
        }
    }
    event("VESSEL_INFO", &Json::Object(data))
}

fn server_statistics(now: &Figures) -> Bytes {
    let providers = now.inputs().iter().map(|input| {
        let figures = json!({
            "deltaRate": input.per_second,
            "deltaCount": input.count,
            // Nothing is written to inputs.
            "writeRate": 0,
            "writeCount": 0,
        });
        (input.name.to_string(), figures)
    });
    let data = json!({
        "deltaRate": now.changes_per_second(),
        "numberOfAvailablePaths": now.own_paths(),
        "wsClients": now.streams(),
        "providerStatistics": providers.collect::<serde_json::Map<_, _>>(),
        "uptime": now.uptime_s(),
    });
    event("SERVERSTATISTICS", &data).into()
}

/// What was last told of an input.
#[derive(Debug)]
struct Told {
    name: Arc<str>,
    kind: &'static str,
    message: String,
    since: Timestamp,
    problem: Option<(Arc<str>, Timestamp)>,
}

/// Brings `told` up to date. Whether anything in it is new.
fn inputs_changed(told: &mut Vec<Told>, shared: &Shared) -> bool {
    let statuses = shared.inputs();
    let mut changed = told.len() != statuses.len();
    let wall = shared.clock.now().wall;
    for (n, status) in statuses.iter().enumerate() {
        let report = status.report();
        let (kind, message) = in_words(&report);
        let problem = report.problem.map(|problem| (problem.text, problem.at));
        match told.get_mut(n) {
            Some(last) if last.kind == kind && last.message == message && last.problem == problem => continue,
            Some(last) => {
                last.since = wall;
                (last.kind, last.message, last.problem) = (kind, message, problem);
            }
            None => told.push(Told { name: status.name().clone(), kind, message, since: wall, problem }),
        }
        changed = true;
    }
    changed
}

/// Severity and words for what an input is doing.
fn in_words(report: &InputReport) -> (&'static str, String) {
    match (report.state, &report.problem) {
        (State::Running { .. }, _) => ("status", format!("connected: {}", report.object)),
        (State::Connecting, None) => ("status", "connecting".to_owned()),
        (State::Connecting, Some(problem)) => ("error", format!("connecting again after: {}", problem.text)),
        (State::Waiting { .. }, Some(problem)) => ("error", problem.text.to_string()),
        (State::Waiting { .. }, None) => ("warning", "waiting".to_owned()),
        (State::Ended, Some(problem)) => ("warning", format!("ended: {}", problem.text)),
        (State::Ended, None) => ("warning", "ended".to_owned()),
    }
}

fn provider_status(told: &[Told]) -> Bytes {
    let entry = |told: &Told| {
        let mut entry = json!({
            "type": told.kind,
            "id": &*told.name,
            "statusType": "provider",
            "timeStamp": told.since.to_string(),
            "message": told.message,
        });
        if let Some((text, at)) = &told.problem {
            entry["lastError"] = json!(**text);
            entry["lastErrorTimeStamp"] = json!(at.to_string());
        }
        entry
    };
    event("PROVIDERSTATUS", &told.iter().map(entry).collect()).into()
}

/// One frame. Clients of the reference server look for its name in `from`.
fn event(kind: &str, data: &Json) -> String {
    json!({"type": kind, "from": "signalk-server", "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_stream_gets_the_newest_of_each_kind() {
        let events = Events::default();
        events.inputs.send_replace(Bytes::from_static(b"inputs"));
        let mut lane = events.lane();
        assert_eq!(lane.next().await, "inputs");
        events.statistics.send_replace(Bytes::from_static(b"old"));
        events.statistics.send_replace(Bytes::from_static(b"new"));
        assert_eq!(lane.next().await, "new");
        let nothing = tokio::time::timeout(Duration::from_millis(1), lane.next());
        assert!(nothing.await.is_err(), "what was sent is not sent again");
        drop(events);
        let nothing = tokio::time::timeout(Duration::from_millis(1), lane.next());
        assert!(nothing.await.is_err(), "a stream outlives the frames");
    }
}
