//! Questions answered: columns of values, aligned in rows of time.
//!
//! Each path is read once, whatever number of columns is made of it. Where least, mean and greatest are enough and the rows
//! are whole minutes, the rollups are read; the parts of rows at both ends of the range, and everything else, come from
//! the values, a page at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::HistoryError;
use super::aggregate::Column;
use super::query::{Asked, Invalid, Method, Question, Range, check_cells};
use super::reader::{Filter, Reader};
use super::record::RecordKind;
use super::rollup::{Bucket, MINUTE_MS};
use crate::kernel::pattern::Pattern;
use crate::kernel::time::Timestamp;
use crate::kernel::value::{Value, push_text};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The question asks for too much.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Nobody waits for it any more.
    #[error("given up")]
    GivenUp,
}

/// Rows of values.
#[derive(Debug)]
pub struct Answer {
    /// The context in full.
    pub context: String,
    /// What was asked for.
    pub range: Range,
    /// The columns, in the order of the question; with the source where one was asked for or each has its own.
    pub columns: Vec<Asked>,
    /// Cells that have a value, by the number of their row since 1970.
    cells: Vec<Vec<(i64, Value)>>,
    resolution_ms: i64,
}

/// What an answer needs to know besides the question.
pub struct Circumstances<'a> {
    /// The context in full.
    pub context: &'a str,
    /// Whether the values of a path are angles in radians, whose mean is a direction.
    pub is_angle: &'a dyn Fn(&str) -> bool,
    /// Asked between pages: whether anybody still waits.
    pub goes_on: &'a dyn Fn() -> bool,
}

/// Reads what a question asks for.
///
/// # Errors
/// Too much at once, a database that cannot be read, nobody who waits.
pub fn answer(reader: &mut Reader, question: &Question, about: &Circumstances<'_>) -> Result<Answer, NoAnswer> {
    let columns = if question.each_source { by_source(reader, question, about)? } else { question.columns.clone() };
    check_cells(question.range, question.resolution_ms, columns.len())?;
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (i, asked) in columns.iter().enumerate() {
        groups.entry((&asked.path, asked.source.as_deref())).or_default().push(i);
    }
    let mut cells = vec![Vec::new(); columns.len()];
    for ((path, source), members) in groups {
        let is_angle = (about.is_angle)(path);
        let begin = |method| Column::new(method, is_angle, question.resolution_ms);
        let mut group: Vec<(usize, Method, Column)> =
            members.iter().map(|&i| (i, columns[i].method, begin(columns[i].method))).collect();
        Reading { reader, about, filter: filter(about.context, path, source), question, is_angle }.fill(&mut group)?;
        for (i, _, column) in group {
            cells[i] = column.finish();
        }
    }
    let Question { range, resolution_ms, .. } = *question;
    Ok(Answer { context: about.context.to_owned(), range, columns, cells, resolution_ms })
}

/// The series of a path, of one source or of all.
fn filter(context: &str, path: &str, source: Option<&str>) -> Filter {
    let kind = if path.starts_with("notifications.") { RecordKind::Notification } else { RecordKind::Value };
    Filter { source: source.map(Pattern::new), kind: Some(kind), ..Filter::path(context, path) }
}

/// A column for each source that a path has in the range; one without a source where it has none.
fn by_source(reader: &mut Reader, question: &Question, about: &Circumstances<'_>) -> Result<Vec<Asked>, NoAnswer> {
    let mut columns = Vec::new();
    for asked in &question.columns {
        if asked.source.is_some() {
            columns.push(asked.clone());
            continue;
        }
        let filter = filter(about.context, &asked.path, None);
        let series = reader.series_in(&filter, question.range.from, question.range.to)?;
        let sources: BTreeSet<&str> = series.iter().map(|series| &*series.source).collect();
        if sources.is_empty() {
            columns.push(asked.clone());
        }
        columns.extend(sources.into_iter().map(|source| Asked { source: Some(source.to_owned()), ..asked.clone() }));
    }
    Ok(columns)
}

/// The columns of one path.
struct Reading<'a> {
    reader: &'a mut Reader,
    about: &'a Circumstances<'a>,
    filter: Filter,
    question: &'a Question,
    is_angle: bool,
}

impl Reading<'_> {
    fn fill(&mut self, columns: &mut [(usize, Method, Column)]) -> Result<(), NoAnswer> {
        let Range { from, to } = self.question.range;
        let width = self.question.resolution_ms;
        // Whole rows only: those at the ends are cut by the range.
        let inner = Range {
            from: Timestamp::from_millis(from.as_millis().div_euclid(width).saturating_add(1).saturating_mul(width)),
            to: Timestamp::from_millis(to.as_millis().div_euclid(width).saturating_mul(width)),
        };
        let coarse = |method: Method| method.needs_statistics_only();
        let useful = width % MINUTE_MS == 0 && !self.is_angle && inner.from < inner.to;
        let rollups = if useful && columns.iter().any(|(_, method, _)| coarse(*method)) {
            self.rollups(inner)?
        } else {
            BTreeMap::new()
        };
        if rollups.is_empty() {
            return self.scan(self.question.range, columns, |_| true);
        }
        self.scan(Range { from, to: inner.from }, columns, coarse)?;
        for (_, method, column) in columns.iter_mut() {
            if coarse(*method) {
                rollups.values().for_each(|bucket| column.add_bucket(bucket));
            }
        }
        self.scan(Range { from: inner.to, to }, columns, coarse)?;
        if columns.iter().all(|(_, method, _)| coarse(*method)) {
            return Ok(());
        }
        self.scan(self.question.range, columns, |method| !coarse(method))
    }

    /// Statistics of each row, of all sources together.
    fn rollups(&mut self, range: Range) -> Result<BTreeMap<Timestamp, Bucket>, NoAnswer> {
        if !(self.about.goes_on)() {
            return Err(NoAnswer::GivenUp);
        }
        let width = self.question.resolution_ms;
        let mut rows: BTreeMap<Timestamp, Bucket> = BTreeMap::new();
        for bucket in self.reader.rollup_range(&self.filter, range.from, range.to, width)?.into_values().flatten() {
            rows.entry(bucket.at).and_modify(|row| row.add(&bucket)).or_insert(bucket);
        }
        Ok(rows)
    }

    fn scan(
        &mut self,
        range: Range,
        columns: &mut [(usize, Method, Column)],
        wanted: impl Fn(Method) -> bool,
    ) -> Result<(), NoAnswer> {
        if range.from >= range.to {
            return Ok(());
        }
        let mut scan = self.reader.scan(&self.filter, range.from, range.to)?;
        let mut page = Vec::new();
        while scan.next_page(self.reader, &mut page)? {
            if !(self.about.goes_on)() {
                return Err(NoAnswer::GivenUp);
            }
            for (_, _, column) in columns.iter_mut().filter(|(_, method, _)| wanted(*method)) {
                page.iter().for_each(|sample| column.add(sample.at, &sample.value));
            }
        }
        Ok(())
    }
}

impl Answer {
    /// The rows, ascending, from the first that has a value to the last: the time of a row is its begin, or that of the range
    /// for a row that begins before it. `None` for gaps.
    pub fn rows(&self) -> impl Iterator<Item = (Timestamp, Vec<Option<&Value>>)> {
        let ends = |pick: fn(&[(i64, Value)]) -> Option<&(i64, Value)>| {
            self.cells.iter().filter_map(move |cells| pick(cells)).map(|(row, _)| *row)
        };
        let first = ends(<[_]>::first).min().unwrap_or(0);
        let last = ends(<[_]>::last).max().unwrap_or(-1);
        let mut places = vec![0_usize; self.cells.len()];
        (first..=last).map(move |row| {
            let mut values = Vec::with_capacity(places.len());
            for (cells, place) in self.cells.iter().zip(&mut places) {
                let cell = cells.get(*place).filter(|(at, _)| *at == row);
                *place += usize::from(cell.is_some());
                values.push(cell.map(|(_, value)| value));
            }
            let begin = Timestamp::from_millis(row.saturating_mul(self.resolution_ms));
            (begin.max(self.range.from), values)
        })
    }

    /// The answer as the history API of Signal K v2 has it.
    pub fn to_json(&self) -> String {
        let cells: usize = self.cells.iter().map(Vec::len).sum();
        let mut out = String::with_capacity(256 + cells * 24);
        out.push_str("{\"context\":");
        push_text(&self.context, &mut out);
        out.push_str(",\"range\":{\"from\":\"");
        self.range.from.push_to(&mut out);
        out.push_str("\",\"to\":\"");
        self.range.to.push_to(&mut out);
        out.push_str("\"},\"values\":[");
        for (i, asked) in self.columns.iter().enumerate() {
            out.push_str(if i == 0 { "{\"path\":" } else { ",{\"path\":" });
            push_text(&asked.path, &mut out);
            out.push_str(",\"method\":");
            push_text(asked.method.word(), &mut out);
            if let Some(source) = &asked.source {
                out.push_str(",\"$source\":");
                push_text(source, &mut out);
            }
            out.push('}');
        }
        out.push_str("],\"data\":[");
        for (i, (at, values)) in self.rows().enumerate() {
            out.push_str(if i == 0 { "[\"" } else { ",[\"" });
            at.push_to(&mut out);
            out.push('"');
            for value in values {
                out.push(',');
                value.unwrap_or(&Value::Null).write_json(&mut out);
            }
            out.push(']');
        }
        out.push_str("]}");
        out
    }
}
