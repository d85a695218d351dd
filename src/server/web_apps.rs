//! Lists of what can be added to other servers: plugins, add-ons and web apps. This one runs none, and says so with an
//! empty list, which apps take better than a 404 (REST-24, SRV-01).

use axum::response::Response;

use super::headers;

/// An empty list.
pub async fn none() -> Response {
    headers::json_body("[]".to_owned())
}
