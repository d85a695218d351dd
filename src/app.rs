//! The composition root: everything is built, wired, started and stopped here, and nowhere else.

mod banner;
mod defaults;
mod persist;
mod service_manager;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, SystemClock};
use crate::config::{ClockTrust, Config};
use crate::feed::{self, Feed};
use crate::hub::sequence::Sequence;
use crate::hub::{self, HubCounters};
use crate::input::{self, Inputs, Wiring};
use crate::kernel::decode;
use crate::kernel::hello::Identity;
use crate::kernel::id::Seq;
use crate::kernel::model::Limits;
use crate::kernel::model::priority::PriorityRule;
use crate::kernel::pattern::Pattern;
use crate::kernel::world::{Setup, World};
use crate::server::{self, Settings, Shared};
use crate::state_dir::{StateDir, StateError, vessel_identity};

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
    hub_done: tokio::task::JoinHandle<()>,
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
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(WORKER_THREADS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build()?;
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

async fn wait_for_signal() -> std::io::Result<&'static str> {
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
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let state = Arc::new(StateDir::open(&config.server.state_dir)?);
        let own = own_vessel(config, &state);
        let (sequence, head) = Sequence::start(state.clone(), None);
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
        let (streams, sources) = (Phase::default(), Phase::default());

        let hub = Arc::new(HubCounters::default());
        let hub_done = tokio::spawn(hub::run(waiting, writer, sequence, clock.clone(), hub.clone()));
        let persisted = tokio::spawn(persist::keep(feed.clone(), state.clone()));

        let shared = Arc::new(Shared {
            feed: feed.clone(),
            identity: Identity { name: config.server.name.clone(), own },
            clock: clock.clone(),
            hub: inbox.clone(),
            settings: settings(config),
            connections: server::limits::PerAddress::default(),
            counters: server::driver::StreamCounters::default(),
            next_origin: AtomicU32::new(FIRST_CLIENT_ORIGIN),
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

        let mut wiring = Wiring::new(inbox, clock, sources.tracker.clone(), sources.token.clone());
        wiring.delta = read_delta;
        let inputs = input::start_inputs(&config.inputs, &wiring);
        Ok(Self { http, tcp, shared, inputs, hub, streams, sources, hub_done, persisted })
    }

    /// What live streams read from.
    pub fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    /// Stops in order: inputs, then streams with a word to each client, then the hub when it has applied what was waiting.
    pub async fn stop(self) {
        let begun = Instant::now();
        let deadline = begun + STOP_TIMEOUT;
        let Self { shared, inputs, streams, sources, hub_done, persisted, .. } = self;
        let clients = shared.connections.total();
        let sources_done = sources.stop(deadline).await;
        drop(inputs);
        let streams_done = streams.stop(deadline).await;
        // The hub ends when nobody can send to it any more.
        drop(shared);
        let hub_ended = tokio::time::timeout_at(deadline, hub_done).await.is_ok();
        let kept = tokio::time::timeout_at(deadline, persisted).await.is_ok();
        tracing::info!(
            clients,
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
    let limits = Limits { paths_max: config.limits.paths, contexts_max: config.limits.contexts, ..Limits::default() };
    let rule = |p: &crate::config::Priority| PriorityRule {
        path: Pattern::new(&p.path),
        sources: p.sources.iter().map(|s| (Pattern::new(&s.source), s.timeout.as_millis() as u64)).collect(),
    };
    Setup { limits, priorities: config.priorities.iter().map(rule).collect(), ..Setup::new(own) }
}

fn settings(config: &Config) -> Settings {
    Settings {
        streams_per_address_max: config.server.max_connections_per_ip,
        message_bytes_max: config.limits.message_bytes,
        ping_interval: config.server.ping_interval,
        stall_close: config.server.stall_close,
        allow_write: config.server.allow_write.clone(),
        clock_trusted: config.server.clock != ClockTrust::Untrusted,
    }
}

/// Reads a line of an input that speaks Signal K; the number of things in it that could not be used comes back.
fn read_delta(text: &str, updates: &mut Vec<crate::kernel::update::Update>) -> usize {
    match decode::delta(text, "signalk") {
        Some(decoded) => {
            updates.extend(decoded.updates);
            decoded.issue_count
        }
        None => 1,
    }
}
