//! Servers that read from each other: how they keep data from going round in circles.
//!
//! Every server has an [`Instance`]. Of every source that comes from another server it remembers the servers that it came
//! through, and it never gives such a source to one of them: two servers that read from each other stay quiet, and so does
//! a ring of any length. For this, servers tell each other two things in messages that nobody else is sent and that every
//! Signal K server and client passes over, since the key is none of theirs:
//!
//! - who they are: `{"taffrail":{"instance":"<32 hexadecimal digits>"}}`, from the reading server first (or as the query
//!   `taffrail=<32 hexadecimal digits>` of its WebSocket), and from the other one in reply, before any data;
//! - before the first delta of a source that came from elsewhere, through whom: `{"taffrail":{"via":{"<$source>":["…"]}}}`,
//!   the nearest first. A source without such a message is the speaker's own.
//!
//! A server that knows nothing of this is [`Instance::UNKNOWN`]; what comes from it is compared with what we know already.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::id::Instance;
use super::json;

/// Servers that a source may come through. Eight boats in a row is more than anybody has.
pub const VIA_MAX: usize = 8;

/// What one server tells another beside data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Who it is.
    pub instance: Option<Instance>,
    /// Through whom sources come to it.
    pub via: Vec<(String, Vec<Instance>)>,
}

/// Who we are, as a message.
pub fn introduction(instance: Instance) -> String {
    format!("{{\"taffrail\":{{\"instance\":\"{instance}\"}}}}")
}

/// Through whom `source` comes to us, as a message.
pub fn provenance(source: &str, via: &[Instance]) -> String {
    let mut out = format!("{{\"taffrail\":{{\"via\":{{\"{source}\":[");
    for (i, instance) in via.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\"{instance}\"");
    }
    out.push_str("]}}}");
    out
}

/// Reads the value of a message's key `taffrail`. What is not as it should be is left out.
pub fn read(raw: &RawValue) -> Word {
    #[derive(Deserialize)]
    struct RawWord {
        #[serde(default)]
        instance: Option<String>,
        #[serde(default)]
        via: BTreeMap<String, Vec<String>>,
    }
    let Some(word) = json::object::<RawWord>(raw.get()) else { return Word::default() };
    let via = word.via.into_iter().map(|(source, via)| {
        let known = via.iter().map(|text| Instance::parse(text).unwrap_or(Instance::UNKNOWN));
        (source, known.take(VIA_MAX).collect())
    });
    Word { instance: word.instance.as_deref().and_then(Instance::parse), via: via.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let (a, b) = (Instance(7), Instance(u128::MAX));
        let word = |text: &str| {
            #[derive(Deserialize)]
            struct Message<'a> {
                #[serde(borrow)]
                taffrail: &'a RawValue,
            }
            read(json::object::<Message<'_>>(text).unwrap().taffrail)
        };
        assert_eq!(word(&introduction(a)), Word { instance: Some(a), via: vec![] });
        let said = word(&provenance("b.gps.GP", &[b, a]));
        assert_eq!(said.via, [("b.gps.GP".to_owned(), vec![b, a])]);
        assert_eq!(word(r#"{"taffrail":{"instance":"7","x":1}}"#), Word::default());
        assert_eq!(word(r#"{"taffrail":[7]}"#), Word::default());
        assert_eq!(word(r#"{"taffrail":{"via":{"s":["?"]}}}"#).via[0].1, [Instance::UNKNOWN]);
    }
}
