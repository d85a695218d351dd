//! The page at `/`: how it is served, and that it keeps to itself. How it looks and whether it keeps up is for a browser to
//! say: `tests/page/check.mjs`.
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use std::io::Read;

use harness::TestServer;

/// The page in bytes, at the most: half a second on a poor link.
const PAGE_BYTES_MAX: usize = 60 * 1024;

#[tokio::test]
async fn the_page_is_html_with_a_strict_policy() {
    let server = TestServer::start("").await;
    for path in ["/", "/index.html"] {
        let response = server.get(path).await;
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert!(response.text().starts_with("<!doctype html>"), "{path}");
        assert!(response.body.len() < PAGE_BYTES_MAX, "{} bytes", response.body.len());
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(policy.contains(&format!("connect-src 'self' ws://{} ", server.http)), "{policy}");
    }
    let odd = server.request("GET", "/", &[("Host", "a;script-src *")], "").await;
    assert!(!odd.header("content-security-policy").unwrap().contains('*'), "a host is not repeated unless it is plain");
}

#[tokio::test]
async fn gzip_is_the_same_page_under_another_tag() {
    let server = TestServer::start("").await;
    let plain = server.get("/").await;
    let packed = server.request("GET", "/", &[("Accept-Encoding", "gzip, br")], "").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_ne!(plain.header("etag"), packed.header("etag"));
    let mut page = String::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_string(&mut page).unwrap();
    assert_eq!(page, plain.text());
}

#[tokio::test]
async fn who_has_the_page_is_not_sent_it_again() {
    let server = TestServer::start("").await;
    let tag = server.get("/").await.header("etag").unwrap().to_owned();
    let again = server.request("GET", "/", &[("If-None-Match", &tag)], "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(&*tag));
    assert!(again.header("content-security-policy").is_some());
    let other = server.request("GET", "/", &[("If-None-Match", "\"another\"")], "").await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn the_page_needs_nobody_else_and_inserts_no_markup() {
    let page = TestServer::start("").await.get("/").await.text().to_owned();
    for word in [
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "style=\"",
        "onclick=",
    ] {
        assert!(!page.contains(word), "the page has {word:?}");
    }
    assert_eq!(
        (page.matches("<script").count(), page.matches("<style").count()),
        (1, 1),
        "the policy has one digest each"
    );
}
