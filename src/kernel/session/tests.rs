//! Streams as a client sees them: what was said, when, and which frames come of it.

use super::*;
use crate::kernel::id::Origin;
use crate::kernel::model::Arrival;
use crate::kernel::subscription;
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::value::Value;
use crate::kernel::world::Setup;

const OWN: &str = "vessels.urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b";

struct Scene {
    world: World,
    cache: FrameCache,
    session: Session,
    now: u64,
}

impl Scene {
    fn new(options: Options) -> Self {
        let world = World::new(Setup::new(OWN), Seq(1000));
        let session = Session::new(options, &world, Moment::default());
        Self { world, cache: FrameCache::default(), session, now: 0 }
    }

    fn quiet() -> Self {
        Self::new(Options { subscribe: Implied::None, ..Options::default() })
    }

    fn clock(&self) -> Now {
        Now { wall: Timestamp::from_millis(1_700_000_000_000 + self.now as i64), mono: Moment::from_millis(self.now) }
    }

    fn say_as(&mut self, source: &str, context: Context, path: &str, value: Value) {
        let mut update = Update::new(context, Source::Ref(source.into()), 1);
        update.push_at(path, value);
        let now = self.clock();
        let applied = self.world.apply([update], &Arrival { input: "test", origin: Origin::SERVER, now, heard: true });
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    }

    fn say(&mut self, path: &str, n: i64) {
        self.say_as("a", Context::Own, path, Value::Integer(n));
    }

    fn subscribe(&mut self, message: &str) {
        let (rows, notices) = subscription::rows_of(&serde_json::from_str(message).unwrap(), false);
        assert!(notices.is_empty(), "{notices:?}");
        let now = self.clock().mono;
        self.session.subscribe(rows, &self.world, now).unwrap();
    }

    fn pump(&mut self) -> Pumped {
        self.pump_into(&mut Vec::new())
    }

    fn pump_into(&mut self, out: &mut Vec<Bytes>) -> Pumped {
        let now = self.clock();
        self.session.pump(&self.world, &self.cache, now, out, 1 << 20)
    }

    /// `path=value` of everything sent now, in order.
    fn sent(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        assert!(matches!(self.pump_into(&mut frames), Pumped::UpToDate { .. }));
        frames.iter().flat_map(|f| values_of(f)).collect()
    }

    /// Lets virtual time pass, waking the session at its deadlines as a driver does.
    fn pass(&mut self, ms: u64) -> Vec<(u64, String)> {
        let end = self.now + ms;
        let mut out = Vec::new();
        loop {
            let at = self.now;
            let mut frames = Vec::new();
            let Pumped::UpToDate { deadline } = self.pump_into(&mut frames) else { panic!("nothing is that large") };
            out.extend(frames.iter().flat_map(|f| values_of(f)).map(|v| (at, v)));
            match deadline.map(Moment::as_millis).filter(|&d| d <= end) {
                Some(due) => {
                    assert!(due > self.now, "a deadline must lie ahead, or the driver spins");
                    self.now = due;
                }
                None => break,
            }
        }
        self.now = end;
        out
    }
}

fn values_of(frame: &[u8]) -> Vec<String> {
    let delta: serde_json::Value = serde_json::from_slice(frame).expect("every frame is JSON");
    let mut out = Vec::new();
    for update in delta["updates"].as_array().into_iter().flatten() {
        for item in update["values"].as_array().into_iter().flatten() {
            out.push(format!("{}={}", item["path"].as_str().unwrap(), item["value"]));
        }
        for item in update["meta"].as_array().into_iter().flatten() {
            out.push(format!("meta {}", item["path"].as_str().unwrap()));
        }
    }
    out
}

fn own_row(row: &str) -> String {
    format!(r#"{{"context":"vessels.self","subscribe":[{{{row}}}]}}"#)
}

#[test]
fn cached_values_come_once_in_order_of_time_and_then_the_log_goes_on() {
    let mut scene = Scene::new(Options { send_cached: true, ..Options::default() });
    scene.say("b", 1);
    scene.now = 10;
    scene.say("a", 2);
    let options = Options { send_cached: true, ..Options::default() };
    scene.session = Session::new(options, &scene.world, Moment::default());
    scene.say("b", 3);
    // `b` changed after the snapshot: the log has it, and nothing comes twice.
    assert_eq!(scene.sent(), ["a=2", "b=3"]);
    assert_eq!(scene.sent(), Vec::<String>::new());
    scene.say("a", 4);
    assert_eq!(scene.sent(), ["a=4"]);
}

#[test]
fn own_all_and_none_see_what_they_asked_for() {
    let other = || Context::Named("vessels.urn:mrn:imo:mmsi:230000001".into());
    for (subscribe, expected) in [(Implied::Own, 1), (Implied::All, 3), (Implied::None, 0)] {
        let mut scene = Scene::new(Options { subscribe, ..Options::default() });
        scene.say("a", 1);
        scene.say_as("a", other(), "navigation.x", Value::Integer(1));
        // The other vessel brings its identity along.
        assert_eq!(scene.sent().len(), expected, "{subscribe:?}");
    }
}

#[test]
fn every_frame_names_the_context_in_full() {
    let mut scene = Scene::new(Options::default());
    scene.say("a", 1);
    let mut frames = Vec::new();
    scene.pump_into(&mut frames);
    let text = format!(
        r#"{{"context":"{OWN}","updates":[{{"$source":"a","timestamp":"2023-11-14T22:13:20.000Z","values":[{{"path":"a","value":1}}]}}]}}"#
    );
    assert_eq!(frames, [text]);
}

#[test]
fn instant_with_min_period_sends_the_newest_when_the_window_opens() {
    let mut scene = Scene::quiet();
    scene.subscribe(&own_row(r#""path":"a","policy":"instant","minPeriod":500"#));
    let mut got = Vec::new();
    for step in 0..100 {
        scene.say("a", step);
        got.extend(scene.pass(10));
    }
    got.extend(scene.pass(2_000));
    // The last value arrives although the source fell silent, and nothing repeats after it.
    assert_eq!(got, [(0, "a=0".into()), (500, "a=49".into()), (1000, "a=99".into())]);
}

#[test]
fn ideal_repeats_after_silence_and_fixed_beats_whatever_happens() {
    let mut scene = Scene::quiet();
    scene.subscribe(&own_row(r#""path":"a","policy":"ideal","period":1000"#));
    scene.subscribe(&own_row(r#""path":"b","policy":"fixed","period":1000"#));
    scene.now = 300;
    scene.say("a", 1);
    scene.say("b", 2);
    let got = scene.pass(2_700);
    let at = |what: &str| -> Vec<u64> { got.iter().filter(|(_, v)| v == what).map(|(t, _)| *t).collect() };
    assert_eq!(at("a=1"), [300, 1300, 2300]);
    assert_eq!(at("b=2"), [1000, 2000, 3000]);
}

#[test]
fn one_ship_does_not_silence_another() {
    let mut scene = Scene::quiet();
    scene.subscribe(r#"{"context":"vessels.*","subscribe":[{"path":"x","minPeriod":1000}]}"#);
    for mmsi in 1..=3 {
        let context = Context::Named(format!("vessels.urn:mrn:imo:mmsi:23000000{mmsi}").into());
        scene.say_as("a", context, "x", Value::Integer(mmsi));
    }
    assert_eq!(scene.sent(), ["x=1", "x=2", "x=3"]);
}

#[test]
fn unsubscribing_is_selective_or_total() {
    let mut scene = Scene::new(Options::default());
    scene.subscribe(&own_row(r#""path":"a""#));
    let star = Pattern::new("*");
    let own = ContextPattern::Own;
    scene.session.unsubscribe(&[(own.clone(), Pattern::new("a"))]);
    assert_eq!(scene.session.row_count(), 1);
    scene.say("a", 1);
    assert_eq!(scene.sent(), ["a=1"], "the row of the address is still there");
    scene.session.unsubscribe(&[(ContextPattern::Named(star.clone()), star)]);
    scene.say("a", 2);
    assert_eq!(scene.sent(), Vec::<String>::new());
}

#[test]
fn a_new_path_that_matches_comes_once() {
    let mut scene = Scene::quiet();
    scene.subscribe(&own_row(r#""path":"tanks.*""#));
    assert_eq!(scene.sent(), Vec::<String>::new());
    scene.say("tanks.fuel.0.currentLevel", 1);
    assert_eq!(scene.sent(), ["tanks.fuel.0.currentLevel=1"]);
    assert_eq!(scene.sent(), Vec::<String>::new());
}

#[test]
fn announced_paths_come_once_each() {
    let mut scene = Scene::quiet();
    scene.say("a", 1);
    scene.subscribe(r#"{"context":"vessels.self","subscribe":[],"announceNewPaths":true}"#);
    assert_eq!(scene.sent(), ["a=1"]);
    scene.say("a", 2);
    scene.say("b", 3);
    scene.say("b", 4);
    assert_eq!(scene.sent(), ["b=3"]);
}

#[test]
fn static_data_come_whole_or_by_name() {
    let alba = || Value::json(r#"{"name":"Alba","communication":{"callsignVhf":"OH1"}}"#);
    let mut scene = Scene::quiet();
    scene.say_as("a", Context::Own, "", alba());
    scene.subscribe(&own_row(r#""path":"name","period":1000"#));
    scene.subscribe(&own_row(r#""path":"""#));
    let whole = r#"={"communication":{"callsignVhf":"OH1"},"name":"Alba"}"#;
    assert_eq!(scene.sent(), [r#"name="Alba""#, whole]);
    scene.say_as("a", Context::Own, "", alba());
    assert_eq!(scene.sent(), [whole, r#"name="Alba""#]);
}

#[test]
fn a_source_may_be_chosen_or_left_out() {
    let mut scene = Scene::quiet();
    scene.subscribe(&own_row(r#""path":"a.values[gps.2]""#));
    for (source, n) in [("gps.1", 1), ("gps.2", 2)] {
        scene.say_as(source, Context::Own, "a", Value::Integer(n));
    }
    assert_eq!(scene.sent(), ["a=2"]);

    let mut scene = Scene::quiet();
    scene.subscribe(r#"{"context":"vessels.self","subscribe":[{"path":"a"}],"excludeSources":["gps.2"]}"#);
    for (source, n) in [("gps.1", 1), ("gps.2", 2)] {
        scene.say_as(source, Context::Own, "a", Value::Integer(n));
    }
    assert_eq!(scene.sent(), ["a=1"]);
}

#[test]
fn a_circle_means_who_is_inside_it_now() {
    let mut scene = Scene::quiet();
    let at = |latitude| Value::from(crate::kernel::value::Position::new(latitude, 25.0).unwrap());
    for (mmsi, latitude) in [("230000001", 60.0), ("230000002", 61.0)] {
        let context = || Context::Named(format!("vessels.urn:mrn:imo:mmsi:{mmsi}").into());
        scene.say_as("a", context(), "navigation.position", at(latitude));
        scene.say_as("a", context(), "x", Value::text(mmsi));
    }
    scene.subscribe(
        r#"{"context":{"radius":1000,"position":{"latitude":60,"longitude":25}},"subscribe":[{"path":"x"}]}"#,
    );
    assert_eq!(scene.sent(), [r#"x="230000001""#]);
}

#[test]
fn whoever_falls_behind_gets_the_newest_of_everything_and_goes_on() {
    let mut scene = Scene::new(Options::default());
    for n in 0..5_000 {
        scene.say(&format!("p{}", n % 7), n);
    }
    let mut got = scene.sent();
    got.sort();
    assert_eq!(got, ["p0=4998", "p1=4999", "p2=4993", "p3=4994", "p4=4995", "p5=4996", "p6=4997"]);
    assert!(scene.session.conflated() > 4_900);
    scene.say("p0", 1);
    assert_eq!(scene.sent(), ["p0=1"]);
}

#[test]
fn every_transition_of_a_notification_survives_falling_behind() {
    let mut scene = Scene::new(Options::default());
    for n in 0..3_000 {
        scene.say("noise", n);
        if n % 1_000 == 0 {
            let state = format!(r#"{{"state":"alarm","message":"{n}","method":[]}}"#);
            scene.say_as("a", Context::Own, "notifications.x", Value::json(state));
        }
    }
    let got = scene.sent();
    assert_eq!(got.iter().filter(|v| v.starts_with("notifications.x")).count(), 3, "{got:?}");
    assert_eq!(got.last().unwrap(), "noise=2999");
}

#[test]
fn notifications_that_are_gone_for_good_end_the_stream_with_a_reason() {
    let mut scene = Scene::new(Options::default());
    for n in 0..2_000 {
        scene.say("notifications.x", n);
    }
    assert_eq!(scene.pump(), Pumped::Close(CloseReason::NotificationsLost));
}

#[test]
fn a_full_budget_stops_and_the_next_pump_goes_on_where_it_stopped() {
    let mut scene = Scene::new(Options::default());
    for n in 0..100 {
        scene.say("a", n);
    }
    let mut got = Vec::new();
    for _ in 0..1_000 {
        let mut frames = Vec::new();
        let now = scene.clock();
        let pumped = scene.session.pump(&scene.world, &scene.cache, now, &mut frames, 200);
        got.extend(frames.iter().flat_map(|f| values_of(f)));
        if pumped != Pumped::More {
            break;
        }
    }
    assert_eq!(got.len(), 100);
    assert_eq!(got.last().unwrap(), "a=99");
}

#[test]
fn the_timepoint_never_says_more_than_was_sent() {
    let options = Options { subscribe: Implied::None, timepoints: true, ..Options::default() };
    let mut scene = Scene::new(options);
    scene.subscribe(&own_row(r#""path":"a","minPeriod":1000"#));
    scene.subscribe(&own_row(r#""path":"b""#));
    let timepoint = |scene: &mut Scene| {
        let mut frames = Vec::new();
        scene.pump_into(&mut frames);
        let last: serde_json::Value = serde_json::from_slice(frames.last().unwrap()).unwrap();
        last["timepoint"].as_u64().unwrap()
    };
    scene.say("a", 1);
    assert_eq!(timepoint(&mut scene), 1001);
    scene.say("a", 2);
    scene.say("b", 3);
    // 1003 is sent, but 1002 is held back: the client has everything up to 1001 only.
    assert_eq!(timepoint(&mut scene), 1001);
    scene.now = 1_000;
    assert_eq!(timepoint(&mut scene), 1003);
}

#[test]
fn the_own_vessel_gets_its_metadata_although_another_one_came_first() {
    let options = Options { subscribe: Implied::All, send_meta: true, ..Options::default() };
    let mut scene = Scene::new(options);
    let other = || Context::Named("vessels.urn:mrn:imo:mmsi:230000001".into());
    let path = "navigation.speedOverGround";
    scene.say_as("a", other(), path, Value::number(1.0));
    scene.say_as("a", Context::Own, path, Value::number(2.0));
    scene.say_as("a", Context::Own, path, Value::number(3.0));
    let (meta, value) = (format!("meta {path}"), |n: &str| format!("{path}={n}"));
    let identity = r#"={"mmsi":"230000001"}"#.to_owned();
    let sent = scene.sent();
    let expected = [meta.clone(), identity, value("1.0"), meta, value("2.0"), value("3.0")];
    assert_eq!(sent, expected);
}

#[test]
fn replies_that_nobody_reads_end_the_stream() {
    let mut scene = Scene::quiet();
    for _ in 0..=REPLIES_MAX {
        scene.session.reply("{}".to_owned());
    }
    assert_eq!(scene.pump(), Pumped::Close(CloseReason::RepliesUnread));
}
