//! `/signalk/v2/api/resources`: routes, waypoints, notes, regions and charts (RES-01 to RES-06). Nothing keeps any here
//! yet: chart plotters get empty collections, which they show as such, and a plain refusal when they want to store.

use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Map, json};

use super::headers;

/// The standard types with what each holds. Any other is unknown.
const TYPES: [(&str, &str); 5] = [
    ("routes", "Routes to sail, as lines"),
    ("waypoints", "Named positions"),
    ("notes", "Notes that belong to a position or a region"),
    ("regions", "Areas"),
    ("charts", "Charts to draw"),
];

/// The types.
pub async fn types(method: Method) -> Response {
    if !is_read(&method) {
        return cannot_store();
    }
    let types = TYPES.iter().map(|(name, description)| ((*name).to_owned(), json!({"description": description})));
    headers::json_body(serde_json::Value::Object(types.collect::<Map<_, _>>()).to_string())
}

/// Everything of one type: an object by id.
pub async fn collection(Path(kind): Path<String>, method: Method) -> Response {
    if !known(&kind) {
        headers::v2_error(StatusCode::NOT_FOUND, &format!("there are no resources of the type {kind}"))
    } else if is_read(&method) {
        headers::json_body("{}".to_owned())
    } else {
        cannot_store()
    }
}

/// One resource, or a member of one.
pub async fn item(Path((kind, rest)): Path<(String, String)>, method: Method) -> Response {
    if known(&kind) && !is_read(&method) {
        return cannot_store();
    }
    headers::v2_error(StatusCode::NOT_FOUND, &format!("there is no {kind}/{rest}"))
}

fn known(kind: &str) -> bool {
    TYPES.iter().any(|(name, _)| *name == kind)
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn cannot_store() -> Response {
    headers::v2_error(StatusCode::NOT_IMPLEMENTED, "this server does not store resources")
}
