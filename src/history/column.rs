//! Columns of integers: what stamps, sequence numbers and the integers behind measured values become before zstd sees
//! them. A column is written relative to whatever leaves the smallest numbers: a base, the value before, or a straight
//! line over another column.
//!
//! Reading is streaming, so that an hour of a whole boat can be merged without being unpacked, and it never trusts what
//! it reads: every read is checked, and arithmetic wraps.

/// Appends an unsigned number, seven bits a byte, low bits first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a signed number so that small ones of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, n: i64) {
    put_varint(out, zigzag(n));
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// Bytes that [`put_varint`] needs.
const fn varint_len(n: u64) -> usize {
    (70 - (n | 1).leading_zeros() as usize) / 7
}

/// A checked place in a buffer, from `at` to `end`. It does not borrow the buffer: whoever owns both hands it in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    at: usize,
    end: usize,
}

impl Span {
    /// The whole buffer.
    pub fn of(bytes: &[u8]) -> Self {
        Self { at: 0, end: bytes.len() }
    }

    /// Bytes left.
    pub const fn left(self) -> usize {
        self.end - self.at
    }

    /// The next byte.
    pub fn byte(&mut self, bytes: &[u8]) -> Option<u8> {
        if self.at >= self.end {
            return None;
        }
        let b = *bytes.get(self.at)?;
        self.at += 1;
        Some(b)
    }

    /// The next unsigned number; `None` at the end and for more than 64 bits.
    pub fn varint(&mut self, bytes: &[u8]) -> Option<u64> {
        let first = self.byte(bytes)?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let mut n = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let b = self.byte(bytes)?;
            n |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Some(n);
            }
        }
        None
    }

    /// The next signed number.
    pub fn signed(&mut self, bytes: &[u8]) -> Option<i64> {
        self.varint(bytes).map(unzigzag)
    }

    /// The next number as a size, which can be no larger than what is left in bytes.
    pub fn size(&mut self, bytes: &[u8]) -> Option<usize> {
        let n = usize::try_from(self.varint(bytes)?).ok()?;
        (n <= self.left()).then_some(n)
    }

    /// The next eight bytes as a float.
    pub fn float(&mut self, bytes: &[u8]) -> Option<f64> {
        let eight: [u8; 8] = self.slice(bytes, 8)?.try_into().ok()?;
        Some(f64::from_le_bytes(eight))
    }

    /// The next `n` bytes.
    pub fn slice<'a>(&mut self, bytes: &'a [u8], n: usize) -> Option<&'a [u8]> {
        if n > self.left() {
            return None;
        }
        let slice = bytes.get(self.at..self.at + n)?;
        self.at += n;
        Some(slice)
    }

    /// A part that was written by [`put_part`].
    pub fn part(&mut self, bytes: &[u8]) -> Option<Self> {
        let n = self.size(bytes)?;
        let part = Self { at: self.at, end: self.at + n };
        self.at += n;
        Some(part)
    }
}

/// Appends `part` behind its length.
pub(super) fn put_part(out: &mut Vec<u8>, part: &[u8]) {
    put_varint(out, part.len() as u64);
    out.extend_from_slice(part);
}

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Distance from a base.
    Offset = 0,
    /// Distance from the number before.
    Delta = 1,
    /// Distance from a line over the other column.
    Line = 2,
    /// Distance of the step from the step that the slope predicts.
    Step = 3,
}

/// What a column is written relative to: its own index, or the values of a column that the reader already has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Basis<'a> {
    /// 0, 1, 2, …
    Index,
    /// The numbers of another column of the same length.
    Column(&'a [i64]),
}

impl Basis<'_> {
    fn at(self, i: usize) -> i64 {
        match self {
            Self::Index => i as i64,
            Self::Column(values) => values[i],
        }
    }
}

/// Where the line stands above `from` when the basis has moved on by `by`. Plain IEEE arithmetic, the same everywhere.
fn line(slope: f64, by: i64) -> i64 {
    (by as f64 * slope).round_ties_even() as i64
}

/// Appends a column in the shortest of the four modes.
pub(super) fn put_column(out: &mut Vec<u8>, values: &[i64], basis: Basis<'_>) {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return;
    };
    let n = values.len();
    let run = basis.at(n - 1).wrapping_sub(basis.at(0));
    let slope = if run == 0 { 0.0 } else { last.wrapping_sub(first) as f64 / run as f64 };
    let middle = values[n / 2];
    let mut cost = [0_usize; 4];
    // A sixteenth of a long column shows as well as all of it which mode is shortest.
    for i in sample(n) {
        for (mode, cost) in MODES.iter().zip(&mut cost) {
            *cost += varint_len(zigzag(residual(*mode, values, basis, i, middle, slope)));
        }
    }
    // The two with a slope carry eight bytes more.
    cost[2] += 8;
    cost[3] += 8;
    let mode = MODES[(0..4).min_by_key(|&m| cost[m]).unwrap_or(0)];
    out.push(mode as u8);
    put_signed(out, if mode == Mode::Offset { middle } else { first });
    if matches!(mode, Mode::Line | Mode::Step) {
        out.extend_from_slice(&slope.to_le_bytes());
    }
    let start = usize::from(mode != Mode::Offset);
    for i in start..n {
        put_signed(out, residual(mode, values, basis, i, middle, slope));
    }
}

const MODES: [Mode; 4] = [Mode::Offset, Mode::Delta, Mode::Line, Mode::Step];

/// Indices looked at to choose a mode: all of a short column, runs of eight spread over a long one.
fn sample(n: usize) -> impl Iterator<Item = usize> {
    let stride = if n <= 256 { 1 } else { 16 };
    (1..n).filter(move |i| (i / 8) % stride == 0)
}

fn residual(mode: Mode, values: &[i64], basis: Basis<'_>, i: usize, middle: i64, slope: f64) -> i64 {
    match mode {
        Mode::Offset => values[i].wrapping_sub(middle),
        Mode::Delta => values[i].wrapping_sub(values[i - 1]),
        Mode::Line => {
            let by = basis.at(i).wrapping_sub(basis.at(0));
            values[i].wrapping_sub(values[0].wrapping_add(line(slope, by)))
        }
        Mode::Step => {
            let by = basis.at(i).wrapping_sub(basis.at(i - 1));
            values[i].wrapping_sub(values[i - 1]).wrapping_sub(line(slope, by))
        }
    }
}

/// A place in a column that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    span: Span,
    mode: Mode,
    base: i64,
    slope: f64,
    basis: i64,
    index: i64,
}

impl Cursor {
    /// A column at the start of `span`. An empty span is a column without numbers.
    pub fn new(mut span: Span, bytes: &[u8]) -> Option<Self> {
        if span.left() == 0 {
            return Some(Self { span, mode: Mode::Offset, base: 0, slope: 0.0, basis: 0, index: 0 });
        }
        let mode = *MODES.get(usize::from(span.byte(bytes)?))?;
        let base = span.signed(bytes)?;
        let slope = if matches!(mode, Mode::Line | Mode::Step) { span.float(bytes)? } else { 0.0 };
        Some(Self { span, mode, base, slope, basis: 0, index: 0 })
    }

    /// The next number of a column that was written over its own index.
    pub fn next(&mut self, bytes: &[u8]) -> Option<i64> {
        self.next_over(bytes, self.index)
    }

    /// The next number of a column that was written over another one, whose number in this place is `basis`.
    pub fn next_over(&mut self, bytes: &[u8], basis: i64) -> Option<i64> {
        let first = self.index == 0;
        self.index += 1;
        if self.mode == Mode::Offset {
            return Some(self.base.wrapping_add(self.span.signed(bytes)?));
        }
        if first {
            self.basis = basis;
            return Some(self.base);
        }
        let residual = self.span.signed(bytes)?;
        let by = basis.wrapping_sub(self.basis);
        match self.mode {
            Mode::Line => Some(self.base.wrapping_add(line(self.slope, by)).wrapping_add(residual)),
            Mode::Step => {
                self.basis = basis;
                self.base = self.base.wrapping_add(residual).wrapping_add(line(self.slope, by));
                Some(self.base)
            }
            Mode::Offset | Mode::Delta => {
                self.base = self.base.wrapping_add(residual);
                Some(self.base)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[i64], basis: &[i64]) -> usize {
        let mut over_index = Vec::new();
        put_column(&mut over_index, values, Basis::Index);
        let mut cursor = Cursor::new(Span::of(&over_index), &over_index).unwrap();
        for v in values {
            assert_eq!(cursor.next(&over_index), Some(*v));
        }
        let mut over_column = Vec::new();
        put_column(&mut over_column, values, Basis::Column(basis));
        let mut cursor = Cursor::new(Span::of(&over_column), &over_column).unwrap();
        for (v, b) in values.iter().zip(basis) {
            assert_eq!(cursor.next_over(&over_column, *b), Some(*v));
        }
        over_index.len()
    }

    #[test]
    fn a_jittered_second_costs_a_byte_a_stamp() {
        let stamps: Vec<i64> = (0..600).map(|i| 1_700_000_000_000 + i * 1000 + (i * 7919) % 40).collect();
        assert!(round_trip(&stamps, &stamps) < 640);
    }

    #[test]
    fn lengths_are_told_right() {
        for shift in 0..64 {
            for n in [1_u64 << shift, (1_u64 << shift) - 1] {
                let mut out = Vec::new();
                put_varint(&mut out, n);
                assert_eq!(out.len(), varint_len(n), "{n}");
                assert_eq!(Span::of(&out).varint(&out), Some(n));
            }
        }
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(pairs in proptest::collection::vec((any::<i64>(), any::<i64>()), 1..300)) {
            let (values, basis): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            round_trip(&values, &basis);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(mut cursor) = Cursor::new(Span::of(&bytes), &bytes) {
                while cursor.next(&bytes).is_some() {}
            }
        }
    }
}
