//! `GET /`: one page for whoever opens the server with a browser - what is connected, live values, AIS targets, addresses.
//!
//! The page is a single file that is part of the program: it asks no other origin for anything, so it works without the
//! internet, and the policy sent with it (Content Security Policy, level 3) lets it do nothing else.

mod digest;

use std::io::Write;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{discovery, headers};

/// The page as it is written.
const PAGE: &str = include_str!("page/index.html");

/// Computed once, when the page is asked for the first time.
static PREPARED: LazyLock<Prepared> = LazyLock::new(|| Prepared::new(PAGE));

/// The page as it is sent.
struct Prepared {
    plain: Bytes,
    /// `None` when it could not be compressed; then it goes as it is.
    packed: Option<Bytes>,
    /// Digest of the content, for the ETag.
    tag: String,
    /// Source expressions of the inline script and style: these and no others may run.
    script: String,
    style: String,
}

impl Prepared {
    fn new(page: &'static str) -> Self {
        let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 2), Compression::best());
        let packed = encoder.write_all(page.as_bytes()).and_then(|()| encoder.finish());
        let digest = digest::sha256(page.as_bytes());
        Self {
            plain: Bytes::from_static(page.as_bytes()),
            packed: packed.ok().map(Bytes::from),
            tag: digest[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            script: source_of(page, "<script>", "</script>"),
            style: source_of(page, "<style>", "</style>"),
        }
    }

    /// The policy. `'self'` is the stream as well, except in older Safari, which wants WebSocket addresses spelled out.
    fn policy(&self, host: Option<&str>) -> String {
        let streams = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
        format!(
            "default-src 'none'; script-src {}; style-src {}; img-src data:; connect-src 'self'{streams}; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            self.script, self.style
        )
    }
}

/// The source expression of what stands between two tags: the digest of exactly these bytes.
fn source_of(page: &str, open: &str, close: &str) -> String {
    let inside = page.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inside, _)| inside);
    format!("'sha256-{}'", digest::base64(&digest::sha256(inside.as_bytes())))
}

/// Answers with the page; 304 to a browser that has it. It is asked again each time, so that an update shows at once.
pub async fn page(request: HeaderMap) -> Response {
    let text = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    let prepared = &*PREPARED;
    let packed = prepared.packed.clone().filter(|_| headers::accepts_gzip(&request));
    // The two forms are different bytes, so they have different tags.
    let tag = format!("\"{}{}\"", prepared.tag, if packed.is_some() { "-gz" } else { "" });
    let host = text(header::HOST).filter(|host| discovery::host_is_plain(host));
    let known = text(header::IF_NONE_MATCH).is_some_and(|tags| is_among(&tag, tags));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let zipped = packed.is_some();
        let mut response = packed.unwrap_or_else(|| prepared.plain.clone()).into_response();
        if zipped {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    out.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, value) in [(header::ETAG, tag), (header::CONTENT_SECURITY_POLICY, prepared.policy(host))] {
        out.insert(name, HeaderValue::try_from(value).expect("made of visible ASCII"));
    }
    response
}

/// Whether `If-None-Match` names the tag (RFC 9110, section 13.1.2: compared weakly, `*` is any).
fn is_among(tag: &str, tags: &str) -> bool {
    tags.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others() {
        let table = [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ];
        for (tags, expected) in table {
            assert_eq!(is_among("\"a\"", tags), expected, "{tags}");
        }
    }

    #[test]
    fn the_policy_names_exactly_what_is_in_the_page() {
        let prepared = Prepared::new("<style></style><script>abc</script>");
        let policy = prepared.policy(Some("boat:3000"));
        assert!(policy.contains("script-src 'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='"), "{policy}");
        assert!(policy.contains("style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"), "{policy}");
        assert!(policy.contains("connect-src 'self' ws://boat:3000 wss://boat:3000;"), "{policy}");
        assert!(prepared.policy(None).contains("connect-src 'self';"));
    }
}
