//! What becomes of contexts that fall silent: their movement is taken back, and later they leave. Both are changes, so
//! every reader sees them.

use std::sync::{Arc, OnceLock};

use compact_str::CompactString;

use super::{Applied, VALUES_PER_CHANGE_MAX, World};
use crate::kernel::change::{Change, Changed};
use crate::kernel::id::{ContextId, Origin};
use crate::kernel::lost::DYNAMIC_PATHS;
use crate::kernel::model::context::ContextNode;
use crate::kernel::model::names::split_context;
use crate::kernel::model::{Arrival, Model};
use crate::kernel::time::Now;
use crate::kernel::update::{Context, Root, Source, Update};
use crate::kernel::value::Value;

impl World {
    /// Lets time pass: silent targets are lost and leave, held-back notifications are looked at again. Gives back how many
    /// changes that made. Call it about once a second.
    pub fn sweep(&mut self, now: Now) -> usize {
        let before = self.head();
        let mut applied = Applied::default();
        self.raise_pending(now, &mut applied);
        self.wake_watchers(now, &mut applied);
        let (mut lost, mut leaving) = (Vec::new(), Vec::new());
        let own = self.model.own();
        for node in self.model.contexts().filter(|node| node.id != own) {
            let (class, state) =
                (text_at(&self.model, node, "sensors.ais.class"), text_at(&self.model, node, "navigation.state"));
            let root = root_of(node);
            let silent = now.mono.since(node.last_heard);
            if silent > self.lost.leaves_after_ms(class, state, root) {
                leaving.push(node.id);
            } else if !node.lost && silent > self.lost.lost_after_ms(class, state, root) {
                lost.push(node.id);
            }
        }
        for id in lost {
            self.take_back(id, now, |path, _| DYNAMIC_PATHS.contains(&path));
            self.model.mark_lost(id);
        }
        for id in leaving {
            // The position and all texts stay as they were: typed clients have no reading for a null in their place.
            self.take_back(id, now, |_, value| matches!(value, Value::Number(_) | Value::Integer(_) | Value::Bool(_)));
            self.bury(id, now);
            self.model.remove_context(id);
        }
        (self.head().0 - before.0) as usize
    }

    /// Keeps what a reader who fell behind must know of a context that leaves: every value that was taken back, now or
    /// when the target was lost.
    pub(super) fn bury(&mut self, id: ContextId, now: Now) {
        let Some(node) = self.model.node(id) else { return };
        let mut last: Vec<Change> = Vec::new();
        for leaf in node.leaves().iter().filter(|l| !l.is_static) {
            for slot in leaf.slots.iter().filter(|s| s.value.is_null()) {
                let full = |c: &Change| c.values.len() >= VALUES_PER_CHANGE_MAX;
                let at = last.iter().position(|c| c.source == slot.source && !full(c)).unwrap_or_else(|| {
                    last.push(Change {
                        seq: self.head(),
                        context: id,
                        context_name: node.name.clone(),
                        source: slot.source,
                        detail: slot.detail,
                        timestamp: now.wall,
                        received: now,
                        origin: Origin::SERVER,
                        values: Vec::new(),
                        meta: Vec::new(),
                        encoded: OnceLock::new(),
                    });
                    last.len() - 1
                });
                let shown = leaf.shows(slot);
                last[at].values.push(Changed { path: leaf.path, value: Value::Null, shown, first: false });
            }
        }
        for change in last {
            self.tombstones.push(Arc::new(change));
        }
    }

    /// Makes values null, each under the source that said it.
    fn take_back(&mut self, id: ContextId, now: Now, which: impl Fn(&str, &Value) -> bool) {
        let Some(node) = self.model.node(id) else { return };
        let mut updates: Vec<Update> = Vec::new();
        for leaf in node.leaves().iter().filter(|l| !l.is_static) {
            let path = self.model.path(leaf.path);
            for slot in leaf.slots.iter().filter(|s| !s.value.is_null() && which(path, &s.value)) {
                let source = CompactString::new(&**self.model.sources().name(slot.source));
                let at = updates.iter().position(|u| u.source == Source::Ref(source.clone())).unwrap_or_else(|| {
                    let context = Context::Named(CompactString::new(&*node.name));
                    updates.push(Update::new(context, Source::Ref(source), 4));
                    updates.len() - 1
                });
                updates[at].push_at(CompactString::new(path), Value::Null);
            }
        }
        let arrival = Arrival { input: "", origin: Origin::SERVER, now, heard: false };
        self.apply(updates, &arrival);
    }
}

fn text_at<'a>(model: &Model, node: &'a ContextNode, path: &str) -> Option<&'a str> {
    match &node.leaf(model.find_path(path)?)?.shown_slot().value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn root_of(node: &ContextNode) -> Root {
    if let Some((root, _)) = node.mmsi {
        return root;
    }
    match split_context(&node.name).map(|(root, _)| root) {
        Some("atons" | "aton") => Root::Atons,
        Some("aircraft") => Root::Aircraft,
        Some("sar") => Root::Sar,
        Some("shore.basestations") => Root::BaseStations,
        Some("meteo") => Root::Meteo,
        _ => Root::Vessels,
    }
}
