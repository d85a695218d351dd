//! Reading: connections that cannot write, and end their transaction between pages.
//!
//! A [`Reader`] owns one connection. Queries that may be long are objects of their own ([`Scan`], [`LogScan`]) that hold a
//! place, not a transaction: each page is read in a transaction that ends with it, so that a playback that was paused for an
//! hour does not keep the WAL from being emptied, and any reader can serve the next page.
//!
//! What is in chunks, in the log and in the recorder's memory is one picture: the tail is copied first, then a transaction
//! begins, then what is durable by then is left out of the copy.
//!
//! All calls block; they belong on a blocking thread. Times are half-open, `from..to`, and by capture time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldhash::fast::FixedState;
use rusqlite::{Connection, OptionalExtension};

use super::HistoryError;
use super::keyframe::{self, series_of};
use super::record::{Epoch, Gap, GapReason, Record, RecordKind};
use super::resume::LogScan;
use super::scan::Scan;
use super::schema::{self, FILE, WINDOW_MS, WINDOWS_PER_HOUR, chunk_id, window_of};
use super::seal::Sealer;
use super::status::SharedStatus;
use super::store::highest_seq;
use super::tail::Tail;
use super::unsealed::{self, Seal};
use crate::kernel::pattern::Pattern;
use crate::kernel::time::Timestamp;
use crate::kernel::value::Value;

pub use super::filter::Filter;

/// Series that a reader remembers the texts of; beyond that it forgets all and reads them again.
const SERIES_CACHED_MAX: usize = 16_384;

/// Series in memory that the database does not know yet; beyond that their values wait for their commit.
const PROVISIONAL_MAX: usize = 16_384;

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which series: see [`Reader::series`]. Below zero for one that is so new that the database does not know it: good
    /// for this reader only, and for as long as it takes to the next commit.
    pub series: i64,
    /// Capture time.
    pub at: Timestamp,
    /// Timepoint: the order among equal times.
    pub seq: u64,
    /// The value.
    pub value: Value,
}

/// What a series id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesInfo {
    /// The id.
    pub id: i64,
    /// Context in full.
    pub context: Arc<str>,
    /// Path.
    pub path: Arc<str>,
    /// `$source`.
    pub source: Arc<str>,
    /// Values, metadata or notifications.
    pub kind: RecordKind,
}

/// What there is in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Capture time of the oldest value, to the window (600 s or an hour) in which it lies; `None` when there is nothing.
    pub from: Option<Timestamp>,
    /// Capture time of the newest value.
    pub to: Option<Timestamp>,
    /// The oldest timepoint from which every record is still there ([`Reader::resume`]).
    pub oldest_seq: Option<u64>,
    /// The newest timepoint.
    pub newest_seq: Option<u64>,
}

/// Context, path, source and kind.
type Texts = (Arc<str>, Arc<str>, Arc<str>, RecordKind);

/// A way into the history.
pub struct Reader {
    pub(super) conn: Connection,
    path: PathBuf,
    tail: Option<Tail>,
    status: Option<(SharedStatus, u64)>,
    pub(super) codec: Sealer,
    series: HashMap<i64, Option<Arc<SeriesInfo>>, FixedState>,
    by_text: HashMap<Texts, i64, FixedState>,
    /// Series that are in the tail only; -1 is the id of the first.
    provisional: Vec<Arc<SeriesInfo>>,
    pub(super) damaged: u64,
}

impl Reader {
    /// Opens the history in `directory`. With the recorder's tail, what is not yet durable is seen too; without, nothing
    /// newer than the last commit is.
    pub fn open(directory: &Path, tail: Option<Tail>) -> Result<Self, HistoryError> {
        let path = directory.join(FILE);
        let conn = schema::open_reader(&path)?;
        Ok(Self {
            conn,
            path,
            tail,
            status: None,
            codec: Sealer::default(),
            series: HashMap::default(),
            by_text: HashMap::default(),
            provisional: Vec::new(),
            damaged: 0,
        })
    }

    /// Makes the reader follow the recorder to the new database when one is set aside as damaged. Until then it would go on
    /// reading the old one. To be called between queries: see [`Reader::refresh`].
    #[must_use]
    pub fn following(mut self, status: SharedStatus) -> Self {
        let generation = status.get().generation;
        self.status = Some((status, generation));
        self
    }

    /// Opens the database anew if the recorder has begun another one since. True when it has: scans begun before are void.
    pub fn refresh(&mut self) -> Result<bool, HistoryError> {
        let Some((status, seen)) = &mut self.status else { return Ok(false) };
        let generation = status.get().generation;
        if generation == *seen {
            return Ok(false);
        }
        self.conn = schema::open_reader(&self.path)?;
        *seen = generation;
        self.series.clear();
        self.by_text.clear();
        Ok(true)
    }

    /// Blobs that this reader passed over because they did not match their checksum.
    pub const fn damaged_blobs(&self) -> u64 {
        self.damaged
    }

    /// Everything of the chosen series in `from..to`, merged in order of (capture time, seq), a page at a time.
    pub fn scan(&mut self, filter: &Filter, from: Timestamp, to: Timestamp) -> Result<Scan, HistoryError> {
        let chosen = self.choose(filter)?;
        Ok(Scan::new(filter.clone(), chosen, from, to))
    }

    /// The values of the chosen series in `from..to`, all at once, in order of (capture time, seq). At most `max` of them:
    /// for a chart or an answer to a query; use [`Reader::scan`] for what may be long.
    pub fn range(
        &mut self,
        filter: &Filter,
        from: Timestamp,
        to: Timestamp,
        max: usize,
    ) -> Result<Vec<Sample>, HistoryError> {
        let mut scan = self.scan(filter, from, to)?;
        let mut all = Vec::new();
        let mut page = Vec::new();
        while scan.next_page(self, &mut page)? {
            if all.len() + page.len() > max {
                return Err(HistoryError::TooMuch { max });
            }
            all.append(&mut page);
        }
        Ok(all)
    }

    /// Every record after timepoint `after`, in order of seq, with all stamps.
    pub fn resume(&mut self, after: u64) -> Result<LogScan, HistoryError> {
        LogScan::new(self, after)
    }

    /// The last value of every series at time `at` (not included), nulls too, in order of series. What a run before said
    /// counts for a season (90 days) for the own vessel, and for others until nothing was heard of them for a day.
    pub fn state_at(&mut self, filter: &Filter, at: Timestamp) -> Result<Vec<Sample>, HistoryError> {
        let sql = HistoryError::sql("read the state");
        let chosen = self.choose(filter)?;
        let tail = self.tail_records(|r| r.capture < at && filter.matches(r));
        let tx = self.conn.unchecked_transaction().map_err(&sql)?;
        let mut damaged = 0;
        let to = at.as_millis();
        let mut last = keyframe::before(&tx, &mut self.codec, to, &HashSet::new(), &mut damaged).map_err(&sql)?;
        let seal = Seal::load(&tx).map_err(&sql)?;
        let mut newer = Vec::new();
        unsealed::each(
            &tx,
            &seal,
            &mut self.codec.log,
            (i64::MIN, to),
            |_| false,
            |_, entry| {
                newer.push(Sample { series: entry.series, at: entry.capture, seq: entry.seq, value: entry.value });
            },
        )
        .map_err(&sql)?;
        let durable = highest_log_seq(&tx).map_err(&sql)?;
        drop(tx);
        self.damaged += damaged;
        newer.extend(self.tail_samples(tail, durable)?);
        for sample in newer {
            let point = super::chunk::Point { at: sample.at, seq: sample.seq, value: sample.value };
            match last.get_mut(&sample.series) {
                Some(known) if (known.at, known.seq) > (point.at, point.seq) => {}
                Some(known) => *known = point,
                None => {
                    last.insert(sample.series, point);
                }
            }
        }
        let sample = |(series, p): (i64, super::chunk::Point)| Sample { series, at: p.at, seq: p.seq, value: p.value };
        Ok(last.into_iter().filter(|(series, _)| *series < 0 || chosen.has(*series)).map(sample).collect())
    }

    /// The series of the filter that have a value in the windows that touch `from..to`, in order of id.
    pub fn series_in(
        &mut self,
        filter: &Filter,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Arc<SeriesInfo>>, HistoryError> {
        let sql = HistoryError::sql("read the series in a range");
        let chosen = self.choose(filter)?;
        let mut ids = BTreeSet::new();
        let (from, to) = (from.as_millis(), to.as_millis());
        let tail = self.tail_records(|r| (from..to).contains(&r.capture.as_millis()) && filter.matches(r));
        {
            let tx = self.conn.unchecked_transaction().map_err(&sql)?;
            let mut statement = tx
                .prepare("SELECT series FROM window WHERE id > ?1 - ?2 AND id + span > ?1 AND id <= ?3")
                .map_err(&sql)?;
            let mut rows =
                statement.query((window_of(from), WINDOWS_PER_HOUR, window_of(to.saturating_sub(1)))).map_err(&sql)?;
            while let Some(row) = rows.next().map_err(&sql)? {
                let blob = row.get_ref(0).map_err(&sql)?.as_blob().map_err(|e| sql(e.into()))?;
                ids.extend(series_of(blob).filter(|id| chosen.has(*id)));
            }
            let seal = Seal::load(&tx).map_err(&sql)?;
            unsealed::each(
                &tx,
                &seal,
                &mut self.codec.log,
                (from, to),
                |_| false,
                |_, entry| {
                    if chosen.has(entry.series) {
                        ids.insert(entry.series);
                    }
                },
            )
            .map_err(&sql)?;
        }
        ids.extend(self.tail_samples(tail, None)?.iter().map(|s| s.series));
        let mut infos = Vec::with_capacity(ids.len());
        for id in ids {
            infos.extend(self.series(id)?);
        }
        Ok(infos)
    }

    /// The contexts that have a value in `from..to`, sorted.
    pub fn contexts(&mut self, from: Timestamp, to: Timestamp) -> Result<Vec<Arc<str>>, HistoryError> {
        let series = self.series_in(&Filter::all(), from, to)?;
        Ok(series.iter().map(|s| s.context.clone()).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The paths that have a value in `from..to`, sorted.
    pub fn paths(&mut self, context: &Pattern, from: Timestamp, to: Timestamp) -> Result<Vec<Arc<str>>, HistoryError> {
        let filter = Filter { context: Some(context.clone()), kind: Some(RecordKind::Value), ..Filter::all() };
        let series = self.series_in(&filter, from, to)?;
        Ok(series.iter().map(|s| s.path.clone()).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// What a series id stands for; `None` for one that is not known.
    pub fn series(&mut self, id: i64) -> Result<Option<Arc<SeriesInfo>>, HistoryError> {
        if id < 0 {
            return Ok(usize::try_from(-1 - id).ok().and_then(|i| self.provisional.get(i)).cloned());
        }
        if let Some(known) = self.series.get(&id) {
            return Ok(known.clone());
        }
        if self.series.len() >= SERIES_CACHED_MAX {
            self.series.clear();
        }
        let info = self
            .conn
            .query_row(
                "SELECT c.text, p.text, s.text, series.kind FROM series
                 JOIN name c ON c.id = series.context JOIN name p ON p.id = series.path
                 JOIN name s ON s.id = series.source WHERE series.id = ?1",
                [id],
                |row| {
                    let text = |i| row.get::<_, String>(i).map(Arc::<str>::from);
                    let kind = RecordKind::from_code(row.get(3)?).unwrap_or_default();
                    Ok(Arc::new(SeriesInfo { id, context: text(0)?, path: text(1)?, source: text(2)?, kind }))
                },
            )
            .optional()
            .map_err(HistoryError::sql("read a series"))?;
        self.series.insert(id, info.clone());
        Ok(info)
    }

    /// What there is in all.
    pub fn bounds(&mut self) -> Result<Bounds, HistoryError> {
        let tail = self.tail_records(|_| true);
        let log = &mut self.codec.log;
        let mut read = |conn: &Connection| {
            let tx = conn.unchecked_transaction()?;
            let ends: (Option<i64>, Option<i64>) =
                tx.query_row("SELECT min(id), max(id) FROM window", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let seal = Seal::load(&tx)?;
            let open = unsealed::bounds(&tx, &seal, log)?;
            let last = match ends.1 {
                Some(window) => tx.query_row(
                    "SELECT max(t1) + ?3 FROM chunk WHERE id >= ?1 AND id < ?2",
                    (chunk_id(window, 0, 0), chunk_id(window + 1, 0, 0), window * WINDOW_MS),
                    |row| row.get::<_, Option<i64>>(0),
                )?,
                None => None,
            };
            let oldest: Option<i64> = tx.query_row("SELECT min(id) FROM log", [], |row| row.get(0))?;
            let first = ends.0.map(|window| window * WINDOW_MS);
            Ok((
                first.into_iter().chain(open.0).min(),
                last.max(open.1),
                oldest.map(|id| (id >> 8) as u64),
                highest_seq(&tx)?,
            ))
        };
        let (from, to, oldest_seq, newest_seq) = read(&self.conn).map_err(HistoryError::sql("read the bounds"))?;
        let captures = || tail.iter().map(|r| r.capture.as_millis());
        Ok(Bounds {
            from: from.into_iter().chain(captures()).min().map(Timestamp::from_millis),
            to: to.into_iter().chain(captures()).max().map(Timestamp::from_millis),
            oldest_seq: oldest_seq.or_else(|| tail.first().map(|r| r.seq)),
            newest_seq: newest_seq.max(tail.last().map(|r| r.seq)),
        })
    }

    /// The gaps that touch `from..to`, oldest first.
    pub fn gaps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Gap>, HistoryError> {
        gaps_where(&self.conn, "t0 < ?2 AND t1 >= ?1", (from.as_millis(), to.as_millis()))
    }

    /// What the history knows of the clock having been set, the oldest first.
    pub fn epochs(&self) -> Result<Vec<Epoch>, HistoryError> {
        unsealed::epochs(&self.conn).map_err(HistoryError::sql("read the epochs"))
    }

    /// Copies from the recorder's tail, to be taken before a transaction begins.
    pub(super) fn tail_records(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        self.tail.as_ref().map_or_else(Vec::new, |tail| tail.records(wanted))
    }

    /// The copies that were not durable when the transaction was begun, as samples.
    pub(super) fn tail_samples(
        &mut self,
        records: Vec<Record>,
        durable: Option<u64>,
    ) -> Result<Vec<Sample>, HistoryError> {
        let mut samples = Vec::new();
        for record in records {
            if durable.is_some_and(|durable| record.seq <= durable) {
                continue;
            }
            if let Some(series) = self.id_of(&record)? {
                samples.push(Sample { series, at: record.capture, seq: record.seq, value: record.value });
            }
        }
        Ok(samples)
    }

    fn id_of(&mut self, record: &Record) -> Result<Option<i64>, HistoryError> {
        let key = (record.context.clone(), record.path.clone(), record.source.clone(), record.kind);
        if let Some(id) = self.by_text.get(&key) {
            return Ok(Some(*id));
        }
        let id: Option<i64> = self
            .conn
            .query_row(
                "SELECT id FROM series WHERE context = (SELECT id FROM name WHERE text = ?1)
                 AND path = (SELECT id FROM name WHERE text = ?2) AND source = (SELECT id FROM name WHERE text = ?3)
                 AND kind = ?4",
                (&*key.0, &*key.1, &*key.2, record.kind.code()),
                |row| row.get(0),
            )
            .optional()
            .map_err(HistoryError::sql("look up a series"))?;
        if self.by_text.len() >= SERIES_CACHED_MAX {
            self.by_text.clear();
        }
        if let Some(id) = id {
            self.by_text.insert(key, id);
            return Ok(Some(id));
        }
        let same = |s: &Arc<SeriesInfo>| s.context == key.0 && s.path == key.1 && s.source == key.2 && s.kind == key.3;
        if let Some(known) = self.provisional.iter().position(same) {
            return Ok(Some(-1 - known as i64));
        }
        if self.provisional.len() >= PROVISIONAL_MAX {
            return Ok(None);
        }
        let id = -1 - self.provisional.len() as i64;
        self.provisional.push(Arc::new(SeriesInfo { id, context: key.0, path: key.1, source: key.2, kind: key.3 }));
        Ok(Some(id))
    }
}

pub(super) fn gaps_where(conn: &Connection, condition: &str, range: (i64, i64)) -> Result<Vec<Gap>, HistoryError> {
    let read = || {
        let mut statement = conn.prepare(&format!(
            "SELECT first_seq, last_seq, t0, t1, reason FROM gap WHERE {condition} ORDER BY last_seq"
        ))?;
        let rows = statement.query_map(range, |row| {
            Ok(Gap {
                first_seq: row.get::<_, i64>(0)? as u64,
                last_seq: row.get::<_, i64>(1)? as u64,
                from: Timestamp::from_millis(row.get(2)?),
                to: Timestamp::from_millis(row.get(3)?),
                reason: GapReason::from_word(row.get_ref(4)?.as_str()?),
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    read().map_err(HistoryError::sql("read the gaps"))
}

/// The last timepoint in the log.
pub(super) fn highest_log_seq(conn: &Connection) -> rusqlite::Result<Option<u64>> {
    let last: Option<i64> =
        conn.query_row("SELECT last FROM log ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(last.map(|seq| seq as u64))
}
