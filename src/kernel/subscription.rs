//! What a client asked for: one [`Row`] for each line of a subscribe message (specification: "Subscription Protocol").

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json;
use super::pattern::Pattern;

/// Rows of one client at the most, where the configuration does not say; more are refused with a notice.
pub const ROWS_MAX: usize = 256;
/// Default of `period`, in milliseconds.
const PERIOD_MS_DEFAULT: u64 = 1_000;
/// The shortest `period`; a shorter one is held at this, so that no row costs more than fifty passes a second.
const PERIOD_MS_MIN: u64 = 20;
/// The longest `period` and `minPeriod`: a day.
const PERIOD_MS_MAX: u64 = 86_400_000;

/// One line of a subscribe message.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whose values.
    pub context: ContextPattern,
    /// Which paths.
    pub path: Pattern,
    /// Only of this `$source` (`path.values[source]`).
    pub source: Option<Box<str>>,
    /// When to send.
    pub policy: Policy,
    /// Send the whole object of the context instead of the changed values.
    pub full: bool,
    /// Each path once, when it is first seen.
    pub announce: bool,
    /// Every source, not only the one that a path shows.
    pub all_sources: bool,
    /// Not these sources.
    pub exclude: Vec<Box<str>>,
}

/// When a value is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// At once, but not more often than every `min_ms` (0: no limit). What comes in between is not lost: the newest of it
    /// is sent when the time is over.
    Instant {
        /// Milliseconds between two values of one source at one path.
        min_ms: u64,
    },
    /// As [`Policy::Instant`], and again after `period_ms` without a change.
    Ideal {
        /// Milliseconds of silence after which the value is repeated.
        period_ms: u64,
        /// As in [`Policy::Instant`].
        min_ms: u64,
    },
    /// The last known values every `period_ms`, changed or not.
    Fixed {
        /// Milliseconds.
        period_ms: u64,
    },
}

impl Policy {
    /// Milliseconds between two values at the least; zero for no limit.
    pub const fn min_ms(self) -> u64 {
        match self {
            Self::Instant { min_ms } | Self::Ideal { min_ms, .. } => min_ms,
            Self::Fixed { .. } => 0,
        }
    }
}

/// Whose values a row is about.
#[derive(Debug, Clone, PartialEq)]
pub enum ContextPattern {
    /// The own vessel.
    Own,
    /// Contexts by their full text.
    Named(Pattern),
    /// Contexts whose position is within a circle.
    Within {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// Metres.
        radius: f64,
    },
    /// None (an object whose numbers are no numbers).
    Nothing,
}

impl ContextPattern {
    /// Reads the text form: `vessels.self`, `self`, a pattern, or a bare MMSI after the root (`vessels.230000001`).
    pub fn from_text(text: &str) -> Self {
        if matches!(text, "vessels.self" | "self") {
            return Self::Own;
        }
        if let Some((root, id)) = text.rsplit_once('.') {
            if id.len() == 9 && id.bytes().all(|b| b.is_ascii_digit()) {
                return Self::Named(Pattern::new(&format!("{root}.urn:mrn:imo:mmsi:{id}")));
            }
        }
        Self::Named(Pattern::new(text))
    }
}

/// A subscribe message as it came.
#[derive(Debug, Deserialize)]
pub struct Subscribe<'a> {
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "subscribe")]
    rows: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "announceNewPaths")]
    announce_new_paths: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "sourcePolicy")]
    source_policy: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "excludeSources")]
    exclude_sources: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct RawRow<'a> {
    #[serde(borrow, default)]
    path: Option<&'a RawValue>,
    #[serde(borrow, default)]
    period: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "minPeriod")]
    min_period: Option<&'a RawValue>,
    #[serde(borrow, default)]
    policy: Option<&'a RawValue>,
    #[serde(borrow, default)]
    format: Option<&'a RawValue>,
}

/// What a subscribe message asks for, with a sentence for everything in it that was not understood.
pub fn rows_of(message: &Subscribe<'_>, all_sources: bool) -> (Vec<Row>, Vec<String>) {
    let mut notices = Vec::new();
    let context = context_of(message.context, &mut notices);
    let all_sources = match message.source_policy.and_then(text_of).as_deref() {
        Some("all") => true,
        Some(_) => false,
        None => all_sources,
    };
    let exclude: Vec<Box<str>> = message
        .exclude_sources
        .and_then(|raw| serde_json::from_str::<Vec<String>>(raw.get()).ok())
        .unwrap_or_default()
        .into_iter()
        .map(Into::into)
        .collect();
    let mut rows = Vec::new();
    // SUB-33: anything but an array is ignored.
    let lines: Vec<&RawValue> = message.rows.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    for line in lines {
        let Some(line) = json::object::<RawRow<'_>>(line.get()) else {
            notices.push("subscribe: a row that is not an object was skipped".to_owned());
            continue;
        };
        // SUB-23: a row without a path is skipped.
        let Some(path) = line.path.and_then(text_of) else { continue };
        let (path, source) = split_source(&path);
        let policy = policy_of(&line, path, &mut notices);
        rows.push(Row {
            context: context.clone(),
            path: Pattern::new(path),
            source: source.map(Into::into),
            policy,
            full: line.format.and_then(text_of).as_deref() == Some("full"),
            announce: false,
            all_sources,
            exclude: exclude.clone(),
        });
    }
    if message.announce_new_paths.is_some_and(|raw| raw.get() == "true") {
        rows.push(Row {
            context,
            path: Pattern::new("*"),
            source: None,
            policy: Policy::Instant { min_ms: 0 },
            full: false,
            announce: true,
            all_sources,
            exclude,
        });
    }
    (rows, notices)
}

/// What an unsubscribe message takes back: contexts and paths of rows, compared as they were written.
pub fn unsubscribed(context: Option<&RawValue>, unsubscribe: &RawValue) -> Vec<(ContextPattern, Pattern)> {
    let mut ignored = Vec::new();
    let context = context_of(context, &mut ignored);
    let lines: Vec<&RawValue> = serde_json::from_str(unsubscribe.get()).unwrap_or_default();
    lines
        .into_iter()
        .filter_map(|line| json::object::<RawRow<'_>>(line.get()))
        .filter_map(|line| line.path.and_then(text_of))
        .map(|path| (context.clone(), Pattern::new(split_source(&path).0)))
        .collect()
}

/// `navigation.speedOverGround.values[gps.GP]` is a path and a source.
fn split_source(path: &str) -> (&str, Option<&str>) {
    let Some((at, rest)) = path.rsplit_once(".values[") else { return (path, None) };
    match rest.strip_suffix(']') {
        Some(source) if !source.is_empty() => (at, Some(source)),
        _ => (path, None),
    }
}

fn context_of(raw: Option<&RawValue>, notices: &mut Vec<String>) -> ContextPattern {
    #[derive(Deserialize)]
    struct Circle {
        radius: f64,
        position: Center,
    }
    #[derive(Deserialize)]
    struct Center {
        latitude: f64,
        longitude: f64,
    }
    // SUB-16: no context means every context.
    let Some(raw) = raw else { return ContextPattern::Named(Pattern::new("*")) };
    if let Some(text) = text_of(raw) {
        return ContextPattern::from_text(&text);
    }
    match json::object::<Circle>(raw.get()) {
        Some(Circle { radius, position: Center { latitude, longitude } })
            if radius.is_finite() && latitude.is_finite() && longitude.is_finite() =>
        {
            ContextPattern::Within { latitude, longitude, radius }
        }
        _ => {
            notices.push("subscribe: context is neither a text nor {radius, position: {latitude, longitude}} in numbers; it matches nothing".to_owned());
            ContextPattern::Nothing
        }
    }
}

fn policy_of(row: &RawRow<'_>, path: &str, notices: &mut Vec<String>) -> Policy {
    let named = row.policy.and_then(text_of);
    let mut number = |raw: Option<&RawValue>, name: &str| -> Option<u64> {
        let raw = raw.filter(|raw| raw.get() != "null")?;
        match raw.get().parse::<f64>() {
            Ok(n) if n.is_finite() && n >= 0.0 => Some((n as u64).min(PERIOD_MS_MAX)),
            _ => {
                notices.push(format!("subscribe {path}: {name} is not a number of milliseconds and was ignored"));
                None
            }
        }
    };
    let min_period = number(row.min_period, "minPeriod");
    let has_period = row.period.is_some_and(|raw| raw.get() != "null");
    let period = number(row.period, "period");
    // SUB-12: a period of zero, or one that is no number, is the default.
    let period_ms = period.filter(|&p| p > 0).unwrap_or(PERIOD_MS_DEFAULT).max(PERIOD_MS_MIN);
    let min_ms = min_period.unwrap_or(0);
    match named.as_deref() {
        Some("instant") => {
            if has_period {
                notices.push(format!("subscribe {path}: period has no meaning with policy instant and was ignored"));
            }
            Policy::Instant { min_ms }
        }
        Some("ideal") => Policy::Ideal { period_ms, min_ms },
        Some("fixed") => {
            if min_period.is_some() {
                notices.push(format!("subscribe {path}: minPeriod has no meaning with policy fixed and was ignored"));
            }
            Policy::Fixed { period_ms }
        }
        // SUB-10, SUB-11: without a policy, minPeriod means instant, period alone means fixed, neither means at once.
        other => {
            if let Some(other) = other {
                notices.push(format!(
                    "subscribe {path}: policy {other:?} is not one of instant, ideal, fixed; it was ignored"
                ));
            }
            if min_period.is_some() || !has_period { Policy::Instant { min_ms } } else { Policy::Fixed { period_ms } }
        }
    }
}

/// The text of a JSON string, `None` for anything else.
pub(super) fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(message: &str) -> (Vec<Row>, Vec<String>) {
        rows_of(&serde_json::from_str(message).unwrap(), false)
    }

    #[test]
    fn policies_follow_the_table_of_defaults() {
        let instant = |min_ms| Policy::Instant { min_ms };
        let fixed = |period_ms| Policy::Fixed { period_ms };
        let table = [
            (r#""path":"a""#, instant(0), 0),
            (r#""path":"a","period":500"#, fixed(500), 0),
            (r#""path":"a","minPeriod":200"#, instant(200), 0),
            (r#""path":"a","minPeriod":200,"period":500"#, instant(200), 0),
            (r#""path":"a","policy":"ideal""#, Policy::Ideal { period_ms: 1000, min_ms: 0 }, 0),
            (
                r#""path":"a","policy":"ideal","period":300,"minPeriod":50"#,
                Policy::Ideal { period_ms: 300, min_ms: 50 },
                0,
            ),
            (r#""path":"a","policy":"fixed","minPeriod":50"#, fixed(1000), 1),
            (r#""path":"a","policy":"instant","period":60000"#, instant(0), 1),
            (r#""path":"a","policy":"sometimes""#, instant(0), 1),
            (r#""path":"a","period":"x""#, fixed(1000), 1),
            (r#""path":"a","period":0"#, fixed(1000), 0),
            (r#""path":"a","period":1"#, fixed(PERIOD_MS_MIN), 0),
            (r#""path":"a","minPeriod":"x""#, instant(0), 1),
            (r#""path":"a","foo":1"#, instant(0), 0),
        ];
        for (row, policy, notices) in table {
            let (rows, said) = parse(&format!(r#"{{"context":"vessels.self","subscribe":[{{{row}}}]}}"#));
            assert_eq!((rows[0].policy, said.len()), (policy, notices), "{row}: {said:?}");
        }
    }

    #[test]
    fn contexts_have_four_forms() {
        let context = |text: &str| parse(&format!(r#"{{{text}"subscribe":[{{"path":"a"}}]}}"#)).0[0].context.clone();
        assert_eq!(context(r#""context":"vessels.self","#), ContextPattern::Own);
        assert_eq!(context(r#""context":"vessels.*","#), ContextPattern::Named(Pattern::new("vessels.*")));
        let full = Pattern::new("vessels.urn:mrn:imo:mmsi:230000001");
        assert_eq!(context(r#""context":"vessels.230000001","#), ContextPattern::Named(full));
        assert_eq!(context(""), ContextPattern::Named(Pattern::new("*")));
        let circle = context(r#""context":{"radius":10,"position":{"latitude":1,"longitude":2.5}},"#);
        assert_eq!(circle, ContextPattern::Within { latitude: 1.0, longitude: 2.5, radius: 10.0 });
        assert_eq!(context(r#""context":{"radius":"x"},"#), ContextPattern::Nothing);
    }

    #[test]
    fn a_source_may_be_named_and_odd_messages_harm_nothing() {
        let (rows, _) = parse(r#"{"context":"*","subscribe":[{"path":"a.b.values[n2k.43]"},{"path":""},{"p":1},7]}"#);
        assert_eq!((rows.len(), rows[0].source.as_deref(), rows[0].path.exact()), (2, Some("n2k.43"), Some("a.b")));
        assert!(parse(r#"{"subscribe":"x"}"#).0.is_empty());
        let (rows, _) = parse(r#"{"context":"vessels.self","subscribe":[],"announceNewPaths":true}"#);
        assert!(rows.len() == 1 && rows[0].announce);
    }
}
