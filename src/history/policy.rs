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
    /// Which contexts; `*` stands for any letters, dots included.
    pub context: Pattern,
    /// Which paths.
    pub path: Pattern,
    /// What is done with them.
    pub keep: Keep,
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
    /// What is kept of a series.
    pub fn decide(&self, context: &str, path: &str) -> Keep {
        self.rules
            .iter()
            .find(|rule| rule.context.matches(context) && rule.path.matches(path))
            .map_or(Keep::All, |rule| rule.keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rule =
            |context: &str, path: &str, keep| Rule { context: Pattern::new(context), path: Pattern::new(path), keep };
        let policy = RecordPolicy {
            rules: vec![
                rule("*", "navigation.position", Keep::All),
                rule("vessels.urn:*", "*", Keep::OneIn(60_000)),
                rule("*", "navigation.gnss.*", Keep::Nothing),
            ],
        };
        assert_eq!(policy.decide("vessels.urn:1", "navigation.position"), Keep::All);
        assert_eq!(policy.decide("vessels.urn:1", "name"), Keep::OneIn(60_000));
        assert_eq!(policy.decide("vessels.self", "navigation.gnss.satellites"), Keep::Nothing);
        assert_eq!(policy.decide("vessels.self", "name"), Keep::All);
    }
}
