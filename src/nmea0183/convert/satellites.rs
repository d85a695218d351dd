//! Satellites in view: GSV, a group of sentences for each system and signal.

use compact_str::CompactString;

use super::super::sentence::Sentence;
use super::super::{Outcome, field};
use super::{State, understood};
use crate::kernel::update::{Source, Update};
use crate::kernel::value::{Value, push_number, push_text};
use crate::steps;

/// Groups open at the same time; a receiver with six systems on two signals each has twelve. The oldest goes first.
const GROUPS_MAX: usize = 16;
/// Sentences of one group; the standard has nine.
const SENTENCES_MAX: u32 = 16;
/// Satellites in one sentence.
const PER_SENTENCE: usize = 4;

/// The open groups of one device.
#[derive(Debug, Default)]
pub struct Groups(Vec<Group>);

#[derive(Debug)]
struct Group {
    talker: CompactString,
    signal: CompactString,
    antenna: Antenna,
    total: u32,
    seen: u32,
    count: Option<i64>,
    satellites: Vec<Satellite>,
}

/// A compass by satellites has two antennas, and sends what the second one sees as `GSVH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Antenna {
    First,
    Second,
}

#[derive(Debug, Clone, Copy)]
struct Satellite {
    id: i64,
    elevation: Option<f64>,
    azimuth: Option<f64>,
    snr: Option<f64>,
}

/// GSV: 1 sentences in the group, 2 number of this one, 3 satellites in view, then four fields for each of up to four
/// satellites: number, elevation and azimuth (degrees), signal to noise (dB); at the end, since NMEA 4.10, the signal.
/// Published with the last sentence of a group that came in order; a first sentence starts its group afresh. What the second
/// antenna of a compass sees comes from a talker of its own, so that the two do not take turns.
pub fn gsv(s: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let data = s.fields().get(3..).unwrap_or_default();
    let (data, signal) = match data.split_last() {
        Some((signal, rest)) if data.len() % 4 == 1 => (rest, *signal),
        _ => (data, ""),
    };
    let Some(number) = field::count(s.field(2)) else {
        return if s.field(2).is_empty() { Outcome::Nothing } else { Outcome::Malformed };
    };
    let antenna = if s.as_sent == "GSVH" { Antenna::Second } else { Antenna::First };
    let groups = &mut state.satellites.0;
    steps::took(groups.len() + data.len());
    let place = groups.iter().position(|g| g.talker == s.talker && g.signal == signal && g.antenna == antenna);
    let place = match (number, field::count(s.field(1))) {
        (1, Some(total)) if (1..=SENTENCES_MAX).contains(&total) => {
            if let Some(old) = place {
                groups.remove(old);
            } else if groups.len() == GROUPS_MAX {
                groups.remove(0);
            }
            groups.push(Group {
                talker: CompactString::new(s.talker),
                signal: CompactString::new(signal),
                antenna,
                total,
                seen: 0,
                count: None,
                satellites: Vec::with_capacity(total as usize * PER_SENTENCE),
            });
            groups.len() - 1
        }
        // Some receivers leave the total out in all but the first.
        (2.., total) => match place {
            Some(place) if number == groups[place].seen + 1 && total.is_none_or(|n| n == groups[place].total) => place,
            Some(place) => {
                groups.remove(place);
                return Outcome::Nothing;
            }
            None => return Outcome::Nothing,
        },
        _ => return Outcome::Malformed,
    };
    let group = &mut groups[place];
    group.seen = number;
    group.count = field::integer(s.field(3)).or(group.count);
    group.satellites.extend(data.chunks(4).take(PER_SENTENCE).filter_map(|fields| satellite(s.talker, fields)));
    if group.seen < group.total {
        return Outcome::Nothing;
    }
    let group = groups.remove(place);
    if let (Antenna::Second, Source::Nmea0183(source)) = (antenna, &mut update.source) {
        source.talker.push_str("-H");
    }
    update.push("navigation.gnss.satellitesInView", Value::json(group.to_json()));
    understood(update)
}

/// One satellite; some receivers leave out the empty fields of the last one.
fn satellite(talker: &str, fields: &[&str]) -> Option<Satellite> {
    let field_at = |n: usize| fields.get(n).copied().unwrap_or_default();
    let number = field::integer(field_at(0))?;
    Some(Satellite {
        // GLONASS slots are sent as 65 to 96.
        id: if talker == "GL" && (65..=96).contains(&number) { number - 64 } else { number },
        elevation: field::degrees(field_at(1)),
        azimuth: field::direction(field_at(2)),
        snr: field::number(field_at(3)),
    })
}

/// The system that a talker stands for; none for `GN`, which is a mixture.
fn system(talker: &str) -> Option<&'static str> {
    Some(match talker {
        "GP" => "GPS",
        "GL" => "GLONASS",
        "GA" => "GALILEO",
        "GB" | "BD" => "BEIDOU",
        "GQ" | "QZ" => "QZSS",
        "GI" => "NAVIC",
        _ => return None,
    })
}

impl Group {
    fn to_json(&self) -> String {
        steps::took(80 * self.satellites.len());
        let mut out = String::with_capacity(32 + 80 * self.satellites.len());
        out.push_str("{\"count\":");
        let count = self.count.unwrap_or(self.satellites.len() as i64);
        out.push_str(itoa::Buffer::new().format(count));
        if let Some(system) = system(&self.talker) {
            out.push_str(",\"gnss\":");
            push_text(system, &mut out);
        }
        if self.antenna == Antenna::Second {
            out.push_str(",\"antennaType\":\"SLAVE\"");
        }
        out.push_str(",\"satellites\":[");
        for (i, satellite) in self.satellites.iter().enumerate() {
            out.push_str(if i == 0 { "{\"id\":" } else { ",{\"id\":" });
            out.push_str(itoa::Buffer::new().format(satellite.id));
            let numbers = [("elevation", satellite.elevation), ("azimuth", satellite.azimuth), ("SNR", satellite.snr)];
            for (name, n) in numbers {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":");
                match n {
                    Some(n) => push_number(n, &mut out),
                    None => out.push_str("null"),
                }
            }
            out.push('}');
        }
        out.push_str("]}");
        out
    }
}
