//! The log after the cursor; and, for a client that fell behind it, what has changed since.

use std::sync::Arc;

use bytes::Bytes;

use super::limited::Key;
use super::{Behind, CHANGES_WAITING_MAX, CloseReason, Frames, Session};
use crate::kernel::change::Change;
use crate::kernel::encode::{self, SlotRef};
use crate::kernel::id::{ContextId, PathId, Seq};
use crate::kernel::model::statics;
use crate::kernel::subscription::ContextPattern;
use crate::kernel::time::{Moment, Now};
use crate::kernel::value::{Value, push_text};
use crate::kernel::world::World;

/// Slots taken from the model in one piece while a client catches up.
const CATCH_UP_PIECE: usize = 512;

impl Session {
    /// Sends what the log has after the cursor, as far as there is room.
    pub(super) fn follow(&mut self, world: &World, now: Now, frames: &mut Frames<'_>) -> Result<(), CloseReason> {
        let mut full = Vec::new();
        while self.cursor < world.head() && !frames.is_full() {
            let waiting = world.head().0 - self.cursor.0;
            // Whoever asked for timepoints gets every change that is still there.
            let in_order = waiting <= CHANGES_WAITING_MAX || self.options.timepoints;
            if let Some(changes) = world.tail.after(self.cursor).filter(|_| in_order) {
                for change in changes {
                    // The cursor first: the frame says that the client has this change.
                    self.cursor = change.seq;
                    self.on_change(change, world, now, frames, &mut full);
                    if frames.is_full() {
                        break;
                    }
                }
            } else {
                self.behind = self
                    .options
                    .backpressure
                    .then(|| Behind { accumulated: waiting, duration_ms: now.mono.since(self.missed_since(world)) });
                let caught_up = self.catch_up(world, now, frames, &mut full);
                self.behind = None;
                caught_up?;
            }
        }
        for context in full {
            self.send_full(context, world, now, frames);
        }
        Ok(())
    }

    /// When the first of the changes came that the client has not got. One that is here no more came after the client was
    /// last up to date.
    fn missed_since(&self, world: &World) -> Moment {
        let first = world.tail.after(self.cursor).and_then(|mut changes| changes.next());
        first.map_or(self.up_to_date, |change| change.received.mono)
    }

    fn on_change(
        &mut self,
        change: &Arc<Change>,
        world: &World,
        now: Now,
        frames: &mut Frames<'_>,
        full: &mut Vec<ContextId>,
    ) {
        if self.rows.is_empty() {
            return;
        }
        let node = world.model.node(change.context);
        let source = world.model.sources().name(change.source);
        let mut mask = 0_u64;
        let mut any = false;
        let mut by_name: Vec<(String, Value)> = Vec::new();
        for (i, changed) in change.values.iter().enumerate() {
            let rows = self.interest.rows(changed.path, &self.rows, &world.model);
            for &r in rows {
                let active = &self.rows[usize::from(r)];
                let row = &active.row;
                let wanted = change.seq > active.since
                    && (!row.announce || changed.first)
                    && row.wants_context(&change.context_name, node, world)
                    && row.wants_source(source, changed.shown);
                if !wanted {
                    continue;
                }
                if row.full {
                    if !full.contains(&change.context) {
                        full.push(change.context);
                    }
                    continue;
                }
                if changed.path == PathId::ROOT && !row.path.matches("") {
                    members_by_name(&changed.value, &row.path, &mut by_name);
                    continue;
                }
                // SUB-25: rates do not apply to static data; nor to notifications, whose every transition counts.
                let at_once = changed.path == PathId::ROOT || world.is_notification(changed.path) || {
                    let key = Key { row: r, context: change.context, path: changed.path, source: change.source };
                    self.limited.value(key, row.policy, change.seq, now.mono)
                };
                if at_once {
                    any = true;
                    mask |= 1_u64.checked_shl(i as u32).unwrap_or(0);
                }
            }
        }
        if !change.meta.is_empty() {
            self.send_changed_meta(change, world, now, frames);
        }
        if any {
            let paths = change.values.iter().enumerate().filter(|(i, _)| *i >= 64 || mask >> i & 1 == 1);
            self.send_meta_first(paths.map(|(_, v)| v.path), &change.context_name, world, now, frames);
            if let Some(delta) = change.encoded(&world.model).select(mask) {
                let delta = self.framed(delta);
                frames.push(delta);
            }
        }
        if !by_name.is_empty() {
            let delta = named_values(change, source, &by_name);
            let delta = self.framed(Bytes::from(delta));
            frames.push(delta);
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
            if let Some(sent) = self.meta_sent.get_mut(path.index()) {
                *sent = false;
            }
        }
        self.send_meta_first(wanted.into_iter(), &change.context_name, world, now, frames);
    }

    /// One piece of what has changed since the cursor: the newest value of every slot, in the order of their numbers, and
    /// every transition of a notification.
    fn catch_up(
        &mut self,
        world: &World,
        now: Now,
        frames: &mut Frames<'_>,
        full: &mut Vec<ContextId>,
    ) -> Result<(), CloseReason> {
        let from = self.cursor;
        let mut items: Vec<(Seq, u16, SlotRef<'_>)> = Vec::new();
        for node in world.model.contexts().filter(|node| node.seq > from) {
            let leaves = node.leaves().iter().filter(|l| l.seq > from && !world.is_notification(l.path));
            for leaf in leaves {
                for slot in leaf.slots.iter().filter(|s| s.seq > from) {
                    for (row, by_name) in self.rows_wanting(node, leaf, slot, 0..self.rows.len(), world) {
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
                from.0 + 1,
                upto.0
            );
            frames.push(Bytes::from(gap));
        }

        let notifications = world.notifications.between(from, upto);
        let tombstones = world.tombstones.between(from, upto);
        self.cursor = upto;
        match notifications {
            Some(changes) => {
                for change in changes {
                    self.on_change(change, world, now, frames, full);
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
                    self.on_change(change, world, now, frames, full);
                }
            }
            None if self.rows.iter().any(|r| r.row.context != ContextPattern::Own) => {
                return Err(CloseReason::ContextsLost);
            }
            None => {}
        }

        let mut sent: Vec<SlotRef<'_>> = Vec::with_capacity(items.len());
        let mut last = Seq::default();
        let mut delivered = 0_u64;
        for (seq, r, item) in items {
            let row = &self.rows[usize::from(r)].row;
            if row.full {
                if !full.contains(&item.node.id) {
                    full.push(item.node.id);
                }
                continue;
            }
            let key = Key { row: r, context: item.node.id, path: item.leaf.path, source: item.slot.source };
            let at_once = item.leaf.is_static || self.limited.value(key, row.policy, seq, now.mono);
            let again = sent.last().is_some_and(|s| std::ptr::eq(s.slot, item.slot) && s.by_name == item.by_name);
            if at_once && !again {
                sent.push(item);
                delivered += u64::from(seq != last);
                last = seq;
            }
        }
        self.conflated += (upto.0 - from.0).saturating_sub(delivered);
        self.send_slots(&sent, false, world, now, frames);
        Ok(())
    }

    /// The whole object of a context, for rows with `format=full`.
    pub(super) fn send_full(&mut self, context: ContextId, world: &World, now: Now, frames: &mut Frames<'_>) {
        let Some(node) = world.model.node(context) else { return };
        let mut out = String::with_capacity(4096);
        encode::write_full_context(&mut out, world, node, now.mono);
        let frame = self.framed(Bytes::from(out));
        frames.push(frame);
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
                self.send_meta_first(paths, &run[0].node.name, world, now, frames);
            }
        }
        let mut deltas = Vec::new();
        encode::encode_slots(&world.model, slots.iter().copied(), merge_updates, |delta| deltas.push(delta));
        for delta in deltas {
            let delta = self.framed(Bytes::from(delta));
            frames.push(delta);
        }
    }
}

/// Whether a pattern can mean a path below `notifications`.
fn may_mean_notifications(pattern: &crate::kernel::pattern::Pattern) -> bool {
    match pattern.exact() {
        Some(path) => path.starts_with("notifications."),
        None => pattern.matches("notifications.") || pattern.matches("notifications.x"),
    }
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
