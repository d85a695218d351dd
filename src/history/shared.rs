//! Chunks of the same stamps: the paths of one sentence. When an hour is merged, the first of them keeps the stamps and the
//! others refer to it; here is what reading such a chunk takes.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use rusqlite::{Connection, OptionalExtension, Row};

use super::chunk::{Corrupt, Decoder, Point, Points, Stamps};
use super::envelope::crc;
use super::schema::{chunk_id, split_chunk_id};

/// Stamps that are kept at hand: 4 kB each. Chunks of a sentence lie close together.
const KEPT_MAX: usize = 256;

/// The columns that [`open`] needs, in this order.
pub(super) const COLUMNS: &str = "id, stamps, crc, blob";

/// Stamps by the key of their chunk.
#[derive(Debug, Default)]
pub(super) struct Shared(HashMap<i64, Stamps, FixedState>);

impl Shared {
    /// Forgets what it holds: chunks may have changed.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The stamps of a chunk.
    pub fn get(&mut self, conn: &Connection, decoder: &mut Decoder, id: i64) -> rusqlite::Result<Option<&Stamps>> {
        if !self.0.contains_key(&id) {
            let row: Option<(u32, Vec<u8>)> = conn
                .query_row("SELECT crc, blob FROM chunk WHERE id = ?1", [id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((sum, blob)) = row else { return Ok(None) };
            let Ok(stamps) = decoder.stamps(&blob) else { return Ok(None) };
            if crc(&blob) != sum {
                return Ok(None);
            }
            if self.0.len() >= KEPT_MAX {
                self.0.clear();
            }
            self.0.insert(id, stamps);
        }
        Ok(self.0.get(&id))
    }
}

/// The points of a row of [`COLUMNS`].
pub(super) fn open(
    conn: &Connection,
    decoder: &mut Decoder,
    shared: &mut Shared,
    row: &Row<'_>,
) -> rusqlite::Result<Result<Points, Corrupt>> {
    let blob = row.get_ref(3)?.as_blob()?;
    if crc(blob) != row.get::<_, u32>(2)? {
        return Ok(Err(Corrupt));
    }
    let Some(series) = row.get::<_, Option<i64>>(1)? else {
        return Ok(decoder.decode(blob, None));
    };
    let (window, _, _) = split_chunk_id(row.get(0)?);
    let stamps = shared.get(conn, decoder, chunk_id(window, series, 0))?.cloned();
    Ok(stamps.ok_or(Corrupt).and_then(|stamps| decoder.decode(blob, Some(&stamps))))
}

/// Something that two series have in common only when all their stamps are the same (but for one chance in 2^128).
pub(super) fn fingerprint(points: &[Point]) -> (u64, u64, usize) {
    use std::hash::{BuildHasher, Hasher};
    let hash = |seed| {
        let mut hasher = FixedState::with_seed(seed).build_hasher();
        for point in points {
            hasher.write_i64(point.at.as_millis());
            hasher.write_u64(point.seq);
        }
        hasher.finish()
    };
    (hash(1), hash(2), points.len())
}
