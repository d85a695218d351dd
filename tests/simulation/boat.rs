//! Who speaks: the own vessel, ships in range, alarms, and people who change metadata.

use std::sync::Arc;

use taffrail::kernel::id::Origin;
use taffrail::kernel::model::Arrival;
use taffrail::kernel::update::{Context, PathMeta, Source, Update};
use taffrail::kernel::value::{Position, Value};

use super::Sea;
use super::chance::Chance;

pub const OWN: &str = "vessels.urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b";
pub const SOURCES: [&str; 4] = ["gps.1", "gps.2", "nmea.II", "ais"];
pub const PATHS: [&str; 11] = [
    "navigation.speedOverGround",
    "navigation.courseOverGroundTrue",
    "navigation.headingTrue",
    "environment.wind.speedApparent",
    "environment.water.temperature",
    "environment.inside.temperature",
    "tanks.fuel.0.currentLevel",
    "tanks.fuel.0",
    "a.b",
    "a.b.c",
    "a.d",
];
const SHIPS: u64 = 14;

pub struct Boat {
    /// Every value is said once in a lifetime, so that it can be told which one a client got.
    count: i64,
    /// Ships that are heard now.
    heard: Vec<u64>,
    last_static: String,
}

/// Ships with an even number are near, the others far away.
pub fn latitude(ship: u64) -> f64 {
    if ship % 2 == 0 { 60.0 } else { 10.0 }
}

pub fn ship_name(ship: u64) -> String {
    format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + ship)
}

impl Boat {
    pub fn new(chance: &mut Chance) -> Self {
        Self { count: 0, heard: (0..SHIPS).filter(|_| chance.one_in(2)).collect(), last_static: String::new() }
    }

    pub fn say_something(&mut self, sea: &mut Sea, chance: &mut Chance) {
        match chance.range(0..300) {
            0 => {
                // A burst that no slow client can follow.
                let n = *chance.pick(&[200, 1_500, 3_000]);
                for _ in 0..n {
                    self.say_own(sea, chance);
                }
            }
            1 => {
                for _ in 0..chance.range(2..1_300) {
                    self.alarm(sea, chance);
                }
            }
            2..=9 => {
                let ship = chance.range(0..SHIPS);
                match self.heard.iter().position(|&s| s == ship) {
                    Some(at) => drop(self.heard.remove(at)),
                    None => self.heard.push(ship),
                }
            }
            10..=15 => self.meta(sea, chance),
            16..=30 => self.alarm(sea, chance),
            31..=34 => self.many(sea),
            35..=60 => self.statics(sea, chance),
            61..=160 => self.say_ship(sea, chance),
            _ => {
                for _ in 0..chance.range(1..6) {
                    self.say_own(sea, chance);
                }
            }
        }
    }

    fn value(&mut self, chance: &mut Chance) -> Value {
        self.count += 1;
        if chance.one_in(3) { Value::number(self.count as f64 + 0.25) } else { Value::Integer(self.count) }
    }

    fn apply(sea: &mut Sea, update: Update) {
        let before = sea.world.head();
        let now = sea.clock();
        sea.world.apply([update], &Arrival { input: "test", origin: Origin::SERVER, now, heard: true });
        sea.ledger.absorb(&sea.world, before, sea.now);
    }

    fn say_own(&mut self, sea: &mut Sea, chance: &mut Chance) {
        let source = Source::Ref((*chance.pick(&SOURCES[..3])).into());
        let mut update = Update::new(Context::Own, source, 2);
        for _ in 0..chance.range(1..4) {
            let value = self.value(chance);
            update.push_at(*chance.pick(&PATHS), value);
        }
        Self::apply(sea, update);
    }

    fn say_ship(&mut self, sea: &mut Sea, chance: &mut Chance) {
        if self.heard.is_empty() {
            return;
        }
        let ship = *chance.pick(&self.heard);
        let source = Source::Ref((*chance.pick(&["ais", "ais", "gps.2"])).into());
        let mut update = Update::new(Context::Named(ship_name(ship).into()), source, 4);
        let place = Position::new(latitude(ship), 25.0 + self.count as f64 / 1e9).unwrap();
        update.push("navigation.position", place.into());
        self.count += 1;
        for path in &PATHS[..3] {
            if chance.one_in(2) {
                let value = self.value(chance);
                update.push_at(*path, value);
            }
        }
        if chance.one_in(4) {
            update.push("", Value::json(self.static_object(chance)));
        }
        if chance.one_in(6) {
            update.push("navigation.destination.commonName", Value::text(format!("port {}", self.count)));
        }
        Self::apply(sea, update);
    }

    fn static_object(&mut self, chance: &mut Chance) -> String {
        self.count += 1;
        match chance.range(0..4) {
            0 if !self.last_static.is_empty() => {}
            1 => self.last_static = r#"{"name":"Alba"}"#.into(),
            2 => self.last_static = format!(r#"{{"name":"ship {}"}}"#, self.count),
            _ => {
                self.last_static =
                    format!(r#"{{"communication":{{"callsignVhf":"OH{}"}},"port":"{}"}}"#, self.count, self.count);
            }
        }
        self.last_static.clone()
    }

    fn statics(&mut self, sea: &mut Sea, chance: &mut Chance) {
        let context = self.own_or_ship(sea, chance);
        let mut update = Update::new(context, Source::Ref((*chance.pick(&SOURCES)).into()), 2);
        for _ in 0..chance.range(1..3) {
            update.push("", Value::json(self.static_object(chance)));
        }
        Self::apply(sea, update);
    }

    /// Ships begin with their position, so that circles know them from the start.
    fn own_or_ship(&self, sea: &Sea, chance: &mut Chance) -> Context {
        let ship = self.heard.get(chance.range(0..2 * SHIPS) as usize).map(|&ship| ship_name(ship));
        match ship.filter(|name| sea.world.model.find_context(name).is_some()) {
            Some(name) => Context::Named(name.into()),
            None => Context::Own,
        }
    }

    fn alarm(&mut self, sea: &mut Sea, chance: &mut Chance) {
        self.count += 1;
        let context = self.own_or_ship(sea, chance);
        let mut update = Update::new(context, Source::Ref((*chance.pick(&SOURCES)).into()), 2);
        let path = *chance.pick(&["notifications.bilge", "notifications.navigation.anchor", "notifications.a.b"]);
        let state = *chance.pick(&["alarm", "normal", "warn"]);
        update.push_at(path, Value::json(format!(r#"{{"message":"{}","method":[],"state":"{state}"}}"#, self.count)));
        if chance.one_in(3) {
            let value = self.value(chance);
            update.push_at(*chance.pick(&PATHS), value);
        }
        Self::apply(sea, update);
    }

    fn many(&mut self, sea: &mut Sea) {
        let mut update = Update::new(Context::Own, Source::Ref("bank".into()), 100);
        for n in 0..100 {
            self.count += 1;
            update.push_at(format!("electrical.cells.{n}.voltage"), Value::Integer(self.count));
        }
        Self::apply(sea, update);
    }

    fn meta(&mut self, sea: &mut Sea, chance: &mut Chance) {
        self.count += 1;
        let mut update = Update::new(Context::Own, Source::Ref("gps.1".into()), 0);
        let meta: Arc<str> = match chance.range(0..3) {
            0 => format!(r#"{{"displayName":"n{}"}}"#, self.count).into(),
            1 => format!(r#"{{"timeout":{}}}"#, chance.pick(&[1, 20])).into(),
            _ => r#"{"zones":[{"lower":10,"upper":100000,"state":"alarm","message":"much"}]}"#.into(),
        };
        update.meta.push(PathMeta { path: (*chance.pick(&PATHS)).into(), meta });
        Self::apply(sea, update);
    }
}
