//! The satellites above the demo: made up, but they rise, cross and set as slowly as real ones.

use super::chance::{Chance, Swing};
use super::place::circle_deg;

/// A satellite comes round in half a sidereal day.
const ORBIT_S: f64 = 43_082.0;
/// Satellites in the sky of the demo; below the mask some of them are not seen.
const SATELLITES: usize = 12;
const MASK_DEG: f64 = 6.0;

/// All satellites.
#[derive(Debug, Clone)]
pub struct Sky {
    orbits: Vec<Orbit>,
}

#[derive(Debug, Clone)]
struct Orbit {
    number: u32,
    azimuth_deg: f64,
    elevation_deg: Swing,
}

/// One satellite as the receiver sees it.
#[derive(Debug, Clone, Copy)]
pub struct Satellite {
    /// Its number, 1 to 32.
    pub number: u32,
    /// Above the horizon, degrees.
    pub elevation_deg: u32,
    /// True bearing, degrees.
    pub azimuth_deg: u32,
    /// Signal to noise, dB.
    pub snr_db: u32,
}

impl Sky {
    /// A sky by chance.
    pub fn new(chance: &mut Chance) -> Self {
        let orbit = |i: usize| Orbit {
            number: 2 * i as u32 + 3,
            azimuth_deg: chance.between(0.0, 360.0),
            elevation_deg: Swing::new(chance, 38.0, ORBIT_S),
        };
        Self { orbits: (0..SATELLITES).map(orbit).collect() }
    }

    /// The satellites in view `t_s` seconds after the start.
    pub fn in_view(&self, t_s: f64) -> Vec<Satellite> {
        let seen = |orbit: &Orbit| {
            let elevation_deg = 40.0 + orbit.elevation_deg.at(t_s);
            Satellite {
                number: orbit.number,
                elevation_deg: elevation_deg.round() as u32,
                azimuth_deg: circle_deg((orbit.azimuth_deg + 360.0 * t_s / ORBIT_S).floor()) as u32,
                snr_db: (28.0 + elevation_deg / 4.5).round() as u32,
            }
        };
        self.orbits.iter().map(seen).filter(|s| f64::from(s.elevation_deg) >= MASK_DEG).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_fix_and_every_number_is_possible() {
        let sky = Sky::new(&mut Chance::new(2));
        for minute in 0..1500 {
            let seen = sky.in_view(f64::from(minute) * 60.0);
            assert!((6..=SATELLITES).contains(&seen.len()));
            for s in seen {
                assert!(s.elevation_deg <= 90 && s.azimuth_deg < 360 && s.number <= 32 && s.snr_db < 60, "{s:?}");
            }
        }
    }
}
