//! `GET /signalk/v1/api/…`: the full model and every node of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Shared, headers};
use crate::kernel::query;

/// Segments of a path at the most; a longer one leads nowhere.
pub(super) const SEGMENTS_MAX: usize = 40;

/// Answers for any node.
pub async fn api(State(shared): State<Arc<Shared>>, request: Request<axum::body::Body>) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return allowed(),
        Method::PUT | Method::DELETE | Method::POST => return not_supported(request.uri().path()),
        _ => return headers::error(StatusCode::METHOD_NOT_ALLOWED, "only GET is supported here"),
    }
    let path = request.uri().path().strip_prefix("/signalk/v1/api").unwrap_or("").trim_matches('/');
    let Some(segments) = decoded_segments(path) else {
        return headers::error(StatusCode::BAD_REQUEST, "the path is not valid UTF-8 in percent encoding");
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let now = shared.clock.now();
    let mut body = String::new();
    let (found, head) = {
        let world = shared.feed.read();
        let found = segments.len() <= SEGMENTS_MAX && query::write_node(&mut body, &world, &segments, now);
        (found, world.head())
    };
    if !found {
        return headers::error(StatusCode::NOT_FOUND, &format!("nothing at /signalk/v1/api/{path}"));
    }
    let mut response = headers::compressed_json(body, request.headers());
    if let Ok(timepoint) = HeaderValue::from_str(&head.0.to_string()) {
        response.headers_mut().insert("signal-k-timepoint", timepoint);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// What may be asked of a node.
fn allowed() -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, HeaderValue::from_static("GET, HEAD, PUT, DELETE, OPTIONS"))])
        .into_response()
}

/// A write that nothing here can carry out, in the form of a PUT's reply.
fn not_supported(path: &str) -> Response {
    let body = json!({"state": "COMPLETED", "statusCode": 405, "message": format!("PUT is not supported for {path}")});
    (StatusCode::METHOD_NOT_ALLOWED, headers::json_body(body.to_string())).into_response()
}

/// The segments of a path with their percent encoding undone. Split before decoding: an encoded slash is part of a name.
pub(super) fn decoded_segments(path: &str) -> Option<Vec<String>> {
    path.split('/').filter(|s| !s.is_empty()).map(percent_decoded).collect()
}

fn percent_decoded(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let hex = [bytes.next()?, bytes.next()?];
            let hex = std::str::from_utf8(&hex).ok()?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_split_before_they_are_decoded() {
        let read = |path| decoded_segments(path);
        assert_eq!(read("vessels/urn%3Amrn/a"), Some(vec!["vessels".into(), "urn:mrn".into(), "a".into()]));
        assert_eq!(read("a%2Fb//c/"), Some(vec!["a/b".into(), "c".into()]));
        assert_eq!(read("a%2"), None);
        assert_eq!(read("%ff"), None);
    }
}
