//! Lines as devices, line noise and ill will make them, for properties that hold for all of them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::OnceLock;

use proptest::prelude::*;
use taffrail::nmea0183::convert;

/// Proprietary addresses that are read, and some that are not.
const PROPRIETARY: [&str; 16] = [
    "STALK", "PSMDST", "PASHR", "PBVE", "PFEC", "PGRME", "PGRMM", "PGRMZ", "PNKEP", "PRDID", "PSAT", "PTNTHPR", "PUBX",
    "PSRF103", "PXXX", "P",
];

/// Every formatter of three letters that a converter is there for, found by asking for all of them.
pub fn formatters() -> &'static [String] {
    static FOUND: OnceLock<Vec<String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let letters = || 'A'..='Z';
        let all = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
        all.filter(|formatter| convert::converter(formatter).is_some()).collect()
    })
}

/// A line with its frame and checksum.
pub fn sealed(start: char, body: &str) -> String {
    format!("{start}{body}*{:02X}", body.bytes().fold(0, |sum, b| sum ^ b))
}

/// A field as sentences have them, or nearly.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "-?[0-9]{1,5}(\\.[0-9]{1,3})?",
        6 => "[NSEWAVTMRLCKIFfcwPDHB]",
        2 => "[0-9]{4,5}\\.[0-9]{1,4}",
        2 => "[0-9A-F]{2}",
        2 => "0[1-9]|1[0-6]|[1-9]",
        1 => "[0-9]{6}(\\.[0-9]{1,3})?",
        1 => "[0-9]{8,12}",
        1 => "[0-9]{300,320}",
        1 => "00|01|HPR|ATT|GPatt|GPhve|ENGINE#1|PITCH|ROLL|12|D3|R|\\^0A|\\^22|W72|W84|112",
        1 => "[A-P]{40,60}",
        1 => "(nan|inf|1e9|-|0x1F)",
        1 => "[ -~&&[^*$!\\\\,]]{0,40}",
        1 => "[åé\"]{0,12}",
        3 => Just(String::new()),
    ]
}

/// A sentence of any formatter that is read, of a few that are not, and of proprietary addresses.
pub fn sentence() -> impl Strategy<Value = String> {
    let formatter = prop::sample::select(formatters().to_vec());
    let address = prop_oneof![
        8 => ("GP|GN|II|GL|04", formatter).prop_map(|(talker, formatter)| talker + &formatter),
        3 => prop::sample::select(PROPRIETARY.to_vec()).prop_map(str::to_owned),
        1 => "[A-Z]{5}",
    ];
    (address, prop::collection::vec(field(), 0..64))
        .prop_map(|(address, fields)| sealed('$', &format!("{address},{}", fields.join(","))))
}

/// An AIS sentence with a payload of any type, alone or as any part of several.
pub fn ais() -> impl Strategy<Value = String> {
    let part = prop_oneof![3 => Just((1, 1)), 2 => (1..=3_u8, 1..=3_u8), 1 => (0..=9_u8, 0..=9_u8)];
    // The first character is the type; then payloads as long as their types need.
    let payload = prop_oneof![
        5 => "[0-W`-w]{28}",
        4 => "[0-W`-w]{50,72}",
        1 => "[0-W`-w]{0,188}",
        // Weather: area 1, functions 11, 31 and 33.
        2 => "8[0-W`-w]{5}h0G[hiklmn][0-W`-w]{52,150}",
    ];
    (part, "[0-9]?", "[AB12]?", payload, 0..7_u8, prop::bool::ANY).prop_map(
        |((total, number), sequence, channel, payload, fill, own)| {
            let formatter = if own { "VDO" } else { "VDM" };
            sealed('!', &format!("AI{formatter},{total},{number},{sequence},{channel},{payload},{fill}"))
        },
    )
}

/// The sentences of one route or group of satellites, whole and in order: what is published with the last of them is the
/// most that one sentence can give.
pub fn group() -> impl Strategy<Value = Vec<String>> {
    let route = (1..=6_u32, "[A-Z]{1,4}", prop::collection::vec("[A-Z]{1,8}|[å\"]{6}", 1..50)).prop_map(
        |(total, route, names)| {
            let waypoint = |name: &String| sealed('$', &format!("GPWPL,5959.999,N,02333.333,E,{name}"));
            let part = |n| sealed('$', &format!("GPRTE,{total},{n},c,{route},{}", names.join(",")));
            names.iter().map(waypoint).chain((1..=total).map(part)).collect()
        },
    );
    let satellites = (1..=16_u32).prop_map(|total| {
        let four = "01,40,083,46,02,17,308,41,12,07,344,39,14,22,228,45";
        (1..=total).map(|n| sealed('$', &format!("GPGSV,{total},{n},{},{four}", 4 * total))).collect()
    });
    prop_oneof![route, satellites]
}

/// A tag block with a right or wrong checksum.
fn tags() -> impl Strategy<Value = String> {
    ("[scgn]:[a-zA-Z0-9-]{0,20}(,[scg]:[0-9]{1,13})?", prop::bool::weighted(0.8)).prop_map(|(tags, right)| {
        let sum = tags.bytes().fold(u8::from(!right), |sum, b| sum ^ b);
        format!("\\{tags}*{sum:02X}\\")
    })
}

/// Any line: sound, tagged, cut short, changed, glued to another, or noise; without its end.
pub fn line() -> impl Strategy<Value = Vec<u8>> {
    let sound = || prop_oneof![3 => sentence(), 2 => ais()];
    prop_oneof![
        8 => sound().prop_map(String::into_bytes),
        2 => (tags(), sound()).prop_map(|(tags, line)| (tags + &line).into_bytes()),
        1 => (sound(), any::<prop::sample::Index>())
            .prop_map(|(line, at)| line.as_bytes()[..at.index(line.len())].to_vec()),
        1 => (sound(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(line, at, byte)| {
            let mut bytes = line.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        1 => (sound(), sound()).prop_map(|(a, b)| (a + &b).into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(prop::sample::select(b"$!\\*,AIVDM0".to_vec()), 0..1500),
    ]
}
