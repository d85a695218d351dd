//! `/signalk/v1/playback`: a stream of what was recorded.
//!
//! The same session and the same driver as the live stream, over a world of the connection's own: it begins with the state
//! at `startTime`, a task ([`play`]) applies what the history ([`tape`]) holds when it is due, and with the connection all of
//! it goes. The live world is only looked at, once, for the vessel and its metadata.

pub mod play;
pub mod tape;

mod wanted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;

use super::client::{Client, Writer};
use super::codec::WsTransport;
use super::metered::Written;
use super::remote;
use super::stream;
use super::{Shared, absent, driver, headers};
use crate::feed;
use crate::history::handle::History;
use crate::history::player::Player;
use crate::kernel::hello;
use crate::kernel::session::{Options, Session};
use play::Play;
use tape::{HistoryTape, Tape as _};

pub use self::wanted::GAP_LIMIT_S;
use self::wanted::Wanted;

/// Answers the upgrade.
pub async fn upgrade(State(shared): State<Arc<Shared>>, request: Request<axum::body::Body>) -> Response {
    let Some(history) = shared.history.clone() else { return absent::playback() };
    let (mut parts, _) = request.into_parts();
    let query: Vec<(String, String)> = Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let wanted = match Wanted::read(&query) {
        Ok(wanted) => wanted,
        Err(why) => return headers::error(StatusCode::BAD_REQUEST, &why),
    };
    let options = match stream::options_of(&query) {
        // Timepoints of a playback mean nothing to anybody else, and servers don't relay the past.
        Ok(options) => {
            Options { rows_max: shared.settings.rows_max, resume: None, timepoints: false, peer: None, ..options }
        }
        Err(what) => return headers::error(StatusCode::NOT_IMPLEMENTED, &format!("not supported: {what}")),
    };
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let written = parts.extensions.get::<Written>().cloned().unwrap_or_default();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &shared).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return stream::no_upgrade(&rejection, &parts),
    };
    let place = peer.and_then(|peer| shared.connections.take(peer.ip(), shared.settings.streams_per_address_max));
    let (Some(place), Ok(playing)) = (place, history.playbacks.clone().try_acquire_owned()) else {
        shared.counters.over_limit.fetch_add(1, Ordering::Relaxed);
        let mut response = headers::error(StatusCode::TOO_MANY_REQUESTS, "too many playbacks");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        return response;
    };
    let opened = history
        .blocking(move |history| {
            let mut tape = HistoryTape::new(history.reader()?, wanted.start, wanted.end)?;
            let loaded = tape.load(wanted.start)?;
            Ok::<_, tape::TapeError>(loaded.map(|loaded| (tape, loaded)))
        })
        .await;
    let (tape, loaded) = match opened {
        Some(Ok(Some(opened))) => opened,
        Some(Ok(None)) => return headers::error(StatusCode::BAD_REQUEST, "no data was recorded in that time"),
        Some(Err(error)) => {
            tracing::warn!(%error, "a playback could not begin");
            return headers::error(StatusCode::INTERNAL_SERVER_ERROR, "the history cannot be read");
        }
        None => return headers::error(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping"),
    };
    let max = shared.settings.message_bytes_max;
    WsTransport::bound(upgrade, max).on_upgrade(move |socket| async move {
        let _kept = (place, playing);
        let mut world = shared.feed.read().replica(wanted.start);
        world.replay(loaded.state, wanted.start);
        let now = shared.clock.now().mono;
        let mut session = Session::new(options, &world, now);
        session.reply(hello::playback(&shared.identity, wanted.start, wanted.rate));
        let (writer, feed) = feed::feed(world);
        let (remote, notices, deck) = remote::remote();
        let mut player = Player::new(wanted.start, wanted.rate, wanted.gap_max_ms, now);
        player.push(loaded.page);
        player.know_lost(loaded.lost);
        let from = play::From { start: wanted.start, looped: wanted.looped };
        let play = Play::new(from, (player, deck), writer, Box::new(tape), history.readers, shared.clock.clone());
        shared.tracker.spawn(play.run());
        let refused = Writer::Refused { why: "a playback only plays: it takes no updates", told: false };
        let mut client = Client::new(session, refused).of_playback(remote, notices);
        let mut transport = WsTransport::new(socket, max);
        let ended = driver::drive(&mut transport, &mut client, feed, shared.surroundings(written)).await;
        tracing::debug!(?peer, reason = ended.as_str(), "playback ended");
    })
}

impl History {
    /// Runs a query on a thread of its own, when a reader's place is free. `None` when the server is stopping.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        query: impl FnOnce(Self) -> T + Send + 'static,
    ) -> Option<T> {
        let history = self.clone();
        play::on_a_thread(self.readers.clone(), move || query(history)).await
    }
}
