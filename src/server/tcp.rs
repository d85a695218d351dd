//! The raw stream: JSON lines over TCP (specification: "Streaming over TCP").

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

use super::Shared;
use super::client::Client;
use super::codec::LineCodec;
use super::driver::{self, Outgoing};
use super::metered::Metered;
use crate::kernel::hello;
use crate::kernel::session::{Implied, Options, Session};

/// Pause after an accept failed (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Unsent bytes that the kernel holds for one peer: two lots' worth of what a chart plotter takes in a second. What does
/// not fit stays where it costs nothing, in the one log.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Buffer of one client's lines at first; it grows with what they need.
const LINE_BUFFER_BYTES: usize = 512;

/// Serves raw streams on `listener` until the token is cancelled.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.token.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let shared_by_task = shared.clone();
                shared.tracker.spawn(async move { client(stream, peer, shared_by_task).await });
            }
            Err(error) => {
                tracing::warn!(%error, "accept on the TCP port failed; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn client(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    bound_kernel_buffers(&stream);
    let (stream, written) = Metered::new(stream, shared.patience());
    let codec = LineCodec::new(shared.settings.message_bytes_max);
    let mut transport = Framed::with_capacity(stream, codec, LINE_BUFFER_BYTES);
    let Some(_place) = shared.connections.take(peer.ip(), shared.settings.streams_per_address_max) else {
        shared.counters.over_limit.fetch_add(1, Ordering::Relaxed);
        let words = serde_json::json!({"errorMessage": "too many streams from this address"}).to_string();
        let farewell = transport.send(Outgoing::Frame(words.into()));
        let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
        return;
    };
    // TCP-04: nothing before a subscribe message.
    let rows_max = shared.settings.rows_max;
    let options = Options { subscribe: Implied::None, send_cached: true, rows_max, ..Options::default() };
    let (now, wall) = shared.time_to_tell();
    let mut session = Session::new(options, &shared.feed.read(), now.mono);
    session.reply(hello::live(&shared.identity, wall, None));
    let mut client = Client::new(session, shared.writer_for(peer, "tcp", true));
    let ended = driver::drive(&mut transport, &mut client, shared.feed.clone(), shared.surroundings(written)).await;
    tracing::debug!(%peer, reason = ended.as_str(), "TCP stream ended");
}

/// Keeps the kernel from holding megabytes of old news for a peer that does not read.
pub(super) fn bound_kernel_buffers(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_send_buffer_size(SEND_BUFFER_BYTES);
}
