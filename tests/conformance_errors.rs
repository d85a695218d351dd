//! Errors, versions and hostile input, row by row of the conformance checklist (ERR, VER) and of the faults that were found
//! in other servers.
#![allow(clippy::unwrap_used)]

mod harness;
mod json_schema;

use std::sync::atomic::Ordering;

use harness::{Stream as _, TestServer, delta_of, http, until, values_of};
use serde_json::{Value as Json, json};

const SOG: &str = "navigation.speedOverGround";

async fn server() -> TestServer {
    TestServer::start("").await
}

#[tokio::test]
async fn err_01_what_is_switched_off_is_not_implemented() {
    let server = TestServer::start("[history]\nenabled = false").await;
    for (method, path) in [
        ("GET", "/signalk/v1/playback?startTime=2026-01-01T00:00:00Z"),
        ("GET", "/signalk/v1/snapshot/vessels/self?time=2026-01-01T00:00:00Z"),
        ("GET", "/signalk/v1/snapshot/"),
        ("POST", "/signalk/v1/auth/login"),
        ("POST", "/signalk/v1/access/requests"),
    ] {
        let response = server.request(method, path, &[("Content-Type", "application/json")], "{}").await;
        assert_eq!(response.status, 501, "{method} {path}");
        assert!(response.json()["message"].is_string());
    }
    for path in ["/signalk/v1/stream?subscribe=some", "/signalk/v1/playback?startTime=2026-01-01T00:00:00Z"] {
        assert_eq!(http::upgrade(server.http, path, &[]).await.status, 501, "{path}");
    }
    let mut client = server.ws_greeted("subscribe=none").await;
    client.send(&json!({"requestId": "1", "login": {"username": "u", "password": "p"}})).await;
    let reply = client.next_json().await;
    assert_eq!((&reply["requestId"], &reply["statusCode"]), (&json!("1"), &json!(501)));
}

#[tokio::test]
async fn err_03_an_unsupported_put_is_405() {
    let server = server().await;
    let path = "/signalk/v1/api/vessels/self/navigation/log";
    let response = server.request("PUT", path, &[("Content-Type", "application/json")], "{\"value\":1}").await;
    assert_eq!((response.status, &response.json()["statusCode"]), (405, &json!(405)));
    let mut client = server.ws_greeted("subscribe=none").await;
    client.send(&json!({"requestId": "7", "put": {"path": "navigation.log", "value": 1}})).await;
    let reply = client.next_json().await;
    assert_eq!(
        (&reply["requestId"], &reply["statusCode"], &reply["state"]),
        (&json!("7"), &json!(405), &json!("COMPLETED"))
    );
    assert!(reply["message"].as_str().unwrap().contains("navigation.log"));
}

#[tokio::test]
async fn err_04_unknown_paths_and_requests_are_not_found() {
    let server = server().await;
    for path in [
        "/signalk/v1/api/vessels/self/no/such/path",
        "/signalk/v1/requests/nothing",
        "/signalk/v1/access/requests/nothing",
        "/signalk/v3/api",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn err_05_no_error_of_a_client_closes_its_stream() {
    let server = server().await;
    let frames = [
        "",
        " ",
        "not json",
        "null",
        "true",
        "7",
        "\"text\"",
        "[]",
        "[1,2]",
        "{",
        "{}",
        "{\"a\":}",
        "{\"updates\":7}",
        "{\"updates\":[7,null,{}]}",
        "{\"context\":7,\"updates\":[]}",
        "{\"subscribe\":\"x\"}",
        "{\"context\":\"vessels.self\",\"subscribe\":[7,{},{\"path\":7},{\"path\":\"a\",\"period\":\"x\",\"policy\":\"y\"}]}",
        "{\"unsubscribe\":7}",
        "{\"context\":\"vessels.self\",\"unsubscribe\":[{\"path\":7}]}",
        "{\"put\":7}",
        "{\"requestId\":{},\"put\":[]}",
        "{\"requestId\":null,\"query\":true}",
        "{\"login\":[]}",
        "\u{0}",
    ];
    let mut ws = server.ws_greeted("subscribe=none").await;
    let mut tcp = server.tcp().await;
    tcp.next_json().await;
    for frame in frames {
        ws.send_text(frame).await;
        tcp.send_text(frame).await;
    }
    ws.send_message(tokio_tungstenite::tungstenite::Message::binary(vec![0xff, 0xfe])).await;
    tcp.send_bytes(b"\xff\xfe\r\n").await;
    ws.still_works(&server).await;
    tcp.still_works(&server).await;
}

#[tokio::test]
async fn err_07_a_bad_update_costs_no_other() {
    let server = server().await;
    let good = |n: u32| json!({"$source": "t", "values": [{"path": format!("good.g{n}"), "value": n}]});
    let delta = json!({"updates": [good(1), {"values": 7}, {"$source": "t", "values": [{"path": "a..b", "value": 1}]},
                                   null, good(2)]});
    server.send(&delta).await;
    until("the good ones are there", || async { server.node("vessels/self/good/g2/value").await == 2 }).await;
    assert_eq!(server.node("vessels/self/good/g1/value").await, 1);
}

#[tokio::test]
async fn err_08_errors_of_the_second_version_have_its_form() {
    let response = server().await.get("/signalk/v2/api/no/such/thing").await;
    let body = response.json();
    assert_eq!((response.status, &body["state"], &body["statusCode"]), (404, &json!("FAILED"), &json!(404)));
    assert!(body["message"].is_string());
}

#[tokio::test]
async fn err_09_a_body_of_11_megabytes_is_too_large() {
    let server = server().await;
    let path = "/signalk/v1/api/vessels/self/navigation/log";
    let response = server.request("PUT", path, &[("Content-Length", "11000000")], "").await;
    assert_eq!(response.status, 413);
    assert_eq!(server.get("/signalk").await.status, 200);
}

#[tokio::test]
async fn ver_01_versions_have_three_parts() {
    let server = server().await;
    let discovery = server.get("/signalk").await.json();
    let hello = server.ws("subscribe=none").await.next_json().await;
    for version in [
        &discovery["endpoints"]["v1"]["version"],
        &discovery["server"]["version"],
        &hello["version"],
        &server.node("version").await,
    ] {
        let parts: Vec<&str> = version.as_str().unwrap().split('.').collect();
        assert_eq!(parts.len(), 3, "{version}");
        assert!(parts.iter().zip([3, 2, 2]).all(|(p, max)| p.len() <= max && p.parse::<u32>().is_ok()), "{version}");
    }
}

#[tokio::test]
async fn ver_02_the_key_of_an_endpoint_is_in_its_address() {
    let discovery = server().await.get("/signalk").await.json();
    for (key, endpoint) in discovery["endpoints"].as_object().unwrap() {
        for name in ["signalk-http", "signalk-ws"] {
            assert!(endpoint[name].as_str().unwrap().contains(&format!("/signalk/{key}/")), "{endpoint}");
        }
    }
}

#[tokio::test]
async fn ver_03_api_and_server_say_their_version() {
    let discovery = server().await.get("/signalk").await.json();
    assert!(discovery["endpoints"]["v1"]["version"].is_string() && discovery["server"]["version"].is_string());
}

#[tokio::test]
async fn ver_04_only_the_first_version_is_named() {
    let discovery = server().await.get("/signalk").await.json();
    let keys: Vec<&String> = discovery["endpoints"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["v1"]);
}

#[tokio::test]
async fn ver_05_further_protocols_are_allowed() {
    let mut discovery = server().await.get("/signalk").await.json();
    let schema = json_schema::Schema::named("discovery");
    discovery["endpoints"]["v1"]["signalk-mqtt"] = json!("mqtt://boat.local:1883");
    assert_eq!(schema.problems(&discovery), Vec::<String>::new());
    discovery["endpoints"]["v1"]["signalk-mqtt"] = json!(1883);
    assert_ne!(schema.problems(&discovery), Vec::<String>::new(), "an address is a text");
}

#[tokio::test]
async fn a_bomb_of_brackets_is_refused_and_told() {
    let server = TestServer::start("[limits]\nmessage_bytes = 300000\ndepth = 20").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for text in [
        "[".repeat(100_000),
        format!("{{\"updates\":{}", "[".repeat(100_000)),
        format!(
            "{{\"updates\":[{{\"values\":[{{\"path\":\"a.b\",\"value\":{}{}}}]}}]}}",
            "{\"a\":".repeat(40_000),
            "}".repeat(40_000)
        ),
        // One level more than is configured, counted from the outermost brace.
        format!(
            "{{\"updates\":[{{\"values\":[{{\"path\":\"a.b\",\"value\":{}{}}}]}}]}}",
            "[".repeat(16),
            "]".repeat(16)
        ),
    ] {
        client.send_text(&text).await;
        client.until("a word about it", |m| m["errorMessage"].as_str().is_some_and(|w| w.contains("20"))).await;
    }
    client.send(&delta_of("test", "a.c", &json!([[[[[[[[[[[[[[[7]]]]]]]]]]]]]]]))).await;
    until("what is just allowed is there", || async { server.node("vessels/self/a/c/value").await.is_array() }).await;
    assert_eq!(server.node("vessels/self/a/b").await, Json::Null);
    let path = format!("a{}", ".a".repeat(20_000));
    client.send(&delta_of("test", &path, &json!(1))).await;
    client.still_works(&server).await;
    assert_eq!(server.get("/signalk/v1/api/").await.status, 200);
}

#[tokio::test]
async fn a_flood_of_new_paths_is_bounded_counted_and_told() {
    let server = TestServer::start("[limits]\npaths = 3000").await;
    server.put(SOG, 1.0).await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for lot in 0..100 {
        let values: Vec<Json> =
            (0..1_000).map(|i| json!({"path": format!("flood.p{}", lot * 1_000 + i), "value": i})).collect();
        client.send(&json!({"updates": [{"$source": "flood", "values": values}]})).await;
    }
    client.until("a word about it", |m| m["errorMessage"].as_str().is_some_and(|w| w.contains("as many paths"))).await;
    until("all is counted", || async { server.server.hub.refused.load(Ordering::Relaxed) >= 97_000 }).await;
    let held = server.node("vessels/self/flood").await.as_object().unwrap().len();
    assert!((2_000..3_000).contains(&held), "{held}");
    // What was there goes on.
    server.put(SOG, 2.0).await;
    let mut other = server.ws_greeted("subscribe=none").await;
    other.subscribe(json!([{"path": SOG}])).await;
    other.until_value(SOG, 2.0).await;
    assert_eq!(server.get("/signalk/v1/api/").await.status, 200);
}

#[tokio::test]
async fn a_flood_of_contexts_and_of_sources_is_bounded() {
    let server = TestServer::start("[limits]\ncontexts = 50\nsources = 20").await;
    server.put(SOG, 1.0).await;
    for n in 0..200 {
        server.send(&harness::vessel_delta(230_000_000 + n, SOG, n)).await;
        server.send(&delta_of(&format!("s{n}"), "a.b", &json!(n))).await;
    }
    server.put(SOG, 2.0).await;
    until("all is counted", || async { server.server.hub.refused.load(Ordering::Relaxed) >= 300 }).await;
    assert_eq!(server.node("vessels").await.as_object().unwrap().len(), 50);
    server.put(SOG, 3.0).await;
}

#[tokio::test]
async fn nothing_of_a_message_but_its_values_reaches_others() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    server
        .send(&json!({"token": "secret", "requestId": "secret", "updates": [
            {"$source": {"label": "secret"}, "secret": 1, "values": [{"path": "a.b", "value": 1, "secret": 2}]},
            {"$source": "t", "values": [{"path": "a.c"}, {"path": "a.d", "value": 2}]}]}))
        .await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let message = client.next_json().await;
        assert!(!message.to_string().contains("secret"), "{message}");
        seen.extend(values_of(&message).into_iter().map(|(_, path, _)| path));
    }
    assert_eq!(seen, ["a.b", "a.d"]);
}
