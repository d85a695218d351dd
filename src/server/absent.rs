//! Parts of the API that this server does not have, each with the status that says so (ERR-01, ERR-04): a client can tell
//! "not here" from "wrong address".

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::headers;

/// `/signalk/v1/playback`
pub fn playback() -> Response {
    headers::error(StatusCode::NOT_IMPLEMENTED, "this server has no playback")
}

/// `/signalk/v1/snapshot/…`
pub fn snapshot() -> Response {
    headers::error(StatusCode::NOT_IMPLEMENTED, "this server has no snapshots of the past")
}

/// `/signalk/v1/auth/…`
pub async fn logins() -> Response {
    headers::error(StatusCode::NOT_IMPLEMENTED, "this server has no logins")
}

/// `/signalk/v1/access/requests`
pub async fn access_requests() -> Response {
    headers::error(StatusCode::NOT_IMPLEMENTED, "this server has no access requests")
}

/// `/signalk/v1/requests/<id>` and `/signalk/v1/access/requests/<id>`
pub async fn unknown_request(Path(id): Path<String>) -> Response {
    headers::error(StatusCode::NOT_FOUND, &format!("no request has the id {id}"))
}
