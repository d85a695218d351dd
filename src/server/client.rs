//! One connected client: what it says and what it gets for an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use compact_str::CompactString;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::driver::{Incoming, Surroundings};
use super::remote::{Command, Notices, Remote};
use super::server_events::Lane;
use crate::feed::Feed;
use crate::input::Batch;
use crate::kernel::decode;
use crate::kernel::id::Origin;
use crate::kernel::json;
use crate::kernel::relay;
use crate::kernel::session::Session;
use crate::kernel::subscription::{self, Subscribe};

/// Words about unusable deltas that a client is sent at the most; after them it is only counted.
const ISSUES_TOLD_MAX: u32 = 20;

/// A client and its stream.
#[derive(Debug)]
pub struct Client {
    session: Session,
    writer: Writer,
    issues_told: u32,
    events: Option<Lane>,
    playback: Option<Remote>,
    notices: Option<Notices>,
}

/// What becomes of the deltas that a client sends.
#[derive(Debug)]
pub enum Writer {
    /// They go to the hub.
    Allowed {
        /// The hub's inbox.
        hub: mpsc::Sender<Batch>,
        /// The `$source` of updates that name none, and the first part of those that name a talker only.
        provider: Arc<str>,
        /// For the loop guard.
        origin: u32,
    },
    /// They are refused, and the client is told so once.
    Refused {
        /// What it is told.
        why: &'static str,
        /// It has been told.
        told: bool,
    },
}

/// What a client may say. One message may say several of these; all are done, in this order.
#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    updates: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subscribe: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "announceNewPaths")]
    announce: Option<&'a RawValue>,
    #[serde(borrow, default)]
    unsubscribe: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "accessRequest")]
    access_request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    login: Option<&'a RawValue>,
    #[serde(borrow, default)]
    logout: Option<&'a RawValue>,
    #[serde(borrow, default)]
    validate: Option<&'a RawValue>,
    #[serde(borrow, default)]
    put: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delete: Option<&'a RawValue>,
    #[serde(borrow, default)]
    get: Option<&'a RawValue>,
    #[serde(borrow, default)]
    query: Option<&'a RawValue>,
    #[serde(borrow, default)]
    taffrail: Option<&'a RawValue>,
    #[serde(borrow, default)]
    playback: Option<&'a RawValue>,
}

impl Client {
    /// A client with its stream.
    pub fn new(session: Session, writer: Writer) -> Self {
        Self { session, writer, issues_told: 0, events: None, playback: None, notices: None }
    }

    /// The same, with frames about the server itself.
    #[must_use]
    pub fn with_events(self, events: Option<Lane>) -> Self {
        Self { events, ..self }
    }

    /// The same, of a playback that it controls.
    #[must_use]
    pub fn of_playback(self, remote: Remote, notices: Notices) -> Self {
        Self { playback: Some(remote), notices: Some(notices), ..self }
    }

    /// From now on it is told these in their places.
    #[cfg(feature = "history")]
    pub(super) fn hear(&mut self, notices: Option<Notices>) {
        self.notices = notices;
    }

    /// The next frame that is no delta: about the feed that it follows, or about the server itself where it asked for
    /// those; otherwise never.
    pub(super) async fn next_event(&mut self) -> Bytes {
        let cursor = self.session.cursor();
        let notice = async {
            match &mut self.notices {
                Some(notices) => notices.next(cursor).await,
                None => std::future::pending().await,
            }
        };
        let event = async {
            match &mut self.events {
                Some(lane) => lane.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = notice => frame,
            frame = event => frame,
        }
    }

    /// Its stream.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Its stream.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    pub(super) async fn on_incoming(&mut self, incoming: Incoming, feed: &Feed, around: &Surroundings<'_>) {
        match incoming {
            Incoming::Text(text) => self.on_text(&text, feed, around).await,
            // The driver ends the stream on the last two.
            Incoming::Alive | Incoming::Closed | Incoming::Refused(_) => {}
            Incoming::Unusable(why) => self.tell_issue(why, 1, around),
        }
    }

    /// Takes a message. What is no JSON object is dropped, and so are unknown keys (STR-18, STR-19).
    async fn on_text(&mut self, text: &str, feed: &Feed, around: &Surroundings<'_>) {
        if !json::depth_is_within(text, around.depth_max) {
            self.tell_issue(&format!("the message nests deeper than {} levels", around.depth_max), 1, around);
            return;
        }
        let Some(message) = json::object::<Message<'_>>(text) else {
            around.counters.issues.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if let Some(peer) = message.taffrail.and_then(|raw| relay::read(raw).instance) {
            self.session.set_peer(peer);
            self.session.reply(relay::introduction(around.instance));
        }
        if message.updates.is_some() {
            self.on_delta(text, feed, around).await;
        }
        if message.subscribe.is_some() || message.announce.is_some() {
            if let Some(subscribe) = json::object::<Subscribe<'_>>(text) {
                self.on_subscribe(&subscribe, feed, around);
            }
        }
        if let Some(unsubscribe) = message.unsubscribe {
            let which = subscription::unsubscribed(message.context, unsubscribe);
            self.session.unsubscribe(&which);
        }
        if let (Some(raw), Some(_)) = (message.playback, &self.playback) {
            self.on_playback(raw, message.request_id, around).await;
        }
        self.on_request(&message);
    }

    /// Does what is asked of the playback; the answer comes before what is sent from then on.
    async fn on_playback(&mut self, raw: &RawValue, id: Option<&RawValue>, around: &Surroundings<'_>) {
        let Some(remote) = &self.playback else { return };
        let answer = match Command::read(raw) {
            Ok(command) => remote.order(command).await,
            Err(why) => Err(why),
        };
        match answer {
            Ok(state) => {
                if let Some(head) = state.skip_to {
                    self.session.skip_to(head);
                }
                let mut reply = state.to_json();
                if let Some(id) = id.and_then(|raw| serde_json::from_str::<serde_json::Value>(raw.get()).ok()) {
                    reply["requestId"] = id;
                }
                self.session.reply(reply.to_string());
            }
            Err(why) => self.tell_issue(&why, 1, around),
        }
    }

    fn on_subscribe(&mut self, message: &Subscribe<'_>, feed: &Feed, around: &Surroundings<'_>) {
        let (rows, mut notices) = subscription::rows_of(message, self.session.wants_all_sources());
        let now = around.clock.now().mono;
        if let Err(why) = self.session.subscribe(rows, &feed.read(), now) {
            notices.push(why);
        }
        if !notices.is_empty() {
            self.tell_issue(&notices.join("; "), notices.len(), around);
        }
    }

    async fn on_delta(&mut self, text: &str, feed: &Feed, around: &Surroundings<'_>) {
        let (hub, provider, origin) = match &mut self.writer {
            Writer::Allowed { hub, provider, origin } => (hub, provider, *origin),
            Writer::Refused { why, told } => {
                around.counters.issues.fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(told, true) {
                    let why = *why;
                    self.session.reply(error_message(why));
                }
                return;
            }
        };
        let Some(mut decoded) = decode::delta(text, provider) else { return };
        decoded.foresee(&feed.read().model);
        if !decoded.updates.is_empty() {
            let batch = Batch {
                input: provider.clone(),
                origin: Origin(origin),
                received: around.clock.now(),
                updates: decoded.updates,
            };
            // A client that sends faster than the boat can take it in waits here; nobody else does.
            if hub.send(batch).await.is_err() {
                return;
            }
        }
        if decoded.issue_count > 0 {
            let words: Vec<String> = decoded.issues.into_iter().map(|issue| issue.0).collect();
            self.tell_issue(&words.join("; "), decoded.issue_count, around);
        }
    }

    /// Answers requests. What the server cannot do is answered with the status that says so, never with silence.
    fn on_request(&mut self, message: &Message<'_>) {
        let id = message
            .request_id
            .map_or(serde_json::Value::Null, |raw| serde_json::from_str(raw.get()).unwrap_or(serde_json::Value::Null));
        let mut answer = |status: u16, text: &str| {
            let reply = json!({"requestId": id, "state": "COMPLETED", "statusCode": status, "message": text});
            self.session.reply(reply.to_string());
        };
        let writes = message.put.is_some() || message.delete.is_some();
        let rights = message.login.is_some() || message.logout.is_some() || message.access_request.is_some();
        if self.playback.is_some() && (writes || rights) {
            answer(405, "a playback only plays: it takes no PUT and no login");
        } else if let Some(put) = message.put {
            answer(405, &format!("PUT is not supported for {}", put_paths(put)));
        } else if let Some(delete) = message.delete {
            answer(405, &format!("DELETE is not supported for {}", put_paths(delete)));
        } else if message.login.is_some() || message.logout.is_some() || message.validate.is_some() {
            answer(501, "this server has no logins");
        } else if message.access_request.is_some() {
            answer(501, "this server has no access requests");
        } else if message.get.is_some() {
            answer(501, "get is not supported; use GET over HTTP");
        } else if message.query.is_some() && !id.is_null() {
            self.session.reply(json!({"requestId": id, "statusCode": 404}).to_string());
        }
    }

    fn tell_issue(&mut self, words: &str, count: usize, around: &Surroundings<'_>) {
        around.counters.issues.fetch_add(count as u64, Ordering::Relaxed);
        if self.issues_told < ISSUES_TOLD_MAX {
            self.issues_told += 1;
            self.session.reply(error_message(words));
        }
    }
}

/// A problem in words, as clients know it (STR-25).
fn error_message(words: &str) -> String {
    json!({"errorMessage": words}).to_string()
}

fn put_paths(put: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Item {
        path: String,
    }
    let one = json::object::<Item>(put.get()).map(|item| vec![item]);
    let items = one.or_else(|| serde_json::from_str::<Vec<Item>>(put.get()).ok()).unwrap_or_default();
    let paths: Vec<String> = items.into_iter().map(|item| item.path).collect();
    if paths.is_empty() { "a request without a path".to_owned() } else { paths.join(", ") }
}

/// The `$source` of a client that has no name of its own.
pub fn provider(transport: &str, identifier: Option<&str>) -> CompactString {
    match identifier {
        Some(identifier) => {
            crate::kernel::model::sources::sanitized(&format!("{transport}.{}", identifier.replace('.', "_")))
        }
        None => transport.into(),
    }
}
