//! The keys of `[[input]]` that say how NMEA 0183 is read: `checksum`, `talkers` and `xdr`.

use super::rules::tables;
use crate::config::layers::{Reading, Section};
use crate::config::problem::Problems;
use crate::config::raw::{Raw, Spot};
use crate::config::{Checksum, Sentences, Transducer, reading};

/// Talkers with a group at the most; the standard has fewer than a hundred.
const TALKERS_MAX: usize = 100;
/// Characters of a talker, of the station of a tag block (15, NMEA 0183 4.11 section 7) or of a group.
const TALKER_CHARS_MAX: usize = 15;
/// A factor beyond these was meant as something else.
const FACTORS: std::ops::RangeInclusive<f64> = -1_000_000.0..=1_000_000.0;

const CHECKSUMS: &[(&str, Checksum)] =
    &[("required", Checksum::Required), ("optional", Checksum::Optional), ("ignored", Checksum::Ignored)];

/// Reads the three.
pub fn read(section: &mut Section, problems: &mut Problems) -> Sentences {
    let checksum = section.get("checksum", problems, reading::word(CHECKSUMS));
    let talkers = section.optional("talkers", problems, talkers).unwrap_or_default();
    let xdr = section.optional("xdr", problems, tables).unwrap_or_default();
    let xdr = xdr.into_iter().filter_map(|element| transducer(element, problems)).collect();
    Sentences { checksum, talkers, xdr }
}

fn talkers(raw: &Raw) -> Reading<Vec<(String, String)>> {
    let is_talker =
        |text: &str| (1..=TALKER_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_group = |text: &str| {
        (1..=TALKER_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let all = match raw {
        Raw::Table(fields) if (1..=TALKERS_MAX).contains(&fields.len()) => fields
            .iter()
            .map(|field| match &field.value.raw {
                Raw::Text(group) if is_talker(&field.name) && is_group(group) => {
                    Some((field.name.clone(), group.clone()))
                }
                _ => None,
            })
            .collect(),
        _ => None,
    };
    all.ok_or_else(|| {
        "talkers and their groups of 1 to 15 letters, digits, - and _, such as { GP = \"gnss\", GN = \"gnss\" }".into()
    })
}

fn transducer(element: Spot, problems: &mut Problems) -> Option<Transducer> {
    let mut section = Section::of_element("input.xdr", element, problems)?;
    let is_name = |text: &str| !text.contains(',') && text.matches('*').count() <= 1;
    let name = section.required("name", problems, reading::text_if(is_name, "a name as sent, with one * at the most"));
    if let Some(name) = &name {
        section.label(name);
    }
    let is_kind = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic());
    let kind = section.optional("kind", problems, reading::text_if(is_kind, "one letter, such as \"C\""));
    let is_unit = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'%');
    let unit = section.optional("unit", problems, reading::text_if(is_unit, "one character, such as \"C\""));
    let path = section.required("path", problems, reading::signalk_path);
    let factor = section.get("factor", problems, reading::number(FACTORS));
    let (name, path) = (name?, path?);
    if path.matches('*').count() > name.matches('*').count() {
        section.refuse_value("path", problems, "a * only where the name has one");
    }
    Some(Transducer { name, kind, unit, path, factor })
}
