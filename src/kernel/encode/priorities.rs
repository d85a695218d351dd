//! Which source a path shows, and why, as JSON for people who wonder.

use serde_json::{Value as Json, json};

use crate::kernel::model::Model;
use crate::kernel::model::context::{ContextNode, Leaf};
use crate::kernel::model::priority::PriorityRule;
use crate::kernel::time::Moment;

/// A rule: `{"path":"navigation.*","sources":[{"$source":"gps.GP","timeout":0},…]}`, times in milliseconds.
pub fn rule(rule: &PriorityRule) -> Json {
    let sources: Vec<Json> =
        rule.sources.iter().map(|(source, ms)| json!({"$source": source.to_string(), "timeout": ms})).collect();
    json!({"path": rule.path.to_string(), "sources": sources})
}

/// What a leaf shows, the rule that says so (null for none), and every source with its reason.
pub fn explanation(model: &Model, node: &ContextNode, leaf: &Leaf, now: Moment) -> Json {
    let explained = model.explain(leaf.path, leaf, now);
    let source = |c: &crate::kernel::model::priority::Candidate<'_>| {
        json!({
            "$source": c.name,
            "shown": c.shown,
            "line": c.line,
            "timeout": c.timeout_ms,
            "silent": c.silent_ms,
            "why": c.why,
        })
    };
    json!({
        "context": &*node.name,
        "path": model.path(leaf.path),
        "$source": &**model.sources().name(leaf.shown_slot().source),
        "rule": explained.rule.map(rule),
        "sources": explained.sources.iter().map(source).collect::<Vec<_>>(),
    })
}
