//! What one input holds in hand while it reads: its name, its status, its way to the hub. Every kind of input reads with
//! [`Intake::read_stream`] or hands its bytes to [`Intake::take`]; here it is decided what happens when the hub is full.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::error::TrySendError;

use super::decoding::Decoding;
use super::ended::{Ended, Why};
use super::status::InputStatus;
use super::tap::Tap;
use super::{Batch, Origin, Wiring};
use crate::config::{self, Format, InputKind, Sentences};
use crate::kernel::time::Now;
use crate::kernel::update::Update;

/// Bytes read at once at the most. A fast source fills it and costs one batch for some 60 sentences; a GPS never does. The inbox
/// full of such batches comes to some 10 MB, which is what a recording read at full speed can cost.
pub(super) const CHUNK_BYTES: usize = 4 * 1024;

/// Bytes without one good line after which a connection is thought to carry something else, or at another speed. Eight
/// seconds of a full line at 4800 baud; the start-up banner of a receiver is shorter.
const JUNK_BYTES: u64 = 4 * 1024;

/// What happens to a batch when the hub's inbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// It is dropped and its updates are counted: the device goes on talking and its next sentence is fresher anyway.
    DropNewest,
    /// The input waits and stops reading, so that the other side waits too.
    Wait,
}

impl WhenFull {
    fn of(kind: &InputKind) -> Self {
        match kind {
            InputKind::Serial { .. } | InputKind::Udp { .. } => Self::DropNewest,
            InputKind::Tcp { .. }
            | InputKind::TcpListen { .. }
            | InputKind::File { .. }
            | InputKind::Stdin
            | InputKind::Demo { .. }
            | InputKind::SignalK(_) => Self::Wait,
        }
    }
}

/// What to do about a connection that carries only junk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnJunk {
    /// Say so in the status and go on reading.
    Report,
    /// End the connection: another attempt may find another speed.
    End,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// No byte for this long ends the connection.
    pub(super) silence: Option<Duration>,
    /// [`JUNK_BYTES`] without a good line.
    pub(super) on_junk: OnJunk,
    /// What to try then, for the message.
    pub(super) junk_advice: &'static str,
}

/// One input's hands.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) name: Arc<str>,
    pub(super) wiring: Wiring,
    pub(super) status: Arc<InputStatus>,
    format: Format,
    sentences: Sentences,
    origin: Origin,
    when_full: WhenFull,
    is_live: bool,
}

/// Whether what comes in is said now, so that the dates in it are today's.
fn is_live(kind: &InputKind) -> bool {
    match kind {
        InputKind::Serial { .. } | InputKind::Udp { .. } | InputKind::Tcp { .. } | InputKind::TcpListen { .. } => true,
        // Recordings, a boat that is made up, and what another server may have kept for a while.
        InputKind::File { .. } | InputKind::Stdin | InputKind::Demo { .. } | InputKind::SignalK(_) => false,
    }
}

impl Intake {
    pub(super) fn new(input: &config::Input, origin: Origin, wiring: Wiring) -> Self {
        let name: Arc<str> = Arc::from(input.name.as_str());
        let status = Arc::new(InputStatus::new(Arc::clone(&name)));
        let (format, sentences) = (input.format, input.sentences.clone());
        let (when_full, is_live) = (WhenFull::of(&input.kind), is_live(&input.kind));
        Self { name, wiring, status, format, sentences, origin, when_full, is_live }
    }

    pub(super) fn now(&self) -> Now {
        self.wiring.clock.now()
    }

    /// Bytes of a line with a delta at the most.
    pub(super) fn delta_line_bytes_max(&self) -> usize {
        self.wiring.delta_limits.line_bytes_max
    }

    /// The number of this input, for the loop guard.
    #[cfg(feature = "upstream")]
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// A decoder for a new connection.
    pub(super) fn decoding(&self) -> Decoding {
        let log = self.wiring.sentence_log.clone().filter(|_| self.format == Format::Nmea0183);
        Decoding::new(self.format, &self.sentences, &self.name, self.wiring.delta, self.wiring.delta_limits)
            .tapped(log.map(|log| Tap::new(Arc::clone(&self.name), log)))
    }

    /// The input is connected to `object` and reads from now on.
    pub(super) fn running(&self, object: &str) {
        let after_silence = self.status.report().problem.is_some_and(|p| p.why == Why::Silent);
        if after_silence {
            tracing::debug!(input = %self.name, "reading {object} again");
        } else {
            tracing::info!(input = %self.name, "reading {object}");
        }
        self.status.running(object, self.now());
    }

    /// Decodes bytes and hands over what they say.
    pub(super) async fn take(&self, decoding: &mut Decoding, bytes: &[u8]) -> Result<(), Ended> {
        let now = self.now();
        self.feed(decoding, bytes, now);
        self.hand_over(decoding, now).await
    }

    /// Decodes bytes that came just now.
    pub(super) fn feed(&self, decoding: &mut Decoding, bytes: &[u8], now: Now) {
        decoding.doubt_wall(!self.wiring.clock.is_trusted());
        decoding.feed(bytes, now);
    }

    /// The stream is complete: an open line counts.
    pub(super) async fn finish(&self, decoding: &mut Decoding) -> Result<(), Ended> {
        let now = self.now();
        decoding.finish(now);
        self.hand_over(decoding, now).await
    }

    /// Reports and sends what the decoder has made so far, as one batch. An error means that the hub is gone.
    pub(super) async fn hand_over(&self, decoding: &mut Decoding, now: Now) -> Result<(), Ended> {
        self.report(decoding, now);
        self.send(std::mem::take(&mut decoding.updates), now).await
    }

    /// Brings the status up to date with the decoder's counters. A date that a device told is evidence for the clock.
    pub(super) fn report(&self, decoding: &mut Decoding, now: Now) {
        let date = decoding.take_date(now);
        if let (Some(judge), Some(date), true) = (&self.wiring.judge, date, self.is_live) {
            judge.hear_date(self.origin, date);
        }
        self.status.heard(&decoding.reported, decoding.counters(), now);
        decoding.reported = *decoding.counters();
    }

    /// Sends updates as one batch, or does what is to be done when the hub is full.
    pub(super) async fn send(&self, updates: Vec<Update>, received: Now) -> Result<(), Ended> {
        if updates.is_empty() {
            return Ok(());
        }
        let batch = Batch { input: Arc::clone(&self.name), origin: self.origin, received, updates };
        match self.when_full {
            WhenFull::Wait => self.wiring.hub.send(batch).await.map_err(|_| Ended::stopping()),
            WhenFull::DropNewest => match self.wiring.hub.try_send(batch) {
                Ok(()) => Ok(()),
                Err(TrySendError::Full(batch)) => {
                    self.status.dropped(batch.updates.len() as u64);
                    Ok(())
                }
                Err(TrySendError::Closed(_)) => Err(Ended::stopping()),
            },
        }
    }

    /// Reads until the stream ends, one read one batch. `object` is what is read, for the messages.
    pub(super) async fn read_stream(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        mut decoding: Decoding,
        object: &str,
        patience: Patience,
    ) -> Ended {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut junk_reported = false;
        loop {
            let count = match or_silent(from.read(&mut buffer), patience.silence).await {
                Some(Ok(0)) => return Ended::new(Why::Disconnected, format!("read {object}: disconnected")),
                Some(Ok(count)) => count,
                Some(Err(error)) => return read_error(object, &error),
                None => {
                    let seconds = patience.silence.unwrap_or_default().as_secs();
                    return Ended::new(
                        Why::Silent,
                        format!("read {object}: not a byte for {seconds} s; opening it anew"),
                    );
                }
            };
            if let Err(ended) = self.take(&mut decoding, &buffer[..count]).await {
                return ended;
            }
            let is_junk = decoding.bytes_since_good() > JUNK_BYTES;
            if is_junk && !junk_reported {
                let text = format!("read {object}: {JUNK_BYTES} bytes and not one good line");
                let ended = Ended::new(Why::Malformed, super::ended::with_advice(text, patience.junk_advice));
                if patience.on_junk == OnJunk::End {
                    return ended;
                }
                tracing::warn!(input = %self.name, "{ended}");
                self.status.problem(&ended, self.now());
            }
            junk_reported = is_junk;
        }
    }
}

/// Waits for `read`, for no longer than `silence`; `None` when that has passed.
async fn or_silent<F: Future>(read: F, silence: Option<Duration>) -> Option<F::Output> {
    match silence {
        Some(limit) => tokio::time::timeout(limit, read).await.ok(),
        None => Some(read.await),
    }
}

/// A device that is unplugged shows as an I/O error (`EIO`, `ENXIO`, `ENODEV`) as often as it shows as an end of file.
fn read_error(object: &str, error: &std::io::Error) -> Ended {
    let unplugged = [rustix::io::Errno::IO, rustix::io::Errno::NXIO, rustix::io::Errno::NODEV];
    if unplugged.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        return Ended::new(Why::Disconnected, format!("read {object}: disconnected"));
    }
    Ended::io(format_args!("read {object}"), error, |_| "")
}
