//! The configuration as the rest of the program sees it: complete, typed, validated. What the TOML file, the environment
//! and the flags say becomes a [`Config`] in one step, [`Config::load`]; after it nobody validates again.
//!
//! How it is put together, in order of reading:
//!
//! - [`keys`] is the one list of tables and keys, with defaults and explanations. The reading of the file, the names of the
//!   environment variables, the sample file and the report of `taffrail check-config` all come from it.
//! - [`mod@file`], [`environment`] and [`flags`] each turn what they are given into values with their [`Origin`].
//! - [`layers`] holds these values, and `validate` reads them, highest precedence first: flags, environment, file,
//!   defaults. A bad value is refused even where a higher one would win.
//! - Whatever is wrong becomes a [`Problem`]; all of them are collected, so that one look at the answer is enough.
//!
//! Everything here is pure: text and pairs in, a [`Config`] or [`Problems`] out. Only the command line reads files.

pub mod duration;
pub mod environment;
pub mod file;
pub mod flags;
mod history;
mod input;
pub mod keys;
pub mod layers;
pub mod problem;
pub mod raw;
pub mod reading;
pub mod report;
pub mod sample;
mod security;
pub mod size;
mod validate;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::kernel::zones::State;

pub use flags::Flags;
pub use history::{History, Keep, RecordContext, RecordRule};
pub use input::{Checksum, Format, Input, InputKind, Sentences, Transducer, Upstream, Wanted};
pub use layers::Effective;
pub use problem::{Problem, Problems};
pub use raw::Origin;
pub use security::{AccessRule, Level, Permission, Security, User};

/// Features whose configuration is accepted before they exist: the table, and what is said about it at start. A feature
/// that becomes active is taken off this list, and that is all there is to do.
const NOT_ACTIVE_YET: &[&str] = &["security"];

/// What a configuration is made from. All of it is text; nothing here has been looked at yet.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    /// Name (as it shall stand in messages) and text of the configuration file, where there is one.
    pub file: Option<(&'a str, &'a str)>,
    /// The environment; variables that are none of ours are ignored.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub flags: Flags,
}

impl Config {
    /// Reads and validates everything that `sources` say.
    ///
    /// # Errors
    /// Every problem that was found; there is no configuration then, not even a partial one.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut layers = layers::Layers::default();
        if let Some((name, text)) = sources.file {
            file::read(name, text, &mut layers, &mut problems);
        }
        environment::read(&sources.environment, &mut layers, &mut problems);
        sources.flags.read(&mut layers, &mut problems);
        let config = validate::config(layers, &sources.environment, &sources.flags, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// One line for each table that somebody has set and whose feature is not there yet: accepted, and said at start.
    pub fn inactive(&self) -> Vec<String> {
        let line = |table: &&str| {
            let origin = self.effective.first_set(table)?;
            Some(format!("[{table}] is accepted but not active yet in this version ({origin})"))
        };
        NOT_ACTIVE_YET.iter().filter_map(line).collect()
    }
}

impl Default for Config {
    /// The defaults alone, with the demo boat and the state directory of a service, `/var/lib/taffrail`.
    fn default() -> Self {
        let environment = vec![("STATE_DIRECTORY".to_owned(), "/var/lib/taffrail".to_owned())];
        Self::load(&Sources { environment, ..Sources::default() }).expect("the defaults are valid; a test holds it")
    }
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
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
    /// `[security]`
    pub security: Security,
    /// `[[meta]]`
    pub meta: Vec<Meta>,
    /// `[ais]`
    pub ais: Ais,
    /// `[limits]`
    pub limits: Limits,
    /// Every value as it came out, with its origin: for `taffrail check-config` and [`Config::inactive`].
    pub effective: Effective,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Where HTTP and WebSocket listen.
    pub http: SocketAddr,
    /// Where the raw stream listens; `None` for "off".
    pub tcp: Option<SocketAddr>,
    /// Announce on the local network.
    pub mdns: bool,
    /// The interfaces to announce on; empty for all that are not loopback.
    pub mdns_interfaces: Vec<String>,
    /// The HTTP port that others see, where it is not the one of `http`.
    pub external_port: Option<u16>,
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
    /// Not trusted before this program was made, nor on a board without a real-time clock until something confirms the time.
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

impl Network {
    /// Whether an address lies in the range. An IPv4 address in IPv6 form is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.prefix_bits);
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => bits == 0 || (u32::from(a) ^ u32::from(b)) >> (32 - bits.min(32)) == 0,
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                bits == 0 || (u128::from(a) ^ u128::from(b)) >> (128 - bits.min(128)) == 0
            }
            _ => false,
        }
    }
}

/// `[vessel]`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vessel {
    /// Nine digits; with it, self is `urn:mrn:imo:mmsi:…`.
    pub mmsi: Option<String>,
    /// `urn:mrn:signalk:uuid:…`
    pub uuid: Option<String>,
    /// Name of the boat.
    pub name: Option<String>,
    /// Call sign, `communication.callsignVhf`.
    pub callsign: Option<String>,
    /// Flag state, two letters.
    pub flag: Option<String>,
    /// Home port.
    pub port: Option<String>,
    /// IMO number, seven digits, `registrations.imo`.
    pub imo: Option<String>,
    /// Greatest draft in metres, `design.draft.maximum`.
    pub draft: Option<f64>,
    /// Length over all in metres, `design.length.overall`.
    pub length: Option<f64>,
    /// Beam in metres, `design.beam`.
    pub beam: Option<f64>,
    /// Height above the water in metres, `design.airHeight`.
    pub air_height: Option<f64>,
    /// AIS ship type, 10 to 99 (36 sailing, 37 pleasure), `design.aisShipType.id`.
    pub ship_type: Option<u8>,
    /// Metres from the bow to the GPS antenna, `sensors.gps.fromBow`.
    pub gps_from_bow: Option<f64>,
    /// Metres from the centre line to the GPS antenna, starboard positive, `sensors.gps.fromCenter`.
    pub gps_from_center: Option<f64>,
}

/// `[[priority]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Priority {
    /// Path pattern.
    pub path: String,
    /// Best first.
    pub sources: Vec<PrioritySource>,
}

/// One line of a priority list.
#[derive(Debug, Clone, PartialEq)]
pub struct PrioritySource {
    /// `$source`
    pub source: String,
    /// How long the better ones must be silent before this one counts.
    pub timeout: Duration,
}

/// `[[meta]]`: overrides what is known about a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// The path, without a context; unique.
    pub path: String,
    /// SI unit, for paths of the boat's own.
    pub units: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// What an instrument writes beside it.
    pub display_name: Option<String>,
    /// After this long without a value the path is stale.
    pub timeout: Option<Duration>,
    /// Ranges that raise notifications.
    pub zones: Vec<Zone>,
}

/// One of `zones`, in the path's SI unit; without a bound it is open on that side.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// From here.
    pub lower: Option<f64>,
    /// To here, greater than `lower`.
    pub upper: Option<f64>,
    /// `nominal`, `normal`, `alert`, `warn`, `alarm` or `emergency`.
    pub state: State,
    /// What the notification says.
    pub message: Option<String>,
}

/// `[ais]`: when somebody else's vessel is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ais {
    /// One time for every kind of target, in place of the times by kind.
    pub lost_after: Option<Duration>,
    /// Class A under way: without a report for this long its course and speed become null.
    pub lost_class_a: Duration,
    /// Class A at anchor, moored or aground.
    pub lost_class_a_at_rest: Duration,
    /// Class B, and vessels of unknown class.
    pub lost_class_b: Duration,
    /// Aids to navigation and base stations.
    pub lost_fixed: Duration,
    /// Search and rescue aircraft.
    pub lost_aircraft: Duration,
    /// Distress transmitters.
    pub lost_beacon: Duration,
    /// Weather stations.
    pub lost_weather: Duration,
    /// Without a report for this long it leaves the model.
    pub leave_after: Duration,
}

/// `[limits]`: what one client or one device can make the server hold. Beyond a limit the newcomer is refused and counted;
/// what is there stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message from a client.
    pub message_bytes: usize,
    /// Nesting of arrays and objects in a message.
    pub depth: usize,
    /// Different paths in all.
    pub paths: usize,
    /// Vessels, aids to navigation and other contexts.
    pub contexts: usize,
    /// Different `$source`s.
    pub sources: usize,
    /// Subscription rows of one client.
    pub subscriptions_per_client: usize,
}
