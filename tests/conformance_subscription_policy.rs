//! Subscriptions, row by row (SUB): when values come. Exact timing is held by the session's own tests, in virtual time;
//! here a real clock runs, so that counts have room upwards only where a busy machine could not be at fault.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::time::Duration;

use harness::{SILENCE_MS, Stream, TestServer, WsClient, values_of};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

async fn quiet(server: &TestServer) -> WsClient {
    server.ws_greeted("subscribe=none").await
}

/// When `path` came, for the next so many times.
async fn times_of(client: &mut WsClient, path: &str, count: usize) -> Vec<Instant> {
    let mut times = Vec::new();
    while times.len() < count {
        client.until(path, |m| values_of(m).iter().any(|v| v.1 == path)).await;
        times.push(Instant::now());
    }
    times
}

#[tokio::test]
async fn sub_06_the_defaults_of_a_row_are_those_of_the_table() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    // `fixed` without a period beats once a second; `ideal` repeats after a second of silence.
    for row in [json!({"path": "a.b", "policy": "fixed"}), json!({"path": "a.b", "policy": "ideal"})] {
        let mut client = quiet(&server).await;
        client.subscribe(json!([row])).await;
        let times = times_of(&mut client, "a.b", 3).await;
        let gap = times[2].duration_since(times[1]);
        assert!(gap > Duration::from_millis(700) && gap < Duration::from_millis(1_500), "{row}: {times:?}");
    }
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b", "format": "delta"}])).await;
    assert_eq!(client.next_values().await[0].2, 1);
}

#[tokio::test]
async fn sub_07_instant_holds_back_and_delivers_the_newest() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b", "policy": "instant", "minPeriod": 500}])).await;
    for n in 0..50 {
        server.put("a.b", n).await;
    }
    let begun = Instant::now();
    let mut seen = Vec::new();
    // The source falls silent after the last one; it comes all the same.
    while seen.last() != Some(&json!(49)) {
        seen.push(client.next_values().await[0].2.clone());
    }
    let most = 2 + begun.elapsed().as_millis() / 400;
    assert!(seen.len() >= 2 && (seen.len() as u128) <= most && seen[0] == 0, "{seen:?}");
    client.silence(700).await;
}

#[tokio::test]
async fn sub_08_fixed_beats_whether_or_not_anything_changed() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b", "policy": "fixed", "period": 100}])).await;
    let times = times_of(&mut client, "a.b", 6).await;
    let beats = times[5].duration_since(times[1]);
    assert!(beats >= Duration::from_millis(300), "{times:?}");
    // Changes do not make it beat faster; the newest is what it says.
    for n in 2..40 {
        server.put("a.b", n).await;
    }
    client.until_value("a.b", 39).await;
}

#[tokio::test]
async fn sub_09_ideal_repeats_what_has_not_changed() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b", "policy": "ideal", "period": 200}])).await;
    server.put("a.b", 1).await;
    client.until_value("a.b", 1).await;
    let first = Instant::now();
    client.until_value("a.b", 1).await;
    client.until_value("a.b", 1).await;
    assert!(first.elapsed() >= Duration::from_millis(300), "{:?}", first.elapsed());
}

#[tokio::test]
async fn sub_10_rows_that_say_nothing_are_served_at_once() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b"}])).await;
    let mut fastest = Duration::MAX;
    for n in 0..5 {
        let begun = Instant::now();
        server.send(&harness::delta_of("test", "a.b", &json!(n))).await;
        client.until_value("a.b", n).await;
        fastest = fastest.min(begun.elapsed());
    }
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
}

#[tokio::test]
async fn sub_11_what_is_there_implies_the_policy() {
    let server = TestServer::start("").await;
    server.put("a.b", 0).await;
    // (row, repeats by itself, delivers at once, is told something)
    for (row, repeats, at_once, told) in [
        (json!({"path": "a.b", "period": 100}), true, false, false),
        (json!({"path": "a.b", "minPeriod": 50}), false, true, false),
        (json!({"path": "a.b", "minPeriod": 50, "period": 100}), false, true, false),
        (json!({"path": "a.b", "policy": "fixed", "period": 100, "minPeriod": 60000}), true, false, true),
        (json!({"path": "a.b", "policy": "instant", "period": 60000}), false, true, true),
    ] {
        let mut client = quiet(&server).await;
        client.subscribe(json!([row])).await;
        if told {
            assert!(client.next_json().await["errorMessage"].is_string(), "{row}");
        }
        client.until("what is known", |m| values_of(m).len() == 1).await;
        let again = client.next_within(SILENCE_MS).await;
        assert!(again.as_ref().is_none_or(|m| m.get("errorMessage").is_none()), "{row}: {again:?}");
        assert_eq!(again.is_some(), repeats, "{row}");
        if at_once {
            server.put("a.b", 7).await;
            client.until_value("a.b", 7).await;
        }
    }
}

#[tokio::test]
async fn sub_12_periods_that_are_no_numbers_are_ignored_with_a_notice() {
    let server = TestServer::start("").await;
    for (row, told) in [
        (json!({"path": "a.b", "minPeriod": "soon"}), true),
        (json!({"path": "a.b", "period": "soon"}), true),
        (json!({"path": "a.b", "period": -5}), true),
        (json!({"path": "a.b", "period": [1]}), true),
        (json!({"path": "a.b", "period": 0}), false),
        (json!({"path": "a.b", "period": null}), false),
    ] {
        let mut client = quiet(&server).await;
        client.subscribe(json!([row])).await;
        if told {
            let notice = client.next_json().await;
            assert!(notice["errorMessage"].as_str().is_some_and(|text| text.contains("eriod")), "{row}: {notice}");
        }
        let n = row.to_string();
        server.put("a.b", n.clone()).await;
        client.until_value("a.b", n).await;
    }
}

#[tokio::test]
async fn sub_13_a_minimum_does_not_change_the_beat() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b", "policy": "fixed", "period": 100, "minPeriod": 5000}])).await;
    assert!(client.next_json().await["errorMessage"].is_string());
    let times = times_of(&mut client, "a.b", 6).await;
    assert!(times[5].duration_since(times[0]) < Duration::from_secs(4), "{times:?}");
}

#[tokio::test]
async fn sub_14_full_sends_the_whole_object_of_the_context() {
    let server = TestServer::start("[vessel]\nname = \"Alba\"").await;
    server.put("a.b", 1).await;
    let own = server.own().await;
    let id = own.strip_prefix("vessels.").unwrap();
    let is_full = |m: &Json| m["vessels"][id]["a"]["b"]["value"].is_number();
    let mut in_band = quiet(&server).await;
    in_band.subscribe(json!([{"path": "a.*", "format": "full"}])).await;
    let mut by_query = server.ws_greeted("subscribe=self&format=full").await;
    for client in [&mut in_band, &mut by_query] {
        let whole = client.until("the whole object", is_full).await;
        assert_eq!((&whole["self"], &whole["vessels"][id]["name"]), (&json!(own), &json!("Alba")));
        assert!(whole["version"].is_string() && whole.get("updates").is_none());
        server.put("a.b", 2).await;
        client.until("the change", |m| m["vessels"][id]["a"]["b"]["value"] == 2).await;
        server.put("a.b", 1).await;
        client.until("the change back", |m| m["vessels"][id]["a"]["b"]["value"] == 1).await;
    }
}

#[tokio::test]
async fn sub_25_rates_do_not_apply_to_static_data() {
    let server = TestServer::start("").await;
    let other = "vessels.urn:mrn:imo:mmsi:230000001";
    let mut client = quiet(&server).await;
    client
        .send(&json!({"context": other, "subscribe": [{"path": "", "period": 60000, "policy": "fixed"},
            {"path": "", "minPeriod": 60000}]}))
        .await;
    for port in ["Kotka", "Hanko", "Turku"] {
        let values = json!([{"path": "", "value": {"port": port}}]);
        server.inject(json!({"context": other, "updates": [{"$source": "x", "values": values}]})).await;
        client.until(port, |m| values_of(m).iter().any(|v| v.2["port"] == port)).await;
    }
}

#[tokio::test]
async fn sub_31_metadata_come_at_once_whatever_the_policy() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = server.ws_greeted("subscribe=none&sendMeta=all").await;
    client.subscribe(json!([{"path": "a.*", "policy": "fixed", "period": 60000}])).await;
    client.until_value("a.b", 1).await;
    let meta = json!([{"path": "a.b", "value": {"displayName": "Bee"}}]);
    server.inject(json!({"updates": [{"$source": "x", "meta": meta}]})).await;
    let is_meta = |m: &Json| m["updates"][0]["meta"][0]["value"]["displayName"] == "Bee";
    client.until("the metadata", is_meta).await;
}
