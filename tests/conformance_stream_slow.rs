//! Clients of the stream that do not keep up, and clients that come back (STR-21 to STR-23, TCP-11).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use harness::flood::{flood, read_newest};
use harness::{DEADLINE, LineClient, Stream, TestServer, WsClient, until, values_of};
use serde_json::json;
use taffrail::server::driver::Ended;
use tokio::time::Instant;

#[tokio::test]
async fn str_22_the_marker_is_sent_to_nobody_who_keeps_up() {
    let server = TestServer::start("").await;
    let mut client = server.ws_greeted("backpressure=true").await;
    for n in 0..50 {
        server.put("a.b", n).await;
        let message = client.until_value("a.b", n).await;
        assert!(message.get("$backpressure").is_none(), "{message}");
    }
}

#[tokio::test]
async fn str_23_values_of_different_times_stay_in_different_updates() {
    let server = TestServer::start("").await;
    for n in 0..6 {
        let time = format!("2026-01-01T00:00:{:02}.000Z", n / 2);
        let values = json!([{"path": format!("a.b{n}"), "value": n}]);
        server.inject(json!({"updates": [{"$source": "x", "timestamp": time, "values": values}]})).await;
    }
    // Both ways in which several values leave at once: a beat and a greeting.
    let mut client = server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": "a.*", "policy": "fixed", "period": 50}])).await;
    let mut seen = 0;
    while seen < 18 {
        for update in client.next_json().await["updates"].as_array().unwrap() {
            let second = update["timestamp"].as_str().unwrap()[17..19].parse::<u64>().unwrap();
            for item in update["values"].as_array().unwrap() {
                assert_eq!(item["value"].as_u64().unwrap() / 2, second, "{update}");
                seen += 1;
            }
        }
    }
}

/// How many streams ended for a reason.
fn ended(server: &TestServer, reason: Ended) -> u64 {
    server.server.shared.counters.ended[reason.kind()].load(Relaxed)
}

#[tokio::test]
async fn str_22_a_peer_that_accepts_nothing_for_stall_close_is_closed() {
    let server = TestServer::start("[server]\nstall_close = \"1s\"").await;
    let path = "/signalk/v1/stream?subscribe=self";
    let mut slow = WsClient::connect_narrow(server.http, path).await;
    let mut lines = LineClient::connect_narrow(server.tcp.unwrap()).await;
    lines.subscribe(json!([{"path": "flood.*"}])).await;
    lines.settled().await;
    let mut reads = server.ws_greeted("subscribe=none").await;
    let begun = Instant::now();
    // More than all buffers between the two hold.
    let mut from = 0;
    while ended(&server, Ended::Stalled) < 2 {
        flood(&server, from, 2_000).await;
        from += 2_000;
        assert!(begun.elapsed() < DEADLINE * 2, "not closed: {:?}", server.server.shared.counters.ended);
    }
    assert!(begun.elapsed() > Duration::from_secs(1));
    // Both find the end behind what was on its way, and nobody else is touched.
    slow.closed().await;
    lines.closed().await;
    reads.still_works(&server).await;
}

#[tokio::test]
async fn str_22_a_peer_that_reads_slowly_stays() {
    let server = TestServer::start("[server]\nstall_close = \"1s\"\nping_interval_ms = 100").await;
    let mut slow = WsClient::connect_narrow(server.http, "/signalk/v1/stream?subscribe=self").await;
    let begun = Instant::now();
    let mut from = 0;
    // A message now and then, for longer than it may accept nothing.
    while begun.elapsed() < Duration::from_secs(3) {
        flood(&server, from, 1_000).await;
        from += 1_000;
        for _ in 0..200 {
            slow.next_json().await;
        }
    }
    assert_eq!((ended(&server, Ended::Stalled), ended(&server, Ended::ByPeer)), (0, from as u64 / 1_000));
    read_newest(&mut slow, from).await;
}

/// Less than the kernel takes for a peer, more than a narrow one does.
const WITHIN_KERNEL: usize = 400;

/// The kernel itself gives up a peer that acknowledges no data for two ping intervals, and cannot tell one that has shut its
/// window from one that has vanished.
#[tokio::test]
async fn str_22_a_peer_with_a_shut_window_has_until_stall_close_though_the_kernel_takes_all() {
    let server = TestServer::start("[server]\nstall_close = \"4s\"\nping_interval_ms = 1000").await;
    let path = "/signalk/v1/stream?subscribe=self";
    let mut slow = WsClient::connect_narrow(server.http, path).await;
    let mut lines = LineClient::connect_narrow(server.tcp.unwrap()).await;
    lines.subscribe(json!([{"path": "flood.*"}])).await;
    lines.settled().await;
    let begun = Instant::now();
    flood(&server, 0, WITHIN_KERNEL).await;
    until("both are closed as stalled", || async { ended(&server, Ended::Stalled) == 2 }).await;
    assert!(begun.elapsed() > Duration::from_secs(4), "{:?}", begun.elapsed());
    slow.closed().await;
    lines.closed().await;
}

#[tokio::test]
async fn str_22_a_peer_that_opens_its_window_again_after_two_ping_intervals_goes_on() {
    let server = TestServer::start("[server]\nping_interval_ms = 1000").await;
    let mut slow = WsClient::connect_narrow(server.http, "/signalk/v1/stream?subscribe=self").await;
    flood(&server, 0, WITHIN_KERNEL).await;
    let begun = Instant::now();
    until("more than two ping intervals have passed", || async { begun.elapsed() > Duration::from_secs(4) }).await;
    read_newest(&mut slow, WITHIN_KERNEL).await;
    slow.still_works(&server).await;
}

#[tokio::test]
async fn str_21_a_client_that_closed_its_half_may_go_on_reading_or_is_let_go() {
    use tokio::io::AsyncWriteExt;
    let server = TestServer::start("").await;
    let mut client = server.tcp().await;
    client.next_json().await;
    client.subscribe(json!([{"path": "a.b"}])).await;
    client.settled().await;
    client.writer.shutdown().await.unwrap();
    // The end of what it says is the end of the stream: nothing is left open for it.
    let open = &server.server.shared.counters.open;
    until("the stream is gone", || async { open.load(Relaxed) == 0 }).await;
    client.closed().await;
}

#[tokio::test]
async fn str_22_a_client_that_lost_its_place_can_go_on_at_a_timepoint() {
    let server = TestServer::start("").await;
    let mut client = server.ws("subscribe=all&timepoints=true&sendCachedValues=false").await;
    let mut last = client.next_json().await["timepoint"].as_u64().expect("a timepoint in the hello");
    for n in 0..3 {
        server.put("a.b", n).await;
        let message = client.until_value("a.b", n).await;
        let timepoint = message["timepoint"].as_u64().expect("a timepoint in each delta");
        assert!(timepoint > last, "{timepoint} after {last}");
        last = timepoint;
    }
    client.close().await;
    for n in 3..20 {
        server.put("a.b", n).await;
    }
    // It comes back: no cached values, every change after its timepoint, in order, then live.
    let mut again = server.ws(&format!("subscribe=all&timepoint={last}")).await;
    assert_eq!(again.next_json().await["timepoint"], last);
    for n in 3..20 {
        let message = again.next_json().await;
        assert_eq!(values_of(&message)[0].2, n);
        assert!(message["timepoint"].as_u64().unwrap() > last);
        last = message["timepoint"].as_u64().unwrap();
    }
    server.put("a.b", 20).await;
    assert_eq!(values_of(&again.next_json().await)[0].2, 20);
    // A snapshot's own timepoint serves as well.
    let head = server.get("/signalk/v1/api/vessels/self").await;
    let head = head.header("signal-k-timepoint").unwrap().to_owned();
    let mut follower = server.ws_greeted(&format!("subscribe=self&timepoint={head}")).await;
    server.put("a.b", 21).await;
    assert_eq!(values_of(&follower.next_json().await)[0].2, 21);
}

#[tokio::test]
async fn str_22_a_timepoint_that_cannot_be_had_is_416_and_says_what_can() {
    let server = TestServer::start("[history]\nenabled = false\n").await;
    server.put("a.b", 1).await;
    let head = server.get("/signalk/v1/api/self").await.header("signal-k-timepoint").unwrap().parse::<u64>().unwrap();
    for asked in [head + 1, head + (1 << 30), 0] {
        let path = format!("/signalk/v1/stream?timepoint={asked}");
        let response = harness::http::upgrade(server.http, &path, &[]).await;
        assert_eq!(response.status, 416, "{asked}");
        let body = response.json();
        assert_eq!(body["newest"], head, "{body}");
        assert!(body["oldest"].as_u64().is_some_and(|oldest| oldest < head), "{body}");
        // The oldest is one that is still to be had.
        let mut client = server.ws_greeted(&format!("timepoint={}", body["oldest"])).await;
        client.until_value("a.b", 1).await;
    }
    // What fell out of memory is too old where nothing is recorded; 4 MiB are kept.
    flood(&server, 0, 30_000).await;
    let path = format!("/signalk/v1/stream?timepoint={head}");
    assert_eq!(harness::http::upgrade(server.http, &path, &[]).await.status, 416);
}
