//! The JSON Schemas of `schemas/`: well-formed, true to their own examples, and strict where it counts.
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod json_schema;

use std::sync::Arc;

use json_schema::Schema;
use serde_json::{Value as Json, json};
use taffrail::kernel::meta::Registry;
use taffrail::kernel::meta::table::Table;

const ALL: &[&str] =
    &["hello", "delta", "subscribe", "unsubscribe", "discovery", "leaf", "put-request", "request-reply"];

#[test]
fn every_schema_says_what_it_is_and_allows_its_examples() {
    for name in ALL {
        let schema = Schema::named(name);
        let text = |member| schema.json()[member].as_str().unwrap_or_default();
        assert_eq!(text("$schema"), "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(text("$id"), format!("urn:taffrail:schema:{name}"));
        assert!(text("description").len() > 20, "{name}");
        let examples = schema.json()["examples"].as_array().expect("examples");
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert_eq!(schema.problems(example), [""; 0], "{name}: {example}");
        }
    }
}

#[test]
fn every_schema_file_is_listed_here() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".schema.json")?.to_owned()))
        .collect();
    let mut listed = ALL.to_vec();
    found.sort();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// The first example of a schema with one thing changed: `pointer` set to the value, or removed for `None`.
fn spoilt(schema: &Schema, pointer: &str, value: Option<Json>) -> Json {
    let mut document = schema.json()["examples"][0].clone();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(member.to_owned(), value),
        None => parent.remove(member),
    };
    document
}

#[test]
fn what_must_not_go_over_the_wire_is_refused() {
    for (name, pointer, value) in [
        ("hello", "/version", None),
        ("hello", "/roles", None),
        ("hello", "/roles", Some(json!(["main", "master"]))),
        ("hello", "/serverStartId", Some(json!("x"))),
        ("delta", "/context", None),
        ("delta", "/context", Some(json!("vessels.self"))),
        ("delta", "/token", Some(json!("x"))),
        ("delta", "/updates/0/$source", None),
        ("delta", "/updates/0/timestamp", None),
        ("delta", "/updates/0/values", None),
        ("delta", "/updates/0/values/0/value", None),
        ("delta", "/updates/0/values/0/path", None),
        ("delta", "/updates/1/meta/0/value", Some(json!(null))),
        ("subscribe", "/subscribe", None),
        ("subscribe", "/subscribe", Some(json!("navigation.*"))),
        ("subscribe", "/subscribe/0/path", None),
        ("subscribe", "/subscribe/0/policy", Some(json!("often"))),
        ("subscribe", "/context", Some(json!({"radius": 5}))),
        ("unsubscribe", "/context", None),
        ("unsubscribe", "/unsubscribe", Some(json!(["*"]))),
        ("discovery", "/server/id", None),
        ("discovery", "/server/version", None),
        ("discovery", "/endpoints/v1", None),
        ("discovery", "/endpoints/v1/version", None),
        ("leaf", "/value", None),
        ("leaf", "/$source", None),
        ("leaf", "/timestamp", None),
        ("leaf", "/pgn", Some(json!(129_026))),
        ("leaf", "/meta", Some(json!({"zones": [{"upper": 1}]}))),
        ("leaf", "/meta", Some(json!({"alarmMethod": ["siren"]}))),
        ("leaf", "/meta", Some(json!({"displayScale": {"lower": 1}}))),
        ("put-request", "/requestId", None),
        ("put-request", "/put", Some(json!([]))),
        ("put-request", "/put/value", None),
        ("request-reply", "/state", Some(json!("DONE"))),
        ("request-reply", "/statusCode", Some(json!("200"))),
        ("request-reply", "/requestId", None),
    ] {
        let schema = Schema::named(name);
        let document = spoilt(&schema, pointer, value);
        assert_ne!(schema.problems(&document), [""; 0], "{name} {pointer}: {document}");
    }
}

#[test]
fn the_metadata_of_every_known_path_fits_a_leaf() {
    let table = Arc::new(Table::new());
    let registry = Registry::new(Arc::clone(&table));
    let schema = Schema::named("leaf");
    for row in table.rows() {
        let mut meta = String::new();
        assert!(registry.write_json(row.pattern, &mut meta), "{row:?}");
        let meta: Json = serde_json::from_str(&meta).unwrap();
        let leaf = json!({"value": null, "$source": "a.b", "timestamp": "2026-06-01T06:00:00.000Z", "meta": meta});
        assert_eq!(schema.problems(&leaf), [""; 0], "{row:?}");
    }
}
