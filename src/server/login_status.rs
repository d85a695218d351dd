//! `GET /skServer/loginStatus`: what apps ask before they show a login form (SEC-20). There are no logins here, so the
//! answer is the same for everybody, and says that none is needed.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::json;

use super::headers;

/// Answers. Never to be cached: an app asks again after it has tried to log in.
pub async fn login_status() -> Response {
    let body = json!({
        "status": "notLoggedIn",
        "readOnlyAccess": false,
        "authenticationRequired": false,
        "allowNewUserRegistration": false,
        "allowDeviceAccessRequests": false,
        "securityWasEnabled": false,
    });
    let mut response = headers::json_body(body.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    response
}
