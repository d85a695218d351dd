//! Which rows want a path: found once by comparing texts, then by index.

use super::ActiveRow;
use crate::kernel::id::PathId;
use crate::kernel::model::Model;
use crate::kernel::pattern::Pattern;

/// Rows by path. Most paths share one of a few lists of rows, so a path costs two bytes.
#[derive(Debug, Default)]
pub(super) struct Interest {
    /// By [`PathId`]: 0 for not yet known, else one more than the index into `lists`.
    by_path: Vec<u16>,
    lists: Vec<Box<[u16]>>,
}

impl Interest {
    pub(super) fn clear(&mut self) {
        self.by_path.clear();
        self.lists.clear();
    }

    /// Bytes in memory, about.
    pub(super) fn memory_bytes(&self) -> usize {
        let lists: usize = self.lists.iter().map(|list| size_of::<Box<[u16]>>() + list.len() * 2).sum();
        self.by_path.capacity() * 2 + lists
    }

    /// The rows that want `path`, by number. Root objects are wanted by rows that name static data, too.
    pub(super) fn rows(&mut self, path: PathId, rows: &[ActiveRow], model: &Model) -> &[u16] {
        if self.by_path.len() <= path.index() {
            self.by_path.resize(path.index() + 1, 0);
        }
        if self.by_path[path.index()] == 0 {
            let text = model.path(path);
            let wants = |active: &ActiveRow| active.row.path.matches(text) || (path == PathId::ROOT && active.flatten);
            let list: Box<[u16]> = (0..rows.len()).filter(|&i| wants(&rows[i])).map(|i| i as u16).collect();
            let at = self.lists.iter().position(|l| *l == list).unwrap_or_else(|| {
                self.lists.push(list);
                self.lists.len() - 1
            });
            self.by_path[path.index()] = at as u16 + 1;
        }
        &self.lists[usize::from(self.by_path[path.index()]) - 1]
    }
}

/// First segments of the static data at the root of a context.
const STATIC_NAMES: [&str; 9] =
    ["name", "mmsi", "uuid", "url", "flag", "port", "base", "registrations", "communication"];

/// Whether a row's path means static data by name (`name`, `communication.*`), so that objects at the empty path must be
/// taken apart for it. A row that means the empty path itself gets them whole.
pub(super) fn names_static_data(pattern: &Pattern) -> bool {
    STATIC_NAMES.iter().any(|name| pattern.may_start_with(name)) && !pattern.matches("")
}
