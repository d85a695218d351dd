//! What we know already, for telling an echo from news. Servers that say where data came through don't need this
//! ([`crate::kernel::relay`]); with a Signal K server that passes on whatever it hears it is the only way.
//!
//! An echo keeps its path, its time of measuring and its value, and its `$source` ends in ours (a server on the way may
//! have put something in front, as we do). An update is an echo when every value in it is one. Two devices that have the
//! same `$source` on two servers and measure the same at the same millisecond are taken for one; nothing is lost by that.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;

use crate::feed::Feed;
use crate::kernel::id::{Origin, Seq};
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Context, Update};
use crate::kernel::value::Value;
use crate::kernel::world::World;

/// Values remembered. At a hundred a second that is more than a minute, far longer than an echo takes; what is older is
/// still compared with the newest value of its source.
const REMEMBERED_MAX: usize = 8_192;

/// Segments of a `$source` that are tried as the beginning of ours.
const SEGMENTS_MAX: usize = 16;

/// Values that went through our own log not long ago.
pub(super) struct Echo {
    feed: Feed,
    /// What came through this input is not looked for: the name in front of its `$source` gives it away.
    input: Origin,
    cursor: Seq,
    hasher: RandomState,
    known: HashSet<u64, RandomState>,
    order: VecDeque<u64>,
}

impl Echo {
    pub(super) fn new(feed: Feed, input: Origin) -> Self {
        let cursor = feed.read().head();
        Self { feed, input, cursor, hasher: RandomState::default(), known: HashSet::default(), order: VecDeque::new() }
    }

    /// Whether `update`, whose `$source` over there is `source`, says only what we know already. Its context must be as it
    /// will be here.
    pub(super) fn is_known(&mut self, update: &Update, source: &str) -> bool {
        let Some(timestamp) = update.timestamp.filter(|_| !update.values.is_empty()) else { return false };
        let feed = self.feed.clone();
        let world = feed.read();
        self.follow(&world);
        let context = match &update.context {
            Context::Own => world.model.own_node().name.to_string(),
            other => other.to_text().unwrap_or_default(),
        };
        suffixes(source).any(|ours| {
            update.values.iter().all(|item| {
                self.known.contains(&self.digest(&context, &item.path, ours, timestamp, &item.value))
                    || is_newest(&world, &context, &item.path, ours, timestamp, &item.value)
            })
        })
    }

    /// Remembers what has been logged since the last time.
    fn follow(&mut self, world: &World) {
        if let Some(changes) = world.tail.after(self.cursor) {
            for change in changes.filter(|c| c.origin != self.input) {
                let source = world.model.sources().name(change.source);
                for value in &change.values {
                    let path = world.model.path(value.path);
                    let digest = self.digest(&change.context_name, path, source, change.timestamp, &value.value);
                    if self.known.insert(digest) {
                        self.order.push_back(digest);
                    }
                    if self.order.len() > REMEMBERED_MAX {
                        if let Some(oldest) = self.order.pop_front() {
                            self.known.remove(&oldest);
                        }
                    }
                }
            }
        }
        self.cursor = world.head();
    }

    fn digest(&self, context: &str, path: &str, source: &str, timestamp: Timestamp, value: &Value) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (context, path, source, timestamp).hash(&mut hasher);
        hash_value(value, &mut hasher);
        hasher.finish()
    }
}

/// `a.b.c`, `b.c`, `c`.
fn suffixes(source: &str) -> impl Iterator<Item = &str> {
    let after_dots = source.match_indices('.').map(|(at, _)| &source[at + 1..]);
    std::iter::once(source).chain(after_dots).take(SEGMENTS_MAX)
}

/// Whether the newest value of one of our sources is this one.
fn is_newest(world: &World, context: &str, path: &str, source: &str, timestamp: Timestamp, value: &Value) -> bool {
    let found = || {
        let (path, source) = (world.model.find_path(path)?, world.model.sources().find(source)?);
        world.model.find_context(context)?.leaf(path)?.slot(source)
    };
    found().is_some_and(|slot| slot.timestamp == timestamp && same(&slot.value, value))
}

/// Equal as far as a detour through another server's JSON lets one say: `1.0` comes back as `1`, members of an object in
/// another order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Json(_), Value::Json(_)) => true,
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

/// Values that are [`same`] have the same hash.
fn hash_value(value: &Value, hasher: &mut impl Hasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(b) => (1_u8, b).hash(hasher),
        Value::Integer(_) | Value::Number(_) => (2_u8, value.as_f64().map(|n| (n + 0.0).to_bits())).hash(hasher),
        Value::Text(text) => (3_u8, &**text).hash(hasher),
        Value::Position(p) => (4_u8, p.latitude.to_bits(), p.longitude.to_bits()).hash(hasher),
        Value::Json(_) => 5_u8.hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_may_have_been_given_names_in_front() {
        assert_eq!(suffixes("b.a.gps.GP").collect::<Vec<_>>(), ["b.a.gps.GP", "a.gps.GP", "gps.GP", "GP"]);
        assert_eq!(suffixes(&"x.".repeat(100)).count(), SEGMENTS_MAX);
    }
}
