//! Cached values for new rows: from one snapshot, in order of their timestamps, in bounded pieces.
//!
//! A greeting holds no list of what it still has to send, only the place it has reached in that order. What changes while
//! it goes on has a higher number than the snapshot; the log brings it.

use std::ops::Range;

use super::{Frames, Session};
use crate::kernel::encode::SlotRef;
use crate::kernel::id::{ContextId, PathId, Seq, SourceId};
use crate::kernel::model::context::{ContextNode, Leaf, Slot};
use crate::kernel::subscription::Policy;
use crate::kernel::time::{Now, Timestamp};
use crate::kernel::world::World;

use super::limited::Key;

/// Slots sent in one piece.
const PIECE: usize = 1_024;

/// The order of a greeting.
type Place = (Timestamp, Seq, ContextId, PathId, SourceId);

/// One greeting under way.
#[derive(Debug)]
pub(super) struct Greeting {
    rows: Range<usize>,
    /// The number of the snapshot, once it has begun.
    upto: Option<Seq>,
    reached: Option<Place>,
}

impl Greeting {
    pub(super) fn new(rows: Range<usize>) -> Self {
        Self { rows, upto: None, reached: None }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.upto.is_some()
    }

    /// Whether more rows may join it: it has not begun, or just now at `upto` and without sending anything.
    pub(super) fn has_not_sent(&self, upto: Option<Seq>) -> bool {
        self.reached.is_none() && (self.upto.is_none() || self.upto == upto)
    }

    /// Rows up to `end` join it.
    pub(super) fn extend(&mut self, end: usize) {
        self.rows.end = end;
    }

    /// Takes the snapshot; gives back the rows that it is for.
    pub(super) fn begin(&mut self, upto: Seq) -> Range<usize> {
        self.upto = Some(upto);
        self.rows.clone()
    }

    /// The snapshot is gone, and what it is for is greeted from another; gives back the rows that it is for.
    pub(super) fn begin_again(&mut self) -> Range<usize> {
        self.upto = None;
        self.reached = None;
        self.rows.clone()
    }

    /// Rows were taken back: `place` says how many are left of the first so many.
    pub(super) fn move_rows(&mut self, place: impl Fn(usize) -> usize) {
        self.rows = place(self.rows.start)..place(self.rows.end);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Session {
    /// Sends the next piece. True when the greeting is done.
    pub(super) fn greet(&mut self, greeting: &mut Greeting, world: &World, now: Now, frames: &mut Frames<'_>) -> bool {
        let mut items: Vec<(Place, SlotRef<'_>)> = Vec::new();
        let mut full: Vec<ContextId> = Vec::new();
        let rows = greeting.rows.clone();
        let upto = greeting.upto.unwrap_or(self.cursor);
        for node in world.model.contexts() {
            let wants = |r: usize| self.rows[r].row.wants_context(&node.name, Some(node), world);
            if !rows.clone().any(wants) {
                continue;
            }
            for leaf in node.leaves() {
                for slot in leaf.slots.iter().filter(|s| s.seq <= upto) {
                    let place = (slot.timestamp, slot.seq, node.id, leaf.path, slot.source);
                    if greeting.reached.is_some_and(|reached| place <= reached) {
                        continue;
                    }
                    let wanting = self.rows_wanting(node, leaf, slot, rows.clone(), world);
                    let mut forms = [false; 2];
                    for (row, by_name) in wanting {
                        if self.rows[usize::from(row)].row.full {
                            if !full.contains(&node.id) {
                                full.push(node.id);
                            }
                        } else if !std::mem::replace(&mut forms[usize::from(by_name)], true) {
                            items.push((place, SlotRef { node, leaf, slot, by_name }));
                        }
                    }
                }
            }
        }
        let done = items.len() <= PIECE;
        if !done {
            items.select_nth_unstable_by_key(PIECE, |(place, _)| *place);
            // Whole places only: a slot may stand here in two forms.
            let limit = items[PIECE].0;
            items.retain(|(place, _)| *place < limit);
        }
        items.sort_unstable_by_key(|(place, item)| (*place, item.by_name));
        greeting.reached = items.last().map(|(place, _)| *place).or(greeting.reached);
        let slots: Vec<SlotRef<'_>> = items.into_iter().map(|(_, item)| item).collect();
        self.note_greeted(&slots, rows, world, now);
        self.delivered = self.delivered.max(upto);
        let mark = self.mark(world, frames);
        self.send_slots(&slots, false, world, now, frames);
        if done {
            for context in full {
                Self::send_full(context, world, now, frames);
            }
            // Only the last frame of a greeting says where the client stands: it has nothing in order before that.
            self.stamp((mark.0.max(frames.out.len().saturating_sub(1)), mark.1), world, frames);
        }
        done
    }

    /// What a rate-limited row was greeted with counts as sent.
    fn note_greeted(&mut self, slots: &[SlotRef<'_>], rows: Range<usize>, world: &World, now: Now) {
        let limited = |policy| !matches!(policy, Policy::Fixed { .. } | Policy::Instant { min_ms: 0 });
        if !rows.clone().any(|r| limited(self.rows[r].row.policy)) {
            return;
        }
        for item in slots.iter().filter(|s| !s.leaf.is_static && !world.is_notification(s.leaf.path)) {
            for (row, _) in self.rows_wanting(item.node, item.leaf, item.slot, rows.clone(), world) {
                let key = Key { row, context: item.node.id, path: item.leaf.path, source: item.slot.source };
                let policy = self.rows[usize::from(row)].row.policy;
                self.limited.value(key, policy, item.slot.seq, now.mono);
            }
        }
    }

    /// The rows among `range` that want a slot; true beside one that wants static data by name, not as an object.
    pub(super) fn rows_wanting(
        &mut self,
        node: &ContextNode,
        leaf: &Leaf,
        slot: &Slot,
        range: Range<usize>,
        world: &World,
    ) -> smallvec::SmallVec<[(u16, bool); 4]> {
        if self.came_from_peer(slot.source, world) {
            return smallvec::SmallVec::new();
        }
        let path = if leaf.is_static { PathId::ROOT } else { leaf.path };
        let rows = self.interest.rows(path, &self.rows, &world.model);
        let mut out = smallvec::SmallVec::new();
        for &r in rows.iter().filter(|&&r| range.contains(&usize::from(r))) {
            let row = &self.rows[usize::from(r)].row;
            let by_name = leaf.is_static && !row.path.matches("");
            let wanted = (!by_name || row.path.matches(world.model.path(leaf.path)))
                && row.wants_context(&node.name, Some(node), world)
                && row.wants_slot(leaf, slot, world);
            if wanted {
                out.push((r, by_name));
            }
        }
        out
    }
}
