//! A client that believes nothing: it keeps its own view of what it was sent, and a matcher of its own that is as simple
//! as can be.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use taffrail::kernel::model::context::{ContextNode, Leaf, Slot};
use taffrail::kernel::session::{CloseReason, Implied, Options, Pumped, Session};
use taffrail::kernel::subscription;
use taffrail::kernel::time::Moment;
use taffrail::kernel::world::NOTIFICATIONS_KEPT;

use super::Sea;
use super::boat::{self, OWN};
use super::chance::Chance;
use super::ledger::{Key, members};

/// More than any client here may cost.
const MEMORY_MAX: usize = 512 * 1024;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Policy {
    Instant { min: u64 },
    Ideal { period: u64, min: u64 },
    Fixed { period: u64 },
}

/// A row as the client meant it.
#[derive(Debug)]
struct Wish {
    /// `"vessels.self"`, `"vessels.*"` or a circle, as JSON.
    context: String,
    path: String,
    source: Option<String>,
    policy: Policy,
    announce: bool,
    all: bool,
    exclude: Option<String>,
    since_ms: u64,
    /// From this number on it must see everything; `None` while the greeting is owed.
    live_from: Option<u64>,
    greeted: bool,
}

struct Seen {
    seq: u64,
    at: u64,
    /// How often this very value came.
    count: u32,
    value: Json,
}

pub struct Client {
    options: Options,
    session: Session,
    wishes: Vec<Wish>,
    view: HashMap<Key, Seen>,
    /// Which source's value came last at a path.
    last_source: HashMap<(Arc<str>, Arc<str>), Arc<str>>,
    announced: HashMap<(Arc<str>, Arc<str>), u32>,
    alarms_seen: std::collections::HashSet<u64>,
    alarms_checked: usize,
    greetings: u32,
    wishes_changed: u64,
    budget: usize,
    stalled_until: u64,
    deadline: Option<u64>,
    claimed: u64,
    always_plain: bool,
    trace: bool,
}

fn naive(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => naive(&pattern[1..], text) || (!text.is_empty() && naive(pattern, &text[1..])),
        (Some(p), Some(t)) if p == t => naive(&pattern[1..], &text[1..]),
        _ => false,
    }
}

impl Wish {
    fn wants_context(&self, context: &str, is_here: bool) -> bool {
        match self.context.as_str() {
            r#""vessels.self""# => context == OWN,
            circle if circle.starts_with('{') => {
                let ship = context.rsplit(':').next().and_then(|n| n.parse::<u64>().ok());
                is_here && context != OWN && ship.is_some_and(|n| boat::latitude(n - 230_000_000) == 60.0)
            }
            text => naive(text.trim_matches('"').as_bytes(), context.as_bytes()),
        }
    }

    fn wants_path(&self, path: &str) -> bool {
        match path.strip_prefix(':') {
            Some(_) => naive(self.path.as_bytes(), b""),
            None => naive(self.path.as_bytes(), path.as_bytes()),
        }
    }

    fn wants_source(&self, source: &str, shown: bool) -> bool {
        if self.exclude.as_deref() == Some(source) {
            return false;
        }
        match &self.source {
            Some(wanted) => wanted == source,
            None => shown || self.all || self.exclude.is_some(),
        }
    }

    fn is_plain(&self) -> bool {
        self.policy == Policy::Instant { min: 0 } && !self.announce
    }

    /// Whether it follows what a path shows, whoever says it.
    fn follows_shown(&self) -> bool {
        self.source.is_none() && !self.all && self.exclude.is_none()
    }
}

impl Client {
    pub fn connect(sea: &Sea, chance: &mut Chance) -> Self {
        let options = Options {
            subscribe: *chance.pick(&[Implied::Own, Implied::All, Implied::None, Implied::None, Implied::None]),
            send_cached: !chance.one_in(3),
            send_meta: chance.one_in(3),
            all_sources: chance.one_in(4),
            timepoints: chance.one_in(2),
            ..Options::default()
        };
        let mut client = Self {
            session: Session::new(options.clone(), &sea.world, Moment::from_millis(sea.now)),
            wishes: Vec::new(),
            view: HashMap::new(),
            last_source: HashMap::new(),
            announced: HashMap::new(),
            alarms_seen: std::collections::HashSet::new(),
            alarms_checked: sea.ledger.notifications.len(),
            greetings: 0,
            wishes_changed: sea.now,
            budget: *chance.pick(&[300, 2_000, 16_384, 16_384, 1 << 20]),
            stalled_until: 0,
            deadline: None,
            claimed: 0,
            always_plain: true,
            trace: std::env::var_os("TAFFRAIL_TRACE").is_some(),
            options,
        };
        let context = match client.options.subscribe {
            Implied::Own => r#""vessels.self""#,
            Implied::All => r#""*""#,
            Implied::None => "",
        };
        if !context.is_empty() {
            client.greetings += 1;
            client.wishes.push(Wish {
                context: context.into(),
                path: "*".into(),
                source: None,
                policy: Policy::Instant { min: 0 },
                announce: false,
                all: client.options.all_sources,
                exclude: None,
                since_ms: sea.now,
                live_from: (!client.options.send_cached).then(|| sea.world.head().0),
                greeted: client.options.send_cached,
            });
        }
        if chance.one_in(2) || client.wishes.is_empty() {
            client.subscribe(sea, chance);
        }
        client
    }

    /// Does one of the odd things that clients do.
    pub fn act(&mut self, sea: &Sea, chance: &mut Chance) {
        match chance.range(0..400) {
            0 => *self = Self::connect(sea, chance),
            1..=3 => self.stalled_until = sea.now + chance.range(0..200_000),
            4..=9 if self.wishes.len() < 8 => self.subscribe(sea, chance),
            10..=14 => self.unsubscribe(sea, chance),
            15 => self.budget = *chance.pick(&[300, 2_000, 16_384, 1 << 20]),
            _ => {}
        }
    }

    pub fn recover(&mut self) {
        self.stalled_until = 0;
    }

    pub fn is_awake(&self, now: u64) -> bool {
        self.stalled_until <= now
    }

    pub fn wakes_at(&self, now: u64) -> bool {
        self.is_awake(now) && self.deadline.is_some_and(|d| d <= now)
    }

    pub fn deadline(&self) -> Option<u64> {
        let due = self.deadline?;
        Some(due.max(self.stalled_until))
    }

    fn subscribe(&mut self, sea: &Sea, chance: &mut Chance) {
        let circle = r#"{"radius":100000,"position":{"latitude":60,"longitude":25}}"#;
        let own = r#""vessels.self""#;
        let context = *chance.pick(&[own, own, own, r#""vessels.*""#, r#""vessels.urn*""#, r#""*""#, circle]);
        let announce = chance.one_in(6);
        let policy_of = |chance: &mut Chance| match chance.range(0..6) {
            0 | 1 => (Policy::Instant { min: 0 }, String::new()),
            2 => {
                let min = *chance.pick(&[50, 500, 7_000]);
                (Policy::Instant { min }, format!(r#","policy":"instant","minPeriod":{min}"#))
            }
            3 | 4 => {
                let (period, min) = *chance.pick(&[(1_000, 0), (5_000, 700), (60_000, 200), (300, 5_000)]);
                let text = format!(r#","policy":"ideal","period":{period},"minPeriod":{min}"#);
                (Policy::Ideal { period, min }, text)
            }
            _ => {
                let period = *chance.pick(&[200, 1_000, 9_000]);
                (Policy::Fixed { period }, format!(r#","policy":"fixed","period":{period}"#))
            }
        };
        let paths = [
            "*",
            "*",
            "navigation.*",
            "navigation.speedOverGround",
            "*.temperature",
            "a.b*",
            "a.b",
            "*a.*",
            "notifications.*",
            "notif*",
            "",
            "name",
            "communication.call*",
            "electrical.*.voltage",
            "tanks.fuel.0",
            "environment.wind.speedApparent",
        ];
        let exclude = chance.one_in(6).then(|| "gps.1".to_owned());
        let all = chance.one_in(5) || self.options.all_sources;
        let mut lines = Vec::new();
        for _ in 0..chance.range(u64::from(!announce)..3) {
            let path = *chance.pick(&paths);
            let source = (chance.one_in(6) && !path.is_empty()).then(|| "gps.2".to_owned());
            let (policy, text) = policy_of(chance);
            let written = source.as_ref().map_or(path.to_owned(), |s| format!("{path}.values[{s}]"));
            lines.push(format!(r#"{{"path":"{written}"{text}}}"#));
            self.wishes.push(Wish {
                context: context.into(),
                path: path.into(),
                source,
                policy,
                announce: false,
                all,
                exclude: exclude.clone(),
                since_ms: sea.now,
                live_from: None,
                greeted: true,
            });
        }
        if announce {
            self.wishes.push(Wish {
                context: context.into(),
                path: "*".into(),
                source: None,
                policy: Policy::Instant { min: 0 },
                announce: true,
                all,
                exclude: exclude.clone(),
                since_ms: sea.now,
                live_from: None,
                greeted: true,
            });
        }
        let excluded = exclude.map_or(String::new(), |e| format!(r#","excludeSources":["{e}"]"#));
        let policy = if all { "all" } else { "preferred" };
        let message = format!(
            r#"{{"context":{context},"sourcePolicy":"{policy}","announceNewPaths":{announce}{excluded},"subscribe":[{}]}}"#,
            lines.join(",")
        );
        let (rows, notices) = subscription::rows_of(&serde_json::from_str(&message).unwrap(), false);
        assert!(notices.is_empty(), "{notices:?} of {message}");
        self.session.subscribe(rows, &sea.world, Moment::from_millis(sea.now)).unwrap();
        self.greetings += 1;
        self.always_plain &= self.wishes.iter().all(Wish::is_plain);
        self.wishes_changed = sea.now;
        self.deadline = Some(sea.now);
    }

    fn unsubscribe(&mut self, sea: &Sea, chance: &mut Chance) {
        if self.wishes.is_empty() {
            return;
        }
        let which = chance.range(0..self.wishes.len() as u64) as usize;
        let (context, path) = match chance.range(0..5) {
            0 => (r#""*""#.to_owned(), "*".to_owned()),
            _ => (self.wishes[which].context.clone(), self.wishes[which].path.clone()),
        };
        let raw = |text: String| RawValue::from_string(text).unwrap();
        let lines = raw(format!(r#"[{{"path":"{path}"}}]"#));
        self.session.unsubscribe(&subscription::unsubscribed(Some(&raw(context.clone())), &lines));
        if path == "*" && context == r#""*""# {
            self.wishes.clear();
        }
        self.wishes.retain(|w| !(w.context == context && (w.path == path || path == "*")));
        assert_eq!(self.session.row_count(), self.wishes.len());
        self.wishes_changed = sea.now;
    }

    /// Lets the session send, as far as the connection takes it.
    pub fn pump(&mut self, sea: &Sea, chance: &mut Chance) {
        let calls = chance.range(1..6);
        self.pump_calls(sea, calls as u32, chance);
    }

    pub fn pump_to_the_end(&mut self, sea: &Sea, chance: &mut Chance) {
        self.pump_calls(sea, 100_000, chance);
        assert!(self.deadline.is_none_or(|d| d > sea.now));
    }

    fn pump_calls(&mut self, sea: &Sea, calls: u32, chance: &mut Chance) {
        for _ in 0..calls {
            let mut frames = Vec::new();
            let pumped = self.session.pump(&sea.world, &sea.cache, sea.clock(), &mut frames, self.budget);
            assert!(self.session.memory_bytes() < MEMORY_MAX, "{} bytes", self.session.memory_bytes());
            let last = frames.len().saturating_sub(1);
            for (i, frame) in frames.iter().enumerate() {
                self.take(frame, sea, chance.one_in(if i == last { 8 } else { 40 }));
            }
            match pumped {
                Pumped::Missed => panic!("no log was offered"),
                Pumped::More => {
                    assert!(!frames.is_empty(), "more, but nothing now");
                    // It goes on when the connection has taken this.
                    self.deadline = Some(sea.now + 1);
                }
                Pumped::UpToDate { deadline } => {
                    self.deadline = deadline.map(Moment::as_millis);
                    assert!(self.deadline.is_none_or(|d| d > sea.now), "a deadline lies ahead, or the driver spins");
                    self.settled(sea, chance);
                    return;
                }
                Pumped::Close(CloseReason::NotificationsLost) => {
                    let missed = sea.ledger.notifications.len() - self.alarms_checked;
                    assert!(missed > NOTIFICATIONS_KEPT, "closed for {missed} notifications");
                    *self = Self::connect(sea, chance);
                    return;
                }
                Pumped::Close(reason) => panic!("closed: {reason:?}"),
            }
        }
    }

    /// Everything due has been sent.
    fn settled(&mut self, sea: &Sea, chance: &mut Chance) {
        for wish in &mut self.wishes {
            wish.live_from.get_or_insert(sea.world.head().0);
        }
        self.check_alarms(sea);
        if chance.one_in(25) {
            self.check_view(sea);
        }
    }

    fn take(&mut self, frame: &Bytes, sea: &Sea, check_claim: bool) {
        let text = std::str::from_utf8(frame).unwrap();
        if self.trace {
            println!("{} {:p} {text}", sea.now, self);
        }
        let delta: Json = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        if let Some(gap) = delta.get("gap") {
            assert!(gap["from"].as_u64() <= gap["to"].as_u64(), "{text}");
            return;
        }
        let context: Arc<str> = delta["context"].as_str().unwrap().into();
        for update in delta["updates"].as_array().unwrap() {
            if update.get("meta").is_some() {
                continue;
            }
            let source: Arc<str> = update["$source"].as_str().unwrap().into();
            let timestamp = update["timestamp"].as_str().unwrap();
            for item in update["values"].as_array().unwrap() {
                let path: Arc<str> = item["path"].as_str().unwrap().into();
                for (path, value) in members(&path, item["value"].clone()) {
                    self.deliver(&(context.clone(), path, source.clone()), value, timestamp, sea);
                }
            }
        }
        if let Some(claim) = delta.get("timepoint").and_then(Json::as_u64) {
            assert!(claim <= sea.world.head().0 && claim >= self.claimed, "{claim} after {}", self.claimed);
            self.claimed = claim;
            if check_claim {
                self.check_claim(claim, sea);
            }
        }
    }

    fn deliver(&mut self, key: &Key, value: Json, timestamp: &str, sea: &Sea) {
        let (context, path, source) = key;
        let node = sea.world.model.find_context(context);
        // A static member that was asked for by name stands in the ledger as part of its object.
        let said = sea
            .ledger
            .said
            .get(key)
            .or_else(|| sea.ledger.said.get(&(context.clone(), format!(":{path}").into(), source.clone())));
        let said = said.unwrap_or_else(|| panic!("nobody said {key:?}={value}"));
        let after = self.view.get(key).map_or(0, |seen| seen.seq);
        let from = said.partition_point(|entry| entry.seq < after);
        let same = || said[from..].iter().filter(|entry| entry.value == value);
        let entry = same().find(|entry| entry.timestamp == timestamp).or_else(|| same().next_back());
        let Some(entry) = entry else {
            panic!("{key:?}={value} of {timestamp} goes back: {} were said after {after}", said.len() - from)
        };
        let wanting: Vec<&Wish> =
            self.wishes.iter().filter(|w| w.wants_path(path) && w.wants_context(context, true)).collect();
        assert!(!wanting.is_empty(), "nobody asked for {key:?}");
        assert!(
            wanting.iter().any(|w| w.wants_source(source, true)),
            "this source was excluded or not chosen: {key:?}"
        );
        if path.starts_with("notifications.") {
            self.alarms_seen.insert(entry.seq);
        }
        let seen = self.view.entry(key.clone()).or_insert(Seen { seq: 0, at: 0, count: 0, value: Json::Null });
        let is_static = path.starts_with(':') || !sea.ledger.said.contains_key(key);
        // Rates are promised for what only one row wants, since its greeting.
        if let ([only], true, Some(node)) = (&wanting[..], seen.at > self.wishes_changed && only_live(&wanting), node) {
            let elapsed = sea.now - seen.at;
            let leaf = node.leaves().iter().find(|l| sea.world.model.path(l.path) == &**path);
            let present = leaf.is_some_and(|leaf| leaf.born.0 <= entry.seq);
            if !is_static && !path.starts_with("notifications.") && present && entry.at > self.wishes_changed {
                match only.policy {
                    Policy::Instant { min } => assert!(elapsed >= min, "{key:?} after {elapsed} of {min} ms"),
                    Policy::Ideal { period, min } => {
                        assert!(elapsed >= min.min(period), "{key:?} after {elapsed} of {min} ms");
                    }
                    Policy::Fixed { period } => {
                        assert!(sea.now / period > seen.at / period, "{key:?} twice in one period");
                    }
                }
            }
        }
        seen.count = if seen.seq == entry.seq { seen.count + 1 } else { 1 };
        if self.wishes.iter().all(Wish::is_plain) && node.is_some() {
            // What is said now comes once; what was cached comes once with each greeting.
            let live = entry.at > self.wishes_changed;
            assert!(!live || seen.count == 1, "{key:?}={value} came {} times", seen.count);
            let most = self.greetings.max(1);
            assert!(!self.always_plain || seen.count <= most, "{key:?}={value} came {} times of {most}", seen.count);
        }
        (seen.seq, seen.at, seen.value) = (entry.seq, sea.now, value);
        if !self.wishes.is_empty() && self.wishes.iter().all(|w| w.announce) && !is_static && node.is_some() {
            let times = self.announced.entry((context.clone(), path.clone())).or_default();
            *times += 1;
        }
        self.last_source.insert((context.clone(), path.clone()), source.clone());
    }

    fn check_alarms(&mut self, sea: &Sea) {
        for alarm in &sea.ledger.notifications[self.alarms_checked..] {
            let (context, path, source) = &alarm.key;
            let wanted = self.wishes.iter().any(|w| {
                w.live_from.is_some_and(|from| alarm.seq > from)
                    && !w.announce
                    && w.wants_path(path)
                    && w.wants_context(context, false)
                    && w.wants_source(source, alarm.shown)
            });
            assert!(!wanted || self.alarms_seen.contains(&alarm.seq), "{:?} {} was lost", alarm.key, alarm.seq);
        }
        self.alarms_checked = sea.ledger.notifications.len();
        self.alarms_seen.clear();
    }

    /// Holds the view against the model: every value that is wanted is there, as far as its policy lets it.
    pub fn check_view(&self, sea: &Sea) {
        for node in sea.world.model.contexts() {
            for leaf in node.leaves() {
                for slot in &leaf.slots {
                    self.check_slot(node, leaf, slot, sea);
                }
            }
        }
        self.check_departed(sea);
    }

    fn check_slot(&self, node: &ContextNode, leaf: &Leaf, slot: &Slot, sea: &Sea) {
        let text = sea.world.model.paths().text(leaf.path.index() as u32);
        let path: Arc<str> = if leaf.is_static { format!(":{text}").into() } else { text.clone() };
        let source = sea.world.model.sources().name(slot.source).clone();
        let key = (node.name.clone(), path.clone(), source.clone());
        let newest = sea.ledger.newest(&key).unwrap_or_else(|| panic!("nobody said {key:?}"));
        let held: Json = serde_json::from_str(&slot.value.to_json()).unwrap();
        assert_eq!((newest.seq, &newest.value), (slot.seq.0, &held), "the model and the log differ at {key:?}");
        let shown = leaf.shows(slot);
        let wishes: Vec<&Wish> = self
            .wishes
            .iter()
            .filter(|w| w.wants_path(&path) && w.wants_context(&node.name, true) && w.wants_source(&source, shown))
            .filter(|w| !w.announce && w.live_from.is_some_and(|from| w.greeted || newest.seq > from))
            .collect();
        let at_once = leaf.is_static || path.starts_with("notifications.");
        for wish in &wishes {
            let seen = self.view.get(&key);
            let current = seen.is_some_and(|seen| seen.seq == newest.seq);
            let since = seen.map(|seen| sea.now - seen.at);
            let stale = slot.is_stale(Moment::from_millis(sea.now), sea.world.timeout_ms(leaf.path));
            let may_wait = !at_once
                && match wish.policy {
                    Policy::Instant { min } => since.is_some_and(|s| s < min),
                    Policy::Ideal { min, .. } => since.is_some_and(|s| s < min),
                    Policy::Fixed { period } => newest.at >= sea.now / period * period,
                };
            assert!(
                current || may_wait,
                "{key:?} is {} ({}, said at {}), seen {:?} at {since:?} before {}, for {wish:?}",
                newest.value,
                newest.seq,
                newest.at,
                seen.map(|s| (s.seq, &s.value)),
                sea.now
            );
            if at_once || stale {
                continue;
            }
            let since = since.unwrap_or(0);
            match wish.policy {
                Policy::Ideal { period, .. } if !may_wait && newest.at > wish.since_ms => {
                    assert!(since <= period, "{key:?} was not repeated for {since} of {period} ms");
                }
                Policy::Fixed { period } if !may_wait && wish.since_ms < sea.now / period * period => {
                    assert!(sea.now - since >= sea.now / period * period, "{key:?} missed its beat");
                }
                _ => {}
            }
        }
        // Whoever follows what a path shows was told that last.
        let follows = self.wishes.iter().all(|w| w.follows_shown() && w.is_plain());
        if follows && shown && !wishes.is_empty() {
            let last = self.last_source.get(&(node.name.clone(), path.clone()));
            assert_eq!(last, Some(&source), "{key:?} is shown");
        }
    }

    /// Nobody goes on seeing a ship under way that has left.
    fn check_departed(&self, sea: &Sea) {
        for ((context, path, source), seen) in &self.view {
            let node = sea.world.model.find_context(context);
            let here = node.is_some_and(|n| n.leaves().iter().any(|l| sea.world.model.path(l.path) == &**path));
            if here || path.starts_with(':') || !(seen.value.is_number() || seen.value.is_boolean()) {
                continue;
            }
            let last = self.last_source.get(&(context.clone(), path.clone())) == Some(source);
            let wanted = self.wishes.iter().any(|w| {
                !w.announce
                    && w.live_from.is_some_and(|from| seen.seq > from)
                    && w.wants_path(path)
                    && w.wants_context(context, false)
                    && w.wants_source(source, last)
            });
            assert!(!wanted, "{context} left, and {path} of {source} is still {}", seen.value);
        }
    }

    /// A timepoint says that nothing up to it is missing.
    fn check_claim(&self, claim: u64, sea: &Sea) {
        for node in sea.world.model.contexts() {
            for leaf in node.leaves() {
                for slot in &leaf.slots {
                    let text = sea.world.model.paths().text(leaf.path.index() as u32);
                    let path: Arc<str> = if leaf.is_static { format!(":{text}").into() } else { text.clone() };
                    let source = sea.world.model.sources().name(slot.source);
                    let key = (node.name.clone(), path, source.clone());
                    let said = &sea.ledger.said[&key];
                    let upto = said.partition_point(|entry| entry.seq <= claim);
                    // What was written again since comes after the timepoint.
                    let Some(entry) = upto.checked_sub(1).filter(|_| slot.seq.0 <= claim).map(|i| &said[i]) else {
                        continue;
                    };
                    let wanted = self.wishes.iter().any(|w| {
                        !w.announce
                            && w.live_from.is_some_and(|from| w.greeted || entry.seq > from)
                            && w.wants_path(&key.1)
                            && w.wants_context(&node.name, true)
                            && w.wants_source(source, leaf.shows(slot))
                    });
                    let has = self.view.get(&key).is_some_and(|seen| seen.seq >= entry.seq);
                    assert!(
                        !wanted || has,
                        "{claim} claims {key:?} of {} said at {}, seen {:?}, now {}, at {}: {:?}",
                        entry.seq,
                        entry.at,
                        self.view.get(&key).map(|s| (s.seq, s.at)),
                        sea.now,
                        self.session.cursor().0,
                        self.wishes
                    );
                }
            }
        }
    }
}

fn only_live(wishes: &[&Wish]) -> bool {
    wishes.iter().all(|w| w.live_from.is_some() && !w.announce)
}
