//! Bodies and headers that all answers share.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

/// Bodies from this size on are compressed for who accepts it; smaller ones fit a packet as they are.
const COMPRESS_BYTES_MIN: usize = 1_400;

/// A JSON body with its content type.
pub fn json_body(body: String) -> Response {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    ([(header::CONTENT_TYPE, json)], body).into_response()
}

/// A JSON body, in gzip for who accepts that.
pub fn compressed_json(body: String, request: &HeaderMap) -> Response {
    if body.len() < COMPRESS_BYTES_MIN || !accepts_gzip(request) {
        return json_body(body);
    }
    // Speed before size: the link is a boat's own network, the processor a small one.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let packed = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish());
    let Ok(packed) = packed else { return json_body(body) };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        (header::VARY, HeaderValue::from_static("Accept-Encoding")),
    ];
    (headers, packed).into_response()
}

/// Whether the client takes gzip.
pub fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or("");
        let refused = parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        (name == "gzip" || name == "*") && !refused
    })
}

/// An error in the one shape they all have.
pub fn error(status: StatusCode, message: &str) -> Response {
    (status, json_body(json!({"message": message}).to_string())).into_response()
}

/// An error in the shape of the v2 interfaces (V2C-01).
pub fn v2_error(status: StatusCode, message: &str) -> Response {
    let body = json!({"state": "FAILED", "statusCode": status.as_u16(), "message": message});
    (status, json_body(body.to_string())).into_response()
}

/// The address is right, what is asked of it is not.
pub async fn method_not_allowed() -> Response {
    error(StatusCode::METHOD_NOT_ALLOWED, "that method is not supported here")
}

/// What is nowhere else: plain, quick and in JSON, never a page (clients parse what they get).
pub async fn not_found(uri: axum::http::Uri) -> Response {
    let shape = if uri.path().starts_with("/signalk/v2/") { v2_error } else { error };
    shape(StatusCode::NOT_FOUND, &format!("nothing at {}", uri.path()))
}
