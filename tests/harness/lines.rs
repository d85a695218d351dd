//! A client of the raw stream: JSON lines over TCP.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::{DEADLINE, Heard, Stream};

/// The client.
#[derive(Debug)]
pub struct LineClient {
    pub reader: BufReader<OwnedReadHalf>,
    pub writer: OwnedWriteHalf,
    /// A line of which a part has come.
    partial: Vec<u8>,
}

impl LineClient {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Connects with a receive buffer so small that not reading is noticed soon.
    pub async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(address).await.unwrap())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = stream.into_split();
        Self { reader: BufReader::new(reader), writer, partial: Vec::new() }
    }

    /// The next line with its end, byte for byte.
    pub async fn next_line(&mut self) -> Vec<u8> {
        self.line_before(Instant::now() + DEADLINE).await.expect("a line in time")
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    async fn line_before(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        // `read_until` keeps what it has read in `partial` when it is dropped.
        let read = self.reader.read_until(b'\n', &mut self.partial);
        let _ = timeout_at(deadline, read).await.ok()?;
        Some(std::mem::take(&mut self.partial))
    }
}

impl Stream for LineClient {
    async fn hear(&mut self, deadline: Instant) -> Option<Heard> {
        let line = self.line_before(deadline).await?;
        if !line.ends_with(b"\n") {
            return Some(Heard::Closed(0, "the end".to_owned()));
        }
        let text = std::str::from_utf8(&line).expect("lines are UTF-8");
        assert!(text.ends_with("\r\n"), "a line ends in CR LF: {text:?}");
        Some(Heard::Message(serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON: {e}: {text}"))))
    }

    async fn send_text(&mut self, text: &str) {
        self.send_bytes(format!("{text}\r\n").as_bytes()).await;
    }
}
