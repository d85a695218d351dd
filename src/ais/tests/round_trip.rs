//! What is encoded reads back, and nothing does harm.

use compact_str::CompactString;
use proptest::prelude::*;

use super::{feed, now};
use crate::ais::encode::{Form, sentences};
use crate::ais::message::{Aid, Aircraft, ClassA, ClassB, Dimensions, Eta, Fixed, Message, Place, Static, Voyage};
use crate::ais::{Decoder, Tag};
use crate::kernel::update::Mmsi;
use crate::nmea0183::sentence::Sentence;

fn six_bit_text(most: usize) -> impl Strategy<Value = CompactString> {
    prop::string::string_regex(&format!("([A-Z0-9!-?]([ A-Z0-9!-?]{{0,{}}}[A-Z0-9!-?])?)?", most - 2))
        .unwrap()
        .prop_map(CompactString::from)
}

fn any_place() -> impl Strategy<Value = Place> {
    (-(1_i32 << 27)..1 << 27, -(1_i32 << 26)..1 << 26).prop_map(|(longitude, latitude)| Place { longitude, latitude })
}

fn any_size() -> impl Strategy<Value = Dimensions> {
    (0_u16..512, 0_u16..512, 0_u16..64, 0_u16..64).prop_map(|(bow, stern, port, starboard)| Dimensions {
        bow,
        stern,
        port,
        starboard,
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let class_a = (1_u8..4, 0_u8..16, any::<i8>(), 0_u16..1024, any_place(), 0_u16..4096, 0_u16..512, 0_u8..4)
        .prop_map(|(kind, status, rate_of_turn, speed, place, course, heading, manoeuvre)| {
            Message::ClassA(ClassA { kind, status, rate_of_turn, speed, place, course, heading, manoeuvre })
        });
    let base = any_place().prop_map(|place| Message::Fixed(Fixed { kind: 4, place }));
    let eta = (0_u8..16, 0_u8..32, 0_u8..32, 0_u8..64).prop_map(|(month, day, hour, minute)| Eta {
        month,
        day,
        hour,
        minute,
    });
    let numbers = (0_u8..4, 0_u32..1 << 30, any::<u8>(), any::<u8>());
    let voyage = (numbers, six_bit_text(7), six_bit_text(20), any_size(), eta, six_bit_text(20)).prop_map(
        |((edition, imo, ship_type, draught), call_sign, name, dimensions, eta, destination)| {
            Message::Voyage(Voyage { edition, imo, call_sign, name, ship_type, dimensions, eta, draught, destination })
        },
    );
    let aircraft = (0_u16..4096, 0_u16..1024, any_place(), 0_u16..4096)
        .prop_map(|(altitude, speed, place, course)| Message::Aircraft(Aircraft { altitude, speed, place, course }));
    let class_b = (0_u16..1024, any_place(), 0_u16..4096, 0_u16..512).prop_map(|(speed, place, course, heading)| {
        Message::ClassB(ClassB { speed, place, course, heading, extended: None })
    });
    let aid = (0_u8..32, six_bit_text(34), any_place(), any_size(), any::<bool>(), any::<bool>()).prop_map(
        |(aid_type, name, place, dimensions, off_position, virtual_aid)| {
            Message::Aid(Aid { aid_type, name, place, dimensions, off_position, virtual_aid })
        },
    );
    let name = six_bit_text(20).prop_map(Message::Name);
    let part = (any::<u8>(), six_bit_text(7), any_size())
        .prop_map(|(ship_type, call_sign, dimensions)| Message::Static(Static { ship_type, call_sign, dimensions }));
    prop_oneof![class_a, base, voyage, aircraft, class_b, aid, name, part]
}

/// The payload fields of our own sentences, put together again.
fn read_back(lines: &[String]) -> (Mmsi, Message) {
    let mut payload = crate::ais::sixbit::Payload::new();
    for line in lines {
        assert!(line.len() <= 80, "{line} has no room for its line end");
        let fields: Vec<&str> = line.split(',').collect();
        payload.push(fields[5].as_bytes()).unwrap();
        payload.set_fill(fields[6][..1].parse().unwrap());
    }
    Message::read(&payload).unwrap()
}

proptest! {
    #[test]
    fn what_is_encoded_reads_back(mmsi in 1_u32..980_000_000, message in any_message()) {
        let mmsi = Mmsi::new(mmsi).unwrap();
        let form = Form { talker: "AI", own: true, channel: Some('B'), sequence: 9 };
        prop_assert_eq!(read_back(&sentences(mmsi, &message, form)), (mmsi, message));
    }

    #[test]
    fn any_payload_is_read_or_refused_without_harm(payload in "[0-W`-w]{0,188}", fill in 0_u8..6, own: bool) {
        let fields = format!("1,1,,A,{payload},{fill}");
        let sentence = Sentence::from_parts(true, "AI", "VDM", &fields);
        let mut out = Vec::new();
        Decoder::new().sentence(&sentence, Tag::default(), own, now(0), &mut out);
        for update in &out {
            prop_assert!(!update.values.is_empty());
            for value in &update.values {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&value.value.to_json()).is_ok());
            }
        }
    }

    #[test]
    fn any_fields_are_read_or_refused_without_harm(fields in ".{0,80}", ms: u64, group: Option<u32>) {
        let sentence = Sentence::from_parts(true, "AI", "VDM", &fields);
        let tag = Tag { source: None, group };
        Decoder::new().sentence(&sentence, tag, false, now(ms), &mut Vec::new());
    }

    #[test]
    fn receivers_that_can_be_told_apart_may_interleave_as_they_like(
        names in prop::collection::vec(six_bit_text(20), 1..20),
        order in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        // One receiver for each name; each sends its two parts in order, the order among them is anyone's.
        let parts: Vec<Vec<String>> = names
            .iter()
            .map(|name| {
                let voyage = Voyage { name: name.clone(), ..Voyage::default() };
                let form = Form { talker: "AI", own: false, channel: Some('A'), sequence: 1 };
                sentences(Mmsi::new(230_000_001).unwrap(), &Message::Voyage(voyage), form)
            })
            .collect();
        let mut left: Vec<(usize, usize)> = (0..names.len()).map(|receiver| (receiver, 0)).collect();
        let mut decoder = Decoder::new();
        for index in order {
            if left.is_empty() {
                break;
            }
            let at = index.index(left.len());
            let (receiver, part) = left[at];
            let station = format!("r{receiver}");
            let tag = Tag { source: Some(&station), group: None };
            let mut out = Vec::new();
            feed(&mut decoder, &parts[receiver][part], tag, false, &mut out);
            if part == 0 {
                left[at].1 = 1;
                prop_assert!(out.is_empty());
                continue;
            }
            left.remove(at);
            let mut expected = String::from("{\"name\":");
            crate::kernel::value::push_text(&names[receiver], &mut expected);
            expected.push('}');
            let named = out[0].values.iter().any(|v| v.value.to_json() == expected);
            prop_assert!(named || names[receiver].is_empty());
        }
    }
}
