//! A recording served again: to plotters as NMEA 0183, to apps as Signal K, on ports of its own.
//!
//! It is a server like the live one, over a world into which a playback writes instead of the hub. Nothing of it reaches a
//! running server: of the history it reads only what is committed, and it takes no lock.

mod file_tape;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{FIRST_CLIENT_ORIGIN, Phase, STOP_TIMEOUT, bind, defaults, settings, setup};
use crate::clock::Clock;
use crate::clock::boat::BoatClock;
use crate::config::Config;
use crate::feed;
use crate::history::player::Player;
use crate::history::reader::Reader;
use crate::history::upkeep;
use crate::hub::HubCounters;
use crate::kernel::hello::Identity;
use crate::kernel::id::{Instance, Seq};
use crate::kernel::time::Timestamp;
use crate::kernel::world::World;
use crate::server::nmea_tcp::{self, Service, Voice};
use crate::server::playback::play::{From, Play, on_a_thread};
use crate::server::playback::tape::{HistoryTape, Tape};
use crate::server::remote::{self, Command, Notices, Remote, State};
use crate::server::{self, Settings, Shared};

pub use file_tape::{FileTape, Reel};

/// Moments of sentences that wait for a client that is slow; beyond them it misses some.
const LINES_KEPT: usize = 4_096;
/// Threads that read the recording.
const READERS: usize = 1;
/// How long clients may take for what is left at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether they have it.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// What is served again.
#[derive(Debug)]
pub enum Recording {
    /// A stretch of the history in this directory.
    History {
        /// The directory of the database.
        directory: PathBuf,
        /// Its first moment.
        from: Timestamp,
    },
    /// Files, one after the other.
    Files {
        /// At least one.
        reels: Vec<Reel>,
        /// The first moment; that of the first file without it.
        from: Option<Timestamp>,
        /// The own vessel, where they say whose they are.
        own: Option<String>,
    },
}

/// How, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Up to this moment, itself not included.
    pub to: Option<Timestamp>,
    /// How many times as fast as it was.
    pub rate: f64,
    /// Again when it has ended.
    pub looped: bool,
    /// Stand at first.
    pub paused: bool,
    /// Where nothing was recorded for longer than so many milliseconds, go on to the end of it.
    pub gap_max_ms: Option<u64>,
    /// Where NMEA 0183 is served.
    pub nmea: Option<SocketAddr>,
    /// Where Signal K over TCP is.
    pub tcp: Option<SocketAddr>,
    /// Where HTTP and WebSocket are.
    pub http: Option<SocketAddr>,
}

/// A replay that runs.
pub struct Replay {
    /// Where NMEA 0183 is served.
    pub nmea: Option<SocketAddr>,
    /// Where Signal K over TCP is.
    pub tcp: Option<SocketAddr>,
    /// Where HTTP and WebSocket are.
    pub http: Option<SocketAddr>,
    /// Whose recording it is, in full.
    pub own: String,
    remote: Remote,
    notices: Notices,
    shared: Arc<Shared>,
    plotters: Arc<AtomicUsize>,
    streams: Phase,
    playing: JoinHandle<()>,
}

impl Replay {
    /// Opens the recording, binds the ports and begins.
    ///
    /// # Errors
    /// A recording that cannot be read or has nothing in that time, a port that is taken.
    pub async fn start(
        config: &Config,
        recording: Recording,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let readers = Arc::new(Semaphore::new(READERS));
        let (own, start, sentences, mut tape) = open(config, recording, options.to)?;
        let (tape, loaded) = on_a_thread(readers.clone(), move || tape.load(start).map(|loaded| (tape, loaded)))
            .await
            .ok_or_else(|| anyhow::anyhow!("the recording was not read to its first moment"))?
            .map_err(anyhow::Error::from_boxed)?;
        let loaded = loaded.ok_or_else(|| anyhow::anyhow!("nothing was recorded at {start} or later"))?;

        let nmea = listener("NMEA 0183", options.nmea).await?;
        let tcp = listener("Signal K over TCP", options.tcp).await?;
        let http = listener("HTTP", options.http).await?;

        let now = clock.now();
        let mut world = World::new(setup(config, &own), Seq::default());
        defaults::apply(&mut world, config, &own, now);
        let mut world = world.replica(start);
        world.replay(loaded.state, start);
        let (writer, feed) = feed::feed(world);
        let (remote, notices, deck) = remote::remote();
        let mut player = Player::new(start, options.rate, options.gap_max_ms, now.mono);
        player.push(loaded.page);
        player.pause(options.paused, now.mono);
        let from = From { start, looped: options.looped };
        let mut play = Play::new(from, (player, deck), writer, tape, readers, clock.clone());
        let voice = if sentences {
            let (lines, _) = broadcast::channel(LINES_KEPT);
            play = play.with_voice(lines.clone());
            Voice::Own(lines.downgrade())
        } else {
            Voice::Model(feed.clone())
        };

        let streams = Phase::default();
        let shared = Arc::new(shared(config, &own, feed, clock, &streams));
        let plotters = Arc::new(AtomicUsize::new(0));
        let nmea = nmea.map(|(listener, address)| {
            let (tracker, token) = (streams.tracker.clone(), streams.token.clone());
            let service = Service { voice, clients: plotters.clone(), tracker, token };
            streams.tracker.spawn(nmea_tcp::serve(listener, service));
            address
        });
        let tcp = tcp.map(|(listener, address)| {
            streams.tracker.spawn(server::serve_tcp(listener, shared.clone()));
            address
        });
        let http = http.map(|(listener, address)| {
            streams.tracker.spawn(server::serve_http(listener, server::router(shared.clone()), shared.clone()));
            address
        });
        shared.health.set_ready(true);
        let playing = tokio::spawn(play.run());
        Ok(Self { nmea, tcp, http, own, remote, notices, shared, plotters, streams, playing })
    }

    /// How many listen.
    pub fn clients(&self) -> usize {
        self.plotters.load(Ordering::Relaxed) + self.shared.counters.open.load(Ordering::Relaxed) as usize
    }

    /// Gives an order; an empty one asks how it stands. `Err` with a sentence, among others when it has ended.
    ///
    /// # Errors
    /// An order that cannot be obeyed.
    pub async fn order(&self, command: Command) -> Result<State, String> {
        self.remote.order(command).await
    }

    /// Waits for the end, and takes note of gaps meanwhile. Nothing is lost when this is dropped half-way.
    pub async fn ended(&mut self) {
        loop {
            tokio::select! {
                _ = &mut self.playing => return,
                _ = self.notices.next(Seq(u64::MAX)) => {}
            }
        }
    }

    /// Ends it; when it had ended itself (`is_complete`), clients get the rest first.
    pub async fn stop(self, is_complete: bool) {
        let begun = Instant::now();
        while is_complete && self.clients() > 0 && begun.elapsed() < DRAIN_TIMEOUT {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
        self.playing.abort();
        self.streams.stop(Instant::now() + STOP_TIMEOUT).await;
    }
}

/// The own vessel, the first moment, whether the recording consists of sentences, and the tape.
fn open(
    config: &Config,
    recording: Recording,
    to: Option<Timestamp>,
) -> anyhow::Result<(String, Timestamp, bool, Box<dyn Tape>)> {
    let configured = || match (&config.vessel.mmsi, &config.vessel.uuid) {
        (Some(mmsi), _) => format!("vessels.urn:mrn:imo:mmsi:{mmsi}"),
        (None, Some(uuid)) => format!("vessels.{uuid}"),
        (None, None) => format!("vessels.urn:mrn:signalk:uuid:{}", uuid::Uuid::new_v4()),
    };
    match recording {
        Recording::History { directory, from } => {
            let own = upkeep::own_context(&directory)?.unwrap_or_else(configured);
            let tape = HistoryTape::new(Reader::open(&directory, None)?, from, to)?;
            Ok((own, from, false, Box::new(tape)))
        }
        Recording::Files { reels, from, own } => {
            let own = own.unwrap_or_else(configured);
            let first = reels.first().map_or(Timestamp::default(), |reel| reel.survey.begins(reel.start));
            let sentences = reels.iter().any(|reel| reel.survey.sentences > 0);
            let tape = FileTape::new(reels, setup(config, &own), to);
            Ok((own, from.unwrap_or(first), sentences, Box::new(tape)))
        }
    }
}

async fn listener(
    what: &'static str,
    address: Option<SocketAddr>,
) -> anyhow::Result<Option<(tokio::net::TcpListener, SocketAddr)>> {
    match address {
        Some(address) => Ok(Some(bind(what, address).await?)),
        None => Ok(None),
    }
}

/// What the handlers of the live server share, for one into which nobody writes.
fn shared(config: &Config, own: &str, feed: feed::Feed, clock: Arc<dyn Clock>, streams: &Phase) -> Shared {
    let (nobody, _) = mpsc::channel(1);
    Shared {
        began: Seq::default(),
        feed,
        instance: Instance(uuid::Uuid::new_v4().as_u128()),
        identity: Identity { name: format!("{} replay", config.server.name), own: own.to_owned() },
        settings: Settings { allow_write: Vec::new(), ..settings(config, false) },
        hub: nobody,
        connections: server::limits::PerAddress::default(),
        counters: server::driver::StreamCounters::default(),
        next_origin: AtomicU32::new(FIRST_CLIENT_ORIGIN),
        input_statuses: OnceLock::new(),
        hub_counters: Arc::new(HubCounters::default()),
        health: server::health::Health::new(clock.now().mono),
        events: server::server_events::Events::default(),
        windows: server::shut_windows::ShutWindows::default(),
        app_data: server::app_data::AppData::in_memory(),
        history: None,
        tcp_port: None,
        tracker: streams.tracker.clone(),
        token: streams.token.clone(),
        // Whoever is told the time takes it for the present.
        clock: Arc::new(BoatClock::of_a_recording(clock)),
    }
}
