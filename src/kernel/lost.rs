//! What becomes of a target that falls silent. First its movement is taken as unknown ([`DYNAMIC_PATHS`] become null), so
//! that no screen goes on drawing it under way; later the target leaves altogether.
//!
//! The times follow the reporting intervals of ITU-R M.1371-5 (annex 1, tables 1 and 2): a target is lost when several
//! reports in a row did not come. They are generous at short intervals, because at the edge of reception most reports are
//! missed, and a target that blinks is of less use than one that is a few minutes old. Age is measured on the monotonic
//! clock by the caller.

use serde::Deserialize;

use super::update::Root;

/// What becomes null when a target is lost: everything that tells how it moves.
///
/// Not the position: it is where the target was last seen, and the time beside it says when; OpenCPN has no reading for a
/// null position of a target. Not `navigation.state`, nor any other text, for the same reason: OpenCPN reads them as
/// strings without looking.
pub const DYNAMIC_PATHS: [&str; 4] = [
    "navigation.speedOverGround",
    "navigation.courseOverGroundTrue",
    "navigation.headingTrue",
    "navigation.rateOfTurn",
];

/// Milliseconds in a second.
const SECOND_MS: u64 = 1000;

/// After how many seconds of silence a target is lost, by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LostPolicy {
    /// Class A under way. Reports every 2 to 10 s, so this is far more than a few; but static data comes every 6 minutes,
    /// and a ship at the edge of reception that is heard through it should stay.
    pub class_a_moving_s: u32,
    /// Class A at anchor, moored or aground: every 3 minutes, six of them.
    pub class_a_at_rest_s: u32,
    /// Class B: every 30 s, but every 3 minutes below 2 knots, and it has no status that would tell: four of those.
    pub class_b_s: u32,
    /// Aids to navigation and base stations: every 3 minutes (10 s for stations), often relayed with gaps. They don't
    /// move, so that being slow costs nothing.
    pub fixed_s: u32,
    /// Search and rescue aircraft: every 10 s, and far away after 5 minutes.
    pub aircraft_s: u32,
    /// Distress transmitters: a burst of eight once a minute with the antenna between waves; ten of them.
    pub beacon_s: u32,
    /// Weather stations: observations come every 3 to 30 minutes.
    pub weather_s: u32,
    /// When a target leaves the model, whatever it is; never before it is lost.
    pub leaves_s: u32,
}

impl Default for LostPolicy {
    fn default() -> Self {
        Self {
            class_a_moving_s: 6 * 60,
            class_a_at_rest_s: 18 * 60,
            class_b_s: 12 * 60,
            fixed_s: 30 * 60,
            aircraft_s: 5 * 60,
            beacon_s: 10 * 60,
            weather_s: 60 * 60,
            leaves_s: 60 * 60,
        }
    }
}

impl LostPolicy {
    /// After how many milliseconds of silence the target's movement is unknown. `class` is its `sensors.ais.class`,
    /// `state` its `navigation.state`, as far as they are known; a vessel of unknown class gets the time of class B.
    pub fn lost_after_ms(&self, class: Option<&str>, state: Option<&str>, root: Root) -> u64 {
        let seconds = match root {
            Root::Aircraft => self.aircraft_s,
            Root::Sar => self.beacon_s,
            Root::Atons | Root::BaseStations => self.fixed_s,
            Root::Meteo => self.weather_s,
            Root::Vessels => match class {
                Some("A") if state.is_some_and(at_rest) => self.class_a_at_rest_s,
                Some("A") => self.class_a_moving_s,
                Some("ATON" | "BASE") => self.fixed_s,
                _ => self.class_b_s,
            },
        };
        u64::from(seconds) * SECOND_MS
    }

    /// After how many milliseconds of silence the target leaves the model.
    pub fn leaves_after_ms(&self, class: Option<&str>, state: Option<&str>, root: Root) -> u64 {
        self.lost_after_ms(class, state, root).max(u64::from(self.leaves_s) * SECOND_MS)
    }
}

/// The states in which class A reports every 3 minutes only.
fn at_rest(state: &str) -> bool {
    matches!(state, "anchored" | "moored" | "aground")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn times_follow_class_state_and_kind() {
        let policy = LostPolicy::default();
        let table = [
            (Some("A"), Some("motoring"), Root::Vessels, 6),
            (Some("A"), None, Root::Vessels, 6),
            (Some("A"), Some("moored"), Root::Vessels, 18),
            (Some("A"), Some("anchored"), Root::Vessels, 18),
            (Some("B"), None, Root::Vessels, 12),
            (Some("B"), Some("moored"), Root::Vessels, 12),
            (None, None, Root::Vessels, 12),
            (Some("ATON"), None, Root::Atons, 30),
            (Some("BASE"), None, Root::Atons, 30),
            (None, None, Root::BaseStations, 30),
            (None, None, Root::Aircraft, 5),
            (Some("A"), Some("ais-sart"), Root::Sar, 10),
            (None, None, Root::Meteo, 60),
        ];
        for (class, state, root, minutes) in table {
            let lost = policy.lost_after_ms(class, state, root);
            assert_eq!(lost, minutes * MINUTE, "{class:?} {state:?} {root:?}");
            assert_eq!(policy.leaves_after_ms(class, state, root), 60 * MINUTE);
        }
    }

    #[test]
    fn a_target_never_leaves_before_it_is_lost() {
        let policy: LostPolicy = serde_json::from_str(r#"{"leaves_s": 60, "fixed_s": 90}"#).unwrap();
        assert_eq!(policy.leaves_after_ms(None, None, Root::Atons), 90_000);
        assert_eq!(policy.class_b_s, 720);
        assert!(serde_json::from_str::<LostPolicy>(r#"{"leave": 60}"#).is_err());
    }
}
