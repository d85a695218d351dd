//! Going on at a timepoint: from memory, from the log of the history, over the end of a run; and what is said where
//! something is missing.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::path::Path;
use std::sync::Arc;

use harness::flood::flood;
use harness::{DEADLINE, Heard, Stream as _, TestServer, WsClient, http, values_of};
use serde_json::{Value as Json, json};
use taffrail::clock::SystemClock;
use tokio::time::Instant;

/// More deltas of a flood than the 4 MiB in memory hold.
const FLOOD: usize = 30_000;
const NO_HISTORY: &str = "[history]\nenabled = false\n";

async fn start(toml: &str, state: &Path) -> TestServer {
    TestServer::start_with(toml, Arc::new(SystemClock::new()), state).await
}

async fn head(server: &TestServer) -> u64 {
    let response = server.get("/signalk/v1/api/self").await;
    response.header("signal-k-timepoint").unwrap().parse().unwrap()
}

async fn next(client: &mut WsClient, deadline: Instant) -> Json {
    match client.hear(deadline).await {
        Some(Heard::Message(message)) => message,
        other => panic!("the stream ended: {other:?}"),
    }
}

/// Reads values of the flood until the one numbered `last`: each number once, in order, from `first` on; gaps are not
/// expected. Gives back the timepoint of the last frame.
async fn read_flood(client: &mut WsClient, first: usize, last: usize) -> u64 {
    let deadline = Instant::now() + DEADLINE * 4;
    let (mut expected, mut timepoint) = (first, 0);
    while expected <= last {
        let message = next(client, deadline).await;
        assert!(message.get("gap").is_none(), "{message}");
        for (_, path, value) in values_of(&message) {
            if path.starts_with("flood.") {
                assert_eq!(value["n"], expected, "each change once, in order");
                expected += 1;
            }
        }
        if let Some(said) = message["timepoint"].as_u64() {
            assert!(said > timepoint, "{said} after {timepoint}");
            timepoint = said;
        }
    }
    timepoint
}

#[tokio::test(flavor = "multi_thread")]
async fn what_memory_does_not_hold_any_more_comes_from_the_log_and_then_live() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let asked = head(&server).await;
    flood(&server, 0, FLOOD).await;
    let upto = head(&server).await;

    let mut client = server.ws(&format!("subscribe=self&timepoint={asked}")).await;
    assert_eq!(client.next_json().await["timepoint"], asked);
    let reached = read_flood(&mut client, 0, FLOOD - 1).await;
    assert!(reached <= upto);
    server.put("a.b", 2).await;
    let live = client.until_value("a.b", 2).await;
    assert_eq!(live["timepoint"], head(&server).await, "and then the live stream, which is where the server is");

    // Rows of its own are served from the log as well, with their policies.
    let mut rows = server.ws(&format!("subscribe=none&timepoint={asked}")).await;
    rows.next_json().await;
    rows.send(&json!({"context": "vessels.self", "subscribe": [{"path": "flood.path7", "minPeriod": 10_000}]})).await;
    let deadline = Instant::now() + DEADLINE * 2;
    let mut seen = Vec::new();
    while seen.last() != Some(&(FLOOD as u64 - 43)) {
        let message = next(&mut rows, deadline).await;
        seen.extend(values_of(&message).into_iter().map(|(_, path, value)| {
            assert_eq!(path, "flood.path7");
            value["n"].as_u64().unwrap()
        }));
    }
    assert!(
        seen.is_sorted() && seen.len() < 100,
        "the newest within each period, and at last the newest of all: {seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_with_timepoints_that_falls_behind_memory_misses_nothing() {
    let server = TestServer::start("").await;
    let mut slow = server.ws_greeted("subscribe=self&timepoints=true&sendCachedValues=false").await;
    flood(&server, 0, 2 * FLOOD).await;
    read_flood(&mut slow, 0, 2 * FLOOD - 1).await;
    server.put("a.b", 2).await;
    slow.until_value("a.b", 2).await;
}

#[tokio::test]
async fn a_timepoint_of_the_run_before_goes_on_from_the_log_and_says_which_numbers_were_not_used() {
    let state = tempfile::tempdir().unwrap();
    let first = start("", state.path()).await;
    first.put("a.b", 1).await;
    let asked = head(&first).await;
    first.put("a.b", 2).await;
    first.put("a.b", 3).await;
    let last = head(&first).await;
    first.stop().await;

    let second = start("", state.path()).await;
    let began = second.server.shared.began.0;
    second.put("a.b", 4).await;
    let mut client = second.ws(&format!("subscribe=self&timepoint={asked}")).await;
    assert_eq!(client.next_json().await["timepoint"], asked);
    let mut heard = Vec::new();
    while heard.last() != Some(&json!(4)) {
        let message = client.next_json().await;
        match message.get("gap") {
            Some(gap) => {
                assert_eq!(gap["to"], began, "{message}");
                assert!(gap["from"].as_u64().unwrap() > last, "{message}");
                assert!(gap["reason"].is_string(), "{message}");
                heard.push(json!("gap"));
            }
            None => heard.extend(values_of(&message).into_iter().filter(|(_, p, _)| p == "a.b").map(|(_, _, v)| v)),
        }
    }
    assert_eq!(heard, [json!(2), json!(3), json!("gap"), json!(4)]);

    // From between the runs, the gap is all that is missing.
    let between = u64::midpoint(last, began);
    let mut client = second.ws(&format!("subscribe=self&timepoint={between}")).await;
    assert_eq!(client.next_json().await["timepoint"], between);
    let message = client.next_json().await;
    assert_eq!((&message["gap"]["from"], &message["gap"]["to"]), (&json!(between + 1), &json!(began)), "{message}");
    client.until_value("a.b", 4).await;
}

#[tokio::test]
async fn without_a_history_a_timepoint_of_the_run_before_is_a_stated_gap() {
    let state = tempfile::tempdir().unwrap();
    let first = start(NO_HISTORY, state.path()).await;
    first.put("a.b", 1).await;
    let asked = head(&first).await;
    first.stop().await;
    let second = start(NO_HISTORY, state.path()).await;
    let began = second.server.shared.began.0;
    second.put("a.b", 2).await;
    let mut client = second.ws(&format!("subscribe=self&timepoint={asked}")).await;
    assert_eq!(client.next_json().await["timepoint"], asked);
    let message = client.next_json().await;
    assert_eq!((&message["gap"]["from"], &message["gap"]["to"]), (&json!(asked + 1), &json!(began)), "{message}");
    client.until_value("a.b", 2).await;
    // What cannot be of this boat is refused.
    let path = format!("/signalk/v1/stream?timepoint={}", began.saturating_sub(1 << 30));
    assert_eq!(http::upgrade(second.http, &path, &[]).await.status, 416);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_history_what_fell_out_of_memory_is_refused_or_stated() {
    let server = TestServer::start(NO_HISTORY).await;
    let mut slow = server.ws_greeted("subscribe=self&timepoints=true&sendCachedValues=false").await;
    server.put("a.b", 1).await;
    let asked = head(&server).await;
    flood(&server, 0, 2 * FLOOD).await;
    let refused = http::upgrade(server.http, &format!("/signalk/v1/stream?timepoint={asked}"), &[]).await;
    assert_eq!(refused.status, 416);
    let deadline = Instant::now() + DEADLINE * 2;
    while next(&mut slow, deadline).await.get("gap").is_none() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_thinned_out_says_so_first() {
    let rule = "[[history.rule]]\npath = \"flood.path7\"\nkeep = \"none\"\n";
    let server = TestServer::start(rule).await;
    server.put("a.b", 1).await;
    let asked = head(&server).await;
    flood(&server, 0, FLOOD).await;
    let mut client = server.ws(&format!("subscribe=self&timepoint={asked}")).await;
    assert_eq!(client.next_json().await["timepoint"], asked);
    let message = client.next_json().await;
    assert_eq!(message["gap"]["from"], asked + 1, "{message}");
    server.put("a.b", 2).await;
    client.until_value("a.b", 2).await;
}
