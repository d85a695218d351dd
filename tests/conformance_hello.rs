//! The hello, row by row (HEL).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;
mod json_schema;

use harness::{Stream, TestServer};
use json_schema::Schema;
use serde_json::{Value as Json, json};
use taffrail::clock::{Clock, SystemClock};
use taffrail::kernel::time::Timestamp;

async fn hello_of(toml: &str) -> Json {
    TestServer::start(toml).await.ws("").await.next_json().await
}

#[tokio::test]
async fn hel_01_the_hello_is_the_first_message_of_every_stream() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    for query in ["", "subscribe=all", "subscribe=none", "sendMeta=all", "timepoints=true", "format=full"] {
        let hello = server.ws(query).await.next_json().await;
        assert!(hello["version"].is_string() && hello["roles"].is_array(), "{query}: {hello}");
    }
    let hello = server.tcp().await.next_json().await;
    assert!(hello["version"].is_string() && hello["roles"].is_array(), "TCP: {hello}");
}

#[tokio::test]
async fn hel_02_version_and_roles_are_there() {
    let hello = hello_of("").await;
    assert_eq!(Schema::named("hello").problems(&hello), [""; 0], "{hello}");
}

#[tokio::test]
async fn hel_03_the_time_is_told_only_by_a_clock_that_is_believed() {
    let hello = hello_of("[server]\nclock = \"trusted\"").await;
    let text = hello["timestamp"].as_str().expect("a timestamp");
    assert!(text.ends_with('Z'), "{text}");
    let told = Timestamp::parse(text).unwrap().as_millis();
    let now = SystemClock::new().now().wall.as_millis();
    assert!((now - told).abs() < 20_000, "{told} {now}");
    assert_eq!(hello_of("[server]\nclock = \"untrusted\"").await.get("timestamp"), None);
}

#[tokio::test]
async fn hel_04_self_is_the_own_context_in_full() {
    let server = TestServer::start("").await;
    let hello = server.ws("").await.next_json().await;
    assert!(hello["self"].as_str().unwrap().starts_with("vessels.urn:mrn:signalk:uuid:"), "{hello}");
    assert_eq!(hello["self"], server.node("self").await);
}

#[tokio::test]
async fn hel_05_the_name_is_the_server_software() {
    assert_eq!(hello_of("").await["name"], "taffrail");
    assert_eq!(hello_of("[server]\nname = \"signalk-server\"").await["name"], "signalk-server");
}

#[tokio::test]
async fn hel_06_name_and_self_are_the_same_wherever_they_stand() {
    let server = TestServer::start("[server]\nname = \"x\"\n[vessel]\nmmsi = \"230000001\"").await;
    let hello = server.ws("").await.next_json().await;
    let lines = server.tcp().await.next_json().await;
    for member in ["name", "self", "roles", "version"] {
        assert_eq!(hello[member], lines[member]);
    }
    assert_eq!(hello["name"], server.get("/signalk").await.json()["server"]["id"]);
    assert_eq!(hello["self"], server.node("").await["self"]);
}

#[tokio::test]
async fn hel_07_the_version_is_that_of_the_endpoint() {
    let server = TestServer::start("").await;
    let hello = server.ws("").await.next_json().await;
    assert_eq!(hello["version"], server.get("/signalk").await.json()["endpoints"]["v1"]["version"]);
}

#[tokio::test]
async fn hel_08_roles_are_one_of_three_pairs() {
    let roles = hello_of("").await["roles"].clone();
    assert!([json!(["master", "main"]), json!(["master", "aux"]), json!(["slave"])].contains(&roles), "{roles}");
}

#[tokio::test]
async fn hel_09_the_version_has_the_form_of_the_specification() {
    let hello = hello_of("").await;
    let (numbers, suffix) = match hello["version"].as_str().unwrap().split_once('-') {
        Some((numbers, suffix)) => (numbers, Some(suffix)),
        None => (hello["version"].as_str().unwrap(), None),
    };
    let parts: Vec<&str> = numbers.split('.').collect();
    let digits = |part: &str, max| (1..=max).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    assert!(parts.len() == 3 && digits(parts[0], 3) && digits(parts[1], 2) && digits(parts[2], 2), "{hello}");
    assert!(suffix.is_none_or(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric())), "{hello}");
}

#[tokio::test]
async fn hel_10_there_are_no_other_keys() {
    let hello = hello_of("").await;
    let allowed = ["name", "version", "timestamp", "startTime", "playbackRate", "self", "roles"];
    for key in hello.as_object().unwrap().keys() {
        assert!(allowed.contains(&&**key), "{key}");
    }
    // Who asks for timepoints gets one more, and nobody else does.
    let server = TestServer::start("").await;
    assert!(server.ws("timepoints=true").await.next_json().await["timepoint"].is_u64());
}

#[tokio::test]
async fn hel_12_self_has_the_form_of_its_root() {
    let mmsi = hello_of("[vessel]\nmmsi = \"230000001\"").await;
    assert_eq!(mmsi["self"], "vessels.urn:mrn:imo:mmsi:230000001");
    let uuid = "urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b";
    let configured = hello_of(&format!("[vessel]\nuuid = \"{uuid}\"")).await;
    assert_eq!(configured["self"], format!("vessels.{uuid}"));
    let made = hello_of("").await;
    let made = made["self"].as_str().unwrap().strip_prefix("vessels.urn:mrn:signalk:uuid:").unwrap();
    assert_eq!(uuid::Uuid::parse_str(made).unwrap().get_version_num(), 4, "{made}");
}

#[tokio::test]
async fn hel_13_a_master_says_who_it_is() {
    let hello = hello_of("").await;
    assert!(hello["roles"][0] != "master" || hello["self"].is_string(), "{hello}");
}

#[tokio::test]
async fn hel_14_one_server_is_master_and_main() {
    assert_eq!(hello_of("").await["roles"], json!(["master", "main"]));
}

#[tokio::test]
async fn hel_15_the_version_opens_what_clients_gate_on_it() {
    let hello = hello_of("").await;
    let version: Vec<u32> = hello["version"].as_str().unwrap().split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![2, 22, 1], "{version:?}");
}
