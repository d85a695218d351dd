//! A whole server on ports of the system's choosing, and the clients that tests need: WebSocket, lines over TCP, HTTP.
//!
//! Nothing here waits by sleeping for a guessed time: everything polls a condition up to [`DEADLINE`].
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod flood;
pub mod http;
pub mod lines;
pub mod ws;

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use taffrail::app::Server;
use taffrail::clock::board::Board;
use taffrail::clock::{Clock, SystemClock};
use taffrail::config::{Config, Sources};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Instant, timeout};

pub use http::Response;
pub use lines::LineClient;
pub use ws::WsClient;

/// Nothing in these tests takes longer, not even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(15);
/// How long a stream is watched where a requirement is that nothing comes.
pub const SILENCE_MS: u64 = 300;

/// A running server. It is stopped with the runtime of the test, or by [`TestServer::stop`].
pub struct TestServer {
    /// Where HTTP and WebSocket are.
    pub http: SocketAddr,
    /// Where lines are, unless the configuration says `tcp = "off"`.
    pub tcp: Option<SocketAddr>,
    /// The server itself, for tests that look at its counters.
    pub server: Server,
    writer: OnceCell<Mutex<WsClient>>,
    _state: Option<tempfile::TempDir>,
}

impl TestServer {
    /// Starts a server with this configuration (the text of the file; may be empty). Ports and state directory are the
    /// test's own whatever it says, and there is no input unless it names one.
    pub async fn start(toml: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let server = Self::start_with(toml, Arc::new(SystemClock::new()), state.path()).await;
        Self { _state: Some(state), ..server }
    }

    /// The same with a clock of the test's own, and a state directory that may outlive the server.
    pub async fn start_with(toml: &str, clock: Arc<dyn Clock>, state: &Path) -> Self {
        Self::start_on(toml, clock, state, Board::unknown()).await
    }

    /// The same on a machine whose files say of its clock what the test wants.
    pub async fn start_on(toml: &str, clock: Arc<dyn Clock>, state: &Path, board: Board) -> Self {
        let environment = vec![("STATE_DIRECTORY".to_owned(), state.to_str().unwrap().to_owned())];
        let sources = Sources { file: Some(("test.toml", toml)), environment, ..Sources::default() };
        let mut config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}\n{toml}"));
        let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
        config.server.http = anywhere;
        config.server.tcp = config.server.tcp.map(|_| anywhere);
        config.server.mdns = false;
        if !toml.contains("[[input]]") {
            config.inputs.clear();
        }
        let server = Server::start_on(&config, clock, board).await.expect("a server that starts");
        Self { http: server.http, tcp: server.tcp, server, writer: OnceCell::new(), _state: None }
    }

    /// A WebSocket on the stream; `query` is what comes after the question mark. The hello has not been read.
    pub async fn ws(&self, query: &str) -> WsClient {
        WsClient::connect(self.http, &format!("/signalk/v1/stream?{query}")).await
    }

    /// A WebSocket whose hello has been read.
    pub async fn ws_greeted(&self, query: &str) -> WsClient {
        let mut client = self.ws(query).await;
        assert!(client.next_json().await["roles"].is_array(), "the hello is first");
        client
    }

    /// A client of the raw stream. The hello has not been read.
    pub async fn tcp(&self) -> LineClient {
        LineClient::connect(self.tcp.expect("the TCP stream is on")).await
    }

    /// `GET` of a path such as `/signalk`.
    pub async fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], "").await
    }

    /// Any request.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        http::request(self.http, method, path, headers, body).await
    }

    /// A node below `/signalk/v1/api/`; `null` when it is not there.
    pub async fn node(&self, path: &str) -> Json {
        let response = self.get(&format!("/signalk/v1/api/{path}")).await;
        if response.status == 200 { response.json() } else { Json::Null }
    }

    /// The own vessel in full, `vessels.urn:mrn:…`.
    pub async fn own(&self) -> String {
        self.node("self").await.as_str().expect("self is a text").to_owned()
    }

    /// What the log has come to. `/healthz` may be behind it, by what readers have not been told yet.
    pub async fn head(&self) -> u64 {
        let response = self.get("/signalk/v1/api/self").await;
        response.header("signal-k-timepoint").and_then(|text| text.parse().ok()).expect("a timepoint in the header")
    }

    /// Sends a delta as a client on this machine would, and returns when REST shows its values.
    pub async fn inject(&self, delta: Json) {
        let before = self.head().await;
        self.send(&delta).await;
        until("the delta shows in REST", || async { self.head().await > before && self.shows(&delta).await }).await;
    }

    /// One value of the own vessel, under the source `test`.
    pub async fn put(&self, path: &str, value: impl Into<Json>) {
        self.inject(delta_of("test", path, &value.into())).await;
    }

    /// Sends a delta without waiting for what becomes of it.
    pub async fn send(&self, delta: &Json) {
        self.writer().await.lock().await.send(delta).await;
    }

    async fn writer(&self) -> &Mutex<WsClient> {
        self.writer.get_or_init(|| async { Mutex::new(self.ws_greeted("subscribe=none").await) }).await
    }

    /// Whether the last value of each path of a delta is what REST shows, for its source or at all.
    async fn shows(&self, delta: &Json) -> bool {
        let context = delta["context"].as_str().filter(|&c| c != "self").unwrap_or("vessels.self");
        let root_end = if context.starts_with("shore.basestations.") { 18 } else { context.find('.').unwrap_or(0) };
        let base = format!("{}/{}", context[..root_end].replace('.', "/"), &context[root_end + 1..]);
        let updates = delta["updates"].as_array().into_iter().flatten();
        let values: Vec<&Json> = updates.flat_map(|u| u["values"].as_array().into_iter().flatten()).collect();
        for (i, item) in values.iter().enumerate() {
            if values[i + 1..].iter().any(|later| later["path"] == item["path"]) {
                continue;
            }
            let path = item["path"].as_str().unwrap_or_default();
            if path.is_empty() {
                let node = self.node(&base).await;
                let members = item["value"].as_object().into_iter().flatten();
                if !members.into_iter().all(|(name, value)| node[name] == *value) {
                    return false;
                }
                continue;
            }
            let leaf = self.node(&format!("{base}/{}", path.replace('/', "%2F").replace('.', "/"))).await;
            let values = leaf["values"].as_object().into_iter().flatten();
            let mut slots = values.map(|(_, slot)| slot).chain([&leaf]);
            if !slots.any(|slot| slot.get("value") == Some(&item["value"])) {
                return false;
            }
        }
        true
    }

    /// Stops it in order.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A delta of the own vessel with one value.
pub fn delta_of(source: &str, path: &str, value: &Json) -> Json {
    json!({"updates": [{"$source": source, "values": [{"path": path, "value": value}]}]})
}

/// A delta of another vessel with one value; `mmsi` has nine digits.
pub fn vessel_delta(mmsi: u32, path: &str, value: impl Into<Json>) -> Json {
    let mut delta = delta_of("test", path, &value.into());
    delta["context"] = json!(format!("vessels.urn:mrn:imo:mmsi:{mmsi}"));
    delta
}

/// Polls until `is_so`.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let poll = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(DEADLINE, poll).await.unwrap_or_else(|_| panic!("{what}: not so after {DEADLINE:?}"));
}

/// `(context, path, value)` of everything in a delta, in order; nothing for other messages.
pub fn values_of(message: &Json) -> Vec<(String, String, Json)> {
    let context = message["context"].as_str().unwrap_or_default();
    let updates = message["updates"].as_array().into_iter().flatten();
    let items = updates.flat_map(|update| update["values"].as_array().into_iter().flatten());
    let text = |item: &Json| item["path"].as_str().unwrap_or_default().to_owned();
    items.map(|item| (context.to_owned(), text(item), item["value"].clone())).collect()
}

/// What a stream client does, whatever carries it. [`Heard`] is what may come.
pub trait Stream {
    /// The next thing that comes before `deadline`; `None` when nothing does.
    async fn hear(&mut self, deadline: Instant) -> Option<Heard>;

    /// Sends text as it is.
    async fn send_text(&mut self, text: &str);

    /// Sends a message.
    async fn send(&mut self, message: &Json) {
        self.send_text(&message.to_string()).await;
    }

    /// Asks for rows of the own vessel; a row is `{"path":…}` and so on.
    async fn subscribe(&mut self, rows: Json) {
        self.send(&json!({"context": "vessels.self", "subscribe": rows})).await;
    }

    /// Returns when the server has done everything that was sent before: asks something, and passes over what comes before
    /// the answer.
    async fn settled(&mut self) {
        self.send(&json!({"requestId": "settled", "query": true})).await;
        self.until("the answer to a request", |m| m["requestId"] == "settled").await;
    }

    /// The next message.
    async fn next_json(&mut self) -> Json {
        match self.hear(Instant::now() + DEADLINE).await {
            Some(Heard::Message(message)) => message,
            other => panic!("a message was expected, not {other:?}"),
        }
    }

    /// The next message, if one comes within so many milliseconds.
    async fn next_within(&mut self, ms: u64) -> Option<Json> {
        match self.hear(Instant::now() + Duration::from_millis(ms)).await {
            None => None,
            Some(Heard::Message(message)) => Some(message),
            Some(other) => panic!("a message or nothing was expected, not {other:?}"),
        }
    }

    /// The first message that is as described; those before it are passed over.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Json) -> bool) -> Json {
        let deadline = Instant::now() + DEADLINE;
        let mut passed = Vec::new();
        loop {
            match self.hear(deadline).await {
                Some(Heard::Message(message)) if is_so(&message) => return message,
                Some(Heard::Message(message)) => passed.push(message.to_string()),
                other => {
                    passed.truncate(20);
                    panic!("{what}: {other:?} after {passed:#?}")
                }
            }
        }
    }

    /// Reads until `path` has `value`; what comes before it is passed over.
    async fn until_value(&mut self, path: &str, value: impl Into<Json>) -> Json {
        let value = value.into();
        let has = |m: &Json| values_of(m).iter().any(|(_, p, v)| p == path && *v == value);
        self.until(&format!("{path} = {value}"), has).await
    }

    /// The next value: `(context, path, value)`s of the next message, which must have some.
    async fn next_values(&mut self) -> Vec<(String, String, Json)> {
        let message = self.next_json().await;
        let values = values_of(&message);
        assert!(!values.is_empty(), "a delta with values was expected, not {message}");
        values
    }

    /// `path=value` of everything that comes until nothing has come for so many milliseconds.
    async fn drain(&mut self, quiet_ms: u64) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(message) = self.next_within(quiet_ms).await {
            out.extend(values_of(&message).into_iter().map(|(_, path, value)| format!("{path}={value}")));
        }
        out
    }

    /// Nothing comes, for so many milliseconds.
    async fn silence(&mut self, ms: u64) {
        if let Some(message) = self.next_within(ms).await {
            panic!("silence was expected, not {message}");
        }
    }

    /// Sees that the stream still works in both directions: asks for a value of its own, and gets it.
    async fn still_works(&mut self, server: &TestServer) {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = format!("test.still.works{n}");
        self.subscribe(json!([{ "path": path }])).await;
        server.put(&path, n).await;
        self.until_value(&path, n).await;
    }

    /// Reads until the server closes; what it said last.
    async fn closed(&mut self) -> (u16, String) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.hear(deadline).await {
                Some(Heard::Closed(code, reason)) => return (code, reason),
                Some(_) => {}
                None => panic!("the server did not close"),
            }
        }
    }
}

/// What comes over a stream.
#[derive(Debug)]
pub enum Heard {
    /// A JSON message.
    Message(Json),
    /// The end: the code of a WebSocket close (0 where there is none) and its reason.
    Closed(u16, String),
}
