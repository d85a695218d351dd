//! The raw stream over TCP, row by row (TCP). Clients that do not read are in `conformance_stream_memory.rs` and
//! `conformance_stream_slow.rs`, limits in `conformance_stream_limits.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;
mod json_schema;

use harness::flood::{flood, read_newest};
use harness::{LineClient, SILENCE_MS, Stream, TestServer, delta_of, values_of, vessel_delta};
use json_schema::Schema;
use serde_json::{Value as Json, json};
use taffrail::config::{Config, Sources};

async fn greeted(server: &TestServer) -> LineClient {
    let mut client = server.tcp().await;
    assert!(client.next_json().await["roles"].is_array(), "the hello is first");
    client
}

#[tokio::test]
async fn tcp_01_lines_are_served_on_8375_unless_configured() {
    let load = |text: &str| {
        let environment = vec![("STATE_DIRECTORY".to_owned(), "/var/lib/taffrail".to_owned())];
        Config::load(&Sources { file: Some(("test.toml", text)), environment, ..Sources::default() }).unwrap()
    };
    assert_eq!(load("").server.tcp.unwrap().port(), 8375);
    assert_eq!(load("[server]\ntcp = \"0.0.0.0:50000\"").server.tcp.unwrap().port(), 50_000);
    let server = TestServer::start("").await;
    greeted(&server).await;
    let without = TestServer::start("[server]\ntcp = \"off\"").await;
    assert_eq!(without.tcp, None);
    assert_eq!(without.get("/signalk").await.json()["endpoints"]["v1"].get("signalk-tcp"), None);
}

#[tokio::test]
async fn tcp_02_one_message_a_line_ended_by_cr_lf() {
    let server = TestServer::start("").await;
    let mut client = server.tcp().await;
    let hello = client.next_line().await;
    assert!(hello.starts_with(b"{") && hello.ends_with(b"}\r\n"), "{}", String::from_utf8_lossy(&hello));
    // Both ends of a line are understood.
    for (path, end) in [("a.b", "\r\n"), ("a.c", "\n")] {
        let message = json!({"context": "vessels.self", "subscribe": [{"path": path}]});
        client.send_bytes(format!("{message}{end}").as_bytes()).await;
    }
    client.settled().await;
    server.put("a.b", 1).await;
    server.put("a.c", "two\nlines").await;
    for _ in 0..2 {
        let line = client.next_line().await;
        assert!(line.ends_with(b"}\r\n") && !line[..line.len() - 2].contains(&b'\n'));
        serde_json::from_slice::<Json>(&line).unwrap();
    }
}

#[tokio::test]
async fn tcp_03_the_first_line_is_the_hello_of_the_websocket() {
    let server = TestServer::start("").await;
    let mut lines = server.tcp().await.next_json().await;
    assert_eq!(Schema::named("hello").problems(&lines), [""; 0], "{lines}");
    let mut ws = server.ws("").await.next_json().await;
    for hello in [&mut lines, &mut ws] {
        assert!(hello.as_object_mut().unwrap().remove("timestamp").is_some());
    }
    assert_eq!(lines, ws);
}

#[tokio::test]
async fn tcp_04_nothing_comes_before_a_subscribe_line() {
    let server = TestServer::start("").await;
    server.put("a.b", 1).await;
    let mut client = greeted(&server).await;
    server.put("a.b", 2).await;
    client.silence(SILENCE_MS).await;
}

#[tokio::test]
async fn tcp_05_subscribe_and_unsubscribe_work_as_on_the_websocket() {
    let server = TestServer::start("").await;
    for path in ["p.port.oil", "p.port.fuel", "q.port.oil"] {
        server.put(path, 1).await;
    }
    // What is known at once, patterns, contexts, policies, and taking it back: the same messages over both.
    let mut ws = server.ws_greeted("subscribe=none").await;
    let mut tcp = greeted(&server).await;
    let mut seen = Vec::new();
    let steps = [
        json!({"context": "vessels.self", "subscribe": [{"path": "p.*.oil"}]}),
        json!({"context": "vessels.*", "subscribe": [{"path": "speed", "minPeriod": 20}]}),
        json!({"context": "vessels.self", "subscribe": [{"path": "p.port.fuel", "policy": "sometimes"}]}),
        json!({"context": "vessels.self", "unsubscribe": [{"path": "p.*.oil"}]}),
        json!({"context": "vessels.self", "subscribe": [{"path": "q.*.values[test]"}]}),
    ];
    for step in steps {
        ws.send(&step).await;
        tcp.send(&step).await;
        ws.send(&json!({"requestId": "x", "query": true})).await;
        tcp.send(&json!({"requestId": "x", "query": true})).await;
        let both = [all_until_reply(&mut ws).await, all_until_reply(&mut tcp).await];
        assert_eq!(both[0], both[1], "{step}");
        seen.push(both[0].clone());
    }
    assert!(seen.iter().any(|messages| messages.contains("errorMessage")), "{seen:?}");
    assert!(seen[0].contains("p.port.oil"), "{seen:?}");
    server.put("p.port.oil", 2).await;
    server.inject(vessel_delta(230_000_001, "speed", 3)).await;
    server.put("q.port.oil", 4).await;
    assert_eq!(tcp.drain(SILENCE_MS).await, ["speed=3", "q.port.oil=4"]);
    assert_eq!(ws.drain(SILENCE_MS).await, ["speed=3", "q.port.oil=4"]);
    // The beat of `fixed`, and the end of everything.
    tcp.subscribe(json!([{"path": "q.*", "policy": "fixed", "period": 50}])).await;
    for _ in 0..4 {
        tcp.until_value("q.port.oil", 4).await;
    }
    tcp.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    tcp.settled().await;
    tcp.silence(SILENCE_MS).await;
}

/// Everything up to the answer of a request, and what comes within a moment after it, sorted.
async fn all_until_reply(client: &mut impl Stream) -> String {
    let mut all = Vec::new();
    let mut replied = false;
    loop {
        let next = if replied { client.next_within(50).await } else { Some(client.next_json().await) };
        let Some(message) = next else { break };
        if message["requestId"] == "x" {
            replied = true;
        } else {
            all.push(message.to_string());
        }
    }
    all.sort();
    all.join("\n")
}

#[tokio::test]
async fn tcp_06_deltas_are_taken_from_whoever_may_write() {
    let server = TestServer::start("").await;
    let mut client = greeted(&server).await;
    client.send(&json!({"updates": [{"values": [{"path": "a.b", "value": 1}]}]})).await;
    harness::until("the value", || async { server.node("vessels/self/a/b/value").await == 1 }).await;
    assert_eq!(server.node("vessels/self/a/b/$source").await, "tcp");
    let closed = TestServer::start("[server]\nallow_write = [\"10.0.0.0/8\"]").await;
    let mut client = greeted(&closed).await;
    client.send(&delta_of("x", "a.b", &json!(1))).await;
    assert!(client.next_json().await["errorMessage"].is_string());
    assert_eq!(closed.node("vessels/self/a/b").await, Json::Null);
}

#[tokio::test]
async fn tcp_07_bad_lines_and_blank_lines_are_ignored_and_parts_put_together() {
    let server = TestServer::start("").await;
    let mut client = greeted(&server).await;
    client.send_bytes(b"not json\r\n\r\n\n   \nnull\r\n{\r\n\xff\n{}\r\n").await;
    client.settled().await;
    let message = r#"{"context":"vessels.self","subscribe":[{"path":"a.ö"}]}"#.as_bytes();
    // In two segments, cut inside a character; and then two messages in one.
    let cut = message.iter().position(|b| *b == 0xc3).unwrap() + 1;
    client.send_bytes(&message[..cut]).await;
    client.silence(20).await;
    client.send_bytes(&message[cut..]).await;
    let more = json!({"context": "vessels.self", "subscribe": [{"path": "a.c"}]});
    client.send_bytes(format!("\r\n{more}\r\n{{\"requestId\":\"settled\",\"query\":true}}\r\n").as_bytes()).await;
    client.until("the answer", |m| m["requestId"] == "settled").await;
    server.put("a.c", 1).await;
    client.until_value("a.c", 1).await;
}

#[tokio::test]
async fn tcp_08_no_unsubscribe_closes() {
    let server = TestServer::start("").await;
    let mut client = greeted(&server).await;
    for message in [
        json!({"context": "vessels.self", "unsubscribe": [{"path": "a.b"}]}),
        json!({"context": "vessels.*", "unsubscribe": [{"path": "*"}]}),
        json!({"unsubscribe": [{"path": "*"}]}),
        json!({"unsubscribe": 7}),
    ] {
        client.send(&message).await;
    }
    client.still_works(&server).await;
}

#[tokio::test]
async fn tcp_09_discovery_says_where_the_lines_are() {
    let server = TestServer::start("").await;
    let url = server.get("/signalk").await.json()["endpoints"]["v1"]["signalk-tcp"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("tcp://{}", server.tcp.unwrap()));
}

#[tokio::test]
async fn tcp_10_a_token_in_a_message_is_not_passed_on_and_logins_are_answered() {
    let server = TestServer::start("").await;
    let mut hears = server.ws_greeted("subscribe=all&sendCachedValues=false").await;
    let mut client = greeted(&server).await;
    let mut delta = delta_of("x", "a.b", &json!(1));
    delta["token"] = json!("secret");
    client.send(&delta).await;
    let heard = hears.until_value("a.b", 1).await;
    assert!(!heard.to_string().contains("secret"), "{heard}");
    for request in [
        json!({"requestId": "1", "login": {"username": "a", "password": "b"}}),
        json!({"requestId": "1", "validate": {"token": "a"}}),
        json!({"requestId": "1", "logout": {"token": "a"}}),
    ] {
        client.send(&request).await;
        let reply = client.next_json().await;
        assert_eq!((&reply["requestId"], &reply["statusCode"]), (&json!("1"), &json!(501)), "{request}");
    }
}

#[tokio::test]
async fn tcp_11_a_client_that_does_not_read_gets_the_newest_later() {
    const COUNT: usize = 20_000;
    let server = TestServer::start("").await;
    let mut slow = LineClient::connect_narrow(server.tcp.unwrap()).await;
    slow.subscribe(json!([{"path": "flood.*"}])).await;
    slow.settled().await;
    flood(&server, 0, COUNT).await;
    let (values, _) = read_newest(&mut slow, COUNT).await;
    assert!(values < COUNT, "{values}");
}

#[tokio::test]
async fn two_clients_of_lines_do_not_disturb_each_other() {
    let server = TestServer::start("").await;
    let (mut a, mut b) = (greeted(&server).await, greeted(&server).await);
    a.send_bytes(b"{\"context\":\"vessels.self\",\"subscr").await;
    b.send_bytes(b"null\r\n").await;
    b.subscribe(json!([{"path": "a.b"}])).await;
    b.settled().await;
    server.put("a.b", 1).await;
    assert_eq!(values_of(&b.next_json().await)[0].2, 1);
    a.send_bytes(b"ibe\":[{\"path\":\"a.b\"}]}\r\n").await;
    assert_eq!(values_of(&a.next_json().await)[0].2, 1);
}
