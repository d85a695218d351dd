//! The answers, from the recorder's database.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::json;
use tokio::sync::oneshot;

use super::{Shared, error, headers, off};
use crate::history::HistoryError;
use crate::history::answer::{Circumstances, NoAnswer, answer};
use crate::history::query::{Invalid, Parameters};
use crate::history::reader::{Filter, Reader};
use crate::history::record::RecordKind;
use crate::history::status::State;
use crate::kernel::meta::table::Table;
use crate::kernel::pattern::Pattern;

/// The one provider.
const PROVIDER: &str = "taffrail";

/// How long a request waits for its turn before it is sent away: charts ask again.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);

/// `…/_providers`
pub async fn providers(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let body = if shared.history.is_some() { json!({PROVIDER: {"isDefault": true}}) } else { json!({}) };
    headers::json_body(body.to_string())
}

/// `…/_providers/_default`
pub async fn default_provider(Extract(shared): Extract<Arc<Shared>>) -> Response {
    if shared.history.is_none() {
        return off().await;
    }
    headers::json_body(json!({"id": PROVIDER, "configured": PROVIDER}).to_string())
}

/// `…/values`
pub async fn values(Extract(shared): Extract<Arc<Shared>>, uri: Uri, request: HeaderMap) -> Response {
    respond(&shared, &uri, &request, |asked, shared| {
        let question = asked.question(shared.clock.now().wall)?;
        let context = full_context(question.context.as_deref(), &shared.identity.own);
        Ok(move |reader: &mut Reader, goes_on: &dyn Fn() -> bool| {
            let table = Table::new();
            let is_angle = |path: &str| table.find(path).is_some_and(|row| row.units == "rad");
            let about = Circumstances { context: &context, is_angle: &is_angle, goes_on };
            Ok(answer(reader, &question, &about)?.to_json())
        })
    })
    .await
}

/// `…/paths`: of every context unless one is named.
pub async fn paths(Extract(shared): Extract<Arc<Shared>>, uri: Uri, request: HeaderMap) -> Response {
    respond(&shared, &uri, &request, |asked, shared| {
        let range = asked.range(shared.clock.now().wall)?;
        let context =
            asked.get("context").map(|context| Pattern::new(&full_context(Some(context), &shared.identity.own)));
        Ok(move |reader: &mut Reader, _: &dyn Fn() -> bool| {
            let filter = Filter { context, kind: Some(RecordKind::Value), ..Filter::all() };
            let series = reader.series_in(&filter, range.from, range.to)?;
            // The root has no path: what stands there is no series of measurements.
            let paths: BTreeSet<&str> = series.iter().map(|s| &*s.path).filter(|path| !path.is_empty()).collect();
            Ok(json!(paths).to_string())
        })
    })
    .await
}

/// `…/contexts`
pub async fn contexts(Extract(shared): Extract<Arc<Shared>>, uri: Uri, request: HeaderMap) -> Response {
    respond(&shared, &uri, &request, |asked, shared| {
        let range = asked.range(shared.clock.now().wall)?;
        Ok(move |reader: &mut Reader, _: &dyn Fn() -> bool| {
            let contexts = reader.contexts(range.from, range.to)?;
            Ok(json!(contexts.iter().map(|context| &**context).collect::<Vec<_>>()).to_string())
        })
    })
    .await
}

/// Reads the question, waits for a turn, and reads the answer on a blocking thread.
async fn respond<F>(
    shared: &Arc<Shared>,
    uri: &Uri,
    request: &HeaderMap,
    prepare: impl FnOnce(&Parameters, &Shared) -> Result<F, Invalid>,
) -> Response
where
    F: FnOnce(&mut Reader, &dyn Fn() -> bool) -> Result<String, NoAnswer> + Send + 'static,
{
    let Some(history) = shared.history.clone() else { return off().await };
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return refused("the parameters are no UTF-8 in percent encoding");
    };
    let asked = Parameters::new(pairs);
    if let Some(other) = asked.get("provider").filter(|provider| *provider != PROVIDER) {
        return refused(&format!("there is no provider {other:?}; the only one is {PROVIDER}"));
    }
    let read = match prepare(&asked, shared) {
        Ok(read) => read,
        Err(Invalid(message)) => return refused(&message),
    };
    let turn = tokio::time::timeout(TURN_TIMEOUT, history.readers.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "the history is busy with other questions; ask again");
    };
    let status = history.status.clone();
    let (teller, told) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let goes_on = || !teller.is_closed();
        let found = history.reader().map_err(NoAnswer::from).and_then(|mut reader| read(&mut reader, &goes_on));
        drop(turn);
        let _ = teller.send(found);
    });
    match told.await {
        Ok(Ok(body)) => {
            let mut response = headers::compressed_json(body, request);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        Ok(Err(NoAnswer::Invalid(Invalid(message)))) => refused(&message),
        Ok(Err(NoAnswer::History(too_much @ HistoryError::TooMuch { .. }))) => refused(&too_much.to_string()),
        // In its first moments the database is not there yet, and one that cannot be written may not be readable either.
        Ok(Err(NoAnswer::History(_))) if matches!(status.get().state, State::Starting | State::Degraded { .. }) => {
            error(StatusCode::SERVICE_UNAVAILABLE, "the history is not open now; ask again")
        }
        Ok(Err(NoAnswer::History(failed))) => {
            tracing::warn!(error = %failed, "a question to the history failed");
            error(StatusCode::INTERNAL_SERVER_ERROR, &format!("the history cannot be read: {failed}"))
        }
        Ok(Err(NoAnswer::GivenUp)) | Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the question was given up"),
    }
}

fn refused(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, &format!("Validation errors: {message}"))
}

/// A context in full: nothing, `self` and `vessels.self` are the own vessel.
fn full_context(asked: Option<&str>, own: &str) -> String {
    match asked {
        None | Some("self" | "vessels.self") => own.to_owned(),
        Some(other) => other.to_owned(),
    }
}
