//! The own boat under way: weather, water, helm, hull and engine in one small step after another.

use super::boat::{Boat, DeckWind, Forces};
use super::chance::Chance;
use super::chart::{PASSAGE, Water};
use super::helm::{Helm, Sight};
use super::machinery::Machinery;
use super::place::Vector;
use super::weather::Weather;

/// The step of the simulation. All times are multiples of it, so that the result does not depend on how often the caller
/// looks.
pub const STEP_MS: u64 = 250;
const STEP_S: f64 = STEP_MS as f64 / 1000.0;

/// The boat on its passage.
#[derive(Debug, Clone)]
pub struct Voyage {
    /// The boat.
    pub boat: Boat,
    /// Its helm.
    pub helm: Helm,
    /// Its engine and battery.
    pub machinery: Machinery,
    /// The air.
    pub weather: Weather,
    /// The water.
    pub water: Water,
    /// Under engine, sails down.
    pub motoring: bool,
    elapsed_ms: u64,
}

impl Voyage {
    /// In the harbour approach, outward bound.
    pub fn new(chance: &mut Chance) -> Self {
        let first_leg = PASSAGE[0].place.to(PASSAGE[1].place);
        let boat = Boat::new(PASSAGE[0].place, first_leg.bearing_deg(), chance);
        Self {
            boat,
            helm: Helm::default(),
            machinery: Machinery::default(),
            weather: Weather::new(chance),
            water: Water::new(chance),
            motoring: true,
            elapsed_ms: 0,
        }
    }

    /// Goes on to the last step at or before `elapsed_ms`.
    pub fn advance_to(&mut self, elapsed_ms: u64) {
        while elapsed_ms.saturating_sub(self.elapsed_ms) >= STEP_MS {
            self.elapsed_ms += STEP_MS;
            self.step();
        }
    }

    /// Seconds since the start.
    pub fn t_s(&self) -> f64 {
        self.elapsed_ms as f64 / 1000.0
    }

    /// Movement of the air over the ground, m/s.
    pub fn air(&self) -> Vector {
        self.weather.wind(self.t_s()).velocity()
    }

    /// Movement of the water over the ground, m/s.
    pub fn current(&self) -> Vector {
        self.water.current(self.t_s())
    }

    /// Wind over the deck.
    pub fn apparent_wind(&self) -> DeckWind {
        self.boat.apparent(self.air())
    }

    /// Wind over the water, from the bow.
    pub fn true_wind(&self) -> DeckWind {
        self.boat.true_wind(self.air(), self.current())
    }

    fn step(&mut self) {
        let t_s = self.t_s();
        let wind = self.weather.wind(t_s);
        let sight = Sight {
            place: self.boat.place,
            heading_deg: self.boat.heading_deg,
            course_deg: self.boat.ground.bearing_deg(),
            wind_from_deg: wind.mean_from_deg,
        };
        let rounds = self.helm.rounds;
        let order = self.helm.step(sight, STEP_S);
        if self.helm.rounds > rounds {
            self.boat.trip_m = 0.0;
        }
        self.motoring = order.motoring;
        self.machinery.step(order.motoring, STEP_S);
        let forces = Forces {
            air: wind.velocity(),
            current: self.water.current(t_s),
            motoring: order.motoring,
            wanted_deg: order.heading_deg,
        };
        self.boat.step(forces, t_s, STEP_S);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::chart::{CORRIDOR_M, depth_m, off_passage_m};

    const DAY_MS: u64 = 86_400_000;

    #[test]
    fn for_seven_days_she_stays_on_the_water_and_keeps_going_round() {
        let mut voyage = Voyage::new(&mut Chance::new(1));
        let mut farthest = 0.0_f64;
        for at_ms in (0..=7 * DAY_MS).step_by(5_000) {
            voyage.advance_to(at_ms);
            let place = voyage.boat.place;
            farthest = farthest.max(off_passage_m(place));
            assert!(farthest < CORRIDOR_M, "{farthest} m off at {at_ms} ms, {:?}", voyage.helm);
            assert!(depth_m(place) >= 7.0);
            assert!(voyage.boat.water_mps < 4.5 && voyage.boat.roll_deg.abs() < 35.0);
        }
        assert!(voyage.helm.rounds >= 12, "{:?}", voyage.helm);
        assert!(voyage.helm.tacks >= 200 && voyage.helm.tacks < 1500, "{:?}", voyage.helm);
        assert!(farthest > 300.0, "she never used the width: {farthest}");
    }

    #[test]
    fn other_seeds_stay_in_the_corridor_too() {
        for seed in 2..6 {
            let mut voyage = Voyage::new(&mut Chance::new(seed));
            for at_ms in (0..=DAY_MS / 4).step_by(10_000) {
                voyage.advance_to(at_ms);
                assert!(off_passage_m(voyage.boat.place) < CORRIDOR_M, "seed {seed} at {at_ms} ms");
            }
        }
    }

    #[test]
    fn the_first_half_hour_has_something_to_see() {
        for seed in 0..6 {
            let mut voyage = Voyage::new(&mut Chance::new(seed));
            voyage.advance_to(120_000);
            assert!(voyage.motoring && voyage.machinery.rpm > 2000.0);
            voyage.advance_to(420_000);
            assert!(!voyage.motoring && voyage.machinery.rpm == 0.0);
            let mut fastest_turn = 0.0_f64;
            for at_ms in (420_000..1_800_000).step_by(1_000) {
                voyage.advance_to(at_ms);
                fastest_turn = fastest_turn.max(voyage.boat.turn_deg.abs());
            }
            assert!(voyage.helm.tacks >= 2, "seed {seed}: {:?}", voyage.helm);
            assert!((3.0..10.0).contains(&fastest_turn), "seed {seed}: {fastest_turn} degrees a second");
        }
    }

    #[test]
    fn motion_wind_and_current_add_up_at_every_step() {
        let mut voyage = Voyage::new(&mut Chance::new(5));
        let (mut before, mut heeled) = (voyage.boat.place, 0);
        for step in 1..40_000 {
            voyage.advance_to(step * STEP_MS);
            let boat = &voyage.boat;
            // Position integrates the velocity over the ground.
            let moved = before.to(boat.place);
            assert!(moved.minus(boat.ground.times(STEP_S)).length() < 1e-3);
            before = boat.place;
            // Over the ground = along the keel + slip + current.
            let course_deg = boat.heading_deg + boat.leeway_deg;
            let water = Vector::polar(boat.water_mps / boat.leeway_deg.to_radians().cos(), course_deg);
            assert!(water.plus(voyage.current()).minus(boat.ground).length() < 1e-6);
            // What the masthead feels is the air less the boat's own motion, whichever way it is reckoned.
            let apparent = voyage.apparent_wind();
            let felt = Vector::polar(apparent.speed_mps, boat.heading_deg + apparent.angle_deg + 180.0);
            assert!(felt.plus(boat.ground).minus(voyage.air()).length() < 1e-6);
            let true_wind = voyage.true_wind();
            let over_water = Vector::polar(true_wind.speed_mps, boat.heading_deg + true_wind.angle_deg + 180.0);
            assert!(over_water.minus(water).minus(felt).length() < 1e-6);
            // Settled on a board she heels away from the wind.
            if boat.roll_deg.abs() > 6.0 && boat.turn_deg.abs() < 1.0 {
                heeled += 1;
                assert!(boat.roll_deg * apparent.angle_deg < 0.0, "{boat:?} {apparent:?}");
            }
        }
        assert!(heeled > 1000, "{heeled}");
    }

    #[test]
    fn how_the_time_is_cut_does_not_matter() {
        let mut whole = Voyage::new(&mut Chance::new(9));
        let mut cut = whole.clone();
        whole.advance_to(600_000);
        (0..=600_000).step_by(370).for_each(|at_ms| cut.advance_to(at_ms));
        cut.advance_to(600_000);
        assert_eq!(whole.boat.place, cut.boat.place);
    }
}
