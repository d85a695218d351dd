//! Two transports as one kind of thing: a stream of [`Incoming`] and a sink of [`Outgoing`].

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::{Buf, BufMut, BytesMut};
use futures_util::{Sink, Stream};
use tokio_util::codec::{Decoder, Encoder};

use super::driver::{Incoming, Outgoing};

/// A WebSocket: one text frame, one message.
#[derive(Debug)]
pub struct WsTransport(pub WebSocket);

impl Stream for WsTransport {
    type Item = Result<Incoming, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map(|item| {
            Some(item?.map(|message| match message {
                Message::Text(text) => Incoming::Text(text.as_str().to_owned()),
                Message::Binary(bytes) => match String::from_utf8(bytes.into()) {
                    Ok(text) => Incoming::Text(text),
                    Err(_) => Incoming::Unusable("a binary message that is not UTF-8 was ignored"),
                },
                // The library answers pings and closes itself.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Incoming::Alive,
            }))
        })
    }
}

impl Sink<Outgoing> for WsTransport {
    type Error = axum::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, out: Outgoing) -> Result<(), Self::Error> {
        let message = match out {
            Outgoing::Frame(bytes) => Message::Text(Utf8Bytes::try_from(bytes).unwrap_or_default()),
            Outgoing::Ping => Message::Ping(bytes::Bytes::new()),
            Outgoing::Close(ended) => {
                Message::Close(Some(CloseFrame { code: ended.code(), reason: Utf8Bytes::from_static(ended.as_str()) }))
            }
        };
        Pin::new(&mut self.0).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.0).poll_close(cx)
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
                if self.skipping || buffer.len() > self.line_bytes_max {
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
            if line.len() > self.line_bytes_max {
                return Ok(Some(Incoming::Unusable("a line longer than the server takes was ignored")));
            }
            let text = match std::str::from_utf8(&line) {
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
                    Incoming::Alive => unreachable!("a line is never a mere sign of life"),
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
