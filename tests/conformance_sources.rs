//! Sources and which of them counts, row by row of the conformance checklist (SRC).
#![allow(clippy::unwrap_used)]

mod harness;

use std::sync::Arc;

use harness::{Stream as _, TestServer, delta_of, until, values_of};
use serde_json::{Value as Json, json};
use taffrail::clock::ManualClock;
use taffrail::kernel::time::Timestamp;

const SOG: &str = "navigation.speedOverGround";
const LEAF: &str = "vessels/self/navigation/speedOverGround";
const RULE: &str = "[[priority]]\npath = \"navigation.speedOverGround\"\n\
                    sources = [{ source = \"best\", timeout_ms = 0 }, { source = \"second*\", timeout_ms = 5000 }]\n";

async fn server() -> TestServer {
    TestServer::start("").await
}

/// A delta whose one update has this `source` object.
fn described(source: &Json, path: &str, value: &Json) -> Json {
    json!({"updates": [{"source": source, "values": [{"path": path, "value": value}]}]})
}

#[tokio::test]
async fn src_01_a_source_name_is_normalised() {
    let server = server().await;
    server.inject(delta_of("my gps/1", SOG, &json!(1))).await;
    assert_eq!(server.node(LEAF).await["$source"], "my_gps_1");
    // What is no text at all is the sender's own name.
    server.inject(json!({"updates": [{"$source": {"x": 1}, "values": [{"path": "a.b", "value": 1}]}]})).await;
    assert_eq!(server.node("vessels/self/a/b").await["$source"], "ws");
}

#[tokio::test]
async fn src_02_the_source_object_is_in_the_tree() {
    let server = server().await;
    let source = json!({"label": "plug", "type": "Plugin", "mine": {"a": 1}, "src": "7"});
    server.inject(described(&source, SOG, &json!(1))).await;
    let node = server.node("sources/plug/7").await;
    for (name, value) in source.as_object().unwrap() {
        assert_eq!(node[name], *value, "{node}");
    }
}

#[tokio::test]
async fn src_03_a_missing_source_is_the_provider() {
    let server = server().await;
    server.inject(json!({"updates": [{"values": [{"path": SOG, "value": 1}]}]})).await;
    assert_eq!(server.node(LEAF).await["$source"], "ws");
    // Of an input it is the input's name.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"updates\":[{\"values\":[{\"path\":\"a.b\",\"value\":1}]}]}\n").unwrap();
    let path = file.path().to_str().unwrap();
    let toml =
        format!("[[input]]\nname = \"log\"\ntype = \"file\"\nformat = \"signalk\"\npath = \"{path}\"\nrate = \"max\"");
    let server = TestServer::start(&toml).await;
    until("the file was read", || async { server.node("vessels/self/a/b").await["$source"] == "log" }).await;
}

#[tokio::test]
async fn src_04_the_name_is_made_of_the_object() {
    let server = server().await;
    for (source, name) in [
        (json!({"label": "n2k", "canName": "c0ffee", "src": "1"}), "n2k.c0ffee"),
        (json!({"label": "n2k", "src": "43", "pgn": 129_026}), "n2k.43"),
        (json!({"label": "plug", "type": "Plugin"}), "plug"),
        (json!({"label": "gps", "talker": "GP"}), "gps.GP"),
        (json!({"label": "gps"}), "gps.XX"),
    ] {
        server.inject(described(&source, SOG, &json!(name))).await;
        assert_eq!(server.node(LEAF).await["$source"], name, "{source}");
    }
}

#[tokio::test]
async fn src_05_a_given_name_is_kept() {
    let server = server().await;
    let delta = json!({"updates": [{"$source": "can0.c0ffee-1_x", "source": {"label": "other", "src": "1"},
                                    "values": [{"path": SOG, "value": 1}]}]});
    server.inject(delta).await;
    assert_eq!(server.node(LEAF).await["$source"], "can0.c0ffee-1_x");
}

#[tokio::test]
async fn src_06_a_label_that_cannot_be_used_is_the_provider() {
    let server = server().await;
    server.inject(described(&json!({"label": "/dev/ttyUSB0", "talker": "GP"}), SOG, &json!(1))).await;
    assert_eq!(server.node(LEAF).await["$source"], "ws.GP");
    server.inject(described(&json!({"talker": "II"}), SOG, &json!(2))).await;
    assert_eq!(server.node(LEAF).await["$source"], "ws.II");
}

#[tokio::test]
async fn src_07_devices_are_listed_by_bus() {
    let server = server().await;
    for pgn in [127_250, 129_026] {
        let source = json!({"label": "can0", "type": "NMEA2000", "src": "43", "canName": "c0ffee", "pgn": pgn});
        let mut delta = described(&source, SOG, &json!(pgn));
        delta["updates"][0]["$source"] = json!("can0.43");
        server.inject(delta).await;
    }
    let bus = server.node("sources/can0").await;
    assert_eq!((&bus["label"], &bus["type"]), (&json!("can0"), &json!("NMEA2000")));
    let n2k = &bus["43"]["n2k"];
    assert_eq!((&n2k["src"], &n2k["canName"]), (&json!("43"), &json!("c0ffee")));
    let pgns = n2k["pgns"].as_object().unwrap();
    assert!(pgns.len() == 2 && pgns.values().all(|at| at.as_str().unwrap().ends_with('Z')), "{bus}");

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "$GPRMC,092204.999,A,4250.5589,S,14718.5084,E,0.00,89.68,211200,,*25\r\n").unwrap();
    let path = file.path().to_str().unwrap();
    let toml = format!("[[input]]\nname = \"gps\"\ntype = \"file\"\npath = \"{path}\"\nrate = \"max\"");
    let server = TestServer::start(&toml).await;
    until("the file was read", || async { server.node("sources/gps").await.is_object() }).await;
    let bus = server.node("sources/gps").await;
    assert_eq!((&bus["label"], &bus["type"], &bus["GP"]["talker"]), (&json!("gps"), &json!("NMEA0183"), &json!("GP")));
    assert!(bus["GP"]["sentences"]["RMC"].as_str().unwrap().ends_with('Z'), "{bus}");
}

#[tokio::test]
async fn src_08_instances_are_nodes() {
    let server = server().await;
    for instance in ["0", "1"] {
        let source = json!({"label": "can0", "type": "NMEA2000", "src": "43", "pgn": 127_508, "instance": instance});
        server.inject(described(&source, &format!("electrical.batteries.{instance}.voltage"), &json!(12.5))).await;
    }
    let device = server.node("sources/can0/43").await;
    assert_eq!((&device["0"], &device["1"]), (&json!({}), &json!({})), "{device}");
}

#[tokio::test]
async fn src_09_dots_nest() {
    let server = server().await;
    server.inject(delta_of("i2c-0.0x48.volts", SOG, &json!(1))).await;
    assert!(server.node("sources/i2c-0/0x48/volts/timestamp").await.as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn src_10_a_device_that_changes_its_kind_hurts_nobody() {
    let server = server().await;
    for source in [
        json!({"label": "x", "src": "1", "type": "NMEA2000", "pgn": 127_250}),
        json!({"label": "x", "src": "1", "type": "NMEA0183", "sentence": "HDG"}),
        json!({"label": "x", "src": "1", "type": "other"}),
    ] {
        server.inject(described(&source, SOG, &source)).await;
        let kinds = ["n2k", "sentences"].map(|name| server_has(&server, name));
        let [n2k, sentences] = kinds;
        assert!(!(n2k.await && sentences.await), "never two of them");
    }
    // Nor does a source that stands where another one has a member.
    for source in ["x.1.n2k", "x.1.n2k.src", "x.label", "x.1.timestamp.y", "label"] {
        server.inject(delta_of(source, SOG, &json!(source))).await;
    }
    let tree = server.node("sources").await;
    for source in ["/x/1/n2k/src", "/x/label", "/x/1/timestamp/y"] {
        assert!(tree.pointer(source).is_some_and(Json::is_object), "{source} in {tree}");
    }
}

async fn server_has(server: &TestServer, name: &str) -> bool {
    !server.node(&format!("sources/x/1/{name}")).await.is_null()
}

#[tokio::test]
async fn src_11_a_lower_source_counts_only_after_silence() {
    let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-12-01T12:00:00Z").unwrap()));
    let state = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(RULE, clock.clone(), state.path()).await;
    let say = async |source: &str, value: Json| server.inject(delta_of(source, SOG, &value)).await;
    let shown = async || server.node(LEAF).await["$source"].as_str().unwrap().to_owned();
    say("second.GP", json!(2)).await;
    assert_eq!(shown().await, "second.GP", "the only one there is");
    say("best", json!(1)).await;
    say("second.GP", json!(2)).await;
    assert_eq!(shown().await, "best");
    clock.advance(5_000);
    say("second.GP", json!(2.5)).await;
    assert_eq!(shown().await, "best", "not silent for longer than 5 s yet");
    clock.advance(1);
    say("second.GP", json!(2.25)).await;
    assert_eq!(shown().await, "second.GP");
    say("best", Json::Null).await;
    assert_eq!(shown().await, "second.GP", "nothing to say does not hide something");
    say("best", json!(1.5)).await;
    assert_eq!(shown().await, "best", "back at once");
    // One that no line names waits for 15 s.
    clock.advance(15_000);
    say("unlisted", json!(3)).await;
    assert_eq!(shown().await, "best");
    clock.advance(1);
    say("unlisted", json!(3.5)).await;
    assert_eq!(shown().await, "unlisted");
    // Other paths are as they are without a rule.
    for source in ["best", "second", "best", "second"] {
        server.inject(delta_of(source, "a.b", &json!(source))).await;
        assert_eq!(server.node("vessels/self/a/b").await["$source"], source);
    }
}

#[tokio::test]
async fn src_11_which_source_counts_and_why_can_be_asked_for() {
    let server = TestServer::start(RULE).await;
    server.inject(delta_of("best", SOG, &json!(1))).await;
    server.inject(delta_of("second.GP", SOG, &json!(2))).await;
    let answer = server.get("/signalk/v1/sourcepriorities/vessels/self/navigation/speedOverGround").await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!((&answer["path"], &answer["$source"]), (&json!(SOG), &json!("best")));
    assert_eq!(answer["rule"]["sources"][1], json!({"$source": "second*", "timeout": 5000}));
    let sources = answer["sources"].as_array().unwrap();
    assert_eq!((&sources[0]["$source"], &sources[0]["shown"]), (&json!("best"), &json!(true)));
    assert_eq!(
        (&sources[1]["$source"], &sources[1]["shown"], &sources[1]["line"]),
        (&json!("second.GP"), &json!(false), &json!(1))
    );
    assert!(sources.iter().all(|s| s["why"].as_str().unwrap().len() > 5));
    let rules = server.get("/signalk/v1/sourcepriorities").await.json();
    assert_eq!(rules["rules"][0]["path"], SOG);
    assert_eq!(server.get("/signalk/v1/sourcepriorities/vessels/self/no/such/path").await.status, 404);
}

#[tokio::test]
async fn src_12_losers_are_in_the_stream_only_for_who_asks() {
    let server = TestServer::start(RULE).await;
    server.inject(delta_of("best", SOG, &json!(1))).await;
    let mut preferred = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    let mut all = server.ws_greeted("subscribe=self&sendCachedValues=false&sourcePolicy=all").await;
    server.inject(delta_of("second", SOG, &json!(2))).await;
    server.inject(delta_of("best", SOG, &json!(3))).await;
    assert_eq!(values_of(&preferred.next_json().await)[0].2, 3);
    assert_eq!(values_of(&all.next_json().await)[0].2, 2);
    assert_eq!(values_of(&all.next_json().await)[0].2, 3);
    // Nor in what a new client is greeted with.
    let mut late = server.ws_greeted("subscribe=self").await;
    assert!(!late.drain(200).await.contains(&format!("{SOG}=2")));
    assert_eq!(server.node(&format!("{LEAF}/value")).await, 3);
}

#[tokio::test]
async fn src_13_the_source_of_a_leaf_is_that_of_its_value() {
    let server = TestServer::start(RULE).await;
    for (source, value) in [("best", 1), ("second", 2), ("third", 3)] {
        server.inject(delta_of(source, SOG, &json!(value))).await;
    }
    let leaf = server.node(LEAF).await;
    assert_eq!(leaf["$source"], "best");
    assert_eq!(leaf["values"]["best"]["value"], leaf["value"]);
    assert_eq!(leaf["values"]["best"]["timestamp"], leaf["timestamp"]);
}
