//! `[[input]]`: what is read from, and how.

use std::net::SocketAddr;
use std::path::PathBuf;

/// `[[input]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Unique; the first part of every `$source` that comes from it.
    pub name: String,
    /// What it is and where.
    pub kind: InputKind,
    /// What it speaks.
    pub format: Format,
    /// How its sentences are read, where it speaks NMEA 0183.
    pub sentences: Sentences,
}

/// How the sentences of one input are read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sentences {
    /// `checksum`
    pub checksum: Checksum,
    /// `talkers`: a talker (or the station of a tag block) and the group that stands for it in `$source`.
    pub talkers: Vec<(String, String)>,
    /// `xdr`: transducers of this input, before the names that are built in.
    pub xdr: Vec<Transducer>,
}

/// What is asked of the checksum of a sentence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Checksum {
    /// It must be there and right.
    #[default]
    Required,
    /// It may be missing, not wrong.
    Optional,
    /// Nobody looks at it.
    Ignored,
}

/// An element of `xdr`: a transducer's name and the path it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Transducer {
    /// As sent; one `*` stands for an instance.
    pub name: String,
    /// Transducer type as sent, such as `C`; without one, any.
    pub kind: Option<String>,
    /// Unit as sent, such as `C`; without one, any.
    pub unit: Option<String>,
    /// Where it goes, the instance in place of `*`.
    pub path: String,
    /// What the value in SI is multiplied by.
    pub factor: f64,
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
#[derive(Debug, Clone, PartialEq)]
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
    SignalK(Upstream),
}

/// Another Signal K server as an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    /// `ws://…`, `wss://…`, `tcp://…`, or `http://…` to ask there first.
    pub url: String,
    /// What of it is wanted.
    pub subscribe: Wanted,
    /// Patterns of the paths that are wanted.
    pub paths: Vec<String>,
    /// The other server is aboard this boat: its own vessel is ours, whatever identity it goes by.
    pub aboard: bool,
    /// The one certificate that it may show, in PEM; without it, one that a public authority vouches for.
    pub certificate: Option<PathBuf>,
}

impl Upstream {
    /// Everything that the server at `url` has.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), subscribe: Wanted::All, paths: vec!["*".to_owned()], aboard: false, certificate: None }
    }
}

/// `subscribe`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything that it knows.
    All,
    /// What is about its own vessel.
    Own,
}
