//! The tag block before a sentence (NMEA 4.0, IEC 61162-450): `\s:station,c:1438489697*4F\`.

use crate::kernel::time::Timestamp;
use crate::steps;

use super::sentence::{checksum, hex_byte};

/// Tag blocks before one sentence at the most; the rest is left to fail as a sentence.
const BLOCKS_MAX: usize = 4;

/// The latest time that is taken, in milliseconds: the end of the year 9999.
const TIME_MS_MAX: i64 = 253_402_300_799_999;

/// What a tag block says of its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TagBlock<'a> {
    /// `s:` the station that received or sent it.
    pub source: Option<&'a str>,
    /// `c:` when, as seconds or (longer than 12 digits) milliseconds since 1970.
    pub time: Option<Timestamp>,
    /// `g:` as text: which part of how many, and the number of the group.
    pub group: Option<&'a str>,
}

/// A line without the tag blocks at its beginning, and what they said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untagged<'a> {
    /// The tags of all blocks whose checksum is right.
    pub tags: TagBlock<'a>,
    /// How many blocks were left out because their checksum is wrong or missing.
    pub bad: u32,
    /// What follows.
    pub rest: &'a [u8],
}

/// Takes the tag blocks off the beginning of a line. A block with a wrong checksum is ignored, its sentence is not: the
/// sentence has a checksum of its own. A block that never closes leaves nothing.
pub fn take(line: &[u8]) -> Untagged<'_> {
    let mut found = Untagged { tags: TagBlock::default(), bad: 0, rest: line };
    for _ in 0..BLOCKS_MAX {
        steps::took(2 * found.rest.len());
        let Some(inner) = found.rest.strip_prefix(b"\\") else { break };
        let Some(end) = inner.iter().position(|&b| b == b'\\') else {
            found.bad += 1;
            found.rest = &[];
            break;
        };
        found.rest = &inner[end + 1..];
        match verified(&inner[..end]) {
            Some(text) => found.tags.read(text),
            None => found.bad += 1,
        }
    }
    found
}

/// The text of a block whose checksum is right.
fn verified(block: &[u8]) -> Option<&str> {
    let star = block.len().checked_sub(3)?;
    let right = block[star] == b'*' && hex_byte(&block[star + 1..]) == Some(checksum(&block[..star]));
    if right { std::str::from_utf8(&block[..star]).ok() } else { None }
}

impl<'a> TagBlock<'a> {
    fn read(&mut self, text: &'a str) {
        steps::took(3 * text.len());
        for tag in text.split(',') {
            let Some((code, value)) = tag.split_once(':') else { continue };
            if value.is_empty() {
                continue;
            }
            match code {
                "s" => self.source = Some(value),
                "c" => self.time = time(value),
                "g" => self.group = Some(value),
                _ => {}
            }
        }
    }
}

fn time(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i64 = text.parse().ok()?;
    let ms = if text.len() > 12 { n } else { n.checked_mul(1000)? };
    (ms <= TIME_MS_MAX).then(|| Timestamp::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, source: Option<&str>, time: Option<&str>, bad: u32, rest: &str) {
        let found = take(line.as_bytes());
        let time_found = found.tags.time.map(|t| t.to_string());
        assert_eq!(
            (found.tags.source, time_found.as_deref(), found.bad, found.rest),
            (source, time, bad, rest.as_bytes()),
            "{line}"
        );
    }

    #[test]
    fn tags_are_read_when_their_checksum_is_right() {
        check("\\s:compass,c:1438489697*4F\\$X", Some("compass"), Some("2015-08-02T04:28:17.000Z"), 0, "$X");
        check("\\c:1438489697123*6A\\$X", None, Some("2015-08-02T04:28:17.123Z"), 0, "$X");
        check("\\s:rX01*62\\$X", Some("rX01"), None, 0, "$X");
        check("\\s:a,c:abc*3D\\$X", Some("a"), None, 0, "$X");
        check("\\s:compass,c:1438489697*00\\$X", None, None, 1, "$X");
        check("\\s:compass\\$X", None, None, 1, "$X");
        check("\\s:compass*13", None, None, 1, "");
        check("\\\\$X", None, None, 1, "$X");
        check("\\s:rX01*62\\\\c:1438489697123*6A\\$X", Some("rX01"), Some("2015-08-02T04:28:17.123Z"), 0, "$X");
        check("$X", None, None, 0, "$X");
    }
}
