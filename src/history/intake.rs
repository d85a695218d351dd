//! Series as they arrive: recognised by the addresses of their texts, judged once by the policy, numbered when they are
//! first written.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use rusqlite::{Connection, OptionalExtension};

use super::budget::Economy;
use super::policy::{Keep, RecordPolicy};
use super::record::{Record, RecordKind};
use super::schema::FIRST_OTHER_SERIES;
use super::unused::Unused;
use crate::kernel::time::Moment;
use crate::kernel::value::Value;

/// Series known at a time (1,000 vessels of 30 paths). Beyond that the table is emptied after a commit and fills again
/// from the database: slower, not wrong.
const SLOTS_MAX: usize = 32_768;

/// Addresses known at a time; a feeder that shares its texts needs one a series.
const ADDRESSES_MAX: usize = 2 * SLOTS_MAX;

/// A series in the writer's memory.
#[derive(Debug)]
struct Slot {
    context: Arc<str>,
    path: Arc<str>,
    source: Arc<str>,
    kind: RecordKind,
    keep: Keep,
    own: bool,
    last_kept: Option<Moment>,
    id: Option<i64>,
}

type Addresses = (u64, u64, u64, RecordKind);
type Texts = (Arc<str>, Arc<str>, Arc<str>, RecordKind);

/// The table of series.
#[derive(Debug)]
pub(super) struct Intake {
    policy: RecordPolicy,
    own_context: Arc<str>,
    slots: Vec<Slot>,
    /// The slots hold the texts, so that no address is used again while it stands here.
    by_address: HashMap<Addresses, usize, FixedState>,
    by_text: HashMap<Texts, usize, FixedState>,
    /// Texts whose addresses stand in `by_address` without a slot of their own.
    held: Vec<Texts>,
    /// Series that nothing was found to refer to yet, while a sweep looks.
    unused: Unused,
}

impl Intake {
    pub fn new(policy: RecordPolicy, own_context: Arc<str>) -> Self {
        Self {
            policy,
            own_context,
            slots: Vec::new(),
            by_address: HashMap::default(),
            by_text: HashMap::default(),
            held: Vec::new(),
            unused: Unused::default(),
        }
    }

    /// The place of a record's series.
    pub fn slot(&mut self, record: &Record) -> usize {
        let address = |text: &Arc<str>| Arc::as_ptr(text).cast::<u8>() as usize as u64;
        // Empty texts may share an address with others: the length belongs to it.
        let place = |text: &Arc<str>| address(text) ^ ((text.len() as u64) << 48);
        let key = (place(&record.context), place(&record.path), place(&record.source), record.kind);
        if let Some(slot) = self.by_address.get(&key) {
            return *slot;
        }
        if self.by_address.len() >= ADDRESSES_MAX {
            self.by_address.clear();
            self.held.clear();
        }
        let texts = (record.context.clone(), record.path.clone(), record.source.clone(), record.kind);
        let slot = if let Some(slot) = self.by_text.get(&texts) {
            *slot
        } else {
            let own = record.context == self.own_context;
            self.slots.push(Slot {
                context: texts.0.clone(),
                path: texts.1.clone(),
                source: texts.2.clone(),
                kind: record.kind,
                keep: self.policy.decide(&record.context, own, &record.path),
                own,
                last_kept: None,
                id: None,
            });
            self.by_text.insert(texts.clone(), self.slots.len() - 1);
            self.slots.len() - 1
        };
        self.held.push(texts);
        self.by_address.insert(key, slot);
        slot
    }

    /// Whether a record is kept; `economy` is what is asked to save writing.
    pub fn keeps(&mut self, slot: usize, record: &Record, economy: Economy) -> bool {
        let slot = &mut self.slots[slot];
        let one_in = match slot.keep {
            Keep::Nothing => return false,
            Keep::All => 0,
            Keep::OneIn(ms) => ms,
        };
        let one_in = one_in.max(if slot.own { economy.own_one_in_ms } else { economy.others_one_in_ms });
        if one_in == 0 || record.kind != RecordKind::Value || record.value.is_null() {
            return true;
        }
        if slot.last_kept.is_some_and(|last| record.received_mono.since(last) < one_in) {
            return false;
        }
        slot.last_kept = Some(record.received_mono);
        true
    }

    /// The id of a series in the database, given to it there when it is new; `None` once the eight million ids of its
    /// sort are used up. Inside the transaction that uses it.
    pub fn id(&mut self, slot: usize, conn: &Connection) -> rusqlite::Result<Option<i64>> {
        let slot = &mut self.slots[slot];
        if let Some(id) = slot.id {
            if !self.unused.is_empty() {
                self.unused.remove(&id);
            }
            return Ok(slot.id);
        }
        let context = name_id(conn, &slot.context)?;
        let path = name_id(conn, &slot.path)?;
        let source = name_id(conn, &slot.source)?;
        let key = (context, path, source, slot.kind.code());
        let known: Option<i64> = conn
            .query_row(
                "SELECT id FROM series WHERE context = ?1 AND path = ?2 AND source = ?3 AND kind = ?4",
                key,
                |row| row.get(0),
            )
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            let (first, end) =
                if slot.own { (1, FIRST_OTHER_SERIES) } else { (FIRST_OTHER_SERIES, FIRST_OTHER_SERIES * 2) };
            let id: i64 = conn.query_row(
                "SELECT coalesce(max(id) + 1, ?1) FROM series WHERE id >= ?1 AND id < ?2",
                (first, end),
                |row| row.get(0),
            )?;
            if id >= end {
                return Ok(None);
            }
            conn.execute(
                "INSERT INTO series (id, context, path, source, kind) VALUES (?1, ?2, ?3, ?4, ?5)",
                (id, key.0, key.1, key.2, key.3),
            )?;
            id
        };
        slot.id = Some(id);
        self.unused.remove(&id);
        Ok(slot.id)
    }

    /// Makes a list of series; those that get a record take themselves off it.
    pub fn watch(&mut self, ids: Unused) {
        self.unused = ids;
    }

    /// Takes a series off the list.
    pub fn unwatch(&mut self, id: i64) {
        self.unused.remove(&id);
    }

    /// What is left on the list, and the end of it. They are known here no more: a record of theirs makes them anew.
    pub fn unwatched(&mut self) -> Unused {
        for slot in &mut self.slots {
            slot.id = slot.id.filter(|id| !self.unused.contains(id));
        }
        std::mem::take(&mut self.unused)
    }

    /// Forgets the ids: after a transaction that failed, or with another database.
    pub fn forget_ids(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.id = None);
    }

    /// Empties the table when it is over its bound. Only while no record refers to it.
    pub fn trim(&mut self) {
        if self.slots.len() > SLOTS_MAX {
            self.slots.clear();
            self.by_text.clear();
            self.by_address.clear();
            self.held.clear();
        }
    }
}

fn name_id(conn: &Connection, text: &str) -> rusqlite::Result<i64> {
    let known: Option<i64> =
        conn.query_row("SELECT id FROM name WHERE text = ?1", [text], |row| row.get(0)).optional()?;
    match known {
        Some(id) => Ok(id),
        None => conn.query_row("INSERT INTO name (text) VALUES (?1) RETURNING id", [text], |row| row.get(0)),
    }
}

/// Bytes of text in a value.
pub(super) fn text_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Json(json) => json.len(),
        _ => 0,
    }
}
