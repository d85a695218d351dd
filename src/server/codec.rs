//! Two transports as one kind of thing: a stream of [`Incoming`] and a sink of [`Outgoing`].

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::{Buf, BufMut, BytesMut};
use futures_util::{Sink, Stream};
use tokio_util::codec::{Decoder, Encoder};

use super::driver::{Ended, Incoming, Outgoing};

/// What is gathered for one write: as much as is built at a time. The library's own defaults for this and the next cost
/// 135 KB a client.
const WRITE_BUFFER_BYTES: usize = 3 * 1024;
/// What is read at once: a client says little at a time, and each holds this all the time.
const READ_BUFFER_BYTES: usize = 1024;
/// What the library may hold unsent for one client. It is asked for more only when it has room, so this is never met.
const WRITE_BYTES_MAX: usize = 4 << 20;

/// A WebSocket: one text frame, one message.
#[derive(Debug)]
pub struct WsTransport {
    socket: WebSocket,
    message_bytes_max: usize,
}

impl WsTransport {
    /// A transport that refuses messages of more than `message_bytes_max` bytes.
    pub fn new(socket: WebSocket, message_bytes_max: usize) -> Self {
        Self { socket, message_bytes_max }
    }

    /// How long a message the library is to read, so that one that is somewhat too long can be refused in words and the
    /// stream goes on. Past this the stream ends: what is left of such a message cannot be passed over.
    pub const fn read_bytes_max(message_bytes_max: usize) -> usize {
        message_bytes_max.saturating_mul(4)
    }

    /// Sets the buffers and limits of a connection that is to become a transport.
    pub fn bound(upgrade: WebSocketUpgrade, message_bytes_max: usize) -> WebSocketUpgrade {
        upgrade
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(WRITE_BYTES_MAX.max(message_bytes_max.saturating_mul(2)))
            .max_message_size(Self::read_bytes_max(message_bytes_max))
            .max_frame_size(Self::read_bytes_max(message_bytes_max))
    }

    /// The next message as it came, or why there cannot be one.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Broken>>> {
        Pin::new(&mut self.socket).poll_next(cx).map(|item| match item? {
            Ok(message) => Some(Ok(message)),
            Err(error) => Some(Err(Broken::because_of(error))),
        })
    }

    /// Sends a message as it is, and waits until it is on its way.
    pub(super) async fn send_message(&mut self, message: Message) -> Result<(), axum::Error> {
        self.socket.send(message).await
    }

    fn incoming(&self, message: Message) -> Incoming {
        const TOO_LONG: Incoming = Incoming::Unusable("a message longer than the server takes was ignored");
        match message {
            Message::Text(text) if text.len() > self.message_bytes_max => TOO_LONG,
            Message::Binary(bytes) if bytes.len() > self.message_bytes_max => TOO_LONG,
            Message::Text(text) => Incoming::Text(text.as_str().to_owned()),
            Message::Binary(bytes) => match String::from_utf8(bytes.into()) {
                Ok(text) => Incoming::Text(text),
                Err(_) => Incoming::Unusable("a binary message that is not UTF-8 was ignored"),
            },
            // The library answers pings itself.
            Message::Ping(_) | Message::Pong(_) => Incoming::Alive,
            // The library has the answer ready; it goes out when the transport is closed.
            Message::Close(_) => Incoming::Closed,
        }
    }
}

/// Why a WebSocket cannot be read any further.
#[derive(Debug)]
pub(super) enum Broken {
    /// A message of a length that is not read.
    TooLong,
    /// Bytes that are no WebSocket frames, or not in this order (RFC 6455, section 5).
    NoFrames,
    /// A text that is not UTF-8 (RFC 6455, section 8.1).
    NotUtf8,
    /// The connection.
    Lost(axum::Error),
}

impl Broken {
    /// The library says only in words what it was; its wrapper hides the rest.
    fn because_of(error: axum::Error) -> Self {
        let words = error.to_string();
        if words.contains("Message too long") {
            Self::TooLong
        } else if words.contains("UTF-8") || words.contains("utf-8") {
            Self::NotUtf8
        } else if words.contains("WebSocket protocol error") && !words.contains("without closing handshake") {
            Self::NoFrames
        } else {
            Self::Lost(error)
        }
    }
}

impl Stream for WsTransport {
    type Item = Result<Incoming, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx).map(|item| match item? {
            Ok(message) => Some(Ok(self.incoming(message))),
            Err(Broken::TooLong) => Some(Ok(Incoming::Refused(Ended::MessageTooLong))),
            Err(Broken::NoFrames) => Some(Ok(Incoming::Refused(Ended::NoFrames))),
            Err(Broken::NotUtf8) => Some(Ok(Incoming::Refused(Ended::NotUtf8))),
            Err(Broken::Lost(error)) => Some(Err(error)),
        })
    }
}

impl Sink<Outgoing> for WsTransport {
    type Error = axum::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.socket).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, out: Outgoing) -> Result<(), Self::Error> {
        let message = match out {
            Outgoing::Frame(bytes) => Message::Text(Utf8Bytes::try_from(bytes).unwrap_or_default()),
            Outgoing::Ping => Message::Ping(bytes::Bytes::new()),
            Outgoing::Close(ended) => {
                Message::Close(Some(CloseFrame { code: ended.code(), reason: Utf8Bytes::from_static(ended.as_str()) }))
            }
        };
        Pin::new(&mut self.socket).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}

/// Lines of JSON: sent with CR LF, read with LF or CR LF (TCP-02).
#[derive(Debug)]
pub struct LineCodec {
    line_bytes_max: usize,
    /// Bytes of the buffer that are known to hold no end of a line.
    searched: usize,
    /// The line under way is too long; it is thrown away up to its end.
    skipping: bool,
}

impl LineCodec {
    /// A codec that refuses lines of more than `line_bytes_max` bytes.
    pub const fn new(line_bytes_max: usize) -> Self {
        Self { line_bytes_max, searched: 0, skipping: false }
    }
}

impl Decoder for LineCodec {
    type Item = Incoming;
    type Error = std::io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, Self::Error> {
        loop {
            let Some(end) = buffer[self.searched..].iter().position(|&b| b == b'\n').map(|at| self.searched + at)
            else {
                self.searched = buffer.len();
                // One more for the CR, which is no part of the line.
                if self.skipping || buffer.len() > self.line_bytes_max + 1 {
                    buffer.clear();
                    self.searched = 0;
                    if !std::mem::replace(&mut self.skipping, true) {
                        return Ok(Some(Incoming::Unusable("a line longer than the server takes was ignored")));
                    }
                }
                return Ok(None);
            };
            self.searched = 0;
            let line = buffer.split_to(end);
            buffer.advance(1);
            if std::mem::replace(&mut self.skipping, false) {
                continue;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.len() > self.line_bytes_max {
                return Ok(Some(Incoming::Unusable("a line longer than the server takes was ignored")));
            }
            let text = match std::str::from_utf8(line) {
                Ok(text) => text.trim(),
                Err(_) => return Ok(Some(Incoming::Unusable("a line that is not UTF-8 was ignored"))),
            };
            if !text.is_empty() {
                return Ok(Some(Incoming::Text(text.to_owned())));
            }
        }
    }
}

impl Encoder<Outgoing> for LineCodec {
    type Error = std::io::Error;

    fn encode(&mut self, out: Outgoing, buffer: &mut BytesMut) -> Result<(), Self::Error> {
        let line: &[u8] = match &out {
            Outgoing::Frame(bytes) => bytes,
            // Lines have no pings; the kernel's keep-alive stands in.
            Outgoing::Ping => return Ok(()),
            Outgoing::Close(ended) => {
                let text = serde_json::json!({"errorMessage": ended.as_str()}).to_string();
                buffer.put_slice(text.as_bytes());
                b""
            }
        };
        buffer.put_slice(line);
        buffer.put_slice(b"\r\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader sees of `bytes` that arrive in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> Vec<String> {
        let mut codec = LineCodec::new(20);
        let mut buffer = BytesMut::new();
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            buffer.put_slice(piece);
            while let Some(incoming) = codec.decode(&mut buffer).unwrap() {
                out.push(match incoming {
                    Incoming::Text(text) => text,
                    Incoming::Unusable(why) => why.split(' ').take(4).collect::<Vec<_>>().join(" "),
                    Incoming::Alive | Incoming::Closed | Incoming::Refused(_) => unreachable!("not said of lines"),
                });
            }
        }
        out
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let bytes = b"{\"a\":1}\r\n\r\n\n{\"b\":2}\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n\xff\xfe\n{}\nrest";
        for size in [1, 2, 3, 7, 100] {
            let got = read(bytes, size);
            assert_eq!(got, [r#"{"a":1}"#, r#"{"b":2}"#, "a line longer than", "a line that is", "{}"], "{size}");
        }
    }
}
