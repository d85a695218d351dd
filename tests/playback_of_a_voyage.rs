//! A recorded voyage of a real boat, played back at several rates: what a client gets, and when.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod corpus;
mod harness;

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{DEADLINE, Heard, Stream as _, TestServer, WsClient, until};
use serde_json::{Value as Json, json};
use taffrail::input::status::State;
use taffrail::kernel::time::Timestamp;
use tokio::time::Instant;

const CONFIG: &str = "[vessel]\nmmsi = \"230000001\"\n[history]\ncommit_interval = \"200ms\"\n";

/// A server that has recorded the first lines of the voyage; nothing without the corpus.
async fn recorded() -> Option<(TestServer, tempfile::TempDir)> {
    let corpus = corpus::dir()?;
    let text = std::fs::read(corpus.join("logs/0183-plaka-multiplexed.log")).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|&b| b == b'\n').take(3_000).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boat.log");
    std::fs::write(&file, lines.concat()).unwrap();
    let input = format!("[[input]]\nname = \"log\"\ntype = \"file\"\npath = \"{}\"\nrate = \"max\"\n", file.display());
    let server = TestServer::start(&format!("{CONFIG}{input}")).await;
    let ended = || server.server.shared.inputs().iter().all(|i| i.report().state == State::Ended);
    until("the file has ended", || async { ended() }).await;
    let head = server.head().await;
    until("all of it is recorded", || async {
        server.get("/healthz").await.json()["history"]["durable"].as_u64() >= Some(head)
    })
    .await;
    Some((server, folder))
}

/// One message of a playback, and when it came.
type Message = (Instant, Json);

/// Plays to the end. With rows of its own, as a plotter has them, or everything.
async fn played(server: &TestServer, query: &str, rows: Option<Json>) -> Vec<Message> {
    let subscribe = if rows.is_some() { "none" } else { "all" };
    let path = format!("/signalk/v1/playback?subscribe={subscribe}&sourcePolicy=all&{query}");
    let mut client = WsClient::connect(server.http, &path).await;
    if let Some(rows) = rows {
        client.subscribe(rows).await;
    }
    let mut out = Vec::new();
    loop {
        match client.hear(Instant::now() + DEADLINE).await {
            Some(Heard::Message(message)) => out.push((Instant::now(), message)),
            Some(Heard::Closed(code, reason)) => {
                assert_eq!((code, &*reason), (1000, "the end of the recording"));
                return out;
            }
            None => panic!("the playback does not end: {out:?}"),
        }
    }
}

/// What a client knows after this delta: the last value of each path of each source, with its time. What the server
/// says of itself is left out: it goes on meanwhile.
fn known(delta: &Json, known: &mut BTreeMap<(String, String, String), (Json, Json)>) {
    for update in delta["updates"].as_array().into_iter().flatten() {
        for item in update["values"].as_array().into_iter().flatten() {
            let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
            let path = text(&item["path"]);
            if !path.is_empty() && !path.starts_with("server.") {
                let key = (text(&delta["context"]), text(&update["$source"]), path);
                known.insert(key, (item["value"].clone(), update["timestamp"].clone()));
            }
        }
    }
}

/// A tree with its leaves' values, sources and times only, and without what the server says of itself meanwhile.
fn values_and_times(node: &Json) -> Json {
    let Some(object) = node.as_object() else { return node.clone() };
    let members = object.iter().filter(|(name, _)| !matches!(&***name, "meta" | "sentence" | "server"));
    Json::Object(members.map(|(name, member)| (name.clone(), values_and_times(member))).collect())
}

#[tokio::test]
async fn it_plays_to_the_state_it_ended_in() {
    let Some((server, _folder)) = recorded().await else { return };
    // The moment after everything, as a snapshot …
    let own = values_and_times(&server.node("vessels/self").await);
    let path = "/signalk/v1/snapshot/vessels/self?time=2099-01-01T00:00:00Z";
    assert_eq!(values_and_times(&server.get(path).await.json()), own);
    // … and everything played, as a client of it knows it in the end.
    let mut want = BTreeMap::new();
    let mut live = server.ws_greeted("subscribe=all&sourcePolicy=all").await;
    while let Some(delta) = live.next_within(harness::SILENCE_MS).await {
        known(&delta, &mut want);
    }
    let mut got = BTreeMap::new();
    for (_, delta) in played(&server, "playbackRate=1000&startTime=2000-01-01T00:00:00Z", None).await {
        known(&delta, &mut got);
    }
    assert!(want.len() > 10, "only {} values", want.len());
    let differing: Vec<_> = want.iter().filter(|(key, value)| got.get(key) != Some(value)).collect();
    assert!(differing.is_empty(), "{} of {} differ: {differing:#?}", differing.len(), want.len());
    assert_eq!(got.len(), want.len());
}

/// The newest time in a delta.
fn stamp(delta: &Json) -> Option<Timestamp> {
    let updates = delta["updates"].as_array()?;
    updates.iter().filter_map(|update| Timestamp::parse(update["timestamp"].as_str()?)).max()
}

#[tokio::test]
async fn at_every_rate_the_same_deltas_come_and_in_proportion() {
    let Some((server, _folder)) = recorded().await else { return };
    let newest = server.node("vessels/self/navigation/position/timestamp").await;
    let begin = Timestamp::parse(newest.as_str().unwrap()).unwrap().plus_millis(-60_000);
    let end = begin.plus_millis(10_000);
    let range = format!("startTime={begin}&endTime={end}");
    let rows = || Some(json!([{"path": "navigation.*"}, {"path": "environment.*"}, {"path": "steering.*"}]));
    let at = async |rate: f64| played(&server, &format!("{range}&playbackRate={rate}"), rows()).await;
    // All at the same time, since at half the rate ten seconds are twenty.
    let (normal, fast, slow, instantly) = tokio::join!(at(1.0), at(5.0), at(0.5), at(1_000.0));

    let state = |messages: &[Message]| {
        let mut state = BTreeMap::new();
        for (_, delta) in messages {
            known(delta, &mut state);
        }
        state
    };
    assert!(state(&normal).len() > 5, "{:?}", state(&normal));
    for (messages, rate) in [(&normal, 1.0), (&fast, 5.0), (&slow, 0.5), (&instantly, 1_000.0)] {
        assert_eq!(state(messages), state(&normal), "the final state at {rate}");
        // What is behind the beginning: the state at the beginning comes at once.
        let timed = messages.iter().filter_map(|(came, delta)| Some((*came, stamp(delta)?)));
        let timed: Vec<(Instant, Timestamp)> = timed.filter(|(_, stamp)| *stamp > begin).collect();
        let (first, last) = (timed[0], timed[timed.len() - 1]);
        let recorded = Duration::from_millis((last.1.as_millis() - first.1.as_millis()) as u64);
        let played = (last.0 - first.0).mul_f64(rate);
        println!("at {rate}: {} deltas, {recorded:?} of the voyage in {:?}", timed.len(), last.0 - first.0);
        assert!(recorded >= Duration::from_secs(5) && timed.len() > 3, "{recorded:?}: {timed:?}");
        // A busy machine delivers a delta late, by the same at every rate.
        let late = Duration::from_millis(400).mul_f64(rate);
        assert!(played.abs_diff(recorded) <= late, "at {rate}: {recorded:?} became {played:?}");
    }
}
