//! Values held back by `minPeriod`, and values repeated by `ideal`.
//!
//! Timing is kept per row, context, path and source: otherwise one ship would silence another on `vessels.*`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;

use super::{Frames, Session};
use crate::kernel::encode::SlotRef;
use crate::kernel::id::{ContextId, PathId, Seq, SourceId};
use crate::kernel::subscription::Policy;
use crate::kernel::time::{Moment, Now};
use crate::kernel::world::World;

/// Values with a timing of their own at the most, for one client. One more is sent at once and not repeated.
pub const TIMINGS_MAX: usize = 65_536;

/// Which timing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) row: u16,
    pub(super) context: ContextId,
    pub(super) path: PathId,
    pub(super) source: SourceId,
}

#[derive(Debug)]
struct Timing {
    /// When a value was sent last.
    last: Moment,
    /// A newer one waits; its number.
    owed: Option<Seq>,
    /// An alarm is set.
    armed: bool,
}

/// All timings of one client.
#[derive(Debug, Default)]
pub(super) struct Limited {
    timings: HashMap<Key, Timing, RandomState>,
    alarms: BinaryHeap<Reverse<(Moment, Key)>>,
}

impl Limited {
    pub(super) fn clear(&mut self) {
        self.timings.clear();
        self.alarms.clear();
    }

    /// A value came. True when it is to be sent now; otherwise it is remembered, where the policy wants that.
    pub(super) fn value(&mut self, key: Key, policy: Policy, seq: Seq, now: Moment) -> bool {
        let min_ms = match policy {
            Policy::Fixed { .. } => return false,
            Policy::Instant { min_ms: 0 } => return true,
            Policy::Instant { min_ms } | Policy::Ideal { min_ms, .. } => min_ms,
        };
        if !self.timings.contains_key(&key) && self.timings.len() >= TIMINGS_MAX {
            return true;
        }
        let mut is_new = false;
        let timing = self.timings.entry(key).or_insert_with(|| {
            is_new = true;
            Timing { last: now, owed: None, armed: false }
        });
        let send = is_new || now.since(timing.last) >= min_ms;
        if send {
            timing.last = now;
            timing.owed = None;
        } else {
            timing.owed = Some(seq);
        }
        if let Some(due) = due(policy, timing).filter(|_| !timing.armed) {
            timing.armed = true;
            self.alarms.push(Reverse((due, key)));
        }
        send
    }

    /// When the next alarm goes off.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.alarms.peek().map(|Reverse((due, _))| *due)
    }

    /// The lowest number that is still held back.
    pub(super) fn oldest_owed(&self) -> Option<Seq> {
        self.timings.values().filter_map(|t| t.owed).min()
    }
}

/// When a timing wants attention next, if at all.
fn due(policy: Policy, timing: &Timing) -> Option<Moment> {
    match policy {
        Policy::Instant { min_ms } => timing.owed.map(|_| timing.last + min_ms),
        Policy::Ideal { period_ms, min_ms } => {
            Some(timing.last + if timing.owed.is_some() { min_ms.min(period_ms) } else { period_ms })
        }
        Policy::Fixed { .. } => None,
    }
}

impl Session {
    /// Sends what was held back long enough and what has been silent for its period.
    pub(super) fn send_due(&mut self, world: &World, now: Now, frames: &mut Frames<'_>) {
        let mut sent: Vec<SlotRef<'_>> = Vec::new();
        while let Some(&Reverse((alarm, key))) = self.limited.alarms.peek() {
            if alarm > now.mono {
                break;
            }
            self.limited.alarms.pop();
            let row = &self.rows[usize::from(key.row)].row;
            let Some(timing) = self.limited.timings.get_mut(&key) else { continue };
            timing.armed = false;
            let Some((node, leaf, slot)) = world.model.slot(key.context, key.path, key.source) else {
                self.limited.timings.remove(&key);
                continue;
            };
            let is_due = due(row.policy, timing).is_some_and(|due| due <= now.mono);
            if is_due {
                // A repeat says that the value still stands. A source that has stopped does not say so any more.
                let repeat = timing.owed.is_none();
                timing.last = now.mono;
                timing.owed = None;
                let wanted = row.wants_context(&node.name, Some(node), world) && row.wants_slot(leaf, slot, world);
                if wanted && !(repeat && slot.is_stale(now.mono, world.timeout_ms(leaf.path))) {
                    sent.push(SlotRef { node, leaf, slot, by_name: false });
                }
            }
            if let Some(due) = due(row.policy, timing) {
                timing.armed = true;
                self.limited.alarms.push(Reverse((due, key)));
            }
        }
        sent.sort_by_key(|s| (s.node.id, s.slot.timestamp, s.slot.source, s.leaf.path));
        sent.dedup_by(|a, b| std::ptr::eq(a.slot, b.slot));
        self.send_slots(&sent, true, world, now, frames);
    }
}
