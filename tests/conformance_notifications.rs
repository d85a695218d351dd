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

const V2: &str = "/signalk/v2/api/notifications";

/// The id of the depth's notification, as an app finds it.
async fn id_of_depth(server: &TestServer) -> String {
    let all = server.get(V2).await.json();
    let found = all.as_object().unwrap().iter().find(|(_, n)| n["path"] == RAISED);
    found.expect("the depth's is among them").0.clone()
}

async fn post(server: &TestServer, path: &str) -> u16 {
    server.request("POST", &format!("{V2}/{path}"), &[], "").await.status
}

#[tokio::test]
async fn an_app_silences_and_acknowledges_and_every_client_hears_of_it() {
    let server = TestServer::start(ZONES).await;
    server.put(DEPTH, 1.5).await;
    raised(&server, "alarm").await;
    let mut client = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    let id = id_of_depth(&server).await;
    let one = server.get(&format!("{V2}/{id}")).await.json();
    assert_eq!(one["context"], "vessels.self");
    assert_eq!(one["value"]["id"], *id);
    assert_eq!(one["value"]["status"]["canSilence"], true);

    assert_eq!(post(&server, &format!("{id}/silence")).await, 200);
    let message = client.next_json().await;
    let (_, path, value) = values_of(&message).remove(0);
    assert_eq!(path, RAISED);
    assert_eq!(message["updates"][0]["$source"], "self.notificationhandler", "it stays its source's");
    assert_eq!((&value["state"], &value["method"]), (&json!("alarm"), &json!(["visual"])));
    assert_eq!((&value["status"]["silenced"], &value["status"]["acknowledged"]), (&json!(true), &json!(false)));

    assert_eq!(post(&server, &format!("{id}/acknowledge")).await, 200);
    let (_, _, value) = values_of(&client.next_json().await).remove(0);
    assert_eq!((&value["method"], &value["message"]), (&json!([]), &json!("Shallow")));
    assert_eq!(value["status"]["acknowledged"], true);

    // Another state begins anew.
    server.put(DEPTH, 3.0).await;
    let leaf = raised(&server, "warn").await;
    assert_eq!(leaf["value"]["method"], json!(["visual"]));
    let again = server.get(&format!("{V2}/{id}")).await.json();
    assert_eq!(again["value"]["status"]["acknowledged"], false);

    assert_eq!(server.get(&format!("{V2}/soon")).await.status, 400);
    assert_eq!(server.get(&format!("{V2}/00000000-0000-4000-8000-000000000000")).await.status, 404);
    assert_eq!(post(&server, "00000000-0000-4000-8000-000000000000/silence").await, 404);
}

#[tokio::test]
async fn what_its_source_only_repeats_stays_quiet_and_an_emergency_stays_loud() {
    let server = TestServer::start("").await;
    let raise = |source: &str, state: &str| {
        let value = json!({"state": state, "method": ["visual", "sound"], "message": "Over board"});
        delta_of(source, "notifications.mob", &value)
    };
    server.inject(raise("n2k.1", "alarm")).await;
    assert_eq!(post(&server, "acknowledgeAll").await, 200);
    let method = || async { server.node("vessels/self/notifications/mob/value/method").await };
    until("it is quiet", || async { method().await == json!([]) }).await;
    server.send(&raise("n2k.1", "alarm")).await;
    server.put("a.b", 1).await;
    assert_eq!(method().await, json!([]), "said again, it is still acknowledged");
    server.inject(raise("n2k.1", "emergency")).await;
    assert_eq!(method().await, json!(["visual", "sound"]));
    assert_eq!(post(&server, "silenceAll").await, 200);
    server.put("a.b", 2).await;
    assert_eq!(method().await, json!(["visual", "sound"]), "an emergency is not silenced");
    assert_eq!(post(&server, "acknowledgeAll").await, 200);
    until("it is seen only", || async { method().await == json!(["visual"]) }).await;
}

#[tokio::test]
async fn who_may_not_write_turns_no_alarm_off() {
    let server = TestServer::start("[server]\nallow_write = []\n").await;
    assert_eq!(post(&server, "acknowledgeAll").await, 403);
    let open = TestServer::start("").await;
    let foreign = [("Origin", "http://elsewhere.example")];
    let refused = open.request("POST", &format!("{V2}/acknowledgeAll"), &foreign, "").await;
    assert_eq!(refused.status, 403, "a page from elsewhere runs in somebody's browser unasked");
}

#[tokio::test]
async fn what_the_crew_has_acknowledged_stays_so_over_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path()).await;
    server.put(DEPTH, 1.5).await;
    raised(&server, "alarm").await;
    let id = id_of_depth(&server).await;
    assert_eq!(post(&server, &format!("{id}/acknowledge")).await, 200);
    let leaf = || async { server.node(PLACE).await["value"]["status"]["acknowledged"] == true };
    until("it is acknowledged", leaf).await;
    server.stop().await;
    let server = start(state.path()).await;
    server.put(DEPTH, 1.4).await;
    let one = server.get(&format!("{V2}/{id}")).await.json();
    assert_eq!(one["value"]["status"]["acknowledged"], true, "under the same id: {one}");
    assert_eq!(server.node(PLACE).await["value"]["method"], json!([]));
}
