//! What was recorded and is not yet durable: at most one commit interval, shared with the readers so that a query sees
//! the newest values too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::Record;

/// Most records held while the database cannot be written. Beyond that the newest are lost and a gap says so.
pub const RECORDS_MAX: usize = 32_768;

/// Most bytes of text in them.
pub const TEXT_BYTES_MAX: usize = 8 << 20;

/// A record waiting for its commit, with the place of its series in the writer's table.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub slot: usize,
    pub record: Record,
}

/// The records in waiting and the bytes of their texts.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub records: Vec<Waiting>,
    pub text_bytes: usize,
}

impl Buffer {
    /// Whether another one still fits.
    pub fn has_room(&self, text_bytes: usize) -> bool {
        self.records.len() < RECORDS_MAX && self.text_bytes + text_bytes <= TEXT_BYTES_MAX
    }

    /// Moves the stamps of records that were stamped by a clock that was not trusted, in a range of timepoints.
    pub fn shift(&mut self, seqs: std::ops::RangeInclusive<u64>, ms: i64) {
        let moved = self.records.iter_mut().map(|w| &mut w.record);
        moved.filter(|r| !r.trusted_wall && seqs.contains(&r.seq)).for_each(|r| r.shift(ms));
    }

    /// Takes off what has this timepoint or an earlier one.
    pub fn drop_up_to(&mut self, seq: u64) {
        self.drop_first(self.records.partition_point(|w| w.record.seq <= seq));
    }

    /// Takes off the first `n`, which are durable now.
    pub fn drop_first(&mut self, n: usize) {
        self.records.drain(..n);
        self.text_bytes = self.records.iter().map(|w| super::intake::text_bytes(&w.record.value)).sum();
    }
}

/// The shared handle.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<Buffer>>);

impl Tail {
    pub(super) fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies of the records for which `wanted` holds, in order of `seq`. Take them before the transaction that reads
    /// what is durable, and leave out what that shows to be durable already: then nothing is missing or twice.
    pub fn records(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        self.lock().records.iter().map(|w| &w.record).filter(|r| wanted(r)).cloned().collect()
    }
}
