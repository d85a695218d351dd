//! The boat as a body in wind and water: a ten-metre cruiser that answers its rudder, heels, slips to leeward and is
//! carried by the current.

use super::chance::{Chance, Swing, sum};
use super::place::{KNOT_MPS, Place, Vector, circle_deg, side_deg};

/// Speed under engine in calm water.
const MOTOR_MPS: f64 = 5.6 * KNOT_MPS;
/// Speed at the start of the demo.
const START_MPS: f64 = 4.0 * KNOT_MPS;
/// Speed under sail in a strong wind at the best angle.
const HULL_MPS: f64 = 7.4 * KNOT_MPS;
/// Share of the best speed by the angle to the true wind in degrees.
const POLAR: [(f64, f64); 8] =
    [(0.0, 0.0), (30.0, 0.35), (43.0, 0.86), (60.0, 0.96), (90.0, 1.0), (120.0, 0.98), (150.0, 0.84), (180.0, 0.72)];
/// The rudder's stops, as far as the pilot uses them, and how fast it moves, in degrees (per second).
const RUDDER_MAX_DEG: f64 = 20.0;
const RUDDER_SPEED_DEG: f64 = 8.0;
/// The sails are reefed so that heel and slip stay below these.
const HEEL_MAX_DEG: f64 = 28.0;
const LEEWAY_MAX_DEG: f64 = 8.0;

/// The boat at one time. Angles to starboard are positive.
#[derive(Debug, Clone)]
pub struct Boat {
    /// Where it is.
    pub place: Place,
    /// True heading.
    pub heading_deg: f64,
    /// Rate of turn in degrees per second.
    pub turn_deg: f64,
    /// Rudder angle; positive turns to starboard.
    pub rudder_deg: f64,
    /// Speed through the water along the keel, in m/s: what the log sees.
    pub water_mps: f64,
    /// Angle from the heading to the course through the water.
    pub leeway_deg: f64,
    /// Heel, with the roll of the waves.
    pub roll_deg: f64,
    /// Pitch, bow up positive.
    pub pitch_deg: f64,
    /// Velocity over the ground in m/s.
    pub ground: Vector,
    /// Distance through the water in metres, all her life.
    pub log_m: f64,
    /// Distance through the water in metres, since the passage began.
    pub trip_m: f64,
    heel_deg: f64,
    waves: Waves,
}

/// How the waves move her, in degrees (of yaw: in degrees per second).
#[derive(Debug, Clone)]
struct Waves {
    yaw: [Swing; 2],
    roll: [Swing; 2],
    pitch: [Swing; 2],
}

/// What acts on the boat during a step.
#[derive(Debug, Clone, Copy)]
pub struct Forces {
    /// Movement of the air over the ground, m/s.
    pub air: Vector,
    /// Movement of the water over the ground, m/s.
    pub current: Vector,
    /// The engine pushes and the sails are down.
    pub motoring: bool,
    /// True heading that the pilot wants.
    pub wanted_deg: f64,
}

impl Boat {
    /// A boat that goes ahead slowly, upright, in still water.
    pub fn new(place: Place, heading_deg: f64, chance: &mut Chance) -> Self {
        let mut pair = |a: f64, b: f64| [Swing::new(chance, a, 5.3), Swing::new(chance, b, 8.9)];
        Self {
            place,
            heading_deg,
            turn_deg: 0.0,
            rudder_deg: 0.0,
            water_mps: START_MPS,
            leeway_deg: 0.0,
            roll_deg: 0.0,
            pitch_deg: 0.0,
            ground: Vector::polar(START_MPS, heading_deg),
            log_m: 4_321.7 * 1852.0,
            trip_m: 0.0,
            heel_deg: 0.0,
            waves: Waves { yaw: pair(0.5, 0.4), roll: pair(1.2, 0.8), pitch: pair(1.1, 0.7) },
        }
    }

    /// Goes on by `dt_s` seconds, to the time `t_s`.
    pub fn step(&mut self, forces: Forces, t_s: f64, dt_s: f64) {
        self.turn(forces.wanted_deg, t_s, dt_s);
        let wind = self.air_from(forces.air.minus(forces.current));
        let wanted_mps = if forces.motoring { MOTOR_MPS } else { sailing_mps(wind) };
        self.water_mps += (wanted_mps - self.water_mps) * dt_s / 15.0;
        self.lean(forces, t_s, dt_s);
        self.ground = self.through_water().plus(forces.current);
        self.place = self.place.plus(self.ground.times(dt_s));
        self.log_m += self.water_mps * dt_s;
        self.trip_m += self.water_mps * dt_s;
    }

    /// Velocity through the water: along the keel by the log, across it by the leeway.
    pub fn through_water(&self) -> Vector {
        let across = self.water_mps * self.leeway_deg.to_radians().tan();
        Vector::polar(self.water_mps, self.heading_deg).plus(Vector::polar(across, self.heading_deg + 90.0))
    }

    /// Wind over the deck.
    pub fn apparent(&self, air: Vector) -> DeckWind {
        self.air_from(air.minus(self.ground))
    }

    /// Wind over the water, seen from the bow: what instruments call the true wind.
    pub fn true_wind(&self, air: Vector, current: Vector) -> DeckWind {
        self.air_from(air.minus(current))
    }

    fn air_from(&self, air: Vector) -> DeckWind {
        DeckWind { angle_deg: side_deg(air.bearing_deg() + 180.0 - self.heading_deg), speed_mps: air.length() }
    }

    /// The pilot moves the rudder, the rudder turns the boat, and the waves push both about.
    fn turn(&mut self, wanted_deg: f64, t_s: f64, dt_s: f64) {
        let error = side_deg(wanted_deg - self.heading_deg);
        let demand = (error - 3.0 * self.turn_deg).clamp(-RUDDER_MAX_DEG, RUDDER_MAX_DEG);
        let move_max = RUDDER_SPEED_DEG * dt_s;
        self.rudder_deg += (demand - self.rudder_deg).clamp(-move_max, move_max);
        // A rudder needs flow; at rest the propeller gives it some.
        let flow = (self.water_mps / 3.0).clamp(0.3, 1.2);
        let settles_deg = 0.3 * flow * self.rudder_deg + sum(&self.waves.yaw, t_s);
        self.turn_deg += (settles_deg - self.turn_deg) * dt_s / 1.5;
        self.heading_deg = circle_deg(self.heading_deg + self.turn_deg * dt_s);
    }

    /// Heel follows the apparent wind on the beam; leeway follows the heel and goes down with the square of the speed.
    fn lean(&mut self, forces: Forces, t_s: f64, dt_s: f64) {
        let wind = self.apparent(forces.air);
        let sails = if forces.motoring { 0.05 } else { 0.33 };
        let press = sails * wind.speed_mps.powi(2) * wind.angle_deg.to_radians().sin();
        let settles_deg = (-press).clamp(-HEEL_MAX_DEG, HEEL_MAX_DEG);
        self.heel_deg += (settles_deg - self.heel_deg) * dt_s / 3.0;
        let knots = (self.water_mps / KNOT_MPS).max(1.5);
        self.leeway_deg = (10.0 * self.heel_deg / knots.powi(2)).clamp(-LEEWAY_MAX_DEG, LEEWAY_MAX_DEG);
        self.roll_deg = self.heel_deg + sum(&self.waves.roll, t_s);
        self.pitch_deg = sum(&self.waves.pitch, t_s);
    }
}

/// A wind seen from the bow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeckWind {
    /// Where it comes from: starboard positive, port negative.
    pub angle_deg: f64,
    /// Its speed.
    pub speed_mps: f64,
}

fn sailing_mps(wind: DeckWind) -> f64 {
    let angle = wind.angle_deg.abs();
    let share = POLAR.windows(2).find(|pair| angle <= pair[1].0).map_or(POLAR[7].1, |pair| {
        let (from, to) = (pair[0], pair[1]);
        from.1 + (to.1 - from.1) * (angle - from.0) / (to.0 - from.0)
    });
    HULL_MPS * share * (1.0 - (-wind.speed_mps / (9.0 * KNOT_MPS)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(wind_from_deg: f64, motoring: bool) -> Boat {
        let mut boat = Boat::new(Place::new(60.0, 24.9), 0.0, &mut Chance::new(1));
        let air = Vector::polar(8.0, wind_from_deg + 180.0);
        let forces = Forces { air, current: Vector::default(), motoring, wanted_deg: 0.0 };
        (0..800).for_each(|step| boat.step(forces, f64::from(step) * 0.25, 0.25));
        boat
    }

    #[test]
    fn wind_from_starboard_heels_to_port_and_pushes_to_port() {
        let boat = settled(45.0, false);
        assert!(boat.heel_deg < -8.0 && boat.leeway_deg < -2.0, "{boat:?}");
        let mirrored = settled(315.0, false);
        assert!(mirrored.heel_deg > 8.0 && mirrored.leeway_deg > 2.0, "{mirrored:?}");
    }

    #[test]
    fn she_is_fastest_on_a_reach_and_slow_in_irons() {
        let (irons, close, reach, run) =
            (settled(5.0, false), settled(45.0, false), settled(90.0, false), settled(175.0, false));
        assert!(irons.water_mps < 0.5 && close.water_mps > 2.0, "{} {}", irons.water_mps, close.water_mps);
        assert!(reach.water_mps > close.water_mps && reach.water_mps > run.water_mps);
        assert!(settled(5.0, true).water_mps > 2.5, "the engine does not mind");
    }

    #[test]
    fn the_wind_over_the_deck_is_ahead_of_the_true_wind_and_stronger_when_beating() {
        let boat = settled(45.0, false);
        let air = Vector::polar(8.0, 225.0);
        let (apparent, truth) = (boat.apparent(air), boat.true_wind(air, Vector::default()));
        assert!(apparent.angle_deg < truth.angle_deg && apparent.speed_mps > truth.speed_mps + 1.0);
    }
}
