//! A whole server on a ship, and what it has heard from others.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use taffrail::app::Server;
use taffrail::clock::SystemClock;
use taffrail::config::{Config, Sources};
use taffrail::kernel::id::Seq;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::aboard;

/// A port that is free now, for servers that must know each other's before they start.
pub fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A whole server.
pub struct Ship {
    pub server: Server,
    state: tempfile::TempDir,
}

impl Ship {
    pub async fn start(http: SocketAddr, toml: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), http, toml).await
    }

    pub async fn start_in(state: tempfile::TempDir, http: SocketAddr, toml: &str) -> Self {
        let environment = vec![("STATE_DIRECTORY".to_owned(), state.path().to_str().unwrap().to_owned())];
        let sources = Sources { file: Some(("test.toml", toml)), environment, ..Sources::default() };
        let mut config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}\n{toml}"));
        config.server.http = http;
        config.server.tcp = Some("127.0.0.1:0".parse().unwrap());
        config.server.mdns = false;
        if !toml.contains("[[input]]") {
            config.inputs.clear();
        }
        let server = Server::start(&config, Arc::new(SystemClock::new())).await.unwrap();
        Self { server, state }
    }

    /// Stops it; what it keeps stays.
    pub async fn stop(self) -> tempfile::TempDir {
        timeout(aboard::DEADLINE, self.server.stop()).await.unwrap();
        self.state
    }

    pub fn own(&self) -> String {
        self.server.shared.identity.own.clone()
    }

    /// Says a value as a device aboard would, and returns when it is known.
    pub async fn say(&self, source: &str, path: &str, value: i64) {
        self.say_delta(json!({"updates": [{"$source": source, "values": [{"path": path, "value": value}]}]})).await;
        until(&format!("{path} from {source}"), || async { self.log(path).iter().any(|l| l.source == source) }).await;
    }

    pub async fn say_delta(&self, delta: Json) {
        let url = format!("ws://{}/signalk/v1/stream?subscribe=none", self.server.http);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        socket.send(Message::text(delta.to_string())).await.unwrap();
        let _ = socket.close(None).await;
        while let Some(Ok(_)) = socket.next().await {}
    }

    /// Everything in the log about a path, oldest first.
    pub fn log(&self, path: &str) -> Vec<Logged> {
        let world = self.server.feed().read();
        let Some(id) = world.model.find_path(path) else { return Vec::new() };
        let oldest = Seq(world.tail.oldest().0 - 1);
        let changes = world.tail.after(oldest).unwrap().filter_map(|c| {
            let value = c.values.iter().find(|v| v.path == id)?;
            Some(Logged {
                context: c.context_name.to_string(),
                source: world.model.sources().name(c.source).to_string(),
                timestamp: c.timestamp.to_string(),
                value: value.value.to_json(),
            })
        });
        changes.collect()
    }

    /// Waits until a path is known from a source.
    pub async fn hears(&self, path: &str, source: &str) -> Logged {
        let found = || self.log(path).into_iter().find(|l| l.source == source);
        let what = format!("{path} from {source}");
        until(&what, || async { found().is_some() }).await;
        found().unwrap()
    }

    pub async fn until_problem(&self, index: usize, what: &str) -> String {
        let problem = || self.server.inputs.statuses()[index].report().problem.map(|p| p.text.to_string());
        until(what, || async { problem().is_some_and(|text| text.contains(what)) }).await;
        problem().unwrap()
    }
}

#[derive(Debug, PartialEq)]
pub struct Logged {
    pub context: String,
    pub source: String,
    pub timestamp: String,
    pub value: String,
}

pub fn sources(log: &[Logged]) -> Vec<&str> {
    log.iter().map(|l| &*l.source).collect()
}

pub fn reads(name: &str, from: SocketAddr) -> String {
    format!("[[input]]\nname = \"{name}\"\ntype = \"signalk\"\nurl = \"ws://{from}\"\n")
}

pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let poll = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(aboard::DEADLINE, poll).await.unwrap_or_else(|_| panic!("{what}: not so after {:?}", aboard::DEADLINE));
}
