//! `/signalk/v2/api/notifications`: what is raised, and what the crew does about it (NTF-01, NTF-05, NTF-06).
//!
//! Silencing and acknowledging change the notification's value, under the `$source` that raised it, so that every app
//! hears of it. Raising and clearing by this interface come with logins; until then that is done by a delta.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, extract::Request};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{Shared, headers};
use crate::input::Batch;
use crate::kernel::id::Origin;
use crate::kernel::notifications::{Action, Key, Notification};
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::value::Value;
use crate::kernel::world::NOTIFICATION_SOURCE;

/// The routes.
pub(super) fn routes() -> Router<Arc<Shared>> {
    let base = "/signalk/v2/api/notifications";
    Router::new()
        .route(base, get(all))
        .route(&format!("{base}/"), get(all))
        .route(&format!("{base}/silenceAll"), post(silence_all))
        .route(&format!("{base}/acknowledgeAll"), post(acknowledge_all))
        .route(&format!("{base}/{{id}}"), get(one))
        .route(&format!("{base}/{{id}}/silence"), post(silence))
        .route(&format!("{base}/{{id}}/acknowledge"), post(acknowledge))
}

async fn all(State(shared): State<Arc<Shared>>) -> Response {
    let world = shared.feed.read();
    let (raised, _) = world.raised();
    let all: Map<String, Json> = raised.iter().map(|(key, n)| (key.id().to_string(), entry(key, n))).collect();
    headers::json_body(Json::Object(all).to_string())
}

async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let Ok(id) = Uuid::parse_str(&id) else { return not_an_id(&id) };
    let world = shared.feed.read();
    match world.raised().0.find(id) {
        Some((key, notification)) => headers::json_body(entry(key, notification).to_string()),
        None => not_raised(id),
    }
}

fn entry(key: &Key, notification: &Notification) -> Json {
    let value = notification.shown(key, &notification.value);
    json!({"context": &*key.context, "path": &*key.path, "$source": &*key.source, "value": value})
}

async fn silence(shared: State<Arc<Shared>>, id: Path<String>, request: Request) -> Response {
    act_on(shared, id, request, Action::Silence).await
}

async fn acknowledge(shared: State<Arc<Shared>>, id: Path<String>, request: Request) -> Response {
    act_on(shared, id, request, Action::Acknowledge).await
}

async fn silence_all(shared: State<Arc<Shared>>, request: Request) -> Response {
    act_on_all(shared, request, Action::Silence).await
}

async fn acknowledge_all(shared: State<Arc<Shared>>, request: Request) -> Response {
    act_on_all(shared, request, Action::Acknowledge).await
}

async fn act_on(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
    action: Action,
) -> Response {
    if let Some(refusal) = refusal(&shared, &request) {
        return refusal;
    }
    let Ok(uuid) = Uuid::parse_str(&id) else { return not_an_id(&id) };
    let found = {
        let world = shared.feed.read();
        let (raised, _) = world.raised();
        raised.find(uuid).map(|(key, _)| (key.clone(), raised.after(key, action)))
    };
    match found {
        None => not_raised(uuid),
        Some((_, Err(why))) => headers::v2_error(StatusCode::BAD_REQUEST, why),
        Some((key, Ok(value))) => publish(&shared, vec![(key, value)]).await,
    }
}

/// Does it to all that allow it; what does not is left as it is.
async fn act_on_all(State(shared): State<Arc<Shared>>, request: Request, action: Action) -> Response {
    if let Some(refusal) = refusal(&shared, &request) {
        return refusal;
    }
    let changed = {
        let world = shared.feed.read();
        let (raised, _) = world.raised();
        raised.iter().filter_map(|(key, _)| Some((key.clone(), raised.after(key, action).ok()?))).collect()
    };
    publish(&shared, changed).await
}

async fn publish(shared: &Shared, changed: Vec<(Key, String)>) -> Response {
    let done = || headers::json_body(json!({"state": "COMPLETED", "statusCode": 200}).to_string());
    if changed.is_empty() {
        return done();
    }
    let update = |(key, value): (Key, String)| {
        let context = if key.context == "vessels.self" { Context::Own } else { Context::Named(key.context) };
        let mut update = Update::new(context, Source::Ref(key.source), 1);
        update.push_at(key.path, Value::json(value));
        update
    };
    let batch = Batch {
        input: NOTIFICATION_SOURCE.into(),
        origin: Origin::SERVER,
        received: shared.clock.now(),
        updates: changed.into_iter().map(update).collect(),
    };
    if shared.hub.send(batch).await.is_err() {
        return headers::v2_error(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping");
    }
    done()
}

/// Who may not write may not turn an alarm off.
fn refusal(shared: &Shared, request: &Request) -> Option<Response> {
    if !super::stream::is_own_page(request.headers()) {
        return Some(headers::v2_error(StatusCode::FORBIDDEN, "a page from another origin may not write"));
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if peer.is_some_and(|peer| shared.may_write(peer)) {
        return None;
    }
    let words = "writing is off for this address; set [server] allow_write in the configuration";
    Some(headers::v2_error(StatusCode::FORBIDDEN, words))
}

fn not_an_id(id: &str) -> Response {
    headers::v2_error(StatusCode::BAD_REQUEST, &format!("{id} is not the id of a notification (an UUID)"))
}

fn not_raised(id: Uuid) -> Response {
    headers::v2_error(StatusCode::NOT_FOUND, &format!("no notification {id} is raised"))
}
