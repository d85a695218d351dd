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
                node.static_memo.push((json.clone(), leaves));
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

    /// The leaves of an object that this source sent before, while it is their only source.
    fn remembered(&self, context: ContextId, source: SourceId, json: &str) -> Option<StaticLeaves> {
        let node = self.node(context)?;
        let (_, leaves) = node.static_memo.iter().find(|(text, _)| **text == *json)?;
        let only = |path: &PathId| node.leaf(*path).is_some_and(|l| l.slots.len() == 1 && l.slots[0].source == source);
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

/// Two objects as one, by their texts: `{"a":1}` and `{"b":2}` are `{"a":1,"b":2}`. A member that both have stands in the
/// first only as far as readers of JSON take the last one, which is what is meant. The members of an AIS report differ.
fn joined(a: &str, b: &str) -> String {
    let (head, tail) = (a.trim_end_matches('}'), b.trim_start_matches('{'));
    let closing = &a[head.len()..];
    // Only the outermost brace of `a` is opened again.
    let inner = &closing[..closing.len().saturating_sub(1)];
    let separator = if head == "{" || tail == "}" { "" } else { "," };
    format!("{head}{inner}{separator}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_joined_by_their_texts() {
        let table = [
            (r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":{"c":1}}"#, r#"{"b":2}"#, r#"{"a":{"c":1},"b":2}"#),
            ("{}", r#"{"b":2}"#, r#"{"b":2}"#),
            (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
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
