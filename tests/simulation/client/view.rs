//! What a client sees, held against the model and the ledger: nothing comes that was not said and asked for, and
//! nothing that is wanted is missing.

use std::sync::Arc;

use serde_json::Value as Json;
use taffrail::kernel::model::context::{ContextNode, Leaf, Slot};
use taffrail::kernel::time::Moment;

use super::wishes::{Policy, Wish};
use super::{Client, Seen};
use crate::Sea;
use crate::ledger::Key;

impl Client {
    pub fn deliver(&mut self, key: &Key, value: Json, timestamp: &str, sea: &Sea) {
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

    pub fn check_alarms(&mut self, sea: &Sea) {
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
    pub fn check_claim(&self, claim: u64, sea: &Sea) {
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
