//! JSON Patch (RFC 6902) on a document with JSON Pointers (RFC 6901): how apps change a part of what they keep here.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::kernel::json::DEPTH_MAX;

/// Steps of one patch at the most.
pub const OPERATIONS_MAX: usize = 1_024;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation {
    Add { path: String, value: Json },
    Remove { path: String },
    Replace { path: String, value: Json },
    Move { from: String, path: String },
    Copy { from: String, path: String },
    Test { path: String, value: Json },
}

/// Applies `patch` to `document`. Copies may come to `copied_bytes_max` bytes in all: otherwise a few of them double a
/// document until the memory is used up.
///
/// # Errors
/// Names the step that cannot be done; the document is then half changed and to be thrown away.
pub fn apply(document: &mut Json, patch: Json, copied_bytes_max: usize) -> Result<(), String> {
    let Json::Array(steps) = patch else { return Err("a JSON Patch is an array".to_owned()) };
    if steps.len() > OPERATIONS_MAX {
        return Err(format!("a JSON Patch may have {OPERATIONS_MAX} steps"));
    }
    let mut copied_bytes = 0;
    for (n, step) in steps.into_iter().enumerate() {
        let operation: Operation = serde_json::from_value(step).map_err(|e| format!("step {n}: {e}"))?;
        if let Operation::Copy { from, .. } = &operation {
            copied_bytes += document.pointer(from).map_or(0, |value| value.to_string().len());
            if copied_bytes > copied_bytes_max {
                return Err(format!("step {n}: copies more than {copied_bytes_max} bytes"));
            }
        }
        step_on(document, operation).map_err(|why| format!("step {n}: {why}"))?;
    }
    Ok(())
}

fn step_on(document: &mut Json, operation: Operation) -> Result<(), String> {
    match operation {
        Operation::Add { path, value } => add(document, &path, value),
        Operation::Remove { path } => remove(document, &path).map(drop),
        Operation::Replace { path, value } => {
            check_depth(&path, &value)?;
            *document.pointer_mut(&path).ok_or_else(|| nothing_at(&path))? = value;
            Ok(())
        }
        Operation::Move { from, path } if path.strip_prefix(&*from).is_some_and(|rest| rest.starts_with('/')) => {
            Err(format!("{from} cannot be moved into itself"))
        }
        Operation::Move { from, path } => {
            let value = remove(document, &from)?;
            add(document, &path, value)
        }
        Operation::Copy { from, path } => {
            let value = document.pointer(&from).ok_or_else(|| nothing_at(&from))?.clone();
            add(document, &path, value)
        }
        Operation::Test { path, value } => match document.pointer(&path) {
            Some(found) if same(found, &value) => Ok(()),
            Some(_) => Err(format!("{path} is not as expected")),
            None => Err(nothing_at(&path)),
        },
    }
}

fn add(document: &mut Json, path: &str, value: Json) -> Result<(), String> {
    check_depth(path, &value)?;
    let Some((parent, name)) = split(path)? else {
        *document = value;
        return Ok(());
    };
    match document.pointer_mut(parent) {
        Some(Json::Object(object)) => {
            object.insert(name, value);
            Ok(())
        }
        Some(Json::Array(array)) => {
            let at = if name == "-" { Some(array.len()) } else { index(&name) };
            let at = at.filter(|at| *at <= array.len()).ok_or_else(|| format!("{path} is outside of its array"))?;
            array.insert(at, value);
            Ok(())
        }
        _ => Err(nothing_at(parent)),
    }
}

fn remove(document: &mut Json, path: &str) -> Result<Json, String> {
    let Some((parent, name)) = split(path)? else { return Err("the whole document cannot be removed".to_owned()) };
    let removed = match document.pointer_mut(parent) {
        Some(Json::Object(object)) => object.remove(&name),
        Some(Json::Array(array)) => index(&name).filter(|at| *at < array.len()).map(|at| array.remove(at)),
        _ => None,
    };
    removed.ok_or_else(|| nothing_at(path))
}

/// Steps that put a value into itself again and again could nest deeper than any stack goes.
fn check_depth(path: &str, value: &Json) -> Result<(), String> {
    if path.matches('/').count() + depth(value) <= DEPTH_MAX {
        return Ok(());
    }
    Err(format!("the result nests deeper than {DEPTH_MAX} levels"))
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        Json::Array(array) => 1 + array.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The pointer to the parent, and the name in it; `None` for the document itself.
fn split(path: &str) -> Result<Option<(&str, String)>, String> {
    match path.rsplit_once('/') {
        None if path.is_empty() => Ok(None),
        Some((parent, name)) if path.starts_with('/') => Ok(Some((parent, name.replace("~1", "/").replace("~0", "~")))),
        _ => Err(format!("{path:?} is no JSON Pointer")),
    }
}

/// An index of an array: digits without a leading zero.
fn index(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    name.parse().ok().filter(|_| plain)
}

/// Equal as RFC 6902, section 4.6, has it: numbers by their value.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn nothing_at(path: &str) -> String {
    format!("there is nothing at {path:?}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_step_does_what_the_standard_says() {
        let document = json!({"a": {"b": 1, "c/d": [1, 2]}, "~": null});
        let table = [
            (
                json!([{"op": "add", "path": "/a/x", "value": 5}]),
                json!({"a": {"b": 1, "c/d": [1, 2], "x": 5}, "~": null}),
            ),
            (
                json!([{"op": "add", "path": "/a/c~1d/-", "value": 3}]),
                json!({"a": {"b": 1, "c/d": [1, 2, 3]}, "~": null}),
            ),
            (
                json!([{"op": "add", "path": "/a/c~1d/0", "value": 0}]),
                json!({"a": {"b": 1, "c/d": [0, 1, 2]}, "~": null}),
            ),
            (json!([{"op": "add", "path": "", "value": {"n": 1}}]), json!({"n": 1})),
            (json!([{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/~0"}]), json!({})),
            (json!([{"op": "replace", "path": "/a", "value": []}]), json!({"a": [], "~": null})),
            (json!([{"op": "move", "from": "/a/b", "path": "/m"}]), json!({"a": {"c/d": [1, 2]}, "~": null, "m": 1})),
            (json!([{"op": "copy", "from": "/a/b", "path": "/~0"}]), json!({"a": {"b": 1, "c/d": [1, 2]}, "~": 1})),
            (json!([{"op": "test", "path": "/a/b", "value": 1.0}]), document.clone()),
        ];
        for (patch, expected) in table {
            let mut changed = document.clone();
            assert_eq!(apply(&mut changed, patch.clone(), 1_000), Ok(()), "{patch}");
            assert_eq!(changed, expected, "{patch}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said_with_its_step() {
        let table = [
            (json!({}), "a JSON Patch is an array"),
            (
                json!([{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/no"}]),
                "step 1: there is nothing at",
            ),
            (json!([{"op": "test", "path": "/a", "value": 2}]), "step 0: /a is not as expected"),
            (json!([{"op": "add", "path": "a", "value": 2}]), "step 0: \"a\" is no JSON Pointer"),
            (json!([{"op": "add", "path": "/l/01", "value": 2}]), "step 0: /l/01 is outside"),
            (json!([{"op": "add", "path": "/l/3", "value": 2}]), "step 0: /l/3 is outside"),
            (json!([{"op": "replace", "path": "/x/y", "value": 2}]), "step 0: there is nothing at"),
            (json!([{"op": "move", "from": "/l", "path": "/l/0"}]), "step 0: /l cannot be moved into itself"),
            (json!([{"op": "jump", "path": "/a"}]), "step 0: unknown variant"),
            (json!([{"op": "add", "path": "/a"}]), "step 0: missing field"),
        ];
        for (patch, expected) in table {
            let mut document = json!({"a": 1, "l": [0]});
            let error = apply(&mut document, patch.clone(), 1_000).unwrap_err();
            assert!(error.starts_with(expected), "{patch}: {error}");
        }
    }

    #[test]
    fn copies_cannot_fill_the_memory() {
        let mut steps = vec![json!({"op": "add", "path": "/a", "value": "x".repeat(1_000)})];
        steps.extend((0..20).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/{n}")})));
        let error = apply(&mut json!({}), Json::Array(steps), 10_000).unwrap_err();
        assert!(error.starts_with("step 10: copies more than 10000 bytes"), "{error}");
        let mut steps = vec![json!({"op": "add", "path": "/a", "value": {}})];
        steps.extend((0..60).map(|n| json!({"op": "copy", "from": "", "path": "/a".repeat(n + 2)})));
        let error = apply(&mut json!({}), Json::Array(steps), 1 << 30).unwrap_err();
        assert!(error.contains("nests deeper than 32 levels"), "{error}");
        let many = vec![json!({"op": "test", "path": "", "value": {}}); OPERATIONS_MAX + 1];
        assert!(apply(&mut json!({}), Json::Array(many), 0).is_err());
    }
}
