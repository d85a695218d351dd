//! What the model says, as NMEA 0183 for plotters that know nothing else.
//!
//! A [`Talker`] follows the log like every reader, and speaks as instruments do: when a value changes, the sentence that
//! carries it is sent, once for everything of one moment, with the values as they were at that moment. Other vessels become
//! AIS. Values that a priority rule does not show are not spoken of. One who has lost the place in the log goes on from the
//! model ([`Talker::catch_up`]).

mod own;
mod targets;

use compact_str::{CompactString, ToCompactString as _};

use crate::kernel::change::Change;
use crate::kernel::model::names;
use crate::kernel::model::statics;
use crate::kernel::time::Timestamp;
use crate::kernel::value::Value;
use crate::kernel::world::World;

use own::Own;
use targets::Targets;

/// Speaks for one world.
#[derive(Debug, Default)]
pub struct Talker {
    /// The moment that is being listened to.
    at: Timestamp,
    own: Own,
    targets: Targets,
}

impl Talker {
    /// Takes the next change of the log. What the moment before it had to say is appended to `out` when a new one begins.
    pub fn hear(&mut self, world: &World, change: &Change, out: &mut Vec<u8>) {
        if change.timestamp != self.at {
            self.speak(out);
            self.at = change.timestamp;
        }
        let is_own = change.context == world.model.own();
        let target = if is_own { None } else { self.targets.of(&change.context_name, change.timestamp) };
        if !is_own && target.is_none() {
            return;
        }
        for changed in change.values.iter().filter(|changed| changed.shown) {
            each_value(world.model.path(changed.path), &changed.value, |path, value| match target {
                Some(target) => self.targets.learn(target, path, value),
                None => self.own.learn(path, value),
            });
        }
    }

    /// Appends what the moment at hand has to say. To be called when nothing more of it comes.
    pub fn speak(&mut self, out: &mut Vec<u8>) {
        self.own.speak(self.at, out);
        self.targets.speak(self.at, out);
    }

    /// Appends everything that is known: for a plotter that has just connected.
    pub fn say_all(&mut self, out: &mut Vec<u8>) {
        self.own.all_is_due();
        self.targets.all_are_due();
        self.speak(out);
    }

    /// Forgets all and learns what the world shows now; what is different is said with the next moment.
    pub fn catch_up(&mut self, world: &World) {
        *self = Self { at: self.at, ..Self::default() };
        let own = world.model.own();
        for node in world.model.contexts() {
            let target = if node.id == own { None } else { self.targets.of(&node.name, self.at) };
            if node.id != own && target.is_none() {
                continue;
            }
            for leaf in node.leaves() {
                let slot = leaf.shown_slot();
                if node.id == own {
                    self.at = self.at.max(slot.timestamp);
                }
                each_value(world.model.path(leaf.path), &slot.value, |path, value| match target {
                    Some(target) => self.targets.learn(target, path, value),
                    None => self.own.learn(path, value),
                });
            }
        }
    }
}

/// The values of a path one by one: static data travel in objects.
fn each_value(path: &str, value: &Value, mut each: impl FnMut(&str, &Value)) {
    let Value::Json(json) = value else { return each(path, value) };
    if !path.is_empty() && !names::is_static(path) {
        return each(path, value);
    }
    for (name, value) in statics::flatten(json).unwrap_or_default() {
        let below: CompactString =
            if path.is_empty() { name.to_compact_string() } else { compact_str::format_compact!("{path}.{name}") };
        each(&below, &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::{Origin, Seq};
    use crate::kernel::model::Arrival;
    use crate::kernel::time::Now;
    use crate::kernel::update::{Context, Source, Update};
    use crate::kernel::value::Position;
    use crate::kernel::world::Setup;

    const T: &str = "2026-07-04T09:00:00Z";
    const SHIP: &str = "vessels.urn:mrn:imo:mmsi:230999001";

    struct Boat {
        world: World,
        talker: Talker,
        cursor: Seq,
    }

    impl Boat {
        fn new() -> Self {
            let world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(0));
            Self { cursor: world.head(), world, talker: Talker::default() }
        }

        fn tell(&mut self, context: Context, after_ms: i64, values: &[(&'static str, Value)]) {
            let now = Now { wall: Timestamp::parse(T).unwrap().plus_millis(after_ms), ..Now::default() };
            let mut update = Update::new(context, Source::Ref("test".into()), values.len());
            for (path, value) in values {
                update.push(path, value.clone());
            }
            let arrival = Arrival { input: "test", origin: Origin(1), now, heard: true };
            self.world.apply([update], &arrival);
        }

        /// The sentences since the last call, without their checksums.
        fn said(&mut self) -> Vec<String> {
            let mut out = Vec::new();
            for change in self.world.tail.after(self.cursor).unwrap() {
                self.talker.hear(&self.world, change, &mut out);
            }
            self.cursor = self.world.head();
            self.talker.speak(&mut out);
            text(&out)
        }
    }

    fn text(out: &[u8]) -> Vec<String> {
        std::str::from_utf8(out).unwrap().lines().map(|line| line[..line.len() - 3].to_owned()).collect()
    }

    fn position(latitude: f64, longitude: f64) -> Value {
        Position::new(latitude, longitude).unwrap().into()
    }

    #[test]
    fn what_changed_in_one_moment_is_said_once() {
        let mut boat = Boat::new();
        boat.tell(Context::Own, 0, &[("navigation.position", position(60.0, -24.5))]);
        boat.tell(Context::Own, 0, &[("navigation.speedOverGround", Value::number(5.0 * 1852.0 / 3600.0))]);
        boat.tell(Context::Own, 500, &[("environment.water.temperature", Value::number(290.05))]);
        boat.tell(
            Context::Own,
            900,
            &[("navigation.attitude", Value::json("{}")), ("steering.unheardOf", Value::Null)],
        );
        let expected = [
            "$GPRMC,090000.00,A,6000.00000,N,02430.00000,W,5.00,,040726,,,A",
            "$GPGGA,090000.00,6000.00000,N,02430.00000,W,1,,,,M,,M,,",
            "$GPVTG,,T,,M,5.00,N,9.26,K,A",
            "$YXMTW,16.9,C",
        ];
        assert_eq!(boat.said(), expected);
        assert_eq!(boat.said(), Vec::<String>::new());
        boat.tell(Context::Own, 1_000, &[("navigation.position", Value::Null)]);
        assert_eq!(boat.said(), ["$GPRMC,090001.00,V,,,,,5.00,,040726,,,N"]);
    }

    #[test]
    fn targets_are_ais_and_say_their_names_again_every_six_minutes() {
        let ship = || Context::Named(SHIP.into());
        let mut boat = Boat::new();
        boat.tell(ship(), 0, &[("name", Value::text("BALTIC WREN")), ("sensors.ais.class", Value::text("B"))]);
        boat.tell(ship(), 0, &[("navigation.position", position(59.95, 24.8))]);
        boat.tell(
            Context::Named("vessels.urn:mrn:signalk:uuid:5b8cb5a5-38d1-4a4a-9b7f-9d6a9e4a4a01".into()),
            0,
            &[("navigation.position", position(1.0, 1.0))],
        );
        let formats = |said: Vec<String>| -> Vec<String> { said.iter().map(|s| s[14..16].to_owned()).collect() };
        // Types 18 (B) and 24 (H), the vessel without an MMSI is none for AIS.
        assert_eq!(formats(boat.said()), ["B3", "H3"]);
        boat.tell(ship(), 10_000, &[("navigation.position", position(59.96, 24.8))]);
        assert_eq!(formats(boat.said()), ["B3"]);
        boat.tell(ship(), 400_000, &[("navigation.position", position(59.97, 24.8))]);
        assert_eq!(formats(boat.said()), ["B3", "H3"]);
        boat.tell(ship(), 401_000, &[("navigation.speedOverGround", Value::Null)]);
        assert_eq!(boat.said(), Vec::<String>::new(), "what is taken back is no sign of life");
    }

    #[test]
    fn one_who_comes_late_hears_what_is_known() {
        let mut boat = Boat::new();
        boat.tell(Context::Own, 0, &[("navigation.headingMagnetic", Value::number(1.0))]);
        boat.tell(
            Context::Named(SHIP.into()),
            0,
            &[
                ("navigation.position", position(59.95, 24.8)),
                ("name", Value::text("WREN")),
                ("communication.callsignVhf", Value::text("OH1")),
            ],
        );
        let said = boat.said();
        assert_eq!(said.len(), 4, "{said:?}");
        let mut late = Talker::default();
        late.catch_up(&boat.world);
        let mut out = Vec::new();
        late.speak(&mut out);
        assert_eq!(text(&out), said);
        out.clear();
        boat.talker.say_all(&mut out);
        assert_eq!(text(&out).len(), said.len());
    }
}
