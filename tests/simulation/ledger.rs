//! What was said, in order: kept apart from the model, to hold the model and every client against.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;
use taffrail::kernel::id::Seq;
use taffrail::kernel::world::World;

/// Context, path and source. A member of a static object that comes at the empty path has a `:` before its name.
pub type Key = (Arc<str>, Arc<str>, Arc<str>);

pub struct Entry {
    pub seq: u64,
    pub value: Json,
    pub timestamp: String,
    /// When it came, on the monotonic clock.
    pub at: u64,
}

pub struct Transition {
    pub seq: u64,
    pub key: Key,
    pub shown: bool,
}

#[derive(Default)]
pub struct Ledger {
    pub said: HashMap<Key, Vec<Entry>>,
    pub notifications: Vec<Transition>,
}

impl Ledger {
    /// Takes in what the log has after `from`.
    pub fn absorb(&mut self, world: &World, from: Seq, now: u64) {
        let changes = world.tail.after(from).expect("the tail holds more than one step brings");
        for change in changes {
            let source = world.model.sources().name(change.source).clone();
            let context = change.context_name.clone();
            let mut seen = Vec::new();
            for changed in &change.values {
                let path = world.model.paths().text(changed.path.index() as u32).clone();
                assert!(!seen.contains(&path), "a change holds a path once");
                seen.push(path.clone());
                let value: Json = serde_json::from_str(&changed.value.to_json()).unwrap();
                for (path, value) in members(&path, value) {
                    let key = (context.clone(), path.clone(), source.clone());
                    if path.starts_with("notifications.") {
                        let shown = changed.shown;
                        self.notifications.push(Transition { seq: change.seq.0, key: key.clone(), shown });
                    }
                    let timestamp = change.timestamp.to_string();
                    self.said.entry(key).or_default().push(Entry { seq: change.seq.0, value, timestamp, at: now });
                }
            }
        }
    }

    pub fn newest(&self, key: &Key) -> Option<&Entry> {
        self.said.get(key)?.last()
    }
}

/// What one value of a delta says: itself, or the members of a static object.
pub fn members(path: &Arc<str>, value: Json) -> Vec<(Arc<str>, Json)> {
    if !path.is_empty() {
        return vec![(path.clone(), value)];
    }
    let mut out = Vec::new();
    flatten(":", value, &mut out);
    out
}

fn flatten(prefix: &str, value: Json, out: &mut Vec<(Arc<str>, Json)>) {
    match value {
        Json::Object(object) => {
            for (name, member) in object {
                let separator = if prefix == ":" { "" } else { "." };
                flatten(&format!("{prefix}{separator}{name}"), member, out);
            }
        }
        other => out.push((prefix.into(), other)),
    }
}
