//! Updates as Signal K delta messages, one compact JSON object a line: what `taffrail convert` prints.

use std::fmt::Write as _;

use crate::kernel::update::{Context, Nmea0183Source, Source, Update};
use crate::kernel::value::push_text;

/// Appends one update as a delta message, without a line end. No `context` means the own vessel. An update of a sentence
/// carries its `source` object; any other the `$source` that it came with.
pub fn push_delta(update: &Update, out: &mut String) {
    out.push('{');
    match &update.context {
        Context::Own => {}
        Context::Mmsi(root, mmsi) => {
            // Writing into a String cannot fail.
            let _ = write!(out, "\"context\":\"{}.urn:mrn:imo:mmsi:{mmsi}\",", root.as_str());
        }
        Context::Named(name) => {
            out.push_str("\"context\":");
            push_text(name, out);
            out.push(',');
        }
    }
    out.push_str("\"updates\":[{");
    match &update.source {
        Source::Nmea0183(source) => {
            out.push_str("\"source\":");
            push_source(source, out);
        }
        Source::Ref(name) | Source::Described(name, _) => {
            out.push_str("\"$source\":");
            push_text(name, out);
        }
        Source::Relayed(relayed) => {
            out.push_str("\"$source\":");
            push_text(&relayed.name, out);
        }
    }
    if let Some(time) = update.timestamp {
        out.push_str(",\"timestamp\":\"");
        time.push_to(out);
        out.push('"');
    }
    out.push_str(",\"values\":[");
    for (i, v) in update.values.iter().enumerate() {
        out.push_str(if i == 0 { "{\"path\":" } else { ",{\"path\":" });
        push_text(&v.path, out);
        out.push_str(",\"value\":");
        v.value.write_json(out);
        out.push('}');
    }
    out.push(']');
    if !update.meta.is_empty() {
        out.push_str(",\"meta\":[");
        for (i, m) in update.meta.iter().enumerate() {
            out.push_str(if i == 0 { "{\"path\":" } else { ",{\"path\":" });
            push_text(&m.path, out);
            out.push_str(",\"value\":");
            out.push_str(&m.meta);
            out.push('}');
        }
        out.push(']');
    }
    out.push_str("}]}");
}

/// One update as a delta message.
pub fn delta(update: &Update) -> String {
    let mut out = String::with_capacity(96 + 64 * update.values.len());
    push_delta(update, &mut out);
    out
}

/// Appends the `source` object of a sentence.
pub fn push_source(source: &Nmea0183Source, out: &mut String) {
    out.push_str("{\"sentence\":");
    push_text(&source.sentence, out);
    out.push_str(",\"talker\":");
    push_text(&source.talker, out);
    out.push_str(",\"type\":\"NMEA0183\"");
    if let Some(label) = &source.label {
        out.push_str(",\"label\":");
        push_text(label, out);
    }
    if let Some(ais_type) = source.ais_type {
        out.push_str(",\"aisType\":");
        out.push_str(itoa::Buffer::new().format(ais_type));
    }
    out.push('}');
}
