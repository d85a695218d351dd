//! Durations as people write them: `500ms`, `10s`, `5m`, `2h`, `1d`.

use std::time::Duration;

/// What is accepted, for messages.
pub const EXPECTED: &str = "a duration such as \"500ms\", \"10s\", \"5m\", \"2h\" or \"1d\"";

/// Units and their length in milliseconds, longest first: printing takes the first that divides.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a whole number with a unit. `None` for everything else, and for what no `u64` of milliseconds can hold.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*millis).map(Duration::from_millis)
}

/// Prints whole milliseconds so that [`parse`] reads the same again.
pub fn print(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, length) = UNITS.iter().find(|(_, length)| millis % length == 0 && millis > 0).unwrap_or(&("ms", 1));
    format!("{}{unit}", millis / length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let cases = [
            ("500ms", Some(500)),
            ("10s", Some(10_000)),
            ("5m", Some(300_000)),
            ("2h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("10 s", Some(10_000)),
            ("0s", Some(0)),
            ("10", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("10sec", None),
            ("1h30m", None),
            ("18446744073709551615s", None),
            ("٣s", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), millis.map(Duration::from_millis), "{text}");
        }
        assert_eq!(print(Duration::from_secs(120)), "2m");
        assert_eq!(print(Duration::from_millis(1_500)), "1500ms");
    }

    proptest! {
        #[test]
        fn printed_durations_read_back(millis in any::<u64>()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&print(duration)), Some(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
