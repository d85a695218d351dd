//! The notifications that are raised, kept so that an alarm outlives a restart: what it is, who raised it, and whether
//! the crew has acknowledged or silenced it.
//!
//! What goes back to normal is not kept. The text form is JSON, one notification a line; what cannot be read of it is
//! left out and counted, never an error that would cost the rest.

mod crew;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::crew::Action;
use compact_str::CompactString;
use serde_json::Value as Json;

use super::json::depth_is_bounded;
use super::time::Timestamp;
use super::update::Path;
use super::value::push_text;
use super::zones::{Methods, State};

/// Notifications that are kept. When full, a new one takes the place of the least severe and oldest, unless it is less
/// severe than all of them.
pub const NOTIFICATIONS_MAX: usize = 512;

/// The longest value of a notification that is kept, in bytes of compact JSON.
pub const VALUE_BYTES_MAX: usize = 4 * 1024;

/// One notification: who it is about, at which path, raised by whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The context as text; `vessels.self` for the own vessel, so that a new identity does not orphan its alarms.
    pub context: CompactString,
    /// The path, with `notifications.` in front.
    pub path: Path,
    /// The `$source` that raised it; the same alarm of two sources is two notifications.
    pub source: CompactString,
}

/// What is kept of a raised notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// How bad it is.
    pub state: State,
    /// The value as it was given, as compact JSON: `state`, `method`, `message` and whatever else it holds.
    pub value: Arc<str>,
    /// When it was raised or last changed.
    pub timestamp: Timestamp,
    /// The crew has seen it.
    pub acknowledged: bool,
    /// The crew has turned its sound off.
    pub silenced: bool,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is raised, or changed.
    Raised,
    /// It is as it was.
    Unchanged,
    /// It went back to normal, and is gone.
    Cleared,
    /// It is raised; this one had to go for it.
    RaisedInsteadOf(Key),
    /// It is not kept: not an object with a known `state`, too long, too deep, or less severe than all that are kept.
    Refused,
}

/// All that are raised.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notifications {
    raised: BTreeMap<Key, Notification>,
}

impl Notifications {
    /// Nothing is raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the value (JSON) of a notification. Null, `normal` and `nominal` clear it. That the crew has acknowledged or
    /// silenced it stands in its member `status`. A change of state forgets it; a new text alone does not.
    pub fn update(&mut self, key: Key, value: &str, timestamp: Timestamp) -> Kept {
        let Some((state, value)) = read_value(value) else { return Kept::Refused };
        let Some(state) = state.filter(|&state| state > State::Normal) else {
            return if self.raised.remove(&key).is_some() { Kept::Cleared } else { Kept::Unchanged };
        };
        let (acknowledged, silenced) = crew::dealt_with(&value);
        let silenced = silenced && state < State::Emergency;
        if let Some(known) = self.raised.get_mut(&key) {
            if known.state == state && *known.value == *value {
                return Kept::Unchanged;
            }
            let same = known.state == state;
            *known = Notification {
                state,
                value: value.into(),
                timestamp,
                acknowledged: acknowledged || same && known.acknowledged,
                silenced: silenced || same && known.silenced,
            };
            return Kept::Raised;
        }
        let mut outcome = Kept::Raised;
        if self.raised.len() >= NOTIFICATIONS_MAX {
            let least = self.raised.iter().min_by_key(|(_, n)| (n.state, n.timestamp));
            match least.map(|(key, n)| (key.clone(), n.state)) {
                Some((key, least)) if least <= state => {
                    self.raised.remove(&key);
                    outcome = Kept::RaisedInsteadOf(key);
                }
                _ => return Kept::Refused,
            }
        }
        let value = value.into();
        self.raised.insert(key, Notification { state, value, timestamp, acknowledged, silenced });
        outcome
    }

    /// One of them.
    pub fn get(&self, key: &Key) -> Option<&Notification> {
        self.raised.get(key)
    }

    /// All of them, sorted by context, path and source.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Notification)> {
        self.raised.iter()
    }

    /// Keeps those of which `is_kept` says so.
    pub fn retain(&mut self, is_kept: impl FnMut(&Key) -> bool) {
        let mut is_kept = is_kept;
        self.raised.retain(|key, _| is_kept(key));
    }

    /// How many are raised.
    pub fn len(&self) -> usize {
        self.raised.len()
    }

    /// Whether none is raised.
    pub fn is_empty(&self) -> bool {
        self.raised.is_empty()
    }

    /// The text to keep over a restart: a JSON array, one notification a line.
    pub fn to_json(&self) -> String {
        let mut out = String::from("[");
        for (i, (key, notification)) in self.raised.iter().enumerate() {
            out.push_str(if i == 0 { "\n{\"context\":" } else { ",\n{\"context\":" });
            push_text(&key.context, &mut out);
            out.push_str(",\"path\":");
            push_text(&key.path, &mut out);
            out.push_str(",\"source\":");
            push_text(&key.source, &mut out);
            out.push_str(",\"timestamp\":\"");
            notification.timestamp.push_to(&mut out);
            out.push_str("\",\"acknowledged\":");
            out.push_str(if notification.acknowledged { "true" } else { "false" });
            out.push_str(",\"silenced\":");
            out.push_str(if notification.silenced { "true" } else { "false" });
            out.push_str(",\"value\":");
            out.push_str(&notification.value);
            out.push('}');
        }
        out.push_str("\n]\n");
        out
    }

    /// From the text of [`Self::to_json`], and how many entries could not be taken (one if the whole cannot be read).
    pub fn from_json(text: &str) -> (Self, usize) {
        let mut read = Self::new();
        let parsed = if depth_is_bounded(text) { serde_json::from_str(text).ok() } else { None };
        let Some(Json::Array(entries)) = parsed else { return (read, 1) };
        let lost = entries.iter().filter(|entry| read.take_in(entry).is_none()).count();
        (read, lost)
    }

    fn take_in(&mut self, entry: &Json) -> Option<()> {
        let text = |name| entry.get(name)?.as_str().map(CompactString::new);
        let flag = |name| entry.get(name).and_then(Json::as_bool).unwrap_or(false);
        let key = Key { context: text("context")?, path: text("path")?, source: text("source")? };
        let timestamp = Timestamp::parse(&text("timestamp")?)?;
        if self.update(key.clone(), &entry.get("value")?.to_string(), timestamp) != Kept::Raised {
            return None;
        }
        let notification = self.raised.get_mut(&key)?;
        notification.acknowledged = flag("acknowledged");
        notification.silenced = flag("silenced") && notification.state < State::Emergency;
        Some(())
    }
}

impl Notification {
    /// How it calls attention now: as its value says, less what the crew has done about it. Acknowledged, it is quiet (an
    /// emergency is still seen); silenced, it is not heard.
    pub fn methods(&self) -> Methods {
        let parsed: Option<Json> = serde_json::from_str(&self.value).ok();
        let given = parsed.as_ref().and_then(|v| Methods::from_json(v.get("method")?));
        self.methods_of(given.unwrap_or(self.state.default_methods()))
    }

    fn methods_of(&self, given: Methods) -> Methods {
        match (self.acknowledged, self.state) {
            (true, State::Emergency) => Methods { sound: false, ..given },
            (true, _) => Methods::NONE,
            (false, _) => Methods { sound: given.sound && !self.silenced, ..given },
        }
    }
}

/// The state (`None` for null) and the compact form of a notification's value.
fn read_value(text: &str) -> Option<(Option<State>, String)> {
    // Its place in the kept text is two levels down; four are left for that.
    if text.len() > 2 * VALUE_BYTES_MAX || !depth_is_bounded(&format!("[[[[{text}")) {
        return None;
    }
    let value: Json = serde_json::from_str(text).ok()?;
    let state = match &value {
        Json::Null => None,
        value => Some(State::parse(value.get("state")?.as_str()?)?),
    };
    Some((state, value.to_string())).filter(|(_, compact)| compact.len() <= VALUE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALARM: &str = r#"{"state":"alarm","method":["visual","sound"],"message":"Shallow"}"#;

    fn key(name: &str) -> Key {
        Key { context: "vessels.self".into(), path: format!("notifications.{name}").into(), source: "zones".into() }
    }

    /// What the crew does about the depth, as the server does it.
    fn act(n: &mut Notifications, action: Action) {
        let value = n.after(&key("depth"), action).unwrap();
        assert_eq!(n.update(key("depth"), &value, at(1)), Kept::Raised);
    }

    #[test]
    fn ids_are_uuids_that_tell_notifications_apart_and_last() {
        let id = key("depth").id();
        assert_eq!(id.to_string(), "fcd259cb-beb7-887e-b4d4-13875379af71");
        let others = [
            key("depti"),
            Key { source: "zonesx".into(), ..key("depth") },
            Key { context: "x".into(), ..key("depth") },
        ];
        assert!(others.iter().all(|other| other.id() != id));
        let mut n = Notifications::new();
        n.update(key("depth"), ALARM, at(1));
        assert_eq!(n.find(id).map(|(key, _)| key.clone()), Some(key("depth")));
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn raised_until_it_is_normal() {
        let mut n = Notifications::new();
        assert_eq!(n.update(key("depth"), ALARM, at(1)), Kept::Raised);
        assert_eq!(n.update(key("depth"), ALARM, at(2)), Kept::Unchanged);
        assert_eq!(n.update(key("depth"), r#"{"state":"warn"}"#, at(3)), Kept::Raised);
        assert_eq!(n.get(&key("depth")).map(|n| (n.state, n.timestamp)), Some((State::Warn, at(3))));
        for clear in ["null", r#"{"state":"normal","method":[]}"#, r#"{"state":"nominal"}"#] {
            n.update(key("depth"), ALARM, at(4));
            assert_eq!(n.update(key("depth"), clear, at(5)), Kept::Cleared, "{clear}");
            assert_eq!(n.update(key("depth"), clear, at(6)), Kept::Unchanged, "{clear}");
            assert!(n.is_empty());
        }
        let long = format!(r#"{{"state":"alarm","message":"{}"}}"#, "x".repeat(VALUE_BYTES_MAX));
        let deep = format!(r#"{{"state":"alarm","x":{}{}}}"#, "[".repeat(30), "]".repeat(30));
        for bad in ["", "3", "{}", r#"{"state":"bad"}"#, r#"{"state":1}"#, "{", &long, &deep] {
            assert_eq!(n.update(key("depth"), bad, at(7)), Kept::Refused, "{bad:.40}");
        }
    }

    #[test]
    fn what_the_crew_does_about_it_lasts_until_its_state_changes() {
        let mut n = Notifications::new();
        assert!(n.after(&key("depth"), Action::Acknowledge).is_err());
        n.update(key("depth"), ALARM, at(1));
        assert_eq!(n.get(&key("depth")).map(Notification::methods), Some(Methods::VISUAL_AND_SOUND));
        act(&mut n, Action::Silence);
        assert_eq!(n.get(&key("depth")).map(Notification::methods), Some(Methods::VISUAL));
        act(&mut n, Action::Acknowledge);
        assert_eq!(n.get(&key("depth")).map(Notification::methods), Some(Methods::NONE));
        n.update(key("depth"), r#"{"state":"alarm","message":"Shallower"}"#, at(2));
        assert!(n.get(&key("depth")).is_some_and(|n| n.acknowledged && n.silenced));
        n.update(key("depth"), r#"{"state":"emergency","method":["sound","visual"]}"#, at(3));
        assert!(n.get(&key("depth")).is_some_and(|n| !n.acknowledged && !n.silenced));
        assert!(n.after(&key("depth"), Action::Silence).is_err(), "an emergency stays loud");
        act(&mut n, Action::Acknowledge);
        assert_eq!(n.get(&key("depth")).map(Notification::methods), Some(Methods::VISUAL));
    }

    #[test]
    fn it_survives_a_restart() {
        let mut n = Notifications::new();
        n.update(
            key("depth"),
            "{\"state\": \"alarm\",\n \"message\": \"Sha\\nllow\", \"id\": [1, 2.5]}",
            at(1_700_000_000_123),
        );
        n.update(key("mob.x"), r#"{"state":"emergency"}"#, at(5));
        n.update(Key { source: "n2k.1".into(), ..key("depth") }, ALARM, at(6));
        act(&mut n, Action::Acknowledge);
        act(&mut n, Action::Silence);
        let text = n.to_json();
        assert_eq!(text.lines().count(), 2 + n.len(), "{text}");
        assert_eq!(Notifications::from_json(&text), (n, 0));
        assert_eq!(Notifications::from_json(&Notifications::new().to_json()), (Notifications::new(), 0));
    }

    #[test]
    fn a_spoilt_file_loses_what_is_spoilt() {
        let mut n = Notifications::new();
        n.update(key("depth"), ALARM, at(1));
        let good = n.to_json();
        for (text, left, lost) in [
            (String::new(), 0, 1),
            ("{}".to_owned(), 0, 1),
            ("[".repeat(1000), 0, 1),
            (good.replace("[\n", "[3,{},\n"), 1, 2),
            (good.replace("1970", "19x0"), 0, 1),
            (good.replace("alarm", "normal"), 0, 1),
            (good[..good.len() - 4].to_owned(), 0, 1),
        ] {
            let (read, count) = Notifications::from_json(&text);
            assert_eq!((read.len(), count), (left, lost), "{text:.60}");
        }
    }

    #[test]
    fn the_least_and_oldest_makes_room() {
        let mut n = Notifications::new();
        for i in 0..NOTIFICATIONS_MAX {
            let value = if i == 100 { r#"{"state":"alert"}"# } else { ALARM };
            assert_eq!(n.update(key(&i.to_string()), value, at(1000 - i as i64)), Kept::Raised);
        }
        assert_eq!(n.update(key("new"), r#"{"state":"warn"}"#, at(5000)), Kept::RaisedInsteadOf(key("100")));
        assert_eq!(n.update(key("new2"), r#"{"state":"alert"}"#, at(5000)), Kept::Refused);
        assert_eq!(n.update(key("new2"), r#"{"state":"warn"}"#, at(5001)), Kept::RaisedInsteadOf(key("new")));
        assert_eq!(n.update(key("new"), r#"{"state":"emergency"}"#, at(1)), Kept::RaisedInsteadOf(key("new2")));
        let oldest = key(&(NOTIFICATIONS_MAX - 1).to_string());
        assert_eq!(n.update(key("new2"), ALARM, at(6000)), Kept::RaisedInsteadOf(oldest));
        assert_eq!(n.len(), NOTIFICATIONS_MAX);
        assert_eq!(n.update(key("7"), r#"{"state":"alert"}"#, at(9)), Kept::Raised, "one that is kept may change");
    }
}
