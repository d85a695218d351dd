//! Values held back by `minPeriod`, and values repeated by `ideal`.
//!
//! Timing is kept per row, context, path and source: otherwise one ship would silence another on `vessels.*`.

use std::collections::{BTreeSet, HashMap};

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
    /// Newer ones wait; the number of the first of them.
    owed: Option<Seq>,
    /// Until when `minPeriod` holds values back.
    opens: Moment,
    /// When its alarm goes off.
    alarm: Option<Moment>,
}

/// All timings of one client.
#[derive(Debug, Default)]
pub(super) struct Limited {
    timings: HashMap<Key, Timing, RandomState>,
    /// One for each timing at the most.
    alarms: BTreeSet<(Moment, Key)>,
    /// At this many timings, those that hold nothing back are looked for and dropped.
    prune_at: usize,
}

/// The fewest timings that are worth a look for those that hold nothing back.
const PRUNE_AT_MIN: usize = 1_024;

impl Limited {
    /// Rows were taken back: `place` says where a row stands now, `None` for one that is gone.
    pub(super) fn move_rows(&mut self, place: impl Fn(u16) -> Option<u16>) {
        self.alarms.clear();
        let moved =
            self.timings.drain().filter_map(|(key, timing)| Some((Key { row: place(key.row)?, ..key }, timing)));
        self.timings = moved.collect();
        self.alarms.extend(self.timings.iter().filter_map(|(key, timing)| Some((timing.alarm?, *key))));
    }

    /// A value came. True when it is to be sent now; otherwise it is remembered, where the policy wants that.
    pub(super) fn value(&mut self, key: Key, policy: Policy, seq: Seq, now: Moment) -> bool {
        let min_ms = match policy {
            Policy::Fixed { .. } => return false,
            Policy::Instant { min_ms: 0 } => return true,
            Policy::Instant { min_ms } | Policy::Ideal { min_ms, .. } => min_ms,
        };
        if !self.timings.contains_key(&key) {
            if self.timings.len() >= self.prune_at.max(PRUNE_AT_MIN) {
                self.prune(now);
            }
            if self.timings.len() >= TIMINGS_MAX {
                return true;
            }
        }
        let mut is_new = false;
        let timing = self.timings.entry(key).or_insert_with(|| {
            is_new = true;
            Timing { last: now, owed: None, opens: now, alarm: None }
        });
        let send = is_new || now >= timing.opens;
        if send {
            timing.last = now;
            timing.opens = now + min_ms;
            timing.owed = None;
        } else {
            timing.owed.get_or_insert(seq);
        }
        // An alarm that goes off too early is moved on then. One that would go off too late is moved now.
        if let Some(due) = due(policy, timing).filter(|due| timing.alarm.is_none_or(|alarm| *due < alarm)) {
            if let Some(alarm) = timing.alarm.replace(due) {
                self.alarms.remove(&(alarm, key));
            }
            self.alarms.insert((due, key));
        }
        send
    }

    /// Drops what is the same as no timing at all: nothing is held back, nothing is to be repeated, and the next value may
    /// go at once. Without this, every vessel that ever passed would keep its timings.
    fn prune(&mut self, now: Moment) {
        self.timings.retain(|_, t| t.alarm.is_some() || t.owed.is_some() || now < t.opens);
        self.prune_at = self.timings.len() * 2;
    }

    /// Forgets a timing: its value has been sent, and there will be no other.
    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(alarm) = self.timings.remove(key).and_then(|timing| timing.alarm) {
            self.alarms.remove(&(alarm, *key));
        }
    }

    /// Nothing is held back any longer. False when nothing was.
    pub(super) fn open_all(&mut self) -> bool {
        self.alarms.clear();
        for (key, timing) in self.timings.iter_mut().filter(|(_, timing)| timing.owed.is_some()) {
            timing.opens = Moment::default();
            timing.alarm = Some(timing.opens);
            self.alarms.insert((timing.opens, *key));
        }
        !self.alarms.is_empty()
    }

    /// Takes out an alarm that has gone off by `now`.
    fn pop_alarm(&mut self, now: Moment) -> Option<Key> {
        let &(alarm, key) = self.alarms.first().filter(|(alarm, _)| *alarm <= now)?;
        self.alarms.remove(&(alarm, key));
        Some(key)
    }

    /// Bytes in memory, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.timings.capacity() * (size_of::<(Key, Timing)>() + 1)
            + self.alarms.len() * size_of::<(Moment, Key)>() * 3 / 2
    }

    /// When the next alarm goes off.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.alarms.first().map(|(due, _)| *due)
    }

    /// The lowest number that is still held back.
    pub(super) fn oldest_owed(&self) -> Option<Seq> {
        self.timings.values().filter_map(|t| t.owed).min()
    }
}

/// When a timing wants attention next, if at all.
fn due(policy: Policy, timing: &Timing) -> Option<Moment> {
    match policy {
        Policy::Instant { .. } => timing.owed.map(|_| timing.opens),
        Policy::Ideal { period_ms, .. } => {
            let repeat = timing.last + period_ms;
            Some(if timing.owed.is_some() { repeat.min(timing.opens) } else { repeat })
        }
        Policy::Fixed { .. } => None,
    }
}

impl Session {
    /// Sends what was held back long enough and what has been silent for its period.
    pub(super) fn send_due(&mut self, world: &World, now: Now, frames: &mut Frames<'_>) {
        let mut sent: Vec<SlotRef<'_>> = Vec::new();
        let mark = self.mark(world, frames);
        while let Some(key) = self.limited.pop_alarm(now.mono) {
            let row = &self.rows[usize::from(key.row)].row;
            let Some(timing) = self.limited.timings.get_mut(&key) else { continue };
            timing.alarm = None;
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
                    timing.opens = now.mono + row.policy.min_ms();
                    sent.push(SlotRef { node, leaf, slot, by_name: false });
                }
            }
            if let Some(due) = due(row.policy, timing) {
                timing.alarm = Some(due);
                self.limited.alarms.insert((due, key));
            }
        }
        sent.sort_by_key(|s| (s.node.id, s.slot.timestamp, s.slot.source, s.leaf.path));
        sent.dedup_by(|a, b| std::ptr::eq(a.slot, b.slot));
        if !sent.is_empty() {
            self.delivered = world.head();
            self.send_slots(&sent, true, world, now, frames);
            self.stamp(mark, world, frames);
        }
    }
}
