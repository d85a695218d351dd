//! The water of the demo: the open sea south of the outermost skerries between Helsinki and Porkkala, as far as a demo
//! needs it. The passage is a line of waypoints with a width; the seabed and the current are made up. Not for navigation.

use super::chance::{Chance, Swing, sum};
use super::place::{Place, Vector};

/// A point of the passage.
#[derive(Debug)]
pub struct Waypoint {
    /// Up to four letters, as old plotters show them.
    pub name: &'static str,
    /// Where it is.
    pub place: Place,
}

/// The passage, from the harbour approach to its far end; sailed there and back for ever.
pub const PASSAGE: [Waypoint; 4] = [
    Waypoint { name: "HEL", place: Place::new(60.060, 24.990) },
    Waypoint { name: "SKER", place: Place::new(59.985, 24.850) },
    Waypoint { name: "BANK", place: Place::new(59.930, 24.700) },
    Waypoint { name: "PORK", place: Place::new(59.900, 24.500) },
];

/// Half the width of the water that is known to be free on both sides of the passage. The helm turns long before.
pub const CORRIDOR_M: f64 = 900.0;

/// Magnetic variation of the area, east positive.
pub const VARIATION_DEG: f64 = 9.6;

/// Where `place` lies beside the line `from` → `to`: metres along it, and metres to the right of it.
pub fn along_and_across(from: Place, to: Place, place: Place) -> (f64, f64) {
    let (line, way) = (from.to(to), from.to(place));
    let length = line.length();
    let along = (way.east * line.east + way.north * line.north) / length;
    let across = (way.east * line.north - way.north * line.east) / length;
    (along, across)
}

/// Metres from the line of the passage.
pub fn off_passage_m(place: Place) -> f64 {
    let off_leg = |leg: &[Waypoint]| {
        let (from, to) = (leg[0].place, leg[1].place);
        let (along, across) = along_and_across(from, to, place);
        if along < 0.0 {
            from.to(place).length()
        } else if along > from.to(to).length() {
            to.to(place).length()
        } else {
            across.abs()
        }
    };
    PASSAGE.windows(2).map(off_leg).fold(f64::INFINITY, f64::min)
}

/// Depth of the water in metres: hills and holes of different sizes, shoaling towards the coast in the north. 7 to 58 m
/// on the passage.
pub fn depth_m(place: Place) -> f64 {
    let way = PASSAGE[0].place.to(place);
    let (x, y) = (way.east / 1000.0, way.north / 1000.0);
    let hills = 7.0 * (x / 1.9).sin() * (y / 1.5 + 0.7).cos() + 3.0 * (x / 0.53 + y / 0.71).sin();
    let detail = 0.8 * (x / 0.11 - y / 0.17).sin();
    (26.0 - 0.9 * y + hills + detail).max(7.0)
}

/// What the water does: how warm it is and where it flows.
#[derive(Debug, Clone)]
pub struct Water {
    drift_mps: Swing,
    set_deg: [Swing; 2],
    warmth_c: Swing,
}

impl Water {
    /// Water with a mood by chance.
    pub fn new(chance: &mut Chance) -> Self {
        Self {
            drift_mps: Swing::new(chance, 0.10, 25_000.0),
            set_deg: [Swing::new(chance, 25.0, 31_000.0), Swing::new(chance, 10.0, 5_300.0)],
            warmth_c: Swing::new(chance, 0.6, 86_400.0),
        }
    }

    /// The current: along the coast to the west, as it mostly is on this side of the gulf; 0.15 to 0.35 m/s.
    pub fn current(&self, t_s: f64) -> Vector {
        Vector::polar(0.25 + self.drift_mps.at(t_s), 255.0 + sum(&self.set_deg, t_s))
    }

    /// Temperature of the water in degrees Celsius: warmer where it is shallow.
    pub fn temperature_c(&self, place: Place, t_s: f64) -> f64 {
        17.0 - 0.04 * depth_m(place) + self.warmth_c.at(t_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seabed_is_smooth_and_never_dry() {
        for leg in PASSAGE.windows(2) {
            let way = leg[0].place.to(leg[1].place);
            let steps = (way.length() / 10.0) as u32;
            for side_m in [-CORRIDOR_M, 0.0, CORRIDOR_M] {
                let start = leg[0].place.plus(Vector::polar(side_m, way.bearing_deg() + 90.0));
                let mut last = depth_m(start);
                for step in 0..=steps {
                    let here = depth_m(start.plus(way.times(f64::from(step) / f64::from(steps))));
                    assert!((7.0..=60.0).contains(&here), "{here}");
                    assert!((here - last).abs() < 0.6, "{last} to {here} within 10 m");
                    last = here;
                }
            }
        }
    }

    #[test]
    fn right_of_the_line_is_positive() {
        let (from, to) = (Place::new(60.0, 24.0), Place::new(60.1, 24.0));
        let (along, across) = along_and_across(from, to, Place::new(60.05, 24.01));
        assert!((along - 5556.0).abs() < 1.0 && (across - 555.1).abs() < 2.0, "{along} {across}");
    }

    #[test]
    fn distance_from_the_passage_is_zero_on_it_and_grows_beyond_its_ends() {
        assert!(off_passage_m(PASSAGE[1].place) < 1e-6);
        let beyond = PASSAGE[3].place.plus(Vector { east: -300.0, north: 0.0 });
        assert!((off_passage_m(beyond) - 300.0).abs() < 1.0);
    }
}
