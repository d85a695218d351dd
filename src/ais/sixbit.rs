//! Six-bit characters to bits and back to numbers and texts (ITU-R M.1371-5 annex 8, IEC 61162-1 annex C).

use compact_str::CompactString;

use crate::steps;

/// The longest message taken, in bits. M.1371 allows five slots, 1,064 bits; a longer payload is refused.
pub const BITS_MAX: usize = 1128;

/// Bytes behind the last bit, so that a field at the very end can be read as one word.
const PADDING: usize = 8;

/// Marks a character that carries no six bits.
const NOT_A_SYMBOL: u8 = 0xFF;

/// Character to six bits: `0` to `W` are 0 to 39, backquote to `w` are 40 to 63.
const SYMBOLS: [u8; 256] = symbols();

/// The bits of one message, packed. Everything beyond its end reads as zero, so that a reader never fails in the middle.
#[derive(Debug, Clone)]
pub struct Payload {
    bytes: [u8; BITS_MAX / 8 + PADDING],
    bits: usize,
    fill: usize,
}

impl Default for Payload {
    fn default() -> Self {
        Self::new()
    }
}

impl Payload {
    /// An empty message.
    pub const fn new() -> Self {
        Self { bytes: [0; BITS_MAX / 8 + PADDING], bits: 0, fill: 0 }
    }

    /// Appends the characters of one sentence. `None` for a character outside of the code and beyond [`BITS_MAX`].
    pub fn push(&mut self, symbols: &[u8]) -> Option<()> {
        if self.bits + symbols.len() * 6 > BITS_MAX {
            return None;
        }
        steps::took(symbols.len());
        for &symbol in symbols {
            let six = SYMBOLS[usize::from(symbol)];
            if six == NOT_A_SYMBOL {
                return None;
            }
            let at = self.bits / 8;
            let word = u16::from(six) << (10 - self.bits % 8);
            self.bytes[at] |= (word >> 8) as u8;
            self.bytes[at + 1] |= word as u8;
            self.bits += 6;
        }
        Some(())
    }

    /// Notes how many bits of the last character are filling, 0 to 5.
    pub fn set_fill(&mut self, fill: usize) {
        self.fill = fill.min(5).min(self.bits);
    }

    /// Bits of all characters, filling included. What a message must have is measured against this: receivers miscount
    /// their fill bits, and the filling of a message that is long enough lies behind its fields.
    pub const fn capacity(&self) -> usize {
        self.bits
    }

    /// Bits of the message, filling taken off: the end of a text of open length.
    pub const fn len(&self) -> usize {
        self.bits - self.fill
    }

    /// Whether there is no bit at all.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The unsigned number in `width` bits (1 to 32) from bit `start`, counted from 0.
    pub fn unsigned(&self, start: usize, width: u32) -> u32 {
        debug_assert!((1..=32).contains(&width), "a field has 1 to 32 bits");
        (self.word(start) >> (64 - width)) as u32
    }

    /// The number in two's complement in `width` bits (1 to 32) from bit `start`.
    pub fn signed(&self, start: usize, width: u32) -> i32 {
        debug_assert!((1..=32).contains(&width), "a field has 1 to 32 bits");
        (self.word(start) as i64 >> (64 - width)) as i32
    }

    /// The bit at `at`.
    pub fn flag(&self, at: usize) -> bool {
        self.unsigned(at, 1) == 1
    }

    /// A text of at most `characters` six-bit characters from bit `start`: up to the first `@` or the end of the
    /// message, without spaces at its ends.
    pub fn text(&self, start: usize, characters: usize) -> CompactString {
        let text = self.text_with_spaces(start, characters);
        let trimmed = text.trim();
        if trimmed.len() == text.len() { text } else { CompactString::new(trimmed) }
    }

    /// The same with the spaces at its ends, for a text in two pieces.
    pub fn text_with_spaces(&self, start: usize, characters: usize) -> CompactString {
        let mut text = CompactString::const_new("");
        for i in 0..characters {
            steps::took(1);
            let at = start + 6 * i;
            let six = self.unsigned(at, 6) as u8;
            if six == 0 || at + 6 > self.bits {
                break;
            }
            text.push(char::from(if six < 32 { six + 64 } else { six }));
        }
        text
    }

    /// The 57 bits or more from bit `start`, at the top of a word.
    fn word(&self, start: usize) -> u64 {
        let at = start / 8;
        match self.bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => u64::from_be_bytes(bytes) << (start % 8),
            None => 0,
        }
    }
}

const fn symbols() -> [u8; 256] {
    let mut table = [NOT_A_SYMBOL; 256];
    let mut six = 0;
    while six < 64 {
        table[symbol(six) as usize] = six;
        six += 1;
    }
    table
}

/// The character for six bits.
pub const fn symbol(six: u8) -> u8 {
    if six < 40 { six + 48 } else { six + 56 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payload(symbols: &str) -> Payload {
        let mut payload = Payload::new();
        payload.push(symbols.as_bytes()).unwrap();
        payload
    }

    #[test]
    fn fields_are_read_across_bytes() {
        let p = payload("13aEOK000j0Fpn0NDrh3Q2mp0000");
        assert_eq!(p.capacity(), 168);
        assert_eq!((p.unsigned(0, 6), p.unsigned(8, 30)), (1, 244_670_316));
        assert_eq!((p.signed(61, 28), p.signed(89, 27)), (3_000_000, 31_800_000));
        let all_ones = payload("wwwwwwwwww");
        assert_eq!((all_ones.unsigned(7, 32), all_ones.signed(7, 32)), (u32::MAX, -1));
        assert_eq!((all_ones.unsigned(56, 8), all_ones.unsigned(5_000, 32)), (0b1111_0000, 0));
    }

    #[test]
    fn texts_end_at_the_first_at_sign_and_lose_their_outer_spaces() {
        assert_eq!(payload("8591;p0H").text(0, 8), "HEIAK8");
        assert_eq!(payload("PP1PP2PP").text(0, 8), "A  B");
        assert_eq!(payload("123").text(0, 20), "ABC");
    }

    #[test]
    fn foreign_characters_and_endless_payloads_are_refused() {
        for symbols in ["1X", "1_", "1x", "1 ", "1é"] {
            assert_eq!(Payload::new().push(symbols.as_bytes()), None, "{symbols}");
        }
        let longest = [b'0'; BITS_MAX / 6];
        let mut payload = Payload::new();
        assert_eq!(payload.push(&longest), Some(()));
        assert_eq!(payload.push(b"0"), None);
    }

    proptest! {
        #[test]
        fn any_field_equals_its_bits_one_by_one(
            sixes in prop::collection::vec(0_u8..64, 0..BITS_MAX / 6),
            start in 0..BITS_MAX,
            width in 1_u32..=32,
        ) {
            let symbols: Vec<u8> = sixes.iter().map(|&six| symbol(six)).collect();
            let mut payload = Payload::new();
            payload.push(&symbols).unwrap();
            let slow = (start..start + width as usize).fold(0_u64, |n, bit| {
                let six = sixes.get(bit / 6).copied().unwrap_or(0);
                n << 1 | u64::from(six >> (5 - bit % 6) & 1)
            });
            prop_assert_eq!(u64::from(payload.unsigned(start, width)), slow);
            let _ = payload.signed(start, width);
            let _ = payload.text(start, 20);
        }
    }
}
