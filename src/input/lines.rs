//! A stream of bytes cut into lines, with a bound on their length. Nothing is lost: what is too long for a line comes out
//! in pieces that say so.

/// Cuts a stream into lines.
#[derive(Debug)]
pub struct Lines {
    partial: Vec<u8>,
    max_bytes: usize,
    /// `partial` has been handed out and goes with the next call.
    handed_out: bool,
    /// Pieces of the line in hand have been handed out as too long.
    in_overlong: bool,
}

/// One line, or a piece of one that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes, the line feed included where there is one.
    pub bytes: &'a [u8],
    /// False for every piece of a line that is too long, its end included.
    pub is_whole: bool,
}

impl Lines {
    /// Lines of at most `max_bytes` bytes, the line feed included.
    pub fn new(max_bytes: usize) -> Self {
        assert!(max_bytes > 0, "a line holds at least its end");
        Self { partial: Vec::new(), max_bytes, handed_out: false, in_overlong: false }
    }

    /// The next line of `rest`, which shrinks by what has been taken; `None` when `rest` is used up. Call it again with
    /// the next bytes of the stream.
    pub fn next<'a, 'b: 'a>(&'a mut self, rest: &mut &'b [u8]) -> Option<Line<'a>> {
        if self.handed_out {
            self.partial.clear();
            self.handed_out = false;
        }
        let input = *rest;
        if input.is_empty() {
            return None;
        }
        let room = self.max_bytes - self.partial.len();
        let end = input.iter().take(room).position(|&b| b == b'\n').map(|at| at + 1);
        let (piece, after) = input.split_at(end.unwrap_or(room.min(input.len())));
        *rest = after;
        let is_complete = end.is_some();
        if !is_complete && piece.len() < room {
            self.partial.extend_from_slice(piece);
            return None;
        }
        let is_whole = is_complete && !self.in_overlong;
        self.in_overlong = !is_complete;
        if self.partial.is_empty() {
            return Some(Line { bytes: piece, is_whole });
        }
        self.partial.extend_from_slice(piece);
        self.handed_out = true;
        Some(Line { bytes: &self.partial, is_whole })
    }

    /// The last line, when the stream ends without a line feed.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        if self.handed_out || self.partial.is_empty() {
            return None;
        }
        self.handed_out = true;
        Some(Line { bytes: &self.partial, is_whole: !std::mem::take(&mut self.in_overlong) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(chunks: &[&[u8]], max_bytes: usize) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Lines::new(max_bytes);
        let mut out = Vec::new();
        for chunk in chunks {
            let mut rest = *chunk;
            while let Some(line) = lines.next(&mut rest) {
                out.push((line.bytes.to_vec(), line.is_whole));
            }
        }
        out.extend(lines.finish().map(|line| (line.bytes.to_vec(), line.is_whole)));
        out
    }

    fn line(text: &str, is_whole: bool) -> (Vec<u8>, bool) {
        (text.as_bytes().to_vec(), is_whole)
    }

    #[test]
    fn lines_come_whole_and_long_ones_in_pieces() {
        assert_eq!(cut(&[b"ab\nc", b"d\n", b"e"], 8), [line("ab\n", true), line("cd\n", true), line("e", true)]);
        assert_eq!(
            cut(&[b"abcdefgh\nij\n"], 4),
            [line("abcd", false), line("efgh", false), line("\n", false), line("ij\n", true)]
        );
        assert_eq!(cut(&[b"abc\nde\n"], 4), [line("abc\n", true), line("de\n", true)]);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_lines(text in "[a-c\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &text.as_bytes()[w[0]..w[1]]).collect();
            let pieces = cut(&chunks, 7);
            prop_assert_eq!(&pieces, &cut(&[text.as_bytes()], 7));
            prop_assert_eq!(pieces.concat_bytes(), text.into_bytes(), "nothing is lost");
        }
    }

    trait ConcatBytes {
        fn concat_bytes(&self) -> Vec<u8>;
    }

    impl ConcatBytes for Vec<(Vec<u8>, bool)> {
        fn concat_bytes(&self) -> Vec<u8> {
            self.iter().flat_map(|(bytes, _)| bytes.clone()).collect()
        }
    }
}
