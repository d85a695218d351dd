//! The value of a notification: `{"state", "method", "message"}`, all three always there (Signal K: notifications).

use super::object::Object;
use crate::kernel::value::{Position, Value};

/// How urgent it is, in the words of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// The cause has gone.
    Normal,
    /// Worth knowing.
    Alert,
    /// Needs attention soon.
    Warn,
    /// Needs action now.
    Alarm,
    /// Life or ship in danger.
    Emergency,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Alert => "alert",
            Self::Warn => "warn",
            Self::Alarm => "alarm",
            Self::Emergency => "emergency",
        }
    }
}

/// A notification; `audible` is false when somebody has acknowledged or silenced it. A normal one asks for no method.
pub(super) fn notification(severity: Severity, audible: bool, message: &str) -> Value {
    begin(severity, audible, message).into_value()
}

/// A notification that says where.
pub(super) fn notification_at(severity: Severity, message: &str, position: Option<Position>) -> Value {
    begin(severity, true, message).position_if("position", position).into_value()
}

fn begin(severity: Severity, audible: bool, message: &str) -> Object {
    let method = match (severity, audible) {
        (Severity::Normal, _) => "[]",
        (Severity::Alert | Severity::Warn, _) | (_, false) => r#"["visual"]"#,
        (Severity::Alarm | Severity::Emergency, true) => r#"["visual","sound"]"#,
    };
    Object::new().text("state", severity.as_str()).json("method", method).text("message", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_follows_severity_and_acknowledgement() {
        let table = [
            (Severity::Emergency, true, r#"{"state":"emergency","method":["visual","sound"],"message":"m"}"#),
            (Severity::Alarm, false, r#"{"state":"alarm","method":["visual"],"message":"m"}"#),
            (Severity::Warn, true, r#"{"state":"warn","method":["visual"],"message":"m"}"#),
            (Severity::Normal, true, r#"{"state":"normal","method":[],"message":"m"}"#),
        ];
        for (severity, audible, json) in table {
            assert_eq!(notification(severity, audible, "m").to_json(), json);
        }
    }
}
