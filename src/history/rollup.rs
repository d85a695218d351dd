//! Rollups: least, mean and greatest number of each minute, for charts over days and months.
//!
//! A blob holds the minutes of one series in one window. It is written only where it saves reading: for series of
//! [`DENSE`] numbers a minute and more. Of the others the points themselves are as quick to read. The hour is not kept
//! apart: the row of a merged chunk holds the count, least, mean and greatest of its hour beside the blob.
//!
//! Means are arithmetic, also of angles: a mean across north is the reader's to handle. A mean is kept to a 65,535th of the
//! span of its own minute; least, greatest and count are exact.

use super::chunk::{Corrupt, Point};
use super::column::{Basis, Cursor, Span, put_column, put_part, put_varint};
use super::envelope::{Packer, Unpacker};
use super::number::{Numbers, put_numbers};
use crate::kernel::time::Timestamp;

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;

/// Numbers a minute from which on rollups are kept: a bucket is then a tenth of what it stands for.
pub const DENSE: usize = 10;

/// Most buckets of a blob; an hour has 60, and clamped stamps may make more.
const BUCKETS_MAX: usize = 4096;

const LAYOUT: u8 = 1;

/// What the numbers of a series came to in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Start of the stretch.
    pub at: Timestamp,
    /// How many numbers.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
}

impl Bucket {
    /// The bucket of a single number.
    pub const fn of(at: Timestamp, n: f64) -> Self {
        Self { at, count: 1, min: n, mean: n, max: n }
    }

    /// Takes in what another stretch came to.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.mean += (other.mean - self.mean) * (other.count as f64 / self.count as f64);
    }
}

/// Adds to buckets of `resolution_ms` (aligned to 1970), in which times come in order or nearly so.
pub fn add_to(buckets: &mut Vec<Bucket>, resolution_ms: i64, bucket: &Bucket) {
    let start = bucket.at.as_millis().div_euclid(resolution_ms) * resolution_ms;
    let at = Timestamp::from_millis(start);
    let aligned = Bucket { at, ..*bucket };
    match buckets.iter().rposition(|b| b.at <= at) {
        Some(i) if buckets[i].at == at => buckets[i].add(&aligned),
        Some(i) => buckets.insert(i + 1, aligned),
        None => buckets.insert(0, aligned),
    }
}

/// The minutes of points in order of time; empty when they are not dense enough to be worth it.
pub(super) fn minutes(points: &[Point]) -> Vec<Bucket> {
    let mut buckets = Vec::new();
    let mut numbers = 0;
    for point in points {
        if let Some(n) = point.value.as_f64() {
            numbers += 1;
            add_to(&mut buckets, MINUTE_MS, &Bucket::of(point.at, n));
        }
    }
    if numbers < buckets.len() * DENSE || buckets.len() > BUCKETS_MAX {
        buckets.clear();
    }
    buckets
}

pub(super) fn encode(packer: &mut Packer, buckets: &[Bucket]) -> Vec<u8> {
    let collect = |number: fn(&Bucket) -> f64| buckets.iter().map(number).collect::<Vec<_>>();
    let fraction = |b: &Bucket| {
        // Nought where the span is none (or overflows): then the least is as good a mean as any.
        let fraction = (b.mean - b.min) / (b.max - b.min);
        if fraction.is_finite() { (fraction * 65_535.0).round() as i64 } else { 0 }
    };
    let mut raw = vec![LAYOUT];
    put_varint(&mut raw, buckets.len() as u64);
    let mut part = Vec::new();
    let mut integers = |raw: &mut Vec<u8>, number: &dyn Fn(&Bucket) -> i64| {
        part.clear();
        put_column(&mut part, &buckets.iter().map(number).collect::<Vec<_>>(), Basis::Index);
        put_part(raw, &part);
    };
    integers(&mut raw, &|b| b.at.as_millis().div_euclid(MINUTE_MS));
    integers(&mut raw, &|b| b.count as i64);
    integers(&mut raw, &fraction);
    for number in [|b: &Bucket| b.min, |b: &Bucket| b.max] {
        let mut part = Vec::new();
        put_numbers(&mut part, &collect(number));
        put_part(&mut raw, &part);
    }
    packer.pack(&raw)
}

pub(super) fn decode(unpacker: &mut Unpacker, blob: &[u8]) -> Result<Vec<Bucket>, Corrupt> {
    let raw = unpacker.unpack(blob).ok_or(Corrupt)?;
    read(&raw).ok_or(Corrupt)
}

fn read(bytes: &[u8]) -> Option<Vec<Bucket>> {
    let mut span = Span::of(bytes);
    if span.byte(bytes)? != LAYOUT {
        return None;
    }
    let count = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= BUCKETS_MAX)?;
    let mut minute = Cursor::new(span.part(bytes)?, bytes)?;
    let mut counts = Cursor::new(span.part(bytes)?, bytes)?;
    let mut fractions = Cursor::new(span.part(bytes)?, bytes)?;
    let mut mins = Numbers::new(span.part(bytes)?, bytes)?;
    let mut maxs = Numbers::new(span.part(bytes)?, bytes)?;
    let mut buckets = Vec::with_capacity(count);
    for _ in 0..count {
        let (min, max) = (mins.next(bytes)?, maxs.next(bytes)?);
        let at = Timestamp::from_millis(minute.next(bytes)?.saturating_mul(MINUTE_MS));
        let count = counts.next(bytes)? as u64;
        let fraction = fractions.next(bytes)?;
        let mean = if fraction == 0 { min } else { min + (max - min) * (fraction as f64 / 65_535.0) };
        buckets.push(Bucket { at, count, min, mean, max });
    }
    Some(buckets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::value::Value;

    fn points(n: i64, step_ms: i64) -> Vec<Point> {
        (0..n)
            .map(|i| Point {
                at: Timestamp::from_millis(i * step_ms),
                seq: i as u64,
                value: Value::number((i * 37 % 100) as f64 / 10.0),
            })
            .collect()
    }

    #[test]
    fn minutes_come_back_and_cost_little() {
        let points = points(600, 1000);
        let buckets = minutes(&points);
        assert_eq!(buckets.len(), 10);
        let blob = encode(&mut Packer::new(3), &buckets);
        assert!(blob.len() < 90, "{}", blob.len());
        let back = decode(&mut Unpacker::new(), &blob).unwrap();
        for (a, b) in buckets.iter().zip(&back) {
            assert_eq!((a.at, a.count, a.min, a.max), (b.at, b.count, b.min, b.max));
            assert!((a.mean - b.mean).abs() <= (a.max - a.min) / 65_535.0, "{a:?} {b:?}");
        }
        let in_minute = &points[60..120];
        let mean = in_minute.iter().filter_map(|p| p.value.as_f64()).sum::<f64>() / 60.0;
        assert!((buckets[1].mean - mean).abs() < 1e-9);
    }

    #[test]
    fn sparse_series_have_none() {
        assert_eq!(minutes(&points(60, 10_000)), []);
    }

    #[test]
    fn stretches_add_up_in_any_order() {
        let mut buckets = Vec::new();
        for t in [5_000, 65_000, 1_000, 3_700_000, 61_000] {
            add_to(&mut buckets, MINUTE_MS, &Bucket::of(Timestamp::from_millis(t), t as f64));
        }
        let starts: Vec<(i64, u64, f64)> = buckets.iter().map(|b| (b.at.as_millis(), b.count, b.mean)).collect();
        assert_eq!(starts, [(0, 2, 3000.0), (60_000, 2, 63_000.0), (3_660_000, 1, 3_700_000.0)]);
    }
}
