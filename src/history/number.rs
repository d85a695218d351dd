//! Columns of floats: as integers on a [`Grid`] with the few exceptions apart, or raw when no grid fits.

use super::column::{Basis, Cursor, Span, put_column, put_part, put_varint};
use super::transform::Grid;

/// Stands where a grid's code would, for raw floats.
const RAW: u8 = 255;

/// Numbers that are looked at to find the grid, spread over the column.
const SAMPLE: usize = 24;

/// Appends a column of floats that comes back bit for bit, NaN and -0.0 included.
pub(super) fn put_numbers(out: &mut Vec<u8>, numbers: &[f64]) {
    if numbers.is_empty() {
        return;
    }
    let Some((grid, integers, exceptions)) = on_grid(numbers) else {
        out.push(RAW);
        for n in numbers {
            out.extend_from_slice(&n.to_le_bytes());
        }
        return;
    };
    out.push(grid.code());
    let mut part = Vec::with_capacity(numbers.len() * 2);
    let mut before = 0;
    for (index, n) in &exceptions {
        put_varint(&mut part, (index - before) as u64);
        part.extend_from_slice(&n.to_le_bytes());
        before = *index;
    }
    put_part(out, &part);
    put_column(out, &integers, Basis::Index);
}

type OnGrid = (Grid, Vec<i64>, Vec<(usize, f64)>);

/// The column on the grid that suits it best; `None` when more than one number in eight would be an exception.
fn on_grid(numbers: &[f64]) -> Option<OnGrid> {
    let sample = spread(numbers);
    let first = Grid::find(&sample).map(|grid| split(grid, numbers));
    let Some((_, _, exceptions)) = &first else {
        return None;
    };
    if exceptions.len() * 64 <= numbers.len() {
        return first;
    }
    // The sample missed what the exceptions have: another decimal, mostly.
    let missed: Vec<f64> = exceptions.iter().map(|(_, n)| *n).collect();
    let second = Grid::find(&spread(&missed)).map(|grid| split(grid, numbers));
    first.into_iter().chain(second).min_by_key(|tried| tried.2.len()).filter(|best| best.2.len() * 8 <= numbers.len())
}

fn spread(numbers: &[f64]) -> Vec<f64> {
    let stride = numbers.len().div_ceil(SAMPLE);
    numbers.iter().step_by(stride).copied().collect()
}

fn split(grid: Grid, numbers: &[f64]) -> OnGrid {
    let mut integers = Vec::with_capacity(numbers.len());
    let mut exceptions = Vec::new();
    let mut last = 0;
    for (i, n) in numbers.iter().enumerate() {
        if let Some(k) = grid.integer(*n) {
            last = k;
        } else {
            exceptions.push((i, *n));
        }
        integers.push(last);
    }
    (grid, integers, exceptions)
}

/// A place in a column of floats that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    /// Eight bytes each.
    Raw(Span),
    /// Integers, with the index of the next exception and where the exceptions go on.
    OnGrid { grid: Grid, integers: Cursor, index: usize, next_exception: Option<usize>, exceptions: Span },
}

impl Numbers {
    /// A column at the start of `span`.
    pub fn new(mut span: Span, bytes: &[u8]) -> Option<Self> {
        if span.left() == 0 {
            return Some(Self::Raw(span));
        }
        let code = span.byte(bytes)?;
        if code == RAW {
            return Some(Self::Raw(span));
        }
        let grid = Grid::from_code(code)?;
        let mut exceptions = span.part(bytes)?;
        let next_exception = gap(&mut exceptions, bytes)?;
        Some(Self::OnGrid { grid, integers: Cursor::new(span, bytes)?, index: 0, next_exception, exceptions })
    }

    /// The next number.
    pub fn next(&mut self, bytes: &[u8]) -> Option<f64> {
        match self {
            Self::Raw(span) => span.float(bytes),
            Self::OnGrid { grid, integers, index, next_exception, exceptions } => {
                let k = integers.next(bytes)?;
                let here = *index;
                *index += 1;
                if *next_exception != Some(here) {
                    return Some(grid.number(k));
                }
                let n = exceptions.float(bytes)?;
                *next_exception = match gap(exceptions, bytes)? {
                    Some(by) => Some(here.checked_add(by)?),
                    None => None,
                };
                Some(n)
            }
        }
    }
}

/// Distance to the next exception: `Some(None)` when there is none left, `None` when it cannot be read.
#[expect(clippy::option_option, reason = "the outer is damage, the inner is the end")]
fn gap(exceptions: &mut Span, bytes: &[u8]) -> Option<Option<usize>> {
    if exceptions.left() == 0 {
        return Some(None);
    }
    usize::try_from(exceptions.varint(bytes)?).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(numbers: &[f64]) -> usize {
        let mut out = Vec::new();
        put_numbers(&mut out, numbers);
        let mut column = Numbers::new(Span::of(&out), &out).unwrap();
        for (i, n) in numbers.iter().enumerate() {
            assert_eq!(column.next(&out).map(f64::to_bits), Some(n.to_bits()), "at {i}");
        }
        out.len()
    }

    #[test]
    fn one_odd_number_does_not_cost_the_column_its_grid() {
        let mut numbers: Vec<f64> = (0..600).map(|i| f64::from(i % 50) / 10.0 * 1852.0 / 3600.0).collect();
        numbers[77] = -0.0;
        numbers[300] = std::f64::consts::E;
        assert!(round_trip(&numbers) < 800);
    }

    #[test]
    fn decimals_that_the_sample_missed_are_found_from_what_it_missed() {
        let numbers: Vec<f64> =
            (0..600).map(|i| f64::from(if i % 25 < 13 { i * 100 } else { i * 100 + 7 }) / 100.0).collect();
        assert!(round_trip(&numbers) < 2000);
    }

    proptest! {
        #[test]
        fn any_floats_come_back(bits in proptest::collection::vec(any::<u64>(), 0..200), tenths in any::<i16>()) {
            let mut numbers: Vec<f64> = bits.iter().map(|b| f64::from_bits(*b)).collect();
            round_trip(&numbers);
            for (i, n) in numbers.iter_mut().enumerate() {
                if i % 9 != 0 {
                    *n = f64::from(tenths) / 10.0 + i as f64;
                }
            }
            round_trip(&numbers);
        }
    }
}
