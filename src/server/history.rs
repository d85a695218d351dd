//! `/signalk/v2/api/history/…`: charts ask here (HIST-01 to HIST-10). Errors have the key `error`, unlike elsewhere.
//!
//! Reading blocks, so it is done on a blocking thread, by two requests at a time; others wait their turn for a while. Who
//! hangs up is not read for any further.

#[cfg(feature = "history")]
mod reading;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::{Shared, headers};

/// The addresses.
pub fn routes() -> Router<Arc<Shared>> {
    #[cfg(feature = "history")]
    use reading::{contexts, default_provider, paths, providers, values};
    #[cfg(not(feature = "history"))]
    use {off as contexts, off as default_provider, off as paths, off as providers, off as values};

    Router::new()
        .route("/signalk/v2/api/history/values", get(values))
        .route("/signalk/v2/api/history/paths", get(paths))
        .route("/signalk/v2/api/history/contexts", get(contexts))
        .route("/signalk/v2/api/history/_providers", get(providers))
        .route("/signalk/v2/api/history/_providers/_default", get(default_provider))
}

/// What is answered where nothing is recorded.
async fn off() -> Response {
    error(StatusCode::NOT_IMPLEMENTED, "this server keeps no history; set [history] enabled in the configuration")
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, headers::json_body(json!({"error": message}).to_string())).into_response()
}
