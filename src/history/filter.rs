//! Which series a query is about: patterns, and the ids that they come to in a database.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use super::HistoryError;
use super::reader::Reader;
use super::record::{Record, RecordKind};
use crate::kernel::pattern::Pattern;

/// Which series a query is about. What is `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Contexts.
    pub context: Option<Pattern>,
    /// Paths.
    pub path: Option<Pattern>,
    /// Sources.
    pub source: Option<Pattern>,
    /// Kind.
    pub kind: Option<RecordKind>,
}

impl Filter {
    /// Every series.
    pub fn all() -> Self {
        Self::default()
    }

    /// The values of a path of a context, of every source.
    pub fn path(context: &str, path: &str) -> Self {
        Self {
            context: Some(Pattern::new(context)),
            path: Some(Pattern::new(path)),
            source: None,
            kind: Some(RecordKind::Value),
        }
    }

    /// Whether a record belongs to a series that is asked for.
    pub fn matches(&self, record: &Record) -> bool {
        let fits = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|p| p.matches(text));
        self.kind.is_none_or(|kind| kind == record.kind)
            && fits(&self.context, &record.context)
            && fits(&self.path, &record.path)
            && fits(&self.source, &record.source)
    }
}

/// The series that a filter came to: a set of ids, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    All,
    /// Ascending.
    Ids(Vec<i64>),
}

impl Chosen {
    pub fn has(&self, id: i64) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.binary_search(&id).is_ok(),
        }
    }
}

impl Reader {
    /// The series that match a filter.
    pub(super) fn choose(&self, filter: &Filter) -> Result<Chosen, HistoryError> {
        if *filter == Filter::all() {
            return Ok(Chosen::All);
        }
        let choose = || -> rusqlite::Result<Chosen> {
            let contexts = names(&self.conn, filter.context.as_ref())?;
            let paths = names(&self.conn, filter.path.as_ref())?;
            let sources = names(&self.conn, filter.source.as_ref())?;
            let fits = |names: &Option<HashSet<i64>>, id| names.as_ref().is_none_or(|names| names.contains(&id));
            let mut ids = Vec::new();
            let mut take = |row: &rusqlite::Row<'_>| -> rusqlite::Result<()> {
                let kind = filter.kind.is_none_or(|kind| row.get(4).is_ok_and(|code: u8| code == kind.code()));
                if kind && fits(&contexts, row.get(1)?) && fits(&paths, row.get(2)?) && fits(&sources, row.get(3)?) {
                    ids.push(row.get(0)?);
                }
                Ok(())
            };
            match &contexts {
                // A few contexts: by the index, which begins with them.
                Some(few) if few.len() <= 64 => {
                    let mut statement =
                        self.conn.prepare("SELECT id, context, path, source, kind FROM series WHERE context = ?1")?;
                    for context in few {
                        let mut rows = statement.query([context])?;
                        while let Some(row) = rows.next()? {
                            take(row)?;
                        }
                    }
                }
                _ => {
                    let mut statement = self.conn.prepare("SELECT id, context, path, source, kind FROM series")?;
                    let mut rows = statement.query([])?;
                    while let Some(row) = rows.next()? {
                        take(row)?;
                    }
                }
            }
            ids.sort_unstable();
            Ok(Chosen::Ids(ids))
        };
        choose().map_err(HistoryError::sql("choose series"))
    }
}

/// The ids of the names that match a pattern.
fn names(conn: &Connection, pattern: Option<&Pattern>) -> rusqlite::Result<Option<HashSet<i64>>> {
    let Some(pattern) = pattern else { return Ok(None) };
    if let Some(text) = pattern.exact() {
        let id: Option<i64> =
            conn.query_row("SELECT id FROM name WHERE text = ?1", [text], |row| row.get(0)).optional()?;
        return Ok(Some(id.into_iter().collect()));
    }
    let mut ids = HashSet::new();
    let mut statement = conn.prepare("SELECT id, text FROM name")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if pattern.matches(row.get_ref(1)?.as_str()?) {
            ids.insert(row.get(0)?);
        }
    }
    Ok(Some(ids))
}
