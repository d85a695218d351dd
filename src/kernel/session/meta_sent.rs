//! Which metadata a stream has sent already (META-06).
//!
//! Metadata is the same for a path in every context. It is still sent twice: once under the own vessel and once under the
//! first other one, because clients look for the unit of a value under the vessel that they show.

use crate::kernel::id::PathId;

/// Paths whose metadata was sent.
#[derive(Debug, Default)]
pub(super) struct MetaSent {
    own: Vec<bool>,
    others: Vec<bool>,
}

impl MetaSent {
    /// Notes that it is being sent. False when it was before.
    pub(super) fn note(&mut self, path: PathId, own: bool) -> bool {
        let sent = if own { &mut self.own } else { &mut self.others };
        if sent.len() <= path.index() {
            sent.resize(path.index() + 1, false);
        }
        !std::mem::replace(&mut sent[path.index()], true)
    }

    /// Whether it was sent.
    pub(super) fn contains(&self, path: PathId, own: bool) -> bool {
        let sent = if own { &self.own } else { &self.others };
        sent.get(path.index()).copied().unwrap_or(false)
    }

    /// It has changed: it is to be sent again.
    pub(super) fn forget(&mut self, path: PathId) {
        for sent in [&mut self.own, &mut self.others] {
            if let Some(sent) = sent.get_mut(path.index()) {
                *sent = false;
            }
        }
    }

    /// The same of a world whose paths have other numbers; paths that it does not know are forgotten.
    pub(super) fn translated(&self, number: impl Fn(PathId) -> Option<PathId>) -> Self {
        let mut there = Self::default();
        for (sent, own) in [(&self.own, true), (&self.others, false)] {
            let paths = sent.iter().enumerate().filter(|(_, sent)| **sent).map(|(index, _)| PathId(index as u32));
            for path in paths.filter_map(&number) {
                there.note(path, own);
            }
        }
        there
    }

    /// Everything is to be sent again (META-10).
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.own.capacity() + self.others.capacity()
    }
}
