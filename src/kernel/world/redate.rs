//! What becomes of stamps that this server made by a clock that was wrong: the model is put right, so that clients who come
//! later see when the boat's name was read and not 1970. What has been sent stays sent.

use super::World;

/// A stamp this close to the time of arrival, in milliseconds, is the time of arrival.
const SAME_MS: u64 = 1_000;

impl World {
    /// Moves the stamps of values that came with no time of their own while the wall clock was `offset_ms` ahead of the
    /// monotonic one; it should have been `shift_ms` more. No change is made of it: the values are what they were. Gives back
    /// how many were moved.
    pub fn redate(&mut self, offset_ms: i64, shift_ms: i64) -> usize {
        let mut moved = 0;
        for slot in self.model.slots_mut() {
            let arrived_ms = i64::try_from(slot.received.as_millis()).unwrap_or(i64::MAX).saturating_add(offset_ms);
            if slot.timestamp.as_millis().abs_diff(arrived_ms) < SAME_MS {
                slot.timestamp = slot.timestamp.plus_millis(shift_ms);
                moved += 1;
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use crate::kernel::id::{Origin, Seq};
    use crate::kernel::model::Arrival;
    use crate::kernel::time::{Moment, Now, Timestamp};
    use crate::kernel::update::{Context, Source, Update};
    use crate::kernel::value::Value;
    use crate::kernel::world::{Setup, World};

    #[test]
    fn stamps_of_arrival_are_moved_and_those_of_devices_are_not() {
        let mut world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(0));
        let real = Timestamp::from_millis(1_800_000_000_000);
        let mut say = |path: &'static str, timestamp, wall: i64, mono| {
            let mut update = Update::new(Context::Own, Source::Ref("test".into()), 1);
            update.timestamp = timestamp;
            update.push(path, Value::Integer(1));
            let now = Now { wall: Timestamp::from_millis(wall), mono: Moment::from_millis(mono) };
            world.apply([update], &Arrival { input: "test", origin: Origin::SERVER, now, heard: true });
        };
        say("a.stamped.here", None, 50_000, 10_000);
        say("a.stamped.there", Some(real), 50_000, 10_000);
        say("a.stamped.later", None, 1_800_000_020_000, 20_000);
        assert_eq!(world.redate(40_000, 1_799_999_960_000), 1);
        let stamp = |path: &str| {
            let path = world.model.find_path(path).unwrap();
            world.model.own_node().leaf(path).unwrap().shown_slot().timestamp.as_millis()
        };
        assert_eq!(stamp("a.stamped.here"), 1_800_000_010_000);
        assert_eq!(stamp("a.stamped.there"), 1_800_000_000_000);
        assert_eq!(stamp("a.stamped.later"), 1_800_000_020_000);
    }
}
