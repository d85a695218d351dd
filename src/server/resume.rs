//! Streams that go on at a timepoint (`timepoint=N`), and those that fell behind and are to miss nothing.
//!
//! Where the numbers after N are decides how: in memory, the live stream begins there; in the log of the history, that is
//! played through the same session first ([`log`]); between the last change of the run before and the first of this one,
//! a gap is stated; anywhere else the answer is 416 with what can be had.

#![cfg_attr(not(feature = "history"), allow(unused, reason = "without a history there is less to go on from"))]

#[cfg(feature = "history")]
mod log;

use std::fmt::Debug;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Sink, Stream};
use serde_json::json;

use super::Shared;
use super::client::Client;
use super::driver::{Driver, Ended, Incoming, Leg, Outgoing, Surroundings};
use crate::hub::sequence::BLOCK;
use crate::kernel::id::Seq;

/// Where a stream begins.
#[derive(Debug)]
pub(super) enum Beginning {
    /// Now, or at a timepoint after which memory holds everything.
    Memory,
    /// After numbers that were given out by the run before and are kept nowhere, or were never given out.
    Gap {
        /// The first number that is missing.
        from: Seq,
        /// The last number that is missing.
        to: Seq,
    },
    /// In the log of the history.
    #[cfg(feature = "history")]
    Log(Box<log::Tape>),
}

/// Why a stream cannot go on at a timepoint.
#[derive(Debug)]
pub(super) enum Refused {
    /// It lies outside of what can be had.
    Range {
        /// Why, in words.
        words: &'static str,
        /// The smallest timepoint after which everything can be had.
        oldest: u64,
        /// The newest timepoint.
        newest: u64,
    },
    /// As many read the history as may.
    #[cfg(feature = "history")]
    Busy,
    /// The history cannot be read.
    #[cfg(feature = "history")]
    Unreadable,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Range { words, oldest, newest } => {
                let body = json!({"message": words, "oldest": oldest, "newest": newest});
                (StatusCode::RANGE_NOT_SATISFIABLE, Json(body)).into_response()
            }
            #[cfg(feature = "history")]
            Self::Busy => {
                let mut response = super::headers::error(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many streams read the history; try again",
                );
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
                response
            }
            #[cfg(feature = "history")]
            Self::Unreadable => super::headers::error(StatusCode::INTERNAL_SERVER_ERROR, "the history cannot be read"),
        }
    }
}

/// Looks for the numbers after `after`; in the log of the history too where `log` says so.
pub(super) async fn find(shared: &Arc<Shared>, after: Seq, log: bool) -> Result<Beginning, Refused> {
    let began = shared.began;
    let (oldest, newest, whole_run) = {
        let world = shared.feed.read();
        // What came before this run is never in memory, however near its numbers are.
        let oldest = Seq(world.tail.oldest().0.saturating_sub(1)).max(began);
        (oldest, world.head(), oldest == began)
    };
    if after > newest {
        let words = "that timepoint has not been reached";
        return Err(Refused::Range { words, oldest: oldest.0, newest: newest.0 });
    }
    if after >= oldest {
        return Ok(Beginning::Memory);
    }
    let mut kept = oldest;
    #[cfg(feature = "history")]
    if log {
        match log::find(shared, after).await? {
            log::Found::Tape(tape) => return Ok(Beginning::Log(tape)),
            log::Found::Nothing => {}
            log::Found::From(first) => kept = kept.min(first),
        }
    }
    // The run before gave out numbers of the last block, and this one began at the end of it.
    if whole_run && after < began && after.0 + BLOCK >= began.0 {
        return Ok(Beginning::Gap { from: after.next(), to: began });
    }
    Err(Refused::Range { words: "that timepoint is too old", oldest: kept.0, newest: newest.0 })
}

/// The message that says what is missing, first and last number, and why.
pub(super) fn gap_message(from: u64, to: u64, reason: &str) -> String {
    json!({"gap": {"from": from, "to": to, "reason": reason}}).to_string()
}

/// Moves a client's session over `transport`: through the log where it begins there, then live, and through the log again
/// whenever a reader with timepoints falls behind what memory holds.
pub(super) async fn drive<T, E>(
    transport: &mut T,
    client: &mut Client,
    beginning: Beginning,
    shared: &Arc<Shared>,
    around: Surroundings<'_>,
) -> Ended
where
    T: Stream<Item = Result<Incoming, E>> + Sink<Outgoing> + Unpin,
{
    let mut driver = Driver::new(transport, around);
    let mut feed = shared.feed.clone();
    let mut beginning = beginning;
    let ended = loop {
        // In a box: every stream would hold the room for it.
        #[cfg(feature = "history")]
        if let Beginning::Log(tape) = std::mem::replace(&mut beginning, Beginning::Memory) {
            if let Some(ended) = Box::pin(log::play(&mut driver, client, *tape, shared)).await {
                break ended;
            }
        }
        match driver.follow(client, &mut feed).await {
            Leg::Ended(ended) => break ended,
            Leg::FeedEnded => break Ended::FeedEnded,
            Leg::Missed => match Box::pin(find(shared, client.session().low_water(), true)).await {
                // The session states the gap itself.
                Ok(Beginning::Gap { .. }) | Err(_) => client.session_mut().without_log(),
                Ok(found) => beginning = found,
            },
        }
    };
    driver.end(client, ended).await
}
