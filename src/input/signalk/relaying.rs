//! What the other server says, as updates of our own: whose vessel, which source, and what is not taken because it has been
//! here before. No socket in here.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::{CompactString, format_compact};
use foldhash::fast::RandomState;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::echo::Echo;
use super::shown;
use crate::config::{Upstream, Wanted};
use crate::input::Home;
use crate::input::ended::{Ended, Why, with_advice};
use crate::kernel::decode::{self, Decoded};
use crate::kernel::id::{Instance, Origin};
use crate::kernel::json;
use crate::kernel::model::names;
use crate::kernel::model::sources::SOURCES_MAX;
use crate::kernel::relay::{self, VIA_MAX};
use crate::kernel::update::{Context, Relayed, Source, Update};
use crate::nmea0183::Counters;

/// The `$source` of an update over there that names none (SRC-04 has it for a sentence without a talker).
const NAMELESS: &str = "XX";

/// The conversation with one other server over one connection.
pub(super) struct Relaying {
    url: String,
    wanted: Wanted,
    paths: Vec<String>,
    aboard: bool,
    input: Arc<str>,
    own: Arc<str>,
    instance: Instance,
    peer: Option<Instance>,
    /// The hello came.
    pub(super) greeted: bool,
    /// The other server's own vessel in full, from its hello.
    their_self: Option<CompactString>,
    /// Sources over there that came to it from elsewhere; `None` for one that is not taken, since it has come through us.
    via: HashMap<CompactString, Option<Arc<[Instance]>>, RandomState>,
    /// Through whom the other server's own data come to us: through it.
    own_via: Arc<[Instance]>,
    echo: Echo,
    /// What was made of the messages so far, to be handed over.
    pub(super) updates: Vec<Update>,
    /// What became of them.
    pub(super) counters: Counters,
}

/// The keys of a message that say what it is.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    updates: Option<&'a RawValue>,
    #[serde(borrow, default)]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "self")]
    own: Option<&'a RawValue>,
    #[serde(borrow, default)]
    taffrail: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "errorMessage")]
    error: Option<&'a RawValue>,
}

impl Relaying {
    pub(super) fn new(upstream: &Upstream, home: &Home, input: &Arc<str>, origin: Origin) -> Self {
        Self {
            url: shown(&upstream.url).to_owned(),
            wanted: upstream.subscribe,
            paths: upstream.paths.clone(),
            aboard: upstream.aboard,
            input: input.clone(),
            own: home.own.clone(),
            instance: home.instance,
            peer: None,
            greeted: false,
            their_self: None,
            via: HashMap::default(),
            own_via: Arc::new([Instance::UNKNOWN]),
            echo: Echo::new(home.feed.clone(), origin),
            updates: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// What the address of a WebSocket asks for. What is wanted in detail is asked for with [`Self::requests`].
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let subscribe = match self.wanted {
            _ if !self.wants_every_path() => "none",
            Wanted::All => "all",
            Wanted::Own => "self",
        };
        let words = [("subscribe", subscribe), ("sendMeta", "all"), ("sourcePolicy", "all")];
        let mut query: Vec<(&'static str, String)> =
            words.into_iter().map(|(name, word)| (name, word.to_owned())).collect();
        query.push(("taffrail", self.instance.to_string()));
        query
    }

    fn wants_every_path(&self) -> bool {
        self.paths == ["*"]
    }

    /// What to send after the hello. `over_websocket`: the address has asked already, as far as it can.
    pub(super) fn requests(&self, over_websocket: bool) -> Vec<String> {
        let mut requests = Vec::new();
        if !over_websocket {
            requests.push(relay::introduction(self.instance));
        }
        if !over_websocket || !self.wants_every_path() {
            let context = match self.wanted {
                Wanted::All => "*",
                Wanted::Own => "vessels.self",
            };
            let rows: Vec<_> = self.paths.iter().map(|path| json!({"path": path, "policy": "instant"})).collect();
            requests.push(json!({"context": context, "sourcePolicy": "all", "subscribe": rows}).to_string());
        }
        requests
    }

    /// Takes one message. An error ends the connection.
    pub(super) fn hear(&mut self, text: &[u8]) -> Result<(), Ended> {
        self.counters.bytes += text.len() as u64;
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(());
        }
        let message = std::str::from_utf8(text)
            .ok()
            .filter(|text| json::depth_is_bounded(text))
            .and_then(|text| Some((text, json::object::<Message<'_>>(text)?)));
        let Some((text, message)) = message else {
            self.counters.noise_bytes += text.len() as u64;
            return Ok(());
        };
        self.counters.sentences += 1;
        if let Some(word) = message.taffrail {
            self.hear_word(relay::read(word))?;
        }
        if message.updates.is_some() {
            self.hear_delta(text);
        } else if message.version.is_some() && !self.greeted {
            self.greeted = true;
            self.their_self = message.own.and_then(text_of).map(|own| in_full(&own));
            self.counters.nothing += 1;
        } else if message.taffrail.is_some() || message.version.is_some() {
            self.counters.nothing += 1;
        } else {
            self.counters.unknown += 1;
            if let Some(words) = message.error.and_then(text_of) {
                tracing::warn!(input = %self.input, "{} says: {}", self.url, words.escape_debug());
            }
        }
        Ok(())
    }

    fn hear_word(&mut self, word: relay::Word) -> Result<(), Ended> {
        if let Some(peer) = word.instance {
            if peer == self.instance {
                let text = format!("connect to {}: that is this server itself", self.url);
                let advice = "is the address right? a copy of a whole card has a file \"instance\" in its state directory to delete";
                return Err(Ended::new(Why::Refused, with_advice(text, advice)));
            }
            self.peer = Some(peer);
            self.own_via = Arc::new([peer]);
        }
        for (source, via) in word.via {
            if self.via.len() >= SOURCES_MAX && !self.via.contains_key(&*source) {
                continue;
            }
            // Too many stops: it would be dropped by the next server anyway, and ours may be among those not told.
            let is_refused = via.contains(&self.instance) || via.len() >= VIA_MAX;
            let via = (!is_refused).then(|| self.peer.into_iter().chain(via).collect());
            self.via.insert(source.into(), via);
        }
        Ok(())
    }

    fn hear_delta(&mut self, text: &str) {
        let decoded = if self.greeted { decode::delta(text, NAMELESS) } else { None };
        let Some(Decoded { updates, issue_count, .. }) = decoded else {
            self.counters.malformed += 1;
            return;
        };
        let before = self.updates.len();
        let mut unusable = issue_count;
        for mut update in updates {
            match self.adopt(&mut update) {
                Adopted::Taken => self.updates.push(update),
                Adopted::Known => {}
                Adopted::Unusable => unusable += 1,
            }
        }
        if self.updates.len() > before {
            self.counters.understood += 1;
        } else if unusable > 0 {
            self.counters.malformed += 1;
        } else {
            self.counters.nothing += 1;
        }
    }

    /// Makes an update of theirs one of ours.
    fn adopt(&mut self, update: &mut Update) -> Adopted {
        let is_theirs = match &update.context {
            Context::Own => true,
            Context::Named(name) => self.their_self.as_ref() == Some(name),
            Context::Mmsi(..) => false,
        };
        if is_theirs {
            update.context = match &self.their_self {
                _ if self.aboard => Context::Own,
                Some(own) if **own == *self.own => Context::Own,
                Some(own) => Context::Named(own.clone()),
                None => return Adopted::Unusable,
            };
        }
        let (theirs, description) = match &update.source {
            Source::Ref(name) => (name.clone(), None),
            Source::Described(name, description) => (name.clone(), Some(description.clone())),
            Source::Nmea0183(_) | Source::Relayed(_) => return Adopted::Unusable,
        };
        let via = match self.via.get(&theirs) {
            Some(Some(via)) => via.clone(),
            Some(None) => return Adopted::Known,
            None => self.own_via.clone(),
        };
        if self.peer.is_none() && is_below(&theirs, &self.input) {
            // It passes on what we have told it under the name that we gave to what it told us.
            return Adopted::Known;
        }
        if via.contains(&Instance::UNKNOWN) && self.echo.is_known(update, &theirs) {
            return Adopted::Known;
        }
        let name = format_compact!("{}.{theirs}", self.input);
        if !names::source_is_valid(&name) {
            return Adopted::Unusable;
        }
        update.source = Source::Relayed(Box::new(Relayed { name, description, via }));
        Adopted::Taken
    }
}

fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// What became of an update.
enum Adopted {
    Taken,
    /// It has been here before.
    Known,
    Unusable,
}

/// Whether a `$source` is one of `input`'s.
fn is_below(source: &str, input: &str) -> bool {
    source.strip_prefix(input).is_some_and(|rest| rest.starts_with('.'))
}

/// Older servers leave the root away.
fn in_full(own: &str) -> CompactString {
    if own.starts_with("vessels.") { own.into() } else { format_compact!("vessels.{own}") }
}
