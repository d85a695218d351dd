//! `GET /signalk`: where everything is (specification: "Endpoints").

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::json;

use super::{Shared, headers};
use crate::kernel::encode::API_VERSION;

/// Answers with absolute URLs built from the request's own `Host`, so that they work through NAT and proxies.
pub async fn discovery(State(shared): State<Arc<Shared>>, request: HeaderMap) -> Response {
    let text = |name: &str| request.get(name).and_then(|v| v.to_str().ok());
    let host = text(header::HOST.as_str()).filter(|h| host_is_plain(h)).unwrap_or("localhost");
    let secure = text("x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    let (http, ws) = if secure { ("https", "wss") } else { ("http", "ws") };
    let mut v1 = json!({
        "version": API_VERSION,
        "signalk-http": format!("{http}://{host}/signalk/v1/api/"),
        "signalk-ws": format!("{ws}://{host}/signalk/v1/stream"),
    });
    if let Some(port) = shared.tcp_port {
        v1["signalk-tcp"] = json!(format!("tcp://{}:{port}", without_port(host)));
    }
    let body = json!({
        "endpoints": {"v1": v1},
        "server": {"id": shared.identity.name, "version": API_VERSION},
    });
    headers::json_body(body.to_string())
}

/// The host without its port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Whether a `Host` can stand in a URL as it is. What cannot is not repeated.
pub(super) fn host_is_plain(host: &str) -> bool {
    host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_loses_its_port_only() {
        let table = [
            ("boat:3000", "boat"),
            ("boat", "boat"),
            ("[::1]:3000", "[::1]"),
            ("[::1]", "[::1]"),
            ("10.0.0.1:1", "10.0.0.1"),
        ];
        for (host, expected) in table {
            assert_eq!(without_port(host), expected);
        }
        assert!(!host_is_plain("a\"b") && !host_is_plain("a/b") && host_is_plain("boat.local:3000"));
    }
}
