//! The single writer: batches in, changes out. Nothing else touches the model.

pub mod sequence;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::boat::BoatClock;
use crate::clock::trust::Era;
use crate::feed::FeedWriter;
use crate::input::Batch;
use crate::kernel::model::Arrival;

use self::sequence::Sequence;

/// Batches applied under one lock at the most: readers wait no longer than these take.
const BATCHES_PER_LOCK: usize = 64;
/// Streams are woken at most this often, in milliseconds. The first change after a pause wakes them at once; under load
/// several changes share one wake-up and one write to each socket, which is most of what a delivered delta costs.
const RING_INTERVAL_MS: u64 = 20;
/// Changes that the recorder may be behind before the hub waits for it, if as many came within a second: a recording read as
/// fast as it can be would otherwise run away from the history. Live data are not so many, and are never held up.
const RECORDER_LAG_MAX: u64 = 4_096;
/// How long the hub waits for the recorder at the most, each time. A card that hangs costs the history, not the boat.
const RECORDER_WAIT_MAX: Duration = Duration::from_secs(1);

/// Time is let pass in the model this often: silent targets are noticed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What the hub has done so far, for status and metrics.
#[derive(Debug, Default)]
pub struct HubCounters {
    /// Batches applied.
    pub batches: AtomicU64,
    /// Changes made.
    pub changes: AtomicU64,
    /// Values and updates refused.
    pub refused: AtomicU64,
    /// Rounds of the loop: it stands still when the hub does.
    pub rounds: AtomicU64,
}

/// Runs until every sender of `inbox` is gone and all that was waiting is applied.
pub async fn run(
    mut inbox: mpsc::Receiver<Batch>,
    writer: FeedWriter,
    mut sequence: Sequence,
    clock: Arc<BoatClock>,
    counters: Arc<HubCounters>,
    recorded: Option<Arc<AtomicU64>>,
) {
    let mut batches = Vec::with_capacity(BATCHES_PER_LOCK);
    let mut rung = Instant::now();
    let mut owed: Option<u64> = None;
    let mut second = Second { began: Instant::now(), head: writer.write().head().0 };
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let interval = Duration::from_millis(RING_INTERVAL_MS);
    let mut era = clock.eras().newest();
    loop {
        counters.rounds.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(rung + interval), if owed.is_some() => {}
            n = inbox.recv_many(&mut batches, BATCHES_PER_LOCK) => {
                if n == 0 {
                    break;
                }
                let head = apply(&mut batches, &writer, &counters);
                sequence.keep_ahead(head).await;
                owed = Some(head);
                if let Some(recorded) = recorded.as_deref().filter(|_| second.brings_much(head)) {
                    wait_for_recorder(recorded, head, &writer).await;
                }
            }
            _ = sweep.tick() => {
                let now = clock.now();
                era = go_to_newest_era(era, &clock, &writer);
                let mut world = writer.write();
                if world.sweep(now) > 0 {
                    owed = Some(world.head().0);
                }
            }
        }
        if let Some(head) = owed {
            if rung.elapsed() >= interval {
                writer.ring(head);
                rung = Instant::now();
                owed = None;
            }
        }
    }
    let head = writer.write().head().0;
    writer.ring(head);
}

/// When the clock was set, or became trusted: what it stamped before while it was not trusted is put right in the model.
fn go_to_newest_era(last: Era, clock: &BoatClock, writer: &FeedWriter) -> Era {
    let eras = clock.eras();
    let newest = eras.newest();
    for era in eras.iter().filter(|era| (last.number..newest.number).contains(&era.number) && !era.trusted) {
        let shift_ms = newest.offset_ms.saturating_sub(era.offset_ms);
        let moved = writer.write().redate(era.offset_ms, shift_ms);
        tracing::debug!(moved, shift_ms, "stamps of the model are put right");
    }
    newest
}

/// The second that passes, and the number of the last change before it.
struct Second {
    began: Instant,
    head: u64,
}

impl Second {
    /// Whether there have been so many changes in it that they cannot be live.
    fn brings_much(&mut self, head: u64) -> bool {
        let much = head.saturating_sub(self.head) > RECORDER_LAG_MAX;
        if self.began.elapsed() >= Duration::from_secs(1) {
            *self = Self { began: Instant::now(), head };
        }
        much
    }
}

async fn wait_for_recorder(recorded: &AtomicU64, head: u64, writer: &FeedWriter) {
    let begun = Instant::now();
    while head.saturating_sub(recorded.load(Ordering::Relaxed)) > RECORDER_LAG_MAX
        && begun.elapsed() < RECORDER_WAIT_MAX
    {
        // The recorder is a reader like others: it must hear of what it is waited for.
        writer.ring(head);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn apply(batches: &mut Vec<Batch>, writer: &FeedWriter, counters: &HubCounters) -> u64 {
    let mut world = writer.write();
    for batch in batches.drain(..) {
        let arrival = Arrival { input: &batch.input, origin: batch.origin, now: batch.received, heard: true };
        let applied = world.apply(batch.updates, &arrival);
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.changes.fetch_add(applied.changes as u64, Ordering::Relaxed);
        counters.refused.fetch_add((applied.refused.len() + applied.meta_issues.len()) as u64, Ordering::Relaxed);
        if let Some(issue) = applied.meta_issues.first() {
            tracing::debug!(input = %batch.input, n = applied.meta_issues.len(), "refused: {issue}");
        }
        if let Some((why, path)) = applied.refused.first() {
            tracing::debug!(input = %batch.input, path = %path, n = applied.refused.len(), "refused: {}", why.as_str());
        }
    }
    world.head().0
}
