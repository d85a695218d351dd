//! Everything that apps connect to: HTTP with WebSocket on one port, the raw stream on another.
//!
//! All streams end in [`driver`], which moves one [`crate::kernel::session::Session`] over whatever carries it.

mod absent;
pub mod app_data;
pub mod client;
mod codec;
mod cors;
mod discovery;
pub mod driver;
pub mod echo;
mod features;
pub mod figures;
mod headers;
pub mod health;
mod history;
#[cfg(feature = "history")]
mod history_notice;
mod http;
mod json_patch;
pub mod limits;
mod login_status;
mod metered;
mod metrics;
#[cfg(feature = "history")]
pub mod nmea_tcp;
mod notifications;
mod page;
mod patience;
#[cfg(feature = "history")]
pub mod playback;
pub mod remote;
mod resources;
mod rest;
mod resume;
pub mod server_events;
pub mod shut_windows;
#[cfg(feature = "history")]
mod snapshot;
mod source_priorities;
mod stream;
mod tcp;
mod unit_preferences;
mod web_apps;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::boat::BoatClock;
use crate::config::Network;
use crate::feed::Feed;
use crate::hub::HubCounters;
use crate::input::Batch;
use crate::input::status::InputStatus;
use crate::kernel::hello::Identity;
use crate::kernel::id::{Instance, Seq};
use crate::kernel::time::{Now, Timestamp};

pub use http::serve as serve_http;
pub use tcp::serve as serve_tcp;

/// What every handler shares.
#[derive(Debug)]
pub struct Shared {
    /// The live world.
    pub feed: Feed,
    /// The number before the first change of this run.
    pub began: Seq,
    /// Who we are.
    pub identity: Identity,
    /// Who we are to other servers.
    pub instance: Instance,
    /// What time it is.
    pub clock: Arc<BoatClock>,
    /// Where deltas of clients go.
    pub hub: mpsc::Sender<Batch>,
    /// What clients may cost.
    pub settings: Settings,
    /// Connections by address.
    pub connections: limits::PerAddress,
    /// Why streams ended, and what they were refused.
    pub counters: driver::StreamCounters,
    /// Numbers for the loop guard; inputs have the low ones.
    pub next_origin: AtomicU32,
    /// The inputs, when they have been started.
    pub input_statuses: OnceLock<Vec<Arc<InputStatus>>>,
    /// What the hub has done.
    pub hub_counters: Arc<HubCounters>,
    /// Whether all is well.
    pub health: health::Health,
    /// Frames about the server, for streams that ask for them.
    pub events: server_events::Events,
    /// What apps keep aboard.
    pub app_data: app_data::AppData,
    /// The port of the raw stream, where it is on.
    pub tcp_port: Option<u16>,
    /// The history, while it is recorded.
    #[cfg(feature = "history")]
    pub history: Option<crate::history::handle::History>,
    /// Which peers accept nothing.
    pub windows: shut_windows::ShutWindows,
    /// Waits for streams.
    pub tracker: TaskTracker,
    /// Stops them.
    pub token: CancellationToken,
}

/// Bounds that the configuration sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Streams from one address.
    pub streams_per_address_max: u32,
    /// Bytes of one message of a client.
    pub message_bytes_max: usize,
    /// Nesting of arrays and objects in a message of a client.
    pub depth_max: usize,
    /// Subscription rows of one client.
    pub rows_max: usize,
    /// A ping every so often.
    pub ping_interval: Duration,
    /// A peer that accepts no byte for this long is closed.
    pub stall_close: Duration,
    /// Who may write.
    pub allow_write: Vec<Network>,
    /// Whether clients may keep the numbers of this run.
    pub timepoints: bool,
}

impl Shared {
    /// Whether somebody at `peer` may write.
    pub fn may_write(&self, peer: SocketAddr) -> bool {
        let address = peer.ip().to_canonical();
        self.settings.allow_write.iter().any(|network| network.contains(address))
    }

    /// Whether a stream that fell behind may go on from the log of the history.
    pub(crate) fn can_go_back(&self) -> bool {
        #[cfg(feature = "history")]
        let is_recorded = self.history.is_some();
        #[cfg(not(feature = "history"))]
        let is_recorded = false;
        is_recorded
    }
}

impl Shared {
    /// The inputs in the order of the configuration; none before they are started.
    pub fn inputs(&self) -> &[Arc<InputStatus>] {
        self.input_statuses.get().map_or(&[], Vec::as_slice)
    }

    /// Whether there is a history to ask.
    #[cfg(feature = "history")]
    fn has_history(&self) -> bool {
        self.history.is_some()
    }

    /// Whether there is a history to ask: this build has none.
    #[cfg(not(feature = "history"))]
    #[allow(clippy::unused_self, reason = "the same call in every build")]
    fn has_history(&self) -> bool {
        false
    }

    /// What becomes of the deltas of a client at `peer`. `own_page` is false for a browser page from elsewhere.
    fn writer_for(&self, peer: SocketAddr, transport: &'static str, own_page: bool) -> client::Writer {
        if !own_page {
            return client::Writer::Refused { why: "a page from another origin may not write", told: false };
        }
        if !self.may_write(peer) {
            let why = "writing is off for this address; set [server] allow_write in the configuration";
            return client::Writer::Refused { why, told: false };
        }
        let origin = self.next_origin.fetch_add(1, Ordering::Relaxed);
        client::Writer::Allowed { hub: self.hub.clone(), provider: transport.into(), origin }
    }

    /// How long peers are waited for.
    fn patience(&self) -> patience::Patience {
        patience::Patience::new(self.settings.ping_interval, self.settings.stall_close)
    }

    fn surroundings(&self, written: metered::Written) -> driver::Surroundings<'_> {
        driver::Surroundings {
            clock: &*self.clock,
            instance: self.instance,
            counters: &self.counters,
            token: &self.token,
            depth_max: self.settings.depth_max,
            ping_interval: self.settings.ping_interval,
            stall_close: self.settings.stall_close,
            written,
            windows: &self.windows,
        }
    }

    /// The time now, and the wall time to tell a client: none while the clock is not trusted.
    fn time_to_tell(&self) -> (Now, Option<Timestamp>) {
        let (now, era) = self.clock.reading();
        (now, era.trusted.then_some(now.wall))
    }
}

/// What is answered about the past.
mod past {
    #[cfg(feature = "history")]
    pub use super::{playback::upgrade as playback, snapshot::snapshot};

    #[cfg(not(feature = "history"))]
    pub async fn playback() -> axum::response::Response {
        super::absent::playback()
    }

    #[cfg(not(feature = "history"))]
    pub async fn snapshot() -> axum::response::Response {
        super::absent::snapshot()
    }
}

/// All routes.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/index.html", get(page::page))
        .route("/signalk", get(discovery::discovery))
        .route("/signalk/", get(discovery::discovery))
        .route("/signalk/v1/stream", any(stream::upgrade))
        .route("/signalk/v1/stream/", any(stream::upgrade))
        .route("/signalk/v1/playback", any(past::playback))
        .route("/signalk/v1/playback/", any(past::playback))
        .route("/signalk/v1/snapshot", any(past::snapshot))
        .route("/signalk/v1/snapshot/", any(past::snapshot))
        .route("/signalk/v1/snapshot/{*path}", any(past::snapshot))
        .route("/signalk/v1/api/snapshot/{*path}", any(past::snapshot))
        .route("/signalk/v1/auth/{*path}", any(absent::logins))
        .route("/signalk/v1/access/requests", any(absent::access_requests))
        .route("/signalk/v1/access/requests/{id}", get(absent::unknown_request))
        .route("/signalk/v1/requests/{id}", get(absent::unknown_request))
        .route("/signalk/v1/sourcepriorities", get(source_priorities::rules))
        .route("/signalk/v1/sourcepriorities/{*path}", get(source_priorities::of_path))
        .route("/signalk/v1/api", any(rest::api))
        .route("/signalk/v1/api/", any(rest::api))
        .route("/signalk/v1/api/{*path}", any(rest::api))
        .route("/signalk/v1/applicationData/{*path}", any(app_data::app_data))
        .route("/signalk/v1/unitpreferences/{name}", get(unit_preferences::document))
        .route("/signalk/v1/unitpreferences/presets/{name}", get(unit_preferences::named_preset))
        .route("/signalk/v1/apps/list", get(web_apps::none))
        .route("/signalk/v2/features", get(features::features))
        .route("/signalk/v2/api/resources", any(resources::types))
        .route("/signalk/v2/api/resources/", any(resources::types))
        .route("/signalk/v2/api/resources/{kind}", any(resources::collection))
        .route("/signalk/v2/api/resources/{kind}/", any(resources::collection))
        .route("/signalk/v2/api/resources/{kind}/{*rest}", any(resources::item))
        .merge(history::routes())
        .merge(notifications::routes())
        .route("/skServer/loginStatus", get(login_status::login_status))
        .route("/loginStatus", get(login_status::login_status))
        .route("/skServer/plugins", get(web_apps::none))
        .route("/plugins", get(web_apps::none))
        .route("/plugins/", get(web_apps::none))
        .route("/skServer/webapps", get(web_apps::none))
        .route("/skServer/addons", get(web_apps::none))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .fallback(headers::not_found)
        .method_not_allowed_fallback(headers::method_not_allowed)
        .layer(axum::middleware::from_fn(limits::body))
        .layer(axum::middleware::from_fn(cors::layer))
        .with_state(shared)
}
