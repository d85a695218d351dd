//! Zones: the ranges of a value that are worth a notification, and the notification that they raise.
//!
//! [`Zones`] is compiled from a path's metadata; a [`Watcher`] per value says when to raise, change or clear its
//! notification. Bounds are inclusive on both sides, where zones overlap the most severe one counts, and between zones
//! all is normal (Signal K specification, "Metadata"; the Node server takes the first that fits and leaves the upper
//! bound out).

mod watcher;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::value::{push_number, push_text};
pub use watcher::{HOLD_MAX_MS, HOLD_MS, Watcher};

/// How bad it is, in the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// In the middle of where it should be; says nothing that `Normal` does not.
    Nominal,
    /// As it should be.
    Normal,
    /// Worth a look.
    Alert,
    /// Will become a problem.
    Warn,
    /// Is a problem; act.
    Alarm,
    /// Danger to life or to the boat.
    Emergency,
}

impl State {
    /// All of them, least severe first.
    pub const ALL: [Self; 6] = [Self::Nominal, Self::Normal, Self::Alert, Self::Warn, Self::Alarm, Self::Emergency];

    /// The text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nominal => "nominal",
            Self::Normal => "normal",
            Self::Alert => "alert",
            Self::Warn => "warn",
            Self::Alarm => "alarm",
            Self::Emergency => "emergency",
        }
    }

    /// From the text on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The member of the metadata that says how a notification of this state calls attention.
    pub const fn method_member(self) -> &'static str {
        match self {
            Self::Nominal => "nominalMethod",
            Self::Normal => "normalMethod",
            Self::Alert => "alertMethod",
            Self::Warn => "warnMethod",
            Self::Alarm => "alarmMethod",
            Self::Emergency => "emergencyMethod",
        }
    }

    /// How it calls attention where the metadata does not say: nothing up to normal, something to see for alert and
    /// warn, to hear as well for alarm and emergency (the defaults of the specification's schema).
    pub const fn default_methods(self) -> Methods {
        match self {
            Self::Nominal | Self::Normal => Methods::NONE,
            Self::Alert | Self::Warn => Methods::VISUAL,
            Self::Alarm | Self::Emergency => Methods::VISUAL_AND_SOUND,
        }
    }
}

/// How a notification calls attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods {
    /// By something to see.
    pub visual: bool,
    /// By something to hear.
    pub sound: bool,
}

impl Methods {
    /// Not at all.
    pub const NONE: Self = Self { visual: false, sound: false };
    /// By something to see only.
    pub const VISUAL: Self = Self { visual: true, sound: false };
    /// Both.
    pub const VISUAL_AND_SOUND: Self = Self { visual: true, sound: true };

    /// From the JSON of a `*Method` member: an array of `visual` and `sound`, or null for none.
    pub fn from_json(json: &Json) -> Option<Self> {
        let list = match json {
            Json::Null => return Some(Self::NONE),
            Json::Array(list) => list,
            _ => return None,
        };
        list.iter().try_fold(Self::NONE, |methods, entry| match entry.as_str()? {
            "visual" => Some(Self { visual: true, ..methods }),
            "sound" => Some(Self { sound: true, ..methods }),
            _ => None,
        })
    }

    /// Appends the JSON array.
    pub fn write_json(self, out: &mut String) {
        out.push_str(match (self.visual, self.sound) {
            (false, false) => "[]",
            (true, false) => r#"["visual"]"#,
            (false, true) => r#"["sound"]"#,
            (true, true) => r#"["visual","sound"]"#,
        });
    }
}

/// One range of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Lowest value inside, minus infinity where there is no bound.
    lower: f64,
    /// Highest value inside, plus infinity where there is no bound.
    upper: f64,
    state: State,
    message: Arc<str>,
    /// How far beyond a bound a value must be to have left for certain.
    margin_below: f64,
    margin_above: f64,
}

impl Zone {
    /// From one entry of `zones`. The error is the member at fault (empty for the entry itself) and what is wrong.
    pub fn from_json(json: &Json) -> Result<Self, (&'static str, &'static str)> {
        let zone = json.as_object().ok_or(("", "must be an object"))?;
        let state = zone
            .get("state")
            .and_then(Json::as_str)
            .and_then(State::parse)
            .ok_or(("state", "is required and must be nominal, normal, alert, warn, alarm or emergency"))?;
        let bound = |name: &'static str, none: f64| match zone.get(name) {
            None | Some(Json::Null) => Ok(none),
            Some(value) => value.as_f64().filter(|n| n.is_finite()).ok_or((name, "must be a number")),
        };
        let (lower, upper) = (bound("lower", f64::NEG_INFINITY)?, bound("upper", f64::INFINITY)?);
        if lower > upper {
            return Err(("lower", "must not be above upper"));
        }
        let message = match zone.get("message") {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.as_str()),
            Some(_) => return Err(("message", "must be a text")),
        };
        Ok(Self::new(lower, upper, state, message))
    }

    /// From its parts; infinities are open ends. A message that is missing or empty is written from the bounds.
    pub fn new(lower: f64, upper: f64, state: State, message: Option<&str>) -> Self {
        let message = match message {
            Some(text) if !text.is_empty() => Arc::from(text),
            _ => Arc::from(default_message(lower, upper)),
        };
        let width = upper - lower;
        let (margin_below, margin_above) = (margin(lower, width), margin(upper, width));
        Self { lower, upper, state, message, margin_below, margin_above }
    }

    /// Whether the value is inside, the bounds included.
    fn holds(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }

    /// Whether the value is inside or so close that it has not left for certain. A nominal zone is less than normal,
    /// so for it the question turns round: whether the value has come in for certain.
    fn still_holds(&self, value: f64) -> bool {
        let sign = if self.state == State::Nominal { -1.0 } else { 1.0 };
        self.lower - sign * self.margin_below <= value && value <= self.upper + sign * self.margin_above
    }
}

/// One hundredth of the zone's width or of the bound itself, whichever is less: of a zone from 5 to 100,000 the lower
/// end is blurred by 0.05, not by 1,000. A zone that is a single point (a switch's position) has no margin; an open
/// zone that ends at 0 has no scale of its own and takes 0.01.
fn margin(bound: f64, width: f64) -> f64 {
    let scale = match (bound.abs(), width) {
        (bound, _) if bound.is_infinite() => 0.0,
        (0.0, width) if width.is_infinite() => 1.0,
        (0.0, width) => width,
        (bound, width) => bound.min(width),
    };
    scale / 100.0
}

/// `<lower> < value < <upper>`, without the side that is open.
fn default_message(lower: f64, upper: f64) -> String {
    let mut text = String::new();
    if lower.is_finite() {
        push_plain(lower, &mut text);
        text.push_str(" < ");
    }
    text.push_str("value");
    if upper.is_finite() {
        text.push_str(" < ");
        push_plain(upper, &mut text);
    }
    text
}

/// A number as people write it: `5`, not `5.0`.
fn push_plain(n: f64, out: &mut String) {
    let from = out.len();
    push_number(n, out);
    if out[from..].ends_with(".0") {
        out.truncate(out.len() - 2);
    }
}

/// The zones of one path, with the methods that belong to each state.
#[derive(Debug, Clone, PartialEq)]
pub struct Zones {
    zones: Box<[Zone]>,
    methods: [Methods; 6],
}

impl Zones {
    /// From zones and what to do in each state; `None` when there are no zones.
    pub fn new(zones: Vec<Zone>, methods: impl Fn(State) -> Methods) -> Option<Self> {
        (!zones.is_empty()).then(|| Self { zones: zones.into(), methods: State::ALL.map(methods) })
    }

    /// From the metadata of a path. Zones and methods that are not valid are passed over (the registry reports them
    /// when they arrive); `None` when no zone is left.
    pub fn from_meta(meta: &Map<String, Json>) -> Option<Self> {
        let list = meta.get("zones")?.as_array()?;
        let zones = list.iter().filter_map(|zone| Zone::from_json(zone).ok()).collect();
        Self::new(zones, |state| {
            meta.get(state.method_member()).and_then(Methods::from_json).unwrap_or(state.default_methods())
        })
    }

    /// The state that a value is in, by the bounds alone. A value that is missing is normal: outside of all zones.
    pub fn state(&self, value: Option<f64>) -> State {
        self.state_of(self.zone(value))
    }

    fn state_of(&self, zone: Option<u16>) -> State {
        zone.map_or(State::Normal, |i| self.zones[usize::from(i)].state)
    }

    /// The most severe zone that holds the value; of equals the first.
    fn zone(&self, value: Option<f64>) -> Option<u16> {
        let value = value?;
        let mut found: Option<usize> = None;
        for (i, zone) in self.zones.iter().enumerate() {
            if zone.holds(value) && found.is_none_or(|f| self.zones[f].state < zone.state) {
                found = Some(i);
            }
        }
        found.map(|i| i as u16)
    }

    /// The most severe state that the value has not left for certain.
    fn lingering_state(&self, value: Option<f64>) -> State {
        let held = |zone: &&Zone| value.is_some_and(|v| zone.still_holds(v));
        self.zones.iter().filter(held).map(|zone| zone.state).max().unwrap_or(State::Normal)
    }

    fn transition(&self, zone: Option<u16>) -> Transition {
        let state = self.state_of(zone);
        let message = match zone {
            Some(i) => Arc::clone(&self.zones[usize::from(i)].message),
            None => Arc::from(BACK_TO_NORMAL),
        };
        Transition { state, methods: self.methods[state as usize], message }
    }
}

/// The text of a notification whose value lies between the zones.
const BACK_TO_NORMAL: &str = "back to normal";

/// What a notification becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// How bad it is now.
    pub state: State,
    /// How to call attention to it.
    pub methods: Methods,
    /// What to tell the crew.
    pub message: Arc<str>,
}

impl Transition {
    /// What clears a notification when the zones that raised it are gone: normal, no method.
    fn cleared() -> Self {
        Self { state: State::Normal, methods: Methods::NONE, message: Arc::from("no longer watched") }
    }

    /// Appends the value of the notification: `{"state":"alarm","method":["visual","sound"],"message":"…"}`.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"state\":\"");
        out.push_str(self.state.as_str());
        out.push_str("\",\"method\":");
        self.methods.write_json(out);
        out.push_str(",\"message\":");
        push_text(&self.message, out);
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(meta: &str) -> Option<Zones> {
        Zones::from_meta(&serde_json::from_str(meta).unwrap())
    }

    #[test]
    fn bounds_are_inside_and_the_most_severe_zone_wins() {
        let z = zones(
            r#"{"zones":[{"upper":3,"state":"warn"},{"upper":2,"state":"alarm"},{"lower":2,"upper":2.5,"state":"alert"},
                {"lower":10,"upper":20,"state":"nominal"},{"lower":20,"upper":30,"state":"normal"},{"lower":30,"state":"emergency"}]}"#,
        )
        .unwrap();
        for (value, state) in [
            (Some(-1e9), State::Alarm),
            (Some(2.0), State::Alarm),
            (Some(2.000_000_1), State::Warn),
            (Some(3.0), State::Warn),
            (Some(3.1), State::Normal),
            (Some(10.0), State::Nominal),
            (Some(20.0), State::Normal),
            (Some(30.0), State::Emergency),
            (Some(1e300), State::Emergency),
            (None, State::Normal),
        ] {
            assert_eq!(z.state(value), state, "{value:?}");
        }
    }

    #[test]
    fn a_bad_zone_names_its_member() {
        for (json, member) in [
            ("3", ""),
            ("{}", "state"),
            (r#"{"state":"terrible"}"#, "state"),
            (r#"{"state":"warn","lower":"1"}"#, "lower"),
            (r#"{"state":"warn","upper":true}"#, "upper"),
            (r#"{"state":"warn","lower":2,"upper":1}"#, "lower"),
            (r#"{"state":"warn","message":1}"#, "message"),
        ] {
            let zone = Zone::from_json(&serde_json::from_str(json).unwrap());
            assert_eq!(zone.map_err(|(member, _)| member), Err(member), "{json}");
        }
        assert!(
            Zone::from_json(&serde_json::from_str(r#"{"state":"warn","lower":null,"upper":1,"x":1}"#).unwrap()).is_ok()
        );
    }

    #[test]
    fn without_zones_there_is_nothing_to_watch() {
        for meta in ["{}", r#"{"zones":null}"#, r#"{"zones":[]}"#, r#"{"zones":3}"#, r#"{"zones":[{"lower":1}]}"#] {
            assert_eq!(zones(meta), None, "{meta}");
        }
    }

    #[test]
    fn notifications_say_what_how_and_why() {
        for (meta, value, json) in [
            (
                r#"{"zones":[{"lower":0,"upper":2.5,"state":"alarm"}]}"#,
                1.0,
                r#"{"state":"alarm","method":["visual","sound"],"message":"0 < value < 2.5"}"#,
            ),
            (
                r#"{"zones":[{"upper":2,"state":"warn"}]}"#,
                1.0,
                r#"{"state":"warn","method":["visual"],"message":"value < 2"}"#,
            ),
            (
                r#"{"zones":[{"lower":-2,"state":"emergency","message":""}],"emergencyMethod":["sound"]}"#,
                1.0,
                r#"{"state":"emergency","method":["sound"],"message":"-2 < value"}"#,
            ),
            (
                r#"{"zones":[{"state":"alarm","message":"Shoal \"ahead\""}],"alarmMethod":null}"#,
                1.0,
                r#"{"state":"alarm","method":[],"message":"Shoal \"ahead\""}"#,
            ),
            (
                r#"{"zones":[{"lower":1,"state":"alert","message":"x"}],"alertMethod":["siren"],"warnMethod":[]}"#,
                1.0,
                r#"{"state":"alert","method":["visual"],"message":"x"}"#,
            ),
            (
                r#"{"zones":[{"lower":1,"state":"alert"}],"normalMethod":["visual"]}"#,
                0.0,
                r#"{"state":"normal","method":["visual"],"message":"back to normal"}"#,
            ),
        ] {
            let z = zones(meta).unwrap();
            let mut out = String::new();
            z.transition(z.zone(Some(value))).write_json(&mut out);
            assert_eq!(out, json, "{meta}");
        }
    }

    #[test]
    fn margins_follow_the_bound_and_the_width() {
        for (lower, upper, below, above) in [
            (0.0, 2.0, 0.02, 0.02),
            (5.0, 100_000.0, 0.05, 999.95),
            (f64::NEG_INFINITY, 2.0, 0.0, 0.02),
            (373.0, f64::INFINITY, 3.73, 0.0),
            (f64::NEG_INFINITY, 0.0, 0.0, 0.01),
            (1.0, 1.0, 0.0, 0.0),
            (-0.2, 0.2, 0.002, 0.002),
        ] {
            let zone = Zone::new(lower, upper, State::Warn, None);
            assert!((zone.margin_below - below).abs() < 1e-9, "{zone:?}");
            assert!((zone.margin_above - above).abs() < 1e-9, "{zone:?}");
        }
    }
}
