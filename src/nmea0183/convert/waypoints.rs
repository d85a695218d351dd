//! Waypoints and routes: BOD, WCV, WPL, RTE, ZTG.
//!
//! A plotter's waypoints are published like resources, under the own vessel: `resources.waypoints.<key>` is
//! `{"name","position"}`, `resources.routes.<key>` is `{"name","kind","waypoints":[{"name","position"}]}`, the key being
//! the name with everything but letters and digits as `_`.

use std::collections::VecDeque;

use compact_str::{CompactString, format_compact};

use super::object::Object;
use super::{State, understood};
use crate::kernel::time::Moment;
use crate::kernel::update::Update;
use crate::kernel::value::{Position, Value};
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;
use crate::steps;

/// Waypoints kept for the routes that name them; beyond that the oldest is forgotten.
const WAYPOINTS_MAX: usize = 256;

/// How long a waypoint is kept for a route, in milliseconds. Plotters send both in one round of a few minutes at most.
const WAYPOINT_HOLD_MS: u64 = 600_000;

/// Routes under way at once; beyond that the oldest is dropped.
const ROUTES_MAX: usize = 4;

/// How long a route waits for its next sentence, in milliseconds.
const ROUTE_HOLD_MS: u64 = 30_000;

/// Names in one route at the most: a longer one is not published.
const ROUTE_NAMES_MAX: usize = 256;

/// Bytes of a name at the most; a longer one is none.
const NAME_MAX: usize = 32;

/// `BOD,bearing,T,bearing,M,to,from`: the active leg. The letters decide, an empty one stands for that of its place.
pub(super) fn bod(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    for (n, of_place) in [(1, "T"), (3, "M")] {
        let letter = if sentence.field(n + 1).is_empty() { of_place } else { sentence.field(n + 1) };
        if let Some(bearing) = field::direction(sentence.field(n)) {
            match letter {
                "T" | "t" => update.push("navigation.courseRhumbline.bearingTrackTrue", Value::number(bearing)),
                "M" | "m" => update.push("navigation.courseRhumbline.bearingTrackMagnetic", Value::number(bearing)),
                _ => {}
            }
        }
    }
    let ends = [(5, "navigation.courseRhumbline.nextPoint.ID"), (6, "navigation.courseRhumbline.previousPoint.ID")];
    for (n, at) in ends {
        if let Some(name) = field::text(sentence.field(n)) {
            update.push(at, Value::text(name));
        }
    }
    understood(update)
}

/// `WCV,knots,N,waypoint,mode`: closing speed.
pub(super) fn wcv(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if let Some(speed) = field::speed(sentence.field(1), sentence.field(2)) {
        if field::mode_is_invalid(sentence.field(4)) {
            update.push("navigation.courseRhumbline.nextPoint.velocityMadeGood", Value::Null);
            return Outcome::Void;
        }
        update.push("navigation.courseRhumbline.nextPoint.velocityMadeGood", Value::number(speed));
    }
    understood(update)
}

/// `ZTG,time,time to go,waypoint`: how long to the active waypoint, as hours, minutes and seconds.
pub(super) fn ztg(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    if let Some(ms) = field::time_of_day(sentence.field(2)) {
        let path = "navigation.courseRhumbline.nextPoint.timeToGo";
        update.push(path, Value::number(ms as f64 / 1000.0));
    }
    understood(update)
}

/// `WPL,latitude,N,longitude,E,name`.
pub(super) fn wpl(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let position =
        field::latitude_longitude(sentence.field(1), sentence.field(2), sentence.field(3), sentence.field(4));
    let (Some(position), Some(name)) = (position, name(sentence.field(5))) else { return Outcome::Nothing };
    let value = Object::new().text("name", &name).position_if("position", Some(position)).into_value();
    update.push_at(format_compact!("resources.waypoints.{}", key(&name)), value);
    state.devices.routes.learn(name, position, state.now.mono);
    understood(update)
}

/// `RTE,total,which one,c|w,route,names..`: `c` all waypoints, `w` those still ahead, the first one being behind.
pub(super) fn rte(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let (Some(total), Some(index)) = (field::count(sentence.field(1)), field::count(sentence.field(2))) else {
        return Outcome::Nothing;
    };
    let now = state.now.mono;
    let routes = &mut state.devices.routes;
    let Some(route) = routes.add(sentence, total, index, now) else { return Outcome::Nothing };
    if route.names.is_empty() || route.name.is_empty() {
        return Outcome::Nothing;
    }
    let mut list = String::from("[");
    for name in &route.names {
        if list.len() > 1 {
            list.push(',');
        }
        let point = Object::new().text("name", name).position_if("position", routes.position(name, now));
        let point = point.into_text();
        steps::took(point.len());
        list.push_str(&point);
    }
    list.push(']');
    let kind = if route.kind == "w" { "working" } else { "complete" };
    let value = Object::new().text("name", &route.name).text("kind", kind).json("waypoints", &list).into_value();
    update.push_at(format_compact!("resources.routes.{}", key(&route.name)), value);
    understood(update)
}

/// What WPL and RTE sentences need of each other: at most [`WAYPOINTS_MAX`] waypoints and [`ROUTES_MAX`] open routes.
#[derive(Debug, Default)]
pub struct Routes {
    waypoints: VecDeque<(CompactString, Position, Moment)>,
    open: Vec<OpenRoute>,
}

/// A route of which some sentences have come.
#[derive(Debug)]
struct OpenRoute {
    talker: CompactString,
    name: CompactString,
    kind: CompactString,
    total: u32,
    next: u32,
    names: Vec<CompactString>,
    at: Moment,
}

impl Routes {
    fn learn(&mut self, name: CompactString, position: Position, now: Moment) {
        steps::took(self.waypoints.len());
        self.waypoints.retain(|(of, _, at)| *of != name && now.since(*at) <= WAYPOINT_HOLD_MS);
        if self.waypoints.len() == WAYPOINTS_MAX {
            self.waypoints.pop_front();
        }
        self.waypoints.push_back((name, position, now));
    }

    fn position(&self, name: &str, now: Moment) -> Option<Position> {
        steps::took(self.waypoints.len());
        let fresh = |(of, _, at): &&(CompactString, Position, Moment)| of == name && now.since(*at) <= WAYPOINT_HOLD_MS;
        self.waypoints.iter().find(fresh).map(|(_, position, _)| *position)
    }

    /// Adds one sentence; gives the route back when this was its last one and none was missed.
    fn add(&mut self, sentence: &Sentence<'_>, total: u32, index: u32, now: Moment) -> Option<OpenRoute> {
        let (kind, route_name) = (sentence.field(3), name(sentence.field(4)).unwrap_or_default());
        steps::took(2 * self.open.len() + sentence.fields().len());
        let is_it = |route: &OpenRoute| {
            route.talker == sentence.talker && route.name == route_name && route.kind == kind && route.total == total
        };
        self.open.retain(|route| now.since(route.at) <= ROUTE_HOLD_MS && !(index == 1 && is_it(route)));
        if index == 1 {
            if self.open.len() == ROUTES_MAX {
                self.open.remove(0);
            }
            self.open.push(OpenRoute {
                talker: CompactString::new(sentence.talker),
                name: route_name.clone(),
                kind: CompactString::new(kind),
                total,
                next: 1,
                names: Vec::new(),
                at: now,
            });
        }
        let place = self.open.iter().position(|route| is_it(route) && route.next == index)?;
        let route = &mut self.open[place];
        route.names.extend(sentence.fields().iter().skip(4).filter_map(|field| name(field)));
        route.next += 1;
        route.at = now;
        if route.names.len() > ROUTE_NAMES_MAX {
            self.open.remove(place);
            return None;
        }
        (index == total).then(|| self.open.remove(place))
    }
}

/// A name of bounded length, its escapes undone.
fn name(text: &str) -> Option<CompactString> {
    field::text(text).filter(|name| name.len() <= NAME_MAX).map(CompactString::new)
}

/// A name as one word of a path.
fn key(name: &str) -> CompactString {
    steps::took(name.len());
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}
