//! What real clients trip over on a stream, one test for each trap that was seen with one of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use futures_util::StreamExt;
use harness::{SILENCE_MS, Stream, TestServer, delta_of, values_of};
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::Message;

const DEMO: &str = "[[input]]\nname = \"demo\"\ntype = \"demo\"\nrate = 20";

#[tokio::test]
async fn trap_01_discovery_urls_lead_where_they_say() {
    let server = TestServer::start("").await;
    for path in ["/signalk", "/signalk/"] {
        let document = server.get(path).await.json();
        let v1 = &document["endpoints"]["v1"];
        assert_eq!(v1["signalk-http"], format!("http://{}/signalk/v1/api/", server.http));
        assert_eq!(v1["signalk-ws"], format!("ws://{}/signalk/v1/stream", server.http));
        assert!(document["server"]["version"].is_string() && document["server"]["id"].is_string());
    }
}

#[tokio::test]
async fn trap_02_versions_open_what_clients_gate_on_them() {
    let server = TestServer::start("").await;
    let hello = server.ws("").await.next_json().await;
    let document = server.get("/signalk").await.json();
    for version in [
        &hello["version"],
        &document["endpoints"]["v1"]["version"],
        &document["server"]["version"],
        &server.node("version").await,
    ] {
        assert_eq!(version, "2.24.0");
    }
}

#[tokio::test]
async fn trap_03_the_hello_is_known_by_its_keys_and_comes_first() {
    let server = TestServer::start(DEMO).await;
    for _ in 0..10 {
        let mut client = server.ws("subscribe=all").await;
        let hello = client.next_json().await;
        for key in ["name", "version", "self", "timestamp"] {
            assert!(hello[key].is_string(), "{key}: {hello}");
        }
        let delta = client.until("an own delta", |m| m["context"] == hello["self"]).await;
        assert!(delta["updates"].is_array());
    }
}

#[tokio::test]
async fn trap_04_every_delta_carries_its_context() {
    let server = TestServer::start(DEMO).await;
    let mut client = server.ws_greeted("subscribe=all&sendMeta=all").await;
    for _ in 0..500 {
        let message = client.next_json().await;
        let context = message["context"].as_str().unwrap_or_else(|| panic!("no context: {message}"));
        assert!(context.contains('.') && context != "vessels.self", "{context}");
    }
}

/// The next text frame that is a delta with this path, byte for byte.
async fn frame_with(client: &mut harness::WsClient, path: &str) -> String {
    let wanted = format!("\"path\":\"{path}\"");
    let search = async {
        loop {
            if let Message::Text(text) = client.socket.next().await.unwrap().unwrap() {
                if text.contains(&wanted) {
                    return text.to_string();
                }
            }
        }
    };
    tokio::time::timeout(harness::DEADLINE, search).await.unwrap_or_else(|_| panic!("no {path}"))
}

#[tokio::test]
async fn trap_05_numbers_are_written_as_a_typed_reader_wants_them() {
    let server = TestServer::start("").await;
    // The first delta of a vessel also says its MMSI.
    server.inject(harness::vessel_delta(230_000_001, "a.b", 1)).await;
    let mut client = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    for (path, sent, written) in [
        ("navigation.position", r#"{"latitude":60,"longitude":24}"#, r#"{"latitude":60.0,"longitude":24.0}"#),
        ("navigation.position", r#"{"latitude":-0.5,"longitude":1e2}"#, r#"{"latitude":-0.5,"longitude":100.0}"#),
        ("navigation.gnss.satellites", "10", "10"),
        ("navigation.speedOverGround", "3.5", "3.5"),
        ("navigation.speedOverGround", "52.123456789", "52.123456789"),
        ("design.aisShipType", r#"{"id":36,"name":"Sailing"}"#, r#"{"id":36,"name":"Sailing"}"#),
        ("sensors.ais.class", r#""A""#, r#""A""#),
        ("navigation.state", r#""sailing""#, r#""sailing""#),
    ] {
        let delta = format!(
            r#"{{"context":"vessels.urn:mrn:imo:mmsi:230000001","updates":[{{"$source":"x.y","timestamp":"2026-01-02T03:04:05Z","values":[{{"path":"{path}","value":{sent}}}]}}]}}"#
        );
        server.send(&serde_json::from_str(&delta).unwrap()).await;
        let got = frame_with(&mut client, path).await;
        let expected = format!(
            r#"{{"context":"vessels.urn:mrn:imo:mmsi:230000001","updates":[{{"$source":"x.y","timestamp":"2026-01-02T03:04:05.000Z","values":[{{"path":"{path}","value":{written}}}]}}]}}"#
        );
        assert_eq!(got, expected);
    }
}

/// Checks a number, or a text, as OpenCPN's reader does: by how it is written.
fn check_typed(path: &str, value: &str, frame: &str) {
    let has_fraction = |number: &str| number.contains('.') || number.contains('e');
    let member = |name: &str| {
        let at = value.find(&format!("\"{name}\":")).map(|at| at + name.len() + 3)?;
        Some(value[at..].split([',', '}']).next().unwrap_or_default())
    };
    match path {
        "navigation.position" => {
            assert_ne!(value, "null", "{frame}");
            for name in ["latitude", "longitude"] {
                assert!(member(name).is_some_and(has_fraction), "{name}: {frame}");
            }
        }
        "navigation.gnss.satellites" => assert!(!has_fraction(value), "{frame}"),
        "design.aisShipType" => assert!(member("id").is_some_and(|id| !has_fraction(id)), "{frame}"),
        "sensors.ais.class" | "navigation.state" => assert!(value.starts_with('"'), "{frame}"),
        _ => {}
    }
}

#[tokio::test]
async fn trap_05_the_demo_boat_and_its_traffic_satisfy_a_typed_reader() {
    let server = TestServer::start(DEMO).await;
    let mut client = server.ws_greeted("subscribe=all").await;
    let mut positions = 0;
    let deadline = tokio::time::Instant::now() + harness::DEADLINE;
    while positions < 100 {
        let next = tokio::time::timeout_at(deadline, client.socket.next()).await.expect("positions in time");
        let Message::Text(text) = next.unwrap().unwrap() else { continue };
        for piece in text.split("{\"path\":\"").skip(1) {
            let (path, rest) = piece.split_once("\",\"value\":").unwrap();
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Box<serde_json::value::RawValue>>();
            let value = stream.next().unwrap().unwrap();
            check_typed(path, value.get(), &text);
            positions += usize::from(path == "navigation.position");
            if path.is_empty() {
                let object: Json = serde_json::from_str(value.get()).unwrap();
                assert!(object.get("mmsi").is_none_or(Json::is_string), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn trap_07_static_data_come_at_the_empty_path_and_merge_at_the_root() {
    let server = TestServer::start("").await;
    let context = "vessels.urn:mrn:imo:mmsi:230000001";
    let mut client = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    for value in [json!({"name": "Bella"}), json!({"communication": {"callsignVhf": "OH1"}})] {
        let values = json!([{"path": "", "value": value}]);
        server.inject(json!({"context": context, "updates": [{"$source": "ais", "values": values}]})).await;
        let message = client.next_json().await;
        let (_, path, got) = values_of(&message).remove(0);
        assert!(path.is_empty() && value.as_object().unwrap().iter().all(|(k, v)| got[k] == *v), "{message}");
    }
    let node = server.node("vessels/urn:mrn:imo:mmsi:230000001").await;
    assert_eq!((&node["name"], &node["mmsi"]), (&json!("Bella"), &json!("230000001")));
    assert_eq!(node["communication"], json!({"callsignVhf": "OH1"}));
}

#[tokio::test]
async fn trap_08_what_is_known_comes_first_with_its_metadata_before_it() {
    let server = TestServer::start("").await;
    server.put("navigation.speedOverGround", 3.5).await;
    server.put("environment.depth.belowKeel", 4.5).await;
    let mut by_query = server.ws_greeted("subscribe=self&sendMeta=all").await;
    let mut in_band = server.ws_greeted("subscribe=none&sendMeta=all").await;
    in_band.subscribe(json!([{"path": "navigation.*"}, {"path": "environment.*"}])).await;
    for client in [&mut by_query, &mut in_band] {
        let mut with_meta = std::collections::BTreeSet::new();
        let mut values = 0;
        while values < 2 {
            let message = client.next_json().await;
            for update in message["updates"].as_array().unwrap() {
                for item in update["meta"].as_array().into_iter().flatten() {
                    let path = item["path"].as_str().unwrap();
                    assert!(item["value"]["units"].is_string() || !path.contains('.'), "{message}");
                    with_meta.insert(path.to_owned());
                }
            }
            for (_, path, _) in values_of(&message).into_iter().filter(|v| v.1.contains('.')) {
                assert!(with_meta.contains(&path), "{path} before its metadata");
                values += 1;
            }
        }
    }
}

#[tokio::test]
async fn trap_09_the_one_unsubscribe_that_clients_use_works_and_can_be_repeated() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("sendMeta=all").await;
    for n in 0..3 {
        client.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
        client.settled().await;
        server.put("a.b", n).await;
        client.silence(50).await;
        client.subscribe(json!([{"path": "a.b"}, {"path": "notifications.*"}])).await;
        client.until_value("a.b", n).await;
    }
}

#[tokio::test]
async fn trap_10_an_empty_object_is_a_keep_alive() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("sendMeta=all&subscribe=none").await;
    for _ in 0..100 {
        client.send_text("{}").await;
    }
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn trap_11_a_put_is_always_answered() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=self&sendMeta=all").await;
    for (n, path) in
        ["kip.remote.setScreenIndex", "kip.remote.setDisplay", "kip.remote.requestActiveScreen"].into_iter().enumerate()
    {
        let id = format!("3f2b8f0e-0000-4000-8000-00000000000{n}");
        client
            .send(&json!({"requestId": id, "context": "vessels.self", "put": {"path": path, "value": {"a": 1}}}))
            .await;
        let reply = client.until("the reply", |m| m["requestId"] == id).await;
        assert_eq!((&reply["state"], &reply["statusCode"]), (&json!("COMPLETED"), &json!(405)), "{reply}");
        assert!(reply["message"].as_str().unwrap().contains(path), "{reply}");
    }
}

#[tokio::test]
async fn trap_12_contexts_that_nobody_has_are_accepted_and_silent() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for context in ["atons.*", "shore.basestations.*", "sar.*", "aircraft.*", "meteo.*", "no.such", "*.*.*", ""] {
        client
            .send(&json!({"context": context, "subscribe": [{"path": "*", "period": 60000, "policy": "fixed"}]}))
            .await;
    }
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn trap_13_a_data_browser_lists_paths_and_then_asks_for_each() {
    let server = TestServer::start("").await;
    for n in 0..5 {
        server.put(&format!("a.b{n}"), n).await;
    }
    let mut client = server.ws_greeted("serverevents=all&subscribe=none&sendMeta=all&displayUnitsOverride=true").await;
    let announce =
        |rows: Json| json!({"context": "*", "announceNewPaths": true, "sourcePolicy": "preferred", "subscribe": rows});
    client.send(&announce(json!([]))).await;
    let mut seen: Vec<String> = client.drain(SILENCE_MS).await;
    seen.retain(|value| value.starts_with("a."));
    seen.sort();
    assert_eq!(seen, ["a.b0=0", "a.b1=1", "a.b2=2", "a.b3=3", "a.b4=4"]);
    client.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    client.send(&announce(json!([{"path": "a.b1"}]))).await;
    client.drain(SILENCE_MS).await;
    server.put("a.b1", 11).await;
    server.put("a.b2", 12).await;
    server.put("a.new", 13).await;
    server.put("a.new", 14).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b1=11", "a.new=13"]);
}

#[tokio::test]
async fn faults_of_the_reference_are_not_repeated() {
    let server = TestServer::start("").await;
    let mut hears = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    let mut odd = delta_of("x", "a.b", &json!(1));
    odd["token"] = json!("secret");
    odd["extra"] = json!({"a": 1});
    odd["updates"][0]["values"].as_array_mut().unwrap().push(json!({"path": "a.c"}));
    server.send(&odd).await;
    let heard = hears.next_json().await;
    let keys: Vec<&String> = heard.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["context", "updates"], "{heard}");
    assert_eq!(values_of(&heard).len(), 1, "{heard}");
    let deep = format!("{{\"a\":{}", "[".repeat(30_000));
    let long = vec!["a"; 20_000].join(".");
    for (context, path) in
        [("vessels.__proto__", "a"), ("__proto__.a", "a"), ("vessels.self", "a.__proto__.b"), ("vessels.self", &long)]
    {
        let mut delta = delta_of("x", path, &json!(1));
        delta["context"] = json!(context);
        server.send(&delta).await;
    }
    let mut writer = server.ws_greeted("subscribe=none").await;
    writer.send_text(&deep).await;
    let mut object = delta_of("x", "a.d", &json!(2));
    object["updates"][0]["$source"] = json!({"a": 1});
    server.inject(object).await;
    let update = hears.until_value("a.d", 2).await["updates"][0].clone();
    assert!(update["$source"].is_string(), "{update}");
    for path in ["/signalk/v1/api/", "/signalk/v1/api/vessels/self"] {
        let response = server.get(path).await;
        assert!(response.status == 200 && !response.text().contains("__proto__"), "{path}");
    }
}
