//! A world of its own for what was recorded of another: playback and snapshots.
//!
//! Its monotonic time is the time of the recording (milliseconds since 1970), so that timeouts, priorities and silent
//! targets go by when things happened, however fast they are played.

use std::collections::HashSet;

use compact_str::CompactString;

use super::{Applied, Setup, World};
use crate::kernel::id::Origin;
use crate::kernel::model::{Arrival, DEFAULTS_SOURCE, identity_json};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::value::Value;

/// Bytes of the newest changes that a replica keeps for its one reader.
const REPLICA_TAIL_BYTES_MAX: usize = 1 << 20;

/// A time of the recording as both clocks of a replica.
pub fn recorded_now(at: Timestamp) -> Now {
    Now { wall: at, mono: Moment::from_millis(u64::try_from(at.as_millis()).unwrap_or(0)) }
}

impl World {
    /// An empty world of the same vessel, with the same limits, priorities and metadata, as of `at`. Its changes get the
    /// numbers after this one's. It raises nothing of its own accord: what zones raised then is in the recording.
    pub fn replica(&self, at: Timestamp) -> Self {
        let own = self.model.own_node().name.to_string();
        let setup = Setup {
            limits: self.model.limits(),
            priorities: self.model.priority_rules().cloned().collect(),
            lost: self.lost,
            tail_bytes_max: REPLICA_TAIL_BYTES_MAX,
            ..Setup::new(own)
        };
        let mut replica = Self::with_meta(setup, self.head(), self.meta.clone());
        replica.is_replica = true;
        // The own vessel has its identity whether or not it had been said by then.
        let id = replica.model.own_node().name.strip_prefix("vessels.").unwrap_or_default().to_owned();
        let mut update = Update::new(Context::Own, Source::Ref(CompactString::const_new(DEFAULTS_SOURCE)), 1);
        update.timestamp = Some(at);
        update.push("", Value::json(identity_json(&id)));
        replica.replay([update], at);
        replica
    }

    /// Applies updates as they were recorded, each at its own time; at `at` where it has none.
    pub fn replay(&mut self, updates: impl IntoIterator<Item = Update>, at: Timestamp) -> Applied {
        let mut applied = Applied::default();
        for update in updates {
            // What the server took back of a silent target is no sign of life.
            let heard = update.values.iter().any(|v| !v.value.is_null());
            let now = recorded_now(update.timestamp.unwrap_or(at));
            let arrival = Arrival { input: DEFAULTS_SOURCE, origin: Origin::SERVER, now, heard };
            let one = self.apply([update], &arrival);
            applied.changes += one.changes;
            applied.refused.extend(one.refused);
            applied.meta_issues.extend(one.meta_issues);
        }
        applied
    }

    /// Goes to another time: everything that is here and was not there then becomes null, contexts that were not there
    /// leave, then comes what was there. Static data of contexts that stay, stay.
    pub fn rewind(&mut self, state: Vec<Update>, at: Timestamp) {
        let name = |update: &Update| match &update.context {
            Context::Named(name) => name.clone(),
            other => other.to_text().map_or_else(|| CompactString::new(&*self.model.own_node().name), Into::into),
        };
        let mut contexts: HashSet<CompactString> = HashSet::new();
        let mut there: HashSet<(CompactString, CompactString, CompactString)> = HashSet::new();
        for update in &state {
            let Source::Ref(source) = &update.source else { continue };
            let context = name(update);
            for item in update.values.iter().filter(|v| !v.value.is_null()) {
                there.insert((context.clone(), item.path.clone(), source.clone()));
            }
            contexts.insert(context);
        }
        let own = self.model.own();
        let mut leaving = Vec::new();
        let mut nulls: Vec<Update> = Vec::new();
        for node in self.model.contexts() {
            let context = CompactString::new(&*node.name);
            if node.id != own && !contexts.contains(&context) {
                leaving.push(node.id);
            }
            let first = nulls.len();
            for leaf in node.leaves().iter().filter(|leaf| !leaf.is_static) {
                let path = CompactString::new(self.model.path(leaf.path));
                for slot in &leaf.slots {
                    let source = CompactString::new(&**self.model.sources().name(slot.source));
                    let key = (context.clone(), path.clone(), source);
                    if there.contains(&key) {
                        continue;
                    }
                    let source = Source::Ref(key.2);
                    let place = nulls[first..].iter().position(|u| u.source == source).unwrap_or_else(|| {
                        let mut update = Update::new(Context::Named(context.clone()), source, 4);
                        update.timestamp = Some(at);
                        nulls.push(update);
                        nulls.len() - 1 - first
                    });
                    nulls[first + place].push_at(path.clone(), Value::Null);
                }
            }
        }
        self.replay(nulls, at);
        for id in leaving {
            self.bury(id, recorded_now(at));
            self.model.remove_context(id);
        }
        self.replay(state, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_millis(1_780_272_000_000);

    fn update(context: &str, path: &str, value: f64, at: Timestamp) -> Update {
        let mut update = Update::new(Context::Named(context.into()), Source::Ref("gps.GP".into()), 1);
        update.timestamp = Some(at);
        update.push_at(path, Value::number(value));
        update
    }

    fn value(world: &World, context: &str, path: &str) -> Option<f64> {
        let leaf = world.model.find_context(context)?.leaf(world.model.find_path(path)?)?;
        leaf.shown_slot().value.as_f64()
    }

    #[test]
    fn a_replica_knows_the_vessel_and_nothing_that_happened() {
        let mut live = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), super::super::Seq(7));
        live.replay([update("self", "navigation.log", 1.0, T)], T);
        let replica = live.replica(T);
        assert_eq!(replica.model.own_node().name, live.model.own_node().name);
        assert_eq!(value(&replica, "self", "navigation.log"), None);
        assert!(replica.head() > live.head());
    }

    #[test]
    fn going_to_another_time_takes_back_what_was_not_there() {
        const SHIP: &str = "vessels.urn:mrn:imo:mmsi:211000001";
        const OTHER: &str = "vessels.urn:mrn:imo:mmsi:211000002";
        let live = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), super::super::Seq(7));
        let mut world = live.replica(T);
        let later = T.plus_millis(60_000);
        world.replay(
            [update("self", "a.b", 1.0, later), update("self", "a.c", 2.0, later), update(SHIP, "a.b", 3.0, later)],
            later,
        );
        let head = world.head();
        world.rewind(vec![update("self", "a.b", 0.5, T), update(OTHER, "a.b", 4.0, T)], T);
        assert!(world.head() > head, "its numbers only grow");
        assert_eq!(value(&world, "self", "a.b"), Some(0.5));
        assert_eq!(value(&world, "self", "a.c"), None);
        assert!(world.model.find_context(SHIP).is_none());
        assert_eq!(value(&world, OTHER, "a.b"), Some(4.0));
        let nulls =
            world.tail.after(head).expect("kept").filter(|c| c.values.iter().all(|v| v.value.is_null())).count();
        assert_eq!(nulls, 2, "one for each context that has something to take back");
    }
}
