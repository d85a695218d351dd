//! TCP listener: programs and instruments that connect to us and talk. Each has a decoder of its own; its end, its junk and
//! even a panic on its behalf are its own affair.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::{TcpListener, TcpStream};

use super::ended::{Ended, Why};
use super::intake::Intake;
use super::tcp;

/// Clients at once. More are turned away, counted: each costs a read buffer, and a boat has fewer instruments.
const CLIENTS_MAX: usize = 16;

/// Pause after an accept that failed, which is as a rule a lack of file descriptors that others have to give back.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Listens until the listener itself fails.
pub(super) async fn run(address: SocketAddr, intake: &Intake) -> Ended {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            return Ended::io(format_args!("listen on tcp {address}"), &error, |why| match why {
                Why::Busy => "choose another port, or stop the program that listens there",
                Why::Permission => "ports below 1024 belong to root: choose a higher one",
                Why::Unreachable => "this computer has no such address: 0.0.0.0 means all of them",
                _ => "",
            });
        }
    };
    let bound = listener.local_addr().unwrap_or(address);
    intake.running(&format!("tcp listener {bound}"));
    // All clients live inside this one future: when the input is stopped, so are they.
    let mut clients = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = accept(&listener) => match accepted {
                Ok((_, peer)) if clients.len() >= CLIENTS_MAX => {
                    tracing::warn!(input = %intake.name, "{peer} turned away: {CLIENTS_MAX} clients are connected");
                    intake.status.turned_away();
                }
                Ok((stream, peer)) => clients.push(serve(stream, peer, intake)),
                Err(error) => {
                    let operation = format!("accept on tcp {bound}");
                    intake.status.problem(&Ended::io(operation, &error, |_| ""), intake.now());
                }
            },
            Some(ended) = clients.next() => {
                tracing::info!(input = %intake.name, "{ended}");
                match ended.why {
                    Why::Stopping => return ended,
                    Why::Disconnected => {}
                    _ => intake.status.problem(&ended, intake.now()),
                }
            }
        }
    }
}

/// The next client. An error is told after a pause, so that it does not come a thousand times a second.
async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok(client) => Ok(client),
        Err(error) => {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            Err(error)
        }
    }
}

/// Reads one client to its end.
async fn serve(mut stream: TcpStream, peer: SocketAddr, intake: &Intake) -> Ended {
    let object = format!("tcp client {peer}");
    tracing::info!(input = %intake.name, "{object} connected");
    if let Err(error) = tcp::watch_the_peer(&stream) {
        return Ended::io(format_args!("set keepalive of {object}"), &error, |_| "");
    }
    let read = Box::pin(intake.read_stream(&mut stream, intake.decoding(), &object, tcp::PATIENCE));
    AssertUnwindSafe(read).catch_unwind().await.unwrap_or_else(|payload| Ended::panicked(&*payload))
}
