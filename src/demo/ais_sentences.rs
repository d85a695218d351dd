//! What the demo's stations say by AIS, in the numbers of ITU-R M.1371-5. [`crate::ais::encode`] writes the sentences.

use compact_str::CompactString;

use super::place::{KNOT_MPS, Place, circle_deg};
use crate::ais::encode::{Form, sentences};
use crate::ais::from_values::{self, rate_of_turn, tenths_of_course, tenths_of_knots};
use crate::ais::message::{self, Aid, Aircraft, ClassA, ClassB, Dimensions, Eta, Fixed, Message, Static, Voyage};
use crate::kernel::update::Mmsi;

/// "Not available" of a heading.
const NO_HEADING: u16 = 511;

/// The changing part of a report.
#[derive(Debug, Clone, Copy)]
pub struct Motion {
    /// Where it is.
    pub place: Place,
    /// Speed over the ground, m/s.
    pub speed_mps: f64,
    /// Course over the ground, which is also the heading.
    pub course_deg: f64,
    /// Rate of turn in degrees per second, to starboard positive.
    pub turn_deg: f64,
}

impl Motion {
    /// Position report of class A: kind 1, or 3 while the reporting interval is not the usual one.
    pub fn class_a(&self, kind: u8, status: u8) -> Message {
        Message::ClassA(ClassA {
            kind,
            status,
            rate_of_turn: rate_of_turn(self.turn_deg * 60.0),
            speed: tenths_of_knots(self.speed_mps),
            place: place(self.place),
            course: tenths_of_course(self.course_deg),
            heading: circle_deg(self.course_deg.round()) as u16,
            manoeuvre: 0,
        })
    }

    /// Position report of class B. Small craft seldom have a compass on their AIS.
    pub fn class_b(&self) -> Message {
        Message::ClassB(ClassB {
            speed: tenths_of_knots(self.speed_mps),
            place: place(self.place),
            course: tenths_of_course(self.course_deg),
            heading: NO_HEADING,
            extended: None,
        })
    }

    /// Report of a search-and-rescue aircraft; its speed is in whole knots.
    pub fn aircraft(&self, altitude: u16) -> Message {
        let speed = (self.speed_mps / KNOT_MPS).round() as u16;
        Message::Aircraft(Aircraft {
            altitude,
            speed,
            place: place(self.place),
            course: tenths_of_course(self.course_deg),
        })
    }
}

/// Name and voyage of a class A ship. No IMO number and no time of arrival.
pub fn voyage(
    name: &'static str,
    call_sign: &'static str,
    ship_type: u8,
    dimensions: Dimensions,
    draught: u8,
    destination: &'static str,
) -> Message {
    Message::Voyage(Voyage {
        call_sign: CompactString::const_new(call_sign),
        name: CompactString::const_new(name),
        ship_type,
        dimensions,
        eta: Eta { month: 0, day: 0, hour: 24, minute: 60 },
        draught,
        destination: CompactString::const_new(destination),
        ..Voyage::default()
    })
}

/// Name of a class B unit: part A.
pub fn name_b(name: &'static str) -> Message {
    Message::Name(CompactString::const_new(name))
}

/// The other static data of a class B unit: part B.
pub fn details_b(call_sign: &'static str, ship_type: u8, dimensions: Dimensions) -> Message {
    Message::Static(Static { ship_type, call_sign: CompactString::const_new(call_sign), dimensions })
}

/// Base station.
pub fn base_station(at: Place) -> Message {
    Message::Fixed(Fixed { kind: 4, place: place(at) })
}

/// Aid to navigation, real and on its place.
pub fn aid(aid_type: u8, name: &'static str, at: Place) -> Message {
    Message::Aid(Aid { aid_type, name: CompactString::const_new(name), place: place(at), ..Aid::default() })
}

fn place(place: Place) -> message::Place {
    from_values::place(place.lat_deg, place.lon_deg)
}

/// Appends the sentences of one message. Whether they were more than one, so that the next long message needs another
/// sequence number.
pub fn send(mmsi: Mmsi, message: &Message, channel: char, sequence: u8, out: &mut Vec<u8>) -> bool {
    let lines = sentences(mmsi, message, Form { talker: "AI", own: false, channel: Some(channel), sequence });
    for line in &lines {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    lines.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motion_becomes_the_numbers_of_the_standard() {
        let place = Place::new(59.95, 24.8);
        let motion = Motion { place, speed_mps: 10.0 * KNOT_MPS, course_deg: 359.96, turn_deg: -0.5 };
        let expected = ClassA {
            kind: 1,
            status: 5,
            // -4.733 times the square root of 30 degrees a minute.
            rate_of_turn: -26,
            speed: 100,
            place: message::Place { longitude: 14_880_000, latitude: 35_970_000 },
            course: 0,
            heading: 0,
            manoeuvre: 0,
        };
        assert_eq!(motion.class_a(1, 5), Message::ClassA(expected));
        let Message::Aircraft(aircraft) = motion.aircraft(150) else { panic!("an aircraft") };
        assert_eq!((aircraft.altitude, aircraft.speed), (150, 10));
    }

    #[test]
    fn a_long_message_goes_in_two_parts() {
        let mmsi = Mmsi::new(230_999_001).unwrap();
        let mut out = Vec::new();
        let size = Dimensions { bow: 100, stern: 20, port: 8, starboard: 9 };
        assert!(send(mmsi, &voyage("BALTIC WREN", "OHTA1", 70, size, 62, "DEMO"), 'A', 3, &mut out));
        let text = String::from_utf8(out).unwrap();
        let parts: Vec<&str> = text.split_terminator("\r\n").collect();
        assert!(parts[0].starts_with("!AIVDM,2,1,3,A,5") && parts[1].starts_with("!AIVDM,2,2,3,A,"), "{text}");
        assert!(!send(mmsi, &name_b("WREN"), 'B', 4, &mut Vec::new()));
    }
}
