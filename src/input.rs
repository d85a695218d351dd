//! Inputs: everything that brings data aboard the server.
//!
//! Each `[[input]]` of the configuration runs as one supervised task: connect, read, say why it ended, wait a little
//! longer each time, try again. What it reads goes through a decoder of its own and, one read one [`Batch`], into the
//! bounded inbox of the hub. When the hub does not keep up, devices that cannot wait (serial, UDP) lose batches, counted;
//! those that can (TCP, files, standard input) are made to wait.
//!
//! Nothing that comes in can end an input or hurt another one: junk is counted, a panic is caught at the task's edge, and
//! everything that grows has a bound where it is declared.

pub mod backoff;
pub mod baud;
#[cfg(feature = "history")]
mod dating;
mod decoding;
mod demo;
pub mod ended;
mod file;
#[cfg(feature = "serial")]
pub(crate) mod holder;
mod intake;
pub mod lines;
#[cfg(feature = "history")]
pub mod log_file;
mod pace;
pub mod ports;
mod recorded_time;
mod serial;
mod signalk;
pub mod status;
mod stdin;
mod supervise;
mod tap;
mod tcp;
mod tcp_listen;
mod udp;

pub use demo::{DemoBoat, DemoFn};
pub use tap::SentenceLog;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::clock::boat::BoatClock;
use crate::config;
use crate::feed::Feed;
use crate::kernel::id::{Instance, Origin};
use crate::kernel::time::Now;
use crate::kernel::update::Update;

use baud::{BaudMemory, RunMemory};
use intake::Intake;
use status::InputStatus;

/// Batches that wait for the hub at the most. A serial port that talks without pause makes some 200 reads a second, so
/// this is about a second of a hub that stands still.
pub const INBOX_BATCHES: usize = 256;

/// The way into the hub: made by `mpsc::channel(INBOX_BATCHES)`.
pub type BatchSender = mpsc::Sender<Batch>;

/// What one read of one input said.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Name of the input; the first part of `$source`.
    pub input: Arc<str>,
    /// Which connection it came through, so that it is not sent back there.
    pub origin: Origin,
    /// When the last byte of it was read.
    pub received: Now,
    /// In the order in which they were said. Never empty.
    pub updates: Vec<Update>,
}

/// Reads one Signal K delta, adds its updates to the list, and says how many things in it were not as they should be. The
/// text comes with the name of the input, which is the `$source` of an update that names none.
pub type DeltaFn = fn(&str, &str, DeltaLimits, &mut Vec<Update>) -> usize;

/// How large a delta may be.
#[derive(Debug, Clone, Copy)]
pub struct DeltaLimits {
    /// Bytes of its line; longer ones are counted as noise.
    pub line_bytes_max: usize,
    /// Arrays and objects inside each other.
    pub depth_max: usize,
}

impl Default for DeltaLimits {
    /// As much as a WebSocket message of a client may have.
    fn default() -> Self {
        Self { line_bytes_max: 64 * 1024, depth_max: crate::kernel::json::DEPTH_MAX }
    }
}

/// How long inputs wait for what.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The first pause after an end.
    pub backoff_first: Duration,
    /// The longest pause before a port, a file or a listening address of this machine is tried again: nobody wants to
    /// wait longer than a second after putting a plug back.
    pub backoff_max_local: Duration,
    /// The longest pause before another machine is called again.
    pub backoff_max_remote: Duration,
    /// A connection that stood this long was a good one: the next pause is the first again.
    pub stable: Duration,
    /// Resolving a name and connecting, together.
    pub connect: Duration,
    /// A serial port without a byte for this long is opened anew: USB adapters do hang.
    pub silence: Duration,
    /// How long each baud rate is listened to. Most devices say something every second.
    pub baud_window: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            backoff_first: Duration::from_millis(500),
            backoff_max_local: Duration::from_millis(800),
            backoff_max_remote: Duration::from_secs(30),
            stable: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            baud_window: Duration::from_secs(3),
        }
    }
}

/// What inputs are connected to.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// The hub's inbox.
    pub hub: BatchSender,
    /// Stamps what comes in.
    pub clock: Arc<dyn Clock>,
    /// Hears the dates that devices tell.
    pub judge: Option<Arc<BoatClock>>,
    /// Waits for the tasks.
    pub tracker: TaskTracker,
    /// Stops them.
    pub token: CancellationToken,
    /// How long to wait for what.
    pub timing: Timing,
    /// Keeps baud rates that were found.
    pub baud_memory: Arc<dyn BaudMemory>,
    /// Reads deltas.
    pub delta: DeltaFn,
    /// How large they may be.
    pub delta_limits: DeltaLimits,
    /// Makes the demo boat.
    pub demo: Option<DemoFn>,
    /// Who we are, for inputs that are other servers.
    pub home: Option<Home>,
    /// Who keeps sentences as they came, if somebody does.
    pub sentence_log: Option<Arc<dyn SentenceLog>>,
}

/// Who we are and what we know: what it takes to talk to another server.
#[derive(Debug, Clone)]
pub struct Home {
    /// The own vessel in full: `vessels.urn:mrn:…`.
    pub own: Arc<str>,
    /// Who we are to other servers.
    pub instance: Instance,
    /// What we know ourselves, to tell what comes back to us from what is new.
    pub feed: Feed,
}

impl Wiring {
    /// The usual wiring: default [`Timing`], baud rates remembered for this run, no deltas and no demo boat.
    pub fn new(hub: BatchSender, clock: Arc<dyn Clock>, tracker: TaskTracker, token: CancellationToken) -> Self {
        Self {
            hub,
            clock,
            judge: None,
            tracker,
            token,
            timing: Timing::default(),
            baud_memory: Arc::new(RunMemory::default()),
            delta: |_, _, _, _| 1,
            delta_limits: DeltaLimits::default(),
            demo: Some(|seed, start| Box::new(crate::demo::Demo::new(seed, start))),
            home: None,
            sentence_log: None,
        }
    }
}

/// The running inputs.
#[derive(Debug)]
pub struct Inputs {
    statuses: Vec<Arc<InputStatus>>,
}

impl Inputs {
    /// The status of each input, in the order of the configuration.
    pub fn statuses(&self) -> &[Arc<InputStatus>] {
        &self.statuses
    }
}

/// Starts every input as a task of `wiring.tracker`. They end when `wiring.token` is cancelled or the hub drops its
/// receiver. Origins are 1, 2, 3 in the order of the configuration.
pub fn start_inputs(configs: &[config::Input], wiring: &Wiring) -> Inputs {
    let start = |(index, input): (usize, &config::Input)| {
        let origin = Origin(index as u32 + 1);
        let intake = Arc::new(Intake::new(input, origin, wiring.clone()));
        let status = Arc::clone(&intake.status);
        wiring.tracker.spawn(supervise::supervise(input.kind.clone(), intake, wiring.token.child_token()));
        status
    };
    Inputs { statuses: configs.iter().enumerate().map(start).collect() }
}
