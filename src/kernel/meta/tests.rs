use super::*;
use proptest::prelude::*;

const SOG: &str = "navigation.speedOverGround";

fn registry() -> Registry {
    Registry::new(Arc::new(Table::new()))
}

fn json(registry: &Registry, path: &str) -> Option<Json> {
    let mut out = String::new();
    let any = registry.write_json(path, &mut out);
    any.then(|| serde_json::from_str(&out).unwrap())
}

fn member(registry: &Registry, path: &str, name: &str) -> Option<String> {
    let mut out = String::new();
    registry.write_member(path, name, &mut out).then_some(out)
}

#[test]
fn a_path_that_was_never_written_has_what_the_table_says() {
    let r = registry();
    let meta = json(&r, "environment.depth.belowKeel").unwrap();
    assert_eq!(meta["units"], "m");
    assert!(meta["description"].as_str().unwrap().len() > 10);
    assert_eq!(member(&r, "propulsion.port.oilPressure", "units").as_deref(), Some("\"Pa\""));
    assert_eq!(member(&r, SOG, "zones"), None);
    assert_eq!((json(&r, "foo.bar"), json(&r, "")), (None, None));
    assert_eq!((r.knows(SOG), r.knows("foo.bar"), r.seq(SOG)), (true, false, None));
}

#[test]
fn a_part_is_merged_and_the_whole_comes_out() {
    let mut r = registry();
    let merged = r.merge(SOG, r#"{"displayName":"SOG","x":{"y":[1,2.50]}}"#, Origin::Delta, 7);
    assert_eq!(merged, Merged { changed: true, issues: vec![] });
    let meta = json(&r, SOG).unwrap();
    assert_eq!((&meta["displayName"], &meta["units"], &meta["x"]["y"][1]), (&"SOG".into(), &"m/s".into(), &2.5.into()));
    assert!(r.merge(SOG, r#"{"timeout":5}"#, Origin::Delta, 8).changed);
    assert_eq!(json(&r, SOG).unwrap().as_object().unwrap().len(), 5);
    assert_eq!(r.seq(SOG), Some(8));
    // The same again is no change.
    assert!(!r.merge(SOG, r#"{ "timeout" : 5 }"#, Origin::Delta, 9).changed);
    assert_eq!(r.seq(SOG), Some(8));
    // A path outside the table holds what it was given.
    assert!(r.merge("foo.bar", r#"{"units":"m"}"#, Origin::Delta, 10).changed);
    assert_eq!(json(&r, "foo.bar").unwrap(), serde_json::json!({"units": "m"}));
    let mut changed: Vec<_> = r.changed_since(7).collect();
    changed.sort_unstable();
    assert_eq!(changed, [("foo.bar", 10), (SOG, 8)]);
}

#[test]
fn put_beats_configuration_and_configuration_beats_data() {
    let mut r = registry();
    for (origin, name, seq) in [(Origin::Put, "put", 1), (Origin::Delta, "delta", 2), (Origin::Config, "config", 3)] {
        r.merge(SOG, &format!(r#"{{"displayName":"{name}"}}"#), origin, seq);
    }
    let name = |r: &Registry| json(r, SOG).unwrap()["displayName"].as_str().map(str::to_owned);
    assert_eq!(name(&r).as_deref(), Some("put"));
    assert_eq!(member(&r, SOG, "displayName").as_deref(), Some("\"put\""));
    assert!(r.delete_member(SOG, "displayName", Origin::Put, 4));
    assert!(!r.delete_member(SOG, "displayName", Origin::Put, 5));
    assert_eq!((name(&r).as_deref(), r.seq(SOG)), (Some("config"), Some(4)));
    assert!(r.delete(SOG, Origin::Config, 6));
    assert_eq!(name(&r).as_deref(), Some("delta"));
    assert!(r.delete(SOG, Origin::Delta, 7));
    assert_eq!((name(&r), r.seq(SOG)), (None, Some(7)));
    assert_eq!(json(&r, SOG).unwrap()["units"], "m/s");
    assert_eq!(r.bytes, SOG.len());
}

#[test]
fn every_member_of_the_specification_is_set_and_read_back() {
    let mut r = registry();
    for (i, (name, value)) in [
        ("description", r#""Speed by the plotter""#),
        ("units", r#""m/s""#),
        ("displayName", r#""SOG""#),
        ("longName", r#""Speed Over Ground""#),
        ("shortName", r#""SOG""#),
        ("timeout", "2.5"),
        ("displayScale", r#"{"lower":0,"type":"power","upper":10,"power":2}"#),
        ("nominalMethod", "null"),
        ("normalMethod", r#"["visual"]"#),
        ("alertMethod", r#"["visual"]"#),
        ("warnMethod", r#"["sound"]"#),
        ("alarmMethod", r#"["sound","visual"]"#),
        ("emergencyMethod", r#"["visual","sound"]"#),
        ("zones", r#"[{"lower":4,"message":"fast","state":"warn","upper":9},{"lower":9,"state":"alarm"}]"#),
        ("enum", r#"["a","b"]"#),
        ("properties", r#"{"a":{"type":"number"}}"#),
        ("gaugeType", r#""digital""#),
        ("supportsPut", "true"),
        ("displayUnits", r#"{"category":"speed","targetUnit":"kn"}"#),
        ("somethingElse", r#"[{"deep":[null]}]"#),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(r.put_member(SOG, name, value, i as u64), Ok(true), "{name}");
        let back: Json = serde_json::from_str(&member(&r, SOG, name).unwrap()).unwrap();
        assert_eq!(back, serde_json::from_str::<Json>(value).unwrap(), "{name}");
        assert_eq!(json(&r, SOG).unwrap()[name], back, "{name}");
    }
    assert_eq!(r.zoned_paths().collect::<Vec<_>>(), [SOG]);
    assert_eq!(r.zones(SOG).unwrap().state(Some(9.0)), super::super::zones::State::Alarm);
}

#[test]
fn what_is_wrong_is_named_and_costs_nothing_else() {
    for (bad, member) in [
        (r#""description":1"#, "description"),
        (r#""units":["m"]"#, "units"),
        (r#""timeout":-1"#, "timeout"),
        (r#""timeout":"1""#, "timeout"),
        (r#""supportsPut":1"#, "supportsPut"),
        (r#""alarmMethod":["siren"]"#, "alarmMethod"),
        (r#""alarmMethod":"visual""#, "alarmMethod"),
        (r#""displayScale":{"lower":1}"#, "displayScale.upper"),
        (r#""displayScale":[]"#, "displayScale"),
        (r#""zones":{}"#, "zones"),
        (r#""zones":[{"state":"bad"}]"#, "zones[0].state"),
        (r#""enum":{}"#, "enum"),
        (r#""properties":[]"#, "properties"),
        (r#""displayUnits":"kn""#, "displayUnits"),
        (r#""__proto__":{}"#, "__proto__"),
        (r#""":1"#, ""),
    ] {
        let mut r = registry();
        let merged = r.merge(SOG, &format!(r#"{{"shortName":"S",{bad}}}"#), Origin::Delta, 1);
        assert_eq!(merged.issues.iter().map(|i| i.member.as_str()).collect::<Vec<_>>(), [member], "{bad}");
        assert!(merged.changed, "{bad}");
        assert_eq!(json(&r, SOG).unwrap().as_object().unwrap().len(), 3, "{bad}");
        let refused = r.put("navigation.log", &format!(r#"{{"shortName":"S",{bad}}}"#), 2).unwrap_err();
        assert_eq!((refused.member.as_str(), r.seq("navigation.log")), (member, None), "{bad}");
    }
    for whole in ["", "3", "[]", "null", "{", r#"{"a":1"#, &format!(r#"{{"a":{}}}"#, "[".repeat(99_999))] {
        let merged = registry().merge(SOG, whole, Origin::Delta, 1);
        assert_eq!((merged.changed, merged.issues.len()), (false, 1), "{whole:.20}");
    }
    let text = registry().put_member(SOG, "zones", r#"[{"state":"warn"},{}]"#, 1).unwrap_err().to_string();
    assert!(text.starts_with("meta of navigation.speedOverGround: zones[1].state is required"), "{text}");
}

#[test]
fn one_bad_zone_does_not_silence_the_others() {
    let mut r = registry();
    let merged = r.merge(SOG, r#"{"zones":[{"state":"bad"},{"lower":5,"state":"alarm"}]}"#, Origin::Config, 1);
    assert_eq!(merged.issues[0].member, "zones[0].state");
    assert_eq!(member(&r, SOG, "zones").as_deref(), Some(r#"[{"lower":5,"state":"alarm"}]"#));
}

#[test]
fn zones_set_to_null_or_to_nothing_are_gone() {
    let mut r = registry();
    r.merge(SOG, r#"{"zones":[{"lower":5,"state":"alarm"}]}"#, Origin::Config, 1);
    assert!(r.zones(SOG).is_some());
    assert_eq!(r.put_member(SOG, "zones", "[]", 2), Ok(true));
    assert_eq!((r.zones(SOG), r.zoned_paths().count()), (None, 0));
    assert_eq!(json(&r, SOG).unwrap()["zones"], Json::Null);
    assert!(r.delete_member(SOG, "zones", Origin::Put, 3));
    assert!(r.zones(SOG).is_some());
    r.merge(SOG, r#"{"zones":null}"#, Origin::Config, 4);
    assert_eq!(r.zones(SOG), None);
}

#[test]
fn what_was_put_comes_back_after_a_restart() {
    let mut r = registry();
    r.put(SOG, r#"{"displayName":"SOG \"x\"","zones":[{"lower":5,"state":"warn"}]}"#, 1).unwrap();
    r.put_member("a.b", "units", "\"m\"", 2).unwrap();
    r.merge("c.d", r#"{"units":"m"}"#, Origin::Delta, 3);
    r.put_member("e.f", "units", "\"m\"", 2).unwrap();
    r.delete("e.f", Origin::Put, 4);
    let kept = r.kept_json();
    let mut again = registry();
    assert_eq!(again.restore(&kept, 9), []);
    assert_eq!(again.kept_json(), kept);
    assert_eq!(json(&again, SOG), json(&r, SOG));
    assert_eq!((again.seq(SOG), json(&again, "c.d")), (Some(9), None));
    assert_eq!(registry().kept_json(), "{\n}\n");
    assert_eq!(again.restore("{", 10).len(), 1);
    assert_eq!(again.restore(r#"{"a.b":3,"c.d":{"units":"m"}}"#, 10).len(), 1);
    assert!(again.knows("c.d"));
}

#[test]
fn the_deepest_member_that_is_taken_survives_a_restart() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let mut r = registry();
    assert_eq!(r.put_member(SOG, "x", &deep(member::DEPTH_MAX), 1), Ok(true));
    assert!(r.put_member(SOG, "y", &deep(member::DEPTH_MAX + 1), 2).is_err());
    let mut again = registry();
    assert_eq!(again.restore(&r.kept_json(), 1), []);
    assert_eq!(json(&again, SOG), json(&r, SOG));
}

#[test]
fn it_has_bounds() {
    let mut r = registry();
    let long = "x".repeat(META_BYTES_MAX / 2);
    assert!(r.put_member(SOG, "a", &format!("\"{long}\""), 1).is_ok());
    let refused = r.put_member(SOG, "b", &format!("\"{long}\""), 2).unwrap_err();
    assert_eq!((refused.member.as_str(), refused.problem), ("b", "has no room: too much metadata for one path"));
    assert!(r.put_member(SOG, "a", &format!("\"{long}{long}\""), 2).is_err());
    assert!(r.put(SOG, &format!(r#"{{"c":1,"d":"{long}"}}"#), 2).is_err());
    // What takes the place of something as long fits.
    assert_eq!(r.put(SOG, &format!(r#"{{"a":"{}"}}"#, long.replace('x', "y")), 1), Ok(true));
    assert_eq!((r.seq(SOG), member(&r, SOG, "c")), (Some(1), None));
    assert!(r.put_member(&"p".repeat(PATH_BYTES_MAX + 1), "a", "1", 3).is_err());
    assert!(r.put_member("", "a", "1", 3).is_err());
    for i in 1..PATHS_MAX {
        assert_eq!(r.put_member(&format!("p.{i}"), "a", "1", 3), Ok(true));
    }
    assert!(r.put_member("one.more", "a", "1", 3).is_err());
    assert_eq!(r.put_member("p.1", "b", "1", 3), Ok(true));

    let mut r = registry();
    let most = format!("\"{}\"", "x".repeat(META_BYTES_MAX - 3));
    let taken = (0..PATHS_MAX).filter(|i| r.put_member(&format!("p.{i}"), "a", &most, 1).is_ok()).count();
    assert_eq!(taken, TOTAL_BYTES_MAX / (META_BYTES_MAX + 5));
}

fn any_step() -> impl Strategy<Value = (usize, usize, u8, Option<u32>)> {
    (0..3_usize, 0..3_usize, 0..3_u8, proptest::option::of(0..4_u32))
}

proptest! {
    /// Against a plain map of (path, member, origin): whatever happens, the strongest shows and the books balance.
    #[test]
    fn layers_behave_like_a_map(steps in proptest::collection::vec(any_step(), 0..80)) {
        let origins = [Origin::Delta, Origin::Config, Origin::Put];
        let mut r = registry();
        let mut naive = std::collections::BTreeMap::new();
        for (seq, (path, name, origin, value)) in steps.into_iter().enumerate() {
            let (path, name, origin) = (format!("p.{path}"), format!("m{name}"), origins[usize::from(origin)]);
            let changed = match value {
                Some(v) => r.merge(&path, &format!(r#"{{"{name}":{v}}}"#), origin, seq as u64).changed,
                None => r.delete_member(&path, &name, origin, seq as u64),
            };
            let before = match value {
                Some(v) => naive.insert((path.clone(), name, origin), v),
                None => naive.remove(&(path.clone(), name, origin)),
            };
            prop_assert_eq!(changed, before != value);
            let mut strongest = Map::new();
            for ((_, name, _), v) in naive.iter().filter(|((p, ..), _)| *p == path) {
                strongest.insert(name.clone(), (*v).into());
            }
            let want = (!strongest.is_empty()).then_some(Json::Object(strongest));
            prop_assert_eq!(json(&r, &path), want);
        }
        let bytes: usize = r.entries.iter().map(|(p, e)| p.len() + e.bytes).sum();
        prop_assert_eq!(r.bytes, bytes);
    }

    #[test]
    fn any_text_is_taken_or_refused_without_harm(text in ".{0,60}", name in ".{0,12}") {
        let mut r = registry();
        r.merge(SOG, &text, Origin::Delta, 1);
        let _ = r.put_member(SOG, &name, &text, 2);
        prop_assert!(json(&r, SOG).is_some());
    }
}
