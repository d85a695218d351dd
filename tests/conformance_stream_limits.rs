//! What the stream accepts at the most, exactly at the edge; and what is no WebSocket at all (STR-24, ERR-05).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use harness::{DEADLINE, SILENCE_MS, Stream, TestServer, http};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn str_24_the_31st_stream_of_an_address_is_429() {
    let server = TestServer::start("").await;
    let mut clients = Vec::new();
    for _ in 0..30 {
        clients.push(server.ws_greeted("subscribe=none").await);
    }
    let response = http::upgrade(server.http, "/signalk/v1/stream", &[]).await;
    assert_eq!(response.status, 429);
    assert!(response.header("retry-after").is_some() && response.json()["message"].is_string());
    // REST is not counted, and a place that is given back can be taken.
    assert_eq!(server.get("/signalk/v1/api/self").await.status, 200);
    clients.pop().unwrap().close().await;
    let places = &server.server.shared.connections;
    harness::until("the place is free", || async { places.total() < 30 }).await;
    server.ws_greeted("subscribe=none").await.settled().await;
    assert_eq!(server.server.shared.counters.over_limit.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn str_24_both_kinds_of_stream_count_and_the_limit_is_configured() {
    let server = TestServer::start("[server]\nmax_connections_per_ip = 2").await;
    let _one = server.ws_greeted("subscribe=none").await;
    let mut two = server.tcp().await;
    assert!(two.next_json().await["roles"].is_array());
    assert_eq!(http::upgrade(server.http, "/signalk/v1/stream", &[]).await.status, 429);
    let mut three = server.tcp().await;
    assert!(three.next_json().await["errorMessage"].is_string(), "a line cannot say 429");
    three.closed().await;
}

/// A delta of exactly so many bytes.
fn delta_of_bytes(bytes: usize, path: &str) -> String {
    let delta = |pad: usize| {
        json!({"updates": [{"$source": "x", "values": [{"path": path, "value": "x".repeat(pad)}]}]}).to_string()
    };
    let text = delta(bytes - delta(0).len());
    assert_eq!(text.len(), bytes);
    text
}

#[tokio::test]
async fn err_05_a_message_may_have_as_many_bytes_as_configured_and_no_more() {
    let server = TestServer::start("[limits]\nmessage_bytes = 2048").await;
    let mut ws = server.ws_greeted("subscribe=none").await;
    let mut tcp = server.tcp().await;
    tcp.next_json().await;
    ws.send_text(&delta_of_bytes(2048, "a.ws")).await;
    tcp.send_text(&delta_of_bytes(2048, "a.tcp")).await;
    for path in ["a/ws", "a/tcp"] {
        let node = format!("vessels/self/{path}/value");
        harness::until(path, || async { server.node(&node).await.is_string() }).await;
    }
    // A line too long is told of and passed over; the stream goes on.
    tcp.send_text(&delta_of_bytes(2049, "a.tcp2")).await;
    assert!(tcp.next_json().await["errorMessage"].is_string());
    tcp.still_works(&server).await;
    assert_eq!(server.node("vessels/self/a/tcp2").await, Json::Null);
    for bytes in [2049, 4 * 2048] {
        ws.send_text(&delta_of_bytes(bytes, "a.ws2")).await;
        assert!(ws.next_json().await["errorMessage"].is_string());
        ws.still_works(&server).await;
    }
    assert_eq!(server.node("vessels/self/a/ws2").await, Json::Null);
    // A WebSocket message far too long ends the stream with the code that says so: its rest cannot be passed over.
    ws.send_text(&delta_of_bytes(4 * 2048 + 1, "a.ws2")).await;
    assert_eq!(ws.closed().await.0, 1009);
}

#[tokio::test]
async fn err_05_a_client_may_have_as_many_rows_as_configured_and_no_more() {
    let server = TestServer::start("[limits]\nsubscriptions_per_client = 5").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    let rows = |range: std::ops::Range<u32>| Json::Array(range.map(|n| json!({"path": format!("a.b{n}")})).collect());
    client.subscribe(rows(0..5)).await;
    client.settled().await;
    client.subscribe(rows(5..6)).await;
    let told = client.next_json().await;
    assert!(told["errorMessage"].as_str().is_some_and(|text| text.contains('5')), "{told}");
    server.put("a.b5", 1).await;
    server.put("a.b4", 2).await;
    assert_eq!(client.drain(SILENCE_MS).await, ["a.b4=2"]);
    // Room that is given back can be used.
    client.send(&json!({"context": "vessels.self", "unsubscribe": [{"path": "a.b0"}]})).await;
    client.subscribe(rows(5..6)).await;
    client.until_value("a.b5", 1).await;
    // The default.
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(rows(0..256)).await;
    client.settled().await;
    client.subscribe(rows(0..1)).await;
    assert!(client.next_json().await["errorMessage"].is_string());
}

#[tokio::test]
async fn err_05_a_message_may_nest_as_deep_as_configured_and_no_deeper() {
    let server = TestServer::start("[limits]\ndepth = 8").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    // The delta itself nests five levels around a value.
    let delta = |levels: usize| {
        let value = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"updates":[{{"$source":"x","values":[{{"path":"a.b{levels}","value":{value}}}]}}]}}"#)
    };
    client.send_text(&delta(3)).await;
    harness::until("eight levels", || async { server.node("vessels/self/a/b3/value").await.is_array() }).await;
    client.send_text(&delta(4)).await;
    assert!(client.next_json().await["errorMessage"].as_str().is_some_and(|text| text.contains('8')));
    for text in ["[".repeat(2_000), "{\"a\":".repeat(500), format!("{{\"updates\":{}", "[".repeat(50_000))] {
        client.send_text(&text).await;
        assert!(client.next_json().await["errorMessage"].is_string());
    }
    client.still_works(&server).await;
    assert_eq!(server.node("vessels/self/a/b4").await, Json::Null);
    assert_eq!(server.get("/signalk/v1/api/").await.status, 200);
}

/// A corpus of what goes wrong on the way, and of what never was right.
const GARBAGE: &[&str] = &[
    "{\"context\":7,\"subscribe\":[{\"path\":\"a\"}]}",
    "{\"context\":{\"a\":1},\"unsubscribe\":[{\"path\":\"*\"}]}",
    "{\"updates\":{}}",
    "{\"updates\":[null,7,\"x\",[],{}]}",
    "{\"updates\":[{\"values\":[{\"path\":\"a..b\",\"value\":1}]}]}",
    "{\"updates\":[{\"values\":[{\"path\":\".\",\"value\":1},{\"path\":\"__proto__.a\",\"value\":1}]}]}",
    "{\"updates\":[{\"values\":[{\"path\":\"a\\u0000b\",\"value\":1}]}]}",
    "{\"updates\":[{\"$source\":{\"a\":1},\"timestamp\":[],\"values\":[{\"path\":\"a\",\"value\":1e999}]}]}",
    "{\"context\":\"__proto__.x\",\"updates\":[{\"values\":[{\"path\":\"a\",\"value\":1}]}]}",
    "{\"context\":\"vessels\",\"updates\":[{\"values\":[{\"path\":\"a\",\"value\":1}]}]}",
    "{\"put\":7}",
    "{\"put\":{}}",
    "{\"requestId\":{\"a\":[1]},\"put\":[null]}",
    "{\"login\":[],\"logout\":7,\"validate\":null}",
    "{\"requestId\":\"x\",\"get\":{\"path\":7}}",
    "{\"subscribe\":[{\"path\":\"a\",\"period\":1e300,\"minPeriod\":-1e300}]}",
    "{\"subscribe\":[],\"subscribe\":[]}",
    "\u{feff}{}",
];

#[tokio::test]
async fn err_05_no_malformed_message_ends_a_stream() {
    let server = TestServer::start("").await;
    let mut ws = server.ws_greeted("subscribe=none").await;
    let mut tcp = server.tcp().await;
    tcp.next_json().await;
    for text in GARBAGE {
        ws.send_text(text).await;
        ws.settled().await;
        tcp.send_text(text).await;
        tcp.settled().await;
    }
    ws.send_message(tokio_tungstenite::tungstenite::Message::Binary(vec![0xff, 0xfe, 0x00].into())).await;
    ws.settled().await;
    tcp.send_bytes(b"\xff\xfe\x00\r\n").await;
    tcp.settled().await;
    ws.still_works(&server).await;
    tcp.still_works(&server).await;
    assert_eq!(server.get("/signalk/v1/api/").await.status, 200);
}

#[tokio::test]
async fn err_05_words_about_faults_end_before_they_become_a_flood() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for _ in 0..1_000 {
        client.send_text(r#"{"updates":7}"#).await;
    }
    client.send(&json!({"requestId": "the end", "query": true})).await;
    let mut told = 0;
    while client.next_json().await.get("errorMessage").is_some() {
        told += 1;
    }
    assert_eq!(told, 20);
    assert!(server.server.shared.counters.issues.load(std::sync::atomic::Ordering::Relaxed) >= 1_000);
    client.still_works(&server).await;
}

/// Sends bytes to the HTTP port and reads until the server closes; how long that took, and what it said.
async fn told_off(server: &TestServer, bytes: &[u8]) -> (std::time::Duration, Vec<u8>) {
    let mut socket = TcpStream::connect(server.http).await.unwrap();
    let begun = Instant::now();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(DEADLINE, socket.read_to_end(&mut answer)).await.expect("the server closes");
    (begun.elapsed(), answer)
}

#[tokio::test]
async fn trap_06_a_tls_hello_on_the_plain_port_is_refused_at_once() {
    let server = TestServer::start("").await;
    // A client hello of TLS 1.2 and one of TLS 1.3 begin alike: handshake, version 3.1, length, client hello. A plotter
    // waits for the answer to this before it tries plain WebSocket.
    let mut hello = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    hello.extend((0..506_u32).map(|n| (n * 7) as u8));
    for bytes in [&hello[..], &hello[..5], &hello[..1]] {
        let (took, answer) = told_off(&server, bytes).await;
        assert!(took.as_millis() < 500, "{took:?} for {} bytes", bytes.len());
        // An alert or nothing: an answer in HTTP would be read as a broken TLS record, which does as well.
        assert!(answer.len() < 300, "{}", answer.len());
    }
    server.ws_greeted("subscribe=all").await.still_works(&server).await;
}

#[tokio::test]
async fn str_10_what_is_no_upgrade_is_answered_as_http() {
    let server = TestServer::start("").await;
    let table = [
        ("GET", "/signalk/v1/stream", 426),
        ("GET", "/signalk/v1/stream?subscribe=all", 426),
        ("POST", "/signalk/v1/stream", 405),
        ("GET", "/signalk/v1/streams", 404),
    ];
    for (method, path, status) in table {
        let response = server.request(method, path, &[], "").await;
        assert_eq!(response.status, status, "{method} {path}");
        assert!(response.json()["message"].as_str().is_some_and(|words| !words.is_empty()), "{method} {path}");
        assert_eq!(response.header("upgrade"), (status == 426).then_some("websocket"));
    }
}
