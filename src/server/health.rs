//! `GET /healthz` and `GET /readyz`: is the server well, and is it taking clients? For a watchdog, for `taffrail status`,
//! and for whoever looks with a browser.
//!
//! Nothing here takes a lock that the hub holds, so that the answer comes even when the hub stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use axum::extract::State as Extract;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::{Shared, headers};
use crate::clock::trust::Verdict;
#[cfg(feature = "history")]
use crate::history::status::{State as Recording, Status as Recorder};
use crate::hub::HubCounters;
use crate::input::status::{InputStatus, State};
use crate::kernel::encode::API_VERSION;
use crate::kernel::time::{Moment, Now};

/// The hub goes round at least once a second; without a round in so many looks, a second apart, it stands still.
const LOOKS_WITHOUT_ROUND_MAX: u32 = 10;

/// Whether the server runs as it should.
#[derive(Debug, Default)]
pub struct Health {
    started: Moment,
    ready: AtomicBool,
    hub_rounds: AtomicU64,
    looks_without_round: AtomicU32,
}

impl Health {
    /// A server that is being started.
    pub fn new(started: Moment) -> Self {
        Self { started, ..Self::default() }
    }

    /// When the server was started.
    pub fn started(&self) -> Moment {
        self.started
    }

    /// Everything runs, or (false) the server has begun to stop.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// To be called once a second.
    pub(super) fn look_at_hub(&self, hub: &HubCounters) {
        let rounds = hub.rounds.load(Ordering::Relaxed);
        if self.hub_rounds.swap(rounds, Ordering::Relaxed) == rounds {
            self.looks_without_round.fetch_add(1, Ordering::Relaxed);
        } else {
            self.looks_without_round.store(0, Ordering::Relaxed);
        }
    }

    fn hub_stands_still(&self) -> bool {
        self.looks_without_round.load(Ordering::Relaxed) >= LOOKS_WITHOUT_ROUND_MAX
    }
}

/// How everything is. 503 when the hub stands still: then nothing moves, and a restart may help.
pub async fn healthz(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let now = shared.clock.now();
    let standing = shared.health.hub_stands_still();
    let status = match (standing, shared.health.ready.load(Ordering::Relaxed)) {
        (true, _) => "stalled",
        (false, true) => "ok",
        (false, false) => "stopping",
    };
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let hub = &shared.hub_counters;
    let mut body = json!({
        "status": status,
        "name": shared.identity.name,
        "self": shared.identity.own,
        "version": env!("CARGO_PKG_VERSION"),
        "apiVersion": API_VERSION,
        "uptime": now.mono.since(shared.health.started) / 1_000,
        "clock": clock(&shared.clock.verdict(), now),
        "inputs": shared.inputs().iter().map(|input| described(input, now)).collect::<Vec<_>>(),
        "hub": {
            "batches": count(&hub.batches),
            "changes": count(&hub.changes),
            "refused": count(&hub.refused),
            "rounds": count(&hub.rounds),
            "head": shared.feed.head(),
        },
        "streams": {"open": count(&shared.counters.open), "opened": count(&shared.counters.opened)},
    });
    #[cfg(feature = "history")]
    if let Some(history) = &shared.history {
        body["history"] = recorder(&history.status.get(), now);
    }
    #[cfg(not(feature = "history"))]
    let _ = &mut body;
    let code = if standing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, uncached(headers::json_body(body.to_string()))).into_response()
}

/// Whether clients are taken: not before everything runs, and not any more when the server has begun to stop.
pub async fn readyz(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let ready = shared.health.ready.load(Ordering::Relaxed) && !shared.token.is_cancelled();
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, uncached(headers::json_body(json!({"ready": ready}).to_string()))).into_response()
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    response
}

/// The clock. Times are seconds.
fn clock(verdict: &Verdict, now: Now) -> Json {
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    json!({
        "trusted": verdict.trusted,
        "why": verdict.why.as_str(),
        "reason": verdict.why.to_string(),
        "time": now.wall.to_string(),
        "correction": seconds(verdict.correction_ms),
        "steps": verdict.steps,
        "lastStep": verdict.last_step_ms.map(seconds),
    })
}

/// An input. Times are seconds, back from now; `null` for never.
fn described(input: &InputStatus, now: Now) -> Json {
    let report = input.report();
    let seconds = |since: Moment| now.mono.since(since) as f64 / 1_000.0;
    let c = &report.counters;
    json!({
        "name": &**input.name(),
        "state": state_name(report.state),
        "connection": &*report.object,
        "lastHeard": report.last_heard.map(seconds),
        "problem": report.problem.map(|problem| json!({"text": &*problem.text, "at": problem.at.to_string()})),
        "reconnects": report.reconnects,
        "turnedAway": report.turned_away,
        "droppedUpdates": report.dropped_updates,
        "bytes": c.bytes,
        "sentences": c.sentences,
        "understood": c.understood,
        "nothing": c.nothing,
        "void": c.void,
        "unknown": c.unknown,
        "badChecksum": c.bad_checksum,
        "malformed": c.malformed,
        "noiseBytes": c.noise_bytes,
        "badTagBlocks": c.bad_tag_blocks,
    })
}

/// The recorder. A history that cannot be written is no reason for a restart: it says so here and is tried again.
#[cfg(feature = "history")]
fn recorder(status: &Recorder, now: Now) -> Json {
    let retry_in = match &status.state {
        Recording::Degraded { retry_at, .. } => Some(retry_at.since(now.mono) as f64 / 1_000.0),
        _ => None,
    };
    json!({
        "state": status.word(now.mono),
        "problem": status.problem(now.mono),
        "retryIn": retry_in,
        "records": status.records,
        "lost": status.lost,
        "leftOut": status.left_out,
        "refused": status.refused,
        "commits": status.commits,
        "sentences": status.sentences,
        "sentencesLost": status.sentences_lost,
        "durable": status.durable_seq,
        "lastCommit": status.last_commit.map(|at| at.to_string()),
        "commitInterval": status.commit_interval_ms as f64 / 1_000.0,
        "bytes": status.used_bytes,
        "bytesPerDay": status.bytes_per_day,
        "bytesPerDayMax": status.bytes_per_day_max,
        "economy": {
            "step": status.economy,
            "othersOneIn": status.others_one_in_ms as f64 / 1_000.0,
            "ownOneIn": status.own_one_in_ms as f64 / 1_000.0,
        },
        "freeBytes": status.free_bytes,
        "damagedBlobs": status.damaged_blobs,
        "setAside": status.set_aside,
        "lastError": status.last_error,
    })
}

/// A word for what an input is doing.
pub(super) const fn state_name(state: State) -> &'static str {
    match state {
        State::Connecting => "connecting",
        State::Running { .. } => "running",
        State::Waiting { .. } => "waiting",
        State::Ended => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_without_rounds_is_noticed_and_forgiven() {
        let (health, hub) = (Health::default(), HubCounters::default());
        hub.rounds.store(7, Ordering::Relaxed);
        for _ in 0..=LOOKS_WITHOUT_ROUND_MAX {
            assert!(!health.hub_stands_still());
            health.look_at_hub(&hub);
        }
        assert!(health.hub_stands_still());
        hub.rounds.store(8, Ordering::Relaxed);
        health.look_at_hub(&hub);
        assert!(!health.hub_stands_still());
    }
}
