//! Notifications, row by row of the conformance checklist (NOTIF).
#![allow(clippy::unwrap_used)]

mod harness;

use std::path::Path;
use std::sync::Arc;

use harness::{Stream as _, TestServer, delta_of, until, values_of};
use serde_json::{Value as Json, json};
use taffrail::clock::{ManualClock, SystemClock};
use taffrail::kernel::time::Timestamp;

const DEPTH: &str = "environment.depth.belowKeel";
const RAISED: &str = "notifications.environment.depth.belowKeel";
const PLACE: &str = "vessels/self/notifications/environment/depth/belowKeel";
const ZONES: &str = "[[meta]]\npath = \"environment.depth.belowKeel\"\n\
                     zones = [{ upper = 2.0, state = \"alarm\", message = \"Shallow\" }, { lower = 2.0, upper = 4.0, state = \"warn\" }]\n";
const ALARM: &str = r#"{"state":"alarm","method":["visual","sound"],"message":"Shallow"}"#;

fn alarm() -> Json {
    serde_json::from_str(ALARM).unwrap()
}

/// Waits until the depth's notification is in a state.
async fn raised(server: &TestServer, state: &str) -> Json {
    until("the notification", || async { server.node(PLACE).await["value"]["state"] == state }).await;
    server.node(PLACE).await
}

#[tokio::test]
async fn notif_01_the_alarm_of_a_path_is_below_notifications() {
    let server = TestServer::start(ZONES).await;
    server.put(DEPTH, 1.5).await;
    let leaf = raised(&server, "alarm").await;
    assert_eq!(leaf["value"], alarm());
}

#[tokio::test]
async fn notif_02_states_and_methods_are_words_of_the_specification() {
    let server = TestServer::start(ZONES).await;
    for (depth, state) in [(3.0, "warn"), (1.5, "alarm"), (9.0, "normal")] {
        server.put(DEPTH, depth).await;
        let value = raised(&server, state).await["value"].clone();
        let methods = value["method"].as_array().unwrap();
        assert!(methods.iter().all(|m| m == "visual" || m == "sound"), "{value}");
        assert!(value["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[tokio::test]
async fn notif_03_entering_a_zone_raises() {
    let server = TestServer::start(ZONES).await;
    let mut client = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    server.put(DEPTH, 9.0).await;
    server.put(DEPTH, 1.5).await;
    client.until_value(RAISED, alarm()).await;
    // Other vessels are not watched.
    server.inject(harness::vessel_delta(230_000_001, DEPTH, 1.0)).await;
    assert_eq!(server.node("vessels/urn:mrn:imo:mmsi:230000001/notifications").await, Json::Null);
}

#[tokio::test]
async fn notif_04_leaving_the_zone_is_said() {
    let server = TestServer::start(ZONES).await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": "notifications.*", "policy": "instant"}])).await;
    server.put(DEPTH, 1.5).await;
    client.until_value(RAISED, alarm()).await;
    server.put(DEPTH, 9.0).await;
    let values = client.next_values().await;
    assert_eq!((&*values[0].1, &values[0].2["state"]), (RAISED, &json!("normal")));
    client.silence(harness::SILENCE_MS).await;
}

#[tokio::test]
async fn notif_05_only_changes_are_said() {
    let server = TestServer::start(ZONES).await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": "notifications.*"}])).await;
    let mut heard = Vec::new();
    for depth in
        [json!(9), json!(8), json!(1.5), json!(1.4), json!(1.3), json!(null), json!(null), json!(1.5), json!(9)]
    {
        server.put(DEPTH, depth).await;
    }
    // Zones that are taken away clear what they raised.
    server.put("tanks.fuel.0.currentLevel", 0.1).await;
    let set = |zones: Json| json!({"updates": [{"$source": "t", "meta": [{"path": "tanks.fuel.0.currentLevel", "value": {"zones": zones}}]}]});
    server.send(&set(json!([{"upper": 0.2, "state": "warn", "message": "Little fuel"}]))).await;
    server.send(&set(Json::Null)).await;
    while heard.len() < 6 {
        for (_, path, value) in client.next_values().await {
            let place = path.strip_prefix("notifications.").unwrap().split('.').next().unwrap().to_owned();
            heard.push((place, value["state"].as_str().unwrap().to_owned(), value["method"].clone()));
        }
    }
    client.silence(harness::SILENCE_MS).await;
    let words: Vec<String> = heard.iter().map(|(place, state, _)| format!("{place} {state}")).collect();
    assert_eq!(
        words,
        [
            "environment alarm",
            "environment normal",
            "environment alarm",
            "environment normal",
            "tanks warn",
            "tanks normal"
        ]
    );
    assert_eq!(heard[5].2, json!([]));
}

#[tokio::test]
async fn notif_05_a_value_that_trembles_on_a_bound_does_not_ring_again_and_again() {
    let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-12-01T12:00:00Z").unwrap()));
    let state = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(ZONES, clock.clone(), state.path()).await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": "notifications.*"}])).await;
    for i in 0..20 {
        server.put(DEPTH, if i % 2 == 0 { 2.0 } else { 2.005 }).await;
        clock.advance(500);
    }
    client.until_value(RAISED, alarm()).await;
    // And when it has stayed better for long enough, without any further value, that is said.
    clock.advance(2_000);
    let better = |m: &Json| values_of(m).iter().any(|(_, _, v)| v["state"] == "warn");
    client.until("the warning", better).await;
    client.silence(harness::SILENCE_MS).await;
}

#[tokio::test]
async fn notif_06_they_are_paths_like_others() {
    let server = TestServer::start(ZONES).await;
    server.put(DEPTH, 1.5).await;
    let leaf = raised(&server, "alarm").await;
    assert!(leaf["$source"].is_string() && leaf["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(server.node(&format!("{PLACE}/value/message")).await, "Shallow");
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": "notifications.environment.*"}])).await;
    client.until_value(RAISED, alarm()).await;
}

#[tokio::test]
async fn notif_07_well_known_ones_are_directly_below() {
    let server = TestServer::start("").await;
    for name in
        ["mob", "fire", "sinking", "flooding", "collision", "grounding", "listing", "adrift", "piracy", "abandon"]
    {
        server.put(&format!("notifications.{name}"), alarm()).await;
        assert_eq!(server.node(&format!("vessels/self/notifications/{name}/value")).await, alarm());
    }
    // The newer way, by id.
    server.put("notifications.mob.0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b", alarm()).await;
    assert_eq!(server.node("vessels/self/notifications/mob/value").await, alarm());
}

#[tokio::test]
async fn notif_08_raised_by_hand_they_stay_until_they_are_cleared() {
    let server = TestServer::start(ZONES).await;
    server.put("notifications.mob", alarm()).await;
    server.put(DEPTH, 1.5).await;
    raised(&server, "alarm").await;
    server.put(DEPTH, 9.0).await;
    raised(&server, "normal").await;
    assert_eq!(server.node("vessels/self/notifications/mob/value").await, alarm());
    server.put("notifications.mob", Json::Null).await;
    assert_eq!(server.get("/signalk/v1/api/vessels/self/notifications/mob/value").await.text(), "null");
}

#[tokio::test]
async fn notif_09_a_parent_does_not_delete_its_children() {
    let server = TestServer::start("").await;
    server.put("notifications.a.b", alarm()).await;
    server.put("notifications.a", json!({"state": "normal", "method": [], "message": "x"})).await;
    server.put("notifications.a", Json::Null).await;
    server.send(&delta_of("test", "notifications", &Json::Null)).await;
    server.put("x.done", 1).await;
    assert_eq!(server.node("vessels/self/notifications/a/b/value").await, alarm());
}

#[tokio::test]
async fn notif_10_branches_have_plain_names() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.send(&delta_of("test", "notifications.engine room.fire", &alarm())).await;
    client.until("a word about it", |m| m["errorMessage"].is_string()).await;
    assert_eq!(server.node("vessels/self/notifications").await, Json::Null);
}

#[tokio::test]
async fn notif_11_a_zone_without_words_gets_some() {
    let server = TestServer::start(ZONES).await;
    server.put(DEPTH, 3.0).await;
    let leaf = raised(&server, "warn").await;
    assert_eq!(leaf["value"]["message"], "2 < value < 4");
    assert_eq!(leaf["$source"], "self.notificationhandler");
}

#[tokio::test]
async fn notif_12_several_sources_are_like_those_of_values() {
    let server = TestServer::start("").await;
    for (source, state) in [("one", "alarm"), ("two", "warn")] {
        let value = json!({"state": state, "method": [], "message": source});
        server.inject(delta_of(source, "notifications.a.b", &value)).await;
    }
    let values = server.node("vessels/self/notifications/a/b/values").await;
    assert_eq!((&values["one"]["value"]["state"], &values["two"]["value"]["state"]), (&json!("alarm"), &json!("warn")));
}

#[tokio::test]
async fn notif_13_members_that_are_not_known_survive() {
    let server = TestServer::start("").await;
    let value = json!({"state": "alarm", "method": [], "message": "m", "id": "x",
                       "status": {"silenced": true, "acknowledged": false, "canSilence": true}, "createdAt": 1.5});
    server.put("notifications.a.b", value.clone()).await;
    assert_eq!(server.node("vessels/self/notifications/a/b/value").await, value);
}

async fn start(state: &Path) -> TestServer {
    TestServer::start_with(ZONES, Arc::new(SystemClock::new()), state).await
}

#[tokio::test]
async fn what_is_raised_outlives_a_restart_and_is_not_said_twice() {
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path()).await;
    server.put(DEPTH, 1.5).await;
    let before = raised(&server, "alarm").await;
    server.put("notifications.mob", alarm()).await;
    server.stop().await;

    let server = start(state.path()).await;
    let after = server.node(PLACE).await;
    assert_eq!(
        (&after["value"], &after["timestamp"], &after["$source"]),
        (&before["value"], &before["timestamp"], &before["$source"])
    );
    assert_eq!(server.node("vessels/self/notifications/mob/value").await, alarm());
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": RAISED}])).await;
    client.until_value(RAISED, alarm()).await;
    server.put(DEPTH, 1.4).await;
    client.silence(harness::SILENCE_MS).await;
    server.put(DEPTH, 9.0).await;
    assert_eq!(client.next_values().await[0].2["state"], "normal");
    server.stop().await;

    // What was cleared is not raised again, and what zones raised that are gone is not either.
    let server = start(state.path()).await;
    assert_eq!(server.node(PLACE).await, Json::Null);
    server.put(DEPTH, 1.5).await;
    raised(&server, "alarm").await;
    server.stop().await;
    let server = TestServer::start_with("", Arc::new(SystemClock::new()), state.path()).await;
    assert_eq!(server.node(PLACE).await, Json::Null);
    assert_eq!(server.node("vessels/self/notifications/mob/value").await, alarm());
}

#[tokio::test]
async fn what_the_crew_has_acknowledged_stays_so_over_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path()).await;
    server.put(DEPTH, 1.5).await;
    raised(&server, "alarm").await;
    server.stop().await;
    let kept = || std::fs::read_to_string(state.path().join("notifications.json")).unwrap();
    assert!(kept().contains(r#""acknowledged":false"#), "{}", kept());
    let server = {
        let text = kept().replace(r#""acknowledged":false"#, r#""acknowledged":true"#);
        std::fs::write(state.path().join("notifications.json"), text).unwrap();
        start(state.path()).await
    };
    server.put(DEPTH, 1.4).await;
    server.put("notifications.mob", alarm()).await;
    server.stop().await;
    let text = kept();
    let line = text.lines().find(|line| line.contains("belowKeel")).unwrap();
    assert!(line.contains(r#""acknowledged":true"#), "{text}");
}
