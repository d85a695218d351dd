//! `/signalk/v1/stream`: the upgrade to WebSocket, and what its query asks for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::client::Client;
use super::codec::WsTransport;
use super::metered::Written;
use super::resume::{self, Beginning};
use super::{Shared, server_events};
use crate::kernel::hello;
use crate::kernel::id::{Instance, Seq};
use crate::kernel::relay;
use crate::kernel::session::{Implied, Options, Session};

/// Answers the upgrade.
pub async fn upgrade(State(shared): State<Arc<Shared>>, request: Request<axum::body::Body>) -> Response {
    let (mut parts, _) = request.into_parts();
    let query: Vec<(String, String)> = Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let options = match options_of(&query) {
        Ok(options) => {
            let log = shared.can_go_back();
            Options { rows_max: shared.settings.rows_max, log, ..options }
        }
        Err(what) => return refusal(StatusCode::NOT_IMPLEMENTED, &format!("not supported: {what}")),
    };
    if options.timepoints && !shared.settings.timepoints {
        return refusal(
            StatusCode::NOT_IMPLEMENTED,
            "no timepoints in this run: the state directory cannot be written",
        );
    }
    let beginning = match options.resume {
        // The log does not know through whom a value came, so another server gets nothing of it.
        Some(after) => match resume::find(&shared, after, options.peer.is_none()).await {
            Ok(beginning) => beginning,
            Err(refused) => return refused.into_response(),
        },
        None => Beginning::Memory,
    };
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let written = parts.extensions.get::<Written>().cloned().unwrap_or_default();
    let own_page = is_own_page(&parts.headers);
    let wants_events = query.iter().any(|(name, value)| name == "serverevents" && value == "all");
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &shared).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return no_upgrade(&rejection, &parts),
    };
    let Some(peer) = peer else { return refusal(StatusCode::INTERNAL_SERVER_ERROR, "the peer has no address") };
    let Some(place) = shared.connections.take(peer.ip(), shared.settings.streams_per_address_max) else {
        shared.counters.over_limit.fetch_add(1, Ordering::Relaxed);
        let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "too many streams from this address");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        return response;
    };
    let max = shared.settings.message_bytes_max;
    WsTransport::bound(upgrade, max).on_upgrade(move |socket| async move {
        let _place = place;
        let (now, wall) = shared.time_to_tell();
        let info = wants_events.then(|| server_events::vessel_info(&shared));
        let session = {
            let world = shared.feed.read();
            // What the client has is what it says; what comes after a gap begins behind it.
            let asked = options.resume;
            let resume = if let Beginning::Gap { to, .. } = beginning { Some(to) } else { asked };
            let mut session = Session::new(Options { resume, ..options.clone() }, &world, now.mono);
            let timepoint = options.timepoints.then(|| asked.unwrap_or(session.cursor()).0);
            session.reply(hello::live(&shared.identity, wall, timepoint));
            if let Beginning::Gap { from, to } = beginning {
                session.reply(resume::gap_message(from.0, to.0, "between two runs of the server"));
            }
            if let Some(info) = info {
                session.reply(info);
            }
            if options.peer.is_some() {
                session.reply(relay::introduction(shared.instance));
            }
            session
        };
        let events = wants_events.then(|| shared.events.lane());
        let mut client = Client::new(session, shared.writer_for(peer, "ws", own_page)).with_events(events);
        let mut transport = WsTransport::new(socket, max);
        let surroundings = shared.surroundings(written);
        let ended = resume::drive(&mut transport, &mut client, beginning, &shared, surroundings).await;
        tracing::debug!(%peer, reason = ended.as_str(), "WebSocket stream ended");
    })
}

/// The answer to a request that is no upgrade to a WebSocket: what it lacks, or that it should be one (426, RFC 9110,
/// section 15.5.22).
pub(super) fn no_upgrade(rejection: &WebSocketUpgradeRejection, parts: &Parts) -> Response {
    let asks =
        parts.headers.get(header::UPGRADE).is_some_and(|upgrade| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if asks || parts.method != Method::GET {
        return refusal(rejection.status(), &rejection.body_text());
    }
    let words = format!("{} is a WebSocket: connect to it with ws:// in place of http://", parts.uri.path());
    let mut response = refusal(StatusCode::UPGRADE_REQUIRED, &words);
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}

/// What the query asks for; `Err` names an option that is not supported (STR-10). Unknown names are ignored (STR-09).
pub fn options_of(query: &[(String, String)]) -> Result<Options, String> {
    let mut options = Options { send_cached: true, ..Options::default() };
    for (name, value) in query {
        match (&**name, &**value) {
            ("subscribe", "self" | "") => options.subscribe = Implied::Own,
            ("subscribe", "all") => options.subscribe = Implied::All,
            ("subscribe", "none") => options.subscribe = Implied::None,
            ("subscribe", other) => return Err(format!("subscribe={other}")),
            // STR-06: only the literal word suppresses.
            ("sendCachedValues", value) => options.send_cached = value != "false",
            ("sendMeta", value) => options.send_meta = value == "all",
            ("sourcePolicy", value) => options.all_sources = value == "all",
            ("taffrail", value) => options.peer = Instance::parse(value),
            ("timepoints", value) => options.timepoints |= value == "true",
            ("timepoint", value) => {
                let after = value.parse().map_err(|_| format!("timepoint={value}, which is not a whole number"))?;
                options.resume = Some(Seq(after));
                options.timepoints = true;
            }
            ("backpressure", value) => options.backpressure = value == "true",
            ("format", "delta" | "") => options.full = false,
            ("format", "full") => options.full = true,
            ("format", other) => return Err(format!("format={other}")),
            _ => {}
        }
    }
    Ok(options)
}

/// Whether a browser page that opened this stream came from this server. A page from elsewhere may read, not write: it
/// runs in the browser of somebody who has not asked it to.
pub(super) fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host)),
        (Some(_), None) => false,
    }
}

fn refusal(status: StatusCode, words: &str) -> Response {
    (status, Json(json!({"message": words}))).into_response()
}
