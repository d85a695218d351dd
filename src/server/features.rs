//! `GET /signalk/v2/features`: which of the optional interfaces work here (FEAT-01, FEAT-02).
//!
//! Apps hide what is not named, and offer what is: an interface stands here when a sailor can use it, not when its
//! addresses answer.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use super::{Shared, headers};

/// Names that clients know: `resources`, `course`, `history`, `weather`, `autopilot`, `radar`, `notifications`.
const WORKING: &[&str] = &[];
/// Stands there too where something is recorded.
const HISTORY: &str = "history";

/// Answers with both arrays always: clients walk them without looking.
pub async fn features(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let pairs: Vec<(String, String)> = Query::try_from_uri(&uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let asked = pairs.iter().find(|(name, _)| name == "enabled");
    // Only what is enabled is ever here, so who asks for the rest gets nothing.
    let disabled_only = asked.is_some_and(|(_, value)| matches!(&**value, "false" | "0"));
    let mut apis = WORKING.to_vec();
    if shared.has_history() {
        apis.push(HISTORY);
    }
    if disabled_only {
        apis.clear();
    }
    headers::json_body(json!({"apis": apis, "plugins": []}).to_string())
}
