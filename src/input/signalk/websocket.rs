//! The WebSocket of another server (specification: "WebSocket Stream"), plain or over TLS.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::MESSAGE_BYTES_MAX;
use super::address::{Address, Scheme};
use super::relaying::Relaying;
use super::trust;
use crate::config::Upstream;
use crate::input::ended::{Ended, Why, with_advice};
use crate::input::intake::Intake;
use crate::input::tcp;

/// Pings without an answer until the other server is given up.
const PINGS_MAX: u32 = 3;
/// Bytes read from the socket at once.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Plain or over TLS.
trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

type Socket = WebSocketStream<Box<dyn Bytes>>;

/// Reads until the connection ends.
pub(super) async fn read(
    address: &Address,
    upstream: &Upstream,
    intake: &Intake,
    mut relaying: Relaying,
) -> Result<Infallible, Ended> {
    let shown = address.shown();
    let limit = intake.wiring.timing.connect;
    let mut socket = connect(address, upstream.certificate.as_deref(), &relaying, limit).await?;
    let hello_by = Instant::now() + limit;
    // Silence is looked into long before it is taken for the end.
    let ping_after = intake.wiring.timing.silence / (PINGS_MAX + 1);
    let (mut asked, mut pings) = (false, 0);
    loop {
        let quiet_until = Instant::now() + ping_after;
        let deadline = if asked { quiet_until } else { quiet_until.min(hello_by) };
        let message = match timeout_at(deadline, socket.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return Err(read_error(&shown, &error)),
            Ok(None) => return Err(Ended::new(Why::Disconnected, format!("read {shown}: disconnected"))),
            Err(_) if !asked && Instant::now() >= hello_by => return Err(super::no_hello(&shown, limit)),
            Err(_) if pings >= PINGS_MAX => {
                let seconds = intake.wiring.timing.silence.as_secs();
                let text = format!("read {shown}: no sign of life for {seconds} s; connecting anew");
                return Err(Ended::new(Why::Silent, text));
            }
            Err(_) => {
                pings += 1;
                let sent = timeout(limit, socket.send(Message::Ping(bytes::Bytes::new()))).await;
                if let Ok(Err(error)) = sent {
                    return Err(read_error(&shown, &error));
                }
                continue;
            }
        };
        pings = 0;
        let before = relaying.counters;
        match &message {
            Message::Text(text) => relaying.hear(text.as_bytes())?,
            Message::Binary(bytes) => relaying.hear(bytes)?,
            Message::Close(frame) => {
                let reason = frame.as_ref().map(|frame| frame.reason.as_str()).filter(|reason| !reason.is_empty());
                let reason = reason.map(|reason| format!(": {}", reason.escape_debug())).unwrap_or_default();
                return Err(Ended::new(Why::Disconnected, format!("read {shown}: closed by the other side{reason}")));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        intake.relayed(&before, &mut relaying).await?;
        if relaying.greeted && !asked {
            for request in relaying.requests(true) {
                socket.send(Message::text(request)).await.map_err(|error| read_error(&shown, &error))?;
            }
            asked = true;
            intake.running(&shown);
        }
        if !asked && Instant::now() >= hello_by {
            return Err(super::no_hello(&shown, limit));
        }
    }
}

async fn connect(
    address: &Address,
    certificate: Option<&Path>,
    relaying: &Relaying,
    limit: Duration,
) -> Result<Socket, Ended> {
    let shown = address.shown();
    let operation = format!("connect to {shown}");
    let late = || Ended::new(Why::TimedOut, format!("{operation}: no answer in {} s", limit.as_secs()));
    let stream = tcp::connect(&address.host_and_port, limit).await?;
    let stream: Box<dyn Bytes> = if address.scheme == Scheme::Wss {
        let connector = TlsConnector::from(Arc::new(trust::rules(certificate)?));
        let name = ServerName::try_from(address.host().to_owned())
            .map_err(|_| Ended::new(Why::NotFound, format!("{operation}: not a name that a certificate could have")))?;
        match timeout(limit, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return Err(trust::handshake_failed(&shown, &error)),
            Err(_) => return Err(late()),
        }
    } else {
        Box::new(stream)
    };
    let query = relaying.query();
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, &**value)).collect();
    let request = address.with_query(&query).into_client_request().map_err(|error| read_error(&shown, &error))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let handshake = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    match timeout(limit, handshake).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(refused(&operation, &error)),
        Err(_) => Err(late()),
    }
}

/// The other side does not become a WebSocket.
fn refused(operation: &str, error: &Error) -> Ended {
    match error {
        Error::Http(response) => {
            let status = response.status();
            let advice = match status.as_u16() {
                401 | 403 => "it wants to know who asks: add ?token=… to the url",
                404 => "is the path right? is it a Signal K server?",
                429 | 503 => "it has as many clients as it may",
                _ => "",
            };
            Ended::new(Why::Refused, with_advice(format!("{operation}: turned away with HTTP status {status}"), advice))
        }
        Error::Io(error) => Ended::io(operation, error, |_| ""),
        other => Ended::new(
            Why::Malformed,
            with_advice(format!("{operation}: what answers is no WebSocket: {other}"), "is it a Signal K server?"),
        ),
    }
}

fn read_error(shown: &str, error: &Error) -> Ended {
    match error {
        Error::Io(error) => Ended::io(format_args!("read {shown}"), error, |_| ""),
        Error::ConnectionClosed | Error::AlreadyClosed => {
            Ended::new(Why::Disconnected, format!("read {shown}: disconnected"))
        }
        Error::Capacity(CapacityError::MessageTooLong { size, .. }) => Ended::new(
            Why::Malformed,
            format!("read {shown}: a message of {size} bytes; {MESSAGE_BYTES_MAX} are taken"),
        ),
        other => Ended::new(Why::Malformed, format!("read {shown}: {other}")),
    }
}
