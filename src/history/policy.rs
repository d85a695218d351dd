//! What is recorded: by default everything; rules leave out, or thin out, what their patterns match.

use crate::kernel::pattern::Pattern;

/// Rules in order; the first that matches a series decides. Nothing matches: every value is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordPolicy {
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which contexts.
    pub context: Contexts,
    /// Which paths.
    pub path: Pattern,
    /// What is done with them.
    pub keep: Keep,
}

/// Whose values a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contexts {
    /// The own vessel.
    Own,
    /// Every other context.
    Others,
    /// Those that match; `*` stands for any letters, dots included.
    Matching(Pattern),
}

impl Contexts {
    fn has(&self, context: &str, is_own: bool) -> bool {
        match self {
            Self::Own => is_own,
            Self::Others => !is_own,
            Self::Matching(pattern) => pattern.matches(context),
        }
    }
}

/// How much of a series is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Every value.
    All,
    /// None.
    Nothing,
    /// One value in so many milliseconds (monotonic), the first of each stretch. Nulls, metadata and notifications are
    /// always kept.
    OneIn(u64),
}

impl RecordPolicy {
    /// What is kept of a series of a context in full, which may be the own vessel.
    pub fn decide(&self, context: &str, is_own: bool, path: &str) -> Keep {
        self.rules
            .iter()
            .find(|rule| rule.context.has(context, is_own) && rule.path.matches(path))
            .map_or(Keep::All, |rule| rule.keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_decides() {
        let matching = |context: &str| Contexts::Matching(Pattern::new(context));
        let rule = |context, path: &str, keep| Rule { context, path: Pattern::new(path), keep };
        let policy = RecordPolicy {
            rules: vec![
                rule(matching("*"), "navigation.position", Keep::All),
                rule(matching("vessels.urn:*"), "name", Keep::OneIn(60_000)),
                rule(Contexts::Others, "*", Keep::OneIn(10_000)),
                rule(Contexts::Own, "navigation.gnss.*", Keep::Nothing),
            ],
        };
        for (context, is_own, path, keep) in [
            ("vessels.urn:1", false, "navigation.position", Keep::All),
            ("vessels.urn:1", false, "name", Keep::OneIn(60_000)),
            ("atons.urn:1", false, "name", Keep::OneIn(10_000)),
            ("vessels.urn:2", true, "navigation.gnss.satellites", Keep::Nothing),
            ("vessels.urn:2", true, "environment.depth.belowKeel", Keep::All),
        ] {
            assert_eq!(policy.decide(context, is_own, path), keep, "{context} {path}");
        }
    }
}
