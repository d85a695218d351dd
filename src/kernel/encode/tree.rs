//! The full model as a tree of JSON objects (specification: "Full and Delta Models", "RESTful API").

use std::ops::Range;
use std::sync::Arc;

use crate::kernel::model::Model;
use crate::kernel::model::context::{ContextNode, Leaf, Slot};
use crate::kernel::time::Moment;
use crate::kernel::value::Value;

/// What the tree needs besides the model.
pub trait MetaSource {
    /// The metadata of a path as a JSON object, where there is any.
    fn meta_json(&self, model: &Model, leaf: &Leaf) -> Option<Arc<str>>;
    /// How long the path's value counts as current, in milliseconds, where metadata sets it.
    fn timeout_ms(&self, model: &Model, leaf: &Leaf) -> Option<u64>;
}

/// Writes one context, or the part of it at and below `prefix`, as an object. `prefix` itself may be a leaf.
pub fn write_context(
    out: &mut String,
    model: &Model,
    meta: &impl MetaSource,
    node: &ContextNode,
    prefix: &str,
    now: Moment,
) {
    let skip = if prefix.is_empty() { 0 } else { prefix.len() + 1 };
    let mut tree = TreeWriter::new(out);
    let mut leaves = node.subtree(prefix, model.paths()).iter().peekable();
    while let Some(leaf) = leaves.next() {
        let path = model.path(leaf.path);
        let below = path.get(skip..).unwrap_or("");
        if leaf.is_static {
            let has_below = leaves.peek().is_some_and(|next| lies_below(model.path(next.path), path));
            tree.value(below, has_below, |out| leaf.shown_slot().value.write_json(out));
        } else {
            tree.node(below, |out| write_leaf_members(out, model, meta, node, leaf, now));
        }
    }
    tree.finish();
}

/// Writes the members of a leaf without the braces around them: `"value":…,"$source":…,"timestamp":…` and what else
/// there is.
fn write_leaf_members(
    out: &mut String,
    model: &Model,
    meta: &impl MetaSource,
    node: &ContextNode,
    leaf: &Leaf,
    now: Moment,
) {
    let shown = leaf.shown_slot();
    if let Some(json) = meta.meta_json(model, leaf) {
        out.push_str("\"meta\":");
        out.push_str(&json);
        out.push(',');
    }
    out.push_str("\"value\":");
    shown.value.write_json(out);
    out.push_str(",\"$source\":\"");
    out.push_str(model.sources().name(shown.source));
    out.push_str("\",\"timestamp\":\"");
    shown.timestamp.push_to(out);
    out.push('"');
    write_detail(out, model, shown);
    if shown.is_stale(now, meta.timeout_ms(model, leaf)) && !has_state_below(model, node, leaf) {
        out.push_str(",\"state\":{\"timedOut\":true}");
    }
    if leaf.slots.len() > 1 {
        out.push_str(",\"values\":");
        write_values(out, model, leaf);
    }
}

/// Whether a leaf has another one below it that is called `state`, as the mark of a stale value is.
fn has_state_below(model: &Model, node: &ContextNode, leaf: &Leaf) -> bool {
    let path = format!("{}.state", model.path(leaf.path));
    !node.subtree(&path, model.paths()).is_empty()
}

/// Writes a leaf as an object of its own.
pub fn write_leaf(
    out: &mut String,
    model: &Model,
    meta: &impl MetaSource,
    node: &ContextNode,
    leaf: &Leaf,
    now: Moment,
) {
    out.push('{');
    write_leaf_members(out, model, meta, node, leaf, now);
    out.push('}');
}

/// Writes the values of all sources, by `$source`.
pub fn write_values(out: &mut String, model: &Model, leaf: &Leaf) {
    out.push('{');
    for (i, slot) in leaf.slots.iter().enumerate() {
        out.push_str(if i > 0 { ",\"" } else { "\"" });
        out.push_str(model.sources().name(slot.source));
        out.push_str("\":{\"value\":");
        slot.value.write_json(out);
        out.push_str(",\"timestamp\":\"");
        slot.timestamp.push_to(out);
        out.push('"');
        write_detail(out, model, slot);
        out.push('}');
    }
    out.push('}');
}

/// `"sentence":"RMC"` or `"pgn":127250`: the kind of message, where one is known.
fn write_detail(out: &mut String, model: &Model, slot: &Slot) {
    let detail = model.sources().detail(slot.detail);
    if detail.is_empty() {
        return;
    }
    if detail.bytes().all(|b| b.is_ascii_digit()) {
        out.push_str(",\"pgn\":");
        out.push_str(detail);
    } else {
        out.push_str(",\"sentence\":\"");
        out.push_str(detail);
        out.push('"');
    }
}

/// Writes static members, given in the order of the tree, as one object.
pub fn write_statics<'a>(out: &mut String, members: impl IntoIterator<Item = (&'a str, &'a Value)>) {
    let mut tree = TreeWriter::new(out);
    let mut members = members.into_iter().peekable();
    while let Some((path, value)) = members.next() {
        let has_below = members.peek().is_some_and(|(next, _)| lies_below(next, path));
        tree.value(path, has_below, |out| value.write_json(out));
    }
    tree.finish();
}

/// What a leaf may have as members of its own.
const LEAF_MEMBERS: [&str; 8] = ["value", "values", "meta", "$source", "timestamp", "sentence", "pgn", "state"];

fn lies_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
}

/// Turns dotted paths in the order of the tree into nested objects. A path may be a node itself and have others below it;
/// no name ever stands twice in an object.
struct TreeWriter<'o, 'p> {
    out: &'o mut String,
    /// The open objects, by name, and for a leaf where the members of its own stand in `out`; the root is open as long as
    /// the writer lives.
    open: Vec<(&'p str, Option<Range<usize>>)>,
    /// Whether the innermost open object has a member already.
    has_member: bool,
}

impl<'o, 'p> TreeWriter<'o, 'p> {
    fn new(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, open: Vec::new(), has_member: false }
    }

    /// A node with members of its own, left open for what is below it. The empty path is the root.
    fn node(&mut self, path: &'p str, members: impl FnOnce(&mut String)) {
        if !self.enter(path) {
            return;
        }
        if self.has_member {
            self.out.push(',');
        }
        let from = self.out.len();
        members(self.out);
        self.has_member = true;
        if let Some((_, own)) = self.open.last_mut() {
            *own = Some(from..self.out.len());
        }
    }

    /// A bare value. Where something lies below it, JSON has no place for it but a member `value`.
    fn value(&mut self, path: &'p str, has_below: bool, write: impl FnOnce(&mut String)) {
        if has_below || path.is_empty() {
            return self.node(path, |out| {
                out.push_str("\"value\":");
                write(out);
            });
        }
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        if self.enter(parent) {
            self.name(name);
            write(self.out);
            self.has_member = true;
        }
    }

    /// Closes and opens objects until `path` is the innermost open one. False, and nothing opened, where a leaf has a
    /// member of its own by that name (`a.meta.b` below the leaf `a`): what lies there is left out.
    fn enter(&mut self, path: &'p str) -> bool {
        let mut segments = path.split('.').filter(|s| !s.is_empty()).peekable();
        let mut depth = 0;
        while depth < self.open.len() && segments.peek().is_some_and(|s| *s == self.open[depth].0) {
            segments.next();
            depth += 1;
        }
        while self.open.len() > depth {
            self.open.pop();
            self.out.push('}');
            self.has_member = true;
        }
        let own = self.open.last().and_then(|(_, own)| own.clone());
        if let (Some(own), Some(name)) = (own, segments.peek().filter(|s| LEAF_MEMBERS.contains(s))) {
            if self.out[own].contains(&format!("\"{name}\":")) {
                return false;
            }
        }
        for segment in segments {
            self.name(segment);
            self.out.push('{');
            self.open.push((segment, None));
            self.has_member = false;
        }
        true
    }

    fn name(&mut self, name: &str) {
        if self.has_member {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn finish(self) {
        for _ in 0..=self.open.len() {
            self.out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_nested_objects_and_a_leaf_may_have_leaves_below_it() {
        let mut out = String::new();
        let mut tree = TreeWriter::new(&mut out);
        let one = |out: &mut String| out.push_str("\"value\":1");
        tree.node("a.b", one);
        tree.node("a.b.c", one);
        tree.node("a.d", one);
        tree.value("e.f", false, |out| out.push('2'));
        tree.value("name", false, |out| out.push_str("\"x\""));
        tree.node("z", one);
        tree.finish();
        let expected =
            r#"{"a":{"b":{"value":1,"c":{"value":1}},"d":{"value":1}},"e":{"f":2},"name":"x","z":{"value":1}}"#;
        assert_eq!(out, expected);
    }

    /// Reads JSON, and fails where an object has a name twice.
    fn check_names(text: &str) {
        struct Strict;
        impl<'de> serde::de::DeserializeSeed<'de> for Strict {
            type Value = ();
            fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
                from.deserialize_any(self)
            }
        }
        impl<'de> serde::de::Visitor<'de> for Strict {
            type Value = ();
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_u64<E>(self, _: u64) -> Result<(), E> {
                Ok(())
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                let mut names = std::collections::HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    assert!(names.insert(name.clone()), "{name} stands twice");
                    map.next_value_seed(Strict)?;
                }
                Ok(())
            }
        }
        let mut from = serde_json::Deserializer::from_str(text);
        serde::de::DeserializeSeed::deserialize(Strict, &mut from).unwrap_or_else(|e| panic!("{e}: {text}"));
        from.end().expect("nothing follows");
    }

    proptest::proptest! {
        #[test]
        fn no_name_stands_twice_whatever_lies_below_what(
            paths in proptest::collection::btree_map("(a|b|value|meta|c-d)(\\.(a|b|value|meta|b-a)){0,4}", proptest::bool::ANY, 0..20)
        ) {
            let mut paths: Vec<(&String, &bool)> = paths.iter().collect();
            paths.sort_by(|a, b| crate::kernel::model::context::tree_order(a.0, b.0));
            let mut out = String::new();
            let mut tree = TreeWriter::new(&mut out);
            for (i, (path, is_static)) in paths.iter().enumerate() {
                // As for the model: no path ends in the name of a leaf's member.
                if matches!(path.rsplit('.').next(), Some("value" | "meta")) {
                    continue;
                }
                if **is_static {
                    let has_below = paths[i + 1..].iter().any(|(next, _)| lies_below(next, path));
                    tree.value(path, has_below, |out| out.push('1'));
                } else {
                    tree.node(path, |out| out.push_str("\"meta\":{\"units\":1},\"value\":1"));
                }
            }
            tree.finish();
            check_names(&out);
        }
    }

    #[test]
    fn an_empty_tree_is_an_empty_object() {
        let mut out = String::new();
        TreeWriter::new(&mut out).finish();
        assert_eq!(out, "{}");
    }
}
