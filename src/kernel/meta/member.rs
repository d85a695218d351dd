//! The members of a path's metadata that have a form to keep (Signal K specification, "Metadata"); all others pass as
//! they are.

use serde_json::Value as Json;

use super::scale::DisplayScale;
use crate::kernel::zones::{Methods, Zone};

/// What is wrong: the member, such as `zones[1].state`, and why.
pub(super) type Fault = (String, &'static str);

/// The deepest nesting of one member. Less than what is accepted from outside, so that metadata can be wrapped into a
/// delta or a file and still be read.
pub(super) const DEPTH_MAX: usize = 16;

/// Whether a member may be taken. Of `zones`, those that are wrong are taken out and the others stay: one slip of the
/// pen must not silence the other alarms. Null is always right: it takes the place of what would otherwise hold.
pub(super) fn check(name: &str, value: &mut Json, faults: &mut Vec<Fault>) -> bool {
    if value.is_null() && !name.is_empty() {
        return true;
    }
    let problem = match name {
        "" => "a member needs a name",
        _ if depth(value) > DEPTH_MAX => "is nested too deeply",
        // Names that scripts in browsers trip over.
        "__proto__" | "constructor" | "prototype" => "is not a name for a member",
        "description" | "units" | "displayName" | "longName" | "shortName" | "gaugeType" if !value.is_string() => {
            "must be a text"
        }
        "timeout" if !value.as_f64().is_some_and(|s| s.is_finite() && s >= 0.0) => "must be a number of seconds",
        "supportsPut" if !value.is_boolean() => "must be true or false",
        "enum" if !value.is_array() => "must be an array",
        "properties" | "displayUnits" if !value.is_object() => "must be an object",
        "nominalMethod" | "normalMethod" | "alertMethod" | "warnMethod" | "alarmMethod" | "emergencyMethod"
            if Methods::from_json(value).is_none() =>
        {
            "must be an array of visual and sound, or null"
        }
        "displayScale" => return check_scale(value, faults),
        "zones" => return check_zones(value, faults),
        _ => return true,
    };
    faults.push((name.to_owned(), problem));
    false
}

/// How deep arrays and objects nest; the parser has bounded it.
fn depth(value: &Json) -> usize {
    match value {
        Json::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn check_scale(value: &Json, faults: &mut Vec<Fault>) -> bool {
    let result = match value {
        Json::Object(scale) => DisplayScale::from_json(scale).map(|_| ()),
        _ => Err(("", "must be an object")),
    };
    let Err((member, problem)) = result else { return true };
    faults.push((join("displayScale", member), problem));
    false
}

fn check_zones(value: &mut Json, faults: &mut Vec<Fault>) -> bool {
    let Json::Array(list) = value else {
        faults.push(("zones".to_owned(), "must be an array or null"));
        return false;
    };
    let was_empty = list.is_empty();
    let mut at = 0;
    list.retain(|zone| {
        let result = Zone::from_json(zone);
        if let Err((member, problem)) = result {
            faults.push((join(&format!("zones[{at}]"), member), problem));
        }
        at += 1;
        result.is_ok()
    });
    was_empty || !list.is_empty()
}

fn join(member: &str, below: &str) -> String {
    if below.is_empty() { member.to_owned() } else { format!("{member}.{below}") }
}
