//! `GET /signalk/v1/snapshot/…?time=…`: any node of the full model as it was at a moment.
//!
//! The same tree and the same code as `/signalk/v1/api`, over a world that is made from what was recorded by then.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;

use super::rest::{SEGMENTS_MAX, decoded_segments};
use super::{Shared, absent, headers};
use crate::history::HistoryError;
use crate::history::handle::History;
use crate::history::player;
use crate::history::reader::Filter;
use crate::kernel::query;
use crate::kernel::time::Timestamp;
use crate::kernel::update::Update;
use crate::kernel::world::recorded_now;

/// Addresses under which snapshots are, the longest first (PLB-10).
const PREFIXES: [&str; 2] = ["/signalk/v1/api/snapshot", "/signalk/v1/snapshot"];

/// Answers for any node.
pub async fn snapshot(State(shared): State<Arc<Shared>>, request: Request<axum::body::Body>) -> Response {
    let Some(history) = shared.history.clone() else { return absent::snapshot() };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return headers::error(StatusCode::METHOD_NOT_ALLOWED, "only GET is supported here");
    }
    let query: Vec<(String, String)> = Query::try_from_uri(request.uri()).map(|Query(pairs)| pairs).unwrap_or_default();
    let Some((_, time)) = query.iter().find(|(name, _)| name == "time") else {
        return headers::error(StatusCode::BAD_REQUEST, "time is required");
    };
    let Some(at) = Timestamp::parse(time) else {
        let words = format!("time: {time} is not a time such as 2026-07-01T12:00:00Z");
        return headers::error(StatusCode::BAD_REQUEST, &words);
    };
    let path = PREFIXES.iter().find_map(|prefix| request.uri().path().strip_prefix(prefix)).unwrap_or("");
    let path = path.trim_matches('/').to_owned();
    let Some(segments) = decoded_segments(&path) else {
        return headers::error(StatusCode::BAD_REQUEST, "the path is not valid UTF-8 in percent encoding");
    };
    let state = match history.blocking(move |history| state_at(&history, at)).await {
        Some(Ok(state)) => state,
        Some(Err(error)) => {
            tracing::warn!(%error, "a snapshot could not be read");
            return headers::error(StatusCode::INTERNAL_SERVER_ERROR, "the history cannot be read");
        }
        None => return headers::error(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping"),
    };
    if state.is_empty() {
        return headers::error(StatusCode::BAD_REQUEST, &format!("no data was recorded by {time}"));
    }
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut body = String::new();
    let mut world = shared.feed.read().replica(at);
    world.replay(state, at);
    world.sweep(recorded_now(at));
    let found = segments.len() <= SEGMENTS_MAX && query::write_node(&mut body, &world, &segments, recorded_now(at));
    if !found {
        return headers::error(StatusCode::NOT_FOUND, &format!("nothing at {} then", request.uri().path()));
    }
    let mut response = headers::compressed_json(body, request.headers());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Everything that had been said by `at`, that moment included.
fn state_at(history: &History, at: Timestamp) -> Result<Vec<Update>, HistoryError> {
    let mut reader = history.reader()?;
    let samples = reader.state_at(&Filter::all(), at.plus_millis(1))?;
    Ok(player::state(samples, |id| reader.series(id).ok().flatten()))
}
