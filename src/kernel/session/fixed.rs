//! The beat of `fixed`: the last known values, every period, changed or not.
//!
//! Beats lie on one grid for all clients, so the frames of a beat are encoded once for all who have the same row.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Frames, Session};
use crate::kernel::encode::{self, SlotRef};
use crate::kernel::id::{PathId, Seq};
use crate::kernel::model::context::Slot;
use crate::kernel::subscription::{Policy, Row};
use crate::kernel::time::{Moment, Now};
use crate::kernel::world::World;

/// Rows whose last beat is kept for the next client; the one unused for longest gives way.
const CACHED_ROWS_MAX: usize = 32;

/// For a client that has had all there was.
const NOTHING_OWED: Seq = Seq(u64::MAX);

/// The first point of the grid after `now`.
pub(super) fn next_beat(now: Moment, period_ms: u64) -> Moment {
    Moment::from_millis((now.as_millis() / period_ms + 1) * period_ms)
}

/// Frames of the newest beat of each row, shared by all sessions over one world.
#[derive(Debug, Default)]
pub struct FrameCache {
    beats: Mutex<Vec<Beat>>,
}

#[derive(Debug)]
struct Beat {
    row: Row,
    /// Which point of the row's grid.
    number: u64,
    /// The newest change that it knows of.
    head: Seq,
    /// Values from this change on are in it, stale or not.
    owed: Seq,
    frames: Arc<[Bytes]>,
}

impl FrameCache {
    /// The beat `number` of a row, made by whoever comes first. One made before the change `newer_than` is made anew:
    /// that client has seen the change already; and so is one that leaves out stale values which it is owed.
    fn get(
        &self,
        row: &Row,
        number: u64,
        newer_than: Seq,
        owed: Seq,
        head: Seq,
        encode: impl FnOnce() -> Vec<Bytes>,
    ) -> Arc<[Bytes]> {
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        let at = beats.iter().position(|beat| beat.row == *row);
        if let Some(beat) =
            at.map(|at| &beats[at]).filter(|b| b.number == number && b.head >= newer_than && b.owed <= owed)
        {
            return beat.frames.clone();
        }
        let frames: Arc<[Bytes]> = encode().into();
        if let Some(at) = at {
            beats.remove(at);
        } else if beats.len() >= CACHED_ROWS_MAX {
            beats.remove(0);
        }
        beats.push(Beat { row: row.clone(), number, head, owed, frames: frames.clone() });
        frames
    }
}

impl Session {
    /// Sends the beat of every row that has one due. A client that missed beats gets one, not all of them.
    pub(super) fn send_beats(&mut self, world: &World, cache: &FrameCache, now: Now, frames: &mut Frames<'_>) {
        for r in 0..self.rows.len() {
            let active = &mut self.rows[r];
            let Policy::Fixed { period_ms } = active.row.policy else { continue };
            if active.next_beat > now.mono {
                continue;
            }
            active.next_beat = next_beat(now.mono, period_ms);
            let mark = self.mark(world, frames);
            // What came since the last beat goes out once, however short its timeout.
            let owed = self.rows[r].owed.take().unwrap_or(NOTHING_OWED);
            let row = self.rows[r].row.clone();
            if row.full {
                let wanted = world.model.contexts().filter(|n| row.wants_context(&n.name, Some(n), world));
                for context in wanted.map(|n| n.id).collect::<Vec<_>>() {
                    Self::send_full(context, world, now, frames);
                }
                self.stamp(mark, world, frames);
                continue;
            }
            if self.options.send_meta {
                self.send_meta_of_row(r, world, now, frames);
            }
            let number = now.mono.as_millis() / period_ms;
            let newer_than = if self.options.timepoints { self.cursor } else { self.delivered };
            let encode = || encode_beat(&row, world, now.mono, owed);
            let beat = cache.get(&row, number, newer_than, owed, world.head(), encode);
            for frame in beat.iter() {
                frames.push(frame.clone());
            }
            self.stamp(mark, world, frames);
        }
    }

    /// Metadata of paths that appeared since the last beat.
    fn send_meta_of_row(&mut self, r: usize, world: &World, now: Now, frames: &mut Frames<'_>) {
        for node in world.model.contexts() {
            let row = &self.rows[r].row;
            if !row.wants_context(&node.name, Some(node), world) {
                continue;
            }
            let own = node.id == world.model.own();
            let paths: Vec<PathId> = node
                .leaves()
                .iter()
                .filter(|l| !self.meta_sent.contains(l.path, own) && row.path.matches(world.model.path(l.path)))
                .map(|l| l.path)
                .collect();
            self.send_meta_first(paths.into_iter(), &node.name, None, world, now, frames);
        }
    }
}

/// All current values of a row: one delta for each context, its updates oldest first. Sources that have stopped, and
/// losers of a priority rule, are left out; static data went with the greeting and goes with every change.
fn encode_beat(row: &Row, world: &World, now: Moment, owed: Seq) -> Vec<Bytes> {
    let mut out = Vec::new();
    let mut slots: Vec<SlotRef<'_>> = Vec::new();
    // By path number: whether the row wants it, so that no text is compared twice.
    let mut wanted: Vec<Option<bool>> = vec![None; world.model.paths().len()];
    for node in world.model.contexts().filter(|n| row.wants_context(&n.name, Some(n), world)) {
        slots.clear();
        for leaf in node.leaves().iter().filter(|l| !l.is_static) {
            let wanted =
                *wanted[leaf.path.index()].get_or_insert_with(|| row.path.matches(world.model.path(leaf.path)));
            if !wanted {
                continue;
            }
            let timeout = world.timeout_ms(leaf.path);
            let current = |s: &Slot| s.seq >= owed || !s.is_stale(now, timeout);
            let current = leaf.slots.iter().filter(|s| row.wants_slot(leaf, s, world) && current(s));
            slots.extend(current.map(|slot| SlotRef { node, leaf, slot, by_name: false }));
        }
        slots.sort_unstable_by_key(|s| (s.slot.timestamp, s.slot.source, s.leaf.path));
        encode::encode_slots(&world.model, slots.iter().copied(), true, |delta| out.push(Bytes::from(delta)));
    }
    out
}
