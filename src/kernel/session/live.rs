//! The log after the cursor; and, for a client that fell behind it, what has changed since.

use std::sync::Arc;

use bytes::Bytes;

use super::limited::Key;
use super::{CHANGES_WAITING_MAX, CloseReason, Frames, Halt, Session};
use crate::kernel::change::Change;
use crate::kernel::encode::{self, SlotRef};
use crate::kernel::id::{ContextId, PathId, Seq};
use crate::kernel::model::context::ContextNode;
use crate::kernel::model::statics;
use crate::kernel::subscription::{ContextPattern, Policy};
use crate::kernel::time::{Moment, Now};
use crate::kernel::value::{Value, push_text};
use crate::kernel::world::World;

/// Slots taken from the model in one piece while a client catches up.
const CATCH_UP_PIECE: usize = 512;

impl Session {
    /// Sends what the log has after the cursor, as far as there is room.
    pub(super) fn follow(&mut self, world: &World, now: Now, frames: &mut Frames<'_>) -> Result<(), Halt> {
        while self.cursor < world.head() && !frames.is_full() {
            let waiting = world.head().0 - self.cursor.0;
            // Whoever asked for timepoints gets every change that is still there.
            let in_order = waiting <= CHANGES_WAITING_MAX || self.options.timepoints;
            if let Some(changes) = world.tail.after(self.cursor).filter(|_| in_order) {
                for change in changes {
                    let mark = self.mark(world, frames);
                    self.cursor = change.seq;
                    self.on_change(change, false, world, now, frames);
                    self.stamp(mark, world, frames);
                    if frames.is_full() {
                        break;
                    }
                }
            } else if self.options.timepoints && self.options.log && self.options.peer.is_none() {
                return Err(Halt::Missed);
            } else {
                let duration_ms = now.mono.since(self.missed_since(world));
                let first = frames.out.len();
                self.catch_up(world, now, frames).map_err(Halt::Close)?;
                if self.options.backpressure {
                    for frame in &mut frames.out[first..] {
                        *frame = encode::with_backpressure(frame, waiting, duration_ms);
                    }
                }
            }
        }
        let mark = self.mark(world, frames);
        self.full_owed = None;
        for context in std::mem::take(&mut self.full) {
            Self::send_full(context, world, now, frames);
        }
        self.stamp(mark, world, frames);
        Ok(())
    }

    /// When the first of the changes came that the client has not got. One that is here no more came after the client was
    /// last up to date.
    fn missed_since(&self, world: &World) -> Moment {
        let first = world.tail.after(self.cursor).and_then(|mut changes| changes.next());
        first.map_or(self.up_to_date, |change| change.received.mono)
    }

    fn owe_full(&mut self, context: ContextId, seq: Seq) {
        self.full_owed.get_or_insert(seq);
        if !self.full.contains(&context) {
            self.full.push(context);
        }
    }

    /// Sends what the rows want of a change; of its notifications only, where nothing else is wanted now.
    fn on_change(
        &mut self,
        change: &Arc<Change>,
        only_notifications: bool,
        world: &World,
        now: Now,
        frames: &mut Frames<'_>,
    ) {
        if self.rows.is_empty() || self.came_from_peer(change.source, world) {
            return;
        }
        let node = world.model.node(change.context);
        let source = world.model.sources().name(change.source);
        let mut mask = 0_u64;
        let mut any = false;
        let mut by_name: Vec<(String, Value)> = Vec::new();
        let mut full = false;
        for (i, changed) in change.values.iter().enumerate() {
            let is_notification = world.is_notification(changed.path);
            if only_notifications && !is_notification {
                continue;
            }
            let rows = self.interest.rows(changed.path, &self.rows, &world.model);
            for &r in rows {
                let active = &mut self.rows[usize::from(r)];
                let row = &active.row;
                let wanted = change.seq > active.since
                    && (!row.announce || changed.first)
                    && row.wants_context(&change.context_name, node, world)
                    && row.wants_source(source, changed.shown);
                if !wanted {
                    continue;
                }
                if row.full {
                    // A row that beats sends the object with its beat.
                    full |= !matches!(row.policy, Policy::Fixed { .. });
                    continue;
                }
                if changed.path == PathId::ROOT && !row.path.matches("") {
                    members_by_name(&changed.value, &row.path, &mut by_name);
                    continue;
                }
                // SUB-25: rates do not apply to static data; nor to notifications, whose every transition counts.
                let at_once = changed.path == PathId::ROOT || is_notification || {
                    let key = Key { row: r, context: change.context, path: changed.path, source: change.source };
                    // Of a context that has left, nothing can be sent later.
                    if node.is_none() {
                        self.limited.forget(&key);
                    }
                    node.is_none() || self.limited.value(key, row.policy, change.seq, now.mono)
                };
                if at_once {
                    any = true;
                    mask |= 1 << i;
                } else if matches!(row.policy, Policy::Fixed { .. }) {
                    active.owed.get_or_insert(change.seq);
                }
            }
        }
        if full {
            self.owe_full(change.context, change.seq);
        }
        if !change.meta.is_empty() && !only_notifications {
            self.send_changed_meta(change, world, now, frames);
        }
        if any || !by_name.is_empty() {
            self.introduce(change.source, world, frames);
        }
        if any {
            self.delivered = self.delivered.max(change.seq);
            let paths = change.values.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
            self.send_meta_first(paths.map(|(_, v)| v.path), &change.context_name, None, world, now, frames);
            if let Some(delta) = change.encoded(&world.model).select(mask) {
                frames.push(delta);
            }
        }
        if !by_name.is_empty() {
            frames.push(Bytes::from(named_values(change, source, &by_name)));
        }
    }

    /// Complete metadata again, whatever the policies say (META-07).
    fn send_changed_meta(&mut self, change: &Change, world: &World, now: Now, frames: &mut Frames<'_>) {
        let node = world.model.node(change.context);
        let wanted: Vec<PathId> = change
            .meta
            .iter()
            .copied()
            .filter(|path| {
                let rows = self.interest.rows(*path, &self.rows, &world.model);
                rows.iter().any(|&r| self.rows[usize::from(r)].row.wants_context(&change.context_name, node, world))
            })
            .collect();
        for path in &wanted {
            self.meta_sent.forget(*path);
        }
        // A peer is told who changed it, so that this does not go round in circles either.
        let mut source = None;
        if self.options.peer.is_some() && self.options.send_meta && !wanted.is_empty() {
            self.introduce(change.source, world, frames);
            source = Some(&**world.model.sources().name(change.source));
        }
        self.send_meta_first(wanted.into_iter(), &change.context_name, source, world, now, frames);
    }

    /// One piece of what has changed since the cursor: the newest value of every slot, in the order of their numbers, and
    /// every transition of a notification.
    fn catch_up(&mut self, world: &World, now: Now, frames: &mut Frames<'_>) -> Result<(), CloseReason> {
        let from = self.cursor;
        let mut items: Vec<(Seq, u16, SlotRef<'_>)> = Vec::new();
        for node in world.model.contexts().filter(|node| node.seq > from) {
            let leaves = node.leaves().iter().filter(|l| l.seq > from && !world.is_notification(l.path));
            for leaf in leaves {
                for slot in leaf.slots.iter().filter(|s| s.seq > from) {
                    for (row, by_name) in self.rows_wanting(node, leaf, slot, 0..self.rows.len(), world) {
                        let active = &self.rows[usize::from(row)];
                        // What the row was greeted with, and paths that were announced already, don't come again.
                        if slot.seq <= active.since || (active.row.announce && leaf.born <= from) {
                            continue;
                        }
                        items.push((slot.seq, row, SlotRef { node, leaf, slot, by_name }));
                    }
                }
            }
        }
        items.sort_unstable_by_key(|(seq, row, item)| (*seq, item.node.id, item.leaf.path, *row));
        // Only whole changes: the cursor can stand between two numbers, not inside one.
        let mut taken = items.len();
        if taken > CATCH_UP_PIECE {
            let last = items[CATCH_UP_PIECE - 1].0;
            taken = items.partition_point(|(seq, _, _)| *seq <= last);
        }
        let upto = if taken == items.len() { world.head() } else { items[taken - 1].0 };
        items.truncate(taken);
        if self.options.timepoints {
            let gap = format!(
                "{{\"gap\":{{\"from\":{},\"to\":{},\"reason\":\"the reader fell behind what the server keeps\"}}}}",
                world.timepoint(from).0 + 1,
                world.timepoint(upto).0
            );
            frames.push(Bytes::from(gap));
        }

        let notifications = world.notifications.between(from, upto);
        let tombstones = world.tombstones.between(from, upto);
        let mark = self.mark(world, frames);
        self.cursor = upto;
        match notifications {
            Some(changes) => {
                for change in changes {
                    self.on_change(change, true, world, now, frames);
                }
            }
            None if self.rows.iter().any(|r| may_mean_notifications(&r.row.path)) => {
                return Err(CloseReason::NotificationsLost);
            }
            None => {}
        }
        match tombstones {
            Some(changes) => {
                for change in changes {
                    self.on_change(change, false, world, now, frames);
                }
            }
            None if self.rows.iter().any(|r| r.row.context != ContextPattern::Own) => {
                return Err(CloseReason::ContextsLost);
            }
            None => {}
        }

        self.send_meta_changed(from, upto, world, now, frames);
        let mut sent: Vec<SlotRef<'_>> = Vec::with_capacity(items.len());
        let mut last = Seq::default();
        let mut delivered = 0_u64;
        for (seq, r, item) in items {
            let row = &self.rows[usize::from(r)].row;
            let beats = matches!(row.policy, Policy::Fixed { .. });
            if row.full {
                if !beats {
                    self.owe_full(item.node.id, seq);
                }
                continue;
            }
            let key = Key { row: r, context: item.node.id, path: item.leaf.path, source: item.slot.source };
            let at_once = item.leaf.is_static || self.limited.value(key, row.policy, seq, now.mono);
            if beats && !at_once {
                self.rows[usize::from(r)].owed.get_or_insert(from.next());
            }
            let again = sent.last().is_some_and(|s| std::ptr::eq(s.slot, item.slot) && s.by_name == item.by_name);
            if at_once && !again {
                sent.push(item);
                delivered += u64::from(seq != last);
                last = seq;
            }
        }
        self.conflated += (upto.0 - from.0).saturating_sub(delivered);
        self.delivered = self.delivered.max(upto);
        self.send_slots(&sent, false, world, now, frames);
        self.stamp(mark, world, frames);
        Ok(())
    }

    /// Metadata that changed while the client was behind, for one of the contexts that have the path.
    fn send_meta_changed(&mut self, from: Seq, upto: Seq, world: &World, now: Now, frames: &mut Frames<'_>) {
        if !self.options.send_meta {
            return;
        }
        for path in world.meta_changed(from, upto) {
            self.meta_sent.forget(path);
            let rows = self.interest.rows(path, &self.rows, &world.model);
            let wants = |node: &&ContextNode| {
                rows.iter().any(|&r| self.rows[usize::from(r)].row.wants_context(&node.name, Some(node), world))
            };
            let own = Some(world.model.own_node()).filter(wants);
            let node = own.or_else(|| world.model.contexts().filter(|n| n.leaf(path).is_some()).find(wants));
            if let Some(node) = node {
                self.send_meta_first(std::iter::once(path), &node.name, None, world, now, frames);
            }
        }
    }

    /// The whole object of a context, for rows with `format=full`.
    pub(super) fn send_full(context: ContextId, world: &World, now: Now, frames: &mut Frames<'_>) {
        let Some(node) = world.model.node(context) else { return };
        let mut out = String::with_capacity(4096);
        encode::write_full_context(&mut out, world, node, now.mono);
        frames.push(Bytes::from(out));
    }

    /// Encodes slots that are already in their order, metadata first where it is asked for.
    pub(super) fn send_slots(
        &mut self,
        slots: &[SlotRef<'_>],
        merge_updates: bool,
        world: &World,
        now: Now,
        frames: &mut Frames<'_>,
    ) {
        if self.options.send_meta {
            for run in slots.chunk_by(|a, b| a.node.id == b.node.id) {
                let paths = run.iter().map(|s| s.leaf.path);
                self.send_meta_first(paths, &run[0].node.name, None, world, now, frames);
            }
        }
        if self.options.peer.is_some() {
            for item in slots {
                self.introduce(item.slot.source, world, frames);
            }
        }
        let slots = slots.iter().copied();
        encode::encode_slots(&world.model, slots, merge_updates, |delta| frames.push(Bytes::from(delta)));
    }
}

/// Whether a pattern can mean a path below `notifications`.
fn may_mean_notifications(pattern: &crate::kernel::pattern::Pattern) -> bool {
    pattern.may_start_with("notifications.")
}

/// Members of a static object that a row asks for by name.
fn members_by_name(value: &Value, pattern: &crate::kernel::pattern::Pattern, out: &mut Vec<(String, Value)>) {
    let Value::Json(json) = value else { return };
    for (name, member) in statics::flatten(json).unwrap_or_default() {
        if pattern.matches(&name) && !out.iter().any(|(n, _)| *n == name) {
            out.push((name, member));
        }
    }
}

fn named_values(change: &Change, source: &str, values: &[(String, Value)]) -> String {
    let mut out = format!(
        "{{\"context\":\"{}\",\"updates\":[{{\"$source\":\"{source}\",\"timestamp\":\"{}\",\"values\":[",
        change.context_name, change.timestamp
    );
    for (i, (name, value)) in values.iter().enumerate() {
        out.push_str(if i > 0 { ",{\"path\":" } else { "{\"path\":" });
        push_text(name, &mut out);
        out.push_str(",\"value\":");
        value.write_json(&mut out);
        out.push('}');
    }
    out.push_str("]}]}");
    out
}
