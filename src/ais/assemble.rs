//! The parts of long messages, joined. A message of more than about 60 characters comes in several sentences that are
//! held together by a sequence number of one digit, which every receiver counts for itself.
//!
//! A wrong name on a ship is worse than a late one. So the parts of one message must come in order, a part without its
//! beginning is dropped, and where two receivers that cannot be told apart use the same number at the same time, both
//! messages are given up (each is sent again within six minutes).

use compact_str::CompactString;

use super::Tag;
use super::sixbit::{BITS_MAX, Payload};
use crate::kernel::time::Moment;
use crate::nmea0183::sentence::Sentence;
use crate::steps;

/// Open groups at most; when one more begins, the oldest is given up. Five busy receivers hold about twenty.
pub const GROUPS_MAX: usize = 64;

/// How long a group waits for its next part, in milliseconds. The parts of one message leave a receiver back to back; the
/// rest of the time is for slow radio and internet links.
pub const GROUP_AGE_MS_MAX: u64 = 10_000;

/// Two different beginnings with the same key within this time, in milliseconds, are two receivers; later, it is one that
/// has come round to the same sequence number after a lost part.
pub const CONTEST_MS: u64 = 1_000;

/// Sentences of one message at most: the standard has one digit for it.
const PARTS_MAX: u8 = 9;

/// What became of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assembly {
    /// The message is whole, and in the payload.
    Complete,
    /// The message has parts to come, or this one belongs to none.
    Open,
    /// Not an AIS sentence by its fields.
    Refused,
}

/// What holds the parts of one message together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    own: bool,
    talker: CompactString,
    sequence: Option<u8>,
    channel: u8,
    station: Station,
}

/// Who passed the sentence on, by its tag block. The group number comes with every part, the station with the first only.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Station {
    Group(u32),
    Source(CompactString),
    Untagged,
}

#[derive(Debug)]
struct Group {
    key: Key,
    total: u8,
    next: u8,
    last_part: Moment,
    contested: bool,
    /// Where the first part ends, to tell a repeated beginning from another one.
    first_end: usize,
    symbols: Vec<u8>,
}

/// The open groups of one input.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Oldest first.
    groups: Vec<Group>,
    abandoned: u64,
}

/// The fields of one sentence.
struct Part<'a> {
    total: u8,
    number: u8,
    symbols: &'a [u8],
    fill: usize,
}

impl Assembler {
    /// Takes one sentence; when it completes a message, `payload` (given empty) holds it.
    pub fn take(&mut self, sentence: &Sentence<'_>, tag: Tag<'_>, now: Moment, payload: &mut Payload) -> Assembly {
        let Some(part) = Part::read(sentence) else { return Assembly::Refused };
        let complete = if part.total == 1 {
            payload.push(part.symbols)
        } else {
            let Some(symbols) = self.join(&part, Key::of(sentence, tag), now) else { return Assembly::Open };
            payload.push(&symbols)
        };
        payload.set_fill(part.fill);
        if complete.is_some() { Assembly::Complete } else { Assembly::Refused }
    }

    /// Groups given up so far.
    pub fn abandoned(&self) -> u64 {
        self.abandoned
    }

    /// Adds a part to its group; the characters of all parts when it was the last.
    fn join(&mut self, part: &Part<'_>, key: Key, now: Moment) -> Option<Vec<u8>> {
        // Who is too old, whose part it is, the characters of all parts.
        steps::took(3 * self.groups.len() + BITS_MAX / 6);
        self.give_up(|group| now.since(group.last_part) > GROUP_AGE_MS_MAX);
        let at = self.groups.iter().position(|group| group.key == key);
        if part.number == 1 {
            self.begin(at, part, key, now);
            return None;
        }
        let group = &mut self.groups[at?];
        if group.total != part.total || group.next != part.number {
            return None;
        }
        group.symbols.extend_from_slice(part.symbols);
        group.next += 1;
        group.last_part = now;
        let too_long = group.symbols.len() * 6 > BITS_MAX;
        if part.number < part.total && !too_long {
            return None;
        }
        let group = self.groups.remove(at?);
        if group.contested || too_long {
            self.abandoned += 1;
            return None;
        }
        Some(group.symbols)
    }

    fn begin(&mut self, open: Option<usize>, part: &Part<'_>, key: Key, now: Moment) {
        let mut contested = false;
        if let Some(at) = open {
            let group = &self.groups[at];
            if group.total == part.total && &group.symbols[..group.first_end] == part.symbols {
                // A second receiver heard the same message, or a multiplexer sends everything twice.
                return;
            }
            contested = now.since(group.last_part) <= CONTEST_MS;
            self.groups.remove(at);
            self.abandoned += 1;
        }
        if self.groups.len() == GROUPS_MAX {
            self.groups.remove(0);
            self.abandoned += 1;
        }
        let first_end = part.symbols.len();
        let mut symbols = Vec::with_capacity(first_end * usize::from(part.total));
        symbols.extend_from_slice(part.symbols);
        self.groups.push(Group { key, total: part.total, next: 2, last_part: now, contested, first_end, symbols });
    }

    fn give_up(&mut self, too_old: impl Fn(&Group) -> bool) {
        let before = self.groups.len();
        self.groups.retain(|group| !too_old(group));
        self.abandoned += (before - self.groups.len()) as u64;
    }
}

impl Key {
    fn of(sentence: &Sentence<'_>, tag: Tag<'_>) -> Self {
        let station = match tag {
            Tag { group: Some(group), .. } => Station::Group(group),
            Tag { source: Some(source), .. } => Station::Source(CompactString::new(source)),
            _ => Station::Untagged,
        };
        Self {
            own: sentence.formatter == "VDO",
            talker: CompactString::new(sentence.talker),
            sequence: digit(sentence.field(3)),
            channel: channel(sentence.field(4)),
            station,
        }
    }
}

impl<'a> Part<'a> {
    fn read(sentence: &Sentence<'a>) -> Option<Self> {
        let total = digit(sentence.field(1))?;
        let number = digit(sentence.field(2))?;
        let symbols = sentence.field(5).as_bytes();
        // An empty fill field is common with receivers that leave it to the last part.
        let fill = usize::from(digit(sentence.field(6)).unwrap_or(0));
        let sound = (1..=PARTS_MAX).contains(&total) && (1..=total).contains(&number) && !symbols.is_empty();
        (sound && symbols.len() * 6 <= BITS_MAX).then_some(Self { total, number, symbols, fill })
    }
}

/// The radio channel: `A` and `B`, in some receivers `1` and `2`, `C` and `D` for the long-range ones; 0 for none.
fn channel(field: &str) -> u8 {
    match field.as_bytes().first() {
        Some(b'1') => b'A',
        Some(b'2') => b'B',
        Some(&other) => other.to_ascii_uppercase(),
        None => 0,
    }
}

fn digit(field: &str) -> Option<u8> {
    match field.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `(milliseconds, tag source, group, fields)` and gives the messages that came out, by their length in bits.
    fn feed(lines: &[(u64, Option<&str>, Option<u32>, &str)]) -> (Vec<usize>, u64) {
        let mut assembler = Assembler::default();
        let mut whole = Vec::new();
        for &(ms, source, group, fields) in lines {
            let sentence = Sentence::from_parts(true, "AI", "VDM", fields);
            let mut payload = Payload::new();
            let took = assembler.take(&sentence, Tag { source, group }, Moment::from_millis(ms), &mut payload);
            if took == Assembly::Complete {
                whole.push(payload.len());
            }
        }
        (whole, assembler.abandoned())
    }

    #[test]
    fn parts_join_in_order_only() {
        assert_eq!(feed(&[(0, None, None, "2,1,3,A,000,0"), (5, None, None, "2,2,3,A,00,2")]), (vec![28], 0));
        assert_eq!(feed(&[(0, None, None, "2,2,3,A,000,0"), (5, None, None, "2,1,3,A,00,2")]), (vec![], 0));
        assert_eq!(feed(&[(0, None, None, "3,1,3,A,000,0"), (5, None, None, "3,3,3,A,00,2")]), (vec![], 0));
    }

    #[test]
    fn receivers_interleave_by_channel_number_station_and_group() {
        let first = "2,1,3,A,000,0";
        let second = "2,2,3,A,0,0";
        let by_number = [(0, None, None, first), (0, None, None, "2,1,4,A,0000,0"), (1, None, None, second)];
        assert_eq!(feed(&by_number), (vec![24], 0));
        let by_channel = [(0, None, None, first), (0, None, None, "2,1,3,B,0000,0"), (1, None, None, second)];
        assert_eq!(feed(&by_channel), (vec![24], 0));
        let by_station = [
            (0, Some("r1"), None, first),
            (0, Some("r2"), None, "2,1,3,A,0000,0"),
            (1, Some("r1"), None, second),
            (1, Some("r2"), None, second),
        ];
        assert_eq!(feed(&by_station), (vec![24, 30], 0));
        let by_group = [
            (0, Some("r1"), Some(7), first),
            (0, Some("r2"), Some(8), "2,1,3,A,0000,0"),
            (1, None, Some(8), second),
            (1, None, Some(7), second),
        ];
        assert_eq!(feed(&by_group), (vec![30, 24], 0));
    }

    #[test]
    fn an_echo_is_joined_once_and_a_collision_never() {
        let echo = [
            (0, None, None, "2,1,3,A,000,0"),
            (1, None, None, "2,1,3,A,000,0"),
            (2, None, None, "2,2,3,A,0,0"),
            (3, None, None, "2,2,3,A,0,0"),
        ];
        assert_eq!(feed(&echo), (vec![24], 0));
        let collision = [
            (0, None, None, "2,1,3,A,000,0"),
            (1, None, None, "2,1,3,A,1111,0"),
            (2, None, None, "2,2,3,A,0,0"),
            (3, None, None, "2,2,3,A,1,0"),
        ];
        assert_eq!(feed(&collision), (vec![], 2));
    }

    #[test]
    fn a_lost_part_costs_its_own_message_only() {
        let next_round = [
            (0, None, None, "2,1,3,A,000,0"),
            (CONTEST_MS + 1, None, None, "2,1,3,A,1111,0"),
            (CONTEST_MS + 2, None, None, "2,2,3,A,1,0"),
        ];
        assert_eq!(feed(&next_round), (vec![30], 1));
        let too_late = [(0, None, None, "2,1,3,A,000,0"), (GROUP_AGE_MS_MAX + 1, None, None, "2,2,3,A,0,0")];
        assert_eq!(feed(&too_late), (vec![], 1));
    }

    #[test]
    fn open_groups_are_bounded() {
        let mut lines: Vec<_> = (0..=GROUPS_MAX as u32).map(|g| (0, None, Some(g), "2,1,1,A,000,0")).collect();
        lines.push((1, None, Some(0), "2,2,1,A,0,0"));
        lines.push((1, None, Some(1), "2,2,1,A,0,0"));
        assert_eq!(feed(&lines), (vec![24], 1));
    }

    #[test]
    fn a_group_cannot_outgrow_the_longest_message() {
        let long = "0".repeat(BITS_MAX / 6);
        let first = format!("3,1,1,A,{long},0");
        let lines = [(0, None, None, first.as_str()), (0, None, None, "3,2,1,A,0,0"), (0, None, None, "3,3,1,A,0,0")];
        assert_eq!(feed(&lines), (vec![], 1));
    }

    #[test]
    fn fields_that_cannot_be_are_refused() {
        for fields in ["", ",,,,,", "0,1,,A,1,0", "2,3,1,A,1,0", "1,1,,A,,0", "x,1,,A,1,0", "10,1,,A,1,0"] {
            let sentence = Sentence::from_parts(true, "AI", "VDM", fields);
            let took = Assembler::default().take(&sentence, Tag::default(), Moment::default(), &mut Payload::new());
            assert_eq!(took, Assembly::Refused, "{fields}");
        }
    }
}
