//! What is recorded: by default everything; rules leave out, or thin out, what their patterns match.

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

/// A text in which `*` stands for any letters, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one text that this pattern matches, when it holds no `*`.
    pub fn literal(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(self.0.as_str())
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_bytes(), text.as_bytes());
        // Where to go on when what follows the last star does not fit: one letter further.
        let mut retry: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), rest.split_first()) {
                (Some((b'*', after)), _) => {
                    retry = Some((after, rest));
                    pattern = after;
                }
                (Some((p, after)), Some((r, others))) if p == r => (pattern, rest) = (after, others),
                (None, None) => return true,
                _ => match retry {
                    Some((after, [_, further @ ..])) => {
                        retry = Some((after, further));
                        (pattern, rest) = (after, further);
                    }
                    _ => return false,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_stand_for_any_letters() {
        let table = [
            ("*", "", true),
            ("*", "vessels.self", true),
            ("vessels.*", "vessels.urn:mrn:imo:mmsi:230029970", true),
            ("vessels.*", "aircraft.x", false),
            ("navigation.*.value", "navigation.a.b.value", true),
            ("*.value", "a.values", false),
            ("**a*", "bab", true),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("", "a", false),
        ];
        for (pattern, text, matches) in table {
            assert_eq!(Pattern::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

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

    proptest! {
        #[test]
        fn a_text_with_parts_replaced_by_stars_still_matches(text in "[ab.]{0,12}", a in 0..12_usize, b in 0..12_usize) {
            let (a, b) = (a.min(text.len()), b.min(text.len()));
            let pattern = format!("{}*{}", &text[..a.min(b)], &text[a.max(b)..]);
            prop_assert!(Pattern::new(pattern).matches(&text));
        }
    }
}
