//! What a client that does not read costs (STR-22, TCP-11). Alone in its program: it measures the memory of the process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::time::Duration;

use harness::flood::{flood, read_newest};
use harness::{LineClient, Stream, TestServer, WsClient};
use serde_json::json;
use tokio::time::Instant;

/// Bytes of memory of this process, from what the kernel counts.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn str_22_a_client_that_does_not_read_costs_no_memory_and_gets_the_newest() {
    const COUNT: usize = 100_000;
    let server = TestServer::start("").await;
    flood(&server, 0, 5_000).await;
    let before = resident_bytes();
    let path = "/signalk/v1/stream?subscribe=self&sendCachedValues=false&backpressure=true";
    let mut slow = WsClient::connect_narrow(server.http, path).await;
    let mut slow_lines = LineClient::connect_narrow(server.tcp.unwrap()).await;
    slow_lines.subscribe(json!([{"path": "flood.*"}])).await;
    slow_lines.settled().await;
    let mut other = server.ws_greeted("subscribe=none").await;
    other.subscribe(json!([{"path": "probe"}])).await;

    // While it flows, a client that reads is served as ever.
    let flooding = flood(&server, 0, COUNT);
    let probing = async {
        let mut slowest = Duration::ZERO;
        for n in 0..40 {
            let begun = Instant::now();
            server.send(&harness::delta_of("test", "probe", &json!(n))).await;
            other.until_value("probe", n).await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let ((), slowest) = tokio::join!(flooding, probing);
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // One lot of frames and the kernel's own buffers; 100,000 deltas would be some 20 MB for each of the two.
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 16 << 20, "{} KiB more", grown >> 10);

    for (name, seen) in
        [("WebSocket", read_newest(&mut slow, COUNT).await), ("lines", read_newest(&mut slow_lines, COUNT).await)]
    {
        let (values, marked) = seen;
        assert!(values < COUNT / 2, "{name}: {values} values were sent of {COUNT}");
        // Only who asked for it is told that values were left out.
        assert_eq!(marked.is_empty(), name == "lines", "{name}");
        for message in &marked {
            let marker = &message["$backpressure"];
            assert!(marker["accumulated"].as_u64().is_some_and(|n| n > 1_000), "{marker}");
            assert!(marker["duration"].is_u64(), "{marker}");
        }
    }
    // And both go on live.
    server.put("flood.path0", json!({"n": COUNT * 2})).await;
    slow.until_value("flood.path0", json!({"n": COUNT * 2})).await;
    slow_lines.until_value("flood.path0", json!({"n": COUNT * 2})).await;
}
