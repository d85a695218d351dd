//! More deltas than a client that does not read can be sent.

use serde_json::Value as Json;
use tokio::time::Instant;

use super::{DEADLINE, Heard, Stream, TestServer, until, values_of};

/// Paths of a flood.
pub const PATHS: usize = 50;

/// Sends `count` deltas of the own vessel, over [`PATHS`] paths in turn, and returns when the last is in the model. The
/// value of each is its number.
pub async fn flood(server: &TestServer, from: usize, count: usize) {
    let mut writer = server.ws_greeted("subscribe=none").await;
    let pad = "x".repeat(40);
    for n in from..from + count {
        let text = format!(
            r#"{{"updates":[{{"$source":"flood","timestamp":"2026-01-01T00:00:00.000Z","values":[{{"path":"flood.path{}","value":{{"n":{n},"pad":"{pad}"}}}}]}}]}}"#,
            n % PATHS
        );
        writer.send_text(&text).await;
    }
    let last = from + count - 1;
    let node = format!("vessels/self/flood/path{}/value/n", last % PATHS);
    until("the flood is over", || async { server.node(&node).await == last }).await;
}

/// Reads until each path has its newest value; how many values it took, and how many frames had a marker.
pub async fn read_newest(client: &mut impl Stream, total: usize) -> (usize, Vec<Json>) {
    let mut newest = vec![usize::MAX; PATHS];
    let (mut values, mut marked) = (0, Vec::new());
    let deadline = Instant::now() + DEADLINE * 2;
    while !(0..PATHS).all(|p| newest[p] != usize::MAX && newest[p] + PATHS >= total) {
        let Some(Heard::Message(message)) = client.hear(deadline).await else { panic!("closed or silent: {newest:?}") };
        if message.get("$backpressure").is_some() {
            marked.push(message.clone());
        }
        for (_, path, value) in values_of(&message) {
            let Some(path) = path.strip_prefix("flood.path") else { continue };
            let (path, n): (usize, usize) = (path.parse().unwrap(), value["n"].as_u64().unwrap() as usize);
            assert!(newest[path] == usize::MAX || n > newest[path], "path{path}: {n} after {}", newest[path]);
            newest[path] = n;
            values += 1;
        }
    }
    (values, marked)
}
