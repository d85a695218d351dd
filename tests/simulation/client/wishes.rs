//! What a client asks for, as it means it, with a matcher of its own that is as simple as can be.

use serde_json::value::RawValue;
use taffrail::kernel::subscription;
use taffrail::kernel::time::Moment;

use super::Client;
use crate::Sea;
use crate::boat::{self, OWN};
use crate::chance::Chance;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    Instant { min: u64 },
    Ideal { period: u64, min: u64 },
    Fixed { period: u64 },
}

/// A row as the client meant it.
#[derive(Debug)]
pub struct Wish {
    /// `"vessels.self"`, `"vessels.*"` or a circle, as JSON.
    pub context: String,
    pub path: String,
    pub source: Option<String>,
    pub policy: Policy,
    pub announce: bool,
    pub all: bool,
    pub exclude: Option<String>,
    pub since_ms: u64,
    /// From this number on it must see everything; `None` while the greeting is owed.
    pub live_from: Option<u64>,
    pub greeted: bool,
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
    pub fn wants_context(&self, context: &str, is_here: bool) -> bool {
        match self.context.as_str() {
            r#""vessels.self""# => context == OWN,
            circle if circle.starts_with('{') => {
                let ship = context.rsplit(':').next().and_then(|n| n.parse::<u64>().ok());
                is_here && context != OWN && ship.is_some_and(|n| boat::latitude(n - 230_000_000) == 60.0)
            }
            text => naive(text.trim_matches('"').as_bytes(), context.as_bytes()),
        }
    }

    pub fn wants_path(&self, path: &str) -> bool {
        match path.strip_prefix(':') {
            Some(_) => naive(self.path.as_bytes(), b""),
            None => naive(self.path.as_bytes(), path.as_bytes()),
        }
    }

    pub fn wants_source(&self, source: &str, shown: bool) -> bool {
        if self.exclude.as_deref() == Some(source) {
            return false;
        }
        match &self.source {
            Some(wanted) => wanted == source,
            None => shown || self.all || self.exclude.is_some(),
        }
    }

    pub fn is_plain(&self) -> bool {
        self.policy == Policy::Instant { min: 0 } && !self.announce
    }

    /// Whether it follows what a path shows, whoever says it.
    pub fn follows_shown(&self) -> bool {
        self.source.is_none() && !self.all && self.exclude.is_none()
    }
}

impl Client {
    pub fn subscribe(&mut self, sea: &Sea, chance: &mut Chance) {
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

    pub fn unsubscribe(&mut self, sea: &Sea, chance: &mut Chance) {
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
}
