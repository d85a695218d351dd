//! What was known at the end of an hour and not said within it, so that the state at any time needs a bounded look-back: a
//! ship's name can be months old.
//!
//! The keyframe of an hour's end holds the last value of every live series that has none in that hour. Together with the
//! chunks of the hour it is everything. A series is live while its context is: the own vessel for [`OWN_MS`], others for
//! [`OTHERS_MS`] after anything was heard of them; and a null ends it. It is written when the hour is merged; what arrives
//! for that hour later does not change the keyframes after it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::chunk::Point;
use super::envelope::crc;
use super::log::{BLOB_RECORDS_MAX, LogDecoder, LogEncoder};
use super::record::{Record, RecordKind};
use super::schema::{FIRST_OTHER_SERIES, WINDOW_MS, WINDOWS_PER_HOUR, chunk_id, split_chunk_id, window_of};
use super::seal::Sealer;
use super::shared;
use crate::kernel::time::{Moment, Timestamp};

const HOUR_MS: i64 = WINDOW_MS * WINDOWS_PER_HOUR;

/// How long the own vessel's values stay known: a season.
const OWN_MS: i64 = 90 * 24 * HOUR_MS;
/// How long another vessel's do after it was last heard.
const OTHERS_MS: i64 = 24 * HOUR_MS;

/// Most series of a keyframe.
const PARTS_MAX: i64 = 1 << 8;

/// The last points of series, by id.
pub(super) type LastPoints = BTreeMap<i64, Point>;

/// Writes the keyframe for the end of the hour that begins with window `hour`. Gives the blobs that were damaged.
pub(super) fn write(conn: &Connection, sealer: &mut Sealer, hour: i64) -> rusqlite::Result<u64> {
    let start = hour * WINDOW_MS;
    let end = start + HOUR_MS;
    let present = present(conn, hour)?;
    let mut damaged = 0;
    let mut last = before(conn, sealer, start, &present, &mut damaged)?;
    let context: HashMap<i64, i64> = {
        let mut statement = conn.prepare("SELECT context FROM series WHERE id = ?1")?;
        let mut of = |id: i64| statement.query_row([id], |row| row.get(0)).optional();
        let mut map = HashMap::new();
        for id in last.keys().chain(&present) {
            map.extend(of(*id)?.map(|context| (*id, context)));
        }
        map
    };
    let mut live: HashSet<i64> = present.iter().filter_map(|id| context.get(id).copied()).collect();
    for (id, point) in &last {
        let since = end - if *id < FIRST_OTHER_SERIES { OWN_MS } else { OTHERS_MS };
        if point.at.as_millis() >= since {
            live.extend(context.get(id));
        }
    }
    last.retain(|id, point| !point.value.is_null() && context.get(id).is_some_and(|c| live.contains(c)));
    store(conn, end.div_euclid(HOUR_MS), last)?;
    Ok(damaged)
}

fn store(conn: &Connection, hour: i64, last: LastPoints) -> rusqlite::Result<()> {
    let none: Arc<str> = Arc::from("");
    let records: Vec<(i64, Record)> = last
        .into_iter()
        .map(|(id, point)| {
            let record = Record {
                seq: point.seq,
                context: none.clone(),
                path: none.clone(),
                source: none.clone(),
                capture: point.at,
                received: point.at,
                received_mono: Moment::default(),
                trusted_wall: true,
                value: point.value,
                kind: RecordKind::Value,
            };
            (id, record)
        })
        .collect();
    let tx = conn.unchecked_transaction()?;
    tx.execute("DELETE FROM keyframe WHERE id >= ?1 AND id < ?2", (hour << 8, (hour + 1) << 8))?;
    let mut encoder = LogEncoder::default();
    // An empty keyframe is written too: it ends the look-back.
    let mut rest = records.as_slice();
    for part in 0..PARTS_MAX {
        let (now, later) = rest.split_at(rest.len().min(BLOB_RECORDS_MAX));
        let blob = encoder.encode(now.iter().map(|(id, record)| (*id, record)));
        tx.execute("INSERT INTO keyframe (id, crc, blob) VALUES (?1, ?2, ?3)", (hour << 8 | part, crc(&blob), &blob))?;
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    tx.commit()
}

/// The series that have a value in a window.
pub(super) fn present(conn: &Connection, window: i64) -> rusqlite::Result<HashSet<i64>> {
    let blob: Option<Vec<u8>> =
        conn.query_row("SELECT series FROM window WHERE id = ?1", [window], |row| row.get(0)).optional()?;
    Ok(series_of(&blob.unwrap_or_default()).collect())
}

/// Ids, ascending, as they stand in the row of a window.
pub(super) fn series_blob(ids: impl Iterator<Item = i64>) -> Vec<u8> {
    let mut blob = Vec::new();
    let mut last = 0;
    for id in ids {
        super::column::put_varint(&mut blob, (id - last) as u64);
        last = id;
    }
    blob
}

/// The ids in the row of a window.
pub(super) fn series_of(blob: &[u8]) -> impl Iterator<Item = i64> + '_ {
    let mut span = super::column::Span::of(blob);
    let mut last = 0_i64;
    std::iter::from_fn(move || {
        last = last.wrapping_add(span.varint(blob)? as i64);
        Some(last)
    })
}

/// The last sealed point before `to` (ms, not included) of every series not in `skip`.
pub(super) fn before(
    conn: &Connection,
    sealer: &mut Sealer,
    to: i64,
    skip: &HashSet<i64>,
    damaged: &mut u64,
) -> rusqlite::Result<LastPoints> {
    let frame: Option<i64> = conn
        .query_row(
            "SELECT id >> 8 FROM keyframe WHERE id < ?1 ORDER BY id DESC LIMIT 1",
            [(to.div_euclid(HOUR_MS) + 1) << 8],
            |row| row.get(0),
        )
        .optional()?;
    // A keyframe leaves out what its own hour says: so that hour is read as well.
    let from = frame.map_or(i64::MIN >> 30, |hour| (hour - 1) * WINDOWS_PER_HOUR);
    let mut last = in_chunks(conn, sealer, from, to, skip, damaged)?;
    if let Some(hour) = frame {
        let mut statement = conn.prepare("SELECT crc, blob FROM keyframe WHERE id >= ?1 AND id < ?2")?;
        let mut rows = statement.query((hour << 8, (hour + 1) << 8))?;
        while let Some(row) = rows.next()? {
            let blob = row.get_ref(1)?.as_blob()?;
            let sound = crc(blob) == row.get::<_, u32>(0)? && take_frame(&mut sealer.log, blob, skip, &mut last);
            *damaged += u64::from(!sound);
        }
    }
    Ok(last)
}

fn take_frame(decoder: &mut LogDecoder, blob: &[u8], skip: &HashSet<i64>, last: &mut LastPoints) -> bool {
    decoder
        .decode(blob, |entry| {
            if !skip.contains(&entry.series) {
                let point = Point { at: entry.capture, seq: entry.seq, value: entry.value };
                last.entry(entry.series).or_insert(point);
            }
        })
        .is_ok()
}

/// The last points in the chunks of windows from `from` on, newest window first: a series that was found is not looked for
/// further back.
fn in_chunks(
    conn: &Connection,
    sealer: &mut Sealer,
    from: i64,
    to: i64,
    skip: &HashSet<i64>,
    damaged: &mut u64,
) -> rusqlite::Result<LastPoints> {
    let mut last = LastPoints::new();
    sealer.shared.clear();
    let mut statement = conn
        .prepare(&format!("SELECT {}, t0 FROM chunk WHERE id >= ?1 AND id < ?2 ORDER BY id DESC", shared::COLUMNS))?;
    let mut rows = statement.query((chunk_id(from, 0, 0), chunk_id(window_of(to) + 1, 0, 0)))?;
    while let Some(row) = rows.next()? {
        let (window, series, _) = split_chunk_id(row.get(0)?);
        let t0: i64 = row.get(4)?;
        if skip.contains(&series) || last.contains_key(&series) || window * WINDOW_MS + t0 >= to {
            continue;
        }
        let Ok(points) = shared::open(conn, &mut sealer.decoder, &mut sealer.shared, row)? else {
            *damaged += 1;
            continue;
        };
        let to = Timestamp::from_millis(to);
        let found = points.map_while(Result::ok).take_while(|p| p.at < to).last();
        last.extend(found.map(|point| (series, point)));
    }
    Ok(last)
}
