//! Sentences as they came, where the configuration wants them kept: a record beside the values, to look into later what a
//! device really said, or to play it to a decoder again.
//!
//! They go with each commit, in the order in which they came, in a blob of their own. Nothing refers to them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::HistoryError;
use super::column::{Basis, Cursor, Span, put_column, put_part, put_varint};
use super::envelope::{Packer, Unpacker, crc};
use super::reader::Reader;
use crate::kernel::time::Timestamp;

/// Bytes of sentences that wait for their commit: a minute of two full AIS receivers and a bus. Beyond that the newest are
/// lost, and counted.
pub const WAITING_BYTES_MAX: usize = 1 << 20;

/// What a sentence counts for besides its text.
const SENTENCE_BYTES: usize = 40;

/// Sentences in a blob at the most.
const BLOB_SENTENCES_MAX: usize = 65_536;

/// Blobs that a page of [`Reader::sentences`] reads.
const BLOBS_A_PAGE: i64 = 16;

/// Version of the layout, the first byte under zstd.
const LAYOUT: u8 = 1;

/// One line as a device sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// When it came.
    pub at: Timestamp,
    /// Name of the input.
    pub input: Arc<str>,
    /// Without its end of line; not always text.
    pub line: Box<[u8]>,
}

#[derive(Debug, Default)]
struct Waiting {
    sentences: VecDeque<Sentence>,
    bytes: usize,
    lost: u64,
}

/// Where inputs put sentences and the writer takes them.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<Mutex<Waiting>>);

impl Inbox {
    /// Takes a sentence, or counts it as lost when there is no room. Never waits for the disk.
    pub fn push(&self, input: &Arc<str>, at: Timestamp, line: &[u8]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = line.len() + SENTENCE_BYTES;
        if waiting.bytes + bytes > WAITING_BYTES_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.bytes += bytes;
        waiting.sentences.push_back(Sentence { at, input: input.clone(), line: line.into() });
    }

    /// Copies of what waits, and how many were lost since the last call.
    pub(super) fn waiting(&self) -> (Vec<Sentence>, u64) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (waiting.sentences.iter().take(BLOB_SENTENCES_MAX).cloned().collect(), std::mem::take(&mut waiting.lost))
    }

    /// The first `n` are durable, or not wanted.
    pub(super) fn drop_first(&self, n: usize) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let freed: usize = waiting.sentences.drain(..n).map(|s| s.line.len() + SENTENCE_BYTES).sum();
        waiting.bytes -= freed;
    }
}

/// Writes sentences, of which there must be one, as a blob after the others.
pub(super) fn store(conn: &Connection, packer: &mut Packer, sentences: &[Sentence]) -> rusqlite::Result<()> {
    let blob = encode(packer, sentences);
    let times = || sentences.iter().map(|s| s.at.as_millis());
    conn.execute(
        "INSERT INTO sentence (t0, t1, n, crc, blob) VALUES (?1, ?2, ?3, ?4, ?5)",
        (times().min(), times().max(), sentences.len() as i64, crc(&blob), &blob),
    )
    .map(|_| ())
}

fn encode(packer: &mut Packer, sentences: &[Sentence]) -> Vec<u8> {
    let mut inputs: Vec<&Arc<str>> = Vec::new();
    let mut places = Vec::with_capacity(sentences.len());
    let mut text = Vec::new();
    for sentence in sentences {
        let place = inputs.iter().position(|known| **known == sentence.input).unwrap_or_else(|| {
            inputs.push(&sentence.input);
            inputs.len() - 1
        });
        put_varint(&mut places, place as u64);
        put_part(&mut text, &sentence.line);
    }
    let mut raw = vec![LAYOUT];
    put_varint(&mut raw, sentences.len() as u64);
    put_varint(&mut raw, inputs.len() as u64);
    for input in inputs {
        put_part(&mut raw, input.as_bytes());
    }
    let mut times = Vec::new();
    put_column(&mut times, &sentences.iter().map(|s| s.at.as_millis()).collect::<Vec<_>>(), Basis::Index);
    for part in [&times, &places, &text] {
        put_part(&mut raw, part);
    }
    packer.pack(&raw)
}

fn decode(bytes: &[u8], out: &mut Vec<Sentence>) -> Option<()> {
    let mut span = Span::of(bytes);
    if span.byte(bytes)? != LAYOUT {
        return None;
    }
    let count = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= BLOB_SENTENCES_MAX)?;
    let names = usize::try_from(span.varint(bytes)?).ok().filter(|n| *n <= count)?;
    let mut inputs: Vec<Arc<str>> = Vec::with_capacity(names);
    for _ in 0..names {
        let size = span.size(bytes)?;
        inputs.push(std::str::from_utf8(span.slice(bytes, size)?).ok()?.into());
    }
    let mut times = Cursor::new(span.part(bytes)?, bytes)?;
    let (mut places, mut text) = (span.part(bytes)?, span.part(bytes)?);
    for _ in 0..count {
        let at = Timestamp::from_millis(times.next(bytes)?);
        let input = inputs.get(usize::try_from(places.varint(bytes)?).ok()?)?.clone();
        let size = text.size(bytes)?;
        out.push(Sentence { at, input, line: text.slice(bytes, size)?.into() });
    }
    Some(())
}

impl Reader {
    /// Puts the next sentences of `from..to` into `page`, in the order in which they came. `after` is the place to go on
    /// from, 0 at first; gives the next, `None` when there are no more.
    ///
    /// # Errors
    /// A database that cannot be read. Damaged blobs are passed over and counted.
    pub fn sentences(
        &mut self,
        (from, to): (Timestamp, Timestamp),
        after: i64,
        page: &mut Vec<Sentence>,
    ) -> Result<Option<i64>, HistoryError> {
        page.clear();
        let sql = HistoryError::sql("read sentences");
        let mut statement = self
            .conn
            .prepare("SELECT id, crc, blob FROM sentence WHERE id > ?1 AND t1 >= ?2 AND t0 < ?3 ORDER BY id LIMIT ?4")
            .map_err(&sql)?;
        let mut rows = statement.query((after, from.as_millis(), to.as_millis(), BLOBS_A_PAGE)).map_err(&sql)?;
        let mut unpacker = Unpacker::new();
        let (mut last, mut damaged) = (None, 0);
        while let Some(row) = rows.next().map_err(&sql)? {
            last = Some(row.get(0).map_err(&sql)?);
            let blob = row.get_ref(2).map_err(&sql)?.as_blob().map_err(|e| sql(e.into()))?;
            let sound = crc(blob) == row.get::<_, u32>(1).map_err(&sql)?
                && unpacker.unpack(blob).is_some_and(|raw| decode(&raw, page).is_some());
            damaged += u64::from(!sound);
        }
        page.retain(|sentence| (from..to).contains(&sentence.at));
        drop(rows);
        drop(statement);
        self.damaged += damaged;
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::LEVEL_KEPT;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_lines_come_back(
            lines in proptest::collection::vec((any::<i64>(), "[a-c]{1,3}", proptest::collection::vec(any::<u8>(), 0..90)), 1..60),
        ) {
            let sentence = |(t, input, line): (i64, String, Vec<u8>)| Sentence {
                at: Timestamp::from_millis(t),
                input: input.into(),
                line: line.into(),
            };
            let sentences: Vec<Sentence> = lines.into_iter().map(sentence).collect();
            let blob = encode(&mut Packer::new(LEVEL_KEPT), &sentences);
            let mut back = Vec::new();
            prop_assert!(decode(&Unpacker::new().unpack(&blob).unwrap(), &mut back).is_some());
            prop_assert_eq!(back, sentences);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut plain = vec![LAYOUT];
            plain.extend_from_slice(&bytes);
            let _ = (decode(&bytes, &mut Vec::new()), decode(&plain, &mut Vec::new()));
        }
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_lost_is_counted() {
        let inbox = Inbox::default();
        let input: Arc<str> = "ais".into();
        let count = WAITING_BYTES_MAX / (60 + SENTENCE_BYTES) + 7;
        for _ in 0..count {
            inbox.push(&input, Timestamp::from_millis(0), &[b'x'; 60]);
        }
        let (waiting, lost) = inbox.waiting();
        assert_eq!(waiting.len() as u64 + lost, count as u64);
        assert!(lost > 0);
        inbox.drop_first(waiting.len());
        inbox.push(&input, Timestamp::from_millis(0), b"$");
        assert_eq!((inbox.waiting().0.len(), inbox.waiting().1), (1, 0));
    }
}
