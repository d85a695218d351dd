//! A WebSocket that sends back what it gets, over the same listener, limits and transport as the streams of data, for test
//! suites of the protocol. The program has no route to it; `examples/websocket_echo.rs` is its one user.

use std::future::poll_fn;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::codec::{Broken, WsTransport};
use super::driver::{Ended, finish};
use super::http::{Bounds, serve_within};
use super::patience::Patience;

/// Bytes of a message at the most: the longest that the Autobahn suite sends (9.1.6).
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Longer than any case of the suite is silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Echoes on every path of `listener`, until `token` is cancelled.
pub async fn serve(listener: TcpListener, token: CancellationToken) {
    let bounds = Bounds { patience: Patience::new(PATIENCE, PATIENCE), token, tracker: TaskTracker::new() };
    serve_within(listener, Router::new().fallback(any(upgrade)), bounds).await;
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    WsTransport::bound(upgrade, MESSAGE_BYTES_MAX)
        .on_upgrade(|socket| async move { echo(WsTransport::new(socket, MESSAGE_BYTES_MAX)).await })
}

async fn echo(mut transport: WsTransport) {
    let ended = loop {
        match poll_fn(|cx| transport.poll_message(cx)).await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                if transport.send_message(message).await.is_err() {
                    break Ended::ByPeer;
                }
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Err(Broken::TooLong)) => break Ended::MessageTooLong,
            Some(Err(Broken::NoFrames)) => break Ended::NoFrames,
            Some(Err(Broken::NotUtf8)) => break Ended::NotUtf8,
            Some(Ok(Message::Close(_)) | Err(Broken::Lost(_))) | None => break Ended::ByPeer,
        }
    };
    finish(&mut transport, ended).await;
}
