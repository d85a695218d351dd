use super::*;
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;
/// A time that can be.
const REAL: Timestamp = BUILT_AFTER.plus_millis(100 * 24 * HOUR_MS);
const OLD: Timestamp = Timestamp::from_millis(40_000);
const GPS: u32 = 1;

/// A machine whose clocks go on and can be set, and its judge.
struct Scene {
    machine: Now,
    trust: Trust,
}

impl Scene {
    fn new(rule: Rule, wall: Timestamp) -> Self {
        let machine = Now { wall, mono: Moment::from_millis(7_000) };
        Self { machine, trust: Trust::new(rule, machine) }
    }

    /// A board without a clock.
    fn board(wall: Timestamp) -> Self {
        Self::new(Rule::Judged(None), wall)
    }

    fn pass(&mut self, ms: u64) -> &mut Self {
        self.machine = Now { wall: self.machine.wall.plus_millis(ms as i64), mono: self.machine.mono + ms };
        self.trust.observe(self.machine);
        self
    }

    fn set(&mut self, wall: Timestamp) -> &mut Self {
        self.machine.wall = wall;
        self.trust.observe(self.machine);
        self
    }

    /// So many seconds of a receiver that shows `ahead_ms` more than the machine, read `late_ms` later.
    fn dates(&mut self, input: u32, seconds: u32, ahead_ms: i64, late_ms: i64) -> &mut Self {
        for _ in 0..seconds {
            self.pass(1_000);
            self.trust.date(input, self.machine.wall.plus_millis(ahead_ms - late_ms), self.machine);
        }
        self
    }

    fn verdict(&self) -> (bool, &'static str) {
        let verdict = self.trust.verdict(self.machine.mono);
        (verdict.trusted, verdict.why.as_str())
    }

    fn aboard(&self) -> Timestamp {
        self.trust.now(self.machine).wall
    }
}

#[test]
fn the_rule_and_the_time_decide_at_the_start() {
    let judged = |grounds| Rule::Judged(Some(grounds));
    let table = [
        (Rule::Always, REAL, (true, "configured")),
        (Rule::Always, OLD, (true, "configured")),
        (Rule::Never, REAL, (false, "distrusted")),
        (judged(Grounds::Computer), REAL, (true, "computer")),
        (judged(Grounds::Computer), OLD, (false, "beforeBuild")),
        (judged(Grounds::RealTimeClock), REAL, (true, "realTimeClock")),
        (Rule::Judged(None), REAL, (false, "unconfirmed")),
        (Rule::Judged(None), OLD, (false, "beforeBuild")),
    ];
    for (rule, wall, expected) in table {
        let scene = Scene::new(rule, wall);
        assert_eq!(scene.verdict(), expected, "{rule:?} {wall}");
        assert_eq!(scene.trust.eras().newest().trusted, expected.0, "{rule:?} {wall}");
    }
}

#[test]
fn a_clock_comes_to_a_time_that_can_be_by_waiting() {
    let mut scene = Scene::new(Rule::Judged(Some(Grounds::Computer)), BUILT_AFTER.plus_millis(-500));
    assert_eq!(scene.verdict(), (false, "beforeBuild"));
    assert_eq!(scene.pass(500).verdict(), (true, "computer"));
    assert_eq!(scene.trust.eras().newest().number, 1, "an era of its own");
}

#[test]
fn who_sets_the_clock_is_believed_when_it_can_be() {
    let mut scene = Scene::board(OLD);
    assert_eq!(scene.pass(5_000).set(OLD.plus_millis(HOUR_MS)).verdict(), (false, "beforeBuild"));
    assert_eq!(scene.set(REAL).verdict(), (true, "set"));
    assert_eq!(scene.aboard(), REAL);
    let offsets: Vec<i64> = scene.trust.eras().0.iter().map(|era| era.offset_ms).collect();
    let real = REAL.as_millis() - 12_000;
    assert_eq!(offsets, [33_000, 33_000 + HOUR_MS - 5_000, real], "three eras");
    assert_eq!(scene.trust.verdict(scene.machine.mono).steps, 2);
}

#[test]
fn small_steps_confirm_nothing_and_add_up() {
    let mut scene = Scene::board(REAL);
    for _ in 0..3 {
        let wall = scene.machine.wall.plus_millis(400);
        scene.set(wall);
    }
    assert_eq!(scene.trust.verdict(scene.machine.mono).steps, 1, "1.2 s");
}

#[test]
fn the_system_that_has_synchronised_the_clock_is_believed() {
    let mut scene = Scene::board(REAL);
    assert!(scene.trust.wants_synchronised());
    let machine = scene.machine;
    scene.trust.synchronised(machine);
    assert_eq!(scene.verdict(), (true, "synchronised"));
    assert!(!scene.trust.wants_synchronised(), "there is no more to learn");
    let mut scene = Scene::board(OLD);
    let machine = scene.machine;
    scene.trust.synchronised(machine);
    assert_eq!(scene.verdict(), (false, "beforeBuild"), "a file that was left over");
}

#[test]
fn one_date_that_agrees_with_the_clock_is_enough() {
    for (ahead_ms, expected) in [(0, true), (-2_900, true), (2_900, true), (3_100, false), (-3_100, false)] {
        let mut scene = Scene::board(REAL);
        scene.dates(GPS, 1, ahead_ms, 0);
        assert_eq!(scene.verdict().0, expected, "{ahead_ms}");
        assert_eq!(scene.aboard(), scene.machine.wall, "the clock itself is right");
    }
}

#[test]
fn dates_that_agree_with_each_other_for_some_seconds_give_the_time() {
    let mut scene = Scene::board(OLD);
    let ahead_ms = REAL.as_millis() - OLD.as_millis();
    assert_eq!(scene.dates(GPS, 5, ahead_ms, 200).verdict(), (false, "beforeBuild"));
    assert_eq!(scene.dates(GPS, 1, ahead_ms, 50).verdict(), (true, "gnss"));
    assert_eq!(scene.aboard(), scene.machine.wall.plus_millis(ahead_ms - 50), "by the one that was late least");
}

#[test]
fn dates_that_contradict_each_other_or_cannot_be_give_nothing() {
    let ahead_ms = REAL.as_millis() - OLD.as_millis();
    let mut scene = Scene::board(OLD);
    for _ in 0..20 {
        scene.dates(GPS, 3, ahead_ms, 0).dates(GPS, 3, ahead_ms + 86_400_000, 0);
    }
    assert_eq!(scene.verdict(), (false, "beforeBuild"), "a receiver at midnight, again and again");
    for wrong in [-FUTURE_MAX_MS, 2 * FUTURE_MAX_MS] {
        let mut scene = Scene::board(OLD);
        assert!(!scene.dates(GPS, 30, ahead_ms + wrong, 0).verdict().0, "{wrong}: a rollover, or a fault");
    }
    let mut scene = Scene::board(OLD);
    scene.pass(60_000);
    for _ in 0..30 {
        let machine = scene.machine;
        scene.trust.date(GPS, REAL, machine);
    }
    assert!(!scene.verdict().0, "thirty dates at one moment");
}

#[test]
fn two_receivers_that_contradict_each_other_do_not_hinder_each_other() {
    let ahead_ms = REAL.as_millis() - OLD.as_millis();
    let mut scene = Scene::board(OLD);
    for _ in 0..4 {
        scene.dates(GPS, 1, ahead_ms, 0).dates(2, 1, ahead_ms - FUTURE_MAX_MS, 0);
    }
    assert_eq!(scene.verdict(), (true, "gnss"));
    assert_eq!(scene.aboard(), scene.machine.wall.plus_millis(ahead_ms));
}

#[test]
fn the_receiver_is_followed_until_the_system_agrees_or_is_synchronised() {
    let ahead_ms = REAL.as_millis() - OLD.as_millis();
    let mut scene = Scene::board(OLD);
    scene.dates(GPS, 6, ahead_ms, 0);
    // Somebody sets the clock wrong: the time aboard goes on.
    let before = scene.aboard();
    scene.set(REAL.plus_millis(5 * HOUR_MS));
    assert_eq!((scene.aboard(), scene.verdict()), (before, (true, "gnss")));
    // The receiver itself finds that it was wrong.
    scene.dates(GPS, 7, before.as_millis() - scene.machine.wall.as_millis() + HOUR_MS, 0);
    assert_eq!(scene.aboard(), before.plus_millis(7_000 + HOUR_MS));
    // Now the clock is set right.
    let right = scene.aboard().plus_millis(1_500);
    scene.set(right);
    assert_eq!((scene.aboard(), scene.trust.verdict(scene.machine.mono).correction_ms), (right, 0));
    scene.set(right.plus_millis(HOUR_MS));
    assert_eq!(scene.aboard(), right);
    let machine = scene.machine;
    scene.trust.synchronised(machine);
    assert_eq!((scene.aboard(), scene.verdict()), (right.plus_millis(HOUR_MS), (true, "synchronised")));
}

#[test]
fn a_trusted_clock_may_be_set_and_is_followed() {
    let mut scene = Scene::new(Rule::Judged(Some(Grounds::Computer)), REAL);
    for by in [HOUR_MS, -3 * HOUR_MS] {
        let wall = scene.machine.wall.plus_millis(by);
        scene.set(wall);
        assert_eq!((scene.aboard(), scene.verdict()), (wall, (true, "computer")));
    }
    assert_eq!(scene.trust.eras().newest().number, 2);
    scene.set(OLD);
    assert_eq!(scene.verdict(), (false, "beforeBuild"));
    scene.set(REAL);
    assert_eq!(scene.verdict(), (true, "set"));
}

#[test]
fn what_the_configuration_says_is_not_judged() {
    for (rule, expected) in [(Rule::Always, true), (Rule::Never, false)] {
        let mut scene = Scene::new(rule, OLD);
        scene.dates(GPS, 10, REAL.as_millis() - OLD.as_millis(), 0);
        scene.set(REAL);
        let machine = scene.machine;
        scene.trust.synchronised(machine);
        assert_eq!((scene.verdict().0, scene.aboard()), (expected, REAL));
        assert!(!scene.trust.wants_synchronised());
    }
}

#[test]
fn a_stamp_is_found_in_its_era() {
    let mut scene = Scene::board(OLD);
    let mut stamps = vec![scene.machine];
    for hours in [5, -2, 400_000] {
        scene.pass(1_000);
        // Two stamps of one millisecond: before the step, and after it.
        stamps.push(scene.machine);
        let wall = scene.machine.wall.plus_millis(hours * HOUR_MS);
        scene.set(wall);
        stamps.push(scene.machine);
    }
    let numbers: Vec<u64> = stamps.iter().map(|&stamp| scene.trust.eras().of(stamp).number).collect();
    assert_eq!(numbers, [0, 0, 1, 1, 2, 2, 3]);
}

proptest! {
    #[test]
    fn whatever_happens_stamps_can_be_dated_and_what_is_held_is_bounded(
        grounds in prop::option::of(Just(Grounds::Computer)),
        events in prop::collection::vec((0_u8..4, -500_000_i64..500_000, 0_u32..20), 1..300),
    ) {
        let mut scene = Scene::new(Rule::Judged(grounds), OLD);
        for (kind, hours, input) in events {
            match kind {
                0 => { scene.pass(hours.unsigned_abs()); }
                1 => { let wall = scene.machine.wall.plus_millis(hours * HOUR_MS); scene.set(wall); }
                2 => { scene.dates(input, 3, hours * HOUR_MS, 0); }
                _ => { let machine = scene.machine; scene.trust.synchronised(machine); }
            }
            let now = scene.trust.now(scene.machine);
            let newest = scene.trust.eras().newest();
            prop_assert_eq!(scene.trust.eras().of(now), newest);
            prop_assert_eq!(newest.trusted, scene.verdict().0);
            prop_assert!(!newest.trusted || now.wall >= BUILT_AFTER);
        }
        prop_assert!(scene.trust.eras.0.len() <= ERAS_MAX && scene.trust.witnesses.len() <= WITNESSES_MAX);
    }
}
