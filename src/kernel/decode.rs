//! From JSON to updates: deltas that clients, devices and other servers send. Tolerant: one bad value never costs its
//! neighbours, and each is named.

use std::sync::Arc;

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json;
use super::model::sources::sanitized;
use super::model::{Model, names};
use super::subscription::text_of;
use super::time::Timestamp;
use super::update::{Context, PathMeta, PathValue, Source, Update};
use super::value::{Position, Value};

/// Values of one delta at the most; more are cut off, with an issue.
pub const VALUES_PER_DELTA_MAX: usize = 4_096;
/// Issues kept of one delta; the rest is only counted.
const ISSUES_MAX: usize = 16;

/// Something in a delta that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue(pub String);

/// What a delta says, and what in it could not be used.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The updates that are left.
    pub updates: Vec<Update>,
    /// The first few problems, in words.
    pub issues: Vec<Issue>,
    /// How many there were.
    pub issue_count: usize,
}

impl Decoded {
    /// Names what the model would not take of the updates, so that the sender is told at once.
    pub fn foresee(&mut self, model: &Model) {
        for at in 0..self.updates.len() {
            if let Some((why, path)) = model.foresee(&self.updates[at]) {
                let of = if path.is_empty() { "updates".to_owned() } else { path.to_string() };
                self.issue(format!("{of}: {}", why.as_str()));
            }
        }
    }

    fn issue(&mut self, text: String) {
        self.issue_count += 1;
        if self.issues.len() < ISSUES_MAX {
            self.issues.push(Issue(text));
        }
    }
}

#[derive(Deserialize)]
struct RawDelta<'a> {
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    updates: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawUpdate<'a> {
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "$source")]
    source_ref: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawItem<'a> {
    #[serde(borrow, default)]
    path: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    value: Option<&'a RawValue>,
}

/// A member that is there, null included: null is a value (DM-13), and another thing than no value.
fn given<'de: 'a, 'a, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a delta. `provider` is the `$source` of an update that names none. `None` when the text is no JSON object.
pub fn delta(text: &str, provider: &str) -> Option<Decoded> {
    delta_within(text, provider, json::DEPTH_MAX)
}

/// As [`delta`], for text that may nest `depth_max` deep.
pub fn delta_within(text: &str, provider: &str, depth_max: usize) -> Option<Decoded> {
    let mut decoded = Decoded::default();
    if !json::depth_is_within(text, depth_max) {
        decoded.issue(format!("the message nests deeper than {} levels", depth_max.min(json::DEPTH_MAX)));
        return Some(decoded);
    }
    let raw: RawDelta<'_> = json::object(text)?;
    let context = match raw.context.filter(|raw| raw.get() != "null") {
        None => Context::Own,
        Some(raw) => match text_of(raw) {
            Some(text) if matches!(&*text, "vessels.self" | "self") => Context::Own,
            Some(text) => Context::Named(text.into()),
            None => {
                decoded.issue("context is not a text".to_owned());
                return Some(decoded);
            }
        },
    };
    let updates: Option<Vec<&RawValue>> = raw.updates.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let Some(updates) = updates else {
        decoded.issue("updates is not an array".to_owned());
        return Some(decoded);
    };
    let mut room = VALUES_PER_DELTA_MAX;
    for (n, update) in updates.into_iter().enumerate() {
        match json::object::<RawUpdate<'_>>(update.get()) {
            Some(raw) => {
                let update = read_update(&raw, n, context.clone(), provider, &mut room, &mut decoded);
                if !update.values.is_empty() || !update.meta.is_empty() {
                    decoded.updates.push(update);
                }
            }
            None => decoded.issue(format!("updates[{n}] is not an object")),
        }
    }
    Some(decoded)
}

fn read_update(
    raw: &RawUpdate<'_>,
    n: usize,
    context: Context,
    provider: &str,
    room: &mut usize,
    decoded: &mut Decoded,
) -> Update {
    let mut update = Update::new(context, source_of(raw, provider), 0);
    if let Some(raw) = raw.timestamp.filter(|raw| raw.get() != "null") {
        update.timestamp = text_of(raw).as_deref().and_then(Timestamp::parse);
        if update.timestamp.is_none() {
            decoded.issue(format!("updates[{n}].timestamp is not an RFC 3339 time; the time of arrival is taken"));
        }
    }
    for (i, item) in items(raw.values, n, "values", decoded).into_iter().enumerate() {
        let Some((path, value)) = read_item(item) else {
            decoded.issue(format!("updates[{n}].values[{i}] has no path or no value"));
            continue;
        };
        if *room == 0 {
            decoded.issue(format!("updates[{n}].values[{i}]: more than {VALUES_PER_DELTA_MAX} values in one message"));
            continue;
        }
        *room -= 1;
        match read_value(value) {
            Some(value) => update.values.push(PathValue { path, value }),
            None => decoded.issue(format!("updates[{n}].values[{i}].value of {path} is not a JSON value")),
        }
    }
    for (i, item) in items(raw.meta, n, "meta", decoded).into_iter().enumerate() {
        let meta = read_item(item).filter(|(_, value)| value.get().starts_with('{')).and_then(|(path, value)| {
            let value: serde_json::Value = serde_json::from_str(value.get()).ok()?;
            Some(PathMeta { path, meta: value.to_string().into() })
        });
        match meta {
            Some(meta) if *room > 0 => {
                *room -= 1;
                update.meta.push(meta);
            }
            _ => decoded.issue(format!("updates[{n}].meta[{i}] has no path or no object as value")),
        }
    }
    update
}

fn items<'a>(raw: Option<&'a RawValue>, n: usize, name: &str, decoded: &mut Decoded) -> Vec<&'a RawValue> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Vec::new() };
    serde_json::from_str(raw.get()).unwrap_or_else(|_| {
        decoded.issue(format!("updates[{n}].{name} is not an array"));
        Vec::new()
    })
}

fn read_item(raw: &RawValue) -> Option<(CompactString, &RawValue)> {
    let item: RawItem<'_> = json::object(raw.get())?;
    Some((text_of(item.path?)?.into(), item.value?))
}

/// A value as the model holds it. Integers stay integers; an object of latitude and longitude is a position; any other
/// object or array is kept as compact text.
pub fn read_value(raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'n' => Some(Value::Null),
        b't' => Some(Value::Bool(true)),
        b'f' => Some(Value::Bool(false)),
        b'"' => text_of(raw).map(Value::text),
        b'{' | b'[' => {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            Some(position(&value).map_or_else(|| Value::json(value.to_string()), Value::from))
        }
        _ => match text.parse::<i64>() {
            Ok(n) => Some(Value::Integer(n)),
            Err(_) => text.parse::<f64>().ok().map(Value::number),
        },
    }
}

fn position(value: &serde_json::Value) -> Option<Position> {
    let object = value.as_object()?;
    let number = |name: &str| object.get(name).and_then(serde_json::Value::as_f64);
    let position = Position::new(number("latitude")?, number("longitude")?)?;
    match (object.len(), object.get("altitude")) {
        (2, None) => Some(position),
        (3, Some(altitude)) => altitude.as_f64().map(|metres| position.with_altitude(metres)),
        _ => None,
    }
}

/// SRC-03 to SRC-06: a `$source` is kept, else it is made of the `source` object, else it is the provider's name.
fn source_of(raw: &RawUpdate<'_>, provider: &str) -> Source {
    let named = raw.source_ref.and_then(text_of);
    let object: Option<serde_json::Map<String, serde_json::Value>> =
        raw.source.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let name: CompactString = match (named, &object) {
        (Some(name), _) if names::source_is_valid(&name) => name.into(),
        (Some(name), _) if !name.is_empty() => sanitized(&name),
        (_, Some(object)) => source_name(object, provider),
        _ => return Source::Ref(provider.into()),
    };
    match object {
        Some(object) => Source::Described(name, Arc::from(serde_json::Value::Object(object).to_string())),
        None => Source::Ref(name),
    }
}

fn source_name(object: &serde_json::Map<String, serde_json::Value>, provider: &str) -> CompactString {
    let member = |name: &str| match object.get(name) {
        Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(serde_json::Value::Number(n)) => Some(n.to_string()),
        _ => None,
    };
    let label = member("label").filter(|label| names::source_is_valid(label)).unwrap_or_else(|| provider.to_owned());
    let rest = member("canName").or_else(|| member("src")).or_else(|| {
        if member("type").as_deref().is_some_and(|t| t.eq_ignore_ascii_case("plugin")) {
            return Some(String::new());
        }
        member("talker").or_else(|| Some("XX".to_owned()))
    });
    match rest.as_deref() {
        Some("") | None => sanitized(&label),
        Some(rest) => sanitized(&format!("{label}.{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Decoded {
        delta(text, "ws").unwrap()
    }

    #[test]
    fn good_values_are_kept_and_bad_ones_named() {
        let decoded = read(
            r#"{"context":"vessels.self","updates":[
                {"timestamp":"2026-01-02T03:04:05Z","values":[
                    {"path":"a","value":1},{"path":"b"},{"path":"n","value":null},{"value":2},null,{"path":7,"value":1},{"path":"c","value":2.5}]},
                5,
                {"values":"x"},
                {"timestamp":"soon","values":[{"path":"d","value":{"latitude":60,"longitude":24.5}}]}]}"#,
        );
        let values: Vec<String> = decoded
            .updates
            .iter()
            .flat_map(|u| &u.values)
            .map(|v| format!("{}={}", v.path, v.value.to_json()))
            .collect();
        assert_eq!(values, ["a=1", "n=null", "c=2.5", r#"d={"latitude":60.0,"longitude":24.5}"#]);
        assert_eq!(decoded.issue_count, 7, "{:?}", decoded.issues);
        assert_eq!(decoded.updates[0].timestamp, Timestamp::parse("2026-01-02T03:04:05Z"));
    }

    #[test]
    fn the_source_is_named_by_the_table() {
        let table = [
            (r#""$source":"a.b""#, "a.b"),
            (r#""$source":"a b""#, "a_b"),
            (r#""$source":{"x":1}"#, "ws"),
            (r#""source":{"label":"n2k","canName":"c0ffee"}"#, "n2k.c0ffee"),
            (r#""source":{"label":"n2k","src":"43","pgn":1}"#, "n2k.43"),
            (r#""source":{"label":"plug","type":"Plugin"}"#, "plug"),
            (r#""source":{"label":"gps","talker":"GP"}"#, "gps.GP"),
            (r#""source":{"label":"gps"}"#, "gps.XX"),
            (r#""source":{"label":"/dev/ttyUSB0","talker":"GP"}"#, "ws.GP"),
            (r#""x":1"#, "ws"),
        ];
        for (source, expected) in table {
            let decoded = read(&format!(r#"{{"updates":[{{{source},"values":[{{"path":"a","value":1}}]}}]}}"#));
            let (Source::Ref(name) | Source::Described(name, _)) = &decoded.updates[0].source else {
                panic!("a client names its source")
            };
            assert_eq!(name, expected, "{source}");
        }
    }

    #[test]
    fn what_is_no_delta_is_said_so() {
        assert!(delta("[1]", "ws").is_none() && delta("nonsense", "ws").is_none() && delta("null", "ws").is_none());
        assert_eq!(read(r#"{"updates":7}"#).issue_count, 1);
        assert_eq!(read(r#"{"context":7,"updates":[]}"#).issue_count, 1);
        assert_eq!(read(&format!(r#"{{"updates":[{}]}}"#, "[".repeat(100))).issue_count, 1);
        assert_eq!(read(r#"{"context":"vessels.x","updates":[]}"#).issue_count, 0);
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::{Map, Value as Json, json};
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_map(|n| json!(n)),
            "[a-z.$]{0,8}".prop_map(Json::from),
            Just(json!("2026-01-02T03:04:05Z")),
        ];
        let name = "(context|updates|values|meta|path|value|source|\\$source|timestamp|label|latitude|longitude|x)";
        leaf.prop_recursive(6, 60, 6, move |inner| {
            let object = prop::collection::vec((name, inner.clone()), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Json::from),
                object.prop_map(|members| Json::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_harms_the_reader(values in any_json(), update in any_json(), whole in any_json(), text in ".{0,60}") {
            let _ = delta(&text, "ws");
            let _ = delta(&whole.to_string(), "ws");
            let _ = delta(&serde_json::json!({"updates": [update, {"values": values.clone()}]}).to_string(), "ws");
            let _ = delta(&serde_json::json!({"updates": [{"values": [{"path": "a", "value": values}]}]}).to_string(), "ws");
        }

        #[test]
        fn what_the_encoder_writes_reads_back(values in prop::collection::vec(any_json(), 1..20)) {
            use crate::kernel::id::{Origin, Seq};
            use crate::kernel::model::Arrival;
            use crate::kernel::time::Now;
            use crate::kernel::world::{Setup, World};

            let items: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(i, value)| serde_json::json!({"path": format!("p.x{i}"), "value": value}))
                .collect();
            let said = serde_json::json!({"updates": [{"$source": "s", "timestamp": "2026-01-02T03:04:05.678Z", "values": items}]});
            let first = read(&said.to_string());
            let mut world = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(0));
            let arrival = Arrival { input: "ws", origin: Origin::SERVER, now: Now::default(), heard: true };
            world.apply(first.updates.clone(), &arrival);
            let change = world.tail.newest().expect("it was applied").clone();
            let text = String::from_utf8(change.encoded(&world.model).text.to_vec()).unwrap();
            let again = read(&text);
            prop_assert_eq!(&again.updates[0].values, &first.updates[0].values);
            prop_assert_eq!(&again.updates[0].source, &first.updates[0].source);
            prop_assert_eq!(again.updates[0].timestamp, first.updates[0].timestamp);
        }
    }
}
