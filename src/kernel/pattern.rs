//! Patterns of subscriptions and rules: `*` stands for any characters, dots included, and every other character for
//! itself; both ends are anchored. So `navigation.*` is not `navigation`, `*.temperature` and `environment.wind*` work,
//! and `*` is everything, the empty path too.

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    All,
    Exact(Box<str>),
    Prefix(Box<str>),
    /// Text pieces between stars; the first and last are anchored (and may be empty).
    Pieces(Box<[Box<str>]>),
}

impl std::fmt::Display for Pattern {
    /// The text that it was made from (several stars in a row are one).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::All => f.write_str("*"),
            Kind::Exact(text) => f.write_str(text),
            Kind::Prefix(prefix) => write!(f, "{prefix}*"),
            Kind::Pieces(pieces) => f.write_str(&pieces.join("*")),
        }
    }
}

impl Pattern {
    /// Compiles the text of a pattern. Every text is a valid one.
    pub fn new(text: &str) -> Self {
        let star = text.find('*');
        Self(match star {
            None => Kind::Exact(text.into()),
            Some(0) if text.bytes().all(|b| b == b'*') => Kind::All,
            Some(at) if text[at..].bytes().all(|b| b == b'*') => Kind::Prefix(text[..at].into()),
            Some(_) => Kind::Pieces(text.split('*').map(Into::into).collect()),
        })
    }

    /// Whether `text` is meant.
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Exact(exact) => **exact == *text,
            Kind::Prefix(prefix) => text.starts_with(&**prefix),
            Kind::Pieces(pieces) => matches_pieces(pieces, text),
        }
    }

    /// Whether it can mean a text that starts with `start`.
    pub fn may_start_with(&self, start: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Exact(exact) => exact.starts_with(start),
            Kind::Prefix(prefix) => prefix.starts_with(start) || start.starts_with(&**prefix),
            Kind::Pieces(pieces) => pieces.first().is_none_or(|p| p.starts_with(start) || start.starts_with(&**p)),
        }
    }

    /// The one text that this pattern means, when it has no star.
    pub fn exact(&self) -> Option<&str> {
        match &self.0 {
            Kind::Exact(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it means everything.
    pub fn is_all(&self) -> bool {
        self.0 == Kind::All
    }
}

/// Leftmost-first search of the inner pieces is enough: a star takes any characters, so an earlier match never spoils a
/// later one. Linear in the text for each piece.
fn matches_pieces(pieces: &[Box<str>], text: &str) -> bool {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return text.is_empty() };
    let Some(mut rest) = text.strip_prefix(&**first) else { return false };
    for piece in &pieces[1..pieces.len() - 1] {
        match rest.find(&**piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(&**last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_take_dots_and_nothing_else_is_special() {
        let table = [
            ("*", "", true),
            ("*", "navigation.position", true),
            ("", "", true),
            ("", "name", false),
            ("navigation.*", "navigation.position", true),
            ("navigation.*", "navigation.gnss.satellites", true),
            ("navigation.*", "navigation", false),
            ("environment.wind*", "environment.windSpeed", true),
            ("environment.wind*", "environment.wind.speedTrue", true),
            ("*.temperature", "environment.water.temperature", true),
            ("*.temperature", "temperature", false),
            ("propulsion.*.oilTemperature", "propulsion.port.oilTemperature", true),
            ("propulsion.*.oilTemperature", "propulsion.port.oilPressure", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a.(b[c", "a.(b[c", true),
            ("a.b", "aXb", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }

    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => naive(&pattern[1..], text) || (!text.is_empty() && naive(pattern, &text[1..])),
            (Some(p), Some(t)) if p == t => naive(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab.*]{0,8}", text in "[ab.]{0,10}") {
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), naive(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn what_it_matches_it_may_start_with(pattern in "[ab*]{0,5}", start in "[ab]{0,4}", rest in "[ab]{0,4}") {
            let pattern = Pattern::new(&pattern);
            if pattern.matches(&format!("{start}{rest}")) {
                prop_assert!(pattern.may_start_with(&start));
            }
        }
    }
}
