//! `/signalk/v1/playback`: a stream of what was recorded.
//!
//! The same session and the same driver as the live stream, over a world of the connection's own: it begins with the state
//! at `startTime`, a task applies what the history holds when it is due, and with the connection all of it goes. The live
//! world is only looked at, once, for the vessel and its metadata.

mod wanted;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};

use super::client::{Client, Writer};
use super::codec::WsTransport;
use super::metered::Written;
use super::remote::{self, Command, Deck, Notice, Order};
use super::stream;
use super::{Shared, absent, driver, headers};
use crate::app::recording::History;
use crate::clock::Clock;
use crate::feed::{self, FeedWriter};
use crate::history::HistoryError;
use crate::history::player::{self, Instant, Player, Step};
use crate::history::reader::{Filter, Reader};
use crate::history::record::{Gap, GapReason};
use crate::history::scan::Scan;
use crate::kernel::hello;
use crate::kernel::session::{Options, Session};
use crate::kernel::time::{Moment, Timestamp};
use crate::kernel::update::Update;
use crate::kernel::world::recorded_now;

use self::wanted::{Wanted, check_rate};

/// Recorded gaps that one playback holds at the most; of those after them only the silence shows.
const GAPS_MAX: usize = 4_096;
/// Instants applied under one lock at the most.
const INSTANTS_PER_LOCK: usize = 256;
/// The client is woken at most this often, in milliseconds: at a high rate several instants share one write.
const RING_INTERVAL_MS: u64 = 10;
/// Time is let pass in the world this often, in milliseconds of the recording, …
const SWEEP_INTERVAL_MS: i64 = 1_000;
/// … and so much later than it is there, so that what the server said of silent targets then comes first.
const SWEEP_LAG_MS: i64 = 5_000;
/// A loop over a moment does not keep the machine busy.
const LOOP_PAUSE: Duration = Duration::from_millis(100);

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
        Err(rejection) => return rejection.into_response(),
    };
    let place = peer.and_then(|peer| shared.connections.take(peer.ip(), shared.settings.streams_per_address_max));
    let (Some(place), Ok(playing)) = (place, history.playbacks.clone().try_acquire_owned()) else {
        shared.counters.over_limit.fetch_add(1, Ordering::Relaxed);
        let mut response = headers::error(StatusCode::TOO_MANY_REQUESTS, "too many playbacks");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        return response;
    };
    let opened = history.blocking(move |history| Tape::open(&history, wanted)).await;
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
        let play = Play {
            wanted,
            player,
            writer,
            deck,
            history,
            clock: shared.clock.clone(),
            tape: Some(tape),
            loading: None,
            dry: 0,
            swept: wanted.start,
        };
        shared.tracker.spawn(play.run());
        let refused = Writer::Refused { why: "a playback only plays: it takes no updates", told: false };
        let client = Client::new(session, refused).of_playback(remote, notices);
        let transport = WsTransport::new(socket, max);
        let ended = driver::drive(transport, client, feed, shared.surroundings(written)).await;
        tracing::debug!(?peer, reason = ended.as_str(), "playback ended");
    })
}

impl History {
    /// Runs a query on a thread of its own, when a reader's place is free. `None` when the server is stopping.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        query: impl FnOnce(Self) -> T + Send + 'static,
    ) -> Option<T> {
        let place = Semaphore::acquire_owned(self.readers.clone()).await.ok()?;
        let history = self.clone();
        let run = move || {
            let _place = place;
            query(history)
        };
        tokio::task::spawn_blocking(run).await.ok()
    }
}

/// A place in the history to go on reading from.
struct Tape {
    reader: Reader,
    scan: Scan,
    end: Option<Timestamp>,
    /// Where the scan ends.
    upto: Timestamp,
}

/// What a playback begins with, and again after a seek.
struct Loaded {
    state: Vec<Update>,
    page: Vec<Instant>,
    /// What the recorder lost from there on.
    lost: Vec<Gap>,
}

impl Tape {
    /// `None` when there is nothing from the start on.
    fn open(history: &History, wanted: Wanted) -> Result<Option<(Self, Loaded)>, HistoryError> {
        let mut reader = history.reader()?;
        let scan = reader.scan(&Filter::all(), wanted.start, wanted.start)?;
        let mut tape = Self { reader, scan, end: wanted.end, upto: wanted.start };
        let loaded = tape.load(wanted.start)?;
        Ok(loaded.map(|loaded| (tape, loaded)))
    }

    /// Goes to another time. `None`, and stays where it is, when there is nothing from there on.
    fn load(&mut self, at: Timestamp) -> Result<Option<Loaded>, HistoryError> {
        let is_new = self.reader.refresh()?;
        let newest = self.reader.bounds()?.to.map(|to| to.plus_millis(1));
        let Some(upto) = newest.map(|newest| self.end.unwrap_or(newest)).filter(|upto| at < *upto) else {
            return Ok(None);
        };
        let mut scan = self.reader.scan(&Filter::all(), at, upto)?;
        let Some(page) = next_page(&mut scan, &mut self.reader)? else {
            if is_new {
                self.scan = scan;
            }
            return Ok(None);
        };
        let state = self.reader.state_at(&Filter::all(), at)?;
        let reader = &mut self.reader;
        let state = player::state(state, |id| reader.series(id).ok().flatten());
        (self.scan, self.upto) = (scan, upto);
        let mut lost = self.reader.gaps(at, self.end.unwrap_or(Timestamp::from_millis(i64::MAX)))?;
        lost.truncate(GAPS_MAX);
        Ok(Some(Loaded { state, page, lost }))
    }

    /// The next page; `None` when there is no more, for now or (with an end) at all.
    fn page(&mut self) -> Result<Option<Vec<Instant>>, HistoryError> {
        if let Some(page) = next_page(&mut self.scan, &mut self.reader)? {
            return Ok(Some(page));
        }
        // Without an end the playback goes on with what was recorded meanwhile.
        let newest = self.reader.bounds()?.to.map(|to| to.plus_millis(1));
        let Some(upto) = newest.filter(|newest| self.end.is_none() && *newest > self.upto) else { return Ok(None) };
        self.scan = self.reader.scan(&Filter::all(), self.upto, upto)?;
        self.upto = upto;
        next_page(&mut self.scan, &mut self.reader)
    }
}

fn next_page(scan: &mut Scan, reader: &mut Reader) -> Result<Option<Vec<Instant>>, HistoryError> {
    let mut samples = Vec::new();
    while scan.next_page(reader, &mut samples)? {
        let page = player::instants(&samples, |id| reader.series(id).ok().flatten());
        if !page.is_empty() {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

type Page = Option<(Tape, Result<Option<Vec<Instant>>, HistoryError>)>;

/// The task that applies what is due.
struct Play {
    wanted: Wanted,
    player: Player,
    writer: FeedWriter,
    deck: Deck,
    history: History,
    clock: Arc<dyn Clock>,
    /// `None` while a page is read.
    tape: Option<Tape>,
    loading: Option<Pin<Box<dyn Future<Output = Page> + Send>>>,
    /// How often in a row there was no next page.
    dry: u8,
    swept: Timestamp,
}

impl Play {
    /// Plays until the end, or until the client is gone. Dropping the writer ends the stream.
    async fn run(mut self) {
        let mut rung: Option<Moment> = None;
        let mut told: Option<oneshot::Receiver<()>> = None;
        loop {
            let now = self.clock.now().mono;
            let step = if told.is_some() { Some(Step::Paused) } else { self.play_due(now, &mut rung) };
            let is_empty = step == Some(Step::Empty);
            if self.loading.is_none() && (self.dry == 0 && self.player.wants_more() || self.dry == 1 && is_empty) {
                self.fetch();
            }
            let mut wait = None;
            match step {
                // There is more than is applied under one lock.
                None => wait = Some(Duration::ZERO),
                Some(Step::Wait(due)) => {
                    let rings = rung.map_or(now, |at| Moment::from_millis(at.as_millis() + RING_INTERVAL_MS));
                    wait = Some(Duration::from_millis(due.max(rings).since(now)));
                }
                Some(Step::Gap { from, to, reason }) => {
                    told = self.tell_gap(from, to, reason).await;
                    continue;
                }
                Some(Step::Empty) if self.loading.is_none() && self.dry > 1 && !self.player.is_paused() => {
                    if !self.wanted.looped {
                        return;
                    }
                    tokio::time::sleep(LOOP_PAUSE).await;
                    if self.go_to(self.wanted.start, |_, _| {}).await.is_err() {
                        return;
                    }
                    continue;
                }
                Some(Step::Empty | Step::Paused | Step::Play(_)) => {}
            }
            tokio::select! {
                order = self.deck.orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                page = fetched(&mut self.loading) => if !self.take(page) {
                    return;
                },
                () = taken(&mut told) => told = None,
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// Applies what is due, up to a lock's worth; says what comes then, `None` for more of the same.
    fn play_due(&mut self, now: Moment, rung: &mut Option<Moment>) -> Option<Step> {
        let mut due = Vec::new();
        let step = loop {
            if due.len() >= INSTANTS_PER_LOCK {
                break None;
            }
            match self.player.next(now) {
                Step::Play(instant) => due.push(instant),
                other => break Some(other),
            }
        };
        let Some(last) = due.last().map(|instant| instant.at) else { return step };
        let head = {
            let mut world = self.writer.write();
            for instant in due {
                world.replay(instant.updates, instant.at);
            }
            if last.as_millis() - self.swept.as_millis() >= SWEEP_INTERVAL_MS {
                world.sweep(recorded_now(last.plus_millis(-SWEEP_LAG_MS)));
                self.swept = last;
            }
            world.head()
        };
        self.writer.ring(head.0);
        *rung = Some(now);
        step
    }

    fn fetch(&mut self) {
        let Some(mut tape) = self.tape.take() else { return };
        let history = self.history.clone();
        let query = move |_| {
            let page = tape.page();
            (tape, page)
        };
        self.loading = Some(Box::pin(async move { history.blocking(query).await }));
    }

    /// Takes a page that was fetched. False when the history cannot be read any more.
    fn take(&mut self, page: Page) -> bool {
        self.loading = None;
        let Some((tape, page)) = page else { return false };
        self.tape = Some(tape);
        match page {
            Ok(Some(page)) => {
                self.player.push(page);
                self.dry = 0;
            }
            Ok(None) => self.dry = self.dry.saturating_add(1),
            Err(error) => {
                tracing::warn!(%error, "a playback ends: the history cannot be read");
                return false;
            }
        }
        true
    }

    /// Says that nothing was recorded for a while, and why where that is known; targets of before are not there after it.
    async fn tell_gap(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        reason: Option<GapReason>,
    ) -> Option<oneshot::Receiver<()>> {
        let after = {
            let mut world = self.writer.write();
            world.sweep(recorded_now(to.plus_millis(-SWEEP_LAG_MS)));
            self.swept = to;
            world.head()
        };
        self.writer.ring(after.0);
        let mut gap = json!({"from": from.to_string(), "to": to.to_string()});
        if let Some(reason) = reason {
            gap["reason"] = json!(reason.as_str());
        }
        let text = json!({"playback": {"gap": gap}}).to_string();
        let (taken, told) = oneshot::channel();
        let notice = Notice { after, frame: Some(Bytes::from(text)), taken };
        self.deck.notices.send(notice).await.ok().map(|()| told)
    }

    async fn obey(&mut self, (command, answer): Order) {
        let Command { rate, seek, pause } = command;
        if let Some(why) = rate.and_then(|rate| check_rate(rate).err()) {
            let _ = answer.send(Err(format!("playback: {why}")));
            return;
        }
        let change = move |player: &mut Player, now| {
            if let Some(rate) = rate {
                player.set_rate(rate, now);
            }
            if let Some(pause) = pause {
                player.pause(pause, now);
            }
        };
        let Some(to) = seek else {
            change(&mut self.player, self.clock.now().mono);
            let _ = answer.send(Ok(self.state(None)));
            return;
        };
        let mut answer = Some(answer);
        let gone = self
            .go_to(to, |play, head| {
                change(&mut play.player, play.clock.now().mono);
                if let Some(answer) = answer.take() {
                    let _ = answer.send(Ok(play.state(Some(head))));
                }
            })
            .await;
        if let (Err(why), Some(answer)) = (gone, answer) {
            let _ = answer.send(Err(why));
        }
    }

    fn state(&self, skip_to: Option<crate::kernel::id::Seq>) -> remote::State {
        let time = self.player.position(self.clock.now().mono);
        remote::State { time, rate: self.player.rate(), paused: self.player.is_paused(), skip_to }
    }

    /// Goes to another time; `before` is called with the last number of what was before. `Err` in a sentence, and nothing
    /// changed, when there is nothing.
    async fn go_to(
        &mut self,
        to: Timestamp,
        before: impl FnOnce(&mut Self, crate::kernel::id::Seq),
    ) -> Result<(), String> {
        let ended = || "playback: it has ended".to_owned();
        if self.loading.is_some() {
            let page = fetched(&mut self.loading).await;
            if !self.take(page) {
                return Err(ended());
            }
        }
        let mut tape = self.tape.take().ok_or_else(ended)?;
        let query = move |_| {
            let loaded = tape.load(to);
            (tape, loaded)
        };
        let (tape, loaded) = self.history.blocking(query).await.ok_or_else(ended)?;
        self.tape = Some(tape);
        let loaded = match loaded {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Err(format!("playback: no data was recorded at {to} or later")),
            Err(error) => {
                tracing::warn!(%error, "a playback could not go to another time");
                return Err("playback: the history cannot be read".to_owned());
            }
        };
        self.player.seek(to, self.clock.now().mono);
        self.player.push(loaded.page);
        self.player.know_lost(loaded.lost);
        self.dry = 0;
        self.swept = to;
        let head = self.writer.write().head();
        before(self, head);
        let head = {
            let mut world = self.writer.write();
            world.rewind(loaded.state, to);
            world.head()
        };
        self.writer.ring(head.0);
        Ok(())
    }
}

async fn fetched(loading: &mut Option<Pin<Box<dyn Future<Output = Page> + Send>>>) -> Page {
    match loading {
        Some(page) => page.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn taken(told: &mut Option<oneshot::Receiver<()>>) {
    match told {
        Some(told) => {
            let _ = told.await;
        }
        None => std::future::pending().await,
    }
}
