//! The HTTP API and discovery, row by row of the conformance checklist (REST).
#![allow(clippy::unwrap_used)]

mod harness;
mod json_schema;

use std::io::Read as _;
use std::sync::Arc;

use harness::{Stream as _, TestServer, delta_of, http, until, vessel_delta};
use json_schema::Schema;
use serde_json::{Value as Json, json};
use taffrail::clock::ManualClock;
use taffrail::kernel::time::Timestamp;

const SOG: &str = "navigation.speedOverGround";
const SOG_URL: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround";

async fn server() -> TestServer {
    TestServer::start("").await
}

fn valid(schema: &str, document: &Json) {
    assert_eq!(Schema::named(schema).problems(document), Vec::<String>::new(), "{document}");
}

#[tokio::test]
async fn rest_01_discovery_names_every_endpoint() {
    let server = server().await;
    let response = server.get("/signalk").await;
    assert_eq!(response.status, 200);
    let document = response.json();
    valid("discovery", &document);
    let v1 = &document["endpoints"]["v1"];
    let http = server.http;
    assert_eq!(v1["signalk-http"], format!("http://{http}/signalk/v1/api/"));
    assert_eq!(v1["signalk-ws"], format!("ws://{http}/signalk/v1/stream"));
    assert_eq!(v1["signalk-tcp"], format!("tcp://{}", server.tcp.unwrap()));
    // What is off is not named.
    let server = TestServer::start("[server]\ntcp = \"off\"").await;
    assert_eq!(server.get("/signalk").await.json()["endpoints"]["v1"].get("signalk-tcp"), None);
}

#[tokio::test]
async fn rest_02_every_part_of_discovery_is_required() {
    let document = server().await.get("/signalk").await.json();
    let schema = Schema::named("discovery");
    for (place, key) in
        [("", "endpoints"), ("", "server"), ("/endpoints/v1", "version"), ("/server", "id"), ("/server", "version")]
    {
        let mut without = document.clone();
        let removed = without.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
        assert!(removed.is_some() && !schema.problems(&without).is_empty(), "{place}/{key}");
    }
}

#[tokio::test]
async fn rest_03_endpoints_are_absolute_addresses() {
    let document = server().await.get("/signalk").await.json();
    for (name, scheme) in [("signalk-http", "http"), ("signalk-ws", "ws"), ("signalk-tcp", "tcp")] {
        let address = document["endpoints"]["v1"][name].as_str().unwrap();
        assert!(address.starts_with(&format!("{scheme}://127.0.0.1:")), "{address}");
    }
}

#[tokio::test]
async fn rest_04_addresses_are_made_of_the_request() {
    let server = server().await;
    let port = server.tcp.unwrap().port();
    let ask = async |headers: &[(&str, &str)]| {
        let document = server.request("GET", "/signalk", headers, "").await.json();
        ["signalk-http", "signalk-ws", "signalk-tcp"]
            .map(|n| document["endpoints"]["v1"][n].as_str().unwrap().to_owned())
    };
    assert_eq!(
        ask(&[("Host", "boat.local:8080")]).await,
        [
            "http://boat.local:8080/signalk/v1/api/".to_owned(),
            "ws://boat.local:8080/signalk/v1/stream".to_owned(),
            format!("tcp://boat.local:{port}"),
        ]
    );
    let [api, stream, _] = ask(&[("Host", "boat.example"), ("X-Forwarded-Proto", "https")]).await;
    assert_eq!((&*api, &*stream), ("https://boat.example/signalk/v1/api/", "wss://boat.example/signalk/v1/stream"));
    // What cannot be part of an address is not repeated.
    let [api, ..] = ask(&[("Host", "a\"b<script>")]).await;
    assert!(!api.contains('"') && !api.contains('<'), "{api}");
}

#[tokio::test]
async fn rest_05_addresses_end_as_clients_cut_them() {
    let document = server().await.get("/signalk").await.json();
    let text = |name: &str| document["endpoints"]["v1"][name].as_str().unwrap().to_owned();
    assert!(text("signalk-http").ends_with("/signalk/v1/api/"));
    assert!(text("signalk-ws").ends_with("/signalk/v1/stream"));
}

#[tokio::test]
async fn rest_06_the_server_says_what_it_is() {
    let document = server().await.get("/signalk").await.json();
    assert!(!document["server"]["id"].as_str().unwrap().is_empty());
    let version = document["server"]["version"].as_str().unwrap();
    assert_ne!(version.split('.').next(), Some("1"), "clients warn of servers of version 1");
}

#[tokio::test]
async fn rest_07_a_slash_at_the_end_makes_no_difference() {
    let server = server().await;
    assert_eq!(server.get("/signalk").await.json(), server.get("/signalk/").await.json());
    assert_eq!(server.get(SOG_URL).await.status, 404);
    server.put(SOG, 1.5).await;
    assert_eq!(server.get(SOG_URL).await.json(), server.get(&format!("{SOG_URL}/")).await.json());
}

#[tokio::test]
async fn rest_08_discovery_and_hello_agree() {
    let server = TestServer::start("[server]\nname = \"wild-rose\"").await;
    let document = server.get("/signalk").await.json();
    let hello = server.ws("subscribe=none").await.next_json().await;
    assert_eq!(document["server"]["id"], "wild-rose");
    assert_eq!(document["server"]["id"], hello["name"]);
    assert_eq!(document["endpoints"]["v1"]["version"], hello["version"]);
}

#[tokio::test]
async fn rest_09_the_full_model_has_version_self_and_vessels() {
    let server = server().await;
    for path in ["/signalk/v1/api/", "/signalk/v1/api"] {
        let model = server.get(path).await.json();
        assert_eq!(model["version"], server.get("/signalk").await.json()["endpoints"]["v1"]["version"]);
        let own = model["self"].as_str().unwrap();
        assert!(model["vessels"].get(own.strip_prefix("vessels.").unwrap()).is_some(), "{model}");
    }
}

#[tokio::test]
async fn rest_10_every_current_value_is_there() {
    let server = server().await;
    server.put(SOG, 3.25).await;
    server.inject(vessel_delta(230_000_001, SOG, 4.5)).await;
    let model = server.node("").await;
    let own = server.own().await;
    let at = |id: &str| model["vessels"][id]["navigation"]["speedOverGround"]["value"].clone();
    assert_eq!(at(own.strip_prefix("vessels.").unwrap()), 3.25);
    assert_eq!(at("urn:mrn:imo:mmsi:230000001"), 4.5);
}

/// Every node of a JSON document with its place.
fn nodes(value: &Json, place: &str, out: &mut Vec<(String, Json)>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let encoded: String = name
            .bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect();
        let place = format!("{place}/{encoded}");
        nodes(member, &place, out);
        out.push((place, member.clone()));
    }
}

#[tokio::test]
async fn rest_11_every_node_has_an_address() {
    let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-12-01T12:00:00Z").unwrap()));
    let state = tempfile::tempdir().unwrap();
    let toml = "[vessel]\nname = \"Wild Rose\"\ncallsign = \"OH1\"\nlength = 10.5";
    let server = TestServer::start_with(toml, clock, state.path()).await;
    server.put(SOG, 3.25).await;
    server.inject(delta_of("other.XX", SOG, &json!(3.5))).await;
    server.put("navigation.position", json!({"latitude": 60.1, "longitude": 24.9})).await;
    server.put("electrical.batteries.1.voltage", 12.5).await;
    server.put("electrical.batteries.1.voltage.ripple", 0.1).await;
    server.put("odd.[name(with/slash", json!([1, {"a": null}])).await;
    server
        .inject(vessel_delta(230_000_001, "", json!({"name": "Näkki", "communication": {"callsignVhf": "OG1"}})))
        .await;
    for context in ["atons.urn:mrn:imo:mmsi:992301234", "shore.basestations.urn:mrn:imo:mmsi:002301234"] {
        let mut delta = delta_of("test", "navigation.state", &json!("x"));
        delta["context"] = json!(context);
        server.inject(delta).await;
    }
    let mut all = Vec::new();
    nodes(&server.node("").await, "", &mut all);
    assert!(all.len() > 100, "{}", all.len());
    for (place, expected) in all {
        let response = server.get(&format!("/signalk/v1/api{place}")).await;
        assert_eq!((response.status, response.json()), (200, expected), "{place}");
    }
}

#[tokio::test]
async fn rest_12_self_is_the_own_vessel() {
    let server = TestServer::start("[vessel]\nmmsi = \"230099999\"").await;
    assert_eq!(server.node("self").await, "vessels.urn:mrn:imo:mmsi:230099999");
    server.put(SOG, 2.5).await;
    assert_eq!(server.node("vessels/self").await, server.node("vessels/urn:mrn:imo:mmsi:230099999").await);
    assert_eq!(server.node("vessels/self").await["navigation"]["speedOverGround"]["value"], 2.5);
}

#[tokio::test]
async fn rest_13_what_is_missing_is_not_found() {
    let server = server().await;
    server.put(SOG, 2.5).await;
    for path in [
        "/signalk/v1/api/vessels/self/navigation/headingTrue",
        "/signalk/v1/api/vessels/urn:mrn:imo:mmsi:230000001",
        "/signalk/v1/api/vessels/self/navigation/speedOverGround/value/x",
        "/signalk/v1/api/vessels/self/navigation/speedOver",
        "/signalk/v1/api/aircraft",
        "/signalk/v1/api/../../../etc/passwd",
        "/signalk/v1/api/%2e%2e/%2e%2e/etc/passwd",
        "/signalk/v1/api/..%2f..%2fetc%2fpasswd",
        "/signalk/v1/api/vessels%2fself",
        "/signalk/v1/api/signalk/v1/api/self",
        "/signalk/v1/nothing",
        "/admin/",
    ] {
        let response = server.get(path).await;
        assert_eq!(response.status, 404, "{path}: {}", response.text());
        assert!(response.json()["message"].is_string(), "{path}");
    }
    let deep = format!("/signalk/v1/api/vessels/self{}", "/a".repeat(2000));
    assert_eq!(server.get(&deep).await.status, 404);
}

#[tokio::test]
async fn rest_14_a_leaf_has_its_shape() {
    let server = server().await;
    server.put(SOG, 3.25).await;
    let leaf = server.get(SOG_URL).await.json();
    valid("leaf", &leaf);
    assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(3.25), &json!("test")));
    assert_eq!(leaf.get("values"), None, "one source only");
    assert_eq!(server.get(&format!("{SOG_URL}/value")).await.text(), "3.25");
    server.inject(delta_of("other", SOG, &json!(3.5))).await;
    let leaf = server.get(SOG_URL).await.json();
    valid("leaf", &leaf);
    assert_eq!(leaf["values"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn rest_15_null_stays() {
    let server = server().await;
    server.put(SOG, 3.25).await;
    server.put(SOG, Json::Null).await;
    assert_eq!(server.get(SOG_URL).await.json().get("value"), Some(&Json::Null));
    assert_eq!(server.get(&format!("{SOG_URL}/value")).await.text(), "null");
}

#[tokio::test]
async fn rest_16_specified_paths_have_metadata_without_a_value() {
    let server = server().await;
    let meta = server.node("vessels/self/environment/depth/belowKeel/meta").await;
    assert!(meta["description"].as_str().unwrap().len() > 5);
    assert_eq!(meta["units"], "m");
    assert_eq!(server.node("vessels/self/propulsion/port/oilPressure/meta/units").await, "Pa");
    assert_eq!(server.node("vessels/self/environment").await, Json::Null, "asking made nothing");
    assert_eq!(server.get("/signalk/v1/api/vessels/self/foo/bar/meta").await.status, 404);
}

#[tokio::test]
async fn rest_17_metadata_by_member_and_all_at_once() {
    let server = server().await;
    server.put(SOG, 3.25).await;
    server.put("foo.bar", 1).await;
    assert_eq!(server.get(&format!("{SOG_URL}/meta/units")).await.text(), "\"m/s\"");
    assert_eq!(server.get(&format!("{SOG_URL}/meta/nothing")).await.status, 404);
    let all = server.node("vessels/self/meta").await;
    assert_eq!(all[SOG], server.get(&format!("{SOG_URL}/meta")).await.json());
    assert_eq!(all.as_object().unwrap().len(), 1, "paths with a value and metadata: {all}");
}

#[tokio::test]
async fn rest_18_headers_head_and_gzip() {
    let server = server().await;
    for i in 0..40 {
        server.send(&delta_of("test", &format!("tanks.fuel.{i}.currentLevel"), &json!(0.5))).await;
    }
    server.put("tanks.fuel.last.currentLevel", 0.25).await;
    let plain = server.get("/signalk/v1/api/").await;
    assert_eq!(plain.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(plain.header("content-encoding"), None);

    let head = server.request("HEAD", "/signalk/v1/api/", &[], "").await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/json; charset=utf-8")));
    assert_eq!(head.header("content-length").unwrap(), plain.body.len().to_string());
    assert_eq!(server.request("HEAD", "/signalk", &[], "").await.status, 200);

    let packed = server.request("GET", "/signalk/v1/api/", &[("Accept-Encoding", "br, gzip;q=0.8")], "").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("vary").is_some_and(|v| v.to_lowercase().contains("accept-encoding")));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Json>(&text).unwrap()["self"], plain.json()["self"]);
    let refused = server.request("GET", "/signalk/v1/api/", &[("Accept-Encoding", "gzip;q=0")], "").await;
    assert_eq!(refused.header("content-encoding"), None);
}

#[tokio::test]
async fn rest_19_pages_from_elsewhere_may_read() {
    let server = server().await;
    let origin = ("Origin", "http://kip.example:8000");
    let answer = server.request("GET", "/signalk", &[origin], "").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://kip.example:8000"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    // Also where there is an error to read.
    let missing = server.request("GET", "/signalk/v1/nothing", &[origin], "").await;
    assert_eq!(missing.header("access-control-allow-origin"), Some("http://kip.example:8000"));
    let asked = [
        origin,
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    let preflight = server.request("OPTIONS", SOG_URL, &asked, "").await;
    assert!((200..300).contains(&preflight.status));
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("PUT"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization,content-type"));
    let options = server.request("OPTIONS", SOG_URL, &[], "").await;
    assert_eq!(options.status, 204);
    assert!(options.header("allow").unwrap().contains("GET"));
}

#[tokio::test]
async fn rest_20_every_source_resolves_in_the_sources() {
    let toml = "[[input]]\nname = \"demo\"\ntype = \"demo\"\nrate = 20.0";
    let server = TestServer::start(toml).await;
    server.put(SOG, 1.0).await;
    server.inject(delta_of("i2c-0.0x48.volts", "electrical.batteries.1.voltage", &json!(12.5))).await;
    until("the demo boat is under way", || async { server.node("vessels/self/navigation/position").await.is_object() })
        .await;
    let model = server.node("").await;
    let mut all = Vec::new();
    nodes(&model["vessels"], "", &mut all);
    let sources: Vec<&Json> = all.iter().filter_map(|(_, node)| node.get("$source")).collect();
    assert!(sources.len() > 10);
    for source in sources {
        let mut at = &model["sources"];
        for segment in source.as_str().unwrap().split('.') {
            at = at.get(segment).unwrap_or_else(|| panic!("{source} leads nowhere in {}", model["sources"]));
        }
        assert!(at.is_object(), "{source}");
    }
}

#[tokio::test]
async fn rest_21_there_are_no_resources_under_v1() {
    assert_eq!(server().await.get("/signalk/v1/api/resources/routes").await.status, 404);
}

#[tokio::test]
async fn rest_22_silent_targets_leave_and_self_does_not() {
    let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-12-01T12:00:00Z").unwrap()));
    let state = tempfile::tempdir().unwrap();
    let toml = "[vessel]\nname = \"Wild Rose\"\n[ais]\nlost_class_b = \"2m\"\nleave_after = \"10m\"";
    let server = TestServer::start_with(toml, clock.clone(), state.path()).await;
    server.put(SOG, 2.5).await;
    server.inject(vessel_delta(230_000_001, SOG, 4.5)).await;
    server.inject(vessel_delta(230_000_001, "navigation.position", json!({"latitude": 60.0, "longitude": 24.0}))).await;
    let other = "vessels/urn:mrn:imo:mmsi:230000001";
    clock.advance(119_000);
    assert_eq!(server.node(&format!("{other}/navigation/speedOverGround/value")).await, 4.5);
    clock.advance(2_000);
    until("the movement of a lost target is unknown", || async {
        server.get(&format!("/signalk/v1/api/{other}/navigation/speedOverGround/value")).await.text() == "null"
    })
    .await;
    assert_eq!(server.node(&format!("{other}/navigation/position/value/latitude")).await, 60.0);
    clock.advance(480_000);
    until("the target leaves", || async { server.node(other).await.is_null() }).await;
    clock.advance(36_000_000);
    assert_eq!(server.node("vessels/self/name").await, "Wild Rose");
    assert_eq!(server.node("vessels/self/navigation/speedOverGround/value").await, 2.5);
}

#[tokio::test]
async fn rest_23_writes_reach_their_handler() {
    let server = server().await;
    for method in ["PUT", "DELETE"] {
        let answer = server.request(method, SOG_URL, &[], "{\"value\":1}").await;
        assert_eq!(answer.status, 405, "nothing here takes writes of this path");
        assert_eq!(answer.json()["statusCode"], 405);
    }
}

#[tokio::test]
async fn rest_24_the_list_of_web_apps_is_a_list() {
    let response = server().await.get("/signalk/v1/apps/list").await;
    assert_eq!((response.status, response.json()), (200, json!([])));
}

#[tokio::test]
async fn rest_25_one_port_for_http_and_websocket() {
    let server = server().await;
    assert_eq!(server.get("/signalk").await.status, 200);
    assert_eq!(http::upgrade(server.http, "/signalk/v1/stream", &[]).await.status, 101);
}

#[tokio::test]
async fn rest_27_the_order_of_keys_does_not_matter() {
    let server = server().await;
    let texts = [
        r#"{"context":"vessels.self","updates":[{"$source":"a","timestamp":"2026-12-01T00:00:00Z","values":[{"path":"x.one","value":1}]}]}"#,
        r#"{"updates":[{"values":[{"value":1,"path":"x.two"}],"timestamp":"2026-12-01T00:00:00Z","$source":"a"}],"context":"vessels.self"}"#,
    ];
    let mut client = server.ws_greeted("subscribe=none").await;
    for text in texts {
        client.send_text(text).await;
    }
    until("both are there", || async { server.node("vessels/self/x/two").await.is_object() }).await;
    assert_eq!(server.node("vessels/self/x/one").await, server.node("vessels/self/x/two").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rest_28_the_model_is_consistent_under_load() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=none").await;
    let writer = tokio::spawn(async move {
        for i in 0..3_000_u32 {
            let mut delta = json!({"updates": [{"$source": "test", "values": [
                {"path": "pair.left", "value": i}, {"path": "pair.right", "value": i}]}]});
            if i % 3 == 0 {
                delta["context"] = json!(format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + i % 200));
            }
            client.send(&delta).await;
        }
        client
    });
    let mut asked = 0;
    while !writer.is_finished() || asked < 20 {
        let response = server.get("/signalk/v1/api/").await;
        assert_eq!(response.status, 200);
        for (id, vessel) in response.json()["vessels"].as_object().unwrap() {
            assert_eq!(vessel["pair"]["left"]["value"], vessel["pair"]["right"]["value"], "{id}: half an update");
        }
        asked += 1;
    }
    drop(writer.await.unwrap());
}

#[tokio::test]
async fn rest_29_names_that_harm_scripts_are_refused() {
    let server = server().await;
    let mut client = server.ws_greeted("subscribe=all").await;
    for name in ["__proto__", "constructor", "prototype"] {
        client.send(&delta_of("bad", &format!("a.{name}.b"), &json!(1))).await;
        client.send(&delta_of(name, "a.b", &json!(1))).await;
        let mut delta = delta_of("bad", "a.b", &json!(1));
        delta["context"] = json!(format!("vessels.{name}"));
        client.send(&delta).await;
        client.send(&delta_of("bad", "", &json!({ name: 1 }))).await;
    }
    client.still_works(&server).await;
    let model = server.get("/signalk/v1/api/").await;
    assert_eq!(model.status, 200);
    let text = model.text();
    assert!(
        !["__proto__", "constructor", "prototype"].iter().any(|name| text.contains(&format!("\"{name}\""))),
        "{text}"
    );
}
