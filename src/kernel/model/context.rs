//! One context of the model: its paths in the order of the tree, and every source's newest value at each.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::kernel::id::{ContextId, DetailId, PathId, Seq, SourceId};
use crate::kernel::intern::Interner;
use crate::kernel::time::{Moment, Timestamp};
use crate::kernel::update::{Mmsi, Root};
use crate::kernel::value::{JsonText, Value};

/// Sources of one path at the most. The one silent for longest gives way to one more.
pub const SLOTS_PER_LEAF_MAX: usize = 16;

/// The leaves that one static object went to.
pub(super) type StaticLeaves = SmallVec<[PathId; 2]>;

/// A vessel or another context.
#[derive(Debug)]
pub struct ContextNode {
    /// Its id.
    pub id: ContextId,
    /// Its full text, such as `vessels.urn:mrn:imo:mmsi:230000001`.
    pub name: Arc<str>,
    /// Root and MMSI, for one that AIS named.
    pub mmsi: Option<(Root, Mmsi)>,
    /// The highest number among its slots.
    pub seq: Seq,
    /// When anything came last.
    pub last_heard: Moment,
    /// It has been silent for so long that its dynamic data were taken back.
    pub lost: bool,
    /// Sorted as the tree is written: a path before what is below it, siblings by name.
    leaves: Vec<Leaf>,
    index: HashMap<PathId, u32, RandomState>,
    /// Static objects that came before, with the leaves they went to and the number under which they did so last: AIS
    /// repeats them with every report.
    pub(super) static_memo: SmallVec<[(JsonText, StaticLeaves, Seq); 2]>,
}

/// One path of a context.
#[derive(Debug)]
pub struct Leaf {
    /// Which.
    pub path: PathId,
    /// Static data stand bare in the tree and travel in objects at the empty path.
    pub is_static: bool,
    /// Which slot the path shows.
    pub shown: u8,
    /// The highest number among the slots.
    pub seq: Seq,
    /// Number of the change that brought it.
    pub born: Seq,
    /// One for each source.
    pub slots: SmallVec<[Slot; 1]>,
}

/// The newest value of one source at one path.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Who.
    pub source: SourceId,
    /// In which kind of sentence.
    pub detail: DetailId,
    /// Number of the change that wrote it.
    pub seq: Seq,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// When it came.
    pub received: Moment,
    /// Typical time between two values in milliseconds, learnt; zero until two came.
    pub interval_ms: u32,
    /// What.
    pub value: Value,
}

/// A source is called stale when it was silent for this many of its usual intervals …
const STALE_INTERVALS: u64 = 10;
/// … and for at least this long, in milliseconds.
const STALE_MS_MIN: u64 = 10_000;

impl Slot {
    /// Whether the source has stopped: silent for longer than `timeout_ms` where one is set, else for ten times its own
    /// usual interval. One that has spoken once only has no usual interval and is never stale by itself.
    pub fn is_stale(&self, now: Moment, timeout_ms: Option<u64>) -> bool {
        let silent = now.since(self.received);
        match timeout_ms {
            Some(timeout) => silent > timeout,
            None => {
                self.interval_ms > 0
                    && silent > STALE_MS_MIN.max(u64::from(self.interval_ms).saturating_mul(STALE_INTERVALS))
            }
        }
    }

    /// Notes that the source spoke again, and learns its usual interval (a slow average that one gap does not upset).
    pub(super) fn heard(&mut self, now: Moment) {
        let gap = now.since(self.received).min(u64::from(u32::MAX)) as u32;
        self.interval_ms = match self.interval_ms {
            0 => gap.max(1),
            usual => (usual / 4 * 3 + gap / 4).max(1),
        };
        self.received = now;
    }
}

impl Leaf {
    /// The slot that the path shows.
    pub fn shown_slot(&self) -> &Slot {
        &self.slots[usize::from(self.shown)]
    }

    /// The slot of a source.
    pub fn slot(&self, source: SourceId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.source == source)
    }

    /// Whether `slot` is the one that the path shows.
    pub fn shows(&self, slot: &Slot) -> bool {
        self.shown_slot().source == slot.source
    }
}

impl ContextNode {
    pub(super) fn new(id: ContextId, name: Arc<str>, mmsi: Option<(Root, Mmsi)>, now: Moment) -> Self {
        Self {
            id,
            name,
            mmsi,
            seq: Seq::default(),
            last_heard: now,
            lost: false,
            leaves: Vec::new(),
            index: HashMap::default(),
            static_memo: SmallVec::new(),
        }
    }

    /// All leaves, in the order of the tree.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The leaf of a path.
    pub fn leaf(&self, path: PathId) -> Option<&Leaf> {
        self.index.get(&path).map(|&at| &self.leaves[at as usize])
    }

    pub(super) fn leaf_mut(&mut self, path: PathId) -> Option<&mut Leaf> {
        self.index.get(&path).map(|&at| &mut self.leaves[at as usize])
    }

    /// Adds a leaf at its place in the tree. Rare after the first minute, so the index is simply made anew.
    pub(super) fn insert(&mut self, leaf: Leaf, paths: &Interner) {
        let text = paths.text(leaf.path.0);
        let at = self.leaves.partition_point(|l| tree_order(paths.text(l.path.0), text) == Ordering::Less);
        self.leaves.insert(at, leaf);
        self.index = self.leaves.iter().enumerate().map(|(i, l)| (l.path, i as u32)).collect();
    }

    /// The leaves at and below `prefix` (everything for an empty one).
    pub fn subtree(&self, prefix: &str, paths: &Interner) -> &[Leaf] {
        if prefix.is_empty() {
            return &self.leaves;
        }
        let from = self.leaves.partition_point(|l| tree_order(paths.text(l.path.0), prefix) == Ordering::Less);
        let below = |leaf: &Leaf| {
            paths.text(leaf.path.0).strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let n = self.leaves[from..].partition_point(below);
        &self.leaves[from..from + n]
    }
}

/// Order of two paths in the tree: by segments, so that everything below a path follows it directly.
pub fn tree_order(a: &str, b: &str) -> Ordering {
    a.split('.').cmp(b.split('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(path: PathId) -> Leaf {
        let slot = Slot {
            source: SourceId(0),
            detail: DetailId::NONE,
            seq: Seq(1),
            timestamp: Timestamp::default(),
            received: Moment::default(),
            interval_ms: 0,
            value: Value::Null,
        };
        Leaf { path, is_static: false, shown: 0, seq: Seq(1), born: Seq(1), slots: SmallVec::from_elem(slot, 1) }
    }

    #[test]
    fn a_subtree_is_what_lies_at_and_below_a_path() {
        let mut paths = Interner::new(100);
        let mut node =
            ContextNode::new(ContextId { index: 0, generation: 0 }, "vessels.a".into(), None, Moment::default());
        for path in ["a.b", "a-b", "a.b.c", "a", "ab", "a.b-c", "a.a", "b"] {
            let id = PathId(paths.intern(path).unwrap());
            node.insert(leaf(id), &paths);
        }
        let below = |prefix: &str| -> Vec<&str> {
            node.subtree(prefix, &paths).iter().map(|l| &**paths.text(l.path.0)).collect()
        };
        assert_eq!(below("a.b"), ["a.b", "a.b.c"]);
        assert_eq!(below("a"), ["a", "a.a", "a.b", "a.b.c", "a.b-c"]);
        assert_eq!(below("a.c"), Vec::<&str>::new());
        assert_eq!(below("").len(), 8);
        for l in node.leaves() {
            assert_eq!(node.leaf(l.path).map(|found| found.path), Some(l.path));
        }
    }

    #[test]
    fn a_source_is_stale_after_ten_of_its_own_intervals() {
        let mut slot = leaf(PathId(1)).slots[0].clone();
        assert!(!slot.is_stale(Moment::from_millis(1 << 40), None));
        for second in 1..10 {
            slot.heard(Moment::from_millis(second * 2000));
        }
        assert!(!slot.is_stale(Moment::from_millis(18_000 + 20_000), None));
        assert!(slot.is_stale(Moment::from_millis(18_000 + 20_001), None));
        assert!(slot.is_stale(Moment::from_millis(18_000 + 5_001), Some(5_000)));
    }
}
