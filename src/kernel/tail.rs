//! The newest changes in the order of their numbers, read by index by everybody: sessions, the recorder, whoever resumes.
//!
//! There is one tail and no queue per reader. A reader is a cursor, the number that it saw last; one that fell behind the
//! tail is told so and catches up from the model. Memory therefore does not depend on how many are slow, or how slow.

use std::collections::VecDeque;
use std::sync::Arc;

use super::change::Change;
use super::id::Seq;

/// Bytes that the tail holds at the most, by default. Past it, the oldest changes go.
pub const TAIL_BYTES_MAX: usize = 4 << 20;

/// The tail of the log. Numbers in it have no holes.
#[derive(Debug)]
pub struct Tail {
    changes: VecDeque<Arc<Change>>,
    bytes: usize,
    bytes_max: usize,
    /// The number of the last change ever pushed.
    head: Seq,
}

impl Tail {
    /// An empty tail whose first change will have the number after `head`.
    pub fn new(head: Seq, bytes_max: usize) -> Self {
        Self { changes: VecDeque::new(), bytes: 0, bytes_max, head }
    }

    /// Appends the change that follows the head.
    pub fn push(&mut self, change: Arc<Change>) {
        assert_eq!(change.seq, self.head.next(), "the log has no holes");
        self.head = change.seq;
        self.bytes += change.memory_bytes();
        self.changes.push_back(change);
        while self.bytes > self.bytes_max && self.changes.len() > 1 {
            if let Some(oldest) = self.changes.pop_front() {
                self.bytes -= oldest.memory_bytes();
            }
        }
    }

    /// The number of the newest change.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// The newest change, if it is still here.
    pub fn newest(&self) -> Option<&Arc<Change>> {
        self.changes.back()
    }

    /// The number of the oldest change still here; the one after the head when there is none.
    pub fn oldest(&self) -> Seq {
        self.changes.front().map_or(self.head.next(), |c| c.seq)
    }

    /// All changes after `cursor`, oldest first, or `None` when some of them are here no more.
    pub fn after(&self, cursor: Seq) -> Option<impl Iterator<Item = &Arc<Change>>> {
        let from = cursor.next().0.checked_sub(self.oldest().0)?;
        Some(self.changes.range((from as usize).min(self.changes.len())..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::{ContextId, DetailId, Origin, SourceId};
    use crate::kernel::time::{Now, Timestamp};

    fn change(seq: u64) -> Arc<Change> {
        Arc::new(Change {
            seq: Seq(seq),
            context: ContextId { index: 0, generation: 0 },
            context_name: "vessels.a".into(),
            source: SourceId(0),
            detail: DetailId::NONE,
            timestamp: Timestamp::default(),
            received: Now::default(),
            origin: Origin::SERVER,
            values: Vec::new(),
            meta: Vec::new(),
            encoded: std::sync::OnceLock::new(),
        })
    }

    fn after(tail: &Tail, cursor: u64) -> Option<Vec<u64>> {
        tail.after(Seq(cursor)).map(|changes| changes.map(|c| c.seq.0).collect())
    }

    #[test]
    fn a_cursor_gets_what_is_newer_or_hears_that_it_fell_off() {
        let one = change(0).memory_bytes();
        let mut tail = Tail::new(Seq(10), 3 * one);
        assert_eq!(after(&tail, 10), Some(vec![]));
        for seq in 11..=15 {
            tail.push(change(seq));
        }
        assert_eq!((tail.oldest(), tail.head()), (Seq(13), Seq(15)));
        assert_eq!(after(&tail, 15), Some(vec![]));
        assert_eq!(after(&tail, 13), Some(vec![14, 15]));
        assert_eq!(after(&tail, 12), Some(vec![13, 14, 15]));
        assert_eq!(after(&tail, 11), None);
    }
}
