//! The one pump that moves a session over a transport: live and played back, WebSocket and TCP.
//!
//! One task for each client. It builds frames only when the transport has taken the ones before, goes on reading what the
//! client sends meanwhile, and wakes for three things: the log has grown, a timer of the session is due, the client said
//! something. No lock is held while anything is awaited.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::metered::Written;
use super::shut_windows::ShutWindows;
use crate::clock::Clock;
use crate::feed::Feed;
use crate::kernel::id::Instance;
use crate::kernel::session::{CloseReason, Pumped};
use crate::kernel::time::Moment;

/// Frames are built up to about this many bytes at a time; the next lot when these are on their way.
pub(super) const LOT_BYTES_MAX: usize = 16 * 1024;
/// How often a peer that has not taken everything is looked at.
const STALL_CHECK: Duration = Duration::from_secs(1);
/// The kernel's table is read at the most this often in the time between two pings, for all streams together.
const LOOKS_PER_PING: u32 = 8;
/// How long a peer may take to answer a close.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// What comes from a client.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Text(String),
    /// A sign of life, no more.
    Alive,
    /// A message that cannot be taken, with a sentence on why; the stream goes on.
    Unusable(&'static str),
    /// The client has said that it leaves; nothing follows.
    Closed,
    /// Something after which nothing more can be read, with what to tell the client.
    Refused(Ended),
}

/// What goes to a client.
#[derive(Debug)]
pub enum Outgoing {
    /// One JSON message.
    Frame(Bytes),
    /// A ping, where the transport has such a thing.
    Ping,
    /// The end, with its reason.
    Close(Ended),
}

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client left, or the network did.
    ByPeer,
    /// The server stops.
    Stopping,
    /// The peer accepted nothing for too long.
    Stalled,
    /// The session cannot go on.
    Session(CloseReason),
    /// There is nothing more to send (the end of a playback).
    FeedEnded,
    /// The client sent a message of a length that the server does not read.
    MessageTooLong,
    /// What the client sent are no frames of a WebSocket.
    NoFrames,
    /// The client sent a text that is not UTF-8.
    NotUtf8,
}

impl Ended {
    /// Kinds, for counting.
    pub const KINDS: [&'static str; 10] = [
        "by_peer",
        "stopping",
        "stalled",
        "notifications_lost",
        "contexts_lost",
        "replies_unread",
        "feed_ended",
        "message_too_long",
        "no_frames",
        "not_utf8",
    ];

    /// Index into [`Self::KINDS`].
    pub const fn kind(self) -> usize {
        match self {
            Self::ByPeer => 0,
            Self::Stopping => 1,
            Self::Stalled => 2,
            Self::Session(CloseReason::NotificationsLost) => 3,
            Self::Session(CloseReason::ContextsLost) => 4,
            Self::Session(CloseReason::RepliesUnread) => 5,
            Self::FeedEnded => 6,
            Self::MessageTooLong => 7,
            Self::NoFrames => 8,
            Self::NotUtf8 => 9,
        }
    }

    /// WebSocket close code (RFC 6455, section 7.4).
    pub const fn code(self) -> u16 {
        match self {
            Self::ByPeer | Self::FeedEnded => 1000,
            Self::Stopping => 1001,
            Self::Session(CloseReason::RepliesUnread) => 1008,
            Self::MessageTooLong => 1009,
            Self::NoFrames => 1002,
            Self::NotUtf8 => 1007,
            Self::Stalled | Self::Session(_) => 1013,
        }
    }

    /// A sentence for the client.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByPeer => "closed by the client",
            Self::Stopping => "the server is stopping",
            Self::Stalled => "nothing was accepted for too long",
            Self::Session(reason) => reason.as_str(),
            Self::FeedEnded => "the end of the recording",
            Self::MessageTooLong => "the message is far longer than the server takes",
            Self::NoFrames => "these are no frames of a WebSocket",
            Self::NotUtf8 => "the text is not UTF-8",
        }
    }
}

/// Streams so far.
#[derive(Debug, Default)]
pub struct StreamCounters {
    /// Opened, ever.
    pub opened: AtomicU64,
    /// Open now.
    pub open: AtomicU64,
    /// Frames handed to transports.
    pub frames: AtomicU64,
    /// Changes left out because a newer value was there.
    pub conflated: AtomicU64,
    /// Refused because the address had as many as it may.
    pub over_limit: AtomicU64,
    /// Values and messages of clients that could not be used.
    pub issues: AtomicU64,
    /// By [`Ended::KINDS`].
    pub ended: [AtomicU64; Ended::KINDS.len()],
}

/// What the driver needs to know of the world around it.
#[derive(Debug, Clone)]
pub struct Surroundings<'a> {
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Who we are to a peer that is a server.
    pub instance: Instance,
    /// Counts.
    pub counters: &'a StreamCounters,
    /// Stops the stream.
    pub token: &'a CancellationToken,
    /// How deep a message may nest.
    pub depth_max: usize,
    /// A ping every so often; zero for none.
    pub ping_interval: Duration,
    /// A peer that accepts no byte for this long is closed.
    pub stall_close: Duration,
    /// What the peer has accepted.
    pub written: Written,
    /// Who accepts nothing though the kernel has room.
    pub windows: &'a ShutWindows,
}

/// Moves `client`'s session over `transport` until one of them ends.
pub async fn drive<T, E>(transport: &mut T, client: &mut Client, mut feed: Feed, around: Surroundings<'_>) -> Ended
where
    T: Stream<Item = Result<Incoming, E>> + Sink<Outgoing> + Unpin,
{
    let mut driver = Driver::new(transport, around);
    let ended = loop {
        match driver.follow(client, &mut feed).await {
            Leg::Ended(ended) => break ended,
            Leg::FeedEnded => break Ended::FeedEnded,
            // There is no other feed to go on from.
            Leg::Missed => client.session_mut().without_log(),
        }
    };
    driver.end(client, ended).await
}

/// How far [`Driver::follow`] came.
pub(super) enum Leg {
    /// The stream ends.
    Ended(Ended),
    /// The client has everything of the feed, which has ended.
    FeedEnded,
    /// The feed does not hold what comes next ([`Pumped::Missed`]).
    Missed,
}

/// A transport and what is on its way to it: moves a session over one feed after the other.
pub(super) struct Driver<'a, T> {
    transport: &'a mut T,
    around: Surroundings<'a>,
    outbox: VecDeque<Outgoing>,
    unflushed: bool,
}

/// Ends a transport in good order: the peer hears the reason, unless it has gone or takes nothing anyway, and an answer
/// that it is owed for its own close goes out before the connection does.
pub(super) async fn finish<T, E>(transport: &mut T, ended: Ended)
where
    T: Stream<Item = Result<Incoming, E>> + Sink<Outgoing> + Unpin,
{
    if ended != Ended::ByPeer {
        let farewell = async {
            if transport.send(Outgoing::Close(ended)).await.is_ok() {
                while let Some(Ok(incoming)) = transport.next().await {
                    if matches!(incoming, Incoming::Closed | Incoming::Refused(_)) {
                        break;
                    }
                }
            }
        };
        let _ = tokio::time::timeout(CLOSE_GRACE, farewell).await;
    }
    let _ = tokio::time::timeout(CLOSE_GRACE, transport.close()).await;
}

/// What woke the pump.
enum Event {
    /// Everything built so far is on its way.
    Sent,
    Incoming(Incoming),
    Gone,
}

impl<'a, T, E> Driver<'a, T>
where
    T: Stream<Item = Result<Incoming, E>> + Sink<Outgoing> + Unpin,
{
    /// A stream that is open from now on.
    pub(super) fn new(transport: &'a mut T, around: Surroundings<'a>) -> Self {
        around.counters.opened.fetch_add(1, Ordering::Relaxed);
        around.counters.open.fetch_add(1, Ordering::Relaxed);
        Self { transport, around, outbox: VecDeque::new(), unflushed: false }
    }

    /// Ends the stream, for a reason.
    pub(super) async fn end(self, client: &Client, ended: Ended) -> Ended {
        finish(self.transport, ended).await;
        let counters = self.around.counters;
        counters.open.fetch_sub(1, Ordering::Relaxed);
        counters.conflated.fetch_add(client.session().conflated(), Ordering::Relaxed);
        counters.ended[ended.kind()].fetch_add(1, Ordering::Relaxed);
        ended
    }

    /// Moves the session over `feed` until that has ended, or the stream does.
    pub(super) async fn follow(&mut self, client: &mut Client, feed: &mut Feed) -> Leg {
        let around = self.around.clone();
        let mut ping = interval(around.ping_interval);
        let mut stalled_since = Instant::now();
        let mut accepted = 0;
        let mut shut = Shut::default();
        loop {
            let idle = self.outbox.is_empty() && !self.unflushed;
            let mut deadline = None;
            if idle {
                let now = around.clock.now();
                let mut frames = Vec::new();
                let pumped = {
                    let world = feed.read();
                    client.session_mut().pump(&world, feed.cache(), now, &mut frames, LOT_BYTES_MAX)
                };
                around.counters.frames.fetch_add(frames.len() as u64, Ordering::Relaxed);
                self.outbox.extend(frames.into_iter().map(Outgoing::Frame));
                stalled_since = Instant::now();
                accepted = around.written.bytes();
                match pumped {
                    Pumped::Close(reason) => return Leg::Ended(Ended::Session(reason)),
                    Pumped::UpToDate { deadline: due } => deadline = due.map(|due| wake_at(due, now.mono)),
                    Pumped::Missed => return Leg::Missed,
                    Pumped::More => {}
                }
            }
            // What the transport has buffered is not on its way yet: a peer may stop right there.
            let idle = self.outbox.is_empty() && !self.unflushed;
            tokio::select! {
                event = self.event() => match event {
                    Event::Sent => {}
                    Event::Gone | Event::Incoming(Incoming::Closed) => return Leg::Ended(Ended::ByPeer),
                    Event::Incoming(Incoming::Refused(why)) => return Leg::Ended(why),
                    Event::Incoming(incoming) => client.on_incoming(incoming, feed, &around).await,
                },
                grown = feed.grown(), if idle => if !grown {
                    return Leg::FeedEnded;
                },
                () = sleep_until(deadline), if idle && deadline.is_some() => {}
                frame = client.next_event(), if idle => {
                    around.counters.frames.fetch_add(1, Ordering::Relaxed);
                    self.outbox.push_back(Outgoing::Frame(frame));
                }
                () = tokio::time::sleep(STALL_CHECK), if !idle => {
                    if around.written.bytes() != accepted {
                        accepted = around.written.bytes();
                        stalled_since = Instant::now();
                    } else if stalled_since.elapsed() >= around.stall_close {
                        return Leg::Ended(Ended::Stalled);
                    }
                }
                _ = ping.tick(), if idle && !around.ping_interval.is_zero() => {
                    let taken = around.written.look(around.windows, around.ping_interval / LOOKS_PER_PING);
                    if shut.is_a_stall(taken, Instant::now(), around.stall_close) {
                        return Leg::Ended(Ended::Stalled);
                    }
                    self.outbox.push_back(Outgoing::Ping);
                }
                () = around.token.cancelled() => return Leg::Ended(Ended::Stopping),
            }
        }
    }

    /// Writes what waits and reads what comes, whichever is ready. Nothing is lost when this is dropped half-way.
    async fn event(&mut self) -> Event {
        poll_fn(|cx| {
            while !self.outbox.is_empty() {
                match self.transport.poll_ready_unpin(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Event::Gone),
                    Poll::Pending => break,
                }
                if let Some(out) = self.outbox.pop_front() {
                    if self.transport.start_send_unpin(out).is_err() {
                        return Poll::Ready(Event::Gone);
                    }
                    self.unflushed = true;
                }
            }
            if self.outbox.is_empty() && self.unflushed {
                match self.transport.poll_flush_unpin(cx) {
                    Poll::Ready(Ok(())) => {
                        self.unflushed = false;
                        return Poll::Ready(Event::Sent);
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Event::Gone),
                    Poll::Pending => {}
                }
            }
            match self.transport.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(incoming))) => Poll::Ready(Event::Incoming(incoming)),
                Poll::Ready(Some(Err(_)) | None) => Poll::Ready(Event::Gone),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// Since when a peer is known to have taken nothing, with its window shut, while the kernel takes all that is written for it.
#[derive(Debug, Default)]
struct Shut(Option<(Instant, u64)>);

impl Shut {
    /// Whether that has lasted for `stall_close`; asked with every ping. `taken` is how many bytes the peer has taken, if its
    /// window is shut: one that reads slowly is found so again and again, and has taken more each time.
    fn is_a_stall(&mut self, taken: Option<u64>, now: Instant, stall_close: Duration) -> bool {
        let Some(taken) = taken else {
            self.0 = None;
            return false;
        };
        match self.0 {
            Some((since, before)) if before == taken => now.duration_since(since) >= stall_close,
            _ => {
                self.0 = Some((now, taken));
                false
            }
        }
    }
}

fn interval(period: Duration) -> tokio::time::Interval {
    // The first ping comes after one period, not at once. A period of zero is switched off where it is used.
    let period = period.max(Duration::from_millis(10));
    let mut interval = tokio::time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

fn wake_at(due: Moment, now: Moment) -> Instant {
    Instant::now() + Duration::from_millis(due.since(now))
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shut_window_is_a_stall_when_nothing_was_taken_for_long_enough() {
        let (begin, seconds) = (Instant::now(), Duration::from_secs);
        let mut shut = Shut::default();
        let mut asked = |second, taken| shut.is_a_stall(taken, begin + seconds(second), seconds(60));
        assert!(![0, 30, 59].into_iter().any(|second| asked(second, Some(100))));
        assert!(asked(60, Some(100)));
        assert!(!asked(90, None), "open again");
        assert!(!asked(120, Some(100)), "and shut, from now on");
        assert!(asked(180, Some(100)));
    }

    #[test]
    fn a_peer_that_is_found_shut_each_time_and_has_read_between_is_slow_and_no_stall() {
        let (begin, seconds) = (Instant::now(), Duration::from_secs);
        let mut shut = Shut::default();
        assert!(!(0..100).any(|n| shut.is_a_stall(Some(n * 10), begin + seconds(n * 30), seconds(60))));
    }
}
