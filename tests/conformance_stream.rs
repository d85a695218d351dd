//! The WebSocket stream, row by row (STR). What it does to clients that do not read is in `conformance_stream_slow.rs`,
//! what it accepts at the most in `conformance_stream_limits.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::collections::BTreeSet;

use harness::{Heard, SILENCE_MS, Stream, TestServer, WsClient, delta_of, http, values_of, vessel_delta};
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

const PRIORITY: &str = r#"
[[priority]]
path = "navigation.speedOverGround"
sources = [{ source = "best" }, { source = "other", timeout_ms = 60000 }]
"#;

fn contexts_of(messages: &[Json]) -> BTreeSet<String> {
    messages.iter().filter_map(|m| m["context"].as_str()).map(str::to_owned).collect()
}

async fn messages(client: &mut WsClient, quiet_ms: u64) -> Vec<Json> {
    let mut out = Vec::new();
    while let Some(message) = client.next_within(quiet_ms).await {
        out.push(message);
    }
    out
}

#[tokio::test]
async fn str_01_every_text_frame_is_one_json_message() {
    let server = TestServer::start("[[input]]\nname = \"demo\"\ntype = \"demo\"\nrate = 20").await;
    let mut client = server.ws("subscribe=all&sendMeta=all").await;
    // The client takes nothing but text frames with JSON; the demo boat fills some hundreds of them.
    for _ in 0..300 {
        assert!(client.next_json().await.is_object());
    }
}

#[tokio::test]
async fn str_02_self_all_and_none_say_which_contexts_come() {
    let server = TestServer::start("").await;
    let own = server.own().await;
    let other = "vessels.urn:mrn:imo:mmsi:230000001".to_owned();
    let mut clients = Vec::new();
    for query in ["subscribe=self", "subscribe=all", "subscribe=none"] {
        clients.push(server.ws_greeted(&format!("{query}&sendCachedValues=false")).await);
    }
    server.inject(vessel_delta(230_000_001, "a.b", 1)).await;
    server.put("a.b", 2).await;
    let mut seen = Vec::new();
    for client in &mut clients {
        seen.push(contexts_of(&messages(client, SILENCE_MS).await));
    }
    assert_eq!(seen, [BTreeSet::from([own.clone()]), BTreeSet::from([own, other]), BTreeSet::new()]);
}

#[tokio::test]
async fn str_03_no_parameter_means_self() {
    let server = TestServer::start("").await;
    let mut client = WsClient::connect(server.http, "/signalk/v1/stream").await;
    assert!(client.next_json().await["roles"].is_array());
    server.inject(vessel_delta(230_000_001, "a.b", 1)).await;
    server.put("a.b", 2).await;
    let own = server.own().await;
    assert_eq!(contexts_of(&messages(&mut client, SILENCE_MS).await), BTreeSet::from([own]));
}

#[tokio::test]
async fn str_04_subscribe_none_yields_only_the_hello() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = server.ws_greeted("subscribe=none&sendCachedValues=true").await;
    server.put("a.b", 2).await;
    server.put("a.c", 2).await;
    client.silence(SILENCE_MS).await;
}

#[tokio::test]
async fn str_05_what_is_known_comes_on_connect() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    server.ws_greeted("subscribe=self").await.until_value("a.b", 1).await;
}

#[tokio::test]
async fn str_06_only_the_word_false_suppresses_cached_values() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    for value in ["true", "0", "no", "False", ""] {
        server.ws_greeted(&format!("sendCachedValues={value}")).await.until_value("a.b", 1).await;
    }
    let mut client = server.ws_greeted("sendCachedValues=false").await;
    client.silence(SILENCE_MS).await;
    server.put("a.c", 2).await;
    assert_eq!(client.next_values().await[0].1, "a.c");
}

#[tokio::test]
async fn str_07_cached_values_come_in_order_of_time_before_anything_live() {
    let server = TestServer::start("").await;
    let at = |second: u32, path: &str, context: Option<&str>| {
        let time = format!("2026-01-01T00:00:{second:02}.000Z");
        let values = [json!({"path": path, "value": second})];
        let mut delta = json!({"updates": [{"$source": "test", "timestamp": time, "values": values}]});
        if let Some(context) = context {
            delta["context"] = json!(context);
        }
        delta
    };
    let other = "vessels.urn:mrn:imo:mmsi:230000001";
    for (second, path, context) in
        [(30, "a.x", None), (10, "a.y", Some(other)), (20, "a.z", None), (40, "a.w", Some(other))]
    {
        server.inject(at(second, path, context)).await;
    }
    for (query, expected) in [("subscribe=all", &[10, 20, 30, 40][..]), ("subscribe=self", &[20, 30][..])] {
        let mut client = server.ws_greeted(query).await;
        let mut seconds = Vec::new();
        while seconds.len() < expected.len() {
            let values = client.next_values().await;
            // Configured data of the own vessel come with the time of the start.
            seconds
                .extend(values.iter().filter(|(_, path, _)| path.starts_with("a.")).filter_map(|(_, _, v)| v.as_u64()));
        }
        assert_eq!(seconds, expected, "{query}");
        server.inject(at(50, "a.live", None)).await;
        client.until_value("a.live", 50).await;
    }
}

#[tokio::test]
async fn str_08_cached_values_keep_their_timestamp_and_source() {
    let server = TestServer::start("").await;
    let time = "2026-01-02T03:04:05.678Z";
    let delta = json!({"updates": [{"$source": "gps.GP", "timestamp": time, "values": [{"path": "a.b", "value": 1}]}]});
    server.inject(delta).await;
    let leaf = server.node("vessels/self/a/b").await;
    assert_eq!((&leaf["timestamp"], &leaf["$source"]), (&json!(time), &json!("gps.GP")));
    let update = server.ws_greeted("subscribe=self").await.until_value("a.b", 1).await["updates"][0].clone();
    assert_eq!((&update["timestamp"], &update["$source"]), (&leaf["timestamp"], &leaf["$source"]));
}

#[tokio::test]
async fn str_09_unknown_parameters_are_ignored() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = server.ws_greeted("subscribe=self&foo=1&bar&=&displayUnitsOverride=true&foo=2").await;
    client.until_value("a.b", 1).await;
}

#[tokio::test]
async fn str_10_an_option_that_is_not_supported_is_501_at_the_upgrade() {
    let server = TestServer::start("").await;
    for query in ["subscribe=some", "subscribe=ALL", "format=yaml", "timepoint=soon"] {
        let response = http::upgrade(server.http, &format!("/signalk/v1/stream?{query}"), &[]).await;
        assert_eq!(response.status, 501, "{query}");
        assert!(response.json()["message"].as_str().unwrap().contains(query), "{}", response.text());
    }
}

#[tokio::test]
async fn str_11_send_meta_all_switches_metadata_on() {
    let server = TestServer::start("").await;
    server.put("navigation.speedOverGround", 3.5).await;
    let has_meta = |m: &Json| m["updates"].as_array().is_some_and(|u| u.iter().any(|u| u["meta"].is_array()));
    for query in ["", "sendMeta=none", "sendMeta=true"] {
        let mut client = server.ws_greeted(query).await;
        let seen = messages(&mut client, SILENCE_MS).await;
        assert!(!seen.is_empty() && !seen.iter().any(has_meta), "{query}: {seen:?}");
    }
    let mut client = server.ws_greeted("sendMeta=all").await;
    let meta = client.until("metadata", has_meta).await;
    assert!(meta.to_string().contains(r#""units":"m/s""#), "{meta}");
    client.until_value("navigation.speedOverGround", 3.5).await;
}

#[tokio::test]
async fn str_13_the_source_policy_says_whether_losers_come() {
    let server = TestServer::start(PRIORITY).await;
    let mut preferred = server.ws_greeted("sourcePolicy=preferred&sendCachedValues=false").await;
    let mut default = server.ws_greeted("sendCachedValues=false").await;
    let mut all = server.ws_greeted("sourcePolicy=all&sendCachedValues=false").await;
    for (source, speed) in [("best", 1), ("other", 2), ("best", 3)] {
        server.inject(delta_of(source, "navigation.speedOverGround", &json!(speed))).await;
    }
    server.put("the.end", true).await;
    let mut seen = Vec::new();
    for client in [&mut preferred, &mut default, &mut all] {
        let mut speeds = Vec::new();
        loop {
            let (_, path, value) = client.next_values().await.remove(0);
            if path == "the.end" {
                break;
            }
            speeds.push(value);
        }
        seen.push(speeds);
    }
    assert_eq!(seen, [vec![json!(1), json!(3)], vec![json!(1), json!(3)], vec![json!(1), json!(2), json!(3)]]);
}

#[tokio::test]
async fn str_14_server_events_never_look_like_deltas() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("serverevents=all&subscribe=self").await;
    server.put("a.b", 1).await;
    let seen = client.until("the value", |m| values_of(m).iter().any(|v| v.1 == "a.b")).await;
    assert!(seen.get("type").is_none());
    for message in messages(&mut client, SILENCE_MS).await {
        assert_ne!(message.get("type").is_some(), message.get("updates").is_some(), "{message}");
    }
}

#[tokio::test]
async fn str_15_every_delta_names_its_context_in_full() {
    let server = TestServer::start("").await;
    let mut client = server.ws("subscribe=all&sendCachedValues=false").await;
    let own = client.next_json().await["self"].clone();
    for (n, context) in [None, Some("vessels.self"), Some("self"), own.as_str()].into_iter().enumerate() {
        let mut delta = delta_of("test", "a.b", &json!(n));
        if let Some(context) = context {
            delta["context"] = json!(context);
        }
        server.inject(delta).await;
        assert_eq!(client.until_value("a.b", n).await["context"], own, "sent with {context:?}");
    }
}

#[tokio::test]
async fn str_16_every_update_has_source_and_timestamp() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=all").await;
    let values = json!([{"path": "a.b", "value": 1}]);
    let source = json!({"label": "n2k", "src": "43", "pgn": 127_250, "type": "NMEA2000"});
    for update in [
        json!({ "values": values }),
        json!({"$source": "x.y", "values": values}),
        json!({"source": source, "values": values}),
        json!({"source": source, "timestamp": "2026-01-02T03:04:05Z", "values": values}),
    ] {
        server.inject(json!({ "updates": [update] })).await;
    }
    server.put("the.end", true).await;
    loop {
        let message = client.next_json().await;
        for update in message["updates"].as_array().unwrap() {
            assert!(update["$source"].as_str().is_some_and(|s| !s.is_empty()), "{message}");
            assert!(update["timestamp"].as_str().is_some_and(|t| t.ends_with('Z')), "{message}");
        }
        if values_of(&message).iter().any(|v| v.1 == "the.end") {
            break;
        }
    }
}

#[tokio::test]
async fn str_17_one_message_may_say_several_things() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    // The delta is taken, the row is added, and the request is answered.
    client
        .send(&json!({
            "updates": [{"$source": "test", "values": [{"path": "a.b", "value": 1}]}],
            "context": "vessels.self",
            "subscribe": [{"path": "a.b"}],
            "requestId": "7b2c", "put": {"path": "a.b", "value": 2},
        }))
        .await;
    let reply = client.until("the reply", |m| m["requestId"] == "7b2c").await;
    assert_eq!(reply["state"], "COMPLETED", "{reply}");
    client.until_value("a.b", 1).await;
    // Subscribing comes before unsubscribing, so this leaves nothing.
    let everything = json!([{"path": "*"}]);
    client.send(&json!({"context": "*", "subscribe": [{"path": "*"}], "unsubscribe": everything})).await;
    client.drain(SILENCE_MS).await;
    server.put("a.b", 5).await;
    client.silence(SILENCE_MS).await;
}

#[tokio::test]
async fn str_18_an_empty_object_and_unknown_keys_are_ignored() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for text in ["{}", "{ }", r#"{"foo":1}"#, r#"{"context":"vessels.self"}"#, r#"{"foo":{"updates":[]}}"#] {
        client.send_text(text).await;
    }
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn str_19_what_is_not_json_is_dropped() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    for text in ["not json", "", " ", "{", "[", "null", "7", "\"text\"", "[{}]", "{\"a\":1}{", "\u{0}", "{\"updates\":"]
    {
        client.send_text(text).await;
    }
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn str_20_deltas_of_a_client_reach_the_others() {
    let server = TestServer::start("").await;
    let own = server.own().await;
    let mut hears = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    let mut says = server.ws_greeted("subscribe=none").await;
    says.send(&json!({"updates": [{"values": [{"path": "a.b", "value": 1}]}]})).await;
    let heard = hears.until_value("a.b", 1).await;
    assert_eq!((&heard["context"], &heard["updates"][0]["$source"]), (&json!(own), &json!("ws")));
}

#[tokio::test]
async fn str_20_who_may_not_write_is_told_once_and_stays() {
    let server = TestServer::start("[server]\nallow_write = []").await;
    let mut client = server.ws_greeted("subscribe=self&sendCachedValues=false").await;
    let delta = delta_of("test", "a.b", &json!(1));
    client.send(&delta).await;
    let told = client.next_json().await;
    assert!(told["errorMessage"].as_str().is_some_and(|text| text.contains("allow_write")), "{told}");
    client.send(&delta).await;
    client.silence(SILENCE_MS).await;
    assert_eq!(server.node("vessels/self/a/b").await, Json::Null);
}

#[tokio::test]
async fn str_20_a_page_from_elsewhere_reads_and_does_not_write() {
    let server = TestServer::start("").await;
    let path = "/signalk/v1/stream?subscribe=self&sendCachedValues=false";
    let foreign = [("origin", "http://evil.example")];
    let mut page = WsClient::connect_with(server.http, path, &foreign).await;
    page.next_json().await;
    page.send(&delta_of("test", "a.b", &json!(1))).await;
    assert!(page.next_json().await["errorMessage"].is_string());
    server.put("a.c", 2).await;
    assert_eq!(page.next_values().await[0].1, "a.c");
    let origin = format!("http://{}", server.http);
    let mut own_page = WsClient::connect_with(server.http, path, &[("origin", &origin)]).await;
    own_page.next_json().await;
    own_page.send(&delta_of("test", "a.d", &json!(1))).await;
    page.until_value("a.d", 1).await;
}

#[tokio::test]
async fn str_21_pings_go_out_and_pings_are_answered() {
    let server = TestServer::start("[server]\nping_interval_ms = 100").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.until_ping().await;
    client.until_ping().await;
    client.send_message(Message::Ping(b"are you there".to_vec().into())).await;
    let answer = tokio::time::timeout(harness::DEADLINE, async {
        use futures_util::StreamExt;
        loop {
            if let Message::Pong(payload) = client.socket.next().await.unwrap().unwrap() {
                return payload;
            }
        }
    });
    assert_eq!(&answer.await.expect("a pong")[..], b"are you there");
}

#[tokio::test]
async fn str_21_a_client_that_never_pongs_stays() {
    // Bytes by hand: a WebSocket library would answer by itself.
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TestServer::start("[server]\nping_interval_ms = 100").await;
    let mut socket = tokio::net::TcpStream::connect(server.http).await.unwrap();
    let head = format!(
        "GET /signalk/v1/stream HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.http
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    let deadline = Instant::now() + harness::DEADLINE;
    // An empty ping is 0x89 0x00. Neither byte pair stands in a head or in JSON.
    let pings = |got: &[u8]| got.windows(2).filter(|w| w == &[0x89, 0x00]).count();
    while pings(&got) < 8 {
        let read = tokio::time::timeout_at(deadline, socket.read_buf(&mut got)).await.expect("pings in time");
        assert_ne!(read.unwrap(), 0, "closed after {} pings", pings(&got));
    }
    server.put("a.b", 4711).await;
    while !got.windows(4).any(|w| w == b"4711") {
        let read = tokio::time::timeout_at(deadline, socket.read_buf(&mut got)).await.expect("data in time");
        assert_ne!(read.unwrap(), 0, "closed");
    }
}

#[tokio::test]
async fn str_25_problems_come_as_error_messages() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": "a.b", "policy": "sometimes"}])).await;
    let told = client.next_json().await;
    assert!(told["errorMessage"].as_str().is_some_and(|text| text.contains("sometimes")), "{told}");
    assert_eq!(told.as_object().unwrap().len(), 1);
    server.put("a.b", 1).await;
    client.until_value("a.b", 1).await;
}

#[tokio::test]
async fn str_26_compression_and_http_2_may_be_asked_for_and_need_not_be_given() {
    let server = TestServer::start("").await;
    let offer = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
    let response = http::upgrade(server.http, "/signalk/v1/stream", &offer).await;
    assert_eq!((response.status, response.header("sec-websocket-extensions")), (101, None));
    let mut client = WsClient::connect_with(server.http, "/signalk/v1/stream?subscribe=none", &offer).await;
    client.next_json().await;
    client.still_works(&server).await;
    // A client that speaks HTTP/2 by prior knowledge is refused at once, not left to wait.
    refused_at_once(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
}

/// Sends bytes that are no HTTP/1.1; the server must end the connection quickly.
async fn refused_at_once(server: &TestServer, bytes: &[u8]) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(server.http).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let begun = Instant::now();
    let mut answer = Vec::new();
    // A reset is as good an end as any.
    let _ = tokio::time::timeout(harness::DEADLINE, socket.read_to_end(&mut answer)).await.expect("an end");
    assert!(begun.elapsed().as_millis() < 1_000, "took {:?}", begun.elapsed());
}

#[tokio::test]
async fn str_27_unsubscribing_everything_ends_what_the_address_implied() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=all").await;
    server.put("a.b", 1).await;
    client.until_value("a.b", 1).await;
    client.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    client.drain(SILENCE_MS).await;
    server.put("a.b", 2).await;
    server.inject(vessel_delta(230_000_001, "a.b", 3)).await;
    client.silence(SILENCE_MS).await;
    client.still_works(&server).await;
}

#[tokio::test]
async fn clients_that_come_and_go_are_counted() {
    use std::sync::atomic::Ordering::Relaxed;
    let server = TestServer::start("").await;
    let counters = &server.server.shared.counters;
    let client = server.ws_greeted("").await;
    assert_eq!(counters.open.load(Relaxed), 1);
    client.close().await;
    let half = server.ws_greeted("").await;
    // A client whose program died: the connection ends without a word.
    drop(half.socket);
    harness::until("both are counted as left", || async { counters.ended[0].load(Relaxed) == 2 }).await;
    assert_eq!((counters.open.load(Relaxed), counters.opened.load(Relaxed)), (0, 2));
    assert_eq!(server.server.shared.connections.total(), 0);
}

#[tokio::test]
async fn clients_hear_that_the_server_stops() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("subscribe=self").await;
    let mut lines = server.tcp().await;
    lines.next_json().await;
    let stopping = server.stop();
    let hearing = async {
        let (code, reason) = client.closed().await;
        assert!(code == 1001 && reason.contains("stopping"), "{code} {reason}");
        let farewell = lines.next_json().await;
        assert!(farewell["errorMessage"].as_str().unwrap().contains("stopping"), "{farewell}");
        assert!(matches!(lines.hear(Instant::now() + harness::DEADLINE).await, Some(Heard::Closed(..))));
    };
    tokio::join!(stopping, hearing);
}
