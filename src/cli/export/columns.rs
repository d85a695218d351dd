//! Exported values as a Parquet file (<https://parquet.apache.org/docs/file-format/>), for data frames and databases.
//!
//! A row is a value. What kind it is shows in the column that is not null: `number`, `text`, `json` (objects and booleans),
//! or `latitude` and `longitude` with `altitude`; a null has none of them.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Point, Sink};
use crate::kernel::value::Value;

const SCHEMA: &str = "message taffrail {
    required int64 time (TIMESTAMP(MILLIS, true));
    required binary context (STRING);
    required binary path (STRING);
    optional binary source (STRING);
    optional double number;
    optional double latitude;
    optional double longitude;
    optional double altitude;
    optional binary text (STRING);
    optional binary json (JSON);
}";

/// Rows of one group: what is held in memory, some 10 MiB, and what a reader skips or reads at once.
const ROWS_PER_GROUP: usize = 65_536;
/// Bytes of texts of one group.
const TEXT_PER_GROUP: usize = 8 << 20;

/// A file in the making, and the group at hand.
pub(super) struct Columns {
    file: SerializedFileWriter<Box<dyn Write + Send>>,
    times: Vec<i64>,
    contexts: Vec<ByteArray>,
    paths: Vec<ByteArray>,
    sources: Optional<ByteArray>,
    numbers: Optional<f64>,
    latitudes: Optional<f64>,
    longitudes: Optional<f64>,
    altitudes: Optional<f64>,
    texts: Optional<ByteArray>,
    jsons: Optional<ByteArray>,
    text_bytes: usize,
}

/// A column with nulls: the values that are there, and for each row whether one is.
#[derive(Debug)]
struct Optional<T> {
    values: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

impl Columns {
    /// Begins a file.
    pub fn begin(out: Box<dyn Write + Send>) -> anyhow::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
            .build();
        Ok(Self {
            file: SerializedFileWriter::new(out, schema, Arc::new(properties))?,
            times: Vec::new(),
            contexts: Vec::new(),
            paths: Vec::new(),
            sources: Optional::default(),
            numbers: Optional::default(),
            latitudes: Optional::default(),
            longitudes: Optional::default(),
            altitudes: Optional::default(),
            texts: Optional::default(),
            jsons: Optional::default(),
            text_bytes: 0,
        })
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        if self.times.is_empty() {
            return Ok(());
        }
        self.text_bytes = 0;
        let mut group = self.file.next_row_group()?;
        // In the order of the schema.
        required::<Int64Type>(&mut group, &mut self.times)?;
        required::<ByteArrayType>(&mut group, &mut self.contexts)?;
        required::<ByteArrayType>(&mut group, &mut self.paths)?;
        optional::<ByteArrayType>(&mut group, &mut self.sources)?;
        for column in [&mut self.numbers, &mut self.latitudes, &mut self.longitudes, &mut self.altitudes] {
            optional::<DoubleType>(&mut group, column)?;
        }
        optional::<ByteArrayType>(&mut group, &mut self.texts)?;
        optional::<ByteArrayType>(&mut group, &mut self.jsons)?;
        group.close()?;
        Ok(())
    }
}

impl Sink for Columns {
    fn point(&mut self, point: &Point<'_>) -> anyhow::Result<()> {
        self.times.push(point.at.as_millis());
        self.contexts.push(point.context.into());
        self.paths.push(point.path.into());
        self.sources.push(point.source.map(ByteArray::from));
        self.numbers.push(point.value.as_f64());
        let position = if let Value::Position(position) = point.value { Some(position) } else { None };
        self.latitudes.push(position.map(|p| p.latitude));
        self.longitudes.push(position.map(|p| p.longitude));
        self.altitudes.push(position.and_then(|p| p.altitude()));
        let text = if let Value::Text(text) = point.value { Some(ByteArray::from(text.as_str())) } else { None };
        let json = match point.value {
            Value::Json(json) => Some(ByteArray::from(&**json)),
            Value::Bool(_) => Some(ByteArray::from(&*point.value.to_json())),
            _ => None,
        };
        self.text_bytes += [&text, &json].into_iter().flatten().map(ByteArray::len).sum::<usize>();
        self.texts.push(text);
        self.jsons.push(json);
        if self.times.len() >= ROWS_PER_GROUP || self.text_bytes >= TEXT_PER_GROUP {
            self.write_group()?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> anyhow::Result<()> {
        self.write_group()?;
        let mut out = self.file.into_inner()?;
        Ok(out.flush()?)
    }
}

type Group<'a> = SerializedRowGroupWriter<'a, Box<dyn Write + Send>>;

fn required<T: DataType>(group: &mut Group<'_>, values: &mut Vec<T::T>) -> anyhow::Result<()> {
    write::<T>(group, values, None)?;
    values.clear();
    Ok(())
}

fn optional<T: DataType>(group: &mut Group<'_>, column: &mut Optional<T::T>) -> anyhow::Result<()> {
    write::<T>(group, &column.values, Some(&column.levels))?;
    column.values.clear();
    column.levels.clear();
    Ok(())
}

/// Writes the next column of a group.
fn write<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) -> anyhow::Result<()> {
    let mut column = group.next_column()?.expect("as many columns are written as the schema has");
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}
