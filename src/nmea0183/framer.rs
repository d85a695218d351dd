//! Bytes to segments: where each sentence (with the tag block before it) begins and ends, whatever lies around it.
//!
//! A segment begins at `$`, `!` or the `\` of a tag block and ends at CR or LF, or where the next sentence begins: right
//! behind a complete `*hh`, or in the middle of a broken sentence where `$` or `!` is followed by an address (letters and
//! digits up to a comma). Everything between segments is noise and is only counted. The result depends on the bytes
//! alone, never on how they were cut into reads.
//!
//! NUL bytes are dropped wherever they stand: idle lines and cheap converters make them, and they do not change a checksum.

use crate::steps;

/// The longest segment that is kept, in bytes. The standard allows 82 for a sentence; gateways send several hundred, and a
/// tag block may stand before it. A longer one is dropped up to the next start or line end, and reported.
pub const LINE_BYTES_MAX: usize = 1024;

/// The longest address between the start character and the first comma, in bytes (`PSMDST` and its like have 6).
const ADDRESS_BYTES_MAX: usize = 10;

/// What the framer found, in the order of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// From the start character (or its tag block) to before the line end.
    Segment(&'a [u8]),
    /// A segment that grew beyond [`LINE_BYTES_MAX`] and was dropped.
    TooLong,
    /// That many bytes belong to no sentence.
    Noise(usize),
}

/// Cuts a stream of bytes into segments. Holds at most one open segment of [`LINE_BYTES_MAX`] bytes.
#[derive(Debug, Default)]
pub struct Framer {
    held: Vec<u8>,
    /// A tag block is open at the end of `held`.
    in_tag_block: bool,
    /// Where in `held` a `$` or `!` stands that may turn out to begin a sentence inside a broken one.
    candidate: Option<usize>,
}

impl Framer {
    /// A framer at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they were read and reports every piece that they complete.
    pub fn push(&mut self, bytes: &[u8], mut found: impl FnMut(Piece<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            steps::took(1);
            let taken = if self.held.is_empty() { skip_noise(rest, &mut found) } else { 0 };
            rest = &rest[taken..];
            let Some(&first) = rest.first() else { return };
            if self.held.is_empty() {
                self.hold(first);
                rest = &rest[1..];
                continue;
            }
            if self.candidate.is_some() {
                self.take_one(first, &mut found);
                rest = &rest[1..];
                continue;
            }
            let plain = special_at(rest);
            let room = LINE_BYTES_MAX - self.held.len();
            if plain > room {
                // The remains of the line are noise, up to its end or the next start.
                self.drop_held(&mut found);
                continue;
            }
            self.held.extend_from_slice(&rest[..plain]);
            rest = &rest[plain..];
            if let Some(&special) = rest.first() {
                self.take_one(special, &mut found);
                rest = &rest[1..];
            }
        }
    }

    /// The stream has ended: what is open is taken as complete.
    pub fn finish(&mut self, mut found: impl FnMut(Piece<'_>)) {
        if !self.held.is_empty() {
            found(Piece::Segment(&self.held));
        }
        self.clear();
    }

    /// Takes one byte inside an open segment.
    fn take_one(&mut self, byte: u8, found: &mut impl FnMut(Piece<'_>)) {
        match byte {
            0 => {
                found(Piece::Noise(1));
                return;
            }
            b'\r' | b'\n' => {
                found(Piece::Segment(&self.held));
                self.clear();
                return;
            }
            b'$' | b'!' | b'\\' if ends_with_checksum(&self.held) && !self.in_tag_block => {
                found(Piece::Segment(&self.held));
                self.clear();
            }
            b'$' | b'!' if !self.follows_tag_block() => self.candidate = Some(self.held.len()),
            _ => {}
        }
        if self.held.len() == LINE_BYTES_MAX {
            match self.candidate {
                // The candidate cannot be judged any more inside this line, so it is taken for a start.
                Some(at) if at > 0 && at < LINE_BYTES_MAX => self.split(at, found),
                _ => {
                    self.drop_held(found);
                    if is_start(byte) {
                        self.hold(byte);
                    } else if !is_line_end(byte) {
                        found(Piece::Noise(1));
                    }
                    return;
                }
            }
        }
        self.hold(byte);
        self.judge_candidate(found);
    }

    fn hold(&mut self, byte: u8) {
        self.in_tag_block ^= byte == b'\\';
        self.held.push(byte);
    }

    /// Whether the open segment is a closed tag block, so that a sentence is due here.
    fn follows_tag_block(&self) -> bool {
        self.held[0] == b'\\' && self.held.len() > 1 && self.held.ends_with(b"\\")
    }

    /// Splits the open segment once a candidate has turned out to be an address, or forgets the candidate.
    fn judge_candidate(&mut self, found: &mut impl FnMut(Piece<'_>)) {
        let Some(at) = self.candidate else { return };
        let Some((&last, address)) = self.held[at + 1..].split_last() else { return };
        if last.is_ascii_alphanumeric() && address.len() < ADDRESS_BYTES_MAX {
            return;
        }
        if last == b',' && address.len() >= 3 {
            self.split(at, found);
        }
        self.candidate = None;
    }

    /// Reports what stands before `at` and keeps the rest, with the tag block right before it if there is one.
    fn split(&mut self, at: usize, found: &mut impl FnMut(Piece<'_>)) {
        steps::took(self.held.len());
        let mut start = at;
        if self.held[..at].ends_with(b"\\") {
            if let Some(opening) = self.held[..at - 1].iter().rposition(|&b| b == b'\\') {
                start = opening;
            }
        }
        if start > 0 {
            found(Piece::Segment(&self.held[..start]));
            self.held.drain(..start);
            self.in_tag_block = self.held.iter().fold(false, |open, &b| open ^ (b == b'\\'));
        }
        self.candidate = None;
    }

    fn drop_held(&mut self, found: &mut impl FnMut(Piece<'_>)) {
        found(Piece::TooLong);
        found(Piece::Noise(self.held.len()));
        self.clear();
    }

    fn clear(&mut self) {
        self.held.clear();
        self.in_tag_block = false;
        self.candidate = None;
    }
}

/// Reports the noise before the next start character and gives how many bytes that was. Line ends are no noise.
fn skip_noise(bytes: &[u8], found: &mut impl FnMut(Piece<'_>)) -> usize {
    let end = bytes.iter().position(|&b| is_start(b)).unwrap_or(bytes.len());
    steps::took(2 * end);
    let noise = bytes[..end].iter().filter(|&&b| !is_line_end(b)).count();
    if noise > 0 {
        found(Piece::Noise(noise));
    }
    end
}

fn is_start(b: u8) -> bool {
    matches!(b, b'$' | b'!' | b'\\')
}

fn is_line_end(b: u8) -> bool {
    matches!(b, b'\r' | b'\n')
}

fn is_special(b: u8) -> bool {
    is_start(b) || is_line_end(b) || b == 0
}

/// Where the first byte stands that needs a decision; the length if there is none. Blocks without one are passed whole:
/// without a branch for each byte the compiler compares sixteen at a time.
fn special_at(bytes: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let plain = bytes.chunks_exact(BLOCK).take_while(|block| !block.iter().fold(false, |any, &b| any | is_special(b)));
    let start = plain.count() * BLOCK;
    let at = bytes[start..].iter().position(|&b| is_special(b)).map_or(bytes.len(), |n| start + n);
    steps::took(at);
    at
}

fn ends_with_checksum(held: &[u8]) -> bool {
    matches!(held, [.., b'*', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(chunks: &[&[u8]]) -> (Vec<String>, usize, usize) {
        let mut framer = Framer::new();
        let (mut segments, mut too_long, mut noise) = (Vec::new(), 0, 0);
        let mut found = |piece: Piece<'_>| match piece {
            Piece::Segment(s) => segments.push(s.iter().map(|&b| char::from(b)).collect()),
            Piece::TooLong => too_long += 1,
            Piece::Noise(n) => noise += n,
        };
        for chunk in chunks {
            framer.push(chunk, &mut found);
        }
        framer.finish(&mut found);
        (segments, too_long, noise)
    }

    fn check(input: &str, expected: &[&str]) {
        assert_eq!(frame(&[input.as_bytes()]).0, expected, "{input:?}");
    }

    #[test]
    fn every_sentence_is_found_whatever_is_around_it() {
        check("$A,1*00\r\n$B,2*00\r\n", &["$A,1*00", "$B,2*00"]);
        check("$A,1*00\r$B,2*00\n", &["$A,1*00", "$B,2*00"]);
        check("noise $A,1*00", &["$A,1*00"]);
        check("$A,1*00$B,2*00!C,3*00", &["$A,1*00", "$B,2*00", "!C,3*00"]);
        check("$GPRMC,12$GPGLL,3*00\r\n", &["$GPRMC,12", "$GPGLL,3*00"]);
        check("$GPRMC,12\\s:a*00\\!AIVDM,3*00\r\n", &["$GPRMC,12", "\\s:a*00\\!AIVDM,3*00"]);
        check("\\s:a*00\\$A,1*00\n", &["\\s:a*00\\$A,1*00"]);
        check("\\s:a*00\\\\g:1-2-3*00\\$A,1*00\n", &["\\s:a*00\\\\g:1-2-3*00\\$A,1*00"]);
        check("$A,1*00\\s:a*00\\$B,1*00\n", &["$A,1*00", "\\s:a*00\\$B,1*00"]);
        check("$AITXT,1,Hello! $5 ok*00\n", &["$AITXT,1,Hello! $5 ok*00"]);
        check("\\s:a$GPGLL,3*00\n", &["\\s:a", "$GPGLL,3*00"]);
        check("\x00\x00$A\0,1*0\x000\0\r\n", &["$A,1*00"]);
        check("$$$GPGLL,3*00\n", &["$$", "$GPGLL,3*00"]);
    }

    #[test]
    fn an_endless_line_costs_itself_only() {
        let mut input = vec![b'$'];
        input.extend(vec![b'x'; 3 * LINE_BYTES_MAX]);
        input.extend_from_slice(b"\r\n$A,1*00\r\n");
        let (segments, too_long, noise) = frame(&[&input]);
        assert_eq!((segments, too_long, noise), (vec!["$A,1*00".to_owned()], 1, 3 * LINE_BYTES_MAX + 1));
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_does_not_matter(
            lines in prop::collection::vec(
                prop_oneof![
                    Just(b"$GPGLL,1,2*00\r\n".to_vec()),
                    Just(b"$GPRMC,1".to_vec()),
                    Just(b"\\s:a,c:1*00\\".to_vec()),
                    Just(b"!AIVDM,1*7f".to_vec()),
                    prop::collection::vec(prop_oneof![any::<u8>(), Just(b'$'), Just(b'\\'), Just(b',')], 0..20),
                    Just(vec![b'x'; 1019]),
                    Just(vec![b'$'; 3]),
                ], 0..12),
            cuts in prop::collection::vec(1_usize..700, 0..40),
        ) {
            let bytes = lines.concat();
            let mut chunks = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts {
                let (a, b) = rest.split_at(cut.min(rest.len()));
                chunks.push(a);
                rest = b;
            }
            chunks.push(rest);
            let whole = frame(&[&bytes]);
            prop_assert_eq!(&frame(&chunks), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&frame(&single), &whole);
        }
    }
}
