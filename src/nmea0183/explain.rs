//! One line in words: what each field means, what its number is in SI units and at which path it arrives, what became of
//! the line and, where it was refused, why. `taffrail explain` prints this.
//!
//! The words come from the tables under `explain/`; the values and the verdict from the decoder
//! itself, so that an explanation cannot say anything that the server does not do.

mod proprietary;
mod sentences;

use std::fmt::Write as _;

use super::convert::device::is_ignored;
use super::sentence::{Demand, Refusal, Sentence};
use super::{Decoder, Options, Outcome, field, sentence, tag_block};
use crate::kernel::time::Now;

/// Column widths of the field table, in characters.
const NAME_WIDTH: usize = 38;
const RAW_WIDTH: usize = 14;
const VALUE_WIDTH: usize = 22;

/// What is known of a sentence apart from its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Description {
    /// Formatter, or the whole address of a proprietary sentence.
    formatter: &'static str,
    /// What the sentence is about.
    title: &'static str,
    /// Its fields from 1 on, separated by `|`. Each is a name, a word of [`read`] in braces where the field is more than
    /// text, and ` > path` where it has a path of its own.
    fields: &'static str,
    /// The fields that repeat after those, in the same form; empty for none.
    repeated: &'static str,
}

const fn sentence(formatter: &'static str, title: &'static str, fields: &'static str) -> Description {
    Description { formatter, title, fields, repeated: "" }
}

const fn group(
    formatter: &'static str,
    title: &'static str,
    fields: &'static str,
    repeated: &'static str,
) -> Description {
    Description { formatter, title, fields, repeated }
}

/// Explains one line in plain text, several lines long, each ended.
pub fn explain(line: &str, options: &Options, now: Now) -> String {
    let mut out = String::new();
    let bytes = line.trim().as_bytes();
    let untagged = tag_block::take(bytes);
    if untagged.bad > 0 {
        out.push_str("tag block: ignored, its checksum is missing or wrong\n");
    }
    if let Some(station) = untagged.tags.source {
        let _ = writeln!(out, "tag block: source {station} (shown instead of the talker)");
    }
    if let Some(time) = untagged.tags.time {
        let _ = writeln!(out, "tag block: time {time}");
    }
    if let Some(group) = untagged.tags.group {
        let _ = writeln!(out, "tag block: sentence, of how many, group: {group}");
    }
    let body = match sentence::check(untagged.rest, demand(options)) {
        Ok(checked) => Some(checked),
        Err(refusal) => {
            out.push_str(&refused(refusal));
            // The fields are worth reading all the same: the reader wants to know what was lost.
            sentence::check(untagged.rest, Demand::Nothing).ok()
        }
    };
    if let Some(checked) = body {
        let text = sentence::text(checked.body);
        push_sentence(&Sentence::parse(checked.encapsulated, &text), &mut out);
    }
    push_verdict(bytes, options, now, &mut out);
    out
}

fn demand(options: &Options) -> Demand {
    match (options.checksum_ignored, options.checksum_optional) {
        (true, _) => Demand::Nothing,
        (false, true) => Demand::RightIfThere,
        (false, false) => Demand::Right,
    }
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::NoSentence => "refused: no sentence; it has no $ or ! with an address after it\n".to_owned(),
        Refusal::ChecksumMissing => "refused: the checksum is missing (two hexadecimal digits after a *)\n".to_owned(),
        Refusal::ChecksumWrong { said, computed } => {
            format!("refused: the checksum says {said:02X}, the text adds up to {computed:02X}\n")
        }
        Refusal::Malformed => "refused: the address is not one of a talker and a sentence\n".to_owned(),
    }
}

fn push_sentence(s: &Sentence<'_>, out: &mut String) {
    let start = if s.encapsulated { '!' } else { '$' };
    let description = description(s.formatter);
    let undescribed =
        if is_ignored(s.formatter) { "known, without a place in Signal K" } else { "not known to Taffrail" };
    let title = description.map_or(undescribed, |d| d.title);
    let _ = write!(out, "{start}{}{}: {title}", s.talker, s.formatter);
    if let Some(talker) = talker(s.talker) {
        let _ = write!(out, " (talker {}: {talker})", s.talker);
    }
    out.push('\n');
    for n in 1..=s.fields().len() {
        push_field(s, n, description, out);
    }
}

fn push_field(s: &Sentence<'_>, n: usize, description: Option<&Description>, out: &mut String) {
    // Since NMEA 4.10 one more field stands behind the satellites of a GSV.
    let is_signal = s.formatter == "GSV" && n == s.fields().len() && n % 4 == 0;
    let spec = if is_signal { "signal" } else { description.and_then(|d| spec(d, n)).unwrap_or("?") };
    let (spec, path) = spec.split_once(" > ").unwrap_or((spec, ""));
    let (name, reads) = spec.split_once('{').unwrap_or((spec, ""));
    let raw = s.field(n);
    let value = read(reads.trim_end_matches('}'), raw);
    let mut line = format!("{n:>4}  {name:<NAME_WIDTH$} {raw:<RAW_WIDTH$} {value:<VALUE_WIDTH$} {path}");
    line.truncate(line.trim_end().len());
    out.push_str(&line);
    out.push('\n');
}

fn description(formatter: &str) -> Option<&'static Description> {
    let all = sentences::SENTENCES.iter().chain(proprietary::SENTENCES);
    // A proprietary address is followed by product letters as often as not: the longest known beginning counts.
    all.filter(|d| formatter.starts_with(d.formatter)).max_by_key(|d| d.formatter.len())
}

/// What field `n` (from 1) is.
fn spec(d: &Description, n: usize) -> Option<&'static str> {
    let fixed = if d.fields.is_empty() { 0 } else { d.fields.split('|').count() };
    if n <= fixed {
        return d.fields.split('|').nth(n - 1);
    }
    let period = if d.repeated.is_empty() { return None } else { d.repeated.split('|').count() };
    d.repeated.split('|').nth((n - fixed - 1) % period)
}

/// A field in SI units or words, by the word in braces of its description. Empty for a text.
fn read(reads: &str, raw: &str) -> String {
    if raw.is_empty() || reads.is_empty() {
        return String::new();
    }
    let number = |n: Option<f64>, unit: &str| n.map(|n| format!("{} {unit}", rounded(n)));
    let value = match reads {
        "kn" => number(field::knots(raw), "m/s"),
        "km/h" => number(field::kmh(raw), "m/s"),
        "m/s" => number(field::number(raw), "m/s"),
        "nm" => number(field::nautical_miles(raw), "m"),
        "km" => number(field::kilometres(raw), "m"),
        "m" => number(field::number(raw), "m"),
        "ft" => number(field::feet(raw), "m"),
        "fathoms" => number(field::fathoms(raw), "m"),
        "deg" => number(field::degrees(raw), "rad"),
        "deg/min" => number(field::degrees_per_minute(raw), "rad/s"),
        "C" => number(field::celsius(raw), "K"),
        "bar" => number(field::bar(raw), "Pa"),
        "inHg" => number(field::inches_of_mercury(raw), "Pa"),
        "%" => number(field::percent(raw), "(ratio)"),
        "rpm" => number(field::revolutions_per_minute(raw), "Hz"),
        "s" => number(field::number(raw), "s"),
        "dB" => number(field::number(raw), "dB"),
        "n" => field::number(raw).map(rounded),
        "hex" => field::hex(raw).map(|n| n.to_string()),
        "time" => field::time_of_day(raw).map(|ms| {
            let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
            format!("{hour:02}:{minute:02}:{:02}.{:03} UTC", ms / 1000 % 60, ms % 1000)
        }),
        "date" => field::date(raw).map(|t| t.to_string()[..10].to_owned()),
        "lat" => angle(raw, "N"),
        "lon" => angle(raw, "E"),
        "status" => field::status(raw).map(|valid| if valid { "valid" } else { "not valid" }.to_owned()),
        "flag" => field::status(raw).map(|yes| if yes { "yes" } else { "no" }.to_owned()),
        "mode" => mode(raw).map(str::to_owned),
        _ => Some(String::new()),
    };
    value.unwrap_or_else(|| "(not readable)".to_owned())
}

/// Degrees of a `dddmm.mm` field without its letter.
fn angle(raw: &str, letter: &str) -> Option<String> {
    let position = match letter {
        "N" => field::latitude_longitude(raw, "N", "0000", "E").map(|p| p.latitude),
        _ => field::latitude_longitude("0000", "N", raw, "E").map(|p| p.longitude),
    };
    position.map(|n| format!("{} degrees", rounded(n)))
}

fn mode(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "A" => "autonomous",
        "D" => "differential",
        "E" => "estimated",
        "F" => "RTK float",
        "M" => "manual input",
        "N" => "not valid",
        "P" => "precise",
        "R" => "RTK fixed",
        "S" => "simulator",
        _ => return None,
    })
}

/// Seven significant digits are more than any instrument has.
fn rounded(n: f64) -> String {
    let text = format!("{n:.7}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn push_verdict(bytes: &[u8], options: &Options, now: Now, out: &mut String) {
    let mut updates = Vec::new();
    let outcome = Decoder::new(options.clone()).line(bytes, now, &mut updates);
    out.push_str(match outcome {
        Outcome::Understood => "understood, and published:\n",
        Outcome::Nothing if updates.is_empty() => {
            "nothing to publish: part of a group, an empty report, or a sentence without a path in Signal K\n"
        }
        Outcome::Nothing => "an empty report; published:\n",
        Outcome::Void if updates.is_empty() => "void: its sender marks it as not valid; nothing is published\n",
        Outcome::Void => "void: its sender marks it as not valid; published:\n",
        Outcome::Unknown => "unknown: a correct sentence of a kind that Taffrail does not decode\n",
        Outcome::BadChecksum => "not published: checksum\n",
        Outcome::Malformed => "not published: the content cannot be\n",
        Outcome::Noise => "not published: no sentence\n",
    });
    for update in &updates {
        if let Some(context) = update.context.to_text() {
            let _ = writeln!(out, "  about {context}");
        }
        if let Some(time) = update.timestamp {
            let _ = writeln!(out, "  at {time}");
        }
        for v in &update.values {
            let path = if v.path.is_empty() { "(identity)" } else { v.path.as_str() };
            let _ = writeln!(out, "  {path} = {}", v.value.to_json());
        }
    }
}

/// What kind of device a talker is, for the common ones.
fn talker(code: &str) -> Option<&'static str> {
    Some(match code {
        "AB" => "AIS base station, independent",
        "AD" | "BS" => "AIS base station",
        "AG" | "AP" => "autopilot",
        "AI" => "AIS station",
        "AN" => "AIS aid to navigation",
        "AR" => "AIS receiver",
        "BD" | "GB" => "BeiDou receiver",
        "CD" => "DSC radio",
        "CC" | "CM" => "computer",
        "CV" | "CT" | "CX" => "radio",
        "DF" => "direction finder",
        "EC" => "electronic chart system",
        "EP" => "emergency beacon",
        "ER" => "engine room",
        "GA" => "Galileo receiver",
        "GI" => "NavIC receiver",
        "GL" => "GLONASS receiver",
        "GN" => "receiver of several satellite systems",
        "GP" => "GPS receiver",
        "GQ" | "QZ" => "QZSS receiver",
        "HC" => "magnetic compass",
        "HE" => "gyro compass",
        "HF" => "fluxgate compass",
        "HN" => "gyro compass, not north seeking",
        "II" => "integrated instruments",
        "IN" => "integrated navigation",
        "LC" => "Loran-C receiver",
        "RA" => "radar",
        "RI" | "SG" => "steering gear",
        "SD" => "depth sounder",
        "SN" => "positioning system",
        "SS" => "scanning sounder",
        "ST" => "SeaTalk converter",
        "TI" => "turn rate indicator",
        "VD" => "Doppler log",
        "VM" => "magnetic log",
        "VW" => "mechanical log",
        "WI" => "weather instrument",
        "YX" => "transducer",
        "ZA" | "ZC" | "ZQ" | "ZV" => "clock",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(line: &str) -> String {
        explain(line, &Options::default(), Now::default())
    }

    #[test]
    fn every_field_has_its_meaning_value_and_path() {
        let text = explained("$GPRMC,085412.000,A,5222.3198,N,00454.5784,E,0.58,251.34,030414,,,A*65");
        let parts =
            ["$GPRMC: ", "GPS receiver)", "08:54:12.000 UTC", "2014-04-03", "52.3719967 degrees", "0.2983778 m/s"];
        for part in parts {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let speed = text.lines().find(|line| line.starts_with("   7")).unwrap();
        assert!(speed.ends_with("navigation.speedOverGround"), "{speed}");
        assert!(text.contains("understood, and published:\n  at 2014-04-03T08:54:12.000Z\n"), "{text}");
        assert!(explained("$GPGSV,1,1,01,01,40,083,46,1*51").contains("   8  signal "));
        assert!(text.contains("  navigation.position = {\"latitude\":52.37199"), "{text}");
    }

    #[test]
    fn a_refusal_says_why_and_still_reads_the_fields() {
        let text = explained("$IIDBT,035.53,f,010.83,M,005.85,F*24");
        assert!(text.starts_with("refused: the checksum says 24, the text adds up to 23\n$IIDBT: "), "{text}");
        assert!(text.contains("10.83 m ") && text.ends_with("not published: checksum\n"), "{text}");
        let ignored = Options { checksum_ignored: true, ..Options::default() };
        assert!(explain("$IIMTW,50,F", &ignored, Now::default()).ends_with("the content cannot be\n"));
        assert!(explain("$IIMTW,warm,C", &ignored, Now::default()).contains("(not readable)"));
        assert!(explained("hello").contains("no sentence"));
    }

    #[test]
    fn every_sentence_that_is_decoded_is_described() {
        let letters = || (b'A'..=b'Z').chain(b'0'..=b'9').map(char::from);
        for a in letters() {
            for b in letters() {
                for c in letters() {
                    let formatter = String::from_iter([a, b, c]);
                    if super::super::convert::converter(&formatter).is_some() {
                        assert!(description(&formatter).is_some(), "{formatter}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_tables_are_in_order_and_their_words_are_known() {
        for d in sentences::SENTENCES.iter().chain(proprietary::SENTENCES) {
            for spec in d.fields.split('|').chain(d.repeated.split('|')).filter(|spec| !spec.is_empty()) {
                let (spec, _) = spec.split_once(" > ").unwrap_or((spec, ""));
                let name = spec.split_once('{').map_or(spec, |(name, _)| name);
                assert!(name.len() <= NAME_WIDTH, "{} {spec}", d.formatter);
                if let Some((_, rest)) = spec.split_once('{') {
                    let (word, _) = rest.split_once('}').expect("braces close");
                    assert!(!read(word, "x").is_empty(), "{}: {{{word}}} is not known", d.formatter);
                }
            }
        }
        let names: Vec<_> = sentences::SENTENCES.iter().map(|d| d.formatter).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn repeated_fields_repeat() {
        let d = description("GSV").unwrap();
        assert_eq!(spec(d, 4), spec(d, 8));
        assert_ne!(spec(d, 4), spec(d, 5));
        assert_eq!(spec(description("HDT").unwrap(), 3), None);
    }
}
