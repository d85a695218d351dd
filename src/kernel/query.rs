//! What `GET /signalk/v1/api/…` answers: any node of the full model, addressed by its place in the tree.

use super::encode::API_VERSION;
use super::encode::tree::{self, MetaSource};
use super::model::Model;
use super::model::context::{ContextNode, Leaf};
use super::model::names::split_context;
use super::time::Now;
use super::world::World;

/// Writes the node that `segments` lead to. False, and nothing written, when there is none.
pub fn write_node(out: &mut String, world: &World, segments: &[&str], now: Now) -> bool {
    match segments {
        // DIV-06: the schema says `aton`, everybody else `atons`.
        ["aton", rest @ ..] => write_root(out, world, "atons", rest, now),
        [] => {
            write_full(out, world, now);
            true
        }
        ["self"] => {
            out.push('"');
            out.push_str(&world.model.own_node().name);
            out.push('"');
            true
        }
        ["version"] => {
            out.push('"');
            out.push_str(API_VERSION);
            out.push('"');
            true
        }
        ["sources", rest @ ..] => write_member(out, &super::encode::sources::tree(&world.model), rest),
        ["shore", "basestations", rest @ ..] => write_root(out, world, "shore.basestations", rest, now),
        ["shore"] => {
            out.push_str("{\"basestations\":");
            if !write_root(out, world, "shore.basestations", &[], now) {
                out.truncate(out.len() - "{\"basestations\":".len());
                return false;
            }
            out.push('}');
            true
        }
        [root, rest @ ..] => write_root(out, world, root, rest, now),
    }
}

/// The whole model: `version`, `self`, every root with its contexts, `sources`.
fn write_full(out: &mut String, world: &World, now: Now) {
    out.push_str("{\"version\":\"");
    out.push_str(API_VERSION);
    out.push_str("\",\"self\":\"");
    out.push_str(&world.model.own_node().name);
    out.push('"');
    let mut roots: Vec<&str> =
        world.model.contexts().filter_map(|node| split_context(&node.name)).map(|(root, _)| root).collect();
    roots.sort_unstable();
    roots.dedup();
    for root in roots {
        let dots = root.split('.').count();
        for segment in root.split('.') {
            out.push_str(if out.ends_with('{') { "\"" } else { ",\"" });
            out.push_str(segment);
            out.push_str("\":{");
        }
        // `write_root` brings the innermost braces itself.
        out.pop();
        write_root(out, world, root, &[], now);
        out.extend(std::iter::repeat_n('}', dots - 1));
    }
    out.push_str(",\"sources\":");
    out.push_str(&super::encode::sources::tree(&world.model).to_string());
    out.push('}');
}

fn write_root(out: &mut String, world: &World, root: &str, rest: &[&str], now: Now) -> bool {
    let Some((id, path)) = rest.split_first() else {
        let mut any = false;
        out.push('{');
        for node in world.model.contexts() {
            let Some((_, id)) = split_context(&node.name).filter(|(r, _)| *r == root) else { continue };
            out.push_str(if any { ",\"" } else { "\"" });
            any = true;
            out.push_str(id);
            out.push_str("\":");
            tree::write_context(out, &world.model, world, node, "", now.mono);
        }
        out.push('}');
        if !any {
            out.truncate(out.len() - 2);
        }
        return any;
    };
    find_node(world, root, id).is_some_and(|node| write_in_context(out, world, node, path, now))
}

fn find_node<'w>(world: &'w World, root: &str, id: &str) -> Option<&'w ContextNode> {
    match (root, id) {
        ("vessels", "self") => Some(world.model.own_node()),
        _ => world.model.find_context(&format!("{root}.{id}")),
    }
}

/// The leaf that `segments` lead to, with its context.
pub fn find_leaf<'w>(world: &'w World, segments: &[&str]) -> Option<(&'w ContextNode, &'w Leaf)> {
    let (node, path) = match segments {
        ["shore", "basestations", id, path @ ..] => (find_node(world, "shore.basestations", id)?, path),
        [root, id, path @ ..] => (find_node(world, root, id)?, path),
        _ => return None,
    };
    leaf_at(node, &world.model, &path.join(".")).map(|leaf| (node, leaf))
}

fn write_in_context(out: &mut String, world: &World, node: &ContextNode, segments: &[&str], now: Now) -> bool {
    let model = &world.model;
    if segments.is_empty() {
        tree::write_context(out, model, world, node, "", now.mono);
        return true;
    }
    if segments == ["meta"] {
        write_all_meta(out, world, node);
        return true;
    }
    let path = segments.join(".");
    if let Some(leaf) = leaf_at(node, model, &path).filter(|leaf| leaf.is_static) {
        leaf.shown_slot().value.write_json(out);
        return true;
    }
    if !node.subtree(&path, model.paths()).is_empty() {
        tree::write_context(out, model, world, node, &path, now.mono);
        return true;
    }
    // Not a node of the tree: a member of a leaf, such as `…/value/latitude` or `…/meta/units`.
    for split in (1..segments.len()).rev() {
        let (head, member) = segments.split_at(split);
        let path = head.join(".");
        if let ["meta", member @ ..] = member {
            // REST-16: specified paths have metadata whether or not they ever had a value.
            let Some(meta) = world.meta_of(&path) else { return false };
            return write_member(out, &parsed(&meta), member);
        }
        if let Some(leaf) = leaf_at(node, model, &path) {
            let mut json = String::new();
            if leaf.is_static {
                leaf.shown_slot().value.write_json(&mut json);
            } else {
                tree::write_leaf(&mut json, model, world, node, leaf, now.mono);
            }
            return write_member(out, &parsed(&json), member);
        }
    }
    false
}

fn parsed(json: &str) -> serde_json::Value {
    serde_json::from_str(json).expect("the model and the registry hold and write JSON")
}

/// `GET …/meta` on a context: path to metadata, for everything present.
fn write_all_meta(out: &mut String, world: &World, node: &ContextNode) {
    out.push('{');
    let mut any = false;
    for leaf in node.leaves().iter().filter(|l| !l.is_static) {
        if let Some(meta) = MetaSource::meta_json(world, &world.model, leaf) {
            out.push_str(if any { ",\"" } else { "\"" });
            any = true;
            out.push_str(world.model.path(leaf.path));
            out.push_str("\":");
            out.push_str(&meta);
        }
    }
    out.push('}');
}

fn leaf_at<'a>(node: &'a ContextNode, model: &Model, path: &str) -> Option<&'a Leaf> {
    node.leaf(model.find_path(path)?)
}

/// Writes what `segments` lead to inside a JSON value. Names with dots in them (a `$source` under `values`) are one
/// segment.
fn write_member(out: &mut String, value: &serde_json::Value, segments: &[&str]) -> bool {
    let mut at = value;
    for segment in segments {
        let next = match at {
            serde_json::Value::Object(object) => object.get(*segment),
            serde_json::Value::Array(array) => segment.parse::<usize>().ok().and_then(|i| array.get(i)),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    out.push_str(&at.to_string());
    true
}
