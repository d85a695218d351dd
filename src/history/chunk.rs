//! The codec of a chunk: every value of one series in one stretch of time, column by column, in one blob.
//!
//! A blob holds, behind its format byte and under zstd, a version, the number of points, and ten columns, each behind
//! its length: capture times, sequence numbers, runs of equal type, then what the types need: integers, numbers,
//! latitudes, longitudes, altitudes, texts and JSON. Lossless bit for bit, -0.0 and all.
//!
//! The paths of one sentence have the same stamps, and the stamps are half of a blob: so a chunk may leave them to another
//! one ([`Encoder::encode_values`]), whose [`Stamps`] are then needed to read it. [`Points`] reads as a stream and holds only
//! the unpacked columns, about three bytes a point; any bytes are either read or refused with [`Corrupt`].

use std::sync::Arc;

use super::column::{Basis, Cursor, Span, put_column, put_part, put_varint};
use super::envelope::{LEVEL_KEPT, Packer, Unpacker};
use super::number::{Numbers, put_numbers};
use super::repeats::{Dictionary, RunReader, Runs, Words};
use crate::kernel::time::Timestamp;
use crate::kernel::value::{Position, Value};

/// Most points of one chunk; a window that holds more of one series is cut into several.
pub const POINTS_MAX: usize = 65_536;

/// Most bytes of text and JSON of one chunk.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// Version of the columns' layout, the first byte under zstd.
const LAYOUT: u8 = 1;

/// The same without stamps of its own.
const LAYOUT_VALUES: u8 = 2;

/// One value of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Capture time.
    pub at: Timestamp,
    /// Timepoint.
    pub seq: u64,
    /// The value.
    pub value: Value,
}

/// The bytes are not a chunk that this version can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("damaged or unknown chunk")]
pub struct Corrupt;

/// What a point is, in the column of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null = 0,
    False = 1,
    True = 2,
    Integer = 3,
    Number = 4,
    Position = 5,
    PositionWithAltitude = 6,
    Text = 7,
    Json = 8,
}

const KINDS: [Kind; 9] = [
    Kind::Null,
    Kind::False,
    Kind::True,
    Kind::Integer,
    Kind::Number,
    Kind::Position,
    Kind::PositionWithAltitude,
    Kind::Text,
    Kind::Json,
];

fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(false) => Kind::False,
        Value::Bool(true) => Kind::True,
        Value::Integer(_) => Kind::Integer,
        Value::Number(_) => Kind::Number,
        Value::Position(p) if p.altitude().is_some() => Kind::PositionWithAltitude,
        Value::Position(_) => Kind::Position,
        Value::Text(_) => Kind::Text,
        Value::Json(_) => Kind::Json,
    }
}

/// Makes chunks. One is kept for many: it owns a zstd context and its columns.
pub struct Encoder {
    packer: Packer,
    raw: Vec<u8>,
    times: Vec<i64>,
    seqs: Vec<i64>,
    kinds: Runs,
    integers: Vec<i64>,
    numbers: [Vec<f64>; 4],
    part: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            packer: Packer::new(LEVEL_KEPT),
            raw: Vec::new(),
            times: Vec::new(),
            seqs: Vec::new(),
            kinds: Runs::default(),
            integers: Vec::new(),
            numbers: Default::default(),
            part: Vec::new(),
        }
    }
}

impl Encoder {
    /// The blob of `points`: at most [`POINTS_MAX`] of them with at most [`TEXT_BYTES_MAX`] of text, best in order of
    /// (time, seq). See [`fitting`].
    pub fn encode(&mut self, points: &[Point]) -> Vec<u8> {
        self.write(points, LAYOUT)
    }

    /// The blob of `points` without their stamps, which are those of another chunk.
    pub fn encode_values(&mut self, points: &[Point]) -> Vec<u8> {
        self.write(points, LAYOUT_VALUES)
    }

    fn write(&mut self, points: &[Point], layout: u8) -> Vec<u8> {
        debug_assert!(points.len() <= POINTS_MAX, "the caller cuts at what fits");
        self.times.clear();
        self.seqs.clear();
        self.kinds.clear();
        self.integers.clear();
        self.numbers.iter_mut().for_each(Vec::clear);
        let mut texts = Dictionary::default();
        let mut jsons = Dictionary::default();
        for point in points {
            if layout == LAYOUT {
                self.times.push(point.at.as_millis());
                self.seqs.push(point.seq as i64);
            }
            self.kinds.push(kind(&point.value) as u64);
            match &point.value {
                Value::Null | Value::Bool(_) => {}
                Value::Integer(n) => self.integers.push(*n),
                Value::Number(n) => self.numbers[0].push(*n),
                Value::Position(p) => {
                    self.numbers[1].push(p.latitude);
                    self.numbers[2].push(p.longitude);
                    self.numbers[3].extend(p.altitude());
                }
                Value::Text(text) => texts.push(text),
                Value::Json(json) => jsons.push(json),
            }
        }
        let Self { packer, raw, times, seqs, kinds, integers, numbers, part } = self;
        raw.clear();
        raw.push(layout);
        put_varint(raw, points.len() as u64);
        let mut column = |write: &mut dyn FnMut(&mut Vec<u8>)| {
            part.clear();
            write(part);
            put_part(raw, part);
        };
        column(&mut |out| put_column(out, times, Basis::Index));
        column(&mut |out| put_column(out, seqs, Basis::Column(times)));
        column(&mut |out| kinds.write(out));
        column(&mut |out| put_column(out, integers, Basis::Index));
        for numbers in numbers {
            column(&mut |out| put_numbers(out, numbers));
        }
        column(&mut |out| texts.write(out));
        column(&mut |out| jsons.write(out));
        packer.pack(raw)
    }
}

/// How many of `points`, from the first, go into one chunk: at least one, unless there is none.
pub fn fitting(points: &[Point]) -> usize {
    let mut bytes = 0_usize;
    let fits = |point: &&Point| {
        bytes += match &point.value {
            Value::Text(text) => text.len() + 4,
            Value::Json(json) => json.len() + 4,
            _ => 0,
        };
        bytes <= TEXT_BYTES_MAX
    };
    points.iter().take(POINTS_MAX).take_while(fits).count().max(points.len().min(1))
}

/// Unpacks chunks. One is kept for many.
pub struct Decoder {
    unpacker: Unpacker,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { unpacker: Unpacker::new() }
    }
}

impl Decoder {
    /// The points of a blob, as a stream. For one without stamps of its own they must be given, and only for such a one.
    pub fn decode(&mut self, blob: &[u8], stamps: Option<&Stamps>) -> Result<Points, Corrupt> {
        let raw = self.unpacker.unpack(blob).ok_or(Corrupt)?;
        Points::new(raw, stamps).ok_or(Corrupt)
    }

    /// The stamps of a blob that has its own.
    pub fn stamps(&mut self, blob: &[u8]) -> Result<Stamps, Corrupt> {
        let raw = self.unpacker.unpack(blob).ok_or(Corrupt)?;
        Stamps::of(&raw).ok_or(Corrupt)
    }
}

/// The stamps of a chunk, for those that share them.
#[derive(Debug, Clone)]
pub struct Stamps {
    /// Both columns, each behind its length.
    bytes: Arc<[u8]>,
    count: usize,
}

impl Stamps {
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut span = Span::of(bytes);
        if span.byte(bytes)? != LAYOUT {
            return None;
        }
        let count = usize::try_from(span.varint(bytes)?).ok()?;
        let before = span;
        span.part(bytes)?;
        span.part(bytes)?;
        let length = before.left() - span.left();
        let mut columns = before;
        Some(Self { bytes: columns.slice(bytes, length)?.into(), count })
    }
}

/// The points of one chunk, in the order in which they were given to [`Encoder::encode`].
#[derive(Debug)]
pub struct Points {
    raw: Vec<u8>,
    /// Where the stamps are, when they are not in `raw`.
    stamps: Option<Arc<[u8]>>,
    left: usize,
    times: Cursor,
    seqs: Cursor,
    kinds: RunReader,
    integers: Cursor,
    numbers: [Numbers; 4],
    texts: Words,
    jsons: Words,
}

impl Points {
    fn new(raw: Vec<u8>, stamps: Option<&Stamps>) -> Option<Self> {
        let bytes = raw.as_slice();
        let mut span = Span::of(bytes);
        let layout = span.byte(bytes)?;
        let left = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= POINTS_MAX)?;
        let own = [span.part(bytes)?, span.part(bytes)?];
        let (times, seqs) = match (layout, stamps) {
            (LAYOUT, None) => (Cursor::new(own[0], bytes)?, Cursor::new(own[1], bytes)?),
            (LAYOUT_VALUES, Some(stamps)) if stamps.count == left => {
                let mut span = Span::of(&stamps.bytes);
                let mut column = || Cursor::new(span.part(&stamps.bytes)?, &stamps.bytes);
                (column()?, column()?)
            }
            _ => return None,
        };
        let kinds = RunReader::new(span.part(bytes)?);
        let integers = Cursor::new(span.part(bytes)?, bytes)?;
        let mut numbers = || Numbers::new(span.part(bytes)?, bytes);
        let numbers = [numbers()?, numbers()?, numbers()?, numbers()?];
        let texts = Words::new(span.part(bytes)?, bytes, |text| Value::text(text))?;
        let jsons = Words::new(span.part(bytes)?, bytes, |text| Value::json(Arc::<str>::from(text)))?;
        Some(Self {
            left,
            times,
            seqs,
            kinds,
            integers,
            numbers,
            texts,
            jsons,
            stamps: stamps.map(|s| s.bytes.clone()),
            raw,
        })
    }

    /// How many points are still to come.
    pub const fn left(&self) -> usize {
        self.left
    }

    fn point(&mut self) -> Option<Point> {
        let bytes = self.raw.as_slice();
        let stamps = self.stamps.as_deref().unwrap_or(bytes);
        let at = self.times.next(stamps)?;
        let seq = self.seqs.next_over(stamps, at)? as u64;
        let value = match *KINDS.get(usize::try_from(self.kinds.next(bytes)?).ok()?)? {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Integer => Value::Integer(self.integers.next(bytes)?),
            Kind::Number => Value::number(self.numbers[0].next(bytes)?),
            kind @ (Kind::Position | Kind::PositionWithAltitude) => {
                let latitude = self.numbers[1].next(bytes)?;
                let longitude = self.numbers[2].next(bytes)?;
                let altitude = if kind == Kind::PositionWithAltitude { self.numbers[3].next(bytes)? } else { f64::NAN };
                Position::new(latitude, longitude).map_or(Value::Null, |p| p.with_altitude(altitude).into())
            }
            Kind::Text => self.texts.next(bytes)?,
            Kind::Json => self.jsons.next(bytes)?,
        };
        Some(Point { at: Timestamp::from_millis(at), seq, value })
    }
}

impl Iterator for Points {
    type Item = Result<Point, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let point = self.point();
        if point.is_none() {
            // What follows the damage cannot be told from it.
            self.left = 0;
        }
        Some(point.ok_or(Corrupt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(value: &Value) -> (Value, Vec<u64>) {
        let bits = match value {
            Value::Number(n) => vec![n.to_bits()],
            Value::Position(p) => vec![p.latitude.to_bits(), p.longitude.to_bits()],
            _ => Vec::new(),
        };
        (value.clone(), bits)
    }

    fn json(points: &[Point]) -> Vec<String> {
        points.iter().map(|p| p.value.to_json()).collect()
    }

    fn check(points: &[Point]) -> usize {
        let blob = Encoder::default().encode(points);
        let back: Vec<Point> = Decoder::default()
            .decode(&blob, None)
            .expect("just written")
            .collect::<Result<_, _>>()
            .expect("just written");
        let values = Encoder::default().encode_values(points);
        let stamps = Decoder::default().stamps(&blob).expect("just written");
        let shared = Decoder::default().decode(&values, Some(&stamps)).expect("just written");
        assert_eq!(shared.map(Result::unwrap).map(|p| p.value.to_json()).collect::<Vec<_>>(), json(&back));
        assert!(Decoder::default().decode(&values, None).is_err());
        assert_eq!(back.len(), points.len());
        for (a, b) in points.iter().zip(&back) {
            assert_eq!((a.at, a.seq, bits(&a.value)), (b.at, b.seq, bits(&b.value)));
        }
        blob.len()
    }

    fn at(ms: i64, seq: u64, value: Value) -> Point {
        Point { at: Timestamp::from_millis(ms), seq, value }
    }

    #[test]
    fn an_hour_of_speed_at_one_a_second_costs_less_than_two_bytes_a_value() {
        let mut noise = 1_u64;
        let mut next = |n: u64| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 33) % n
        };
        let mut tenths = 60_i64;
        let points: Vec<Point> = (0..3600)
            .map(|i| {
                tenths = (tenths + next(5) as i64 - 2).clamp(0, 120);
                let t = 1_700_000_000_000 + i * 1000 + next(40) as i64;
                let value = Value::number(tenths as f64 / 10.0 * 1852.0 / 3600.0);
                at(t, 9_000_000 + i as u64 * 30 + next(3), value)
            })
            .collect();
        let size = check(&points);
        assert!(size < 2 * 3600, "{size}");
    }

    #[test]
    fn every_type_and_extreme_comes_back() {
        let place = Position::new(60.123_456_7, -24.9).unwrap();
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Bool(false),
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Number(-0.0),
            Value::Number(f64::MIN_POSITIVE / 4.0),
            Value::Number(f64::MAX),
            Value::Position(place),
            Value::Position(place.with_altitude(-3.25)),
            Value::text(""),
            Value::text("Jytte ⚓ of a length beyond what is held in place"),
            Value::json(r#"{"id":36,"name":"Sailing"}"#),
        ];
        let points: Vec<Point> = values
            .iter()
            .cycle()
            .take(100)
            .enumerate()
            .map(|(i, v)| {
                let extremes = [i64::MIN, i64::MAX, 0, -1, 0];
                at(extremes[i % 5], u64::MAX.rotate_left(i as u32) - i as u64, v.clone())
            })
            .collect();
        check(&points);
        check(&points[..1]);
        check(&[]);
    }

    #[test]
    fn a_window_is_cut_where_a_chunk_is_full() {
        let small: Vec<Point> = (0..POINTS_MAX as i64 + 5).map(|i| at(i, 0, Value::Null)).collect();
        assert_eq!(fitting(&small), POINTS_MAX);
        assert_eq!(fitting(&[]), 0);
        let large = Value::json("x".repeat(TEXT_BYTES_MAX * 2 / 3));
        let points = [at(0, 0, large.clone()), at(1, 1, large)];
        assert_eq!(fitting(&points), 1);
        let giant = [at(0, 0, Value::json("x".repeat(TEXT_BYTES_MAX + 1)))];
        assert_eq!(fitting(&giant), 1);
    }

    #[test]
    fn a_blob_that_claims_a_gigabyte_is_refused() {
        let mut blob = vec![2];
        put_varint(&mut blob, 1 << 30);
        blob.extend_from_slice(&zstd::bulk::compress(&vec![0; 1 << 20], 1).unwrap());
        assert!(Decoder::default().decode(&blob, None).is_err());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Integer),
            any::<u64>().prop_map(|b| Value::number(f64::from_bits(b))),
            (-1000_i32..1000).prop_map(|n| Value::number(f64::from(n) / 10.0)),
            (-90.0..90.0_f64, -180.0..180.0_f64, any::<Option<f32>>()).prop_map(|(lat, lon, altitude)| {
                let p = Position::new(lat, lon).unwrap();
                Value::Position(altitude.map_or(p, |a| p.with_altitude(f64::from(a))))
            }),
            ".{0,30}".prop_map(Value::text),
            "[a-c]{1}".prop_map(|s| Value::json(format!("[\"{s}\"]"))),
        ]
    }

    proptest! {
        #[test]
        fn any_points_come_back(
            points in proptest::collection::vec((any::<i64>(), any::<u64>(), any_value()), 0..200),
        ) {
            let points: Vec<Point> = points.into_iter().map(|(t, seq, v)| at(t, seq, v)).collect();
            check(&points);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut plain = vec![1, LAYOUT];
            plain.extend_from_slice(&bytes);
            for blob in [&bytes, &plain] {
                if let Ok(points) = Decoder::default().decode(blob, None) {
                    prop_assert!(points.count() <= POINTS_MAX);
                }
            }
        }

        #[test]
        fn damage_is_read_or_refused(
            points in proptest::collection::vec((any::<i64>(), any::<u64>(), any_value()), 1..20),
            place: usize, bit in 0..8,
        ) {
            let points: Vec<Point> = points.into_iter().map(|(t, seq, v)| at(t, seq, v)).collect();
            let mut blob = Encoder::default().encode(&points);
            let place = place % blob.len();
            blob[place] ^= 1_u8 << bit;
            if let Ok(points) = Decoder::default().decode(&blob, None) {
                prop_assert!(points.count() <= POINTS_MAX);
            }
        }
    }
}
