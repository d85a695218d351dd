//! The `sources` branch of the full model: who speaks, in what, and when last (specification: "Sources").

use serde_json::{Map, Value as Json, json};

use crate::kernel::model::Model;
use crate::kernel::model::sources::SourceInfo;

/// What a source is, which decides the shape of its node (SRC-10: never two of them).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bus {
    Nmea0183,
    Nmea2000,
    Other,
}

/// The whole branch. Names nest at their dots, so a source of sentences is `<input>.<talker>` and a device on a bus is
/// `<bus>.<address>` (SRC-07 to SRC-09). A node below another one is never overwritten by what is said of that other one.
pub fn tree(model: &Model) -> Json {
    let mut root = Map::new();
    for (name, _) in model.sources().iter() {
        node_at(&mut root, name.split('.'));
    }
    for (name, info) in model.sources().iter() {
        let description: Map<String, Json> =
            info.descriptions.last().and_then(|(json, _)| serde_json::from_str(json).ok()).unwrap_or_default();
        let bus = bus_of(info, &description);
        if let (Bus::Nmea0183 | Bus::Nmea2000, Some((above, _))) = (bus, name.rsplit_once('.')) {
            let label = description.get("label").cloned().unwrap_or_else(|| json!(above));
            let node = node_at(&mut root, above.split('.'));
            put(node, "label", label);
            put(node, "type", json!(if bus == Bus::Nmea2000 { "NMEA2000" } else { "NMEA0183" }));
        }
        describe(node_at(&mut root, name.split('.')), model, info, bus, description);
    }
    Json::Object(root)
}

fn bus_of(info: &SourceInfo, description: &Map<String, Json>) -> Bus {
    match description.get("type").and_then(Json::as_str) {
        Some("NMEA2000") => Bus::Nmea2000,
        Some("NMEA0183") => Bus::Nmea0183,
        _ if info.talker.is_some() => Bus::Nmea0183,
        _ if description.contains_key("pgn") => Bus::Nmea2000,
        _ if description.contains_key("sentence") => Bus::Nmea0183,
        _ => Bus::Other,
    }
}

/// The node at a place, made where it is missing.
fn node_at<'a, 'n>(
    root: &'a mut Map<String, Json>,
    segments: impl Iterator<Item = &'n str>,
) -> &'a mut Map<String, Json> {
    segments.fold(root, |at, segment| {
        let node = at.entry(segment).or_insert_with(|| Json::Object(Map::new()));
        node.as_object_mut().expect("nodes are made before anything else is put into them")
    })
}

/// Sets a member, unless another source has its node there.
fn put(node: &mut Map<String, Json>, name: &str, value: Json) {
    node.entry(name).or_insert(value);
}

fn describe(
    node: &mut Map<String, Json>,
    model: &Model,
    info: &SourceInfo,
    bus: Bus,
    mut description: Map<String, Json>,
) {
    let kinds = |pgns: bool| -> Json {
        let name = |detail| model.sources().detail(detail);
        let is_pgn = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
        let kinds = info.sentences.iter().filter(|(d, _)| is_pgn(name(*d)) == pgns);
        Json::Object(kinds.map(|(d, at)| (name(*d).to_owned(), json!(at.to_string()))).collect())
    };
    // What stands in another place already.
    for name in ["pgn", "sentence", "instance"] {
        description.remove(name);
    }
    match bus {
        Bus::Nmea0183 => {
            description.remove("label");
            description.remove("type");
            if let Some(talker) = &info.talker {
                put(node, "talker", json!(talker.as_str()));
            }
            put(node, "sentences", kinds(false));
        }
        Bus::Nmea2000 => {
            description.remove("label");
            description.remove("type");
            description.insert("pgns".into(), kinds(true));
            put(node, "n2k", Json::Object(std::mem::take(&mut description)));
        }
        Bus::Other => {
            put(node, "timestamp", json!(info.last.to_string()));
        }
    }
    for (name, value) in description {
        put(node, &name, value);
    }
    for instance in &info.instances {
        put(node, instance, Json::Object(Map::new()));
    }
}
