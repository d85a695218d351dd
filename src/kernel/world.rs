//! Everything that readers see under one lock: the model, the tail of the log, metadata, and what must not be lost between
//! them.

mod notify;
mod recall;
mod replica;
mod silence;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use compact_str::CompactString;
use foldhash::fast::RandomState;

use super::change::Change;
use super::encode::tree::MetaSource;
use super::id::{Origin, PathId, Seq};
use super::lost::LostPolicy;
use super::meta::table::Table;
use super::meta::{self, Registry};
use super::model::context::Leaf;
use super::model::priority::PriorityRule;
use super::model::{Arrival, DEFAULTS_SOURCE, Limits, Model, Refusal};
use super::notifications::Notifications;
use super::tail::{TAIL_BYTES_MAX, Tail};
use super::time::Now;
use super::update::{Context, Path, PathMeta, Source, Update};
use super::zones::{Transition, Watcher, Zones};

pub use notify::NOTIFICATION_SOURCE;
pub use replica::recorded_now;

/// Notification changes kept apart from the tail, so that a reader who fell behind still gets every transition.
pub const NOTIFICATIONS_KEPT: usize = 1_024;
/// Last changes of contexts that left (one for each of their sources), so that a reader who fell behind hears of it.
pub const TOMBSTONES_KEPT: usize = 4_096;

/// Values of one change at the most, but for the identity that a new context brings along; an update with more becomes
/// several changes.
pub const VALUES_PER_CHANGE_MAX: usize = 63;

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

/// How a world is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The own vessel in full, `vessels.urn:mrn:…`.
    pub own: String,
    /// How much it may hold.
    pub limits: Limits,
    /// Which source a path shows.
    pub priorities: Vec<PriorityRule>,
    /// When silent targets are given up.
    pub lost: LostPolicy,
    /// How many bytes of the newest changes are kept.
    pub tail_bytes_max: usize,
}

impl Setup {
    /// The defaults for a vessel.
    pub fn new(own: impl Into<String>) -> Self {
        Self {
            own: own.into(),
            limits: Limits::default(),
            priorities: Vec::new(),
            lost: LostPolicy::default(),
            tail_bytes_max: TAIL_BYTES_MAX,
        }
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
    lost: LostPolicy,
    meta: Registry,
    /// By [`PathId`], filled when it is first asked for.
    meta_cache: Vec<OnceLock<CachedMeta>>,
    /// By [`PathId`]: whether the path is below `notifications`.
    is_notification: Vec<bool>,
    /// What is watched on the own vessel.
    watchers: HashMap<PathId, (Zones, Watcher), RandomState>,
    /// What zones call for that changed while nothing could be published.
    pending_transitions: Vec<(PathId, Transition)>,
    raised: Notifications,
    raised_version: u64,
    /// Zones raise nothing here: what they raised is in the recording.
    is_replica: bool,
    /// Which timepoints its changes stand for, when it plays back the log.
    recalled: Option<recall::Recalled>,
}

#[derive(Debug, Default)]
struct CachedMeta {
    json: Option<Arc<str>>,
    timeout_ms: Option<u64>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Applied {
    /// Changes made.
    pub changes: usize,
    /// What was refused, and where.
    pub refused: Vec<(Refusal, Path)>,
    /// What was wrong with metadata.
    pub meta_issues: Vec<meta::Issue>,
}

impl World {
    /// An empty world whose first change gets the number after `head`.
    pub fn new(setup: Setup, head: Seq) -> Self {
        Self::with_meta(setup, head, Registry::new(Arc::new(Table::new())))
    }

    fn with_meta(setup: Setup, head: Seq, meta: Registry) -> Self {
        Self {
            model: Model::new(&setup.own, setup.limits, setup.priorities),
            tail: Tail::new(head, setup.tail_bytes_max),
            notifications: Kept::new(NOTIFICATIONS_KEPT),
            tombstones: Kept::new(TOMBSTONES_KEPT),
            lost: setup.lost,
            meta,
            meta_cache: Vec::new(),
            is_notification: Vec::new(),
            watchers: HashMap::default(),
            pending_transitions: Vec::new(),
            raised: Notifications::new(),
            raised_version: 0,
            is_replica: false,
            recalled: None,
        }
    }

    /// The number of the newest change.
    pub fn head(&self) -> Seq {
        self.tail.head()
    }

    /// Applies updates in order; each becomes a change of its own, followed by the notifications it gives rise to.
    pub fn apply(&mut self, updates: impl IntoIterator<Item = Update>, arrival: &Arrival<'_>) -> Applied {
        let mut applied = Applied::default();
        for mut update in updates {
            // A reader says which values of a change it wants in the 64 bits of a mask.
            while update.values.len() > VALUES_PER_CHANGE_MAX {
                let rest = update.values.split_off(VALUES_PER_CHANGE_MAX);
                let (source, timestamp) = (update.source.clone(), update.timestamp);
                let next =
                    Update { context: update.context.clone(), source, timestamp, values: rest, meta: Vec::new() };
                self.apply_one(std::mem::replace(&mut update, next), arrival, &mut applied);
            }
            self.apply_one(update, arrival, &mut applied);
        }
        applied
    }

    fn apply_one(&mut self, mut update: Update, arrival: &Arrival<'_>, applied: &mut Applied) {
        let seq = self.tail.head().next();
        let mut meta = Vec::new();
        if !update.meta.is_empty() {
            meta = self.merge_meta(&update.meta, meta::Origin::Delta, seq, applied);
            if meta.is_empty() {
                update.meta.clear();
            }
        }
        self.keep_quiet(&mut update, arrival);
        let Some(mut change) = self.model.apply(update, arrival, seq, &mut applied.refused) else { return };
        change.meta = meta;
        self.publish(change);
        applied.changes += 1;
        self.raise_pending(arrival.now, applied);
        self.notify(arrival.now, applied);
    }

    fn publish(&mut self, change: Change) {
        self.note_new_paths();
        let change = Arc::new(change);
        if change.values.iter().any(|v| self.is_notification(v.path)) {
            self.notifications.push(change.clone());
            self.remember_raised(&change);
        }
        self.tail.push(change);
    }

    fn note_new_paths(&mut self) {
        for id in self.is_notification.len()..self.model.paths().len() {
            let text = self.model.paths().text(id as u32);
            self.is_notification.push(text.starts_with("notifications."));
            self.meta_cache.push(OnceLock::new());
        }
    }

    /// Whether a path is below `notifications`.
    pub fn is_notification(&self, path: PathId) -> bool {
        self.is_notification.get(path.index()).copied().unwrap_or(false)
    }

    /// What the configuration says of the own vessel: applied under the source `defaults`, and out of reach for everybody
    /// else. `statics` is an object for the root, `values` are leaves.
    pub fn set_defaults(
        &mut self,
        statics: Option<String>,
        values: Vec<(&'static str, super::value::Value)>,
        now: Now,
    ) {
        let mut update =
            Update::new(Context::Own, Source::Ref(CompactString::const_new(DEFAULTS_SOURCE)), values.len() + 1);
        let mut protected: Vec<Box<str>> = Vec::new();
        if let Some(json) = statics {
            let members = super::model::statics::flatten(&json).unwrap_or_default();
            protected.extend(members.into_iter().map(|(name, _)| name.into_boxed_str()));
            update.push("", super::value::Value::json(json));
        }
        for (path, value) in values {
            protected.push(path.into());
            update.push(path, value);
        }
        self.model.protect(protected);
        self.apply([update], &Arrival { input: DEFAULTS_SOURCE, origin: Origin::SERVER, now, heard: true });
    }

    /// Takes metadata from the configuration: an object for each path.
    pub fn configure_meta(&mut self, items: &[PathMeta]) -> Vec<meta::Issue> {
        let mut applied = Applied::default();
        let seq = self.tail.head();
        self.merge_meta(items, meta::Origin::Config, seq, &mut applied);
        applied.meta_issues
    }

    /// Merges metadata; gives back the paths whose metadata is different now.
    fn merge_meta(&mut self, items: &[PathMeta], origin: meta::Origin, seq: Seq, applied: &mut Applied) -> Vec<PathId> {
        let mut changed = Vec::new();
        for item in items {
            let path = match self.model.intern_path(&item.path) {
                Ok(path) => path,
                Err(why) => {
                    applied.refused.push((why, item.path.clone()));
                    continue;
                }
            };
            let merged = self.meta.merge(&item.path, &item.meta, origin, seq.0);
            applied.meta_issues.extend(merged.issues);
            if merged.changed && !changed.contains(&path) {
                changed.push(path);
            }
        }
        self.note_new_paths();
        for &path in &changed {
            self.meta_cache[path.index()] = OnceLock::new();
            self.rezone(path);
        }
        changed
    }

    fn cached_meta(&self, path: PathId) -> Option<&CachedMeta> {
        let cell = self.meta_cache.get(path.index())?;
        Some(cell.get_or_init(|| {
            let text = self.model.path(path);
            let mut json = String::new();
            if !self.meta.write_json(text, &mut json) {
                return CachedMeta::default();
            }
            let mut timeout = String::new();
            self.meta.write_member(text, "timeout", &mut timeout);
            let timeout_ms = timeout.parse::<f64>().ok().filter(|s| *s > 0.0).map(|s| (s * 1000.0) as u64);
            CachedMeta { json: Some(json.into()), timeout_ms }
        }))
    }

    /// Metadata of a path as a JSON object.
    pub fn meta_json(&self, path: PathId) -> Option<Arc<str>> {
        self.cached_meta(path)?.json.clone()
    }

    /// Paths whose metadata changed after `from`, up to `upto`, in the order of their numbers.
    pub fn meta_changed(&self, from: Seq, upto: Seq) -> Vec<PathId> {
        let changed = self.meta.changed_since(from.0).filter(|(_, seq)| *seq <= upto.0);
        let mut paths: Vec<PathId> = changed.filter_map(|(path, _)| self.model.find_path(path)).collect();
        paths.sort_unstable();
        paths
    }

    /// Metadata of a path by its text, whether or not it ever had a value.
    pub fn meta_of(&self, path: &str) -> Option<Arc<str>> {
        let mut json = String::new();
        self.meta.write_json(path, &mut json).then(|| json.into())
    }

    /// How long a path's value counts as current, in milliseconds, where metadata sets it.
    pub fn timeout_ms(&self, path: PathId) -> Option<u64> {
        self.cached_meta(path)?.timeout_ms
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
