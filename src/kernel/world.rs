//! Everything that readers see under one lock: the model, the tail of the log, and what must not be lost between them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::change::Change;
use super::encode::tree::MetaSource;
use super::id::{ContextId, PathId, Seq};
use super::model::context::Leaf;
use super::model::priority::PriorityRule;
use super::model::{Arrival, Limits, Model, Refusal};
use super::tail::{TAIL_BYTES_MAX, Tail};
use super::update::{Path, Update};

/// Notification changes kept apart from the tail, so that a reader who fell behind still gets every transition.
pub const NOTIFICATIONS_KEPT: usize = 1_024;
/// Contexts remembered after they left, so that a reader who fell behind hears of it.
pub const TOMBSTONES_KEPT: usize = 4_096;

/// A bounded list of changes, newest last, that knows what it had to drop.
#[derive(Debug)]
pub struct Kept {
    changes: VecDeque<Arc<Change>>,
    max: usize,
    /// Number of the newest change that was dropped; zero for none.
    dropped: Seq,
}

impl Kept {
    fn new(max: usize) -> Self {
        Self { changes: VecDeque::new(), max, dropped: Seq::default() }
    }

    fn push(&mut self, change: Arc<Change>) {
        if self.changes.len() >= self.max {
            if let Some(oldest) = self.changes.pop_front() {
                self.dropped = oldest.seq;
            }
        }
        self.changes.push_back(change);
    }

    /// Those after `cursor` up to `upto`, or `None` when one of them was dropped.
    pub fn between(&self, cursor: Seq, upto: Seq) -> Option<impl Iterator<Item = &Arc<Change>>> {
        let from = self.changes.partition_point(|c| c.seq <= cursor);
        (self.dropped <= cursor).then(|| self.changes.range(from..).take_while(move |c| c.seq <= upto))
    }
}

/// The model and the log, changed together.
#[derive(Debug)]
pub struct World {
    /// What is known now.
    pub model: Model,
    /// The newest changes.
    pub tail: Tail,
    /// The newest changes of notifications.
    pub notifications: Kept,
    /// The last change of every context that left.
    pub tombstones: Kept,
    /// By [`PathId`]: whether the path is below `notifications`.
    is_notification: Vec<bool>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Applied {
    /// Changes made.
    pub changes: usize,
    /// What was refused, and where.
    pub refused: Vec<(Refusal, Path)>,
}

impl World {
    /// An empty world for the own vessel `own` (in full), whose first change gets the number after `head`.
    pub fn new(own: &str, head: Seq, limits: Limits, priorities: Vec<PriorityRule>) -> Self {
        Self {
            model: Model::new(own, limits, priorities),
            tail: Tail::new(head, TAIL_BYTES_MAX),
            notifications: Kept::new(NOTIFICATIONS_KEPT),
            tombstones: Kept::new(TOMBSTONES_KEPT),
            is_notification: Vec::new(),
        }
    }

    /// The number of the newest change.
    pub fn head(&self) -> Seq {
        self.tail.head()
    }

    /// Applies updates in order; each becomes a change of its own.
    pub fn apply(&mut self, updates: impl IntoIterator<Item = Update>, arrival: &Arrival<'_>) -> Applied {
        let mut applied = Applied::default();
        for update in updates {
            let seq = self.tail.head().next();
            if let Some(change) = self.model.apply(update, arrival, seq, &mut applied.refused) {
                self.publish(change);
                applied.changes += 1;
            }
        }
        applied
    }

    fn publish(&mut self, change: Change) {
        self.note_new_paths();
        let change = Arc::new(change);
        if change.values.iter().any(|v| self.is_notification(v.path)) {
            self.notifications.push(change.clone());
        }
        self.tail.push(change);
    }

    fn note_new_paths(&mut self) {
        for id in self.is_notification.len()..self.model.paths().len() {
            let text = self.model.paths().text(id as u32);
            self.is_notification.push(text.starts_with("notifications."));
        }
    }

    /// Whether a path is below `notifications`.
    pub fn is_notification(&self, path: PathId) -> bool {
        self.is_notification.get(path.index()).copied().unwrap_or(false)
    }

    /// Metadata of a path as a JSON object.
    pub fn meta_json(&self, _path: PathId) -> Option<Arc<str>> {
        None
    }

    /// Metadata of a path by its text, whether or not it ever had a value.
    pub fn meta_of(&self, _path: &str) -> Option<Arc<str>> {
        None
    }

    /// How long a path's value counts as current, in milliseconds, where metadata sets it.
    pub fn timeout_ms(&self, _path: PathId) -> Option<u64> {
        None
    }

    /// The full text of a context, while it is there.
    pub fn context_name(&self, id: ContextId) -> Option<&Arc<str>> {
        self.model.node(id).map(|node| &node.name)
    }
}

impl MetaSource for World {
    fn meta_json(&self, _model: &Model, leaf: &Leaf) -> Option<Arc<str>> {
        self.meta_json(leaf.path)
    }

    fn timeout_ms(&self, _model: &Model, leaf: &Leaf) -> Option<u64> {
        self.timeout_ms(leaf.path)
    }
}
