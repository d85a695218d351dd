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
/// Names that a leaf has beside its value (DM-28): a path with one of them could not be told from the leaf above it. The
/// one that is missing here is `state`, because `navigation.state` and others are paths; where a leaf has a leaf of that
/// name below it, the tree shows that one.
const RESERVED: [&str; 9] = ["value", "values", "meta", "$source", "source", "timestamp", "pgn", "sentence", "_attr"];

/// Whether a path may be stored. The empty path is not one of these: it names the root and is dealt with before.
pub fn path_is_valid(path: &str) -> bool {
    path.len() <= PATH_BYTES_MAX
        && path.split('.').count() <= PATH_SEGMENTS_MAX
        && path.split('.').all(|s| !s.is_empty() && !POLLUTING.contains(&s) && !RESERVED.contains(&s))
        && path.chars().all(is_plain)
        && notification_is_valid(path)
}

/// Branches below `notifications` hold letters, digits, `-` and `_` only, with or without more segments (NOTIF-10).
fn notification_is_valid(path: &str) -> bool {
    !path.starts_with("notifications.") || !path.contains(' ')
}

/// Whether a context may be stored: `<root>.<id>`, both not empty, of plain characters. Vessels have an identity of one of
/// the forms of the schema (DM-17), other roots any id.
pub fn context_is_valid(context: &str) -> bool {
    let Some((root, id)) = split_context(context) else { return false };
    context.len() <= CONTEXT_BYTES_MAX
        && !id.is_empty()
        && id != "self"
        && root.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && context.chars().all(|c| is_plain(c) && c != ' ' && c != '*')
        && context.split('.').all(|s| !s.is_empty() && !POLLUTING.contains(&s))
        && (root != "vessels" || vessel_id_is_valid(id))
}

/// An MMSI, a UUID or an address. Any nine digits are an MMSI here: a transponder that was set up wrong is a ship all the
/// same, and should be seen.
fn vessel_id_is_valid(id: &str) -> bool {
    const ADDRESSES: [&str; 4] = ["http://", "https://", "mailto:", "tel:"];
    if let Some(mmsi) = id.strip_prefix("urn:mrn:imo:mmsi:") {
        return mmsi.len() == 9 && mmsi.bytes().all(|b| b.is_ascii_digit());
    }
    match id.strip_prefix("urn:mrn:signalk:uuid:") {
        Some(uuid) => uuid.len() == 36 && uuid.bytes().enumerate().all(uuid_byte_is_valid),
        None => ADDRESSES.iter().any(|start| id.len() > start.len() && id.starts_with(start)),
    }
}

/// One byte of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` (RFC 4122, section 3).
fn uuid_byte_is_valid((at, byte): (usize, u8)) -> bool {
    if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
}

/// Whether a path is one of the static data of a context (DM-08): they stand bare in the tree and travel in objects at the
/// empty path, even when a sender gives them a path of their own.
pub fn is_static(path: &str) -> bool {
    match path.split_once('.') {
        None => matches!(path, "name" | "mmsi" | "uuid" | "url" | "flag" | "port" | "registrations" | "communication"),
        Some((first, _)) => matches!(first, "registrations" | "communication"),
    }
}

/// The usual form of a context that a sender may write in more than one way: `aton.` for `atons.` (DIV-06), and an MMSI
/// without the words before it, as examples of the specification have it. `None` when it is as usual.
pub fn usual_context(context: &str) -> Option<String> {
    let (root, id) = split_context(context)?;
    let usual_root = if root == "aton" { "atons" } else { root };
    if id.len() == 9 && id.bytes().all(|b| b.is_ascii_digit()) {
        return Some(format!("{usual_root}.urn:mrn:imo:mmsi:{id}"));
    }
    (usual_root != root).then(|| format!("{usual_root}.{id}"))
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
        for path in [
            "",
            ".",
            "a..b",
            "a.__proto__.b",
            "constructor",
            "a\"b",
            "a\nb",
            "a.value",
            "a.meta",
            "a.value.b",
            "source",
            "a.pgn",
            &long,
            &wide,
        ] {
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
            "vessels.alba",
            "vessels.urn:mrn:imo:mmsi:23000001",
            "vessels.urn:mrn:signalk:uuid:1",
            "vessels.http://",
        ] {
            assert!(!context_is_valid(context), "{context}");
        }
        for context in [
            "vessels.urn:mrn:imo:mmsi:230000001",
            "shore.basestations.x",
            "meteo.urn:mrn:imo:mmsi:2:3",
            "vessels.http://a.b/c",
            "vessels.urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b",
            "sar.alba",
        ] {
            assert!(context_is_valid(context), "{context}");
        }
        let usual = [
            ("aton.urn:x", Some("atons.urn:x")),
            ("vessels.230000001", Some("vessels.urn:mrn:imo:mmsi:230000001")),
            ("atons.urn:x", None),
            ("vessels", None),
        ];
        for (context, expected) in usual {
            assert_eq!(usual_context(context).as_deref(), expected, "{context}");
        }
        assert_eq!(split_context("shore.basestations.urn:x"), Some(("shore.basestations", "urn:x")));
    }
}
