//! From the log into chunks: sealing windows, and merging the windows of an hour once it is over.
//!
//! Nothing is held in memory between seals. What is sealed is what the log holds, so that a seal after a power cut does
//! what it would have done before it.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use rusqlite::{Connection, OptionalExtension, Statement};

use super::chunk::{self, Point, Stamps};
use super::envelope::{LEVEL_KEPT, Packer, crc};
use super::keyframe::series_blob;
use super::log::LogDecoder;
use super::rollup;
use super::schema::{PARTS_MAX, WINDOW_MS, WINDOWS_PER_HOUR, chunk_id, split_chunk_id, window_of};
use super::shared::{Shared, fingerprint};
use super::unsealed::{self, Seal};

/// Records that one transaction seals, about: 4 MiB of memory. What arrived live in 600 s stays below it.
const RECORDS_MAX: usize = 65_536;

/// Numbers in a chunk from which on its row holds least, mean and greatest: they cost 32 bytes.
const STATS_MIN: u64 = 16;

/// What sealing needs from one time to the next.
pub(super) struct Sealer {
    encoder: chunk::Encoder,
    pub decoder: chunk::Decoder,
    pub shared: Shared,
    pub log: LogDecoder,
    packer: Packer,
}

impl Default for Sealer {
    fn default() -> Self {
        Self {
            encoder: chunk::Encoder::default(),
            decoder: chunk::Decoder::default(),
            shared: Shared::default(),
            log: LogDecoder::default(),
            packer: Packer::new(LEVEL_KEPT),
        }
    }
}

/// A point with its window and its series.
pub(super) type Placed = (i64, i64, Point);

/// What a seal or a merge came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Points that went into chunks.
    pub points: u64,
    /// Blobs that did not match their checksum and were passed over.
    pub damaged: u64,
    /// Points for which a window had no room: more than [`PARTS_MAX`] full chunks of one series.
    pub lost: u64,
    /// Whether there is more to do at once.
    pub more: bool,
}

impl Sealer {
    /// Seals what was captured before `boundary` (ms), or as much of it as one transaction takes.
    pub fn seal(&mut self, conn: &Connection, boundary: i64) -> rusqlite::Result<Report> {
        let tx = conn.unchecked_transaction()?;
        let before = Seal::load(&tx)?;
        let ahead = boundary + WINDOW_MS;
        let mut report = Report::default();
        // As many as there can be, at once: growing step by step would hold three times as much for a moment.
        let there: Option<i64> =
            tx.query_row("SELECT sum(n) FROM log WHERE id > ?1", [before.carry], |row| row.get(0))?;
        let most = there.and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(RECORDS_MAX);
        let mut points: Vec<Placed> = Vec::with_capacity(most);
        let taken = std::cell::Cell::new(0_usize);
        let outcome = unsealed::each(
            &tx,
            &before,
            &mut self.log,
            (i64::MIN, i64::MAX),
            |last| last > before.upto && taken.get() >= RECORDS_MAX,
            |blob, entry| {
                let capture = entry.capture.as_millis();
                // What an earlier seal carried over is taken now, wherever it lies: it is carried once.
                if blob <= before.upto || !(boundary..ahead).contains(&capture) {
                    taken.set(taken.get() + 1);
                    let point = Point { at: entry.capture, seq: entry.seq, value: entry.value };
                    points.push((window_of(capture), entry.series, point));
                }
            },
        )?;
        self.place(&tx, points, &mut report)?;
        let upto = outcome.last.unwrap_or(before.upto).max(before.upto);
        Seal { upto, carry: before.upto, boundary, ahead }.store(&tx)?;
        tx.commit()?;
        report.damaged += outcome.damaged;
        report.more = outcome.more;
        Ok(report)
    }

    /// Puts points into the chunks of the windows that they belong to, next to what is there. Within the transaction of
    /// the caller.
    pub fn place(&mut self, tx: &Connection, mut points: Vec<Placed>, report: &mut Report) -> rusqlite::Result<()> {
        let mut homes = Homes::default();
        for (window, _, _) in &mut points {
            *window = homes.home(tx, *window)?;
        }
        // In place; no two have the same timepoint and series.
        points.sort_unstable_by_key(|(home, series, p)| (*home, *series, p.at, p.seq));
        let mut writer = ChunkWriter::new(tx, self)?;
        let mut new = Vec::new();
        let mut points = points.into_iter().peekable();
        while let Some((home, series, point)) = points.next() {
            new.push(point);
            if points.peek().is_none_or(|(h, s, _)| (*h, *s) != (home, series)) {
                writer.add(home, series, &mut new, report)?;
            }
        }
        drop(writer);
        homes.store(tx)
    }

    /// Merges the windows of the oldest hour that has some and ends at or before `before` (ms). `None` when there is no
    /// such hour.
    pub fn merge(&mut self, conn: &Connection, before: i64) -> rusqlite::Result<Option<(i64, Report)>> {
        let end = window_of(before).div_euclid(WINDOWS_PER_HOUR) * WINDOWS_PER_HOUR;
        let oldest: Option<i64> = conn
            .query_row("SELECT id FROM window WHERE span = 1 AND id < ?1 ORDER BY id LIMIT 1", [end], |row| row.get(0))
            .optional()?;
        let Some(oldest) = oldest else { return Ok(None) };
        let hour = oldest.div_euclid(WINDOWS_PER_HOUR) * WINDOWS_PER_HOUR;
        let tx = conn.unchecked_transaction()?;
        let keys = (chunk_id(hour, 0, 0), chunk_id(hour + WINDOWS_PER_HOUR, 0, 0));
        let mut by_series: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        {
            let mut statement = tx.prepare("SELECT id FROM chunk WHERE id >= ?1 AND id < ?2")?;
            let mut rows = statement.query(keys)?;
            while let Some(row) = rows.next()? {
                let id = row.get(0)?;
                by_series.entry(split_chunk_id(id).1).or_default().push(id);
            }
        }
        let mut report = Report::default();
        tx.execute("DELETE FROM rollup WHERE id >= ?1 AND id < ?2", keys)?;
        let mut writer = ChunkWriter::new(&tx, self)?;
        writer.keep_stamps(keys)?;
        // The paths of a sentence share their stamps from now on.
        writer.sharing = Some(HashMap::default());
        let mut points = Vec::new();
        for (series, ids) in by_series {
            points.clear();
            for id in ids {
                writer.take(id, &mut points, &mut report)?;
            }
            writer.write(hour, series, &mut points, &mut report)?;
        }
        drop(writer);
        tx.execute("DELETE FROM window WHERE id >= ?1 AND id < ?2", (hour, hour + WINDOWS_PER_HOUR))?;
        put_window(&tx, hour, WINDOWS_PER_HOUR)?;
        tx.commit()?;
        Ok(Some((hour, report)))
    }
}

/// Where windows live: in their own, or in that of the hour into which they were merged.
#[derive(Default)]
struct Homes(BTreeMap<i64, (i64, i64)>);

impl Homes {
    fn home(&mut self, conn: &Connection, window: i64) -> rusqlite::Result<i64> {
        if let Some((home, _)) = self.0.get(&window) {
            return Ok(*home);
        }
        let known: Option<(i64, i64)> = conn
            .query_row(
                "SELECT id, span FROM window WHERE id <= ?1 AND id > ?1 - ?2 AND id + span > ?1 ORDER BY id DESC LIMIT 1",
                (window, WINDOWS_PER_HOUR),
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (home, span) = known.unwrap_or((window, 1));
        self.0.insert(window, (home, span));
        Ok(home)
    }

    fn store(&self, conn: &Connection) -> rusqlite::Result<()> {
        let spans: BTreeMap<i64, i64> = self.0.values().copied().collect();
        spans.into_iter().try_for_each(|(home, span)| put_window(conn, home, span))
    }
}

/// Writes the row of a window whose chunks have been written.
fn put_window(conn: &Connection, window: i64, span: i64) -> rusqlite::Result<()> {
    let mut series: Vec<i64> = Vec::new();
    let mut statement = conn.prepare("SELECT id FROM chunk WHERE id >= ?1 AND id < ?2")?;
    let mut rows = statement.query((chunk_id(window, 0, 0), chunk_id(window + 1, 0, 0)))?;
    while let Some(row) = rows.next()? {
        let id = split_chunk_id(row.get(0)?).1;
        if series.last() != Some(&id) {
            series.push(id);
        }
    }
    conn.execute(
        "INSERT OR REPLACE INTO window (id, span, series) VALUES (?1, ?2, ?3)",
        (window, span, series_blob(series.into_iter())),
    )
    .map(|_| ())
}

/// The statements and codecs with which chunks are written.
struct ChunkWriter<'a> {
    conn: &'a Connection,
    sealer: &'a mut Sealer,
    /// Stamps of chunks that may be rewritten before those that refer to them are read.
    stamps: HashMap<i64, Stamps, FixedState>,
    /// The series that hold stamps, by their fingerprints, when chunks are to refer to each other.
    sharing: Option<HashMap<(u64, u64, usize), i64, FixedState>>,
    of_series: Statement<'a>,
    take: Statement<'a>,
    delete: Statement<'a>,
    insert: Statement<'a>,
    delete_rollup: Statement<'a>,
    insert_rollup: Statement<'a>,
}

impl<'a> ChunkWriter<'a> {
    fn new(conn: &'a Connection, sealer: &'a mut Sealer) -> rusqlite::Result<Self> {
        Ok(Self {
            conn,
            sealer,
            stamps: HashMap::default(),
            sharing: None,
            of_series: conn.prepare("SELECT id FROM chunk WHERE id >= ?1 AND id < ?2")?,
            take: conn.prepare("SELECT stamps, crc, blob FROM chunk WHERE id = ?1")?,
            delete: conn.prepare("DELETE FROM chunk WHERE id = ?1")?,
            insert: conn.prepare(
                "INSERT INTO chunk (id, t0, t1, n, stamps, count, min, mean, max, crc, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
            delete_rollup: conn.prepare("DELETE FROM rollup WHERE id = ?1")?,
            insert_rollup: conn.prepare("INSERT INTO rollup (id, crc, blob) VALUES (?1, ?2, ?3)")?,
        })
    }

    /// Adds points to what a window holds of a series.
    fn add(&mut self, home: i64, series: i64, new: &mut Vec<Point>, report: &mut Report) -> rusqlite::Result<()> {
        let keys = (chunk_id(home, series, 0), chunk_id(home, series, 0) + PARTS_MAX);
        let ids: Vec<i64> = self.of_series.query_map(keys, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        if !ids.is_empty() {
            self.keep_stamps((chunk_id(home, 0, 0), chunk_id(home + 1, 0, 0)))?;
            // Those that refer to it must have stamps of their own before it is rewritten.
            for other in self.referring(home, series)? {
                let mut points = Vec::new();
                self.take(chunk_id(home, other, 0), &mut points, report)?;
                self.delete_rollup.execute([chunk_id(home, other, 0)])?;
                self.write(home, other, &mut points, report)?;
            }
            for id in ids {
                self.take(id, new, report)?;
            }
            self.delete_rollup.execute([chunk_id(home, series, 0)])?;
        }
        self.write(home, series, new, report)?;
        new.clear();
        Ok(())
    }

    /// Reads the stamps that chunks in a range of keys refer to.
    fn keep_stamps(&mut self, keys: (i64, i64)) -> rusqlite::Result<()> {
        self.sealer.shared.clear();
        let mut statement =
            self.conn.prepare("SELECT id, stamps FROM chunk WHERE id >= ?1 AND id < ?2 AND stamps IS NOT NULL")?;
        let mut rows = statement.query(keys)?;
        while let Some(row) = rows.next()? {
            let id = chunk_id(split_chunk_id(row.get(0)?).0, row.get(1)?, 0);
            if !self.stamps.contains_key(&id) {
                let stamps = self.sealer.shared.get(self.conn, &mut self.sealer.decoder, id)?.cloned();
                self.stamps.extend(stamps.map(|stamps| (id, stamps)));
            }
        }
        Ok(())
    }

    /// The series that refer to the stamps of one.
    fn referring(&self, home: i64, series: i64) -> rusqlite::Result<Vec<i64>> {
        let mut statement = self.conn.prepare("SELECT id FROM chunk WHERE id >= ?1 AND id < ?2 AND stamps = ?3")?;
        let rows = statement.query_map((chunk_id(home, 0, 0), chunk_id(home + 1, 0, 0), series), |row| {
            row.get(0).map(|id| split_chunk_id(id).1)
        })?;
        rows.collect()
    }

    /// Takes a chunk out of the table and its points into `points`.
    fn take(&mut self, id: i64, points: &mut Vec<Point>, report: &mut Report) -> rusqlite::Result<()> {
        {
            let mut rows = self.take.query([id])?;
            if let Some(row) = rows.next()? {
                let referred: Option<i64> = row.get(0)?;
                let blob = row.get_ref(2)?.as_blob()?;
                let sound = crc(blob) == row.get::<_, u32>(1)?;
                let stamps = referred.and_then(|series| self.stamps.get(&chunk_id(split_chunk_id(id).0, series, 0)));
                match self.sealer.decoder.decode(blob, stamps) {
                    // Up to the damage, if there is any: what was read stands.
                    Ok(decoded) if sound => points.extend(decoded.map_while(Result::ok)),
                    _ => report.damaged += 1,
                }
            }
        }
        self.delete.execute([id]).map(|_| ())
    }

    /// Writes the points of a series in a window, in which there are no chunks of it any more.
    fn write(&mut self, home: i64, series: i64, points: &mut Vec<Point>, report: &mut Report) -> rusqlite::Result<()> {
        points.sort_by_key(|p| (p.at, p.seq));
        points.dedup();
        let start = home * WINDOW_MS;
        let minutes = rollup::minutes(points);
        if !minutes.is_empty() {
            let blob = rollup::encode(&mut self.sealer.packer, &minutes);
            self.insert_rollup.execute((chunk_id(home, series, 0), crc(&blob), &blob))?;
        }
        // Only a series of one part shares: the parts of another could be cut elsewhere.
        let whole = chunk::fitting(points) == points.len();
        let referred = self.sharing.as_mut().filter(|_| whole && !points.is_empty()).and_then(|sharing| {
            let holder = *sharing.entry(fingerprint(points)).or_insert(series);
            (holder != series).then_some(holder)
        });
        let mut rest = points.as_slice();
        for part in 0.. {
            let (now, later) = rest.split_at(chunk::fitting(rest));
            let (Some(first), Some(last)) = (now.first(), now.last()) else { break };
            if part >= PARTS_MAX {
                report.lost += rest.len() as u64;
                break;
            }
            let encoder = &mut self.sealer.encoder;
            let blob = if referred.is_some() { encoder.encode_values(now) } else { encoder.encode(now) };
            let mut stats: Option<rollup::Bucket> = None;
            for n in now.iter().filter_map(|p| p.value.as_f64()) {
                let one = rollup::Bucket::of(first.at, n);
                match &mut stats {
                    Some(stats) => stats.add(&one),
                    None => stats = Some(one),
                }
            }
            let stats = stats.filter(|s| s.count >= STATS_MIN);
            self.insert.execute((
                chunk_id(home, series, part),
                first.at.as_millis() - start,
                last.at.as_millis() - start,
                now.len() as i64,
                referred,
                stats.map(|s| s.count as i64),
                stats.map(|s| s.min),
                stats.map(|s| s.mean),
                stats.map(|s| s.max),
                crc(&blob),
                &blob,
            ))?;
            report.points += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}
