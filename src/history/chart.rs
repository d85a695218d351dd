//! Series over long stretches: buckets of a given width, from the rollups where there are some.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Statement};

use super::HistoryError;
use super::envelope::{Unpacker, crc};
use super::filter::Chosen;
use super::reader::{Filter, Reader, highest_log_seq};
use super::rollup::{self, Bucket, MINUTE_MS};
use super::schema::{PARTS_MAX, WINDOW_MS, WINDOWS_PER_HOUR, chunk_id, window_of};
use super::seal::Sealer;
use super::shared;
use super::unsealed::{self, Seal};
use crate::kernel::time::Timestamp;

const HOUR_MS: i64 = WINDOW_MS * WINDOWS_PER_HOUR;

/// Most buckets of one answer: a year in minutes of one series, ten months of two.
pub const BUCKETS_MAX: usize = 600_000;

impl Reader {
    /// The numbers of the chosen series in `from..to` in buckets of `resolution_ms`, by series id. Buckets begin at multiples
    /// of the resolution since 1970; those without a number are not there. Both ends are widened to whole buckets.
    ///
    /// From a minute up and in whole minutes the rollups are used, for whole hours those of the hour; anything finer is made
    /// from the values.
    pub fn rollup_range(
        &mut self,
        filter: &Filter,
        from: Timestamp,
        to: Timestamp,
        resolution_ms: i64,
    ) -> Result<BTreeMap<i64, Vec<Bucket>>, HistoryError> {
        let sql = HistoryError::sql("read rollups");
        let resolution_ms = resolution_ms.max(1);
        let chosen = self.choose(filter)?;
        let down = |ms: i64| ms.div_euclid(resolution_ms).saturating_mul(resolution_ms);
        let from = down(from.as_millis());
        let to = down(to.as_millis().saturating_sub(1)).saturating_add(resolution_ms);
        let tail = self.tail_records(|r| (from..to).contains(&r.capture.as_millis()) && filter.matches(r));
        let mut chart = Chart { from, to, resolution_ms, series: BTreeMap::new(), buckets: 0, damaged: 0 };
        let durable = {
            let tx = self.conn.unchecked_transaction().map_err(&sql)?;
            chart.windows(&tx, &mut self.codec, &chosen)?;
            let seal = Seal::load(&tx).map_err(&sql)?;
            unsealed::each(
                &tx,
                &seal,
                &mut self.codec.log,
                (from, to),
                |_| false,
                |_, entry| {
                    if let Some(n) = entry.value.as_f64().filter(|_| chosen.has(entry.series)) {
                        chart.add(entry.series, &Bucket::of(entry.capture, n));
                    }
                },
            )
            .map_err(&sql)?;
            highest_log_seq(&tx).map_err(&sql)?
        };
        self.damaged += chart.damaged;
        for sample in self.tail_samples(tail, durable)? {
            if let Some(n) = sample.value.as_f64() {
                chart.add(sample.series, &Bucket::of(sample.at, n));
            }
        }
        Ok(chart.series)
    }
}

struct Chart {
    from: i64,
    to: i64,
    resolution_ms: i64,
    series: BTreeMap<i64, Vec<Bucket>>,
    buckets: usize,
    damaged: u64,
}

impl Chart {
    fn add(&mut self, series: i64, bucket: &Bucket) {
        let buckets = self.series.entry(series).or_default();
        let before = buckets.len();
        rollup::add_to(buckets, self.resolution_ms, bucket);
        self.buckets += buckets.len() - before;
    }

    fn windows(&mut self, conn: &Connection, codec: &mut Sealer, chosen: &Chosen) -> Result<(), HistoryError> {
        let sql = HistoryError::sql("read rollups");
        let windows: Vec<(i64, i64, Vec<u8>)> = {
            let mut statement = conn
                .prepare("SELECT id, span, series FROM window WHERE id > ?1 - ?2 AND id + span > ?1 AND id * ?3 < ?4 ORDER BY id")
                .map_err(&sql)?;
            let all = matches!(chosen, Chosen::All);
            let rows = statement
                .query_map((window_of(self.from), WINDOWS_PER_HOUR, WINDOW_MS, self.to), |row| {
                    Ok((row.get(0)?, row.get(1)?, if all { row.get(2)? } else { Vec::new() }))
                })
                .map_err(&sql)?;
            rows.collect::<rusqlite::Result<_>>().map_err(&sql)?
        };
        codec.shared.clear();
        let mut rows = Rows::new(conn).map_err(&sql)?;
        for (window, span, present) in windows {
            let ids: Vec<i64> = match chosen {
                Chosen::Ids(ids) => ids.clone(),
                Chosen::All => super::keyframe::series_of(&present).collect(),
            };
            for series in ids {
                self.window(&mut rows, codec, (window, span), series).map_err(&sql)?;
                if self.buckets > BUCKETS_MAX {
                    return Err(HistoryError::TooMuch { max: BUCKETS_MAX });
                }
            }
        }
        Ok(())
    }

    /// One series of one window, from whatever holds it in fewest rows.
    fn window(
        &mut self,
        rows: &mut Rows<'_>,
        codec: &mut Sealer,
        (window, span): (i64, i64),
        series: i64,
    ) -> rusqlite::Result<()> {
        let start = window * WINDOW_MS;
        let end = start + span * WINDOW_MS;
        let id = chunk_id(window, series, 0);
        let inside = self.from <= start && end <= self.to;
        if inside && self.resolution_ms % HOUR_MS == 0 && self.hour(rows, series, id, start)? {
            return Ok(());
        }
        if self.resolution_ms % MINUTE_MS == 0 && self.minutes(rows, series, id)? {
            return Ok(());
        }
        let mut found = rows.chunks.query((id, id + PARTS_MAX))?;
        while let Some(row) = found.next()? {
            let Ok(points) = shared::open(rows.conn, &mut codec.decoder, &mut codec.shared, row)? else {
                self.damaged += 1;
                continue;
            };
            for point in points.map_while(Result::ok) {
                let here = (self.from..self.to).contains(&point.at.as_millis());
                if let Some(n) = point.value.as_f64().filter(|_| here) {
                    self.add(series, &Bucket::of(point.at, n));
                }
            }
        }
        Ok(())
    }

    /// From the rows of the chunks alone. False when one of them has no statistics: it holds too few numbers.
    fn hour(&mut self, rows: &mut Rows<'_>, series: i64, id: i64, start: i64) -> rusqlite::Result<bool> {
        let at = Timestamp::from_millis(start);
        let mut stats = Vec::new();
        let mut found = rows.stats.query((id, id + PARTS_MAX))?;
        while let Some(row) = found.next()? {
            let number = |i| row.get::<_, Option<f64>>(i);
            match (row.get::<_, Option<i64>>(0)?, number(1)?, number(2)?, number(3)?) {
                (Some(count), Some(min), Some(mean), Some(max)) => {
                    stats.push(Bucket { at, count: count as u64, min, mean, max });
                }
                _ => return Ok(false),
            }
        }
        for bucket in &stats {
            self.add(series, bucket);
        }
        Ok(true)
    }

    /// From the minutes. False when there are none: the series is not dense enough.
    fn minutes(&mut self, rows: &mut Rows<'_>, series: i64, id: i64) -> rusqlite::Result<bool> {
        let row: Option<(u32, Vec<u8>)> =
            rows.rollup.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((sum, blob)) = row else { return Ok(false) };
        let buckets = match rollup::decode(&mut rows.unpacker, &blob) {
            Ok(buckets) if crc(&blob) == sum => buckets,
            _ => {
                self.damaged += 1;
                return Ok(false);
            }
        };
        let range = self.from..self.to;
        for bucket in buckets.iter().filter(|b| range.contains(&b.at.as_millis())) {
            self.add(series, bucket);
        }
        Ok(true)
    }
}

struct Rows<'a> {
    conn: &'a Connection,
    stats: Statement<'a>,
    rollup: Statement<'a>,
    chunks: Statement<'a>,
    unpacker: Unpacker,
}

impl<'a> Rows<'a> {
    fn new(conn: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            stats: conn.prepare("SELECT count, min, mean, max FROM chunk WHERE id >= ?1 AND id < ?2")?,
            rollup: conn.prepare("SELECT crc, blob FROM rollup WHERE id = ?1")?,
            chunks: conn.prepare(&format!("SELECT {} FROM chunk WHERE id >= ?1 AND id < ?2", shared::COLUMNS))?,
            conn,
            unpacker: Unpacker::new(),
        })
    }
}
