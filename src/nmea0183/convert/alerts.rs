//! Alarms and alerts of equipment aboard (ALR, ALF), arrival at a waypoint (AAM), and free text (TXT).

use std::collections::VecDeque;

use compact_str::{CompactString, format_compact};

use super::notification::{Severity, notification};
use super::{State, understood};
use crate::kernel::update::Update;
use crate::kernel::value::Value;
use crate::nmea0183::Outcome;
use crate::nmea0183::field;
use crate::nmea0183::sentence::Sentence;

/// Digits of an alarm's number, and characters of the other parts of its key, at the most.
const KEY_PART_MAX: usize = 8;

/// Texts kept until somebody takes them; beyond that the oldest is dropped.
const TEXTS_MAX: usize = 16;

/// `ALR,time,number,condition,acknowledged,text`: at `notifications.alarm<talker><number>`.
pub(super) fn alr(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let number = sentence.field(2);
    if !is_key_part(number) || !is_key_part(sentence.talker) {
        return Outcome::Nothing;
    }
    let acknowledged = field::status(sentence.field(4)) == Some(true);
    let severity = match field::status(sentence.field(3)) {
        Some(true) => Severity::Alarm,
        Some(false) => Severity::Normal,
        None => return Outcome::Nothing,
    };
    let text = field::text(sentence.field(5)).unwrap_or_default();
    let path = format_compact!("notifications.alarm{}{number}", sentence.talker);
    update.push_at(path, notification(severity, !acknowledged, &text));
    understood(update)
}

/// `ALF`: total, which one, sequence, time, category, priority, state, manufacturer, alert, instance, revision,
/// escalation, text. At `notifications.alert<manufacturer><alert>`, with `x<instance>` behind it. A second sentence only
/// describes the alert at more length.
pub(super) fn alf(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let (maker, alert, instance) = (sentence.field(8), sentence.field(9), sentence.field(10));
    let keyed = is_key_part(alert) && [maker, instance].iter().all(|part| part.is_empty() || is_key_part(part));
    if sentence.field(2) != "1" || !keyed {
        return Outcome::Nothing;
    }
    let active = match sentence.field(6) {
        "E" => Severity::Emergency,
        "A" => Severity::Alarm,
        "W" => Severity::Warn,
        "C" => Severity::Alert,
        _ => return Outcome::Nothing,
    };
    let (severity, audible) = match sentence.field(7) {
        // Active and not acknowledged.
        "V" => (active, true),
        // Silenced; acknowledged; somebody else's responsibility.
        "S" | "A" | "O" => (active, false),
        // Rectified but not acknowledged; normal.
        "U" | "N" => (Severity::Normal, false),
        _ => return Outcome::Nothing,
    };
    let separator = if instance.is_empty() { "" } else { "x" };
    let path = format_compact!("notifications.alert{maker}{alert}{separator}{instance}");
    let text = field::text(sentence.field(13)).unwrap_or_default();
    update.push_at(path, notification(severity, audible, &text));
    understood(update)
}

/// `AAM,entered,passed,radius,N,waypoint`: the two notifications that APB raises too.
pub(super) fn aam(sentence: &Sentence<'_>, _: &mut State, update: &mut Update) -> Outcome {
    let events = [
        (1, "notifications.arrivalCircleEntered", "Entered the arrival circle"),
        (2, "notifications.perpendicularPassed", "Passed the perpendicular"),
    ];
    let waypoint = field::text(sentence.field(5));
    for (n, at, event) in events {
        let value = match (field::status(sentence.field(n)), &waypoint) {
            (Some(true), Some(name)) => notification(Severity::Alarm, true, &format!("{event} of waypoint {name}")),
            (Some(true), None) => notification(Severity::Alarm, true, &format!("{event} of the waypoint")),
            (Some(false), _) => Value::Null,
            (None, _) => continue,
        };
        update.push(at, value);
    }
    understood(update)
}

/// One text that a device sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMessage {
    /// Who sent it.
    pub talker: CompactString,
    /// The text's number, or the severity (0 error, 1 warning, 2 notice, 7 user for u-blox receivers).
    pub identifier: CompactString,
    /// The text; a message of several sentences is one entry a sentence.
    pub text: String,
}

/// Texts of `TXT` sentences, for a log: they are no data. At most [`TEXTS_MAX`], each as long as a sentence.
#[derive(Debug, Default)]
pub struct Texts {
    waiting: VecDeque<TextMessage>,
}

impl Texts {
    /// The oldest text that nobody has taken yet.
    pub fn take(&mut self) -> Option<TextMessage> {
        self.waiting.pop_front()
    }
}

/// `TXT,total,which one,identifier,text`.
pub(super) fn txt(sentence: &Sentence<'_>, state: &mut State, _: &mut Update) -> Outcome {
    if let Some(text) = field::text(sentence.field(4)) {
        let waiting = &mut state.devices.texts.waiting;
        if waiting.len() == TEXTS_MAX {
            waiting.pop_front();
        }
        waiting.push_back(TextMessage {
            talker: CompactString::new(sentence.talker),
            identifier: CompactString::new(sentence.field(3)),
            text: text.into_owned(),
        });
    }
    Outcome::Nothing
}

/// Whether a field can stand in a path: letters and digits, few of them.
fn is_key_part(text: &str) -> bool {
    (1..=KEY_PART_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
