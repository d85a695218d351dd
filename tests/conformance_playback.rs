//! Playback and snapshots, row by row of the conformance checklist (PLB). A boat is recorded by a server with its history
//! on; what it said carries times of its own, so that hours pass in milliseconds.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::time::Duration;

use harness::{DEADLINE, Heard, Stream as _, TestServer, WsClient, http, until, values_of};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

const SHIP: &str = "vessels.urn:mrn:imo:mmsi:211234567";
const SOG: &str = "navigation.speedOverGround";
const CONFIG: &str = "[vessel]\nmmsi = \"230000001\"\n[history]\ncommit_interval = \"200ms\"\n";

/// `2026-06-01T10:00:00.000Z` and so many milliseconds (up to an hour).
fn at(ms: u32) -> String {
    format!("2026-06-01T10:{:02}:{:02}.{:03}Z", ms / 60_000, ms / 1_000 % 60, ms % 1_000)
}

fn said(context: &str, ms: u32, values: &Json) -> Json {
    json!({"context": context, "updates": [{"$source": "gps.GP", "timestamp": at(ms), "values": values}]})
}

fn sog(ms: u32, value: f64) -> Json {
    said("vessels.self", ms, &json!([{"path": SOG, "value": value}]))
}

/// Ten seconds of the own boat and one of another ship, which is there from the third second on.
async fn recorded() -> TestServer {
    let server = TestServer::start(CONFIG).await;
    for second in 0..10_u32 {
        let course = json!({"path": "navigation.courseOverGroundTrue", "value": 1.0});
        let values = json!([{"path": SOG, "value": f64::from(second)}, course]);
        server.inject(said("vessels.self", second * 1_000, &values)).await;
        if second >= 3 {
            let values = json!([{"path": SOG, "value": 10.0 + f64::from(second)}]);
            server.inject(said(SHIP, second * 1_000 + 500, &values)).await;
        }
    }
    is_recorded(&server, &at(9_600), 9.0).await;
    server
}

/// Returns when the history has the last value.
async fn is_recorded(server: &TestServer, time: &str, value: f64) {
    let path = format!("/signalk/v1/snapshot/vessels/self/navigation/speedOverGround/value?time={time}");
    until("the history has it", || async { server.get(&path).await.body == json!(value).to_string().as_bytes() }).await;
}

async fn play(server: &TestServer, query: &str) -> WsClient {
    WsClient::connect(server.http, &format!("/signalk/v1/playback?{query}")).await
}

/// Everything up to the end of the playback.
async fn all_of(client: &mut WsClient) -> Vec<Json> {
    let deadline = Instant::now() + DEADLINE;
    let mut out = Vec::new();
    loop {
        match client.hear(deadline).await {
            Some(Heard::Message(message)) => out.push(message),
            Some(Heard::Closed(code, reason)) => {
                assert_eq!((code, &*reason), (1000, "the end of the recording"));
                return out;
            }
            None => panic!("the playback does not end: {out:#?}"),
        }
    }
}

fn sogs(messages: &[Json], context: &str) -> Vec<f64> {
    let values = messages.iter().flat_map(values_of);
    values.filter(|(c, path, _)| c == context && path == SOG).filter_map(|(_, _, v)| v.as_f64()).collect()
}

#[tokio::test]
async fn plb_01_a_playback_brings_what_was_recorded() {
    let server = recorded().await;
    let own = server.own().await;
    let query = format!("subscribe=self&playbackRate=100&startTime={}&endTime={}", at(4_500), at(8_000));
    let got = all_of(&mut play(&server, &query).await).await;
    // What was known at the start comes first, as cached values.
    assert_eq!(sogs(&got, &own), [4.0, 5.0, 6.0, 7.0]);
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/value").await, json!(9.0), "live is not touched");
}

#[tokio::test]
async fn plb_02_the_rate_is_how_many_times_as_fast() {
    let server = recorded().await;
    for (rate, least_ms) in [("10", 790), ("20", 390), ("", 0)] {
        let (from, to) = if rate.is_empty() { (8_900, 9_100) } else { (0, 8_100) };
        let rate = if rate.is_empty() { String::new() } else { format!("&playbackRate={rate}") };
        let mut client = play(&server, &format!("startTime={}&endTime={}{rate}", at(from), at(to))).await;
        client.next_json().await;
        let begun = Instant::now();
        all_of(&mut client).await;
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(least_ms), "{rate}: {took:?}");
        assert!(took < Duration::from_millis(least_ms + 5_000), "{rate}: {took:?}");
    }
}

#[tokio::test]
async fn plb_03_subscriptions_work_as_on_the_live_stream() {
    let server = recorded().await;
    let own = server.own().await;
    let range = format!("playbackRate=50&startTime={}&endTime={}", at(0), at(10_000));
    let own_only = all_of(&mut play(&server, &format!("{range}&subscribe=self")).await).await;
    assert_eq!((sogs(&own_only, &own).len(), sogs(&own_only, SHIP).len()), (10, 0));
    let both = all_of(&mut play(&server, &format!("{range}&subscribe=all")).await).await;
    assert_eq!((sogs(&both, &own).len(), sogs(&both, SHIP).len()), (10, 7));
    let none = all_of(&mut play(&server, &format!("{range}&subscribe=none")).await).await;
    assert_eq!(none.len(), 1, "the hello only: {none:?}");

    // Rows by message, with the newest value first, and taken back again.
    let mut client = play(&server, &format!("subscribe=none&playbackRate=0.01&startTime={}", at(5_400))).await;
    client.next_json().await;
    client.subscribe(json!([{"path": "navigation.course*"}])).await;
    let values = client.next_values().await;
    assert_eq!(values, [(own.clone(), "navigation.courseOverGroundTrue".to_owned(), json!(1.0))]);
    client.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    client.settled().await;
    client.send(&json!({"context": SHIP, "subscribe": [{"path": SOG}]})).await;
    assert_eq!(client.next_values().await, [(SHIP.to_owned(), SOG.to_owned(), json!(14.0))]);
}

#[tokio::test]
async fn plb_04_stamps_are_those_of_capture() {
    let server = recorded().await;
    let query = format!("playbackRate=100&startTime={}&endTime={}", at(2_500), at(6_000));
    let got = all_of(&mut play(&server, &query).await).await;
    let stamps: Vec<&str> = got
        .iter()
        .filter(|m| values_of(m).iter().any(|(_, path, _)| path == SOG))
        .map(|m| m["updates"][0]["timestamp"].as_str().unwrap())
        .collect();
    assert_eq!(stamps, [at(2_000), at(3_000), at(4_000), at(5_000)]);
    let update = &got.iter().find(|m| m["updates"][0]["timestamp"] == json!(at(3_000))).unwrap()["updates"][0];
    assert_eq!(
        (&update["$source"], update["values"].as_array().unwrap().len()),
        (&json!("gps.GP"), 2),
        "one delta again"
    );
}

#[tokio::test]
async fn plb_05_the_hello_says_where_and_how_fast() {
    let server = recorded().await;
    let hello = play(&server, &format!("playbackRate=2.5&startTime={}", at(1_000))).await.next_json().await;
    assert_eq!((&hello["startTime"], &hello["playbackRate"]), (&json!(at(1_000)), &json!(2.5)));
    assert!(hello.get("timestamp").is_none() && hello["self"].is_string(), "{hello}");
}

#[tokio::test]
async fn hel_11_the_hello_of_a_playback_has_no_time_of_its_own() {
    let server = recorded().await;
    let hello = play(&server, &format!("startTime={}", at(0))).await.next_json().await;
    let mut keys: Vec<&str> = hello.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["name", "playbackRate", "roles", "self", "startTime", "version"]);
}

#[tokio::test]
async fn plb_06_refusals_are_statuses_of_the_upgrade() {
    let server = recorded().await;
    let status = |query: String| {
        let path = format!("/signalk/v1/playback?{query}");
        let http = server.http;
        async move { http::upgrade(http, &path, &[]).await.status }
    };
    assert_eq!(status("startTime=2099-01-01T00:00:00Z".to_owned()).await, 400);
    let before = "startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z";
    assert_eq!(status(before.to_owned()).await, 400);
    let between = format!("startTime={}&endTime={}", at(9_600), at(9_700));
    assert_eq!(status(between).await, 400);
    assert_eq!(status(format!("startTime={}", at(0))).await, 101);
    let off = TestServer::start("[history]\nenabled = false").await;
    assert_eq!(http::upgrade(off.http, &format!("/signalk/v1/playback?startTime={}", at(0)), &[]).await.status, 501);
}

#[tokio::test]
async fn plb_07_writing_is_refused_and_the_socket_stays_open() {
    let server = recorded().await;
    let mut client = play(&server, &format!("subscribe=none&startTime={}", at(0))).await;
    client.next_json().await;
    client.send(&sog(0, 99.0)).await;
    assert!(client.next_json().await["errorMessage"].as_str().unwrap().contains("updates"));
    for request in [
        json!({"requestId": "1", "put": {"path": SOG, "value": 1}}),
        json!({"requestId": "2", "login": {"username": "u", "password": "p"}}),
    ] {
        client.send(&request).await;
        let reply = client.next_json().await;
        assert_eq!((&reply["requestId"], &reply["statusCode"]), (&request["requestId"], &json!(405)));
        assert!(reply["message"].is_string());
    }
    client.send(&json!({"playback": {"rate": 0}})).await;
    assert!(client.next_json().await["errorMessage"].as_str().unwrap().contains("rate"));
    client.send(&json!({"playback": {"rate": 2, "pause": true}})).await;
    let state = client.next_json().await;
    assert_eq!((&state["playback"]["rate"], &state["playback"]["paused"]), (&json!(2.0), &json!(true)), "{state}");
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/value").await, json!(9.0));
}

#[tokio::test]
async fn plb_08_a_missing_or_wrong_start_is_a_bad_request() {
    let server = recorded().await;
    for query in ["", "subscribe=self", "startTime=", "startTime=abc", "startTime=2026-06-01", "playbackRate=2"] {
        let response = http::upgrade(server.http, &format!("/signalk/v1/playback?{query}"), &[]).await;
        assert_eq!(response.status, 400, "{query}");
    }
}

#[tokio::test]
async fn plb_09_a_snapshot_is_the_tree_of_a_moment() {
    let server = recorded().await;
    let sog_at = |ms| {
        let path = format!("/signalk/v1/snapshot/vessels/self/navigation/speedOverGround?time={}", at(ms));
        let server = &server;
        async move { server.get(&path).await.json() }
    };
    let live = server.node("vessels/self/navigation/speedOverGround").await;
    let then = sog_at(4_999).await;
    assert_eq!(
        (&then["value"], &then["timestamp"], &then["$source"]),
        (&json!(4.0), &json!(at(4_000)), &json!("gps.GP"))
    );
    let keys = |node: &Json| node.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&then), keys(&live));
    assert_eq!(then["meta"], live["meta"]);
    assert_eq!(sog_at(5_000).await["value"], json!(5.0), "that moment is part of it");
    // The whole model: who was there then, and nobody else.
    let all = server.get(&format!("/signalk/v1/snapshot/?time={}", at(2_000))).await.json();
    assert_eq!(all["self"], json!(server.own().await));
    assert_eq!(all["vessels"].as_object().unwrap().len(), 1);
    let all = server.get(&format!("/signalk/v1/snapshot?time={}", at(4_000))).await.json();
    assert_eq!(all["vessels"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn plb_10_snapshots_have_their_statuses() {
    let server = recorded().await;
    for prefix in ["/signalk/v1/snapshot", "/signalk/v1/api/snapshot"] {
        for (rest, status) in [
            ("/vessels/self".to_owned(), 400),
            ("/vessels/self?time=abc".to_owned(), 400),
            ("/vessels/self?time=2020-01-01T00:00:00Z".to_owned(), 400),
            (format!("/vessels/self/no/such/path?time={}", at(5_000)), 404),
            (format!("/vessels/self?time={}", at(5_000)), 200),
        ] {
            assert_eq!(server.get(&format!("{prefix}{rest}")).await.status, status, "{prefix}{rest}");
        }
    }
    let off = TestServer::start("[history]\nenabled = false").await;
    assert_eq!(off.get(&format!("/signalk/v1/snapshot/vessels/self?time={}", at(0))).await.status, 501);
}

#[tokio::test]
async fn plb_11_self_is_the_own_vessel() {
    let server = recorded().await;
    let own = server.own().await.replacen('.', "/", 1);
    let by_self = server.get(&format!("/signalk/v1/snapshot/vessels/self?time={}", at(5_000))).await.json();
    let by_name = server.get(&format!("/signalk/v1/snapshot/{own}?time={}", at(5_000))).await.json();
    assert_eq!(by_self, by_name);
    assert_eq!(by_self["mmsi"], json!("230000001"));
}

#[tokio::test]
async fn going_to_another_time_takes_back_what_was_not_there() {
    let server = recorded().await;
    let own = server.own().await;
    let mut client = play(&server, &format!("subscribe=all&startTime={}", at(8_900))).await;
    client.until_value(SOG, 18.0).await;
    client.send(&json!({"requestId": "s", "playback": {"seek": at(2_500), "pause": true}})).await;
    let reply = client.until("the answer", |m| m["requestId"] == "s").await;
    assert_eq!(reply["playback"], json!({"time": at(2_500), "rate": 1.0, "paused": true}));
    let (mut gone, mut back) = (false, false);
    while !(gone && back) {
        for (context, path, value) in client.next_values().await {
            gone |= context == SHIP && path == SOG && value.is_null();
            back |= context == own && path == SOG && value == json!(2.0);
        }
    }
    client.silence(harness::SILENCE_MS).await;
    client.send(&json!({"playback": {"pause": false, "rate": 100}})).await;
    client.until_value(SOG, 3.0).await;
    client.send(&json!({"playback": {"seek": "2099-01-01T00:00:00Z"}})).await;
    client.until("a refusal", |m| m["errorMessage"].as_str().is_some_and(|w| w.contains("no data"))).await;
}

/// It stood a millisecond behind, now and then.
#[tokio::test]
async fn a_seek_with_a_pause_stands_exactly_there() {
    let server = recorded().await;
    let mut client = play(&server, &format!("subscribe=none&playbackRate=1000&startTime={}", at(0))).await;
    for n in 0..100 {
        let to = at(1_000 + n * 7);
        client.send(&json!({"requestId": n, "playback": {"seek": to, "pause": true}})).await;
        let reply = client.until("the answer", |m| m["requestId"] == n).await;
        assert_eq!(reply["playback"], json!({"time": to, "rate": 1000.0, "paused": true}));
        client.send(&json!({"playback": {"pause": false}})).await;
    }
}

#[tokio::test]
async fn gaps_are_said_in_their_place_and_skipped() {
    let server = TestServer::start(CONFIG).await;
    for (ms, value) in [(0, 1.0), (1_000, 2.0), (1_800_000, 3.0)] {
        server.inject(sog(ms, value)).await;
    }
    is_recorded(&server, &at(1_800_000), 3.0).await;
    let query = format!("playbackRate=100&startTime={}&endTime={}", at(500), at(1_800_001));
    let got = all_of(&mut play(&server, &query).await).await;
    let told: Vec<String> = got[1..]
        .iter()
        .filter_map(|m| {
            match (&m["playback"]["gap"], sogs(std::slice::from_ref(m), m["context"].as_str().unwrap_or("")).first()) {
                (_, Some(value)) => Some(value.to_string()),
                (Json::Object(gap), None) => Some(format!("{} to {}", gap["from"].as_str()?, gap["to"].as_str()?)),
                _ => None,
            }
        })
        .collect();
    assert_eq!(told, ["1".to_owned(), "2".to_owned(), format!("{} to {}", at(1_000), at(1_800_000)), "3".to_owned()]);
}

#[tokio::test]
async fn a_loop_begins_again() {
    let server = recorded().await;
    let own = server.own().await;
    let query = format!("loop=true&playbackRate=1000&startTime={}&endTime={}", at(7_500), at(9_100));
    let mut client = play(&server, &query).await;
    let mut seen = Vec::new();
    while seen.iter().filter(|v| **v == 9.0).count() < 2 {
        let message = client.next_json().await;
        seen.extend(sogs(&[message], &own));
    }
    assert_eq!(seen, [7.0, 8.0, 9.0, 7.0, 8.0, 9.0]);
}
