//! The composition root: everything is built, wired, started and stopped here, and nowhere else.

mod banner;
mod baud_rates;
mod defaults;
#[cfg(feature = "history")]
pub mod import;
mod persist;
#[cfg(feature = "history")]
pub mod recording;
#[cfg(feature = "history")]
pub mod replay;
mod service_manager;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU32;
#[cfg(feature = "history")]
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::board::Board;
use crate::clock::boat::BoatClock;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::feed::{self, Feed};
use crate::hub::sequence::Sequence;
use crate::hub::{self, HubCounters};
use crate::input::{self, Home, Inputs, Wiring};
use crate::kernel::decode;
use crate::kernel::hello::Identity;
use crate::kernel::id::Seq;
use crate::kernel::lost::LostPolicy;
use crate::kernel::model::Limits;
use crate::kernel::model::priority::PriorityRule;
use crate::kernel::pattern::Pattern;
use crate::kernel::world::{Setup, World};
use crate::server::{self, Settings, Shared};
use crate::state_dir::{StateDir, StateError, server_instance, vessel_identity};

/// Threads of the runtime at the most. A boat's computer has four slow cores, and other things to do.
const WORKER_THREADS_MAX: usize = 2;
/// Threads for what blocks: the state directory, and queries of the history.
const BLOCKING_THREADS_MAX: usize = 4;
/// How long an orderly stop may take before the rest is dropped.
const STOP_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// A port.
    #[error("{what} on {address}: {source} (is another server running there?)")]
    Listen {
        /// Which service.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Where the raw stream listens, if it does.
    pub tcp: Option<SocketAddr>,
    /// What all its streams share.
    pub shared: Arc<Shared>,
    /// Its inputs.
    pub inputs: Inputs,
    /// What its hub has done.
    pub hub: Arc<HubCounters>,
    streams: Phase,
    sources: Phase,
    announcing: Phase,
    hub_done: tokio::task::JoinHandle<()>,
    #[cfg(feature = "history")]
    recording: Option<recording::Recording>,
    persisted: tokio::task::JoinHandle<()>,
}

/// Tasks that are stopped together.
#[derive(Debug, Clone, Default)]
struct Phase {
    token: CancellationToken,
    tracker: TaskTracker,
}

impl Phase {
    /// Stops them and waits, up to `deadline`. False when some had to be left.
    async fn stop(&self, deadline: Instant) -> bool {
        self.token.cancel();
        self.tracker.close();
        tokio::time::timeout_at(deadline, self.tracker.wait()).await.is_ok()
    }
}

/// Runs a server until SIGINT or SIGTERM.
pub fn run(config: &Config) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let clock = Arc::new(SystemClock::new());
    let result = runtime.block_on(async {
        let server = Server::start(config, clock).await?;
        banner::print(config, &server);
        let telling = service_manager::ready(&server);
        let signal = wait_for_signal().await?;
        tracing::info!("{signal}: stopping");
        service_manager::stopping();
        // It holds on to what the streams share, and the hub ends when nobody does.
        if let Some(telling) = telling {
            telling.abort();
        }
        tokio::select! {
            () = server.stop() => {}
            again = wait_for_signal() => tracing::warn!("{}: stopping at once", again?),
        }
        Ok(())
    });
    // Reading standard input cannot be interrupted; its thread ends with the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// The threads of a server.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKER_THREADS_MAX);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build()
}

/// Waits for SIGINT or SIGTERM, and says which it was.
pub(crate) async fn wait_for_signal() -> std::io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

impl Server {
    /// Starts everything that the configuration names. Ports are bound when this returns; a port of 0 is one that the
    /// system chose.
    pub async fn start(config: &Config, machine: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::start_on(config, machine, Board::default()).await
    }

    /// The same on a machine whose files say something else about its clock.
    pub async fn start_on(config: &Config, machine: Arc<dyn Clock>, board: Board) -> Result<Self, StartError> {
        let clock = Arc::new(BoatClock::new(machine, config.server.clock, board));
        let state = Arc::new(StateDir::open(&config.server.state_dir)?);
        let own = own_vessel(config, &state);
        let instance = server_instance(&state);
        let own_name = Arc::from(own.as_str());
        #[cfg(feature = "history")]
        let highest = config.history.enabled.then(|| recording::highest_seq(&recording::directory(config))).flatten();
        #[cfg(not(feature = "history"))]
        let highest = None;
        let (sequence, head) = Sequence::start(state.clone(), highest);
        let timepoints = sequence.is_durable();
        let mut world = World::new(setup(config, &own), Seq(head));
        let now = clock.now();
        defaults::apply(&mut world, config, &own, now);
        persist::restore(&mut world, &state, now);

        let http = bind("HTTP", config.server.http).await?;
        let tcp = match config.server.tcp {
            Some(address) => Some(bind("the TCP stream", address).await?),
            None => None,
        };
        let (writer, feed) = feed::feed(world);
        let (inbox, waiting) = mpsc::channel(input::INBOX_BATCHES);
        let (streams, sources, announcing) = (Phase::default(), Phase::default(), Phase::default());

        let hub = Arc::new(HubCounters::default());
        #[cfg(feature = "history")]
        let recorded = config.history.enabled.then(|| Arc::new(AtomicU64::new(head)));
        #[cfg(not(feature = "history"))]
        let recorded = None;
        let persisted = tokio::spawn(persist::keep(feed.clone(), state.clone()));

        #[cfg(feature = "history")]
        let (recording, history) = recorded
            .clone()
            .and_then(|recorded| recording::start(config, &own, (highest, head), feed.clone(), clock.clone(), recorded))
            .unzip();
        // Nobody waits for a recorder that did not start.
        #[cfg(feature = "history")]
        let recorded = recorded.filter(|_| recording.is_some());
        let hub_done = tokio::spawn(hub::run(waiting, writer, sequence, clock.clone(), hub.clone(), recorded));

        let started = clock.now().mono;
        let shared = Arc::new(Shared {
            feed: feed.clone(),
            began: Seq(head),
            instance,
            identity: Identity { name: config.server.name.clone(), own },
            clock: clock.clone(),
            hub: inbox.clone(),
            settings: settings(config, timepoints),
            connections: server::limits::PerAddress::default(),
            counters: server::driver::StreamCounters::default(),
            next_origin: AtomicU32::new(FIRST_CLIENT_ORIGIN),
            input_statuses: OnceLock::new(),
            hub_counters: hub.clone(),
            health: server::health::Health::new(started),
            events: server::server_events::Events::default(),
            windows: server::shut_windows::ShutWindows::default(),
            app_data: server::app_data::AppData::open(state.clone()),
            #[cfg(feature = "history")]
            history,
            tcp_port: tcp.as_ref().map(|(_, address)| address.port()),
            tracker: streams.tracker.clone(),
            token: streams.token.clone(),
        });
        let (listener, http) = http;
        let router = server::router(shared.clone());
        streams.tracker.spawn(server::serve_http(listener, router, shared.clone()));
        let tcp = tcp.map(|(listener, address)| {
            streams.tracker.spawn(server::serve_tcp(listener, shared.clone()));
            address
        });

        streams.tracker.spawn(clock.clone().run(streams.token.clone()));
        let mut wiring = Wiring::new(inbox, clock.clone(), sources.tracker.clone(), sources.token.clone());
        wiring.judge = Some(clock);
        wiring.delta = read_delta;
        wiring.baud_memory = Arc::new(baud_rates::BaudRates::open(state));
        wiring.delta_limits =
            input::DeltaLimits { line_bytes_max: config.limits.message_bytes, depth_max: config.limits.depth };
        #[cfg(feature = "history")]
        if let Some(inbox) = shared.history.as_ref().and_then(|history| history.sentences.clone()) {
            wiring.sentence_log = Some(Arc::new(inbox));
        }
        wiring.home = Some(Home { own: own_name, instance, feed });
        let inputs = input::start_inputs(&config.inputs, &wiring);
        announce(config, &shared.identity, http, tcp, &announcing);
        let _ = shared.input_statuses.set(inputs.statuses().to_vec());
        streams.tracker.spawn(server::server_events::run(shared.clone()));
        shared.health.set_ready(true);
        Ok(Self {
            http,
            tcp,
            shared,
            inputs,
            hub,
            streams,
            sources,
            announcing,
            hub_done,
            #[cfg(feature = "history")]
            recording,
            persisted,
        })
    }

    /// What live streams read from.
    pub fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    /// Stops in order: the announcement, inputs, then streams with a word to each client, then the hub when it has applied
    /// what was waiting.
    pub async fn stop(self) {
        let begun = Instant::now();
        let deadline = begun + STOP_TIMEOUT;
        #[cfg(feature = "history")]
        let recording = self.recording;
        let Self { shared, inputs, streams, sources, announcing, hub_done, persisted, .. } = self;
        let clients = shared.connections.total();
        shared.health.set_ready(false);
        let withdrawn = announcing.stop(deadline).await;
        let sources_done = sources.stop(deadline).await;
        drop(inputs);
        let streams_done = streams.stop(deadline).await;
        // The hub ends when nobody can send to it any more.
        drop(shared);
        let hub_ended = tokio::time::timeout_at(deadline, hub_done).await.is_ok();
        let kept = tokio::time::timeout_at(deadline, persisted).await.is_ok();
        #[cfg(feature = "history")]
        if let Some(recording) = recording {
            if tokio::time::timeout_at(deadline, recording.stop()).await.is_err() {
                tracing::warn!("the history was still writing; its last seconds may be missing");
            }
        }
        tracing::info!(
            clients,
            announcement = if withdrawn { "withdrawn" } else { "left" },
            inputs = if sources_done { "stopped" } else { "left" },
            streams = if streams_done { "closed" } else { "left" },
            hub = if hub_ended { "drained" } else { "left" },
            state = if kept { "kept" } else { "left" },
            "stopped after {} ms",
            begun.elapsed().as_millis()
        );
    }
}

/// Numbers below this are for inputs.
const FIRST_CLIENT_ORIGIN: u32 = 1 << 16;

/// Announces what has been bound, from now on.
#[cfg(feature = "dns-sd")]
fn announce(config: &Config, identity: &Identity, http: SocketAddr, tcp: Option<SocketAddr>, phase: &Phase) {
    use crate::dns_sd::{self, Announcement};

    if config.server.mdns {
        let announcement = Announcement::new(config, identity, &dns_sd::machine(), http, tcp);
        phase.tracker.spawn(dns_sd::announce(announcement, phase.token.clone()));
    }
}

#[cfg(not(feature = "dns-sd"))]
fn announce(_: &Config, _: &Identity, _: SocketAddr, _: Option<SocketAddr>, _: &Phase) {}

async fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen { what, address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// The own vessel in full: by its MMSI, else by the UUID of the configuration, else by the one that the state directory keeps.
fn own_vessel(config: &Config, state: &StateDir) -> String {
    let id = match (&config.vessel.mmsi, &config.vessel.uuid) {
        (Some(mmsi), _) => format!("urn:mrn:imo:mmsi:{mmsi}"),
        (None, Some(uuid)) => uuid.clone(),
        (None, None) => vessel_identity(state).0,
    };
    format!("vessels.{id}")
}

fn setup(config: &Config, own: &str) -> Setup {
    let limits = Limits {
        paths_max: config.limits.paths,
        contexts_max: config.limits.contexts,
        sources_max: config.limits.sources,
        ..Limits::default()
    };
    let rule = |p: &crate::config::Priority| PriorityRule {
        path: Pattern::new(&p.path),
        sources: p.sources.iter().map(|s| (Pattern::new(&s.source), s.timeout.as_millis() as u64)).collect(),
    };
    let priorities = config.priorities.iter().map(rule).collect();
    Setup { limits, priorities, lost: lost_policy(&config.ais), ..Setup::new(own) }
}

/// When silent targets are given up. What leaves early is lost no later than that.
fn lost_policy(ais: &crate::config::Ais) -> LostPolicy {
    let whole_seconds = |time: Duration| u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    let lost = |by_kind: Duration| whole_seconds(ais.lost_after.unwrap_or(by_kind).min(ais.leave_after));
    LostPolicy {
        class_a_moving_s: lost(ais.lost_class_a),
        class_a_at_rest_s: lost(ais.lost_class_a_at_rest),
        class_b_s: lost(ais.lost_class_b),
        fixed_s: lost(ais.lost_fixed),
        aircraft_s: lost(ais.lost_aircraft),
        beacon_s: lost(ais.lost_beacon),
        weather_s: lost(ais.lost_weather),
        leaves_s: whole_seconds(ais.leave_after),
    }
}

fn settings(config: &Config, timepoints: bool) -> Settings {
    Settings {
        streams_per_address_max: config.server.max_connections_per_ip,
        message_bytes_max: config.limits.message_bytes,
        depth_max: config.limits.depth,
        rows_max: config.limits.subscriptions_per_client,
        ping_interval: config.server.ping_interval,
        stall_close: config.server.stall_close,
        allow_write: config.server.allow_write.clone(),
        timepoints,
    }
}

/// Reads a line of an input or a recording that speaks Signal K; the number of things in it that could not be used comes back.
pub(crate) fn read_delta(
    text: &str,
    input: &str,
    limits: input::DeltaLimits,
    updates: &mut Vec<crate::kernel::update::Update>,
) -> usize {
    match decode::delta_within(text, input, limits.depth_max) {
        Some(decoded) => {
            updates.extend(decoded.updates);
            decoded.issue_count
        }
        None => 1,
    }
}
