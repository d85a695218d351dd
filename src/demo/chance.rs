//! Chance from a seed: the same seed gives the same boat on every machine, so no generator of the system is used.

use std::f64::consts::TAU;

/// SplitMix64 (Steele, Lea and Flood, 2014): one 64-bit counter, well mixed. Good for scenery, not for secrets.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A source of chance; equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number from 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next number between two bounds.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A source of its own for one actor, so that what one of them draws does not change the others.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.bits())
    }
}

/// A sine in time with a phase by chance. Sums of a few with unrelated periods wander like weather, never leave their
/// bounds and need no state, however many days they run.
#[derive(Debug, Clone)]
pub struct Swing {
    amplitude: f64,
    period_s: f64,
    phase: f64,
}

impl Swing {
    /// A swing to both sides of zero by `amplitude` within `period_s` seconds.
    pub fn new(chance: &mut Chance, amplitude: f64, period_s: f64) -> Self {
        Self { amplitude, period_s, phase: chance.unit() }
    }

    /// Its value `t_s` seconds after the start.
    pub fn at(&self, t_s: f64) -> f64 {
        self.amplitude * (TAU * (t_s / self.period_s + self.phase).fract()).sin()
    }
}

/// The sum of several swings at one time.
pub fn sum(swings: &[Swing], t_s: f64) -> f64 {
    swings.iter().map(|s| s.at(t_s)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_of_splitmix64_comes_out() {
        let mut chance = Chance::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| chance.bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn chance_stays_between_its_bounds_and_reaches_for_both() {
        let mut chance = Chance::new(7);
        let drawn: Vec<f64> = (0..1000).map(|_| chance.between(-3.0, 5.0)).collect();
        assert!(drawn.iter().all(|v| (-3.0..5.0).contains(v)));
        assert!(drawn.iter().any(|v| *v < -2.9) && drawn.iter().any(|v| *v > 4.9));
    }

    #[test]
    fn a_swing_comes_round_after_its_period() {
        let swing = Swing::new(&mut Chance::new(3), 2.0, 60.0);
        assert!((swing.at(10.0) - swing.at(70.0)).abs() < 1e-9);
        assert!((swing.at(10.0) + swing.at(40.0)).abs() < 1e-9);
    }
}
