//! A WebSocket client.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::{DEADLINE, Heard, Stream};

/// The client. It answers pings only while it reads, as any client does.
#[derive(Debug)]
pub struct WsClient {
    pub socket: WebSocketStream<TcpStream>,
    /// Pings that came.
    pub pings: u32,
}

impl WsClient {
    /// Connects; the server must agree.
    pub async fn connect(address: SocketAddr, path: &str) -> Self {
        Self::connect_with(address, path, &[]).await
    }

    /// Connects with more headers.
    pub async fn connect_with(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), address, path, headers).await
    }

    /// Connects with a receive buffer so small that not reading is noticed soon.
    pub async fn connect_narrow(address: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(address).await.unwrap(), address, path, &[]).await
    }

    async fn over(stream: TcpStream, address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Self {
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let connecting = tokio_tungstenite::client_async(request, stream);
        let (socket, _) = tokio::time::timeout(DEADLINE, connecting).await.expect("an answer").expect("an upgrade");
        Self { socket, pings: 0 }
    }

    /// Reads until a ping comes; messages before it are passed over.
    pub async fn until_ping(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        let before = self.pings;
        while self.pings == before {
            let message = timeout_at(deadline, self.socket.next()).await.expect("a ping in time");
            if matches!(message.expect("an open stream").expect("a message"), Message::Ping(_)) {
                self.pings += 1;
            }
        }
    }

    /// Sends a frame of any kind.
    pub async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Closes and waits until the server has answered.
    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
        while let Ok(Some(Ok(_))) = tokio::time::timeout(DEADLINE, self.socket.next()).await {}
    }
}

impl Stream for WsClient {
    async fn hear(&mut self, deadline: Instant) -> Option<Heard> {
        loop {
            return Some(match timeout_at(deadline, self.socket.next()).await.ok()? {
                Some(Ok(Message::Text(text))) => {
                    let json = serde_json::from_str(&text);
                    Heard::Message(json.unwrap_or_else(|e| panic!("a frame that is not JSON: {e}: {text}")))
                }
                Some(Ok(Message::Ping(_))) => {
                    self.pings += 1;
                    continue;
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map(|f| (u16::from(f.code), f.reason.to_string())).unwrap_or_default();
                    Heard::Closed(code, reason)
                }
                Some(Ok(Message::Pong(_))) => continue,
                Some(Ok(other)) => panic!("the server sends text frames, not {other:?}"),
                Some(Err(error)) => Heard::Closed(0, error.to_string()),
                None => Heard::Closed(0, "the end".to_owned()),
            });
        }
    }

    async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }
}
