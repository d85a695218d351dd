//! Metadata by path: units, descriptions, zones, names for displays.
//!
//! The [`Registry`] holds what is known of each path, whoever's it is: the same path means the same in every context.
//! Three layers lie over the table of known paths ([`table::Table`]), each stronger than the one before: what came with
//! data, what the configuration says, and what somebody set by PUT. A layer holds members, not whole objects, so a
//! device that sends only a name leaves the units alone, and a device that repeats its metadata with each sentence does
//! not undo what the skipper set.

mod member;
pub mod scale;
pub mod table;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use serde_json::{Map, Value as Json};

use super::json::depth_is_bounded;
use super::update::Path;
use super::value::push_text;
use super::zones::Zones;
use table::Table;

/// Paths with metadata of their own, beside the table. One more is refused.
pub const PATHS_MAX: usize = 4096;

/// Metadata of one path in all layers, in bytes of names and JSON. A member that does not fit is refused.
pub const META_BYTES_MAX: usize = 8 * 1024;

/// Metadata of all paths, in bytes of paths, names and JSON. What does not fit is refused.
pub const TOTAL_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The longest path that can have metadata of its own, in bytes.
pub const PATH_BYTES_MAX: usize = 512;

/// Where a member comes from; the later one in this order is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A delta of an input or a client.
    Delta,
    /// The configuration, or the server itself (`supportsPut`).
    Config,
    /// A PUT request; kept over a restart.
    Put,
}

/// A member that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The path whose metadata it is.
    pub path: Path,
    /// The member, such as `zones[1].state`; empty when it is the whole.
    pub member: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, member, problem } = self;
        if member.is_empty() {
            write!(f, "meta of {path}: {problem}")
        } else {
            write!(f, "meta of {path}: {member} {problem}")
        }
    }
}

/// What became of metadata that was merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// Whether anything is different now.
    pub changed: bool,
    /// What was refused; the rest was taken.
    pub issues: Vec<Issue>,
}

/// What is known of all paths.
#[derive(Debug, Clone)]
pub struct Registry {
    table: Arc<Table>,
    entries: HashMap<Path, Entry, foldhash::fast::RandomState>,
    bytes: usize,
}

/// What was said about one path, over what the table says. Stays when its last member is deleted: that is a change too,
/// and its number must be found.
#[derive(Debug, Clone, Default)]
struct Entry {
    seq: u64,
    /// Sorted by name, then by origin: of one name, the last counts.
    members: Vec<Member>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Member {
    name: CompactString,
    origin: Origin,
    json: Box<str>,
}

impl Registry {
    /// Knows what the table knows.
    pub fn new(table: Arc<Table>) -> Self {
        Self { table, entries: HashMap::default(), bytes: 0 }
    }

    /// Merges an object, which may be a part, over what is known. Members that are wrong or do not fit are refused one by
    /// one. `seq` is noted as the last change of the path if this is one.
    pub fn merge(&mut self, path: &str, json: &str, origin: Origin, seq: u64) -> Merged {
        let mut merged = Merged::default();
        let members = match parse_object(json) {
            Ok(members) => members,
            Err(problem) => {
                merged.issues.push(issue(path, "", problem));
                return merged;
            }
        };
        for (name, mut value) in members {
            let mut faults = Vec::new();
            let keep = member::check(&name, &mut value, &mut faults);
            merged.issues.extend(faults.into_iter().map(|(member, problem)| issue(path, member, problem)));
            if keep {
                match self.insert(path, &name, &value, origin, seq) {
                    Ok(changed) => merged.changed |= changed,
                    Err(problem) => merged.issues.push(issue(path, name, problem)),
                }
            }
        }
        merged
    }

    /// Sets one member as a PUT request has it, or refuses it whole. An empty array becomes null, as clients expect of
    /// the Node server. Returns whether anything is different now.
    pub fn put_member(&mut self, path: &str, name: &str, json: &str, seq: u64) -> Result<bool, Issue> {
        let value = parse(json).map_err(|problem| issue(path, name, problem))?;
        let value = checked_for_put(path, name, value)?;
        self.insert(path, name, &value, Origin::Put, seq).map_err(|problem| issue(path, name, problem))
    }

    /// Sets several members as a PUT request has them, or refuses all of them for the first that is wrong. Members that
    /// are not named stay. Returns whether anything is different now.
    pub fn put(&mut self, path: &str, json: &str, seq: u64) -> Result<bool, Issue> {
        let members = parse_object(json).map_err(|problem| issue(path, "", problem))?;
        let mut checked = Vec::with_capacity(members.len());
        for (name, value) in members {
            checked.push((checked_for_put(path, &name, value)?, name));
        }
        // Growth alone is counted, member by member, so that none of them can fail half way.
        let held = |name: &str| {
            let entry = self.entries.get(path)?;
            let at = entry.find(name, Origin::Put).ok()?;
            Some(name.len() + entry.members[at].json.len())
        };
        let growth = |(value, name): &(Json, String)| {
            (name.len() + value.to_string().len()).saturating_sub(held(name).unwrap_or(0))
        };
        self.room(path, checked.iter().map(growth).sum()).map_err(|problem| issue(path, "", problem))?;
        let mut changed = false;
        for (value, name) in checked {
            changed |= self
                .insert(path, &name, &value, Origin::Put, seq)
                .map_err(|problem| issue(path, name.as_str(), problem))?;
        }
        Ok(changed)
    }

    /// Takes back a member that this origin had set; what lies below it shows again. `false` if there was none.
    pub fn delete_member(&mut self, path: &str, name: &str, origin: Origin, seq: u64) -> bool {
        self.delete_where(path, seq, |member| member.name == name && member.origin == origin)
    }

    /// Takes back everything that this origin had set for the path. `false` if there was nothing.
    pub fn delete(&mut self, path: &str, origin: Origin, seq: u64) -> bool {
        self.delete_where(path, seq, |member| member.origin == origin)
    }

    /// Whether anything is known of the path.
    pub fn knows(&self, path: &str) -> bool {
        self.entries.get(path).is_some_and(|entry| !entry.members.is_empty()) || self.table.find(path).is_some()
    }

    /// Appends everything that is known of the path as one JSON object; `false`, and nothing appended, if that is
    /// nothing.
    pub fn write_json(&self, path: &str, out: &mut String) -> bool {
        let start = out.len();
        let mut push = |name: &str, json: &str| {
            out.push(if out.len() == start { '{' } else { ',' });
            push_text(name, out);
            out.push(':');
            out.push_str(json);
        };
        let entry = self.entries.get(path);
        if let Some(row) = self.table.find(path) {
            row.members(|name, json| {
                if entry.is_none_or(|entry| entry.get(name).is_none()) {
                    push(name, json);
                }
            });
        }
        for member in entry.into_iter().flat_map(Entry::effective) {
            push(&member.name, &member.json);
        }
        let any = out.len() > start;
        if any {
            out.push('}');
        }
        any
    }

    /// Appends one member as JSON; `false`, and nothing appended, if it is not there.
    pub fn write_member(&self, path: &str, name: &str, out: &mut String) -> bool {
        if let Some(member) = self.entries.get(path).and_then(|entry| entry.get(name)) {
            out.push_str(&member.json);
            return true;
        }
        let start = out.len();
        if let Some(row) = self.table.find(path) {
            row.members(|member, json| {
                if member == name {
                    out.push_str(json);
                }
            });
        }
        out.len() > start
    }

    /// The number of the last change to the path's metadata; `None` where there is nothing but the table.
    pub fn seq(&self, path: &str) -> Option<u64> {
        self.entries.get(path).map(|entry| entry.seq)
    }

    /// The paths whose metadata changed after `seq`, with the number of the change, in no particular order. A path whose
    /// last member was deleted is among them.
    pub fn changed_since(&self, seq: u64) -> impl Iterator<Item = (&str, u64)> {
        self.entries.iter().filter(move |(_, e)| e.seq > seq).map(|(path, e)| (path.as_str(), e.seq))
    }

    /// The zones of the path, ready to watch a value with; `None` where there are none.
    pub fn zones(&self, path: &str) -> Option<Zones> {
        let entry = self.entries.get(path)?;
        entry.get("zones")?;
        let wanted = |m: &&Member| m.name == "zones" || m.name.ends_with("Method");
        let members = entry.effective().filter(wanted);
        Zones::from_meta(&members.filter_map(|m| Some((m.name.to_string(), parse(&m.json).ok()?))).collect())
    }

    /// The paths that have zones, in no particular order.
    pub fn zoned_paths(&self) -> impl Iterator<Item = &str> {
        let zoned = |entry: &Entry| entry.get("zones").is_some_and(|m| &*m.json != "null");
        self.entries.iter().filter(move |(_, entry)| zoned(entry)).map(|(path, _)| path.as_str())
    }

    /// What PUT requests set, for keeping over a restart: `{"<path>":{"<member>":…}}`, sorted.
    pub fn kept_json(&self) -> String {
        let is_kept = |member: &&Member| member.origin == Origin::Put;
        let mut entries: Vec<_> = self.entries.iter().filter(|(_, e)| e.members.iter().any(|m| is_kept(&m))).collect();
        entries.sort_by_key(|(path, _)| *path);
        let mut out = String::from("{");
        for (i, (path, entry)) in entries.into_iter().enumerate() {
            out.push_str(if i == 0 { "\n" } else { ",\n" });
            push_text(path, &mut out);
            for (j, member) in entry.members.iter().filter(is_kept).enumerate() {
                out.push_str(if j == 0 { ":{" } else { "," });
                push_text(&member.name, &mut out);
                out.push(':');
                out.push_str(&member.json);
            }
            out.push('}');
        }
        out.push_str("\n}\n");
        out
    }

    /// Takes in what [`Self::kept_json`] gave. What does not fit any more is returned and left out.
    pub fn restore(&mut self, kept: &str, seq: u64) -> Vec<Issue> {
        match parse_object(kept) {
            Ok(paths) => paths
                .into_iter()
                .flat_map(|(path, members)| self.merge(&path, &members.to_string(), Origin::Put, seq).issues)
                .collect(),
            Err(problem) => vec![issue("", "", problem)],
        }
    }

    /// Whether `added` bytes more can be held for the path.
    fn room(&self, path: &str, added: usize) -> Result<(), &'static str> {
        let entry = self.entries.get(path);
        if path.is_empty() || path.len() > PATH_BYTES_MAX {
            Err("is for a path that is empty or too long")
        } else if entry.is_none() && self.entries.len() >= PATHS_MAX {
            Err("has no room: too many paths have metadata")
        } else if entry.map_or(0, |e| e.bytes) + added > META_BYTES_MAX {
            Err("has no room: too much metadata for one path")
        } else if self.bytes + added + path.len() > TOTAL_BYTES_MAX {
            Err("has no room: too much metadata in all")
        } else {
            Ok(())
        }
    }

    fn insert(&mut self, path: &str, name: &str, value: &Json, origin: Origin, seq: u64) -> Result<bool, &'static str> {
        let json = value.to_string();
        let found = self.entries.get(path).map(|entry| entry.find(name, origin));
        if let (Some(Ok(at)), Some(entry)) = (found, self.entries.get_mut(path)) {
            if *entry.members[at].json == *json {
                return Ok(false);
            }
            let old = entry.members[at].json.len();
            if json.len() > old {
                self.room(path, json.len() - old)?;
            }
            let entry = self.entries.get_mut(path).expect("it was there a moment ago");
            entry.bytes = entry.bytes - old + json.len();
            self.bytes = self.bytes - old + json.len();
            entry.members[at].json = json.into();
            entry.seq = seq;
            return Ok(true);
        }
        let added = name.len() + json.len();
        self.room(path, added)?;
        if found.is_none() {
            self.bytes += path.len();
        }
        self.bytes += added;
        let entry = self.entries.entry(Path::new(path)).or_default();
        let at = entry.find(name, origin).unwrap_or_else(|at| at);
        entry.members.insert(at, Member { name: CompactString::new(name), origin, json: json.into() });
        entry.bytes += added;
        entry.seq = seq;
        Ok(true)
    }

    fn delete_where(&mut self, path: &str, seq: u64, unwanted: impl Fn(&Member) -> bool) -> bool {
        let Some(entry) = self.entries.get_mut(path) else { return false };
        let mut freed = 0;
        let before = entry.members.len();
        entry.members.retain(|member| {
            let goes = unwanted(member);
            freed += if goes { member.name.len() + member.json.len() } else { 0 };
            !goes
        });
        if entry.members.len() == before {
            return false;
        }
        entry.bytes -= freed;
        entry.seq = seq;
        self.bytes -= freed;
        true
    }
}

impl Entry {
    fn find(&self, name: &str, origin: Origin) -> Result<usize, usize> {
        self.members.binary_search_by(|m| m.name.as_str().cmp(name).then(m.origin.cmp(&origin)))
    }

    /// The strongest member of this name.
    fn get(&self, name: &str) -> Option<&Member> {
        let after = self.members.partition_point(|m| m.name.as_str() <= name);
        after.checked_sub(1).map(|at| &self.members[at]).filter(|m| m.name == name)
    }

    /// The strongest member of every name.
    fn effective(&self) -> impl Iterator<Item = &Member> {
        let next_names = self.members.iter().skip(1).map(|m| Some(&m.name)).chain([None]);
        self.members.iter().zip(next_names).filter(|(m, next)| Some(&m.name) != *next).map(|(m, _)| m)
    }
}

fn issue(path: &str, member: impl Into<String>, problem: &'static str) -> Issue {
    Issue { path: Path::new(path), member: member.into(), problem }
}

fn parse(json: &str) -> Result<Json, &'static str> {
    if !depth_is_bounded(json) {
        return Err("is nested too deeply");
    }
    serde_json::from_str(json).map_err(|_| "is not JSON")
}

fn parse_object(json: &str) -> Result<Map<String, Json>, &'static str> {
    match parse(json)? {
        Json::Object(object) => Ok(object),
        _ => Err("must be an object"),
    }
}

/// The value as a PUT request may set it, or what is wrong with it.
fn checked_for_put(path: &str, name: &str, mut value: Json) -> Result<Json, Issue> {
    let mut faults = Vec::new();
    member::check(name, &mut value, &mut faults);
    if let Some((member, problem)) = faults.into_iter().next() {
        return Err(issue(path, member, problem));
    }
    let is_empty = value.as_array().is_some_and(Vec::is_empty);
    Ok(if is_empty { Json::Null } else { value })
}

#[cfg(test)]
mod tests;
