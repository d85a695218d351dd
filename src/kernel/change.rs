//! One applied change: what everybody downstream of the model shares.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use smallvec::SmallVec;

use super::id::{ContextId, DetailId, Origin, PathId, Seq, SourceId};
use super::time::{Now, Timestamp};
use super::value::Value;

/// One update of one source, already applied and ranked, under its own number of the sequence.
#[derive(Debug)]
pub struct Change {
    /// Its timepoint.
    pub seq: Seq,
    /// About whom.
    pub context: ContextId,
    /// The full text of the context; it outlives the context's place in the model.
    pub context_name: Arc<str>,
    /// Who said it.
    pub source: SourceId,
    /// In which kind of sentence.
    pub detail: DetailId,
    /// When it was measured, or arrived where the data does not say.
    pub timestamp: Timestamp,
    /// When it arrived.
    pub received: Now,
    /// Where it entered.
    pub origin: Origin,
    /// The values; no path twice.
    pub values: Vec<Changed>,
    /// Paths whose metadata changed with this change.
    pub meta: Vec<PathId>,
    /// The wire form, made when the first reader asks.
    pub(super) encoded: OnceLock<Encoded>,
}

/// One value of a [`Change`].
#[derive(Debug, Clone)]
pub struct Changed {
    /// Where; [`PathId::ROOT`] for static data, whose value is an object.
    pub path: PathId,
    /// What the path holds from now on (for static data: the members that came).
    pub value: Value,
    /// This source's value is the one that the path shows; false for the loser of a priority rule.
    pub shown: bool,
    /// The context had no such path before.
    pub first: bool,
}

/// A change as a Signal K delta, cut so that a reader who wants some of its values copies only these.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The whole delta.
    pub text: Bytes,
    /// `text[..head]` is everything before the first value.
    pub head: u32,
    /// Each value's `{"path":…,"value":…}` in `text`, in the order of [`Change::values`].
    pub values: SmallVec<[(u32, u32); 6]>,
}

impl Change {
    /// Bytes that this change takes in memory, about: what the tail is bounded by.
    pub fn memory_bytes(&self) -> usize {
        let texts: usize = self
            .values
            .iter()
            .map(|v| match &v.value {
                Value::Text(text) if text.is_heap_allocated() => text.len(),
                Value::Json(json) => json.len(),
                _ => 0,
            })
            .sum();
        // The wire form is counted from the start, whether or not anybody has asked for it yet.
        let encoded = 100 + self.values.len() * 60 + texts;
        size_of::<Self>() + self.values.len() * size_of::<Changed>() + texts + encoded
    }
}
