//! Lengths of time as clients of the history API write them: durations and resolutions.

/// Milliseconds of a second.
pub(super) const SECOND_MS: i64 = 1_000;
/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// Reads a resolution: seconds, or a whole number with `s`, `m`, `h` or `d`. `None` for other texts, and for nothing.
pub fn resolution_ms(text: &str) -> Option<i64> {
    const UNITS: [(char, i64); 4] = [('s', SECOND_MS), ('m', 60_000), ('h', 3_600_000), ('d', DAY_MS)];
    let text = text.trim();
    let ms = match UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(*unit)?, *ms))) {
        Some((number, unit)) => digits(number)?.checked_mul(unit)?,
        None => decimal_ms(text, SECOND_MS)?,
    };
    (ms > 0).then_some(ms)
}

/// Milliseconds of a duration: whole seconds, or ISO 8601 with weeks, days, hours, minutes and seconds. Years and months
/// are not read: how long they are depends on where they begin. `None` for everything else.
pub fn duration_ms(text: &str) -> Option<i64> {
    if let Some(seconds) = digits(text) {
        return seconds.checked_mul(SECOND_MS);
    }
    let rest = text.strip_prefix(['P', 'p'])?;
    let (date, time) = match rest.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = parts_ms(date, &[('W', 7 * DAY_MS), ('D', DAY_MS)])?;
    let hours = parts_ms(time, &[('H', 3_600_000), ('M', 60_000), ('S', SECOND_MS)])?;
    days.checked_add(hours)
}

/// Numbers with designators in their order, each at most once.
fn parts_ms(mut text: &str, mut units: &[(char, i64)]) -> Option<i64> {
    let mut sum = 0_i64;
    while !text.is_empty() {
        let at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let designator = text[at..].chars().next()?.to_ascii_uppercase();
        let unit = units.iter().position(|(unit, _)| *unit == designator)?;
        sum = sum.checked_add(decimal_ms(&text[..at], units[unit].1)?)?;
        units = &units[unit + 1..];
        text = &text[at + 1..];
    }
    Some(sum)
}

fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// A number that may have a fraction (after a point or a comma), times a unit, to whole milliseconds.
fn decimal_ms(text: &str, unit_ms: i64) -> Option<i64> {
    let Some((whole, fraction)) = text.split_once(['.', ',']) else { return digits(text)?.checked_mul(unit_ms) };
    digits(fraction)?;
    let part: f64 = format!("0.{fraction}").parse().ok()?;
    digits(whole)?.checked_mul(unit_ms)?.checked_add((part * unit_ms as f64).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_seconds_or_iso_8601() {
        let table = [
            ("0", Some(0)),
            ("900", Some(900_000)),
            ("PT15M", Some(900_000)),
            ("PT0.5S", Some(500)),
            ("PT1,5M", Some(90_000)),
            ("P1D", Some(86_400_000)),
            ("P1W", Some(604_800_000)),
            ("P1DT2H3M4S", Some(93_784_000)),
            ("pt1h", Some(3_600_000)),
            ("P1M", None),
            ("P1Y", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("PT1S1M", None),
            ("PT1M1M", None),
            ("PTM", None),
            ("PT1", None),
            ("-PT1M", None),
            ("1.5", None),
            ("15m", None),
            ("99999999999999999999", None),
            ("P99999999999999W", None),
        ];
        for (text, ms) in table {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }

    #[test]
    fn resolutions_are_seconds_or_a_number_with_a_unit() {
        let table = [
            ("1", Some(1_000)),
            ("0.5", Some(500)),
            ("60", Some(60_000)),
            ("10s", Some(10_000)),
            ("1m", Some(60_000)),
            ("2h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("0", None),
            ("0s", None),
            ("-1", None),
            ("1.5m", None),
            ("m", None),
            ("1w", None),
            ("1 m", None),
            ("fine", None),
            ("NaN", None),
            ("999999999999999999d", None),
        ];
        for (text, ms) in table {
            assert_eq!(resolution_ms(text), ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = (duration_ms(&text), resolution_ms(&text));
        }
    }
}
