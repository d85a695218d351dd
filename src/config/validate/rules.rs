//! `[[priority]]`, `[[meta]]` and `[security]`: rules about paths and people.

use std::borrow::Cow;
use std::time::Duration;

use super::{LONGEST, SHORTEST};
use crate::config::layers::{Effective, Layers, Reading, Section};
use crate::config::problem::{Problem, Problems};
use crate::config::raw::{Raw, Spot};
use crate::config::{AccessRule, Level, Meta, Permission, Priority, PrioritySource, Security, User, Zone, reading};
use crate::kernel::zones::State;

/// Elements of an inline list, such as sources of a priority or zones of a path.
const INLINE_MAX: usize = 100;

/// The elements of an inline list of tables.
pub(super) fn tables(raw: &Raw) -> Reading<Vec<Spot>> {
    match raw {
        Raw::List(items) if (1..=INLINE_MAX).contains(&items.len()) => Ok(items.clone()),
        _ => Err(format!("a list of 1 to {INLINE_MAX} tables in braces").into()),
    }
}

/// Refuses the second of two equal names.
fn refuse_repeats<'a>(
    names: impl Iterator<Item = (&'a str, crate::config::Origin)>,
    key: &str,
    problems: &mut Problems,
) {
    let mut seen: Vec<(&str, crate::config::Origin)> = Vec::new();
    for (name, origin) in names {
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
            let found = format!("found {} a second time", Raw::Text(name.to_owned()));
            problems.push(Problem::new(&origin, key, &found, format!("each once (the first one: {first})")));
        }
        seen.push((name, origin));
    }
}

pub fn priorities(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Vec<Priority> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    for mut section in layers.elements("priority", problems) {
        let path = section.required("path", problems, reading::signalk_path);
        if let Some(path) = &path {
            section.label(path);
        }
        let sources = section.required("sources", problems, tables);
        let sources = sources.map(|sources| priority_sources(sources, problems));
        section.refuse_rest(problems, "only path and sources");
        places.push(section.origin_of("path"));
        if let (Some(path), Some(sources)) = (path, sources) {
            all.push(Priority { path, sources });
            section.finish(effective);
        }
    }
    refuse_repeats(all.iter().map(|rule| rule.path.as_str()).zip(places), "priority.path", problems);
    all
}

fn priority_sources(elements: Vec<Spot>, problems: &mut Problems) -> Vec<PrioritySource> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    for element in elements {
        let Some(mut section) = Section::of_element("priority.sources", element, problems) else { continue };
        let source = section.required("source", problems, reading::text);
        let timeout = section.get("timeout_ms", problems, reading::whole(0..=86_400_000));
        let Some(source) = source else { continue };
        places.push(section.origin_of("source"));
        all.push(PrioritySource { source, timeout: Duration::from_millis(timeout.unsigned_abs()) });
    }
    refuse_repeats(all.iter().map(|source| source.source.as_str()).zip(places), "priority.sources.source", problems);
    all
}

pub fn meta(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Vec<Meta> {
    let mut all: Vec<Meta> = Vec::new();
    let mut places = Vec::new();
    for mut section in layers.elements("meta", problems) {
        let path = section.required("path", problems, reading::signalk_path);
        if let Some(path) = &path {
            section.label(path);
        }
        let units = section.optional("units", problems, reading::text);
        let description = section.optional("description", problems, reading::text);
        let display_name = section.optional("displayName", problems, reading::text);
        let timeout = section.optional("timeout", problems, seconds_or_duration);
        let zones = section.optional("zones", problems, tables).unwrap_or_default();
        let zones = zones.into_iter().filter_map(|zone| self::zone(zone, problems)).collect();
        section.refuse_rest(problems, "only keys of meta");
        let Some(path) = path else { continue };
        places.push(section.origin_of("path"));
        all.push(Meta { path, units, description, display_name, timeout, zones });
        section.finish(effective);
    }
    refuse_repeats(all.iter().map(|meta| meta.path.as_str()).zip(places), "meta.path", problems);
    all
}

/// Signal K gives this timeout as a number of seconds, everything else here is a duration: both are understood.
fn seconds_or_duration(raw: &Raw) -> Reading<Duration> {
    match raw {
        Raw::Whole(_) | Raw::Number(_) => reading::number(0.01..=LONGEST.as_secs_f64())(raw)
            .map(Duration::from_secs_f64)
            .map_err(|expected| format!("{expected} (seconds)").into()),
        _ => reading::duration(SHORTEST..=LONGEST)(raw),
    }
}

fn zone(element: Spot, problems: &mut Problems) -> Option<Zone> {
    const STATES: &[(&str, State)] = &[
        ("nominal", State::Nominal),
        ("normal", State::Normal),
        ("alert", State::Alert),
        ("warn", State::Warn),
        ("alarm", State::Alarm),
        ("emergency", State::Emergency),
    ];
    let any = reading::number(f64::MIN..=f64::MAX);
    let finite = |raw: &Raw| any(raw).map_err(|_| Cow::Borrowed("a number"));
    let mut section = Section::of_element("meta.zones", element, problems)?;
    let lower = section.optional("lower", problems, finite);
    let upper = section.optional("upper", problems, finite);
    let state = section.required("state", problems, reading::word(STATES));
    let message = section.optional("message", problems, reading::text);
    if let (Some(lower), Some(upper)) = (lower, upper) {
        if lower >= upper {
            section.refuse_value("upper", problems, &format!("more than lower, which is {lower:?}"));
        }
    }
    Some(Zone { lower, upper, state: state?, message })
}

pub fn security(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Security {
    let mut section = layers.section("security");
    let enabled = section.get("enabled", problems, reading::switch);
    let allow_readonly = section.get("allow_readonly", problems, reading::switch);
    let expiration = section.get("expiration", problems, never_or_duration);
    let login_limit = section.get("login_limit", problems, reading::whole(1..=1_000_000)) as u32;
    section.finish(effective);
    let users = users(layers, effective, problems);
    let acl = acl(layers, effective, problems);
    Security { enabled, allow_readonly, expiration, login_limit, users, acl }
}

fn never_or_duration(raw: &Raw) -> Reading<Option<Duration>> {
    match raw {
        Raw::Text(text) if text == "never" => Ok(None),
        _ => reading::duration(Duration::from_secs(1)..=LONGEST)(raw)
            .map(Some)
            .map_err(|expected| format!("{expected}, or \"never\"").into()),
    }
}

fn users(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Vec<User> {
    const LEVELS: &[(&str, Level)] =
        &[("readonly", Level::ReadOnly), ("readwrite", Level::ReadWrite), ("admin", Level::Admin)];
    let mut all: Vec<User> = Vec::new();
    let mut places = Vec::new();
    for mut section in layers.elements("security.user", problems) {
        let name = section.required("name", problems, reading::text);
        if let Some(name) = &name {
            section.label(name);
        }
        let level = section.required("level", problems, reading::word(LEVELS));
        let password = section.required("password", problems, reading::text);
        section.refuse_rest(problems, "only name, level and password");
        let (Some(name), Some(level), Some(password)) = (name, level, password) else { continue };
        places.push(section.origin_of("name"));
        all.push(User { name, level, password });
        section.finish(effective);
    }
    refuse_repeats(all.iter().map(|user| user.name.as_str()).zip(places), "security.user.name", problems);
    all
}

fn acl(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Vec<AccessRule> {
    const PERMISSIONS: &[(&str, Permission)] =
        &[("none", Permission::None), ("read", Permission::Read), ("write", Permission::Write)];
    let mut all = Vec::new();
    for mut section in layers.elements("security.acl", problems) {
        let subject = section.required("subject", problems, reading::text);
        let path = section.required("path", problems, reading::signalk_path);
        let permission = section.required("permission", problems, reading::word(PERMISSIONS));
        section.refuse_rest(problems, "only subject, path and permission");
        let (Some(subject), Some(path), Some(permission)) = (subject, path, permission) else { continue };
        all.push(AccessRule { subject, path, permission });
        section.finish(effective);
    }
    all
}
