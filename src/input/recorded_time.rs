//! When a line of a recording was recorded, from whatever tells it: the prefix that a logger wrote before each line, a tag
//! block, or the time of day in the sentence itself. Pure.

use crate::kernel::time::Timestamp;
#[cfg(feature = "history")]
use crate::nmea0183::field;

/// What a time comes from, worst first. A recording is replayed by the best that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Basis {
    /// The content: the receiver's own idea of the time, or a delta's timestamp.
    Content,
    /// `\c:1733782034*hh\` (NMEA 0183, tag block).
    TagBlock,
    /// `1404122400000;A;$…`, `2014-08-15T19:00:00.042Z $…` and the like.
    Prefix,
}

/// The time of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// What it comes from.
    pub(super) basis: Basis,
    /// Milliseconds since 1970; for a time of day without a date, since midnight.
    pub(super) ms: i64,
    /// Whether `ms` counts from midnight only.
    pub(super) is_time_of_day: bool,
    /// Talker and formatter of the sentence whose own time it is: two receivers aboard seldom agree.
    pub(super) by: [u8; 5],
}

impl Stamp {
    fn wall(basis: Basis, ms: i64) -> Self {
        Self { basis, ms, is_time_of_day: false, by: [0; 5] }
    }
}

/// Takes the logger's prefix off a line, where it has one: the time, and the line as the device sent it.
pub(super) fn split_prefix(line: &[u8]) -> (Option<Timestamp>, &[u8]) {
    /// Longer than a time, a name of a source and their separators.
    const PREFIX_BYTES_MAX: usize = 96;
    if !line.first().is_some_and(u8::is_ascii_digit) {
        return (None, line);
    }
    let start = line.iter().take(PREFIX_BYTES_MAX).position(|b| matches!(b, b'$' | b'!' | b'\\' | b'{'));
    let Some((prefix, sentence)) = start.map(|at| line.split_at(at)) else { return (None, line) };
    match prefix_time(prefix) {
        Some(time) => (Some(time), sentence),
        None => (None, line),
    }
}

/// The time of a line whose prefix has been taken off.
pub(super) fn stamp(prefix: Option<Timestamp>, sentence: &[u8]) -> Option<Stamp> {
    if let Some(time) = prefix {
        return Some(Stamp::wall(Basis::Prefix, time.as_millis()));
    }
    match sentence.first()? {
        b'\\' => match tag_block_ms(sentence) {
            Some(ms) => Some(Stamp::wall(Basis::TagBlock, ms)),
            None => time_of_day(untagged(sentence)),
        },
        b'$' => time_of_day(sentence),
        b'{' => delta_ms(sentence).map(|ms| Stamp::wall(Basis::Content, ms)),
        _ => None,
    }
}

/// The day that a sentence names (midnight): RMC with a fix, and ZDA.
#[cfg(feature = "history")]
pub(super) fn day(sentence: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(untagged(sentence)).ok()?;
    let content = text.split('*').next()?;
    let mut fields = content.split(',');
    match fields.next()?.get(3..)? {
        // A receiver without a fix makes up the date.
        "RMC" if fields.nth(1)? != "V" => field::date(fields.nth(6)?),
        "ZDA" => field::day_month_year(fields.nth(1)?, fields.next()?, fields.next()?),
        _ => None,
    }
}

fn prefix_time(prefix: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(prefix).ok()?;
    if text.as_bytes().get(4) == Some(&b'-') {
        let end = text.find(|c: char| !c.is_ascii_digit() && !"-:.TtZz+ ".contains(c)).unwrap_or(text.len());
        let time = text[..end].trim_end();
        return Timestamp::parse(time).or_else(|| Timestamp::parse(&format!("{time}Z")));
    }
    let end = text.find([';', ',', ' ', '\t', '|', ':']).unwrap_or(text.len());
    epoch_ms(&text[..end]).map(Timestamp::from_millis)
}

/// Seconds (ten digits, with or without a fraction), milliseconds (13) or microseconds (16) since 1970.
fn epoch_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = whole.parse().ok()?;
    match whole.len() {
        9 | 10 => {
            let thousandths = fraction.bytes().chain(*b"000").take(3).fold(0, |ms, b| ms * 10 + i64::from(b - b'0'));
            Some(n * 1000 + thousandths)
        }
        13 => Some(n),
        16 => Some(n / 1000),
        _ => None,
    }
}

/// The sentence behind its tag block, where it has one.
fn untagged(sentence: &[u8]) -> &[u8] {
    let Some(block) = sentence.strip_prefix(b"\\") else { return sentence };
    block.iter().position(|&b| b == b'\\').map_or(sentence, |end| &block[end + 1..])
}

fn tag_block_ms(line: &[u8]) -> Option<i64> {
    let block = line[1..].split(|&b| b == b'\\').next()?;
    let content = block.split(|&b| b == b'*').next()?;
    let time = content.split(|&b| b == b',').find_map(|field| field.strip_prefix(b"c:"))?;
    epoch_ms(std::str::from_utf8(time).ok()?)
}

/// The time of day in RMC, GGA, GNS, ZDA (field 1) and GLL (field 5).
fn time_of_day(sentence: &[u8]) -> Option<Stamp> {
    let by: [u8; 5] = sentence.get(1..6)?.try_into().ok()?;
    let number = match &by[2..] {
        b"RMC" | b"GGA" | b"GNS" | b"ZDA" => 1,
        b"GLL" => 5,
        _ => return None,
    };
    let field = sentence.split(|&b| b == b',').nth(number)?;
    let digits = |at: usize| -> Option<i64> {
        let pair = field.get(at..at + 2)?;
        pair.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let (hour, minute, second) = (digits(0)?, digits(2)?, digits(4)?);
    let fraction = field.get(6..).and_then(|f| f.strip_prefix(b".")).unwrap_or_default();
    let fraction = fraction.iter().take_while(|b| b.is_ascii_digit()).chain(b"000").take(3);
    let thousandths = fraction.fold(0, |ms, b| ms * 10 + i64::from(b - b'0'));
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then(|| Stamp {
        basis: Basis::Content,
        ms: ((hour * 60 + minute) * 60 + second) * 1000 + thousandths,
        is_time_of_day: true,
        by,
    })
}

fn delta_ms(line: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(line).ok()?;
    let after = text.split_once("\"timestamp\"")?.1.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    Timestamp::parse(after.split('"').next()?).map(Timestamp::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_loggers_prefix_is_read_and_taken_off() {
        let table = [
            ("1404122400000;A;$GPRMC,1", Some(1_404_122_400_000), "$GPRMC,1"),
            ("1404122400000;I;{\"updates\":[]}", Some(1_404_122_400_000), "{\"updates\":[]}"),
            ("2014-06-30T10:00:00.042Z $GPRMC,1", Some(1_404_122_400_042), "$GPRMC,1"),
            ("2014-06-30T10:00:00Z,gps,!AIVDM,1", Some(1_404_122_400_000), "!AIVDM,1"),
            ("2014-06-30 10:00:00.5 $GPRMC,1", Some(1_404_122_400_500), "$GPRMC,1"),
            ("1404122400.25 $GPRMC,1", Some(1_404_122_400_250), "$GPRMC,1"),
            ("1404122400,$GPRMC,1", Some(1_404_122_400_000), "$GPRMC,1"),
            ("1404122400123456|$GPRMC,1", Some(1_404_122_400_123), "$GPRMC,1"),
            ("$GPRMC,1", None, "$GPRMC,1"),
            ("12 bottles $GPRMC,1", None, "12 bottles $GPRMC,1"),
            ("2014-06-31T10:00:00Z $GPRMC,1", None, "2014-06-31T10:00:00Z $GPRMC,1"),
        ];
        for (line, ms, sentence) in table {
            let (time, rest) = split_prefix(line.as_bytes());
            assert_eq!((time.map(Timestamp::as_millis), rest), (ms, sentence.as_bytes()), "{line}");
        }
    }

    #[test]
    fn lines_tell_their_time_themselves() {
        let table = [
            (r"\s:2573238,c:1733782034*0A\!BSVDM,1,1", Some((Basis::TagBlock, 1_733_782_034_000))),
            (r"\c:1733782034123*0A\!BSVDM,1,1", Some((Basis::TagBlock, 1_733_782_034_123))),
            ("$GPRMC,092211.00,A,5759.09700,N", Some((Basis::Content, 33_731_000))),
            ("$GPZDA,235959.5,01,06,2011", Some((Basis::Content, 86_399_500))),
            ("$GPGLL,6005.071,N,02332.346,E,095559,A", Some((Basis::Content, 35_759_000))),
            ("$GPRMC,,V,,,,", None),
            ("$GPRMC,256000,A", None),
            ("$IIMWV,338,R,13.41,N,A", None),
            (
                r#"{"updates":[{"timestamp":"2014-06-30T10:00:00.000Z","values":[]}]}"#,
                Some((Basis::Content, 1_404_122_400_000)),
            ),
            (r"\s:no end", None),
            (r"\s:GP0001*1F\$GPGLL,6005.071,N,02332.346,E,095559,A", Some((Basis::Content, 35_759_000))),
        ];
        for (line, expected) in table {
            assert_eq!(stamp(None, line.as_bytes()).map(|s| (s.basis, s.ms)), expected, "{line}");
        }
    }

    #[test]
    fn sentences_with_a_date_tell_the_day() {
        let table = [
            ("$GPRMC,092211.00,A,5759.09700,N,01144.34344,E,5.257,28.27,200715,,,A*58", Some("2015-07-20T00:00:00Z")),
            ("$GPRMC,092211.00,V,5759.09700,N,01144.34344,E,5.257,28.27,200715,,,A*58", None),
            ("$GPZDA,090000.00,04,07,2026,00,00*6A\r\n", Some("2026-07-04T00:00:00Z")),
            ("$GPRMC,092211.00,A,,,,,,,,", None),
            ("$GPGLL,6003.60000,N,02459.40000,E,090000.00,A,A*6D", None),
            ("$", None),
        ];
        for (line, expected) in table {
            assert_eq!(day(line.as_bytes()), expected.and_then(Timestamp::parse), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in prop::collection::vec(any::<u8>(), 0..120), first in 0_usize..5) {
            let mut line = line;
            line.insert(0, b"$!\\{1"[first]);
            let (prefix, rest) = split_prefix(&line);
            let _ = (stamp(prefix, rest), day(rest));
            prop_assert!(line.ends_with(rest));
        }
    }
}
