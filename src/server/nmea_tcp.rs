//! NMEA 0183 over TCP, for plotters that do not speak Signal K.
//!
//! Each client is a cursor of its own on the log of a feed, with a [`Talker`] that makes sentences of what it passes. One
//! that reads too slowly loses its place and goes on from the model, as every stream does. Where the recording consists of
//! sentences already ([`Voice::Own`]), those are sent as they are; then a client that is too slow misses some.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tcp::bound_kernel_buffers;
use crate::feed::Feed;
use crate::kernel::id::Seq;
use crate::nmea0183::talker::Talker;

/// Clients at a time; one more is closed at once.
const CLIENTS_MAX: usize = 64;
/// Changes taken under one lock at the most.
const CHANGES_PER_LOCK: usize = 256;
/// A client that accepts nothing for this long is closed.
const STALL: Duration = Duration::from_secs(30);
/// Pause after an accept failed (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What clients send is read, since some do, and thrown away in pieces of so many bytes.
const DISCARD_BYTES: usize = 512;

/// What is said.
#[derive(Debug, Clone)]
pub enum Voice {
    /// What the model says, in sentences made for it.
    Model(Feed),
    /// Lines as they come. Whoever plays them holds the sender, so that clients see the end.
    Own(broadcast::WeakSender<Bytes>),
}

/// What all clients share.
#[derive(Debug, Clone)]
pub struct Service {
    /// What is said.
    pub voice: Voice,
    /// How many listen.
    pub clients: Arc<AtomicUsize>,
    /// Waits for the tasks.
    pub tracker: TaskTracker,
    /// Stops accepting; clients are served to the end of what is said.
    pub token: CancellationToken,
}

/// Serves clients on `listener` until the token is cancelled.
pub async fn serve(listener: TcpListener, service: Service) {
    loop {
        let accepted = tokio::select! {
            () = service.token.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if service.clients.load(Ordering::Relaxed) >= CLIENTS_MAX {
                    tracing::warn!(%peer, "NMEA 0183 client refused: {CLIENTS_MAX} are connected");
                    continue;
                }
                // Before the first byte that is said afterwards, so that whoever waits for a client loses none.
                let words = Words::new(&service.voice);
                service.clients.fetch_add(1, Ordering::Relaxed);
                let clients = service.clients.clone();
                service.tracker.spawn(async move {
                    let ended = client(stream, words).await;
                    clients.fetch_sub(1, Ordering::Relaxed);
                    tracing::debug!(%peer, ?ended, "NMEA 0183 client gone");
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept on the NMEA 0183 port failed; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Writes to a client until nothing more is said, or the client is gone.
async fn client(stream: TcpStream, mut words: Words) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    bound_kernel_buffers(&stream);
    let (reading, mut writing) = stream.into_split();
    let gone = discard(reading);
    tokio::pin!(gone);
    loop {
        let said = tokio::select! {
            said = words.next() => said,
            error = &mut gone => return Err(error),
        };
        let Some(said) = said else { return writing.shutdown().await };
        write(&mut writing, &said).await?;
    }
}

async fn write(to: &mut OwnedWriteHalf, bytes: &[u8]) -> io::Result<()> {
    let stalled = |_| io::Error::from(io::ErrorKind::TimedOut);
    tokio::time::timeout(STALL, to.write_all(bytes)).await.map_err(stalled)?
}

/// Reads and forgets what the client says; comes back with an error only, since many close their own side at once.
async fn discard(mut from: OwnedReadHalf) -> io::Error {
    let mut buffer = [0; DISCARD_BYTES];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) => std::future::pending::<()>().await,
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// What one client is told next.
#[derive(Debug)]
enum Words {
    Model(Box<Listener>),
    Own(Option<broadcast::Receiver<Bytes>>),
}

impl Words {
    fn new(voice: &Voice) -> Self {
        match voice {
            Voice::Model(feed) => Self::Model(Box::new(Listener::new(feed.clone()))),
            Voice::Own(lines) => Self::Own(lines.upgrade().map(|lines| lines.subscribe())),
        }
    }

    /// The next bytes, never none of them; `None` when there will be no more. Nothing is lost when this is dropped half-way.
    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Model(listener) => listener.next().await,
            Self::Own(lines) => loop {
                match lines.as_mut()?.recv().await {
                    Ok(said) => return Some(said),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            },
        }
    }
}

/// A cursor on the log that speaks.
#[derive(Debug)]
struct Listener {
    feed: Feed,
    cursor: Seq,
    talker: Talker,
    out: Vec<u8>,
}

impl Listener {
    /// Begins with everything that is known.
    fn new(feed: Feed) -> Self {
        let (mut talker, mut out) = (Talker::default(), Vec::new());
        let cursor = {
            let world = feed.read();
            talker.catch_up(&world);
            world.head()
        };
        talker.speak(&mut out);
        Self { feed, cursor, talker, out }
    }

    async fn next(&mut self) -> Option<Bytes> {
        let mut has_ended = false;
        loop {
            while self.listen() {
                if self.out.len() >= super::driver::LOT_BYTES_MAX {
                    return Some(Bytes::from(std::mem::take(&mut self.out)));
                }
            }
            self.talker.speak(&mut self.out);
            if !self.out.is_empty() {
                return Some(Bytes::from(std::mem::take(&mut self.out)));
            }
            if has_ended {
                return None;
            }
            has_ended = !self.feed.grown().await;
        }
    }

    /// Takes the next changes. False when there are none.
    fn listen(&mut self) -> bool {
        let world = self.feed.read();
        let before = self.cursor;
        if let Some(changes) = world.tail.after(before) {
            for change in changes.take(CHANGES_PER_LOCK) {
                self.talker.hear(&world, change, &mut self.out);
                self.cursor = change.seq;
            }
        } else {
            self.talker.catch_up(&world);
            self.cursor = world.head();
        }
        self.cursor != before
    }
}
