//! Many values of one stretch of time become one: a column of an answer, filled in order of time.
//!
//! Nulls (known to be gone) take no part. What is no number has no mean: methods that need numbers give the first of such
//! values, so that texts and positions are told rather than left out.

use super::query::Method;
use super::rollup::Bucket;
use crate::kernel::time::Timestamp;
use crate::kernel::value::Value;

/// Values of one stretch that are held for a median or a middle. Of more, every second is left out, then every second of
/// those, and so on.
const HELD_MAX: usize = 65_536;

/// A column that is being filled.
#[derive(Debug)]
pub struct Column {
    method: Method,
    is_angle: bool,
    resolution_ms: i64,
    done: Vec<(i64, Value)>,
    current: Option<(i64, Stretch)>,
}

impl Column {
    /// An empty column of rows that are `resolution_ms` wide and begin at multiples of it. `is_angle` is for paths in
    /// radians.
    pub const fn new(method: Method, is_angle: bool, resolution_ms: i64) -> Self {
        Self { method, is_angle, resolution_ms, done: Vec::new(), current: None }
    }

    /// The next value in order of time.
    pub fn add(&mut self, at: Timestamp, value: &Value) {
        let method = self.method;
        if !value.is_null() {
            self.stretch(at).add(method, value);
        }
    }

    /// What a stretch of numbers came to. For methods that need no more than that.
    pub fn add_bucket(&mut self, bucket: &Bucket) {
        self.stretch(bucket.at).add_numbers(bucket);
    }

    /// The cells that have a value, ascending, each with the number of its row since 1970.
    pub fn finish(mut self) -> Vec<(i64, Value)> {
        self.close();
        match self.method {
            Method::Sma(samples) => sma(&mut self.done, samples),
            Method::Ema(alpha) => ema(&mut self.done, alpha),
            _ => {}
        }
        self.done
    }

    fn stretch(&mut self, at: Timestamp) -> &mut Stretch {
        let row = at.as_millis().div_euclid(self.resolution_ms);
        if self.current.as_ref().is_none_or(|(current, _)| *current != row) {
            self.close();
        }
        &mut self.current.get_or_insert_with(|| (row, Stretch::default())).1
    }

    fn close(&mut self) {
        if let Some((row, stretch)) = self.current.take() {
            self.done.push((row, stretch.value(self.method, self.is_angle)));
        }
    }
}

/// The values of one row so far.
#[derive(Debug, Default)]
struct Stretch {
    numbers: Option<Bucket>,
    /// Of the unit vectors of angles: north, east.
    vector: (f64, f64),
    /// The first or last value, or the first that is no number.
    one: Option<Value>,
    held: Held,
}

impl Stretch {
    fn add(&mut self, method: Method, value: &Value) {
        match (method, value.as_f64()) {
            (Method::Last, _) => self.one = Some(value.clone()),
            (Method::MiddleIndex, _) => self.held.push(value),
            (Method::Mid, Some(_)) => self.held.push(value),
            (Method::First, _) | (_, None) => {
                if self.one.is_none() {
                    self.one = Some(value.clone());
                }
            }
            (_, Some(n)) => {
                self.vector = (self.vector.0 + n.cos(), self.vector.1 + n.sin());
                self.add_numbers(&Bucket::of(Timestamp::from_millis(0), n));
            }
        }
    }

    fn add_numbers(&mut self, bucket: &Bucket) {
        match &mut self.numbers {
            Some(numbers) => numbers.add(bucket),
            None => self.numbers = Some(*bucket),
        }
    }

    fn value(mut self, method: Method, is_angle: bool) -> Value {
        let number = match (method, self.numbers) {
            (Method::Min, Some(n)) => Some(n.min),
            (Method::Max, Some(n)) => Some(n.max),
            (Method::Average | Method::Sma(_) | Method::Ema(_), Some(n)) if is_angle => {
                Some(direction(self.vector, n.min))
            }
            (Method::Average | Method::Sma(_) | Method::Ema(_), Some(n)) => Some(n.mean),
            (Method::Mid, _) => self.held.median(),
            (Method::MiddleIndex, _) => return self.held.middle(),
            _ => None,
        };
        number.map(Value::number).or(self.one).unwrap_or(Value::Null)
    }
}

/// The direction of a vector, in the range that its angles used: below zero only if one of them was.
fn direction((north, east): (f64, f64), least: f64) -> f64 {
    let angle = east.atan2(north);
    if angle < 0.0 && least >= 0.0 { angle + std::f64::consts::TAU } else { angle }
}

/// Values in order of time, thinned out when they are too many.
#[derive(Debug, Default)]
struct Held {
    values: Vec<Value>,
    /// One of so many is kept, as a power of two.
    stride_bits: u32,
    seen: u64,
}

impl Held {
    fn push(&mut self, value: &Value) {
        if self.values.len() >= HELD_MAX {
            let mut index = 0_usize;
            self.values.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride_bits += 1;
        }
        if self.seen.trailing_zeros() >= self.stride_bits {
            self.values.push(value.clone());
        }
        self.seen += 1;
    }

    fn middle(&mut self) -> Value {
        let count = self.values.len();
        if count == 0 { Value::Null } else { self.values.swap_remove((count - 1) / 2) }
    }

    /// Of an even number of values the mean of the two in the middle.
    fn median(&self) -> Option<f64> {
        let mut numbers: Vec<f64> = self.values.iter().filter_map(Value::as_f64).collect();
        numbers.sort_unstable_by(f64::total_cmp);
        let upper = *numbers.get(numbers.len() / 2)?;
        let lower = numbers[(numbers.len() - 1) / 2];
        Some(lower + (upper - lower) / 2.0)
    }
}

/// Each number becomes the mean of itself and up to `samples - 1` before it. Rows without a number take no part.
fn sma(cells: &mut [(i64, Value)], samples: usize) {
    let mut window = std::collections::VecDeque::with_capacity(samples.min(cells.len()));
    for (_, value) in cells {
        let Some(n) = value.as_f64() else { continue };
        if window.len() == samples {
            window.pop_front();
        }
        window.push_back(n);
        *value = Value::number(window.iter().sum::<f64>() / window.len() as f64);
    }
}

/// Each number becomes `alpha` of itself and the rest of what the one before it became.
fn ema(cells: &mut [(i64, Value)], alpha: f64) {
    let mut before: Option<f64> = None;
    for (_, value) in cells {
        let Some(n) = value.as_f64() else { continue };
        let smooth = before.map_or(n, |before| before + alpha * (n - before));
        *value = Value::number(smooth);
        before = Some(smooth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    /// The rows of seconds, of values at these milliseconds.
    fn rows(method: Method, is_angle: bool, values: &[(i64, Value)]) -> Vec<(i64, String)> {
        let mut column = Column::new(method, is_angle, 1_000);
        for (at, value) in values {
            column.add(Timestamp::from_millis(*at), value);
        }
        column.finish().into_iter().map(|(row, value)| (row, value.to_json())).collect()
    }

    fn numbers(all: &[(i64, f64)]) -> Vec<(i64, Value)> {
        all.iter().map(|(at, n)| (*at, Value::number(*n))).collect()
    }

    #[test]
    fn each_method_gives_its_own() {
        let values = numbers(&[(0, 5.0), (100, 1.0), (200, 9.0), (300, 3.0), (2_000, 7.0), (2_001, 8.0)]);
        let table = [
            (Method::Average, ["4.5", "7.5"]),
            (Method::Min, ["1.0", "7.0"]),
            (Method::Max, ["9.0", "8.0"]),
            (Method::First, ["5.0", "7.0"]),
            (Method::Last, ["3.0", "8.0"]),
            (Method::Mid, ["4.0", "7.5"]),
            (Method::MiddleIndex, ["1.0", "7.0"]),
            (Method::Sma(2), ["4.5", "6.0"]),
            (Method::Sma(1), ["4.5", "7.5"]),
            (Method::Ema(0.5), ["4.5", "6.0"]),
            (Method::Ema(1.0), ["4.5", "7.5"]),
        ];
        for (method, [first, second]) in table {
            let expected = vec![(0, first.to_owned()), (2, second.to_owned())];
            assert_eq!(rows(method, false, &values), expected, "{method:?}");
        }
    }

    #[test]
    fn nulls_take_no_part_and_make_no_row() {
        let values = [(0, Value::Null), (1_000, Value::number(2.0)), (1_500, Value::Null), (2_000, Value::Null)];
        for method in [Method::Average, Method::First, Method::Last, Method::Mid, Method::MiddleIndex] {
            assert_eq!(rows(method, false, &values), [(1, "2.0".to_owned())], "{method:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_as_it_is() {
        let values = [(0, Value::text("motoring")), (500, Value::text("sailing"))];
        for (method, expected) in [
            (Method::Average, "\"motoring\""),
            (Method::Max, "\"motoring\""),
            (Method::Mid, "\"motoring\""),
            (Method::Sma(3), "\"motoring\""),
            (Method::First, "\"motoring\""),
            (Method::Last, "\"sailing\""),
            (Method::MiddleIndex, "\"motoring\""),
        ] {
            assert_eq!(rows(method, false, &values), [(0, expected.to_owned())], "{method:?}");
        }
    }

    #[test]
    fn the_mean_of_courses_around_north_is_north() {
        let mean = |angles: &[f64]| {
            let values: Vec<_> = angles.iter().map(|a| (0, *a)).collect();
            rows(Method::Average, true, &numbers(&values))[0].1.parse::<f64>().unwrap()
        };
        for (angles, expected) in [
            (&[0.1, TAU - 0.1][..], 0.0),
            (&[0.3, TAU - 0.1], 0.1),
            (&[TAU - 0.3, TAU - 0.1], TAU - 0.2),
            (&[PI - 0.1, PI + 0.1], PI),
            (&[-0.4, -0.2], -0.3),
            (&[-1.0, 2.0], 0.5),
        ] {
            let off = (mean(angles) - expected).rem_euclid(TAU);
            assert!(off.min(TAU - off) < 1e-9, "{angles:?}: {}", mean(angles));
        }
        assert!(mean(&[TAU - 0.3, TAU - 0.1]) > PI, "courses stay in their range");
        assert!(mean(&[-0.4, -0.2]) < 0.0, "and so do angles to both sides");
    }

    #[test]
    fn statistics_of_stretches_stand_for_their_numbers() {
        let mut column = Column::new(Method::Average, false, 60_000);
        for (at, n) in [(0, 1.0), (1, 2.0), (2, 6.0), (60_000, 4.0)] {
            column.add_bucket(&Bucket::of(Timestamp::from_millis(at), n));
        }
        assert_eq!(column.finish(), [(0, Value::number(3.0)), (1, Value::number(4.0))]);
    }

    #[test]
    fn a_median_of_very_many_is_thinned_out_evenly() {
        let count = 5 * HELD_MAX as i64;
        for method in [Method::Mid, Method::MiddleIndex] {
            let mut column = Column::new(method, false, i64::MAX);
            for i in 0..count {
                column.add(Timestamp::from_millis(i), &Value::number(i as f64));
            }
            let held = column.current.as_ref().map(|(_, stretch)| stretch.held.values.len()).unwrap();
            assert!(held <= HELD_MAX, "{held}");
            let median = column.finish()[0].1.as_f64().unwrap();
            assert!((median - count as f64 / 2.0).abs() < 16.0, "{method:?}: {median}");
        }
    }
}
