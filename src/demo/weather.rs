//! The air: a south-westerly that wanders within an hour, shifts within minutes, gusts, and never dies.

use super::chance::{Chance, Swing, sum};
use super::place::{Vector, circle_deg};

/// Wind and air of one seed as functions of time.
#[derive(Debug, Clone)]
pub struct Weather {
    base_from_deg: f64,
    wander_deg: [Swing; 2],
    shift_deg: [Swing; 3],
    base_mps: f64,
    strength_mps: [Swing; 4],
    gust: Swing,
    warmth_c: Swing,
    pressure_hpa: [Swing; 2],
}

/// The wind over the ground at one time.
#[derive(Debug, Clone, Copy)]
pub struct Wind {
    /// Where it comes from, true.
    pub from_deg: f64,
    /// The same without the quick shifts: what a helmsman steers by.
    pub mean_from_deg: f64,
    /// Its speed; 3.5 to 14 m/s.
    pub speed_mps: f64,
}

impl Wind {
    /// The movement of the air: it blows to where it does not come from.
    pub fn velocity(&self) -> Vector {
        Vector::polar(self.speed_mps, self.from_deg + 180.0)
    }
}

impl Weather {
    /// Weather by chance.
    pub fn new(chance: &mut Chance) -> Self {
        Self {
            base_from_deg: chance.between(220.0, 232.0),
            wander_deg: [Swing::new(chance, 9.0, 10_700.0), Swing::new(chance, 5.0, 1_870.0)],
            shift_deg: [Swing::new(chance, 3.0, 173.0), Swing::new(chance, 2.0, 37.0), Swing::new(chance, 1.2, 7.3)],
            base_mps: chance.between(6.8, 7.8),
            strength_mps: [
                Swing::new(chance, 1.5, 7_900.0),
                Swing::new(chance, 0.8, 1_390.0),
                Swing::new(chance, 0.4, 139.0),
                Swing::new(chance, 0.25, 11.3),
            ],
            gust: Swing::new(chance, 1.0, 311.0),
            warmth_c: Swing::new(chance, 2.5, 86_400.0),
            pressure_hpa: [Swing::new(chance, 6.0, 210_000.0), Swing::new(chance, 1.0, 43_000.0)],
        }
    }

    /// The wind `t_s` seconds after the start.
    pub fn wind(&self, t_s: f64) -> Wind {
        let mean_from_deg = circle_deg(self.base_from_deg + sum(&self.wander_deg, t_s));
        // A gust is a short peak of a long wave, and it veers.
        let gust = self.gust.at(t_s).max(0.0).powi(6);
        let from_deg = circle_deg(mean_from_deg + sum(&self.shift_deg, t_s) + 4.0 * gust);
        Wind { from_deg, mean_from_deg, speed_mps: self.base_mps + sum(&self.strength_mps, t_s) + 3.0 * gust }
    }

    /// Temperature of the air in degrees Celsius.
    pub fn air_c(&self, t_s: f64) -> f64 {
        18.5 + self.warmth_c.at(t_s)
    }

    /// Pressure of the air in hectopascals.
    pub fn pressure_hpa(&self, t_s: f64) -> f64 {
        1014.0 + sum(&self.pressure_hpa, t_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::place::side_deg;

    #[test]
    fn the_wind_stays_in_its_bounds_for_a_week_and_does_change() {
        for seed in 0..5 {
            let weather = Weather::new(&mut Chance::new(seed));
            let mut speeds = (f64::INFINITY, 0.0_f64);
            for minute in 0..7 * 24 * 60 {
                let wind = weather.wind(f64::from(minute) * 60.0);
                assert!((3.5..14.0).contains(&wind.speed_mps), "{wind:?}");
                assert!(side_deg(wind.from_deg - 226.0).abs() < 31.0, "{wind:?}");
                speeds = (speeds.0.min(wind.speed_mps), speeds.1.max(wind.speed_mps));
            }
            assert!(speeds.1 - speeds.0 > 4.0, "{speeds:?}");
        }
    }
}
