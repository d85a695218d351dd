//! Subscriptions, row by row (SUB): which values come. When they come is in `conformance_subscription_policy.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::collections::BTreeSet;

use harness::{SILENCE_MS, Stream, TestServer, WsClient, delta_of, values_of, vessel_delta};
use serde_json::{Value as Json, json};

const OTHER: &str = "vessels.urn:mrn:imo:mmsi:230000001";

async fn quiet(server: &TestServer) -> WsClient {
    server.ws_greeted("subscribe=none").await
}

/// Subscribes to rows of the own vessel and gives back the paths that come of what is known, sorted.
async fn paths_for(server: &TestServer, rows: Json) -> Vec<String> {
    let mut client = quiet(server).await;
    client.subscribe(rows).await;
    let mut paths = BTreeSet::new();
    while let Some(message) = client.next_within(SILENCE_MS).await {
        paths.extend(values_of(&message).into_iter().map(|(_, path, _)| path));
    }
    paths.into_iter().collect()
}

#[tokio::test]
async fn sub_01_a_subscription_yields_data() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client
        .send_text(
            r#"{"context":"vessels.self","subscribe":[{"path":"navigation.*","period":1000,"format":"delta","policy":"instant","minPeriod":200}]}"#,
        )
        .await;
    server.put("navigation.log", 1.5).await;
    client.until_value("navigation.log", 1.5).await;
}

#[tokio::test]
async fn sub_02_a_path_means_that_path_only() {
    let server = TestServer::start("").await;
    for path in ["a.b", "a.b.c", "a", "a.bc", "x.a.b"] {
        server.put(path, 1).await;
    }
    assert_eq!(paths_for(&server, json!([{"path": "a.b"}])).await, ["a.b"]);
}

#[tokio::test]
async fn sub_03_a_star_stands_for_a_part_or_for_the_rest() {
    let server = TestServer::start("").await;
    for path in ["p.port.oil", "p.port.fuel", "p.starboard.oil", "q.port.oil"] {
        server.put(path, 1).await;
    }
    assert_eq!(paths_for(&server, json!([{"path": "p.*.oil"}])).await, ["p.port.oil", "p.starboard.oil"]);
    assert_eq!(paths_for(&server, json!([{"path": "p.port.*"}])).await, ["p.port.fuel", "p.port.oil"]);
}

#[tokio::test]
async fn sub_04_a_star_stands_for_any_characters() {
    let server = TestServer::start("").await;
    let all = ["a.b", "a.b.t", "a", "c.t", "wind", "windy.x", "d.wind"];
    for path in all {
        server.put(path, 1).await;
    }
    for (pattern, expected) in [
        ("a.*", &["a.b", "a.b.t"][..]),
        ("*.t", &["a.b.t", "c.t"]),
        ("wind*", &["wind", "windy.x"]),
        ("*wind", &["d.wind", "wind"]),
        ("*", &["", "a", "a.b", "a.b.t", "c.t", "d.wind", "wind", "windy.x"]),
        ("**", &["", "a", "a.b", "a.b.t", "c.t", "d.wind", "wind", "windy.x"]),
        ("*.*.t", &["a.b.t"]),
        ("A.*", &[]),
    ] {
        assert_eq!(paths_for(&server, json!([{"path": pattern}])).await, expected, "{pattern}");
    }
}

#[tokio::test]
async fn sub_05_every_other_character_stands_for_itself() {
    let server = TestServer::start("").await;
    for path in ["a.b", "axb", "aab", "a+b", "a(b", "a$"] {
        server.put(path, 1).await;
    }
    for (pattern, expected) in
        [("a.b", &["a.b"][..]), ("a+b", &["a+b"]), ("a(b", &["a(b"]), ("a(*", &["a(b"]), ("[a]*", &[]), ("a$", &["a$"])]
    {
        assert_eq!(paths_for(&server, json!([{"path": pattern}])).await, expected, "{pattern}");
    }
}

#[tokio::test]
async fn sub_15_a_context_has_several_forms() {
    let server = TestServer::start("").await;
    let own = server.own().await;
    server.put("a.b", 1).await;
    let aton = "atons.urn:mrn:imo:mmsi:992300001";
    for context in [OTHER, aton] {
        let mut delta = delta_of("test", "a.b", &json!(1));
        delta["context"] = json!(context);
        server.inject(delta).await;
    }
    for (context, expected) in [
        ("vessels.self", &[&*own][..]),
        ("self", &[&*own]),
        (&*own, &[&*own]),
        (OTHER, &[OTHER]),
        ("vessels.230000001", &[OTHER]),
        ("vessels.*", &[OTHER, &*own]),
        ("vessels.urn:mrn:imo:*", &[OTHER]),
        ("atons.*", &[aton]),
        ("*", &[aton, OTHER, &*own]),
        ("vessels", &[]),
        ("aircraft.*", &[]),
    ] {
        let mut client = quiet(&server).await;
        client.send(&json!({"context": context, "subscribe": [{"path": "a.b"}]})).await;
        let mut seen = BTreeSet::new();
        while let Some(message) = client.next_within(SILENCE_MS).await {
            seen.insert(message["context"].as_str().unwrap_or_default().to_owned());
        }
        let expected: BTreeSet<String> = expected.iter().map(|&c| c.to_owned()).collect();
        assert_eq!(seen, expected, "{context}");
    }
}

#[tokio::test]
async fn sub_16_no_context_means_every_context() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.send(&json!({"subscribe": [{"path": "a.b"}]})).await;
    server.inject(vessel_delta(230_000_001, "a.b", 1)).await;
    assert_eq!(client.next_values().await[0].0, OTHER);
    server.put("a.b", 2).await;
    assert_eq!(client.next_values().await[0].0, server.own().await);
}

#[tokio::test]
async fn sub_17_a_circle_takes_who_is_inside_it() {
    let server = TestServer::start("").await;
    let position = |longitude: f64| json!({"latitude": 60.0, "longitude": longitude});
    // A hundredth of a degree of longitude is some 556 metres there.
    server.inject(vessel_delta(230_000_001, "navigation.position", position(24.001))).await;
    server.inject(vessel_delta(230_000_002, "navigation.position", position(24.1))).await;
    for mmsi in [230_000_001, 230_000_002, 230_000_003] {
        server.inject(vessel_delta(mmsi, "a.b", mmsi)).await;
    }
    let mut client = quiet(&server).await;
    let circle = json!({"radius": 500, "position": {"latitude": 60, "longitude": 24}});
    client.send(&json!({"context": circle, "subscribe": [{"path": "a.b"}]})).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b=230000001"]);
    // Membership goes with the position: one leaves, one comes.
    server.inject(vessel_delta(230_000_001, "navigation.position", position(24.2))).await;
    server.inject(vessel_delta(230_000_002, "navigation.position", position(24.002))).await;
    server.inject(vessel_delta(230_000_001, "a.b", 5)).await;
    server.inject(vessel_delta(230_000_002, "a.b", 6)).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b=6"]);

    let mut client = quiet(&server).await;
    for odd in
        [json!({"radius": "far"}), json!({"radius": null, "position": {"latitude": 1, "longitude": 2}}), json!(7)]
    {
        client.send(&json!({"context": odd, "subscribe": [{"path": "*"}]})).await;
        assert!(client.next_json().await["errorMessage"].is_string(), "{odd}");
    }
    client.silence(SILENCE_MS).await;
}

#[tokio::test]
async fn sub_18_what_is_known_comes_at_once() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    // The switch for cached values is about the connection, not about subscriptions.
    let mut client = server.ws_greeted("subscribe=none&sendCachedValues=false").await;
    for row in [
        json!({"path": "a.b"}),
        json!({"path": "a.b", "policy": "instant"}),
        json!({"path": "a.b", "policy": "fixed", "period": 60000}),
    ] {
        client.subscribe(json!([row])).await;
        assert_eq!(client.next_values().await[0].2, 1, "{row}");
    }
}

#[tokio::test]
async fn sub_19_new_paths_of_a_row_come_by_themselves_and_once() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "tanks.*"}])).await;
    server.put("tanks.fuel.0.currentLevel", 0.5).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["tanks.fuel.0.currentLevel=0.5"]);
}

#[tokio::test]
async fn sub_20_everything_can_be_taken_back() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.*"}, {"path": "a.b", "policy": "fixed", "period": 50}])).await;
    server.put("a.b", 1).await;
    client.until_value("a.b", 1).await;
    client.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    // What was on its way may still come. The beat would go on for ever.
    client.settled().await;
    server.put("a.b", 2).await;
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn sub_21_one_of_two_paths_can_be_taken_back() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b"}, {"path": "a.c"}])).await;
    client.send(&json!({"context": "vessels.self", "unsubscribe": [{"path": "a.b"}]})).await;
    client.settled().await;
    server.put("a.b", 1).await;
    server.put("a.c", 2).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.c=2"]);
    // What was never asked for can be taken back, too; nothing closes the stream.
    for odd in [
        json!({"context": "vessels.self", "unsubscribe": [{"path": "no.such"}]}),
        json!({"unsubscribe": "x"}),
        json!({"unsubscribe": [7, null, {}]}),
    ] {
        client.send(&odd).await;
    }
    client.still_works(&server).await;
    server.put("a.c", 3).await;
    client.until_value("a.c", 3).await;
}

#[tokio::test]
async fn sub_22_subscriptions_add_up() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b"}])).await;
    client.subscribe(json!([{"path": "a.c"}])).await;
    server.put("a.b", 1).await;
    server.put("a.c", 2).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b=1", "a.c=2"]);
}

#[tokio::test]
async fn sub_23_the_path_may_be_missing_a_star_or_empty() {
    let server = TestServer::start("[vessel]\nname = \"Alba\"").await;
    server.put("a.b", 1).await;
    assert_eq!(paths_for(&server, json!([{"policy": "instant"}, {"path": "a.b"}])).await, ["a.b"]);
    assert_eq!(paths_for(&server, json!([{"path": "*"}])).await, ["", "a.b"]);
    assert_eq!(paths_for(&server, json!([{"path": ""}])).await, [""]);
}

#[tokio::test]
async fn sub_24_static_data_come_by_name_or_as_an_object() {
    let server = TestServer::start("[vessel]\nname = \"Alba\"\ncallsign = \"OH1234\"").await;
    let mut by_name = quiet(&server).await;
    by_name.subscribe(json!([{"path": "name"}, {"path": "communication.callsignVhf"}])).await;
    let mut got = by_name.drain(SILENCE_MS).await;
    got.sort();
    assert_eq!(got, ["communication.callsignVhf=\"OH1234\"", "name=\"Alba\""]);
    let mut whole = quiet(&server).await;
    whole.subscribe(json!([{"path": ""}])).await;
    assert_eq!(whole.next_values().await[0].2["name"], "Alba");
    // And live, of another vessel.
    for client in [&mut by_name, &mut whole] {
        client.send(&json!({"context": "vessels.*", "subscribe": [{"path": "name"}, {"path": ""}]})).await;
        client.drain(SILENCE_MS).await;
    }
    let statics = json!({"name": "Bella", "mmsi": "230000001"});
    server
        .inject(json!({"context": OTHER, "updates": [{"$source": "x", "values": [{"path": "", "value": statics}]}]}))
        .await;
    let mut by_name = quiet(&server).await;
    by_name.send(&json!({"context": OTHER, "subscribe": [{"path": "mmsi"}, {"path": "name"}, {"path": "port"}]})).await;
    let mut got = by_name.drain(SILENCE_MS).await;
    got.sort();
    assert_eq!(got, ["mmsi=\"230000001\"", "name=\"Bella\""]);
    assert_eq!(whole.until("the object", |m| values_of(m).iter().any(|v| v.1.is_empty())).await["context"], OTHER);
}

#[tokio::test]
async fn sub_26_every_source_comes_and_says_which_it_is() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b"}])).await;
    let mut sources = BTreeSet::new();
    for source in ["gps.GP", "n2k.43"] {
        server.inject(delta_of(source, "a.b", &json!(source))).await;
        let message = client.until_value("a.b", source).await;
        sources.insert(message["updates"][0]["$source"].as_str().unwrap().to_owned());
    }
    assert_eq!(sources, BTreeSet::from(["gps.GP".to_owned(), "n2k.43".to_owned()]));
}

#[tokio::test]
async fn sub_27_one_source_can_be_asked_for() {
    let server = TestServer::start("").await;
    server.inject(delta_of("n2k.43", "a.b", &json!(1))).await;
    server.inject(delta_of("gps.GP", "a.b", &json!(2))).await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b.values[n2k.43]"}])).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b=1"]);
    server.inject(delta_of("gps.GP", "a.b", &json!(3))).await;
    server.inject(delta_of("n2k.43", "a.b", &json!(4))).await;
    let message = client.next_json().await;
    assert_eq!((&values_of(&message)[0].2, &message["updates"][0]["$source"]), (&json!(4), &json!("n2k.43")));
}

#[tokio::test]
async fn sub_28_new_paths_are_announced_once_each() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = quiet(&server).await;
    client.send(&json!({"context": "vessels.self", "subscribe": [], "announceNewPaths": true})).await;
    client.until_value("a.b", 1).await;
    client.drain(SILENCE_MS).await;
    for (path, value) in [("a.b", 2), ("a.c", 3), ("a.c", 4), ("a.d", 5)] {
        server.put(path, value).await;
    }
    assert_eq!(client.drain(SILENCE_MS).await, ["a.c=3", "a.d=5"]);
}

#[tokio::test]
async fn sub_29_sources_can_be_left_out() {
    let server = TestServer::start(
        "[[priority]]\npath = \"a.*\"\nsources = [{ source = \"best\" }, { source = \"other\", timeout_ms = 60000 }]",
    )
    .await;
    let mut without = quiet(&server).await;
    without.send(&json!({"context": "vessels.self", "subscribe": [{"path": "a.b"}], "excludeSources": ["best"]})).await;
    let mut all = quiet(&server).await;
    all.send(&json!({"context": "vessels.self", "subscribe": [{"path": "a.b"}], "sourcePolicy": "all"})).await;
    server.inject(delta_of("best", "a.b", &json!(1))).await;
    server.inject(delta_of("other", "a.b", &json!(2))).await;
    assert_eq!(without.drain(SILENCE_MS).await, ["a.b=2"]);
    assert_eq!(all.drain(SILENCE_MS).await, ["a.b=1", "a.b=2"]);
}

#[tokio::test]
async fn sub_30_deltas_are_whole_whatever_their_grouping() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client.subscribe(json!([{"path": "a.b"}, {"path": "a.d"}])).await;
    let values = json!([{"path": "a.b", "value": 1}, {"path": "a.c", "value": 2}, {"path": "a.d", "value": 3}]);
    server.inject(json!({"updates": [{"$source": "x", "values": values}]})).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b=1", "a.d=3"]);
}

#[tokio::test]
async fn sub_32_what_a_row_does_not_know_does_not_spoil_the_message() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    server.put("a.c", 2).await;
    let rows = json!([{"path": "a.b", "foo": 1, "Period": {}}, 7, null, "x", {"path": 7}, {"path": "a.c"}]);
    assert_eq!(paths_for(&server, rows).await, ["a.b", "a.c"]);
}

#[tokio::test]
async fn sub_33_what_is_no_array_is_ignored_and_closing_drops_everything() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    for odd in [json!("x"), json!(7), json!({}), json!(null), json!(true)] {
        client.send(&json!({"context": "vessels.self", "subscribe": odd})).await;
    }
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
    client.close().await;
    let open = &server.server.shared.counters.open;
    // The one that is left is the harness's own writer.
    harness::until("the stream is gone", || async { open.load(std::sync::atomic::Ordering::Relaxed) == 1 }).await;
}

#[tokio::test]
async fn sub_34_keys_of_other_transports_are_ignored() {
    let server = TestServer::start("").await;
    let mut client = quiet(&server).await;
    client
        .send(&json!({"context": "vessels.self", "websocket.connectionkey": "d2f1", "reply-to": "q",
            "subscribe": [{"path": "a.b"}]}))
        .await;
    server.put("a.b", 1).await;
    assert_eq!(client.next_values().await[0].2, 1);
}

#[tokio::test]
async fn sub_35_the_seven_messages_of_freeboard_work() {
    let server = TestServer::start("[vessel]\nname = \"Alba\"").await;
    server.inject(vessel_delta(230_000_001, "navigation.speedOverGround", 3.5)).await;
    let mut client = quiet(&server).await;
    let fixed = |path: &str, period: u32| json!({"path": path, "period": period, "policy": "fixed"});
    let paths = [
        "",
        "buddy",
        "uuid",
        "name",
        "mmsi",
        "port",
        "flag",
        "navigation.*",
        "environment.wind.*",
        "environment.mode",
        "environment.sun",
        "resources.*",
        "steering.autopilot.*",
        "performance.*",
    ];
    let rows: Vec<Json> = paths.iter().map(|path| fixed(path, 1000)).collect();
    client.send(&json!({"context": "vessels.*", "subscribe": rows})).await;
    let own = [json!({"path": "notifications.*", "period": 1000}), json!({"path": "radars.*", "period": 1000})];
    client.send(&json!({"context": "vessels.self", "subscribe": own})).await;
    for (context, period) in
        [("atons.*", 60000), ("shore.basestations.*", 60000), ("sar.*", 1000), ("aircraft.*", 1000), ("meteo.*", 1000)]
    {
        client.send(&json!({"context": context, "subscribe": [fixed("*", period)]})).await;
    }
    client.until("the name", |m| values_of(m).iter().any(|(_, _, v)| v == "Alba" || v["name"] == "Alba")).await;
    // Twice: what is known, and a beat.
    client.until_value("navigation.speedOverGround", 3.5).await;
    client.until_value("navigation.speedOverGround", 3.5).await;
    let base = "shore.basestations.urn:mrn:imo:mmsi:002300001";
    let mut delta = delta_of("ais", "navigation.position", &json!({"latitude": 60.0, "longitude": 24.0}));
    delta["context"] = json!(base);
    server.inject(delta).await;
    server.put("notifications.test", json!({"state": "alert", "method": [], "message": "x"})).await;
    client.until("the notification", |m| values_of(m).iter().any(|v| v.1 == "notifications.test")).await;
}
