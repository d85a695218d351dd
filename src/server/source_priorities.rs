//! `GET /signalk/v1/sourcepriorities/…`: which source a path shows, and why. No other server has this; it stands apart from
//! the full model so that the model keeps the shape of the specification (docs/sources.md).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

use super::{Shared, headers, rest};
use crate::kernel::encode::priorities;
use crate::kernel::query;

const BASE: &str = "/signalk/v1/sourcepriorities/";

/// All rules, in the order in which they are tried.
pub async fn rules(State(shared): State<Arc<Shared>>) -> Response {
    let world = shared.feed.read();
    let rules: Vec<_> = world.model.priority_rules().map(priorities::rule).collect();
    headers::json_body(json!({ "rules": rules }).to_string())
}

/// One path, addressed as in the full model: `vessels/self/navigation/speedOverGround`.
pub async fn of_path(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let place = uri.path().strip_prefix(BASE).unwrap_or_default();
    let Some(segments) = rest::decoded_segments(place) else {
        return headers::error(StatusCode::BAD_REQUEST, "the path is not valid UTF-8 in percent encoding");
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let now = shared.clock.now().mono;
    let world = shared.feed.read();
    match query::find_leaf(&world, &segments) {
        Some((node, leaf)) => headers::json_body(priorities::explanation(&world.model, node, leaf, now).to_string()),
        None => headers::error(StatusCode::NOT_FOUND, &format!("no path with a value at {place}")),
    }
}
