//! From the model to JSON: deltas for streams, trees for the HTTP API. Names need no escaping (see
//! [`super::model::names`]), so a delta is put together by copying.

pub mod priorities;
pub mod sources;
pub mod tree;

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::change::{Change, Encoded};
use super::id::{Seq, SourceId};
use super::model::Model;
use super::model::context::{ContextNode, Leaf, Slot};
use super::model::names::split_context;
use super::time::{Moment, Timestamp};
use super::value::Value;
use super::world::World;

/// The API level that clients gate on; hello, discovery and the full model all carry it (DIV-01).
pub const API_VERSION: &str = "2.24.0";

impl Change {
    /// This change as a delta, made once for all readers.
    pub fn encoded(&self, model: &Model) -> &Encoded {
        self.encoded.get_or_init(|| encode(self, model))
    }
}

fn encode(change: &Change, model: &Model) -> Encoded {
    let mut out = String::with_capacity(160 + change.values.len() * 72);
    open_delta(&mut out, &change.context_name);
    open_update(&mut out, model.sources().name(change.source), change.timestamp);
    let head = out.len() as u32;
    let mut values = SmallVec::new();
    for changed in &change.values {
        if !values.is_empty() {
            // The comma belongs to no value: whoever copies some of them puts his own.
            out.push(',');
        }
        let from = out.len() as u32;
        write_path_value(&mut out, model.path(changed.path), &changed.value);
        values.push((from, out.len() as u32));
    }
    out.push_str(END);
    Encoded { text: Bytes::from(out), head, values }
}

/// Closes values, update, updates and delta.
const END: &str = "]}]}";

impl Encoded {
    /// The delta with those values only whose bit is set in `mask` (bit 0 is the first; a change has no more than 64).
    /// `None` when none is left. The whole is shared, a part is copied.
    pub fn select(&self, mask: u64) -> Option<Bytes> {
        let taken = |i: usize| i < 64 && mask >> i & 1 == 1;
        let n = (0..self.values.len()).filter(|&i| taken(i)).count();
        if n == 0 {
            return None;
        }
        if n == self.values.len() {
            return Some(self.text.clone());
        }
        let mut out = Vec::with_capacity(self.text.len());
        out.extend_from_slice(&self.text[..self.head as usize]);
        let mut first = true;
        for (i, &(from, to)) in self.values.iter().enumerate() {
            if taken(i) {
                if !first {
                    out.push(b',');
                }
                first = false;
                out.extend_from_slice(&self.text[from as usize..to as usize]);
            }
        }
        out.extend_from_slice(END.as_bytes());
        Some(Bytes::from(out))
    }
}

/// A delta with the timepoint up to which its reader now has everything.
pub fn with_timepoint(delta: &[u8], timepoint: Seq) -> Bytes {
    let mut out = Vec::with_capacity(delta.len() + 34);
    out.extend_from_slice(b"{\"timepoint\":");
    out.extend_from_slice(itoa::Buffer::new().format(timepoint.0).as_bytes());
    out.push(b',');
    out.extend_from_slice(&delta[1..]);
    Bytes::from(out)
}

/// A delta that says how many changes it and its neighbours stand for, and for how many milliseconds they had to wait.
pub fn with_backpressure(delta: &[u8], accumulated: u64, duration_ms: u64) -> Bytes {
    let mut out = Vec::with_capacity(delta.len() + 64);
    out.extend_from_slice(&delta[..delta.len() - 1]);
    let marker = format!(",\"$backpressure\":{{\"accumulated\":{accumulated},\"duration\":{duration_ms}}}}}");
    out.extend_from_slice(marker.as_bytes());
    Bytes::from(out)
}

fn open_delta(out: &mut String, context: &str) {
    out.push_str("{\"context\":\"");
    out.push_str(context);
    out.push_str("\",\"updates\":[");
}

fn open_update(out: &mut String, source: &str, timestamp: Timestamp) {
    out.push_str("{\"$source\":\"");
    out.push_str(source);
    out.push_str("\",\"timestamp\":\"");
    timestamp.push_to(out);
    out.push_str("\",\"values\":[");
}

fn write_path_value(out: &mut String, path: &str, value: &Value) {
    out.push_str("{\"path\":\"");
    out.push_str(path);
    out.push_str("\",\"value\":");
    value.write_json(out);
    out.push('}');
}

/// One context as a full model of its own: `{"version":…,"self":…,"vessels":{"<id>":{…}}}`.
pub fn write_full_context(out: &mut String, world: &World, node: &ContextNode, now: Moment) {
    let (root, id) = split_context(&node.name).unwrap_or(("vessels", &node.name));
    out.push_str("{\"version\":\"");
    out.push_str(API_VERSION);
    out.push_str("\",\"self\":\"");
    out.push_str(&world.model.own_node().name);
    out.push_str("\",");
    for segment in root.split('.') {
        out.push('"');
        out.push_str(segment);
        out.push_str("\":{");
    }
    out.push('"');
    out.push_str(id);
    out.push_str("\":");
    tree::write_context(out, &world.model, world, node, "", now);
    out.extend(root.split('.').map(|_| '}'));
    out.push('}');
}

/// One slot of the model, to be sent as if it had just changed.
#[derive(Debug, Clone, Copy)]
pub struct SlotRef<'a> {
    /// Its context.
    pub node: &'a ContextNode,
    /// Its path.
    pub leaf: &'a Leaf,
    /// Source and value.
    pub slot: &'a Slot,
    /// Static data that was asked for by name: written as a value of its own, not into the object at the empty path.
    pub by_name: bool,
}

/// Writes deltas for a run of slots: neighbours of one context, source and timestamp share an update, neighbours of one
/// context share a delta when `merge_updates` is set. Each finished delta is handed to `emit`.
pub fn encode_slots<'a>(
    model: &Model,
    slots: impl IntoIterator<Item = SlotRef<'a>>,
    merge_updates: bool,
    mut emit: impl FnMut(String),
) {
    let mut writer = DeltaWriter::new(model, merge_updates);
    for slot in slots {
        if let Some(delta) = writer.add(slot) {
            emit(delta);
        }
    }
    if let Some(delta) = writer.finish() {
        emit(delta);
    }
}

/// Collects slots into one delta after another.
struct DeltaWriter<'m, 'a> {
    model: &'m Model,
    merge_updates: bool,
    out: String,
    context: Option<&'a Arc<str>>,
    update: Option<(SourceId, Timestamp)>,
    values: usize,
    /// Static leaves of the open update; they become one object at its end.
    statics: Vec<(&'a Leaf, &'a Slot)>,
}

impl<'m, 'a> DeltaWriter<'m, 'a> {
    fn new(model: &'m Model, merge_updates: bool) -> Self {
        Self { model, merge_updates, out: String::new(), context: None, update: None, values: 0, statics: Vec::new() }
    }

    /// Adds a slot; gives back the delta before it when a new one had to be begun.
    fn add(&mut self, item: SlotRef<'a>) -> Option<String> {
        let update = (item.slot.source, item.slot.timestamp);
        let same_context = self.context.is_some_and(|c| Arc::ptr_eq(c, &item.node.name));
        let mut finished = None;
        if !same_context || (self.update != Some(update) && !self.merge_updates) {
            finished = self.finish();
            self.out = String::with_capacity(256);
            open_delta(&mut self.out, &item.node.name);
            self.context = Some(&item.node.name);
        }
        if self.update != Some(update) {
            if self.update.is_some() {
                self.close_update();
                self.out.push(',');
            }
            open_update(&mut self.out, self.model.sources().name(update.0), update.1);
            self.update = Some(update);
        }
        if item.leaf.is_static && !item.by_name {
            self.statics.push((item.leaf, item.slot));
        } else {
            if self.values > 0 {
                self.out.push(',');
            }
            self.values += 1;
            write_path_value(&mut self.out, self.model.path(item.leaf.path), &item.slot.value);
        }
        finished
    }

    fn close_update(&mut self) {
        if !self.statics.is_empty() {
            if self.values > 0 {
                self.out.push(',');
            }
            self.out.push_str("{\"path\":\"\",\"value\":");
            let model = self.model;
            self.statics.sort_by(|a, b| super::model::context::tree_order(model.path(a.0.path), model.path(b.0.path)));
            let members = self.statics.iter().map(|(leaf, slot)| (model.path(leaf.path), &slot.value));
            tree::write_statics(&mut self.out, members);
            self.out.push('}');
            self.statics.clear();
        }
        self.values = 0;
        self.out.push_str("]}");
    }

    fn finish(&mut self) -> Option<String> {
        self.context.take()?;
        self.close_update();
        self.update = None;
        self.out.push_str("]}");
        Some(std::mem::take(&mut self.out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_selection_is_the_delta_with_the_other_values_left_out(n in 1_usize..=64, mask: u64) {
            let mut text = String::from(r#"{"values":["#);
            let head = text.len() as u32;
            let mut values = SmallVec::new();
            for i in 0..n {
                if i > 0 {
                    text.push(',');
                }
                let from = text.len() as u32;
                text.push_str(&i.to_string());
                values.push((from, text.len() as u32));
            }
            text.push_str(END);
            let encoded = Encoded { text: Bytes::from(text), head, values };
            let wanted: Vec<String> = (0..n).filter(|i| mask >> i & 1 == 1).map(|i| i.to_string()).collect();
            let expected = (!wanted.is_empty()).then(|| format!(r#"{{"values":[{}{END}"#, wanted.join(",")));
            prop_assert_eq!(encoded.select(mask).map(|b| String::from_utf8(b.to_vec()).unwrap()), expected);
        }
    }
}
