//! The harness of the black-box tests: what it promises holds.

mod harness;

use harness::{Stream, TestServer, values_of, vessel_delta};
use serde_json::json;

#[tokio::test]
async fn two_servers_in_one_process_do_not_know_of_each_other() {
    let (a, b) = (TestServer::start("").await, TestServer::start("[vessel]\nname = \"Bella\"").await);
    a.put("environment.depth.belowKeel", 4.5).await;
    assert_eq!(a.node("vessels/self/environment/depth/belowKeel/value").await, 4.5);
    assert_eq!(b.node("vessels/self/environment/depth/belowKeel").await, json!(null));
    assert_eq!(b.node("vessels/self/name").await, "Bella");
    assert_ne!(a.own().await, b.own().await);
    a.stop().await;
    b.put("a.b", 1).await;
    b.stop().await;
}

#[tokio::test]
async fn every_kind_of_client_sees_what_was_injected() {
    let server = TestServer::start("").await;
    server.inject(vessel_delta(230_000_001, "navigation.speedOverGround", 3.5)).await;
    server.inject(json!({"updates": [{"values": [{"path": "", "value": {"port": "Kotka"}}]}]})).await;
    let mut ws = server.ws_greeted("subscribe=all").await;
    ws.until_value("navigation.speedOverGround", 3.5).await;
    let mut tcp = server.tcp().await;
    assert!(tcp.next_json().await["roles"].is_array());
    tcp.silence(20).await;
    tcp.subscribe(json!([{"path": "port"}])).await;
    assert_eq!(values_of(&tcp.next_json().await)[0].2, "Kotka");
    ws.drain(20).await;
    ws.still_works(&server).await;
}
