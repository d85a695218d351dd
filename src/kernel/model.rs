//! The model: for every context, path and source the newest value, and the number of the change that wrote it.
//!
//! [`Model::apply`] is the only way in, and only the hub calls it. From the numbers in the slots everything outward
//! follows: whoever knows the number that he saw last can be told exactly what is newer.

pub mod context;
pub mod names;
pub mod priority;
mod resolve;
pub mod sources;
pub mod statics;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use self::context::{ContextNode, Leaf, SLOTS_PER_LEAF_MAX, Slot};
use self::priority::{PriorityRule, Ranking};
pub use self::resolve::identity_json;
use self::sources::SourceTable;
use super::change::{Change, Changed};
use super::id::{ContextId, DetailId, Origin, PathId, Seq, SourceId};
use super::intern::Interner;
use super::time::{Moment, Now, Timestamp};
use super::update::{Context, Mmsi, Path, PathValue, Root, Update};
use super::value::Value;

/// How much the model may hold. What does not fit is refused and counted; what is there goes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Different paths, over all contexts.
    pub paths_max: usize,
    /// Contexts at one time.
    pub contexts_max: usize,
    /// Paths of one context.
    pub leaves_per_context_max: usize,
    /// Different sources.
    pub sources_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { paths_max: 16_384, contexts_max: 4_096, leaves_per_context_max: 4_096, sources_max: 1_024 }
    }
}

/// Where and when an update came in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Name of the input, the first part of the `$source` of its sentences.
    pub input: &'a str,
    /// For the loop guard.
    pub origin: Origin,
    /// Time of arrival.
    pub now: Now,
    /// Somebody was heard; false for what the server itself says of a target that has fallen silent.
    pub heard: bool,
}

/// Why something that came in was not applied. Everything else of its update was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The context is not one.
    Context,
    /// There is no room for another context.
    ContextsFull,
    /// The path is not one.
    Path,
    /// There is no room for another path.
    PathsFull,
    /// The `$source` is not one.
    Source,
    /// There is no room for another source.
    SourcesFull,
    /// Configured static data of the own vessel, which no delta overwrites.
    Protected,
}

impl Refusal {
    /// How many kinds there are.
    pub const KINDS: usize = 7;

    /// What to tell the sender.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "the context is not of the form <root>.<id>",
            Self::ContextsFull => "the server holds as many contexts as it may",
            Self::Path => "the path is not valid",
            Self::PathsFull => "the server holds as many paths as it may",
            Self::Source => "the $source is not valid",
            Self::SourcesFull => "the server knows as many sources as it may",
            Self::Protected => "the value is set in the server's configuration",
        }
    }
}

/// The `$source` of what the configuration says of the own vessel.
pub const DEFAULTS_SOURCE: &str = "defaults";

/// All that is known now.
#[derive(Debug)]
pub struct Model {
    limits: Limits,
    paths: Interner,
    sources: SourceTable,
    /// By index of the [`ContextId`]; an empty place keeps the generation of its next tenant.
    contexts: Vec<Place>,
    free: Vec<u32>,
    by_name: HashMap<Arc<str>, ContextId, RandomState>,
    by_mmsi: HashMap<(Root, Mmsi), ContextId, RandomState>,
    own: ContextId,
    rankings: Vec<Ranking>,
    /// By [`PathId`]: which ranking, `None` for none; filled as paths appear.
    ranking_of: Vec<Option<u16>>,
    /// Paths and root members of the own vessel that only [`DEFAULTS_SOURCE`] may write.
    protected: Vec<Box<str>>,
    refusals: [u64; Refusal::KINDS],
}

#[derive(Debug)]
struct Place {
    generation: u32,
    node: Option<Box<ContextNode>>,
}

impl Model {
    /// An empty model for the vessel `own`, in full: `vessels.urn:mrn:…`.
    pub fn new(own: &str, limits: Limits, priorities: Vec<PriorityRule>) -> Self {
        let mut paths = Interner::new(limits.paths_max);
        let root = paths.intern("");
        debug_assert_eq!(root, Ok(PathId::ROOT.0));
        let mut model = Self {
            limits,
            paths,
            sources: SourceTable::new(limits.sources_max),
            contexts: Vec::new(),
            free: Vec::new(),
            by_name: HashMap::default(),
            by_mmsi: HashMap::default(),
            own: ContextId { index: 0, generation: 0 },
            rankings: priorities.into_iter().map(Ranking::new).collect(),
            ranking_of: Vec::new(),
            protected: Vec::new(),
            refusals: [0; Refusal::KINDS],
        };
        let mmsi = own.strip_prefix("vessels.urn:mrn:imo:mmsi:").and_then(Mmsi::parse);
        model.own = model.add_context(own.into(), mmsi.map(|m| (Root::Vessels, m)), Moment::default());
        model
    }

    /// How much it may hold.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Names what only [`DEFAULTS_SOURCE`] may write on the own vessel: paths, and members of the root such as `name`.
    pub fn protect(&mut self, paths: impl IntoIterator<Item = Box<str>>) {
        self.protected.extend(paths);
    }

    /// The own vessel.
    pub fn own(&self) -> ContextId {
        self.own
    }

    /// The own vessel's node.
    pub fn own_node(&self) -> &ContextNode {
        self.node(self.own).expect("the own vessel never leaves")
    }

    /// All paths ever seen.
    pub fn paths(&self) -> &Interner {
        &self.paths
    }

    /// The text of a path.
    pub fn path(&self, id: PathId) -> &str {
        self.paths.text(id.0)
    }

    /// The number of a path, if it was ever seen.
    pub fn find_path(&self, text: &str) -> Option<PathId> {
        self.paths.find(text).map(PathId)
    }

    /// The number of a path, new if it has none; for metadata of paths that have no value yet.
    pub fn intern_path(&mut self, text: &str) -> Result<PathId, Refusal> {
        match self.paths.find(text) {
            Some(id) => Ok(PathId(id)),
            None if !names::path_is_valid(text) => Err(Refusal::Path),
            None => self.paths.intern(text).map(PathId).map_err(|_| Refusal::PathsFull),
        }
    }

    /// All sources.
    pub fn sources(&self) -> &SourceTable {
        &self.sources
    }

    /// A context, unless it has left.
    pub fn node(&self, id: ContextId) -> Option<&ContextNode> {
        let place = self.contexts.get(id.index as usize)?;
        place.node.as_deref().filter(|node| node.id.generation == id.generation)
    }

    fn node_mut(&mut self, id: ContextId) -> Option<&mut ContextNode> {
        let place = self.contexts.get_mut(id.index as usize)?;
        place.node.as_deref_mut().filter(|node| node.id.generation == id.generation)
    }

    /// A context by its full text; `vessels.self` is the own vessel.
    pub fn find_context(&self, name: &str) -> Option<&ContextNode> {
        if matches!(name, "vessels.self" | "self") {
            return Some(self.own_node());
        }
        self.by_name.get(name).and_then(|&id| self.node(id))
    }

    /// All contexts.
    pub fn contexts(&self) -> impl Iterator<Item = &ContextNode> {
        self.contexts.iter().filter_map(|place| place.node.as_deref())
    }

    /// How many contexts there are.
    pub fn context_count(&self) -> usize {
        self.contexts.len() - self.free.len()
    }

    /// How often something was refused, by kind.
    pub fn refusals(&self) -> &[u64; Refusal::KINDS] {
        &self.refusals
    }

    /// The slot of a key, while its context is there.
    pub fn slot(&self, context: ContextId, path: PathId, source: SourceId) -> Option<(&ContextNode, &Leaf, &Slot)> {
        let node = self.node(context)?;
        let leaf = node.leaf(path)?;
        Some((node, leaf, leaf.slot(source)?))
    }

    /// Applies what one update says under the number `seq`. `None`, and the number unused, when nothing of it could be
    /// applied. Every refusal is counted and added to `refused` with the path it concerns.
    pub fn apply(
        &mut self,
        update: Update,
        arrival: &Arrival<'_>,
        seq: Seq,
        refused: &mut Vec<(Refusal, Path)>,
    ) -> Option<Change> {
        let before = refused.len();
        let change = self.apply_counted(update, arrival, seq, refused);
        for (refusal, _) in &refused[before..] {
            self.refusals[*refusal as usize] += 1;
        }
        change
    }

    fn apply_counted(
        &mut self,
        update: Update,
        arrival: &Arrival<'_>,
        seq: Seq,
        refused: &mut Vec<(Refusal, Path)>,
    ) -> Option<Change> {
        let now = arrival.now;
        let refuse = |refused: &mut Vec<(Refusal, Path)>, why| {
            refused.push((why, Path::default()));
            None
        };
        let (source, detail) = match self.resolve_source(&update.source, arrival) {
            Ok(found) => found,
            Err(why) => return refuse(refused, why),
        };
        let (context, is_new) = match self.resolve_context(&update.context, now.mono) {
            Ok(found) => found,
            Err(why) => return refuse(refused, why),
        };
        let timestamp = update.timestamp.unwrap_or(now.wall);
        let stamp = Stamp { source, detail, seq, timestamp, now: now.mono };

        let mut values: Vec<Changed> = Vec::with_capacity(update.values.len());
        let identity = if is_new { self.identity_of(context) } else { None };
        for item in identity.into_iter().chain(update.values) {
            if let Err((why, path)) = self.apply_value(context, &stamp, item, &mut values) {
                refused.push((why, path));
            }
        }
        if values.is_empty() && update.meta.is_empty() {
            return None;
        }
        let node = self.node_mut(context).expect("resolved above");
        node.seq = seq;
        if arrival.heard {
            node.last_heard = now.mono;
            node.lost = false;
        }
        Some(Change {
            seq,
            context,
            context_name: node.name.clone(),
            source,
            detail,
            timestamp,
            received: now,
            origin: arrival.origin,
            values,
            meta: Vec::new(),
            encoded: OnceLock::new(),
        })
    }

    fn apply_value(
        &mut self,
        context: ContextId,
        stamp: &Stamp,
        item: PathValue,
        values: &mut Vec<Changed>,
    ) -> Result<(), (Refusal, Path)> {
        if item.path.is_empty() {
            return self.apply_static(context, stamp, &item.value, values);
        }
        if names::is_static(&item.path) {
            let object = statics::object_of(&item.path, &item.value);
            return self.apply_static(context, stamp, &Value::json(object), values);
        }
        let path = self.path_in(context, &item.path).map_err(|why| (why, item.path.clone()))?;
        if self.is_protected(context, stamp.source, &item.path) {
            return Err((Refusal::Protected, item.path));
        }
        let (shown, first) =
            self.write(context, path, stamp, item.value.clone(), false).map_err(|why| (why, item.path))?;
        let changed = Changed { path, value: item.value, shown, first };
        // A change holds a path at most once; the last value counts.
        match values.iter_mut().find(|v| v.path == path) {
            Some(earlier) => *earlier = Changed { first: earlier.first, ..changed },
            None => values.push(changed),
        }
        Ok(())
    }

    /// The number of a path that is to be written in a context, new if it has none. A full context costs no new number.
    fn path_in(&mut self, context: ContextId, path: &str) -> Result<PathId, Refusal> {
        let is_full = || {
            let node = self.node(context);
            node.is_some_and(|node| node.leaves().len() >= self.limits.leaves_per_context_max)
        };
        if self.find_path(path).is_none() && is_full() {
            return Err(Refusal::PathsFull);
        }
        self.intern_path(path)
    }

    /// What would be refused of an update because it is new and there is no room for it, or because it is not valid: for
    /// telling the sender at once. [`Self::apply`] decides.
    pub fn foresee(&self, update: &Update) -> Option<(Refusal, Path)> {
        let own = match &update.context {
            Context::Own => Some(self.own_node()),
            Context::Mmsi(..) => return None,
            Context::Named(name) => self.find_context(names::usual_context(name).as_deref().unwrap_or(name)),
        };
        if let (Context::Named(name), None) = (&update.context, own) {
            if !names::context_is_valid(names::usual_context(name).as_deref().unwrap_or(name)) {
                return Some((Refusal::Context, Path::default()));
            }
            if self.context_count() >= self.limits.contexts_max {
                return Some((Refusal::ContextsFull, Path::default()));
            }
        }
        let is_full = self.paths.len() >= self.limits.paths_max
            || own.is_some_and(|node| node.leaves().len() >= self.limits.leaves_per_context_max);
        let refusal = |path: &Path| match path {
            path if path.is_empty() || self.find_path(path).is_some() => None,
            path if !names::path_is_valid(path) => Some(Refusal::Path),
            _ => is_full.then_some(Refusal::PathsFull),
        };
        let paths = update.values.iter().map(|v| &v.path).chain(update.meta.iter().map(|m| &m.path));
        paths.into_iter().find_map(|path| Some((refusal(path)?, path.clone())))
    }

    /// Writes one slot. Says whether the path shows it, and whether the context had no such path before.
    fn write(
        &mut self,
        context: ContextId,
        path: PathId,
        stamp: &Stamp,
        value: Value,
        is_static: bool,
    ) -> Result<(bool, bool), Refusal> {
        let ranking = self.ranking(path);
        let leaves_max = self.limits.leaves_per_context_max;
        let Self { contexts, paths, sources, rankings, .. } = self;
        let node = contexts[context.index as usize].node.as_deref_mut().expect("resolved by the caller");
        let slot = |value| Slot {
            source: stamp.source,
            detail: stamp.detail,
            seq: stamp.seq,
            timestamp: stamp.timestamp,
            received: stamp.now,
            interval_ms: 0,
            value,
        };
        let Some(leaf) = node.leaf_mut(path) else {
            if node.leaves().len() >= leaves_max {
                return Err(Refusal::PathsFull);
            }
            let slots = SmallVec::from_elem(slot(value), 1);
            node.insert(Leaf { path, is_static, shown: 0, seq: stamp.seq, born: stamp.seq, slots }, paths);
            return Ok((true, true));
        };
        let shown = match ranking {
            None => true,
            Some(i) => rankings[i].shows(leaf, stamp.source, &value, stamp.now, sources),
        };
        leaf.seq = stamp.seq;
        leaf.is_static = is_static;
        let at = leaf.slots.iter().position(|s| s.source == stamp.source).unwrap_or_else(|| {
            if leaf.slots.len() < SLOTS_PER_LEAF_MAX {
                leaf.slots.push(slot(Value::Null));
                return leaf.slots.len() - 1;
            }
            let silent = (0..leaf.slots.len()).filter(|&i| i != usize::from(leaf.shown));
            let longest = silent.min_by_key(|&i| leaf.slots[i].received).unwrap_or(0);
            leaf.slots[longest] = slot(Value::Null);
            longest
        });
        let written = &mut leaf.slots[at];
        if written.received != stamp.now {
            written.heard(stamp.now);
        }
        written.detail = stamp.detail;
        written.seq = stamp.seq;
        written.timestamp = stamp.timestamp;
        written.value = value;
        if shown {
            leaf.shown = at as u8;
        }
        Ok((shown, false))
    }

    /// Why a path shows what it shows: the rule that holds for it, its sources in the order of that rule.
    pub fn explain(&self, path: PathId, leaf: &Leaf, now: Moment) -> priority::Explanation<'_> {
        let text = self.path(path);
        let ranking = self.rankings.iter().find(|r| r.path().matches(text));
        priority::explain(ranking, leaf, now, &self.sources)
    }

    /// The rules that say which source a path shows, first match counts.
    pub fn priority_rules(&self) -> impl Iterator<Item = &PriorityRule> {
        self.rankings.iter().map(Ranking::rule)
    }

    /// The ranking for a path, found once for each path.
    fn ranking(&mut self, path: PathId) -> Option<usize> {
        if self.rankings.is_empty() {
            return None;
        }
        while self.ranking_of.len() <= path.index() {
            let text = self.paths.text(self.ranking_of.len() as u32);
            let found = self.rankings.iter().position(|r| r.path().matches(text));
            self.ranking_of.push(found.map(|i| i as u16));
        }
        self.ranking_of[path.index()].map(usize::from)
    }

    fn is_protected(&self, context: ContextId, source: SourceId, path: &str) -> bool {
        context == self.own
            && self.protected.iter().any(|p| **p == *path)
            && &**self.sources.name(source) != DEFAULTS_SOURCE
    }
}

/// What all values of one update have in common.
struct Stamp {
    source: SourceId,
    detail: DetailId,
    seq: Seq,
    timestamp: Timestamp,
    now: Moment,
}

#[cfg(test)]
mod tests;
