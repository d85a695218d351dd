//! `http://host:port`: asks the other server where its stream is (specification: "Endpoints").

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::address::Address;
use crate::input::ended::{Ended, Why, with_advice};
use crate::input::tcp;
use crate::kernel::json;

/// Bytes of the answer at the most, headers included.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The URL of the stream at `address`: the WebSocket where there is one, else the raw stream.
pub(super) async fn stream_url(address: &Address, limit: Duration) -> Result<String, Ended> {
    let shown = address.shown();
    let mut stream = tcp::connect(&address.host_and_port, limit).await?;
    let question = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        address.path, address.host_and_port
    );
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(question.as_bytes()).await?;
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await
    };
    match timeout(limit, exchange).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(Ended::io(format_args!("ask {shown}"), &error, |_| "")),
        Err(_) => return Err(Ended::new(Why::TimedOut, format!("ask {shown}: no answer in {} s", limit.as_secs()))),
    }
    endpoint(&answer).ok_or_else(|| {
        let text = format!("ask {shown}: the answer names no stream");
        Ended::new(Why::Malformed, with_advice(text, "is it a Signal K server? is this its port?"))
    })
}

#[derive(Deserialize)]
struct Discovery {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    v1: Version,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "signalk-ws")]
    ws: Option<String>,
    #[serde(rename = "signalk-tcp")]
    tcp: Option<String>,
}

/// The stream in an answer. HTTP/1.0 was asked for, so the body is not in chunks; servers that send chunks all the same
/// still have the whole object between the first and the last brace, since it is short enough for one.
fn endpoint(answer: &[u8]) -> Option<String> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if head.split(' ').nth(1) != Some("200") {
        return None;
    }
    let body = body.get(body.find('{')?..=body.rfind('}')?)?;
    if !json::depth_is_bounded(body) {
        return None;
    }
    let version = json::object::<Discovery>(body)?.endpoints.v1;
    version.ws.or(version.tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_found_in_the_answer() {
        let body = r#"{"endpoints":{"v1":{"version":"2.0.0","signalk-ws":"ws://b:3000/s","signalk-tcp":"tcp://b:1"}},"server":{"id":"x"}}"#;
        let raw_only = r#"{"endpoints":{"v1":{"signalk-tcp":"tcp://b:1"}}}"#;
        let table = [
            (format!("HTTP/1.1 200 OK\r\nX: y\r\n\r\n{body}"), Some("ws://b:3000/s")),
            (format!("HTTP/1.1 200 OK\r\n\r\n7f\r\n{body}\r\n0\r\n\r\n"), Some("ws://b:3000/s")),
            (format!("HTTP/1.0 200 OK\r\n\r\n{raw_only}"), Some("tcp://b:1")),
            (format!("HTTP/1.1 404 Not Found\r\n\r\n{body}"), None),
            ("HTTP/1.1 200 OK\r\n\r\n<html>".to_owned(), None),
            (body.to_owned(), None),
        ];
        for (answer, expected) in table {
            assert_eq!(endpoint(answer.as_bytes()).as_deref(), expected, "{answer}");
        }
        assert_eq!(endpoint(b"\xff"), None);
    }
}
