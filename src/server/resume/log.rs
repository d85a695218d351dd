//! The log of the history, played through a session of somebody who comes back: every change in order, as fast as it is
//! taken, over a world of its own; then the session goes on live without a seam.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use futures_util::{Sink, Stream};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{Refused, gap_message};
use crate::feed::{self, FeedWriter};
use crate::history::HistoryError;
use crate::history::handle::History;
use crate::history::player;
use crate::history::reader::{Filter, Reader};
use crate::history::record::{Gap, Record, RecordKind};
use crate::history::resume::LogScan;
use crate::kernel::id::Seq;
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Context, PathMeta, Source, Update};
use crate::kernel::value::Value;
use crate::server::Shared;
use crate::server::client::Client;
use crate::server::driver::{Driver, Ended, Incoming, Leg, Outgoing};
use crate::server::remote::{self, Notice};

/// Changes applied before the reader has taken those before: few enough to fit the memory of a replica's log.
const CHANGES_PER_PIECE: usize = 256;

/// What [`find`] came to.
pub(in crate::server) enum Found {
    /// It goes on here.
    Tape(Box<Tape>),
    /// There is no history, or nothing in it that is newer.
    Nothing,
    /// It begins only after this timepoint.
    From(Seq),
}

/// A place in the log, and what its reader is yet to hear.
pub(in crate::server) struct Tape {
    reader: Reader,
    scan: LogScan,
    /// Changes with their timepoints, in order.
    changes: VecDeque<(Seq, Update)>,
    /// What is missing after the place, in order.
    gaps: VecDeque<Gap>,
    /// What the reader has.
    after: Seq,
    /// The state that the first change met, and its time.
    state: Vec<Update>,
    at: Timestamp,
    _place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("after", &self.after).field("gaps", &self.gaps).finish_non_exhaustive()
    }
}

/// Looks for the changes after `after` in the log.
pub(super) async fn find(shared: &Shared, after: Seq) -> Result<Found, Refused> {
    let Some(history) = shared.history.clone() else { return Ok(Found::Nothing) };
    let place = history.playbacks.clone().try_acquire_owned().map_err(|_| Refused::Busy)?;
    match history.blocking(move |history| Tape::open(&history, after, place)).await {
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => {
            tracing::warn!(%error, "a stream could not go on from the history");
            Err(Refused::Unreadable)
        }
        None => Err(Refused::Unreadable),
    }
}

impl Tape {
    fn open(history: &History, after: Seq, place: OwnedSemaphorePermit) -> Result<Found, HistoryError> {
        let mut reader = history.reader()?;
        let scan = reader.resume(after.0)?;
        if let Some((_, last)) = scan.missing() {
            return Ok(Found::From(Seq(last)));
        }
        let mut gaps: VecDeque<Gap> = scan.gaps().iter().copied().collect();
        // The recorder writes down what lies between two runs with its first commit; who comes before that hears it too.
        if let Some(unused) = history.unused.filter(|unused| unused.last_seq > after.0) {
            if !gaps.iter().any(|gap| gap.last_seq == unused.last_seq) {
                gaps.push_back(unused);
            }
        }
        gaps.make_contiguous().sort_unstable_by_key(|gap| gap.first_seq);
        let at = Timestamp::default();
        let (changes, state) = (VecDeque::new(), Vec::new());
        let mut tape = Self { reader, scan, changes, gaps, after, state, at, _place: place };
        if !tape.read_on()? && tape.gaps.is_empty() {
            return Ok(Found::Nothing);
        }
        if let Some(at) = tape.changes.front().and_then(|(_, update)| update.timestamp) {
            let state = tape.reader.state_at(&Filter::all(), at)?;
            let reader = &mut tape.reader;
            tape.state = player::state(state, |id| reader.series(id).ok().flatten());
            tape.at = at;
        }
        Ok(Found::Tape(Box::new(tape)))
    }

    /// Reads the next part of the log. False when there is no more at present.
    fn read_on(&mut self) -> Result<bool, HistoryError> {
        let mut page = Vec::new();
        let more = self.scan.next_page(&mut self.reader, &mut page)?;
        self.changes.extend(page.chunk_by(|a, b| a.seq == b.seq).filter_map(change));
        Ok(more)
    }

    /// The gap that comes before the next change, or after the last.
    fn gap_due(&mut self) -> Option<Gap> {
        let next = self.changes.front().map_or(u64::MAX, |(seq, _)| seq.0);
        self.gaps.front().filter(|gap| gap.first_seq <= next)?;
        self.gaps.pop_front()
    }

    /// The changes before the next gap, up to a piece's worth.
    fn piece(&mut self) -> impl Iterator<Item = (Seq, Update)> {
        let limit = self.gaps.front().map_or(u64::MAX, |gap| gap.first_seq);
        let count = self.changes.iter().take(CHANGES_PER_PIECE).take_while(|(seq, _)| seq.0 < limit).count();
        self.changes.drain(..count)
    }
}

/// One change as it was, from its records; `None` where nothing of it is understood any more.
fn change(records: &[Record]) -> Option<(Seq, Update)> {
    let first = records.first()?;
    let context = Context::Named(CompactString::new(&*first.context));
    let source = Source::Ref(CompactString::new(&*first.source));
    let mut update = Update::new(context, source, records.len());
    update.timestamp = Some(first.capture);
    for record in records.iter().filter(|record| record.context == first.context) {
        match (record.kind, &record.value) {
            (RecordKind::Meta, Value::Json(meta)) => {
                update.meta.push(PathMeta { path: CompactString::new(&*record.path), meta: meta.clone().into() });
            }
            (RecordKind::Meta, _) => {}
            (RecordKind::Value | RecordKind::Notification, value) => {
                update.push_at(CompactString::new(&*record.path), value.clone());
            }
        }
    }
    let is_empty = update.values.is_empty() && update.meta.is_empty();
    (!is_empty && !first.context.is_empty()).then_some((Seq(first.seq), update))
}

/// Plays a tape through the client's session and puts that back over the live world. `Some` when the stream ended meanwhile.
pub(super) async fn play<T, E>(
    driver: &mut Driver<'_, T>,
    client: &mut Client,
    mut tape: Tape,
    shared: &Arc<Shared>,
) -> Option<Ended>
where
    T: Stream<Item = Result<Incoming, E>> + Sink<Outgoing> + Unpin,
{
    let world = {
        let live = shared.feed.read();
        let mut world = live.replica(tape.at);
        world.replay(std::mem::take(&mut tape.state), tape.at);
        world.recall_after(tape.after);
        client.session_mut().move_to(&live, &world, world.head());
        world
    };
    if shared.history.as_ref().is_some_and(|history| !history.keeps_every_change()) {
        // Said once, ahead of what was kept.
        let words = "only a part of the changes was recorded";
        client.session_mut().reply(gap_message(tape.after.0 + 1, shared.feed.head(), words));
    }
    let (writer, mut feed) = feed::feed(world);
    let (lane, notices) = remote::notices();
    client.hear(Some(notices));
    let supply = async {
        supply(tape, writer, lane, shared.history.as_ref()).await;
        std::future::pending::<()>().await;
    };
    let follow = async {
        loop {
            match driver.follow(client, &mut feed).await {
                Leg::Ended(ended) => break Some(ended),
                // One piece that does not fit is told as a gap.
                Leg::Missed => client.session_mut().without_log(),
                Leg::FeedEnded if client.session_mut().settle() => {}
                Leg::FeedEnded => break None,
            }
        }
    };
    let ended = tokio::select! {
        ended = follow => ended,
        () = supply => None,
    };
    client.hear(None);
    if ended.is_none() {
        let (past, live) = (feed.read(), shared.feed.read());
        let after = past.timepoint(client.session().cursor());
        client.session_mut().move_to(&past, &live, after);
    }
    ended
}

/// Applies the tape to the world that `writer` writes to, piece by piece as the reader takes them. Dropping the writer
/// says that there is no more.
async fn supply(mut tape: Tape, writer: FeedWriter, lane: mpsc::Sender<Notice>, history: Option<&History>) {
    let Some(history) = history else { return };
    loop {
        let head = {
            let mut world = writer.write();
            for (seq, update) in tape.piece() {
                let at = update.timestamp.unwrap_or_default();
                world.recall(seq, update, at);
            }
            world.head()
        };
        writer.ring(head.0);
        let gap = tape.gap_due();
        let frame = gap.map(|gap| {
            let from = gap.first_seq.max(tape.after.0 + 1);
            Bytes::from(gap_message(from, gap.last_seq, gap.reason.as_str()))
        });
        let (taken, told) = oneshot::channel();
        if lane.send(Notice { after: head, frame, taken }).await.is_err() || told.await.is_err() {
            return;
        }
        if let Some(gap) = gap {
            writer.write().pass(Seq(gap.last_seq));
            continue;
        }
        if tape.changes.is_empty() {
            let read = history.blocking(move |_| {
                let more = tape.read_on();
                (tape, more)
            });
            match read.await {
                Some((read, Ok(true))) => tape = read,
                Some((_, Ok(false))) | None => return,
                Some((_, Err(error))) => {
                    tracing::warn!(%error, "a stream that went on from the history cannot read it further");
                    return;
                }
            }
        }
    }
}
