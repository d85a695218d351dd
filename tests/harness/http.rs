//! HTTP/1.1 by hand: one request, one connection.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::DEADLINE;

/// An answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
    }

    /// The body, which must be text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not JSON: {e}: {:?}", self.text()))
    }
}

/// Sends a request and reads the answer. A `Host` among `headers` takes the place of the address.
pub async fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        write!(head, "Host: {address}\r\n").unwrap();
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if !body.is_empty() {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    let bytes = format!("{head}\r\n{body}");
    timeout(DEADLINE, exchange(address, bytes.as_bytes(), method == "HEAD")).await.expect("an answer in time")
}

/// Asks for an upgrade to WebSocket and reads the head of the answer only.
pub async fn upgrade(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    timeout(DEADLINE, exchange(address, head.as_bytes(), false)).await.expect("an answer in time")
}

async fn exchange(address: SocketAddr, bytes: &[u8], is_head: bool) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut got = Vec::new();
    let end = loop {
        if let Some(at) = got.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        assert_ne!(stream.read_buf(&mut got).await.unwrap(), 0, "no whole head: {:?}", String::from_utf8_lossy(&got));
    };
    let head = String::from_utf8(got[..end].to_vec()).expect("a head in UTF-8");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status line");
    let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
    let mut response = Response { status, headers: lines.filter_map(pair).collect(), body: got.split_off(end) };
    if status == 101 || is_head {
        return response;
    }
    if let Some(length) = response.header("content-length").and_then(|n| n.parse::<usize>().ok()) {
        while response.body.len() < length {
            assert_ne!(stream.read_buf(&mut response.body).await.unwrap(), 0, "the body is cut short");
        }
        response.body.truncate(length);
    } else {
        let chunked = response.header("transfer-encoding") == Some("chunked");
        stream.read_to_end(&mut response.body).await.unwrap();
        if chunked {
            response.body = dechunked(&response.body);
        }
    }
    response
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&rest[..at]).unwrap().split(';').next().unwrap().trim();
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        rest = &rest[at + 2..];
        if size == 0 {
            break;
        }
        out.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
    out
}
