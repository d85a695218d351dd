//! The codec of the log: what arrived in one commit interval, of every series, in the order of `seq`, in one blob.
//!
//! The same columns as in a [`chunk`](super::chunk), but across series: each blob begins with a table of the series in it
//! and the grid of each, so that a number costs the distance to the one before it of its own series. All three stamps are
//! kept: exact playback of recent days and resumption need them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::chunk::Corrupt;
use super::column::{Basis, Cursor, Span, put_column, put_part, put_signed, put_varint};
use super::envelope::{Packer, Unpacker};
use super::record::Record;
use super::transform::Grid;
use crate::kernel::time::{Moment, Timestamp};
use crate::kernel::value::{Position, Value};

/// Most records of one blob. A burst makes several.
pub const BLOB_RECORDS_MAX: usize = 8192;

/// Version of the layout, the first byte under zstd.
const LAYOUT: u8 = 1;

/// Stands for "no grid" in the table of series.
const NO_GRID: u8 = 255;

/// zstd level for blobs that live for a day: 1 is a third of the time of 3 and within two percent of its size here.
const LEVEL_LOG: i32 = 1;

/// Grids that are remembered from blob to blob; beyond that all are forgotten and found again.
const HINTS_MAX: usize = 16_384;

/// One record as the log keeps it: the texts are the series' business.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Series id.
    pub series: i64,
    /// Timepoint.
    pub seq: u64,
    /// Capture time.
    pub capture: Timestamp,
    /// Wall time of arrival.
    pub received: Timestamp,
    /// Monotonic time of arrival.
    pub received_mono: Moment,
    /// Whether the wall clock was trusted.
    pub trusted_wall: bool,
    /// The value.
    pub value: Value,
}

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const NUMBER: u8 = 4;
const POSITION: u8 = 5;
const TEXT: u8 = 7;
const JSON: u8 = 8;
const NUMBER_RAW: u8 = 9;
const POSITION_RAW: u8 = 10;
/// Added to a position's tag when an altitude follows.
const WITH_ALTITUDE: u8 = 16;

/// Makes log blobs.
pub struct LogEncoder {
    packer: Packer,
    hints: HashMap<i64, Option<Grid>, FixedState>,
    places: HashMap<i64, usize, FixedState>,
    table: Vec<Row>,
    raw: Vec<u8>,
    columns: Columns,
}

/// A series of a blob while it is written or read: its grid and the integers that came last.
#[derive(Debug, Clone, Copy)]
struct Row {
    series: i64,
    grid: Option<Grid>,
    last: [i64; 2],
}

#[derive(Default)]
struct Columns {
    place: Vec<u8>,
    seq: Vec<i64>,
    received: Vec<i64>,
    capture: Vec<u8>,
    mono: Vec<i64>,
    trusted: Vec<u8>,
    kind: Vec<u8>,
    integer: Vec<u8>,
    grid: Vec<u8>,
    float: Vec<u8>,
    text: Vec<u8>,
}

impl Columns {
    fn clear(&mut self) {
        let Self { place, seq, received, capture, mono, trusted, kind, integer, grid, float, text } = self;
        for bytes in [place, capture, trusted, kind, integer, grid, float, text] {
            bytes.clear();
        }
        for numbers in [seq, received, mono] {
            numbers.clear();
        }
    }
}

impl Default for LogEncoder {
    fn default() -> Self {
        Self {
            packer: Packer::new(LEVEL_LOG),
            hints: HashMap::default(),
            places: HashMap::default(),
            table: Vec::new(),
            raw: Vec::new(),
            columns: Columns::default(),
        }
    }
}

impl LogEncoder {
    /// The blob of at most [`BLOB_RECORDS_MAX`] records, each with the id of its series.
    pub fn encode<'a>(&mut self, records: impl Iterator<Item = (i64, &'a Record)>) -> Vec<u8> {
        if self.hints.len() > HINTS_MAX {
            self.hints.clear();
        }
        self.places.clear();
        self.table.clear();
        self.columns.clear();
        let mut trusted_run = (true, 0_u64);
        for (series, record) in records {
            let c = &mut self.columns;
            let table = &mut self.table;
            let hints = &mut self.hints;
            let place = *self.places.entry(series).or_insert_with(|| {
                let grid = *hints.entry(series).or_insert_with(|| find_grid(&record.value));
                table.push(Row { series, grid, last: [0; 2] });
                table.len() - 1
            });
            put_varint(&mut c.place, place as u64);
            let received = record.received.as_millis();
            c.seq.push(record.seq as i64);
            c.received.push(received);
            put_signed(&mut c.capture, record.capture.as_millis().wrapping_sub(received));
            c.mono.push((record.received_mono.as_millis() as i64).wrapping_sub(received));
            if record.trusted_wall == trusted_run.0 {
                trusted_run.1 += 1;
            } else {
                put_varint(&mut c.trusted, trusted_run.1);
                trusted_run = (record.trusted_wall, 1);
            }
            if !put_value(c, &mut table[place], &record.value) {
                // Off the grid of this blob: the next blob takes the one that holds this value.
                self.hints.insert(series, find_grid(&record.value));
            }
        }
        self.write(trusted_run.1)
    }

    fn write(&mut self, last_trusted_run: u64) -> Vec<u8> {
        let Self { packer, raw, columns: c, table, .. } = self;
        raw.clear();
        raw.push(LAYOUT);
        put_varint(raw, c.seq.len() as u64);
        put_varint(raw, table.len() as u64);
        let mut before = 0;
        for row in table.iter() {
            put_signed(raw, row.series.wrapping_sub(before));
            before = row.series;
        }
        raw.extend(table.iter().map(|row| row.grid.map_or(NO_GRID, Grid::code)));
        put_varint(&mut c.trusted, last_trusted_run);
        let mut part = Vec::with_capacity(c.seq.len() * 2);
        for numbers in [&c.seq, &c.received, &c.mono] {
            part.clear();
            put_column(&mut part, numbers, Basis::Index);
            put_part(raw, &part);
        }
        for bytes in [&c.place, &c.capture, &c.trusted, &c.kind, &c.integer, &c.grid, &c.float, &c.text] {
            put_part(raw, bytes);
        }
        packer.pack(raw)
    }
}

fn find_grid(value: &Value) -> Option<Grid> {
    match value {
        Value::Number(n) => Grid::find(&[*n]),
        Value::Position(p) => Grid::find(&[p.latitude, p.longitude]),
        _ => None,
    }
}

/// Appends a value; false when its series has a grid and the value is not on it, or may have one and has none yet.
fn put_value(c: &mut Columns, row: &mut Row, value: &Value) -> bool {
    let mut delta = |out: &mut Vec<u8>, which: usize, k: i64| {
        put_signed(out, k.wrapping_sub(row.last[which]));
        row.last[which] = k;
    };
    match value {
        Value::Null => c.kind.push(NULL),
        Value::Bool(false) => c.kind.push(FALSE),
        Value::Bool(true) => c.kind.push(TRUE),
        Value::Integer(n) => {
            c.kind.push(INTEGER);
            delta(&mut c.integer, 0, *n);
        }
        Value::Number(n) => {
            if let Some(k) = row.grid.and_then(|grid| grid.integer(*n)) {
                c.kind.push(NUMBER);
                delta(&mut c.grid, 0, k);
            } else {
                c.kind.push(NUMBER_RAW);
                c.float.extend_from_slice(&n.to_le_bytes());
                return false;
            }
        }
        Value::Position(p) => {
            let on = row.grid.and_then(|g| Some((g.integer(p.latitude)?, g.integer(p.longitude)?)));
            let with_altitude = if p.altitude().is_some() { WITH_ALTITUDE } else { 0 };
            if let Some((latitude, longitude)) = on {
                c.kind.push(POSITION + with_altitude);
                delta(&mut c.grid, 0, latitude);
                delta(&mut c.grid, 1, longitude);
            } else {
                c.kind.push(POSITION_RAW + with_altitude);
                c.float.extend_from_slice(&p.latitude.to_le_bytes());
                c.float.extend_from_slice(&p.longitude.to_le_bytes());
            }
            if let Some(altitude) = p.altitude() {
                c.float.extend_from_slice(&altitude.to_le_bytes());
            }
            return on.is_some();
        }
        Value::Text(text) => {
            c.kind.push(TEXT);
            put_part(&mut c.text, text.as_bytes());
        }
        Value::Json(json) => {
            c.kind.push(JSON);
            put_part(&mut c.text, json.as_bytes());
        }
    }
    true
}

/// Reads log blobs.
pub struct LogDecoder {
    unpacker: Unpacker,
}

impl Default for LogDecoder {
    fn default() -> Self {
        Self { unpacker: Unpacker::new() }
    }
}

impl LogDecoder {
    /// Hands every entry of a blob to `each`, in order. Entries before the damage have been handed over when it fails.
    pub fn decode(&mut self, blob: &[u8], each: impl FnMut(Entry)) -> Result<(), Corrupt> {
        let raw = self.unpacker.unpack(blob).ok_or(Corrupt)?;
        entries(&raw, each).ok_or(Corrupt)
    }

    /// Hands every series of a blob to `each`, without looking at its records.
    pub(super) fn series(&mut self, blob: &[u8], each: impl FnMut(i64)) -> Result<(), Corrupt> {
        let raw = self.unpacker.unpack(blob).ok_or(Corrupt)?;
        series(&raw, each).ok_or(Corrupt)
    }
}

/// Hands every series in the table of a blob to `each`.
fn series(bytes: &[u8], mut each: impl FnMut(i64)) -> Option<()> {
    let mut span = Span::of(bytes);
    if span.byte(bytes)? != LAYOUT {
        return None;
    }
    let count = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= BLOB_RECORDS_MAX)?;
    let rows = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= count)?;
    let mut id = 0_i64;
    for _ in 0..rows {
        id = id.wrapping_add(span.signed(bytes)?);
        each(id);
    }
    Some(())
}

fn entries(bytes: &[u8], mut each: impl FnMut(Entry)) -> Option<()> {
    let mut span = Span::of(bytes);
    if span.byte(bytes)? != LAYOUT {
        return None;
    }
    let count = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= BLOB_RECORDS_MAX)?;
    let rows = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= count)?;
    let mut table = Vec::with_capacity(rows);
    let mut series = 0_i64;
    for _ in 0..rows {
        series = series.wrapping_add(span.signed(bytes)?);
        table.push(Row { series, grid: None, last: [0; 2] });
    }
    for row in &mut table {
        let code = span.byte(bytes)?;
        row.grid = if code == NO_GRID { None } else { Some(Grid::from_code(code)?) };
    }
    let mut seqs = Cursor::new(span.part(bytes)?, bytes)?;
    let mut receiveds = Cursor::new(span.part(bytes)?, bytes)?;
    let mut monos = Cursor::new(span.part(bytes)?, bytes)?;
    let mut places = span.part(bytes)?;
    let mut captures = span.part(bytes)?;
    let mut trusteds = span.part(bytes)?;
    let mut values = ValueSpans {
        kind: span.part(bytes)?,
        integer: span.part(bytes)?,
        grid: span.part(bytes)?,
        float: span.part(bytes)?,
        text: span.part(bytes)?,
    };
    let mut trusted_wall = true;
    let mut run = trusteds.varint(bytes)?;
    for _ in 0..count {
        while run == 0 {
            trusted_wall = !trusted_wall;
            run = trusteds.varint(bytes)?;
        }
        run -= 1;
        let row = table.get_mut(usize::try_from(places.varint(bytes)?).ok()?)?;
        let received = receiveds.next(bytes)?;
        each(Entry {
            series: row.series,
            seq: seqs.next(bytes)? as u64,
            capture: Timestamp::from_millis(received.wrapping_add(captures.signed(bytes)?)),
            received: Timestamp::from_millis(received),
            received_mono: Moment::from_millis(received.wrapping_add(monos.next(bytes)?) as u64),
            trusted_wall,
            value: values.next(bytes, row)?,
        });
    }
    Some(())
}

struct ValueSpans {
    kind: Span,
    integer: Span,
    grid: Span,
    float: Span,
    text: Span,
}

impl ValueSpans {
    fn next(&mut self, bytes: &[u8], row: &mut Row) -> Option<Value> {
        let mut delta = |span: &mut Span, which: usize| {
            row.last[which] = row.last[which].wrapping_add(span.signed(bytes)?);
            Some(row.last[which])
        };
        let kind = self.kind.byte(bytes)?;
        Some(match kind & !WITH_ALTITUDE {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INTEGER => Value::Integer(delta(&mut self.integer, 0)?),
            NUMBER => Value::number(row.grid?.number(delta(&mut self.grid, 0)?)),
            NUMBER_RAW => Value::number(self.float.float(bytes)?),
            tag @ (POSITION | POSITION_RAW) => {
                let (latitude, longitude) = if tag == POSITION {
                    (row.grid?.number(delta(&mut self.grid, 0)?), row.grid?.number(delta(&mut self.grid, 1)?))
                } else {
                    (self.float.float(bytes)?, self.float.float(bytes)?)
                };
                let altitude = if kind & WITH_ALTITUDE == 0 { f64::NAN } else { self.float.float(bytes)? };
                Position::new(latitude, longitude).map_or(Value::Null, |p| p.with_altitude(altitude).into())
            }
            TEXT => Value::text(self.words(bytes)?),
            JSON => Value::json(Arc::<str>::from(self.words(bytes)?)),
            _ => return None,
        })
    }

    fn words<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a str> {
        let size = self.text.size(bytes)?;
        std::str::from_utf8(self.text.slice(bytes, size)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::RecordKind;
    use super::*;
    use proptest::prelude::*;

    fn record(seq: u64, t: i64, trusted_wall: bool, value: Value) -> Record {
        Record {
            seq,
            context: "vessels.self".into(),
            path: "a.b".into(),
            source: "gps".into(),
            capture: Timestamp::from_millis(t.wrapping_sub(200)),
            received: Timestamp::from_millis(t),
            received_mono: Moment::from_millis(seq.wrapping_mul(31)),
            trusted_wall,
            value,
            kind: RecordKind::Value,
        }
    }

    fn check(encoder: &mut LogEncoder, records: &[(i64, Record)]) -> usize {
        let blob = encoder.encode(records.iter().map(|(series, r)| (*series, r)));
        let mut back = Vec::new();
        LogDecoder::default().decode(&blob, |entry| back.push(entry)).expect("just written");
        assert_eq!(back.len(), records.len());
        for ((series, r), e) in records.iter().zip(&back) {
            assert_eq!((*series, r.seq, r.capture, r.received), (e.series, e.seq, e.capture, e.received));
            assert_eq!((r.received_mono, r.trusted_wall), (e.received_mono, e.trusted_wall));
            assert_eq!(r.value.to_json(), e.value.to_json());
        }
        blob.len()
    }

    #[test]
    fn ten_seconds_of_a_boat_cost_less_than_six_bytes_a_value() {
        let mut encoder = LogEncoder::default();
        let mut size = 0;
        for blob in 0..3 {
            let records: Vec<(i64, Record)> = (0..600_u64)
                .map(|i| {
                    let n = (i * 7919 % 100) as f64 / 10.0 * 1852.0 / 3600.0;
                    let t = 1_700_000_000_000 + (blob * 600 + i as i64) * 17;
                    ((i % 60) as i64 * 3 + 5, record(1000 + i, t, true, Value::number(n)))
                })
                .collect();
            size = check(&mut encoder, &records);
        }
        assert!(size < 600 * 6, "{size}");
    }

    proptest! {
        #[test]
        fn any_records_come_back(
            records in proptest::collection::vec((0..5_i64, any::<(u64, i64, bool)>(), 0..8, any::<i64>()), 0..100),
        ) {
            let records: Vec<(i64, Record)> = records
                .into_iter()
                .map(|(series, (seq, t, trusted), kind, bits)| {
                    let place = Position::new(bits as f64 % 90.0, 0.25).unwrap();
                    let value = match kind {
                        0 => Value::Null,
                        1 => Value::Bool(bits > 0),
                        2 => Value::Integer(bits),
                        3 => Value::number(f64::from_bits(bits as u64)),
                        4 => Value::number((bits % 1000) as f64 / 10.0),
                        5 => Value::Position(place),
                        6 => Value::Position(place.with_altitude(bits as f64)),
                        _ => Value::text(bits.to_string()),
                    };
                    (series, record(seq, t, trusted, value))
                })
                .collect();
            let mut encoder = LogEncoder::default();
            check(&mut encoder, &records);
            check(&mut encoder, &records);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut plain = vec![1, LAYOUT];
            plain.extend_from_slice(&bytes);
            for blob in [&bytes, &plain] {
                let _ = LogDecoder::default().decode(blob, |_| ());
            }
        }
    }
}
