//! The task of a playback: applies what is due to its world, and obeys whoever holds the remote control.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{Semaphore, broadcast, oneshot};

use super::tape::{Tape, TapeError};
use crate::clock::Clock;
use crate::feed::FeedWriter;
use crate::history::player::{Instant, Player, RATE_MAX, RATE_MIN, Step};
use crate::history::record::GapReason;
use crate::kernel::id::Seq;
use crate::kernel::time::{Moment, Timestamp};
use crate::kernel::world::recorded_now;
use crate::server::remote::{self, Command, Deck, Notice, Order};

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

/// Whether a playback can go so many times as fast.
///
/// # Errors
/// A sentence on what would be possible.
pub fn check_rate(rate: f64) -> Result<(), String> {
    if (RATE_MIN..=RATE_MAX).contains(&rate) {
        Ok(())
    } else {
        Err(format!("the rate must be from {RATE_MIN} to {RATE_MAX}"))
    }
}

/// Runs what blocks on a thread of its own, when a place is free. `None` when the program is stopping.
pub async fn on_a_thread<T: Send + 'static>(
    places: Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let place = places.acquire_owned().await.ok()?;
    let run = move || {
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(run).await.ok()
}

type Page = Option<(Box<dyn Tape>, Result<Option<Vec<Instant>>, TapeError>)>;

/// Where a playback begins, and whether again when it has ended.
#[derive(Debug, Clone, Copy)]
pub struct From {
    /// Its first moment.
    pub start: Timestamp,
    /// Whether it begins again at the end.
    pub looped: bool,
}

/// The task that applies what is due.
pub struct Play {
    from: From,
    player: Player,
    writer: FeedWriter,
    deck: Deck,
    readers: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    /// `None` while a page is read.
    tape: Option<Box<dyn Tape>>,
    loading: Option<Pin<Box<dyn Future<Output = Page> + Send>>>,
    /// How often in a row there was no next page.
    dry: u8,
    swept: Timestamp,
    voice: Option<broadcast::Sender<Bytes>>,
}

impl Play {
    /// A playback whose world, behind `writer`, has the state at the start, and whose player has the first page. The tape is
    /// read on threads for which there are places in `readers`.
    pub fn new(
        from: From,
        (player, deck): (Player, Deck),
        writer: FeedWriter,
        tape: Box<dyn Tape>,
        readers: Arc<Semaphore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            from,
            player,
            writer,
            deck,
            readers,
            clock,
            tape: Some(tape),
            loading: None,
            dry: 0,
            swept: from.start,
            voice: None,
        }
    }

    /// Sentences of the tape itself, where it has some, go here when they are due.
    #[must_use]
    pub fn with_voice(self, voice: broadcast::Sender<Bytes>) -> Self {
        Self { voice: Some(voice), ..self }
    }

    /// Plays until the end, or until the client is gone. Dropping the writer ends the stream.
    pub async fn run(mut self) {
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
                    if !self.from.looped {
                        return;
                    }
                    tokio::time::sleep(LOOP_PAUSE).await;
                    if self.go_to(self.from.start, |_, _, _| {}).await.is_err() {
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
                if let Some(voice) = self.voice.as_ref().filter(|_| !instant.sentences.is_empty()) {
                    // Nobody may be listening.
                    let _ = voice.send(Bytes::from(instant.sentences));
                }
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
        let query = move || {
            let page = tape.page();
            (tape, page)
        };
        self.loading = Some(Box::pin(on_a_thread(self.readers.clone(), query)));
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
                tracing::warn!(%error, "a playback ends: the recording cannot be read");
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
            let now = self.clock.now().mono;
            change(&mut self.player, now);
            let _ = answer.send(Ok(self.state(now, None)));
            return;
        };
        let mut answer = Some(answer);
        let gone = self
            .go_to(to, |play, head, now| {
                // At the moment of the seek, so that what is to stand stands exactly there.
                change(&mut play.player, now);
                if let Some(answer) = answer.take() {
                    let _ = answer.send(Ok(play.state(now, Some(head))));
                }
            })
            .await;
        if let (Err(why), Some(answer)) = (gone, answer) {
            let _ = answer.send(Err(why));
        }
    }

    fn state(&self, now: Moment, skip_to: Option<Seq>) -> remote::State {
        let time = self.player.position(now);
        remote::State { time, rate: self.player.rate(), paused: self.player.is_paused(), skip_to }
    }

    /// Goes to another time; `before` is called with the last number of what was before, and the moment of the seek. `Err` in
    /// a sentence, and nothing changed, when there is nothing.
    async fn go_to(&mut self, to: Timestamp, before: impl FnOnce(&mut Self, Seq, Moment)) -> Result<(), String> {
        let ended = || "playback: it has ended".to_owned();
        if self.loading.is_some() {
            let page = fetched(&mut self.loading).await;
            if !self.take(page) {
                return Err(ended());
            }
        }
        let mut tape = self.tape.take().ok_or_else(ended)?;
        let query = move || {
            let loaded = tape.load(to);
            (tape, loaded)
        };
        let (tape, loaded) = on_a_thread(self.readers.clone(), query).await.ok_or_else(ended)?;
        self.tape = Some(tape);
        let loaded = match loaded {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Err(format!("playback: no data was recorded at {to} or later")),
            Err(error) => {
                tracing::warn!(%error, "a playback could not go to another time");
                return Err("playback: the recording cannot be read".to_owned());
            }
        };
        let now = self.clock.now().mono;
        self.player.seek(to, now);
        self.player.push(loaded.page);
        self.player.know_lost(loaded.lost);
        self.dry = 0;
        self.swept = to;
        let head = self.writer.write().head();
        before(self, head, now);
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
