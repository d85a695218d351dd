//! How a WebSocket ends, byte by byte: a close is answered, what are no frames is told so, and the server goes on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use harness::{DEADLINE, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A frame of less than 126 bytes, masked with zeros: its first byte and its payload.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0][..], payload].concat()
}

/// Everything that the server sends from the upgrade to the end of the connection, after `bytes` were sent.
async fn answer(server: &TestServer, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    let request = format!(
        "GET /signalk/v1/stream?subscribe=none HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        server.http
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut all = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut all)).await.expect("an end").expect("a clean end");
    all
}

/// The code of the close frame that ends what the server sent; `None` for a close without one.
fn close_code(all: &[u8]) -> Option<u16> {
    let head = all.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer to the upgrade") + 4;
    assert!(all.starts_with(b"HTTP/1.1 101 "));
    let mut rest = &all[head..];
    loop {
        let (length, header) = match rest[1] {
            126 => (usize::from(u16::from_be_bytes([rest[2], rest[3]])), 4),
            short => (usize::from(short), 2),
        };
        let payload = &rest[header..header + length];
        if rest[0] == 0x88 {
            assert_eq!(rest.len(), header + length, "nothing follows a close");
            return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        }
        rest = &rest[header + length..];
    }
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    let server = TestServer::start("").await;
    for code in [1000_u16, 1001, 3000, 4999] {
        let all = answer(&server, &frame(0x88, &code.to_be_bytes())).await;
        assert_eq!(close_code(&all), Some(code));
    }
    assert_eq!(close_code(&answer(&server, &frame(0x88, b"")).await), None);
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so_and_harms_nobody() {
    let server = TestServer::start("").await;
    let mut other = server.ws_greeted("subscribe=none").await;
    let cases: [(&str, Vec<u8>, u16); 10] = [
        ("not masked", vec![0x81, 2, b'{', b'}'], 1002),
        ("reserved bit", frame(0xC1, b"{}"), 1002),
        ("opcode 3", frame(0x83, b"{}"), 1002),
        ("opcode 11", frame(0x8B, b"{}"), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("close of one byte", frame(0x88, b"x"), 1002),
        ("a close code that nobody may send", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("a text that is not UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("a frame of 2^62 bytes", [&[0x82, 0xFF, 0x40][..], &[0; 11]].concat(), 1009),
    ];
    for (what, bytes, code) in cases {
        assert_eq!(close_code(&answer(&server, &bytes).await), Some(code), "{what}");
    }
    harness::Stream::still_works(&mut other, &server).await;
}
