//! JSON from outside, held to a depth before anything else looks at it.

/// The deepest nesting of arrays and objects that is accepted. serde_json's own limit does not see into a raw value.
pub const DEPTH_MAX: usize = 32;

/// Whether `text` nests arrays and objects no deeper than [`DEPTH_MAX`].
pub fn depth_is_bounded(text: &str) -> bool {
    depth_is_within(text, DEPTH_MAX)
}

/// Whether `text` nests arrays and objects no deeper than `depth_max`, or [`DEPTH_MAX`] where that is less. Linear, without
/// recursion, and right whether or not the text is valid JSON.
pub fn depth_is_within(text: &str, depth_max: usize) -> bool {
    let depth_max = depth_max.min(DEPTH_MAX);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for b in text.bytes() {
        if in_string {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match b {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > depth_max {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Reads a JSON object. serde would take an array for a struct as well, member by member; here only an object is one.
pub fn object<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Option<T> {
    if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        assert!(depth_is_bounded(&"[".repeat(DEPTH_MAX)));
        assert!(!depth_is_bounded(&"[".repeat(DEPTH_MAX + 1)));
        assert!(depth_is_within("[[[[]]]]", 4) && !depth_is_within("[[[[[]]]]]", 4));
        assert!(!depth_is_within(&"[".repeat(DEPTH_MAX + 1), usize::MAX));
        assert!(depth_is_bounded(&format!("\"{}\"", "[".repeat(100))));
        assert!(depth_is_bounded(&format!("\"\\\"{}\"", "{".repeat(100))));
        assert!(!depth_is_bounded(&format!("{{\"a\\\\\":{}", "{".repeat(100))));
        assert!(depth_is_bounded(&"[]".repeat(1000)));
    }
}
