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
use crate::kernel::value::Value;

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

    pub(super) fn rule(&self) -> &PriorityRule {
        &self.rule
    }

    /// Rank (0 is best) and timeout of a source.
    fn rank(&mut self, source: SourceId, sources: &SourceTable) -> (u16, u64) {
        while self.ranks.len() <= source.index() {
            let name = sources.name(SourceId(self.ranks.len() as u16));
            self.ranks.push(self.rule.rank(name));
        }
        self.ranks[source.index()]
    }

    /// Whether `value`, which `source` sends at `now`, is to be shown at `leaf` from now on.
    pub(super) fn shows(
        &mut self,
        leaf: &Leaf,
        source: SourceId,
        value: &Value,
        now: Moment,
        sources: &SourceTable,
    ) -> bool {
        let current = leaf.shown_slot();
        if current.source == source || current.value.is_null() {
            return true;
        }
        let (current_rank, _) = self.rank(current.source, sources);
        let (rank, timeout) = self.rank(source, sources);
        // A good source that has nothing to say does not hide one that has.
        let is_better = rank < current_rank && !value.is_null();
        is_better || now.since(current.received) > timeout
    }
}

impl PriorityRule {
    /// Rank (0 is best) and timeout of a source by its name. Sources that no line names come after all others.
    fn rank(&self, name: &str) -> (u16, u64) {
        let line = self.sources.iter().position(|(pattern, _)| pattern.matches(name));
        let timeout = line.map_or(UNLISTED_TIMEOUT_MS, |i| self.sources[i].1);
        (line.unwrap_or(self.sources.len()) as u16, timeout)
    }
}

/// Why a path shows what it shows.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The rule, where one matches.
    pub rule: Option<&'a PriorityRule>,
    /// Every source that ever spoke, best first (without a rule: newest first).
    pub sources: Vec<Candidate<'a>>,
}

/// One source of a path.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Its `$source`.
    pub name: &'a str,
    /// The line of the rule that names it, counted from 0; `None` when no line does, or there is no rule.
    pub line: Option<usize>,
    /// How long the shown source must be silent before this one is shown in its place, in milliseconds.
    pub timeout_ms: u64,
    /// How long it has been silent, in milliseconds.
    pub silent_ms: u64,
    /// What it said last is null.
    pub is_null: bool,
    /// The path shows it.
    pub shown: bool,
    /// Why it is shown, or why not, in a sentence.
    pub why: String,
}

pub(super) fn explain<'a>(
    ranking: Option<&'a Ranking>,
    leaf: &Leaf,
    now: Moment,
    sources: &'a SourceTable,
) -> Explanation<'a> {
    let rule = ranking.map(Ranking::rule);
    let shown = leaf.shown_slot();
    let shown_rank = rule.map(|rule| rule.rank(sources.name(shown.source)).0);
    let mut candidates: Vec<(u16, Candidate<'a>)> = leaf
        .slots
        .iter()
        .map(|slot| {
            let name = sources.name(slot.source);
            let (rank, timeout_ms) = rule.map_or((0, 0), |rule| rule.rank(name));
            let candidate = Candidate {
                name,
                line: rule.and_then(|rule| (usize::from(rank) < rule.sources.len()).then_some(usize::from(rank))),
                timeout_ms,
                silent_ms: now.since(slot.received),
                is_null: slot.value.is_null(),
                shown: slot.source == shown.source,
                why: String::new(),
            };
            (rank, candidate)
        })
        .collect();
    candidates.sort_by_key(|(rank, c)| (*rank, c.silent_ms));
    let only = candidates.len() == 1;
    let sources = candidates
        .into_iter()
        .map(|(rank, candidate)| Candidate { why: reason(rank, &candidate, shown_rank, only), ..candidate })
        .collect();
    Explanation { rule, sources }
}

fn reason(rank: u16, candidate: &Candidate<'_>, shown_rank: Option<u16>, only: bool) -> String {
    let Some(shown_rank) = shown_rank else {
        return match (only, candidate.shown) {
            (true, _) => "the only source".to_owned(),
            (false, true) => "no rule for this path: the source that spoke last is shown".to_owned(),
            (false, false) => "no rule for this path, and another source spoke later".to_owned(),
        };
    };
    match (candidate.shown, rank.cmp(&shown_rank)) {
        (true, _) if only => "the only source".to_owned(),
        (true, _) => "the best source that speaks".to_owned(),
        (false, std::cmp::Ordering::Less) if candidate.is_null => {
            "better than the one shown, but what it said last is null".to_owned()
        }
        (false, std::cmp::Ordering::Less) => {
            format!("better than the one shown, but silent for {} ms", candidate.silent_ms)
        }
        (false, _) => format!(
            "not better than the one shown, which must be silent for more than {} ms first",
            candidate.timeout_ms
        ),
    }
}
