//! Static data: objects at the empty path, such as `{"name":"Alba","communication":{"callsignVhf":"OH1234"}}`.
//!
//! Each member becomes a leaf of its own (`name`, `communication.callsignVhf`) that stands bare in the tree, so objects
//! merge at every depth. On the wire they are objects at the empty path again.

use super::context::{StaticLeaves, tree_order};
use super::{Model, Refusal, Stamp, names};
use crate::kernel::change::Changed;
use crate::kernel::encode::tree::write_statics;
use crate::kernel::id::{ContextId, PathId, SourceId};
use crate::kernel::update::{Mmsi, Path};
use crate::kernel::value::Value;

/// Different static objects remembered for one context; AIS sends three or four.
const MEMO_MAX: usize = 4;

impl Model {
    pub(super) fn apply_static(
        &mut self,
        context: ContextId,
        stamp: &Stamp,
        value: &Value,
        values: &mut Vec<Changed>,
    ) -> Result<(), (Refusal, Path)> {
        let Value::Json(json) = value else { return Err((Refusal::Path, Path::default())) };
        let own = context == self.own;
        let mut first = false;
        let mut refused = None;
        let mut published = value.clone();
        if let Some(leaves) = self.remembered(context, stamp.source, json) {
            // The same object as before: its leaves only get the new number.
            let node = self.contexts[context.index as usize].node.as_deref_mut().expect("found above");
            for path in leaves {
                if let Some(leaf) = node.leaf_mut(path) {
                    leaf.seq = stamp.seq;
                    leaf.slots[0].seq = stamp.seq;
                    leaf.slots[0].timestamp = stamp.timestamp;
                    leaf.slots[0].received = stamp.now;
                }
            }
            if let Some(memo) = node.static_memo.iter_mut().find(|(text, ..)| *text == *json) {
                memo.2 = stamp.seq;
            }
        } else {
            let members = flatten(json).ok_or((Refusal::Path, Path::default()))?;
            let mut leaves: StaticLeaves = StaticLeaves::new();
            let mut kept: Vec<(String, Value)> = Vec::with_capacity(members.len());
            let mut as_it_came = true;
            for (text, member) in members {
                let (member, is_usual) = usual_form(&text, member);
                as_it_came &= is_usual;
                match self.write_static(context, stamp, &text, member.clone()) {
                    Ok((path, is_first)) => {
                        first |= is_first;
                        leaves.push(path);
                        kept.push((text, member));
                    }
                    Err(why) => {
                        as_it_came = false;
                        refused = Some((why, Path::from(text)));
                    }
                }
            }
            if kept.is_empty() {
                return refused.map_or(Ok(()), Err);
            }
            if !as_it_came {
                published = object_with(&mut kept);
            }
            let node = self.contexts[context.index as usize].node.as_deref_mut().expect("resolved by the caller");
            if !own && as_it_came {
                if node.static_memo.len() >= MEMO_MAX {
                    node.static_memo.remove(0);
                }
                node.static_memo.retain(|(text, ..)| *text != *json);
                node.static_memo.push((json.clone(), leaves, stamp.seq));
            }
        }
        match values.iter_mut().find(|v| v.path == PathId::ROOT) {
            Some(earlier) => {
                if let (Value::Json(so_far), Value::Json(json)) = (&earlier.value, &published) {
                    earlier.value = Value::json(joined(so_far, json));
                    earlier.first |= first;
                }
            }
            None => values.push(Changed { path: PathId::ROOT, value: published, shown: true, first }),
        }
        // What was refused of it is said; the rest of it counts.
        refused.map_or(Ok(()), Err)
    }

    fn write_static(
        &mut self,
        context: ContextId,
        stamp: &Stamp,
        text: &str,
        member: Value,
    ) -> Result<(PathId, bool), Refusal> {
        if self.is_protected(context, stamp.source, text) {
            return Err(Refusal::Protected);
        }
        let path = self.path_in(context, text)?;
        let (_, is_first) = self.write(context, path, stamp, member, true)?;
        Ok((path, is_first))
    }

    /// The leaves of an object that this source sent before, while it is their only source and nothing else was written
    /// to them since.
    fn remembered(&self, context: ContextId, source: SourceId, json: &str) -> Option<StaticLeaves> {
        let node = self.node(context)?;
        let (_, leaves, seq) = node.static_memo.iter().find(|(text, ..)| **text == *json)?;
        let only = |path: &PathId| {
            let slots = node.leaf(*path).map_or(&[][..], |leaf| &leaf.slots);
            matches!(slots, [slot] if slot.source == source && slot.seq == *seq)
        };
        leaves.iter().all(only).then(|| leaves.clone())
    }
}

/// The member as it is to be held: an MMSI that came as a number is a text of nine digits (DM-29). Says whether it came so.
fn usual_form(name: &str, member: Value) -> (Value, bool) {
    match &member {
        Value::Json(json) if name == "mmsi" => match json.parse::<u32>().ok().and_then(Mmsi::new) {
            Some(mmsi) => (Value::text(mmsi.to_string()), false),
            None => (member, true),
        },
        _ => (member, true),
    }
}

/// The object that holds a value at a dotted name: `communication.callsignVhf` becomes `{"communication":{"callsignVhf":…}}`.
pub(super) fn object_of(path: &str, value: &Value) -> String {
    let mut out = String::with_capacity(path.len() + 32);
    for segment in path.split('.') {
        out.push_str("{\"");
        out.push_str(segment);
        out.push_str("\":");
    }
    value.write_json(&mut out);
    out.extend(path.split('.').map(|_| '}'));
    out
}

/// An object of members by their dotted names.
fn object_with(members: &mut [(String, Value)]) -> Value {
    members.sort_by(|(a, _), (b, _)| tree_order(a, b));
    let mut out = String::new();
    write_statics(&mut out, members.iter().map(|(name, value)| (name.as_str(), value)));
    Value::json(out)
}

/// Members of an object as dotted names and values; objects inside are taken apart, arrays are not. `None` when it is no
/// object or a name could not be a path.
pub fn flatten(json: &str) -> Option<Vec<(String, Value)>> {
    let serde_json::Value::Object(object) = serde_json::from_str(json).ok()? else { return None };
    let mut out = Vec::with_capacity(object.len());
    flatten_into(&object, "", &mut out)?;
    Some(out)
}

fn flatten_into(
    object: &serde_json::Map<String, serde_json::Value>,
    prefix: &str,
    out: &mut Vec<(String, Value)>,
) -> Option<()> {
    for (name, member) in object {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if !names::path_is_valid(&path) {
            return None;
        }
        match member {
            serde_json::Value::Object(inner) if !inner.is_empty() => flatten_into(inner, &path, out)?,
            serde_json::Value::String(text) => out.push((path, Value::text(text))),
            serde_json::Value::Null => out.push((path, Value::Null)),
            serde_json::Value::Bool(b) => out.push((path, Value::Bool(*b))),
            other => out.push((path, Value::json(other.to_string()))),
        }
    }
    Some(())
}

/// Two objects as one, the members of the second over those of the first.
fn joined(a: &str, b: &str) -> String {
    let read = |json: &str| serde_json::from_str::<serde_json::Map<_, _>>(json).unwrap_or_default();
    let mut both = read(a);
    merge(&mut both, read(b));
    serde_json::Value::Object(both).to_string()
}

fn merge(into: &mut serde_json::Map<String, serde_json::Value>, from: serde_json::Map<String, serde_json::Value>) {
    use serde_json::Value::Object;
    for (name, member) in from {
        match (into.get_mut(&name), member) {
            (Some(Object(inner)), Object(more)) => merge(inner, more),
            (_, member) => {
                into.insert(name, member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_joined_at_every_depth() {
        let table = [
            (r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":{"c":1}}"#, r#"{"b":2}"#, r#"{"a":{"c":1},"b":2}"#),
            ("{}", r#"{"b":2}"#, r#"{"b":2}"#),
            (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
            (r#"{"a":{"c":1,"d":2}}"#, r#"{"a":{"c":3}}"#, r#"{"a":{"c":3,"d":2}}"#),
        ];
        for (a, b, both) in table {
            assert_eq!(joined(a, b), both);
        }
    }

    #[test]
    fn members_are_named_by_their_place() {
        let flat = flatten(r#"{"name":"Alba","communication":{"callsignVhf":"OH1"},"n":{},"x":[1]}"#).unwrap();
        let texts: Vec<String> = flat.iter().map(|(path, v)| format!("{path}={}", v.to_json())).collect();
        assert_eq!(texts, ["communication.callsignVhf=\"OH1\"", "n={}", "name=\"Alba\"", "x=[1]"]);
        assert!(flatten("3").is_none() && flatten(r#"{"__proto__":1}"#).is_none());
    }
}
