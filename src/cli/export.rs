//! `taffrail export`: what was recorded, as a file that other programs read.
//!
//! It reads only, also while the server runs (then up to its last commit), and writes as it reads: a season needs no more
//! memory than a page.

#[cfg(feature = "parquet")]
mod columns;
mod formats;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::convert::time;
use super::history::Place;
use super::{Command, Refusal};
use crate::config::Flags;
use crate::history::answer::{Circumstances, answer};
use crate::history::query::{Asked, COLUMNS_MAX, Method, Question, Range, resolution_ms};
use crate::history::reader::{Filter, Reader};
use crate::history::record::RecordKind;
use crate::history::upkeep;
use crate::kernel::meta::table::Table;
use crate::kernel::pattern::Pattern;
use crate::kernel::time::Timestamp;
use crate::kernel::value::Value;

/// Rows that are aggregated at a time.
const ROWS_AT_ONCE: i64 = 3_000;

/// The path of tracks.
const POSITION: &str = "navigation.position";

/// Write what was recorded to a file: csv, jsonl (Signal K deltas), or the track as gpx or geojson
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// From when on [default: the begin of the history]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Up to when, itself not included [default: the end of the history]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// What the file is to be
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: Format,
    /// Paths, separated by commas; with --resolution each may name a method, as in navigation.speedOverGround:max
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    paths: Vec<String>,
    /// Whose values [default: those of the own vessel]
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// One value for each stretch of this length, such as 10s or 1m, in place of every value
    #[arg(long, value_name = "TIME", value_parser = resolution)]
    resolution: Option<i64>,
    /// Where to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line for each value: time, context, path, source, value.
    Csv,
    /// A Signal K delta in each line.
    Jsonl,
    /// A track in GPX 1.1.
    Gpx,
    /// A track as lines in GeoJSON (RFC 7946).
    Geojson,
    /// Columns for data frames: time, context, path, source, and one for each kind of value.
    #[cfg(feature = "parquet")]
    Parquet,
    /// NMEA 0183 as it came, where [history] sentences is on: milliseconds, input and sentence in each line.
    Sentences,
}

impl Format {
    /// A file of this format in the making.
    fn begin(self, out: Box<dyn Write + Send>) -> anyhow::Result<Box<dyn Sink>> {
        Ok(match self {
            #[cfg(feature = "parquet")]
            Self::Parquet => Box::new(columns::Columns::begin(out)?),
            text => Box::new(formats::TextFile::begin(text, BufWriter::new(out))?),
        })
    }
}

/// A file in the making.
trait Sink {
    /// Writes a value. Tracks take positions only.
    fn point(&mut self, point: &Point<'_>) -> anyhow::Result<()>;

    /// Writes what comes after all values.
    fn end(self: Box<Self>) -> anyhow::Result<()>;
}

fn resolution(text: &str) -> Result<i64, String> {
    resolution_ms(text).ok_or_else(|| "seconds, or such as 10s, 1m, 2h or 1d, were expected".to_owned())
}

/// What is to be written, and from where.
#[derive(Debug)]
pub struct Task {
    arguments: Arguments,
    place: Place,
    columns: Vec<Asked>,
}

/// One value on its way out.
struct Point<'a> {
    at: Timestamp,
    context: &'a str,
    path: &'a str,
    /// `None` where values of several sources became one.
    source: Option<&'a str>,
    value: &'a Value,
}

/// Reads the configuration and the paths.
///
/// # Errors
/// A configuration or an argument that is refused.
pub fn read(
    outer: Flags,
    arguments: Arguments,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Refusal> {
    let refuse = |why: &str| Err(Refusal(format!("{why}\n")));
    if arguments.format == Format::Sentences
        && (!arguments.paths.is_empty() || arguments.resolution.is_some() || arguments.context.is_some())
    {
        return refuse("--format sentences takes no --paths, --context or --resolution: sentences go as they came");
    }
    let is_track = matches!(arguments.format, Format::Gpx | Format::Geojson);
    if is_track && !arguments.paths.is_empty() {
        return refuse("--paths: a track has one path, the position");
    }
    let texts = if is_track { vec![POSITION.to_owned()] } else { arguments.paths.clone() };
    let mut columns = Vec::new();
    for text in &texts {
        let asked = Asked::parse(text).map_err(|invalid| Refusal(format!("--paths: {invalid}\n")))?;
        if matches!(asked.method, Method::Sma(_) | Method::Ema(_)) {
            return refuse("--paths: moving averages are made by the API only");
        }
        columns.push(asked);
    }
    let (config, _) = super::load(arguments.flags.clone().over(outer), variables)?;
    Ok(Command::Export(Box::new(Task { arguments, place: Place::of(&config), columns })))
}

/// Writes the file.
///
/// # Errors
/// A history that is not there or cannot be read, a file that cannot be written.
pub fn run(task: &Task) -> anyhow::Result<()> {
    let Task { arguments, place, .. } = task;
    let mut reader = Reader::open(&place.history, None)?;
    let bounds = reader.bounds()?;
    let from = arguments.from.or(bounds.from).unwrap_or_default();
    let to = arguments.to.or(bounds.to.map(|last| last.plus_millis(1))).unwrap_or_default();
    let range = Range { from, to: to.max(from) };
    let own = upkeep::own_context(&place.history)?.unwrap_or_default();
    let context = match arguments.context.as_deref() {
        None | Some("self" | "vessels.self") => own,
        Some(other) => other.to_owned(),
    };
    let output: Box<dyn Write + Send> = match &arguments.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
            Box::new(file)
        }
        None => Box::new(io::stdout()),
    };
    if arguments.format == Format::Sentences {
        return sentences(&mut reader, arguments, BufWriter::new(output));
    }
    let mut sink = arguments.format.begin(output)?;
    match arguments.resolution {
        Some(width) => task.aggregated(&mut reader, &context, range, width, &mut *sink)?,
        None => task.every_value(&mut reader, &context, range, &mut *sink)?,
    }
    sink.end()
}

/// Writes sentences as they came. Files of this form are read by the input of type file, and by other servers.
fn sentences(reader: &mut Reader, arguments: &Arguments, mut out: impl Write) -> anyhow::Result<()> {
    let ever = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    let range = (arguments.from.unwrap_or(ever.0), arguments.to.unwrap_or(ever.1));
    let (mut page, mut after) = (Vec::new(), 0);
    while let Some(last) = reader.sentences(range, after, &mut page)? {
        for sentence in &page {
            write!(out, "{};{};", sentence.at.as_millis(), sentence.input)?;
            out.write_all(&sentence.line)?;
            out.write_all(b"\n")?;
        }
        after = last;
    }
    Ok(out.flush()?)
}

impl Task {
    fn every_value(&self, reader: &mut Reader, context: &str, range: Range, sink: &mut dyn Sink) -> anyhow::Result<()> {
        let filter = Filter { context: Some(Pattern::new(context)), kind: Some(RecordKind::Value), ..Filter::all() };
        let filter = match &*self.columns {
            [only] => Filter { path: Some(Pattern::new(&only.path)), ..filter },
            _ => filter,
        };
        let wanted = |path: &str, source: &str| {
            self.columns.is_empty()
                || self.columns.iter().any(|c| c.path == path && c.source.as_deref().is_none_or(|s| s == source))
        };
        let mut scan = reader.scan(&filter, range.from, range.to)?;
        let mut page = Vec::new();
        while scan.next_page(reader, &mut page)? {
            for sample in &page {
                let Some(series) = reader.series(sample.series)? else { continue };
                if wanted(&series.path, &series.source) {
                    sink.point(&Point {
                        at: sample.at,
                        context: &series.context,
                        path: &series.path,
                        source: Some(&series.source),
                        value: &sample.value,
                    })?;
                }
            }
        }
        Ok(())
    }

    fn aggregated(
        &self,
        reader: &mut Reader,
        context: &str,
        range: Range,
        width: i64,
        sink: &mut dyn Sink,
    ) -> anyhow::Result<()> {
        let table = Table::new();
        let is_angle = |path: &str| table.find(path).is_some_and(|row| row.units == "rad");
        let about = Circumstances { context, is_angle: &is_angle, goes_on: &|| true };
        let every = |paths: Vec<Arc<str>>| {
            let asked = |path: &Arc<str>| Asked { path: path.to_string(), method: Method::of_path(path), source: None };
            paths.iter().filter(|path| !path.is_empty()).map(asked).collect()
        };
        let columns = match &*self.columns {
            [] => every(reader.paths(&Pattern::new(context), range.from, range.to)?),
            named => named.to_vec(),
        };
        let mut from = range.from;
        while from < range.to {
            // Up to a multiple of the width, so that no row is cut in two.
            let row = from.as_millis().div_euclid(width).saturating_add(ROWS_AT_ONCE);
            let to = Timestamp::from_millis(row.saturating_mul(width)).min(range.to);
            let mut found = Vec::new();
            for (batch, columns) in columns.chunks(COLUMNS_MAX).enumerate() {
                let question = Question {
                    context: None,
                    range: Range { from, to },
                    columns: columns.to_vec(),
                    resolution_ms: width,
                    each_source: false,
                };
                let answer = answer(reader, &question, &about)?;
                for (at, values) in answer.rows() {
                    let cells = values.into_iter().enumerate();
                    let cells = cells.filter_map(|(i, value)| Some((at, batch * COLUMNS_MAX + i, value?.clone())));
                    found.extend(cells);
                }
            }
            found.sort_by_key(|(at, column, _)| (*at, *column));
            for (at, column, value) in &found {
                let Asked { path, source, .. } = &columns[*column];
                sink.point(&Point { at: *at, context, path, source: source.as_deref(), value })?;
            }
            from = to;
        }
        Ok(())
    }
}
