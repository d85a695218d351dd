//! Which texts may become contexts, paths and sources. What passes needs no escaping in JSON, anywhere, ever.

/// Bytes of a path at the most.
pub const PATH_BYTES_MAX: usize = 255;
/// Segments of a path at the most.
pub const PATH_SEGMENTS_MAX: usize = 16;
/// Bytes of a context at the most.
pub const CONTEXT_BYTES_MAX: usize = 192;
/// Bytes of a `$source` at the most.
pub const SOURCE_BYTES_MAX: usize = 128;

/// Segments that would harm a client written in JavaScript which builds its tree from ours (REST-29).
const POLLUTING: [&str; 3] = ["__proto__", "constructor", "prototype"];
/// Names that a leaf has beside its value (DM-28); a path that ends in one could not be told from the leaf above it.
const RESERVED_LAST: [&str; 6] = ["value", "values", "meta", "$source", "timestamp", "_attr"];

/// Whether a path may be stored. The empty path is not one of these: it names the root and is dealt with before.
pub fn path_is_valid(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    path.len() <= PATH_BYTES_MAX
        && path.split('.').count() <= PATH_SEGMENTS_MAX
        && path.split('.').all(|s| !s.is_empty() && !POLLUTING.contains(&s))
        && path.chars().all(is_plain)
        && !RESERVED_LAST.contains(&last)
        && notification_is_valid(path)
}

/// Branches below `notifications` hold letters, digits, `-` and `_` only, with or without more segments (NOTIF-10).
fn notification_is_valid(path: &str) -> bool {
    !path.starts_with("notifications.") || !path.contains(' ')
}

/// Whether a context may be stored: `<root>.<id>`, both not empty, of plain characters.
pub fn context_is_valid(context: &str) -> bool {
    let Some((root, id)) = split_context(context) else { return false };
    context.len() <= CONTEXT_BYTES_MAX
        && !id.is_empty()
        && id != "self"
        && root.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && context.chars().all(|c| is_plain(c) && c != ' ' && c != '*')
        && context.split('.').all(|s| !s.is_empty() && !POLLUTING.contains(&s))
}

/// Root and id of a context. The one root with a dot of its own is `shore.basestations`.
pub fn split_context(context: &str) -> Option<(&str, &str)> {
    const SHORE: &str = "shore.basestations";
    match context.strip_prefix(SHORE).and_then(|rest| rest.strip_prefix('.')) {
        Some(id) => Some((SHORE, id)),
        None => context.split_once('.'),
    }
}

/// Whether a `$source` may be used as it came (SRC-01, with the `:` that device identifiers carry).
pub fn source_is_valid(source: &str) -> bool {
    !source.is_empty()
        && source.len() <= SOURCE_BYTES_MAX
        && source.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        && source.split('.').all(|s| !s.is_empty() && !POLLUTING.contains(&s))
}

/// A printable character that JSON leaves alone.
fn is_plain(c: char) -> bool {
    !c.is_control() && c != '"' && c != '\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_harm_somebody_are_refused() {
        let long = "a.".repeat(PATH_SEGMENTS_MAX) + "a";
        let wide = "a".repeat(PATH_BYTES_MAX + 1);
        for path in ["", ".", "a..b", "a.__proto__.b", "constructor", "a\"b", "a\nb", "a.value", "a.meta", &long, &wide]
        {
            assert!(!path_is_valid(path), "{path}");
        }
        for path in ["navigation.state", "foo.bar", "electrical.switches.bank.0.state", "a.[b(c", "tänks.1", "a b.c"] {
            assert!(path_is_valid(path), "{path}");
        }
        for context in [
            "vessels",
            "vessels.",
            ".x",
            "vessels.self",
            "vessels.*",
            "vessels.a b",
            "vessels.__proto__",
            "vessels.a..b",
        ] {
            assert!(!context_is_valid(context), "{context}");
        }
        for context in [
            "vessels.urn:mrn:imo:mmsi:230000001",
            "shore.basestations.x",
            "meteo.urn:mrn:imo:mmsi:2:3",
            "vessels.http://a.b/c",
        ] {
            assert!(context_is_valid(context), "{context}");
        }
        assert_eq!(split_context("shore.basestations.urn:x"), Some(("shore.basestations", "urn:x")));
    }
}
