//! Which of several sources a path shows.
//!
//! Without a rule, the one that spoke last. With a rule, the best one that still speaks: a source further down the list
//! counts only after the one that is shown has been silent for the timeout of its own line; sources that the list does not
//! name come last, after [`UNLISTED_TIMEOUT_MS`].

use crate::kernel::id::SourceId;
use crate::kernel::model::context::Leaf;
use crate::kernel::model::sources::SourceTable;
use crate::kernel::pattern::Pattern;
use crate::kernel::time::Moment;

/// How long the shown source must be silent before one that no line names is shown instead (SRC-11).
pub const UNLISTED_TIMEOUT_MS: u64 = 15_000;

/// A rule as it was configured.
#[derive(Debug, Clone)]
pub struct PriorityRule {
    /// Which paths.
    pub path: Pattern,
    /// `$source` and timeout in milliseconds, best first. A `$source` may have wildcards.
    pub sources: Vec<(Pattern, u64)>,
}

/// What a rule says of the sources known so far, so that no text is compared per value.
#[derive(Debug)]
pub(super) struct Ranking {
    rule: PriorityRule,
    /// By [`SourceId`]: rank and timeout; filled as sources appear.
    ranks: Vec<(u16, u64)>,
}

impl Ranking {
    pub(super) fn new(rule: PriorityRule) -> Self {
        Self { rule, ranks: Vec::new() }
    }

    pub(super) fn path(&self) -> &Pattern {
        &self.rule.path
    }

    /// Rank (0 is best) and timeout of a source.
    fn rank(&mut self, source: SourceId, sources: &SourceTable) -> (u16, u64) {
        while self.ranks.len() <= source.index() {
            let name = sources.name(SourceId(self.ranks.len() as u16));
            let line = self.rule.sources.iter().position(|(pattern, _)| pattern.matches(name));
            let unlisted = self.rule.sources.len();
            let timeout = line.map_or(UNLISTED_TIMEOUT_MS, |i| self.rule.sources[i].1);
            self.ranks.push((line.unwrap_or(unlisted) as u16, timeout));
        }
        self.ranks[source.index()]
    }

    /// Whether a value that `source` sends at `now` is to be shown at `leaf` from now on.
    pub(super) fn shows(&mut self, leaf: &Leaf, source: SourceId, now: Moment, sources: &SourceTable) -> bool {
        let current = leaf.shown_slot();
        if current.source == source {
            return true;
        }
        let (current_rank, _) = self.rank(current.source, sources);
        let (rank, timeout) = self.rank(source, sources);
        rank < current_rank || current.value.is_null() || now.since(current.received) > timeout
    }
}
