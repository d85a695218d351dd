//! When a notification is raised, changed and cleared: zones with a memory, so that a value that trembles on a bound
//! does not ring the bell with every reading.
//!
//! Getting worse counts at once. Getting better counts when the value has left for certain: when it is beyond the bound
//! by the zone's margin (a hundredth of the bound or of the zone's width, whichever is less), when it is missing, or
//! when it has stayed better for [`HOLD_MS`]. Each return soon after a release by time doubles that time, up to
//! [`HOLD_MAX_MS`]; a release for certain sets it back. So a trembling value raises once, a slowly swinging one at most
//! once a minute or so, and whatever stops moving ends in the state that its bounds say.

use super::{State, Transition, Zones};
use crate::kernel::time::Moment;

/// A value must stay better for this long when it is too close to the bound to have left for certain.
pub const HOLD_MS: u64 = 2_000;

/// The longest that [`HOLD_MS`] grows to, and how long a return counts as soon.
pub const HOLD_MAX_MS: u64 = 64_000;

/// The memory of one watched value.
#[derive(Debug, Clone, PartialEq)]
pub struct Watcher {
    /// The value seen last.
    value: Option<f64>,
    /// The zone that the state is from, by its place in [`Zones`].
    zone: Option<u16>,
    state: State,
    /// What was said last; `None` before anything was.
    said: Option<Transition>,
    /// Since when the value has been better than the state.
    better_since: Option<Moment>,
    /// When the state was last released by time.
    released_at: Option<Moment>,
    hold_ms: u64,
}

impl Default for Watcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Watcher {
    /// Nothing seen, nothing raised.
    pub const fn new() -> Self {
        Self {
            value: None,
            zone: None,
            state: State::Normal,
            said: None,
            better_since: None,
            released_at: None,
            hold_ms: HOLD_MS,
        }
    }

    /// As it was before a restart: the state and message of the notification that was kept. The same zone does not say
    /// the same again, so what the crew has done about the notification stands.
    pub fn restored(zones: &Zones, state: State, message: &str) -> Self {
        let said = Transition { state, methods: zones.methods[state as usize], message: message.into() };
        Self { state, said: Some(said), ..Self::new() }
    }

    /// The state that the notification is in.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Takes a value (`None` for null and for what is not a number). Returns what the notification becomes, if that is a
    /// change.
    pub fn update(&mut self, zones: &Zones, value: Option<f64>, now: Moment) -> Option<Transition> {
        self.value = value;
        let (zone, state) = (zones.zone(value), zones.state(value));
        if zone == self.zone && state == self.state {
            self.better_since = None;
            return None;
        }
        if state > self.state {
            if let Some(at) = self.released_at.take() {
                let soon = now.since(at) <= HOLD_MAX_MS;
                self.hold_ms = if soon { (self.hold_ms * 2).min(HOLD_MAX_MS) } else { HOLD_MS };
            }
            return self.enter(zones, zone, state);
        }
        if self.has_left_for_certain(zones, value, state) {
            self.hold_ms = HOLD_MS;
            self.released_at = None;
            return self.enter(zones, zone, state);
        }
        let since = *self.better_since.get_or_insert(now);
        if now.since(since) < self.hold_ms {
            return None;
        }
        self.released_at = Some(now);
        self.enter(zones, zone, state)
    }

    /// When to call [`Self::wake`] even if no value comes.
    pub fn deadline(&self) -> Option<Moment> {
        self.better_since.map(|since| Moment::from_millis(since.as_millis().saturating_add(self.hold_ms)))
    }

    /// Looks again at the last value, at or after [`Self::deadline`].
    pub fn wake(&mut self, zones: &Zones, now: Moment) -> Option<Transition> {
        self.update(zones, self.value, now)
    }

    /// Takes other zones for the same value, or none any more. The last value is judged anew by its bounds alone;
    /// without zones, whatever was raised is cleared.
    pub fn rezone(&mut self, zones: Option<&Zones>) -> Option<Transition> {
        let (value, before) = (self.value, self.state);
        let said = self.said.take();
        *self = Self { value, ..Self::new() };
        let Some(zones) = zones else {
            return (before != State::Normal).then(Transition::cleared);
        };
        (self.zone, self.state) = (zones.zone(value), zones.state(value));
        let now = zones.transition(self.zone);
        let is_news = self.state != before || (self.state > State::Normal && said.as_ref() != Some(&now));
        self.said = if is_news { Some(now.clone()) } else { said };
        is_news.then_some(now)
    }

    /// Of two zones of one state the one in force gives way when the value is beyond its margin; a worse state gives
    /// way when no zone of that state or worse is within its margin.
    fn has_left_for_certain(&self, zones: &Zones, value: Option<f64>, state: State) -> bool {
        let Some(value) = value else { return true };
        match self.zone {
            Some(zone) if state == self.state => !zones.zones[usize::from(zone)].still_holds(value),
            None if state == self.state => true,
            _ => zones.lingering_state(Some(value)) < self.state,
        }
    }

    /// Another zone of the same state is news above normal only, where it brings another message.
    fn enter(&mut self, zones: &Zones, zone: Option<u16>, state: State) -> Option<Transition> {
        let same_state = state == self.state;
        self.better_since = None;
        self.zone = zone;
        self.state = state;
        if same_state && state <= State::Normal {
            return None;
        }
        let transition = zones.transition(zone);
        if same_state && self.said.as_ref() == Some(&transition) {
            return None;
        }
        self.said = Some(transition.clone());
        Some(transition)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use proptest::prelude::*;

    fn zones(meta: &str) -> Zones {
        Zones::from_meta(&serde_json::from_str(meta).unwrap()).unwrap()
    }

    const SHALLOW: &str = r#"{"zones":[{"upper":2,"state":"alarm"},{"upper":3,"state":"warn"}]}"#;

    /// `at:value` steps (milliseconds, `-` for null, `@` for a look without a value) against `at:state` for each
    /// transition.
    fn check(meta: &str, steps: &str, transitions: &str) {
        let zones = zones(meta);
        let mut watcher = Watcher::new();
        let mut seen = Vec::new();
        for step in steps.split_whitespace() {
            let (at, value) = step.split_once(':').unwrap();
            let now = Moment::from_millis(at.parse().unwrap());
            let transition = match value {
                "@" => watcher.wake(&zones, now),
                "-" => watcher.update(&zones, None, now),
                _ => watcher.update(&zones, Some(value.parse().unwrap()), now),
            };
            seen.extend(transition.map(|t| format!("{at}:{}", t.state.as_str())));
        }
        assert_eq!(seen.join(" "), transitions, "{steps}");
    }

    #[test]
    fn only_changes_speak() {
        check(SHALLOW, "0:10 1:9 2:8", "");
        check(SHALLOW, "0:2.9 1:2.8 2:2.5", "0:warn");
        check(SHALLOW, "0:2.9 1:1.9 2:1.5 3:2.5 4:10 5:20", "0:warn 1:alarm 3:warn 4:normal");
        check(SHALLOW, "0:1 1:10", "0:alarm 1:normal");
    }

    #[test]
    fn a_missing_value_is_outside_at_once() {
        check(SHALLOW, "0:1 1:- 2:- 3:1", "0:alarm 1:normal 3:alarm");
        check(SHALLOW, "0:-", "");
    }

    #[test]
    fn close_to_the_bound_it_must_stay_better_for_two_seconds() {
        check(SHALLOW, "0:3 1000:3.01 2000:3.01 2999:3.01 3000:3.01", "0:warn 3000:normal");
        check(SHALLOW, "0:3 1000:3.01 2999:@ 3000:@", "0:warn 3000:normal");
        check(SHALLOW, "0:3 1000:3.01 2000:3 3000:3.01 4999:3.01 5000:3.01", "0:warn 5000:normal");
        check(SHALLOW, "0:3 1000:3.031", "0:warn 1000:normal");
        // From alarm to warn the same holds: 2.01 is too close to 2.
        check(SHALLOW, "0:2 1:2.01 1000:2.01 2001:2.01", "0:alarm 2001:warn");
        check(SHALLOW, "0:2 1:2.03", "0:alarm 1:warn");
    }

    #[test]
    fn worse_is_never_held_back() {
        check(SHALLOW, "0:3 1:3.01 2:2", "0:warn 2:alarm");
        check(SHALLOW, "0:3 1:3.01 2000:3.01 2001:3.01 2002:3", "0:warn 2001:normal 2002:warn");
    }

    #[test]
    fn a_return_soon_after_a_release_by_time_is_held_longer() {
        check(SHALLOW, "0:3 1:3.01 2001:@ 3000:3 4000:3.01 7999:@ 8000:@", "0:warn 2001:normal 3000:warn 8000:normal");
        // After a minute's peace, or a release for certain, it starts over.
        check(SHALLOW, "0:3 1:3.01 2001:@ 90000:3 90001:3.01 92001:@", "0:warn 2001:normal 90000:warn 92001:normal");
        check(
            SHALLOW,
            "0:3 1:3.01 2001:@ 3000:3 4000:4 5000:3 6000:3.01 8000:@",
            "0:warn 2001:normal 3000:warn 4000:normal 5000:warn 8000:normal",
        );
    }

    #[test]
    fn a_slow_swing_across_a_bound_speaks_about_once_a_minute() {
        let zones = zones(SHALLOW);
        let mut watcher = Watcher::new();
        let raised = (0..3600_u32)
            .filter_map(|s| {
                let value = if s / 5 % 2 == 0 { 2.995 } else { 3.005 };
                watcher.update(&zones, Some(value), Moment::from_millis(u64::from(s) * 1000))
            })
            .filter(|t| t.state == State::Warn)
            .count();
        assert!(raised <= 4, "raised {raised} times in an hour");
    }

    #[test]
    fn two_zones_of_one_state_differ_by_their_message() {
        let zones = zones(
            r#"{"zones":[{"lower":80,"upper":90,"state":"warn","message":"hot"},{"lower":90,"upper":100,"state":"warn","message":"very hot"}]}"#,
        );
        let mut watcher = Watcher::new();
        let mut say =
            |value, at| watcher.update(&zones, Some(value), Moment::from_millis(at)).map(|t| t.message.to_string());
        assert_eq!(say(85.0, 0).as_deref(), Some("hot"));
        assert_eq!(say(90.05, 10), None);
        assert_eq!(say(89.9, 20), None);
        assert_eq!(say(91.0, 30).as_deref(), Some("very hot"));
        assert_eq!(say(89.95, 40), None);
    }

    #[test]
    fn nominal_is_below_normal_and_does_not_tremble_either() {
        let meta = r#"{"zones":[{"lower":10,"upper":20,"state":"nominal"}]}"#;
        check(meta, "0:15 1:21 2:15", "0:nominal 1:normal 2:nominal");
        check(meta, "0:15 1:20.01 2:19.99 3:20.01 4:19.99 2003:19.99 2004:19.99", "0:nominal 1:normal 2004:nominal");
    }

    #[test]
    fn a_switch_position_has_no_margin() {
        let meta = r#"{"zones":[{"lower":1,"upper":1,"state":"alert"}]}"#;
        check(meta, "0:0 1:1 2:0 3:1", "1:alert 2:normal 3:alert");
    }

    #[test]
    fn other_zones_judge_the_last_value_anew() {
        let (shallow, deep) = (zones(SHALLOW), zones(r#"{"zones":[{"lower":50,"state":"alert"}]}"#));
        let mut watcher = Watcher::new();
        assert_eq!(watcher.rezone(Some(&shallow)), None);
        assert_eq!(watcher.update(&shallow, Some(1.0), Moment::default()).map(|t| t.state), Some(State::Alarm));
        assert_eq!(watcher.rezone(Some(&shallow)), None);
        assert_eq!(watcher.rezone(Some(&deep)).map(|t| t.state), Some(State::Normal));
        assert_eq!(watcher.rezone(Some(&shallow)).map(|t| t.state), Some(State::Alarm));
        let cleared = watcher.rezone(None).unwrap();
        assert_eq!((cleared.state, cleared.methods), (State::Normal, super::super::Methods::NONE));
        assert_eq!(watcher.rezone(None), None);
        let loud = zones(&SHALLOW.replace("\"zones\"", "\"alarmMethod\":[\"sound\"],\"zones\""));
        assert_eq!(watcher.rezone(Some(&shallow)).map(|t| t.methods.visual), Some(true));
        assert_eq!(watcher.rezone(Some(&loud)).map(|t| t.methods.visual), Some(false));
    }

    #[test]
    fn what_was_raised_before_a_restart_is_cleared_after_it() {
        let zones = zones(SHALLOW);
        let restored = |message| Watcher::restored(&zones, State::Alarm, message);
        let first = |mut watcher: Watcher, value| watcher.update(&zones, Some(value), Moment::default());
        assert_eq!(first(restored("value < 2"), 10.0).map(|t| t.state), Some(State::Normal));
        assert_eq!(first(restored("value < 2"), 1.0), None, "it has been said");
        assert_eq!(first(restored("another text"), 1.0).map(|t| t.state), Some(State::Alarm));
    }

    fn any_zone() -> impl Strategy<Value = Zone> {
        (any::<(bool, bool)>(), -10.0..10.0, 0.0..10.0, 0..6_usize).prop_map(
            |((open_below, open_above), at, width, state)| {
                let lower = if open_below { f64::NEG_INFINITY } else { at };
                let upper = if open_above { f64::INFINITY } else { at + width };
                Zone::new(lower, upper, State::ALL[state], None)
            },
        )
    }

    fn any_zones() -> impl Strategy<Value = Zones> {
        proptest::collection::vec(any_zone(), 1..6)
            .prop_map(|list| Zones::new(list, State::default_methods).expect("there is a zone"))
    }

    fn any_value() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![9 => (-12.0..22.0).prop_map(Some), 1 => Just(None)]
    }

    proptest! {
        #[test]
        fn a_value_that_trembles_on_a_bound_raises_once(
            (open, at, width) in (any::<bool>(), 0.5..1000.0, 0.1..100.0),
            state in 2..6_usize,
            noise in proptest::collection::vec((-1.0..1.0_f64, 10..400_u64), 1..200),
        ) {
            let upper = if open { f64::INFINITY } else { at + width };
            let zone = Zone::new(at, upper, State::ALL[state], None);
            let epsilon = zone.margin_below * 0.99;
            let zones = Zones::new(vec![zone], State::default_methods).unwrap();
            let mut watcher = Watcher::new();
            let (mut raised, mut now) = (0, 0);
            for (i, (noise, dt)) in noise.into_iter().enumerate() {
                // Every fourth reading is inside: it trembles, it does not leave.
                let noise = if i % 4 == 3 { noise.abs() } else { noise };
                now += dt;
                raised += usize::from(watcher.update(&zones, Some(at + noise * epsilon), Moment::from_millis(now)).is_some());
            }
            prop_assert!(raised <= 1, "{raised} transitions");
        }

        #[test]
        fn it_is_never_milder_than_its_bounds_and_says_what_it_is(
            zones in any_zones(),
            steps in proptest::collection::vec((any_value(), 1..3000_u64), 1..60),
        ) {
            let mut watcher = Watcher::new();
            let (mut now, mut said) = (0, State::Normal);
            for (value, dt) in steps {
                now += dt;
                if let Some(transition) = watcher.update(&zones, value, Moment::from_millis(now)) {
                    prop_assert!(transition.state != said || transition.state > State::Normal);
                    said = transition.state;
                }
                prop_assert_eq!(said, watcher.state());
                prop_assert!(watcher.state() >= zones.state(value));
            }
        }

        #[test]
        fn it_settles_where_its_bounds_say(
            zones in any_zones(),
            steps in proptest::collection::vec((any_value(), 1..3000_u64), 1..60),
        ) {
            let mut watcher = Watcher::new();
            let (mut now, mut last) = (0, None);
            for (value, dt) in steps {
                now += dt;
                last = value;
                watcher.update(&zones, value, Moment::from_millis(now));
            }
            let start = now;
            while let Some(deadline) = watcher.deadline() {
                watcher.wake(&zones, deadline);
                prop_assert!(deadline.as_millis() <= start + HOLD_MAX_MS);
                now = deadline.as_millis();
            }
            prop_assert_eq!(watcher.state(), zones.state(last));
            prop_assert_eq!(watcher.update(&zones, last, Moment::from_millis(now)), None);
        }
    }
}
