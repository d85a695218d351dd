//! What the configuration says of the own vessel and of metadata, put into the world before anything else.

use serde_json::{Map, Value as Json, json};

use crate::config::{Config, Vessel};
use crate::kernel::model::identity_json;
use crate::kernel::time::Now;
use crate::kernel::update::PathMeta;
use crate::kernel::value::Value;
use crate::kernel::world::World;

pub(super) fn apply(world: &mut World, config: &Config, own: &str, now: Now) {
    let id = own.strip_prefix("vessels.").unwrap_or(own);
    let statics = statics(&config.vessel, id);
    world.set_defaults(Some(statics), values(&config.vessel), now);
    let items: Vec<PathMeta> = config.meta.iter().map(meta).collect();
    for issue in world.configure_meta(&items) {
        tracing::warn!("configuration: {issue}");
    }
}

/// Static data at the root, the identity that the id stands for included.
fn statics(vessel: &Vessel, id: &str) -> String {
    let mut object: Map<String, Json> = serde_json::from_str(&identity_json(id)).unwrap_or_default();
    let texts = [("name", &vessel.name), ("uuid", &vessel.uuid), ("flag", &vessel.flag), ("port", &vessel.port)];
    for (name, text) in texts {
        if let Some(text) = text {
            object.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(callsign) = &vessel.callsign {
        object.insert("communication".to_owned(), json!({ "callsignVhf": callsign }));
    }
    if let Some(imo) = &vessel.imo {
        object.insert("registrations".to_owned(), json!({ "imo": imo }));
    }
    Json::Object(object).to_string()
}

/// Leaves, each in the shape of the schema.
fn values(vessel: &Vessel) -> Vec<(&'static str, Value)> {
    let object = |json: Json| Value::json(json.to_string());
    let mut out = Vec::new();
    if let Some(metres) = vessel.length {
        out.push(("design.length", object(json!({ "overall": metres }))));
    }
    if let Some(metres) = vessel.draft {
        out.push(("design.draft", object(json!({ "maximum": metres }))));
    }
    if let Some(code) = vessel.ship_type {
        let name = crate::ais::ship_type::name(code).unwrap_or("Other");
        out.push(("design.aisShipType", object(json!({ "id": code, "name": name }))));
    }
    let numbers = [
        ("design.beam", vessel.beam),
        ("design.airHeight", vessel.air_height),
        ("sensors.gps.fromBow", vessel.gps_from_bow),
        ("sensors.gps.fromCenter", vessel.gps_from_center),
    ];
    out.extend(numbers.into_iter().filter_map(|(path, metres)| Some((path, Value::number(metres?)))));
    out
}

fn meta(meta: &crate::config::Meta) -> PathMeta {
    let mut object = Map::new();
    let texts = [("units", &meta.units), ("description", &meta.description), ("displayName", &meta.display_name)];
    for (name, text) in texts {
        if let Some(text) = text {
            object.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(timeout) = meta.timeout {
        object.insert("timeout".to_owned(), json!(timeout.as_secs_f64()));
    }
    if !meta.zones.is_empty() {
        let zones: Vec<Json> = meta.zones.iter().map(zone).collect();
        object.insert("zones".to_owned(), Json::Array(zones));
    }
    PathMeta { path: meta.path.as_str().into(), meta: Json::Object(object).to_string().into() }
}

fn zone(zone: &crate::config::Zone) -> Json {
    let mut object = Map::new();
    if let Some(lower) = zone.lower {
        object.insert("lower".to_owned(), json!(lower));
    }
    if let Some(upper) = zone.upper {
        object.insert("upper".to_owned(), json!(upper));
    }
    if let Some(message) = &zone.message {
        object.insert("message".to_owned(), json!(message));
    }
    object.insert("state".to_owned(), json!(zone.state.as_str()));
    Json::Object(object)
}
