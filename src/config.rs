//! The configuration as the rest of the program sees it: complete, typed, validated. `RawConfig` (what TOML, environment
//! and flags say) becomes a [`Config`] in one step; after it nobody validates again.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[vessel]`
    pub vessel: Vessel,
    /// `[[input]]`
    pub inputs: Vec<Input>,
    /// `[[priority]]`
    pub priorities: Vec<Priority>,
    /// `[history]`
    pub history: History,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// Where HTTP and WebSocket listen.
    pub http: SocketAddr,
    /// Where the raw stream listens; `None` for "off".
    pub tcp: Option<SocketAddr>,
    /// Announce on the local network.
    pub mdns: bool,
    /// `server.id`, hello `name` and DNS-SD `swname`.
    pub name: String,
    /// Connections from one address, loopback included.
    pub max_connections_per_ip: u32,
    /// WebSocket ping every so often.
    pub ping_interval: Duration,
    /// A peer that accepts no byte for this long is closed.
    pub stall_close: Duration,
    /// Who may write.
    pub allow_write: Vec<Network>,
    /// Whether the wall clock is to be believed.
    pub clock: ClockTrust,
    /// Where the server keeps what it must remember.
    pub state_dir: PathBuf,
}

/// `clock`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockTrust {
    /// Not trusted only on a board without a real-time clock, until something confirms the time.
    Auto,
    /// Always.
    Trusted,
    /// Never.
    Untrusted,
}

/// An address range such as `192.168.1.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Any address of the range.
    pub address: IpAddr,
    /// Leading bits that count.
    pub prefix_bits: u8,
}

/// `[vessel]`
#[derive(Debug, Clone, Default)]
pub struct Vessel {
    /// Nine digits; with it, self is `urn:mrn:imo:mmsi:…`.
    pub mmsi: Option<String>,
    /// `urn:mrn:signalk:uuid:…`
    pub uuid: Option<String>,
    /// Name of the boat.
    pub name: Option<String>,
}

/// `[[input]]`
#[derive(Debug, Clone)]
pub struct Input {
    /// Unique; the first part of every `$source` that comes from it.
    pub name: String,
    /// What it is and where.
    pub kind: InputKind,
    /// What it speaks.
    pub format: Format,
}

/// `format`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Sentences.
    Nmea0183,
    /// Signal K deltas, one a line.
    SignalK,
}

/// `type` with the keys that belong to it.
#[derive(Debug, Clone)]
pub enum InputKind {
    /// A serial port.
    Serial {
        /// Such as `/dev/serial/by-id/…`.
        device: PathBuf,
        /// Bits per second; `None` for "auto".
        baud: Option<u32>,
    },
    /// Connects to `host:port`.
    Tcp {
        /// `host:port`, resolved at each attempt.
        address: String,
    },
    /// Accepts connections.
    TcpListen {
        /// Where.
        address: SocketAddr,
    },
    /// Receives datagrams.
    Udp {
        /// Where.
        address: SocketAddr,
    },
    /// Replays a file.
    File {
        /// Which.
        path: PathBuf,
        /// Times as fast as recorded; where the file has no times, sentences per second ÷ 10. `None`: as fast as can be.
        rate: Option<f64>,
        /// Start again at the end.
        repeat: bool,
    },
    /// Standard input.
    Stdin,
    /// The demo boat.
    Demo {
        /// Which passage.
        seed: u64,
        /// Times as fast as real.
        rate: f64,
    },
    /// Another Signal K server.
    SignalK {
        /// `ws://…`, `wss://…` or `tcp://…`.
        url: String,
    },
}

/// `[[priority]]`
#[derive(Debug, Clone)]
pub struct Priority {
    /// Path pattern.
    pub path: String,
    /// Best first.
    pub sources: Vec<PrioritySource>,
}

/// One line of a priority list.
#[derive(Debug, Clone)]
pub struct PrioritySource {
    /// `$source`
    pub source: String,
    /// How long the better ones must be silent before this one counts.
    pub timeout: Duration,
}

/// `[history]`
#[derive(Debug, Clone)]
pub struct History {
    /// Record at all.
    pub enabled: bool,
    /// The directory of the history; `history` below the state directory when not set.
    pub path: Option<PathBuf>,
    /// Synced to the card this often: what a power cut can cost.
    pub commit_interval: Duration,
    /// Bytes that the history may take.
    pub max_size: u64,
    /// Bytes that stay free on its partition.
    pub keep_free: u64,
    /// Bytes written a day, where limited.
    pub max_mb_per_day: Option<u32>,
}
