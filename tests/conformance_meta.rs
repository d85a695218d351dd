//! Metadata, row by row of the conformance checklist (META).
#![allow(clippy::unwrap_used)]

mod harness;
mod json_schema;

use harness::{Stream as _, TestServer, delta_of, until, values_of};
use json_schema::Schema;
use serde_json::{Value as Json, json};
use taffrail::kernel::meta::scale::DisplayScale;

const SOG: &str = "navigation.speedOverGround";
const SOG_META: &str = "vessels/self/navigation/speedOverGround/meta";
const DEPTH: &str = "environment.depth.belowKeel";

async fn server() -> TestServer {
    TestServer::start("").await
}

fn meta_delta(path: &str, meta: &Json) -> Json {
    json!({"updates": [{"$source": "test", "meta": [{"path": path, "value": meta}]}]})
}

/// Sends metadata and waits until a member is as sent.
async fn set(server: &TestServer, path: &str, meta: Json) {
    server.send(&meta_delta(path, &meta)).await;
    let (name, value) = meta.as_object().unwrap().iter().next_back().unwrap();
    let place = format!("vessels/self/{}/meta", path.replace('.', "/"));
    until("the metadata is there", || async { server.node(&place).await[name] == *value }).await;
}

/// `(path, metadata)` of everything in a delta.
fn metas_of(message: &Json) -> Vec<(String, Json)> {
    let updates = message["updates"].as_array().into_iter().flatten();
    let items = updates.flat_map(|update| update["meta"].as_array().into_iter().flatten());
    items.map(|item| (item["path"].as_str().unwrap().to_owned(), item["value"].clone())).collect()
}

#[tokio::test]
async fn meta_01_metadata_stands_beside_the_value() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let leaf = server.node("vessels/self/navigation/speedOverGround").await;
    assert!(leaf["meta"].is_object() && leaf["value"] == 1.5, "{leaf}");
}

#[tokio::test]
async fn meta_02_every_member_comes_back() {
    let server = server().await;
    let meta = json!({
        "description": "d", "units": "m", "displayName": "n", "longName": "l", "shortName": "s", "timeout": 4.5,
        "displayScale": {"lower": 0, "upper": 10, "type": "power", "power": 2}, "gaugeType": "linear",
        "alertMethod": ["visual"], "warnMethod": ["visual"], "alarmMethod": ["sound"], "emergencyMethod": null,
        "nominalMethod": [], "normalMethod": [], "supportsPut": true, "enum": ["a", "b"],
        "properties": {"x": {"type": "number"}}, "displayUnits": {"category": "length"},
        "zones": [{"upper": 2, "state": "alarm", "message": "m"}], "own": {"any": [1]}, "z": 1,
    });
    set(&server, "foo.bar", meta.clone()).await;
    assert_eq!(server.node("vessels/self/foo/bar/meta").await, meta);
    server.put("foo.bar", 5).await;
    let leaf = server.node("vessels/self/foo/bar").await;
    assert_eq!(Schema::named("leaf").problems(&leaf), Vec::<String>::new());
}

#[tokio::test]
async fn meta_03_paths_of_the_specification_are_described() {
    let server = server().await;
    for (path, units) in [
        ("navigation/courseOverGroundTrue", json!("rad")),
        ("environment/outside/pressure", json!("Pa")),
        ("tanks/freshWater/0/currentLevel", json!("ratio")),
        ("navigation/state", Json::Null),
    ] {
        let meta = server.node(&format!("vessels/self/{path}/meta")).await;
        assert!(!meta["description"].as_str().unwrap().is_empty(), "{path}");
        assert_eq!(meta["units"], units, "{path}");
    }
    assert!(server.node("vessels/self/navigation/state/meta/enum").await.is_array());
}

#[tokio::test]
async fn meta_04_values_and_metadata_in_one_update() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=self&sendMeta=all&sendCachedValues=false").await;
    let mut delta = delta_of("test", "foo.bar", &json!(7));
    delta["updates"][0]["meta"] = json!([{"path": "foo.bar", "value": {"units": "m"}}]);
    server.inject(delta).await;
    assert_eq!(server.node("vessels/self/foo/bar/meta/units").await, "m");
    let message = client.until("metadata", |m| !metas_of(m).is_empty()).await;
    assert_eq!(Schema::named("delta").problems(&message), Vec::<String>::new(), "{message}");
    assert_eq!(metas_of(&message), [("foo.bar".to_owned(), json!({"units": "m"}))]);
    if values_of(&message).is_empty() {
        client.until_value("foo.bar", 7).await;
    }
}

#[tokio::test]
async fn meta_05_the_whole_is_sent_for_every_part() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let mut client = server.ws_greeted("subscribe=self&sendMeta=all&sendCachedValues=false").await;
    set(&server, SOG, json!({"displayName": "SOG"})).await;
    let message = client.until("metadata", |m| !metas_of(m).is_empty()).await;
    let (path, meta) = metas_of(&message).remove(0);
    assert_eq!(path, SOG);
    assert_eq!(meta, server.node(SOG_META).await);
    assert!(meta["units"] == "m/s" && meta["displayName"] == "SOG");
}

#[tokio::test]
async fn meta_06_metadata_comes_before_the_first_value_and_once() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let mut client = server.ws_greeted("subscribe=self&sendMeta=all").await;
    let mut seen = Vec::new();
    server.put(SOG, 2.5).await;
    loop {
        let message = client.next_json().await;
        seen.extend(metas_of(&message).into_iter().map(|(path, _)| format!("meta {path}")));
        seen.extend(values_of(&message).into_iter().map(|(_, path, _)| path));
        if values_of(&message).iter().any(|(_, path, value)| path == SOG && *value == 2.5) {
            break;
        }
    }
    let of_sog: Vec<&str> = seen.iter().filter(|s| s.ends_with(SOG)).map(|s| &**s).collect();
    assert_eq!(of_sog, [&format!("meta {SOG}"), SOG, SOG]);
    // Whoever did not ask for metadata gets none (DIV-11).
    let mut plain = server.ws_greeted("subscribe=self").await;
    set(&server, SOG, json!({"displayName": "SOG"})).await;
    server.put("x.done", 1).await;
    loop {
        let message = plain.next_json().await;
        assert_eq!(metas_of(&message), []);
        if values_of(&message).iter().any(|(_, path, _)| path == "x.done") {
            break;
        }
    }
}

#[tokio::test]
async fn meta_07_a_change_is_sent_at_once_whatever_the_policy() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let mut client = server.ws_greeted("subscribe=none&sendMeta=all").await;
    client.subscribe(json!([{"path": SOG, "policy": "fixed", "period": 3_600_000}])).await;
    let before = tokio::time::Instant::now();
    client.until("the first metadata", |m| !metas_of(m).is_empty()).await;
    set(&server, SOG, json!({"displayName": "SOG"})).await;
    let changed = |m: &Json| metas_of(m).iter().any(|(_, meta)| meta["displayName"] == "SOG");
    client.until("the new metadata", changed).await;
    assert!(before.elapsed().as_secs() < 10);
    // The same again is no change.
    server.send(&meta_delta(SOG, &json!({"displayName": "SOG"}))).await;
    server.put("x.done", 1).await;
    client.silence(harness::SILENCE_MS).await;
}

#[tokio::test]
async fn meta_08_a_part_is_merged_over_what_is_known() {
    let server = server().await;
    set(&server, SOG, json!({"displayName": "SOG"})).await;
    set(&server, SOG, json!({"shortName": "S"})).await;
    let meta = server.node(SOG_META).await;
    assert_eq!((&meta["units"], &meta["displayName"], &meta["shortName"]), (&json!("m/s"), &json!("SOG"), &json!("S")));
    assert!(meta["description"].is_string());
    // The configuration is stronger than a device.
    let server = TestServer::start(&format!("[[meta]]\npath = \"{SOG}\"\ndisplayName = \"Mine\"")).await;
    server.send(&meta_delta(SOG, &json!({"displayName": "Yours"}))).await;
    set(&server, SOG, json!({"shortName": "S"})).await;
    assert_eq!(server.node(SOG_META).await["displayName"], "Mine");
}

#[tokio::test]
async fn meta_09_metadata_is_by_path() {
    let server = server().await;
    let mut delta = meta_delta(SOG, &json!({"displayName": "SOG"}));
    delta["context"] = json!("vessels.urn:mrn:imo:mmsi:230000001");
    delta["updates"][0]["values"] = json!([{"path": SOG, "value": 1}]);
    server.inject(delta).await;
    assert_eq!(server.node(SOG_META).await["displayName"], "SOG");
    let other = "vessels/urn:mrn:imo:mmsi:230000001/navigation/speedOverGround/meta";
    assert_eq!(server.node(other).await, server.node(SOG_META).await);
}

#[tokio::test]
async fn meta_10_unsubscribing_from_all_forgets_what_was_sent() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let mut client = server.ws_greeted("subscribe=none&sendMeta=all").await;
    for _ in 0..2 {
        client.subscribe(json!([{"path": SOG}])).await;
        client.until("metadata", |m| metas_of(m).iter().any(|(path, _)| path == SOG)).await;
        client.until_value(SOG, 1.5).await;
        client.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    }
}

#[tokio::test]
async fn meta_11_a_scale_has_its_rules() {
    let server = server().await;
    let good = [
        json!({"lower": 0, "upper": 10}),
        json!({"lower": 10, "upper": 0, "type": "linear"}),
        json!({"lower": 1, "upper": 100, "type": "logarithmic"}),
        json!({"lower": 0, "upper": 100, "type": "squareroot"}),
        json!({"lower": 0, "upper": 100, "type": "power", "power": 3}),
    ];
    let bad = [
        json!({"lower": 0}),
        json!({"upper": 0}),
        json!({"lower": 0, "upper": 100, "type": "logarithmic"}),
        json!({"lower": 1, "upper": 0, "type": "logarithmic"}),
        json!({"lower": 0, "upper": 100, "type": "power"}),
        json!({"lower": 0, "upper": 100, "type": "linear", "power": 3}),
        json!({"lower": 0, "upper": 100, "type": "cubic"}),
        json!(7),
    ];
    for (i, scale) in good.iter().enumerate() {
        set(&server, &format!("good.g{i}"), json!({"displayScale": scale})).await;
    }
    for (i, scale) in bad.iter().enumerate() {
        // The other members of the same object are taken.
        set(&server, &format!("bad.b{i}"), json!({"displayScale": scale, "units": "m"})).await;
        assert_eq!(server.node(&format!("vessels/self/bad/b{i}/meta")).await, json!({"units": "m"}), "{scale}");
    }
}

#[test]
fn meta_12_the_deflection_follows_the_scale() {
    for (scale, value, expected) in [
        (json!({"lower": 0, "upper": 10}), 2.5, 0.25),
        (json!({"lower": 1, "upper": 100, "type": "logarithmic"}), 10.0, 0.5),
        (json!({"lower": 0, "upper": 100, "type": "squareroot"}), 25.0, 0.5),
        (json!({"lower": 0, "upper": 10, "type": "power", "power": 2}), 5.0, 0.25),
    ] {
        let read = DisplayScale::from_json(scale.as_object().unwrap()).unwrap();
        assert!((read.deflection(value).unwrap() - expected).abs() < 1e-12, "{scale}");
    }
}

/// The state of the depth's notification after each of these depths, `normal` where none was raised.
async fn states(zones: Json, depths: &[(f64, &str)]) {
    let server = server().await;
    set(&server, DEPTH, json!({ "zones": zones })).await;
    for (depth, expected) in depths {
        server.put(DEPTH, *depth).await;
        let place = "vessels/self/notifications/environment/depth/belowKeel/value/state";
        let state = async || server.node(place).await.as_str().unwrap_or("normal").to_owned();
        until("the state follows", || async { state().await == *expected }).await;
    }
}

#[tokio::test]
async fn meta_13_both_bounds_are_inside_and_the_rest_is_normal() {
    let zones = json!([{"lower": 2, "upper": 4, "state": "warn"}, {"lower": 8, "upper": 10, "state": "alert"}]);
    states(zones, &[(2.0, "warn"), (6.0, "normal"), (4.0, "warn"), (6.0, "normal"), (8.0, "alert"), (1.0, "normal")])
        .await;
}

#[tokio::test]
async fn meta_14_the_most_severe_zone_wins() {
    let zones = json!([
        {"upper": 10, "state": "nominal"}, {"upper": 5, "state": "alert"}, {"upper": 4, "state": "warn"},
        {"upper": 3, "state": "alarm"}, {"upper": 2, "state": "emergency"}, {"upper": 2, "state": "warn"}]);
    let steps = [(9.0, "nominal"), (4.5, "alert"), (3.5, "warn"), (2.5, "alarm"), (1.5, "emergency"), (20.0, "normal")];
    states(zones, &steps).await;
}

#[tokio::test]
async fn meta_15_methods_have_defaults_and_null_is_none() {
    let server = server().await;
    let zones = json!([{"upper": 1, "state": "alarm"}, {"upper": 2, "state": "warn"}, {"upper": 3, "state": "alert"}]);
    for (path, more, depth, expected) in [
        ("a.one", json!({}), 0.5, json!(["visual", "sound"])),
        ("a.two", json!({}), 1.5, json!(["visual"])),
        ("a.three", json!({}), 2.5, json!(["visual"])),
        ("a.four", json!({"alarmMethod": null}), 0.5, json!([])),
        ("a.five", json!({"alarmMethod": ["sound"]}), 0.5, json!(["sound"])),
    ] {
        let mut meta = more;
        meta["zones"] = zones.clone();
        set(&server, path, meta).await;
        server.put(path, depth).await;
        let place = format!("vessels/self/notifications/{}/value/method", path.replace('.', "/"));
        until("the method", || async { server.node(&place).await == expected }).await;
    }
}

#[tokio::test]
async fn meta_16_metadata_alone_makes_no_leaf() {
    let server = server().await;
    set(&server, "foo.bar", json!({"units": "m"})).await;
    assert_eq!(server.node("vessels/self/foo/bar/meta").await, json!({"units": "m"}));
    assert_eq!(server.get("/signalk/v1/api/vessels/self/foo").await.status, 404);
    assert_eq!(server.node("vessels/self").await.get("foo"), None);
}

#[tokio::test]
async fn meta_17_display_units_are_absent_or_an_object() {
    let server = server().await;
    assert_eq!(server.node(SOG_META).await.get("displayUnits"), None);
    set(&server, SOG, json!({"displayUnits": 7, "shortName": "S"})).await;
    assert_eq!(server.node(SOG_META).await.get("displayUnits"), None);
    set(&server, SOG, json!({"displayUnits": {"category": "speed", "targetUnit": "kn"}})).await;
    assert_eq!(server.node(SOG_META).await["displayUnits"]["targetUnit"], "kn");
}

#[tokio::test]
async fn meta_18_descriptions_say_something() {
    let server = TestServer::start("[[input]]\nname = \"demo\"\ntype = \"demo\"\nrate = 20.0").await;
    until("the demo boat is under way", || async {
        server.node("vessels/self/meta").await.as_object().is_some_and(|all| all.len() > 10)
    })
    .await;
    for (path, meta) in server.node("vessels/self/meta").await.as_object().unwrap() {
        assert!(meta["description"].as_str().is_some_and(|text| text.len() > 5), "{path}: {meta}");
    }
}
