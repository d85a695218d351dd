//! The `sources` branch of the full model: who speaks, in what, and when last (specification: "Sources").

use serde_json::{Map, Value as Json, json};

use crate::kernel::model::Model;
use crate::kernel::model::sources::SourceInfo;

/// The whole branch. A source of sentences is `<input>.<talker>`; other names nest at their dots (SRC-07 to SRC-09).
pub fn tree(model: &Model) -> Json {
    let mut root = Map::new();
    for (name, info) in model.sources().iter() {
        let mut at = &mut root;
        let mut segments = name.split('.').peekable();
        while let Some(segment) = segments.next() {
            let node = at.entry(segment).or_insert_with(|| Json::Object(Map::new()));
            // Whatever stood at the name of a node before, a node it is now.
            if !node.is_object() {
                *node = Json::Object(Map::new());
            }
            let Json::Object(inner) = node else { return Json::Object(root) };
            at = inner;
            if segments.peek().is_some() && info.nmea0183.is_some() {
                at.entry("label").or_insert_with(|| json!(segment));
                at.entry("type").or_insert_with(|| json!("NMEA0183"));
            }
        }
        describe(at, model, info);
    }
    Json::Object(root)
}

fn describe(node: &mut Map<String, Json>, model: &Model, info: &SourceInfo) {
    if let Some((_, talker)) = &info.nmea0183 {
        let sentences: Map<String, Json> =
            info.sentences.iter().map(|(d, t)| (model.sources().detail(*d).to_owned(), json!(t.to_string()))).collect();
        node.insert("talker".into(), json!(talker.as_str()));
        node.insert("sentences".into(), Json::Object(sentences));
        return;
    }
    let description = info.description.as_deref().and_then(|json| serde_json::from_str(json).ok());
    if let Some(Json::Object(members)) = description {
        let n2k = members.contains_key("pgn") || members.get("type").is_some_and(|t| t == "NMEA2000");
        let instance = members.get("instance").and_then(Json::as_str).map(str::to_owned);
        if n2k {
            let pgns: Map<String, Json> =
                members.get("pgn").map(|pgn| (pgn.to_string(), json!(info.last.to_string()))).into_iter().collect();
            let mut bus = members.clone();
            bus.remove("pgn");
            bus.remove("label");
            bus.insert("pgns".into(), Json::Object(pgns));
            node.insert("n2k".into(), Json::Object(bus));
        } else {
            node.extend(members);
        }
        if let Some(instance) = instance {
            node.entry(instance).or_insert_with(|| Json::Object(Map::new()));
        }
    }
    node.insert("timestamp".into(), json!(info.last.to_string()));
}
