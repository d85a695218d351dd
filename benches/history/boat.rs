//! A boat under way: what her instruments and the vessels around her say, second by second.

use std::f64::consts::PI;
use std::sync::Arc;

use taffrail::history::record::{Record, RecordKind};
use taffrail::kernel::time::{Moment, Timestamp};
use taffrail::kernel::value::{Position, Value};

use super::{OWN, START};

pub struct Noise(pub u64);

impl Noise {
    pub fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as i64
    }
}

/// How a number of a path comes about from what its sentence says.
#[derive(Clone, Copy)]
enum Shape {
    Direction,
    Knots,
    Centimetres,
    Celsius,
    Ratio,
    Revolutions,
    Volts,
    Position,
    State,
}

struct PathState {
    path: Arc<str>,
    shape: Shape,
    sentence: usize,
    at: [i64; 2],
}

struct Vessel {
    context: Arc<str>,
    at: [i64; 2],
    speed: i64,
    course: i64,
    phase: i64,
}

pub struct Boat {
    noise: Noise,
    own: Arc<str>,
    gps: Arc<str>,
    ais: Arc<str>,
    paths: Vec<PathState>,
    places: Vec<i64>,
    vessels: Vec<Vessel>,
    ais_paths: [Arc<str>; 3],
    seq: u64,
}

/// Time, context, source and values.
type Change = (i64, Arc<str>, Arc<str>, Vec<(Arc<str>, Value)>);

impl Boat {
    pub fn new() -> Self {
        use Shape::{Celsius, Centimetres, Direction, Knots, Position, Ratio, Revolutions, State, Volts};
        let shapes = [
            Position,
            Knots,
            Direction,
            Direction,
            Direction,
            Knots,
            Centimetres,
            Direction,
            Knots,
            Direction,
            Knots,
            Celsius,
            Celsius,
            Ratio,
            Ratio,
            Revolutions,
            Revolutions,
            Volts,
            Volts,
            Volts,
            State,
            Direction,
            Centimetres,
            Celsius,
            Ratio,
            Knots,
            Direction,
            Volts,
            Revolutions,
            Celsius,
            Direction,
            Knots,
            Centimetres,
            Ratio,
            State,
            Direction,
            Volts,
            Celsius,
            Knots,
            Direction,
        ];
        let mut noise = Noise(7);
        let paths = (0..40).map(|i| PathState {
            path: format!("group{}.sensor{i}.reading", i / 4).into(),
            shape: shapes[i],
            sentence: i * 12 / 40,
            at: match shapes[i] {
                Position => [60 * 600_000 + 123_456, 24 * 600_000 + 345_678],
                Direction => [900 + i as i64, 0],
                Knots => [60, 0],
                _ => [1000 + i as i64, 0],
            },
        });
        let paths = paths.collect();
        let places = (0..12).map(|_| noise.below(950)).collect();
        let vessels = (0..200)
            .map(|i| Vessel {
                context: format!("vessels.urn:mrn:imo:mmsi:{}", 211_000_000 + i).into(),
                at: [60 * 600_000 + noise.below(60_000), 24 * 600_000 + noise.below(60_000)],
                speed: noise.below(200),
                course: noise.below(3600),
                phase: noise.below(30),
            })
            .collect();
        Self {
            noise,
            own: OWN.into(),
            gps: "gps.GP".into(),
            ais: "ais.AI".into(),
            paths,
            places,
            vessels,
            ais_paths: [
                "navigation.position".into(),
                "navigation.speedOverGround".into(),
                "navigation.courseOverGroundTrue".into(),
            ],
            seq: 1 << 24,
        }
    }

    pub fn second(&mut self, second: i64) -> Vec<Record> {
        let start = START + second * 1000;
        let mut changes: Vec<Change> = Vec::new();
        for sentence in 0..12 {
            let noise = &mut self.noise;
            let values = self
                .paths
                .iter_mut()
                .filter(|p| p.sentence == sentence)
                .map(|p| (p.path.clone(), step(p, noise)))
                .collect();
            changes.push((start + self.places[sentence] + noise.below(40), self.own.clone(), self.gps.clone(), values));
        }
        for vessel in self.vessels.iter_mut().filter(|v| (second + v.phase) % 30 == 0) {
            let noise = &mut self.noise;
            vessel.at[0] += noise.below(200) - 20;
            vessel.at[1] += noise.below(200) - 20;
            vessel.speed = (vessel.speed + noise.below(5) - 2).clamp(0, 300);
            vessel.course = (vessel.course + noise.below(41) - 20).rem_euclid(3600);
            let degree = |n: i64| n as f64 / 600_000.0;
            let place = Position::new(degree(vessel.at[0]), degree(vessel.at[1])).map_or(Value::Null, Value::Position);
            let values = vec![
                (self.ais_paths[0].clone(), place),
                (self.ais_paths[1].clone(), Value::number(vessel.speed as f64 / 10.0 * (1852.0 / 3600.0))),
                (self.ais_paths[2].clone(), Value::number(vessel.course as f64 / 10.0 * (PI / 180.0))),
            ];
            changes.push((start + noise.below(900), vessel.context.clone(), self.ais.clone(), values));
        }
        changes.sort_by_key(|c| c.0);
        let mut records = Vec::with_capacity(64);
        for (t, context, source, values) in changes {
            self.seq += 1;
            for (path, value) in values {
                records.push(Record {
                    seq: self.seq,
                    context: context.clone(),
                    path,
                    source: source.clone(),
                    capture: Timestamp::from_millis(t),
                    received: Timestamp::from_millis(t),
                    received_mono: Moment::from_millis((t - START) as u64),
                    trusted_wall: true,
                    value,
                    kind: RecordKind::Value,
                });
            }
        }
        records
    }
}

fn step(p: &mut PathState, noise: &mut Noise) -> Value {
    let by = noise.below(5) - 2;
    p.at[0] += by;
    let x = p.at[0];
    match p.shape {
        Shape::Direction => {
            p.at[0] = x.rem_euclid(3600);
            Value::number((p.at[0] as f64 / 10.0).to_radians())
        }
        Shape::Knots => {
            p.at[0] = x.clamp(0, 150);
            Value::number(p.at[0] as f64 / 10.0 * 1852.0 / 3600.0)
        }
        Shape::Centimetres | Shape::Volts => Value::number(x as f64 / 100.0),
        Shape::Celsius => Value::number(x as f64 / 100.0 + 273.15),
        Shape::Ratio => Value::number(x as f64 / 10.0 / 100.0),
        Shape::Revolutions => Value::number(x as f64 / 60.0),
        Shape::Position => {
            p.at[0] += 18 + by;
            p.at[1] += 25 + noise.below(5);
            let degrees = |n: i64| (n / 600_000) as f64 + (n % 600_000) as f64 / 10_000.0 / 60.0;
            Position::new(degrees(p.at[0]), degrees(p.at[1])).map_or(Value::Null, Value::Position)
        }
        Shape::State => Value::text(if x / 50 % 2 == 0 { "motoring" } else { "sailing" }),
    }
}
