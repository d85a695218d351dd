//! `GET /signalk/v2/features`: which of the optional interfaces work here (FEAT-01, FEAT-02).
//!
//! Apps hide what is not named, and offer what is: an interface stands here when a sailor can use it, not when its
//! addresses answer.

use axum::extract::Query;
use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use super::headers;

/// Names that clients know: `resources`, `course`, `history`, `weather`, `autopilot`, `radar`, `notifications`.
const WORKING: &[&str] = &[];

/// Answers with both arrays always: clients walk them without looking.
pub async fn features(uri: Uri) -> Response {
    let pairs: Vec<(String, String)> = Query::try_from_uri(&uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let asked = pairs.iter().find(|(name, _)| name == "enabled");
    // Only what is enabled is ever here, so who asks for the rest gets nothing.
    let disabled_only = asked.is_some_and(|(_, value)| matches!(&**value, "false" | "0"));
    let apis = if disabled_only { &[] } else { WORKING };
    headers::json_body(json!({"apis": apis, "plugins": []}).to_string())
}
