//! The data model as clients write and read it, row by row of the conformance checklist (DM).
#![allow(clippy::unwrap_used)]

mod harness;
mod json_schema;

use std::sync::Arc;

use harness::{Stream as _, TestServer, delta_of, until, values_of, vessel_delta};
use json_schema::Schema;
use serde_json::{Value as Json, json};
use taffrail::clock::ManualClock;
use taffrail::kernel::time::Timestamp;

const SOG: &str = "navigation.speedOverGround";
const VESSEL: &str = "[vessel]\nmmsi = \"230099999\"\nname = \"Wild Rose\"\ncallsign = \"OH1234\"\nlength = 10.5\n\
                      beam = 3.4\ndraft = 1.8\ntype = 36\ngps_from_bow = 8.0\ngps_from_center = -0.5\nflag = \"FI\"\n";

async fn server() -> TestServer {
    TestServer::start("").await
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse("2026-12-01T12:00:00Z").unwrap()))
}

/// A server whose one input plays these sentences (without `$` and checksum) as fast as it can.
async fn server_with_sentences(sentences: &[&str]) -> TestServer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for body in sentences {
        let sum = body.bytes().fold(0, |sum, b| sum ^ b);
        std::io::Write::write_all(&mut file, format!("${body}*{sum:02X}\r\n").as_bytes()).unwrap();
    }
    let path = file.path().to_str().unwrap();
    let toml = format!("[[input]]\nname = \"gps\"\ntype = \"file\"\npath = \"{path}\"\nrate = \"max\"");
    let server = TestServer::start(&toml).await;
    until("the file was read", || async { !server.node("vessels/self/navigation").await.is_null() }).await;
    server
}

const RMC: &str = "GPRMC,092204.999,A,4250.5589,S,14718.5084,E,1.00,89.68,211200,,";

#[tokio::test]
async fn dm_01_text_is_utf8_in_both_formats() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    server.inject(vessel_delta(230_000_001, "", json!({"name": "Ärjä 海 🚤"}))).await;
    assert_eq!(server.node("vessels/urn:mrn:imo:mmsi:230000001/name").await, "Ärjä 海 🚤");
    client.until("the delta", |m| values_of(m).iter().any(|(_, _, v)| v["name"] == "Ärjä 海 🚤")).await;
}

#[tokio::test]
async fn dm_02_a_delta_has_context_and_updates_and_no_more() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    let mut delta = delta_of("test", SOG, &json!(1.5));
    for (key, value) in [("token", json!("secret")), ("secret", json!(1)), ("name", json!("x")), ("self", json!("y"))] {
        delta[key] = value;
    }
    delta["updates"][0]["secret"] = json!("z");
    delta["updates"][0]["values"][0]["secret"] = json!("z");
    server.inject(delta).await;
    let message = client.until_value(SOG, 1.5).await;
    assert_eq!(Schema::named("delta").problems(&message), Vec::<String>::new());
    assert!(!message.to_string().contains("secret") && message.get("token").is_none(), "{message}");
    // No updates at all is fine, and nothing.
    server.send(&json!({"updates": []})).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn dm_03_without_a_context_it_is_self() {
    let server = server().await;
    server.inject(delta_of("test", SOG, &json!(1.5))).await;
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/value").await, 1.5);
}

#[tokio::test]
async fn dm_04_a_bad_item_costs_no_other() {
    let server = server().await;
    let mut sender = server.ws_greeted("subscribe=none").await;
    sender
        .send(&json!({"updates": [
            {"$source": "t", "values": [{"path": "bad.noValue"}, {"value": 1}, {"path": 7, "value": 1}, null, 3]},
            {"$source": "t", "values": "text"},
            7,
            {"$source": "t", "values": [{"path": "good.one", "value": 1}]},
            {"$source": "t", "values": [{"path": "good.two", "value": 2}]}]}))
        .await;
    until("the good ones are there", || async { server.node("vessels/self/good/two").await.is_object() }).await;
    assert_eq!(server.node("vessels/self/good/one/value").await, 1);
    assert_eq!(server.node("vessels/self/bad").await, Json::Null);
    // The sender hears of it.
    sender.until("a word about it", |m| m["errorMessage"].is_string()).await;
}

#[tokio::test]
async fn dm_05_every_type_of_value_comes_back() {
    let server = server().await;
    let values = [
        json!("text \"quoted\" \\ \n \u{1}"),
        json!(true),
        json!(false),
        json!(7),
        json!(-2.5e-7),
        json!({"a": {"b": [1, null]}}),
        json!([1, "two", null]),
        json!(9_007_199_254_740_993_i64),
    ];
    for (i, value) in values.iter().enumerate() {
        server.put(&format!("types.t{i}"), value.clone()).await;
        assert_eq!(server.node(&format!("vessels/self/types/t{i}")).await["value"], *value);
    }
}

#[tokio::test]
async fn dm_06_an_object_stays_whole() {
    let server = server().await;
    server.put("navigation.position", json!({"latitude": 60.5, "longitude": 24.5, "altitude": 3.0})).await;
    let leaf = server.node("vessels/self/navigation/position").await;
    assert_eq!(leaf["value"], json!({"latitude": 60.5, "longitude": 24.5, "altitude": 3.0}));
    assert_eq!(leaf.get("latitude"), None);
    assert_eq!(server.node("vessels/self/navigation/position/value/latitude").await, 60.5);
}

#[tokio::test]
async fn dm_07_objects_at_the_empty_path_merge() {
    let server = server().await;
    server
        .inject(vessel_delta(230_000_001, "", json!({"name": "Alba", "communication": {"callsignVhf": "OH1"}})))
        .await;
    server.inject(vessel_delta(230_000_001, "", json!({"port": "Turku"}))).await;
    let vessel = server.node("vessels/urn:mrn:imo:mmsi:230000001").await;
    assert_eq!(
        vessel,
        json!({"mmsi": "230000001", "name": "Alba", "port": "Turku", "communication": {"callsignVhf": "OH1"}})
    );
}

#[tokio::test]
async fn dm_08_static_data_stands_bare() {
    let server = server().await;
    server.inject(vessel_delta(230_000_001, "", json!({"registrations": {"imo": "9074729"}, "flag": "FI"}))).await;
    // The same when a sender gives them a path of their own.
    for (path, value) in [("name", "Alba"), ("communication.callsignVhf", "OH1"), ("port", "Turku")] {
        server.send(&vessel_delta(230_000_001, path, value)).await;
    }
    let other = "vessels/urn:mrn:imo:mmsi:230000001";
    until("the last one is there", || async { server.node(&format!("{other}/port")).await == "Turku" }).await;
    let expected = json!({"mmsi": "230000001", "registrations": {"imo": "9074729"}, "flag": "FI", "name": "Alba",
                          "communication": {"callsignVhf": "OH1"}, "port": "Turku"});
    assert_eq!(server.node(other).await, expected);
    assert_eq!(server.get(&format!("/signalk/v1/api/{other}/name/value")).await.status, 404);
}

#[tokio::test]
async fn dm_09_configured_data_of_self_is_protected() {
    let server = TestServer::start(VESSEL).await;
    let before = server.node("vessels/self").await;
    assert_eq!((&before["name"], &before["design"]["length"]["value"]["overall"]), (&json!("Wild Rose"), &json!(10.5)));
    let mut client = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    for (path, value) in [
        ("", json!({"name": "Echo", "mmsi": "230000009", "communication": {"callsignVhf": "X"}})),
        ("name", json!("Echo")),
        ("communication.callsignVhf", json!("X")),
        ("design.length", json!({"overall": 99})),
        ("design.beam", json!(99)),
        ("design.draft", json!({"maximum": 99})),
        ("design.aisShipType", json!({"id": 99, "name": "x"})),
        ("sensors.gps.fromBow", json!(99)),
        ("sensors.gps.fromCenter", json!(99)),
    ] {
        server.send(&delta_of("ais.AI", path, &value)).await;
    }
    // What is not configured comes through, and nothing else of the same object.
    server.send(&delta_of("ais.AI", "", &json!({"name": "Echo", "port": "Turku"}))).await;
    let message = client.next_json().await;
    assert_eq!(values_of(&message)[0].2, json!({"port": "Turku"}));
    let mut after = server.node("vessels/self").await;
    assert_eq!(after.as_object_mut().unwrap().remove("port"), Some(json!("Turku")));
    assert_eq!(after, before);
}

#[tokio::test]
async fn dm_10_units_are_si() {
    // 1.00 knot and 89.68 degrees.
    let server = server_with_sentences(&[RMC]).await;
    let value =
        async |path: &str| server.node(&format!("vessels/self/navigation/{path}/value")).await.as_f64().unwrap();
    assert!((value("speedOverGround").await - 0.514_444).abs() < 1e-5);
    assert!((value("courseOverGroundTrue").await - 1.565_211).abs() < 1e-5);
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/meta/units").await, "m/s");
    assert_eq!(server.node("vessels/self/navigation/courseOverGroundTrue/meta/units").await, "rad");
}

#[tokio::test]
async fn dm_11_times_are_utc() {
    let server = server().await;
    for (i, (given, shown)) in [
        ("2026-11-30T10:00:00Z", "2026-11-30T10:00:00.000Z"),
        ("2026-11-30T12:00:00.25+02:00", "2026-11-30T10:00:00.250Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut delta = delta_of("test", SOG, &json!(i));
        delta["updates"][0]["timestamp"] = json!(given);
        server.inject(delta).await;
        assert_eq!(server.node("vessels/self/navigation/speedOverGround/timestamp").await, shown);
    }
}

#[tokio::test]
async fn dm_12_a_missing_time_is_the_time_of_arrival() {
    let state = tempfile::tempdir().unwrap();
    let server = TestServer::start_with("", clock(), state.path()).await;
    server.put(SOG, 1.0).await;
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/timestamp").await, "2026-12-01T12:00:00.000Z");
}

#[tokio::test]
async fn dm_13_null_is_a_value() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let mut client = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    server.put(SOG, Json::Null).await;
    client.until_value(SOG, Json::Null).await;
    assert_eq!(server.node("vessels/self/navigation/speedOverGround").await.get("value"), Some(&Json::Null));
}

#[tokio::test]
async fn dm_14_the_root_has_its_keys() {
    let server = server().await;
    let mut delta = delta_of("test", "navigation.state", &json!("x"));
    delta["context"] = json!("atons.urn:mrn:imo:mmsi:992301234");
    server.inject(delta).await;
    let model = server.node("").await;
    let mut keys: Vec<&String> = model.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["atons", "self", "sources", "version", "vessels"]);
    let own = model["self"].as_str().unwrap().split_once('.').unwrap();
    assert!(model[own.0][own.1].is_object());
    // The schema's word for it leads there, too.
    assert_eq!(server.node("aton").await, model["atons"]);
}

#[tokio::test]
async fn dm_15_the_full_model_says_its_version() {
    let version = server().await.node("version").await;
    let parts: Vec<u32> = version.as_str().unwrap().split('.').map(|part| part.parse().unwrap()).collect();
    assert_eq!(parts.len(), 3);
}

#[tokio::test]
async fn dm_16_every_vessel_says_who_it_is() {
    let server = server().await;
    let uuid = "urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b";
    for (id, place, member, value) in [
        ("urn:mrn:imo:mmsi:230000001", "urn:mrn:imo:mmsi:230000001", "mmsi", "230000001"),
        (uuid, uuid, "uuid", uuid),
        ("http://boat.example/alba", "http:%2F%2Fboat.example%2Falba", "url", "http://boat.example/alba"),
    ] {
        let mut delta = delta_of("test", SOG, &json!(1));
        delta["context"] = json!(format!("vessels.{id}"));
        server.send(&delta).await;
        until("it says who it is", || async { server.node(&format!("vessels/{place}/{member}")).await == value }).await;
    }
    assert!(server.node("vessels/self/uuid").await.is_string());
}

#[tokio::test]
async fn dm_17_bad_ids_are_not_listed() {
    let server = server().await;
    for id in ["alba", "urn:mrn:imo:mmsi:23", "urn:mrn:imo:mmsi:23000000x", "urn:mrn:signalk:uuid:7", "*", "a b", ""] {
        let mut delta = delta_of("test", SOG, &json!(1));
        delta["context"] = json!(format!("vessels.{id}"));
        server.send(&delta).await;
    }
    server.put(SOG, 2).await;
    let vessels = server.node("vessels").await;
    assert_eq!(vessels.as_object().unwrap().len(), 1, "{vessels}");
}

#[tokio::test]
async fn dm_18_every_root_is_taken() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    for (context, shown) in [
        ("atons.urn:mrn:imo:mmsi:992301234", "atons.urn:mrn:imo:mmsi:992301234"),
        ("aton.urn:mrn:imo:mmsi:992301235", "atons.urn:mrn:imo:mmsi:992301235"),
        ("aircraft.urn:mrn:imo:mmsi:111230001", "aircraft.urn:mrn:imo:mmsi:111230001"),
        ("sar.urn:mrn:imo:mmsi:970123456", "sar.urn:mrn:imo:mmsi:970123456"),
        ("shore.basestations.urn:mrn:imo:mmsi:002301234", "shore.basestations.urn:mrn:imo:mmsi:002301234"),
        ("meteo.urn:mrn:imo:mmsi:002301234:1", "meteo.urn:mrn:imo:mmsi:002301234:1"),
        ("vessels.230000001", "vessels.urn:mrn:imo:mmsi:230000001"),
        ("other.anything", "other.anything"),
    ] {
        let mut delta = delta_of("test", "test.value1", &json!(context));
        delta["context"] = json!(context);
        server.send(&delta).await;
        let message = client.until_value("test.value1", context).await;
        assert_eq!(message["context"], shown);
    }
    let model = server.node("").await;
    assert!(model["shore"]["basestations"]["urn:mrn:imo:mmsi:002301234"].is_object());
    assert!(model["other"]["anything"].is_object());
    // A root alone is no context.
    let mut delta = delta_of("test", "test.value1", &json!(1));
    delta["context"] = json!("vessels");
    server.send(&delta).await;
    client.still_works(&server).await;
    assert_eq!(server.node("").await["vessels"].get("test"), None);
}

#[tokio::test]
async fn dm_19_several_sources_are_listed_from_the_second_on() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    server.inject(delta_of("other", SOG, &json!(2.5))).await;
    let leaf = server.node("vessels/self/navigation/speedOverGround").await;
    assert_eq!((&leaf["values"]["test"]["value"], &leaf["values"]["other"]["value"]), (&json!(1.5), &json!(2.5)));
    assert!(leaf["values"]["test"]["timestamp"].is_string());
}

#[tokio::test]
async fn dm_20_the_latest_is_shown() {
    let server = server().await;
    for i in 0..4 {
        let source = if i % 2 == 0 { "one" } else { "two" };
        server.inject(delta_of(source, SOG, &json!(i))).await;
        let leaf = server.node("vessels/self/navigation/speedOverGround").await;
        assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(i), &json!(source)));
    }
}

#[tokio::test]
async fn dm_21_values_are_keyed_by_source() {
    let server = server().await;
    for source in ["n2k.43", "gps.GP"] {
        server.inject(delta_of(source, SOG, &json!(1))).await;
    }
    let values = server.node("vessels/self/navigation/speedOverGround/values").await;
    let mut keys: Vec<&String> = values.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["gps.GP", "n2k.43"]);
}

#[tokio::test]
async fn dm_22_a_leaf_names_its_message_and_says_when_it_is_stale() {
    let server = server_with_sentences(&[RMC]).await;
    let leaf = server.node("vessels/self/navigation/speedOverGround").await;
    assert_eq!((leaf["sentence"].as_str(), leaf.get("pgn")), (Some("RMC"), None));
    server
        .inject(json!({"updates": [{
            "source": {"label": "can0", "type": "NMEA2000", "src": "43", "pgn": 127_250},
            "values": [{"path": "navigation.headingMagnetic", "value": 1.5}]}]}))
        .await;
    let leaf = server.node("vessels/self/navigation/headingMagnetic").await;
    assert_eq!((leaf["pgn"].as_u64(), leaf.get("sentence")), (Some(127_250), None));
    assert_eq!(Schema::named("leaf").problems(&leaf), Vec::<String>::new());

    let clock = clock();
    let state = tempfile::tempdir().unwrap();
    let toml = "[[meta]]\npath = \"environment.depth.belowKeel\"\ntimeout = \"5s\"";
    let server = TestServer::start_with(toml, clock.clone(), state.path()).await;
    server.put("environment.depth.belowKeel", 5.5).await;
    clock.advance(5_000);
    assert_eq!(server.node("vessels/self/environment/depth/belowKeel").await.get("state"), None);
    clock.advance(1);
    assert_eq!(server.node("vessels/self/environment/depth/belowKeel/state/timedOut").await, true);
    // Without a timeout a source is stale when it is silent for ten times its usual interval.
    for i in 0..5 {
        server.put(SOG, i).await;
        clock.advance(2_000);
    }
    assert_eq!(server.node("vessels/self/navigation/speedOverGround").await.get("state"), None);
    clock.advance(30_000);
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/state/timedOut").await, true);
    server.put(SOG, 9).await;
    assert_eq!(server.node("vessels/self/navigation/speedOverGround").await.get("state"), None);
}

#[tokio::test]
async fn dm_23_objects_have_their_members() {
    let server = TestServer::start(VESSEL).await;
    let value = async |path: &str| server.node(&format!("vessels/self/{path}/value")).await;
    assert_eq!(value("design/length").await, json!({"overall": 10.5}));
    assert_eq!(value("design/draft").await, json!({"maximum": 1.8}));
    assert_eq!(value("design/aisShipType").await, json!({"id": 36, "name": "Sailing"}));
    let server = server_with_sentences(&[RMC]).await;
    let position = server.node("vessels/self/navigation/position/value").await;
    assert!((position["latitude"].as_f64().unwrap() + 42.842_648).abs() < 1e-6);
    assert!((position["longitude"].as_f64().unwrap() - 147.308_473).abs() < 1e-6);
}

#[tokio::test]
async fn dm_24_instances_are_named_freely() {
    let server = server().await;
    for name in ["port", "1", "House-2", "aft_tank"] {
        server.put(&format!("electrical.batteries.{name}.voltage"), 12.5).await;
        assert_eq!(server.node(&format!("vessels/self/electrical/batteries/{name}/voltage/meta/units")).await, "V");
    }
}

#[tokio::test]
async fn dm_25_a_leaf_may_have_leaves_below_it() {
    let server = server().await;
    server.put("electrical.batteries.1.voltage.ripple", 0.1).await;
    server.put("electrical.batteries.1.voltage", 12.5).await;
    server.put("electrical.batteries.1.voltage.state", "fine").await;
    let leaf = server.node("vessels/self/electrical/batteries/1/voltage").await;
    assert_eq!((&leaf["value"], &leaf["ripple"]["value"]), (&json!(12.5), &json!(0.1)));
    assert_eq!(leaf["state"]["value"], "fine");
    assert_eq!(Schema::named("leaf").problems(&leaf), Vec::<String>::new());
    // Bare data have no place for anything below; the text stays valid JSON with every name once.
    server.inject(vessel_delta(230_000_001, "", json!({"name": "Alba"}))).await;
    server.send(&vessel_delta(230_000_001, "name.below", 1)).await;
    server.put("x.done", 1).await;
    let text = server.get("/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230000001").await;
    assert_eq!(text.text().matches("\"name\"").count(), 1, "{}", text.text());
}

#[tokio::test]
async fn dm_26_any_path_is_taken() {
    let server = server().await;
    server.put("foo.bar", 1).await;
    let leaf = server.node("vessels/self/foo/bar").await;
    assert_eq!((&leaf["value"], leaf.get("meta")), (&json!(1), None));
}

#[tokio::test]
async fn dm_27_the_last_write_counts() {
    let server = server().await;
    for (timestamp, value) in [("2026-11-30T10:00:00Z", 1), ("2026-11-30T09:00:00Z", 2)] {
        let mut delta = delta_of("test", SOG, &json!(value));
        delta["updates"][0]["timestamp"] = json!(timestamp);
        server.inject(delta).await;
    }
    let leaf = server.node("vessels/self/navigation/speedOverGround").await;
    assert_eq!((&leaf["value"], &leaf["timestamp"]), (&json!(2), &json!("2026-11-30T09:00:00.000Z")));
}

#[tokio::test]
async fn dm_28_names_of_a_leafs_members_are_no_paths() {
    let server = server().await;
    server.put(SOG, 1.5).await;
    let before = server.node("vessels/self").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for name in ["value", "values", "meta", "$source", "source", "timestamp", "pgn", "sentence", "_attr"] {
        client.send(&delta_of("test", &format!("{SOG}.{name}"), &json!("x"))).await;
        client.send(&delta_of("test", &format!("{SOG}.{name}.below"), &json!("x"))).await;
        client.until("a word about it", |m| m["errorMessage"].is_string()).await;
    }
    assert_eq!(server.node("vessels/self").await, before);
    // `state` is a path of the specification.
    server.put("navigation.state", "sailing").await;
}

#[tokio::test]
async fn dm_29_an_mmsi_is_a_text() {
    let server = TestServer::start(VESSEL).await;
    assert_eq!(server.node("vessels/self/mmsi").await, "230099999");
    let mut client = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    server.send(&vessel_delta(230_000_001, "", json!({"mmsi": 230_000_001, "name": "Alba"}))).await;
    let message = client.until("the delta", |m| values_of(m).iter().any(|(_, _, v)| v["name"] == "Alba")).await;
    assert!(!message.to_string().contains("\"mmsi\":2"), "{message}");
    assert_eq!(server.node("vessels/urn:mrn:imo:mmsi:230000001/mmsi").await, "230000001");
    server.send(&vessel_delta(2_301_234, "", json!({"mmsi": 2_301_234}))).await;
}

#[tokio::test]
async fn dm_30_numbers_keep_every_digit() {
    let server = server().await;
    server.put("navigation.position", json!({"latitude": 52.123_456_789, "longitude": -4.987_654_321})).await;
    let text = server.get("/signalk/v1/api/vessels/self/navigation/position/value").await;
    assert_eq!(text.text(), r#"{"latitude":52.123456789,"longitude":-4.987654321}"#);
    // No number that JSON cannot hold: null is said instead.
    let mut client = server.ws_greeted("subscribe=none").await;
    client.send_text(r#"{"updates":[{"$source":"t","values":[{"path":"big.number","value":1e999}]}]}"#).await;
    server.put("x.done", 1).await;
    until("the number is null", || async {
        let leaf = server.node("vessels/self/big/number").await;
        leaf.get("value") == Some(&Json::Null)
    })
    .await;
}
