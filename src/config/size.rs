//! Sizes as people write them: `8 GiB`, `500 MB`, `64 KiB`, `1024 B`.

/// What is accepted, for messages.
pub const EXPECTED: &str = "a size such as \"8 GiB\", \"500 MB\" or \"64 KiB\"";

/// Units and their bytes; both families, because cards are sold in the one and measured in the other.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads a whole number of bytes with its unit, upper or lower case. `None` for everything else, a bare number included:
/// nobody can tell bytes from megabytes there.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, bytes) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim_start()))?;
    number.parse::<u64>().ok()?.checked_mul(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        let cases = [
            ("8 GiB", Some(8 << 30)),
            ("8GiB", Some(8 << 30)),
            ("500 MB", Some(500_000_000)),
            ("64 kib", Some(65_536)),
            ("2 KB", Some(2_000)),
            ("0 B", Some(0)),
            ("8", None),
            ("GiB", None),
            ("1.5 GiB", None),
            ("-1 B", None),
            ("8 G", None),
            ("99999999 TiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
