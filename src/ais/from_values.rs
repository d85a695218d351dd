//! The way back of [`super::to_update`]: what the model knows of a target as the messages that its transponder would send,
//! for plotters that know AIS and nothing else. [`super::encode`] makes sentences of them.

use compact_str::CompactString;

use super::message::{Aid, Aircraft, ClassA, ClassB, Dimensions, Eta, Fixed, Message, Place, Static, Voyage};
use super::to_update::{DEGREE, DEGREE_PER_MINUTE, KNOT, PLACE_UNITS, state};
use crate::kernel::update::Root;
use crate::kernel::value::Value;

/// Paths of which the position report of a target is made.
pub const MOVING: [&str; 6] = [
    "navigation.position",
    "navigation.speedOverGround",
    "navigation.courseOverGroundTrue",
    "navigation.headingTrue",
    "navigation.rateOfTurn",
    "navigation.state",
];

/// Paths of which its static reports are made, besides.
pub const STATIC: [&str; 14] = [
    "name",
    "communication.callsignVhf",
    "registrations.imo",
    "design.aisShipType",
    "design.length",
    "design.beam",
    "design.draft",
    "navigation.destination.commonName",
    "sensors.ais.class",
    "sensors.ais.fromBow",
    "sensors.ais.fromCenter",
    "navigation.gnss.antennaAltitude",
    "atonType",
    "virtual",
];

/// What is known of a target, by path.
pub trait Known {
    /// The value of one of [`MOVING`] or [`STATIC`]; `None` for none, and for null.
    fn value(&self, path: &str) -> Option<&Value>;
}

/// The report of where the target is and how it moves; `None` while it is not known where.
pub fn report(root: Root, target: &impl Known) -> Option<Message> {
    let position = match target.value("navigation.position") {
        Some(Value::Position(position)) => place(position.latitude, position.longitude),
        _ => return None,
    };
    let speed = number(target, "navigation.speedOverGround");
    let course =
        number(target, "navigation.courseOverGroundTrue").map_or(3600, |radians| tenths_of_course(radians / DEGREE));
    let heading = number(target, "navigation.headingTrue")
        .map_or(511, |radians| (radians / DEGREE).round().rem_euclid(360.0) as u16);
    Some(match kind(root, target) {
        Kind::ClassA => Message::ClassA(ClassA {
            kind: 1,
            status: text(target, "navigation.state").map_or(15, |name| status(&name)),
            rate_of_turn: number(target, "navigation.rateOfTurn")
                .map_or(-128, |turn| rate_of_turn(turn / DEGREE_PER_MINUTE)),
            speed: speed.map_or(1023, tenths_of_knots),
            place: position,
            course,
            heading,
            manoeuvre: 0,
        }),
        Kind::ClassB => Message::ClassB(ClassB {
            speed: speed.map_or(1023, tenths_of_knots),
            place: position,
            course,
            heading,
            extended: None,
        }),
        Kind::Aircraft => Message::Aircraft(Aircraft {
            altitude: number(target, "navigation.gnss.antennaAltitude")
                .map_or(4095, |metres| metres.round().clamp(0.0, 4094.0) as u16),
            speed: speed.map_or(1023, |speed| (speed / KNOT).round().clamp(0.0, 1022.0) as u16),
            place: position,
            course,
        }),
        Kind::Base => Message::Fixed(Fixed { kind: 4, place: position }),
        Kind::Aid => Message::Aid(Aid {
            aid_type: member(target, "atonType", "id").map_or(0, |id| id as u8),
            name: text(target, "name").unwrap_or_default(),
            place: position,
            dimensions: dimensions(target),
            off_position: false,
            virtual_aid: matches!(target.value("virtual"), Some(Value::Bool(true))),
        }),
    })
}

/// The reports of its name, size and voyage; none where nothing of that is known, or its kind has none.
pub fn statics(root: Root, target: &impl Known) -> Vec<Message> {
    let name = text(target, "name");
    let call_sign = text(target, "communication.callsignVhf").unwrap_or_default();
    let ship_type = member(target, "design.aisShipType", "id").map_or(0, |id| id.clamp(0.0, 255.0) as u8);
    let dimensions = dimensions(target);
    let is_nothing = call_sign.is_empty() && ship_type == 0 && dimensions == Dimensions::default();
    match kind(root, target) {
        Kind::ClassA if is_nothing && name.is_none() => Vec::new(),
        Kind::ClassA => vec![Message::Voyage(Voyage {
            edition: 0,
            imo: text(target, "registrations.imo")
                .and_then(|imo| imo.trim_start_matches("IMO").trim().parse().ok())
                .unwrap_or(0),
            call_sign,
            name: name.unwrap_or_default(),
            ship_type,
            dimensions,
            eta: Eta { month: 0, day: 0, hour: 24, minute: 60 },
            draught: member(target, "design.draft", "current")
                .map_or(0, |m| (m * 10.0).round().clamp(0.0, 255.0) as u8),
            destination: text(target, "navigation.destination.commonName").unwrap_or_default(),
        })],
        Kind::ClassB => {
            let name = name.map(Message::Name);
            let part = (!is_nothing).then_some(Message::Static(Static { ship_type, call_sign, dimensions }));
            name.into_iter().chain(part).collect()
        }
        Kind::Aircraft | Kind::Base | Kind::Aid => Vec::new(),
    }
}

/// What kind of station a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ClassA,
    ClassB,
    Aircraft,
    Base,
    Aid,
}

fn kind(root: Root, target: &impl Known) -> Kind {
    match (root, text(target, "sensors.ais.class").as_deref()) {
        (Root::Aircraft, _) => Kind::Aircraft,
        (Root::BaseStations, _) | (_, Some("BASE")) => Kind::Base,
        (Root::Atons, _) | (_, Some("ATON")) => Kind::Aid,
        (_, Some("B")) => Kind::ClassB,
        _ => Kind::ClassA,
    }
}

/// A place in degrees, north and east positive.
pub fn place(latitude: f64, longitude: f64) -> Place {
    let units = |degrees: f64| (degrees * PLACE_UNITS).round() as i32;
    Place { longitude: units(longitude), latitude: units(latitude) }
}

/// A speed in metres per second as tenths of a knot.
pub fn tenths_of_knots(speed_mps: f64) -> u16 {
    (speed_mps / KNOT * 10.0).round().clamp(0.0, 1022.0) as u16
}

/// A course in degrees as tenths of one, below a full circle.
pub fn tenths_of_course(course_deg: f64) -> u16 {
    (course_deg.rem_euclid(360.0) * 10.0).round() as u16 % 3600
}

/// A rate of turn in degrees a minute, to starboard positive, as its square root is sent.
pub fn rate_of_turn(degrees_per_minute: f64) -> i8 {
    let root = 4.733 * degrees_per_minute.abs().sqrt();
    root.round().min(126.0).copysign(degrees_per_minute) as i8
}

fn status(name: &str) -> u8 {
    (0..15).find(|number| state(*number) == Some(name)).unwrap_or(15)
}

/// Where the antenna is in the target; zero where that is not known, the size alone if only that is.
fn dimensions(target: &impl Known) -> Dimensions {
    let whole = |metres: f64, max: f64| metres.round().clamp(0.0, max) as u16;
    let length = member(target, "design.length", "overall").unwrap_or(0.0);
    let beam = number(target, "design.beam").unwrap_or(0.0);
    let bow = number(target, "sensors.ais.fromBow").unwrap_or(0.0).min(length);
    // Metres to port of the middle.
    let starboard = number(target, "sensors.ais.fromCenter").map_or(0.0, |off| beam / 2.0 + off).clamp(0.0, beam);
    Dimensions {
        bow: whole(bow, 511.0),
        stern: whole(length - bow, 511.0),
        port: whole(beam - starboard, 63.0),
        starboard: whole(starboard, 63.0),
    }
}

fn number(target: &impl Known, path: &str) -> Option<f64> {
    target.value(path).and_then(Value::as_f64)
}

fn text(target: &impl Known, path: &str) -> Option<CompactString> {
    match target.value(path) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// A member of an object that is a number.
fn member(target: &impl Known, path: &str, name: &str) -> Option<f64> {
    let Some(Value::Json(json)) = target.value(path) else { return None };
    serde_json::from_str::<serde_json::Value>(json).ok()?.get(name)?.as_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::ais::to_update;
    use crate::kernel::model::statics::flatten;
    use crate::kernel::time::Timestamp;
    use crate::kernel::update::{Mmsi, Source};

    #[derive(Default)]
    struct Target(HashMap<String, Value>);

    impl Known for Target {
        fn value(&self, path: &str) -> Option<&Value> {
            self.0.get(path)
        }
    }

    /// What the messages say, as the model has it.
    fn known(messages: &[Message]) -> Target {
        let Target(mut known) = Target::default();
        for message in messages {
            let mmsi = Mmsi::new(230_999_001).unwrap();
            let update = to_update::update(mmsi, message, Source::Ref("ais".into()), false, Timestamp::default());
            for item in update.values {
                match (&*item.path, &item.value) {
                    ("", Value::Json(json)) => known.extend(flatten(json).unwrap()),
                    _ => {
                        known.insert(item.path.to_string(), item.value);
                    }
                }
            }
        }
        Target(known)
    }

    fn somewhere() -> Place {
        place(59.95, -24.8)
    }

    #[test]
    fn what_a_class_a_ship_said_is_said_again() {
        let report_a = Message::ClassA(ClassA {
            kind: 1,
            status: 8,
            rate_of_turn: -26,
            speed: 123,
            place: somewhere(),
            course: 3599,
            heading: 359,
            manoeuvre: 0,
        });
        let voyage = Message::Voyage(Voyage {
            imo: 9_074_729,
            call_sign: "OHTA1".into(),
            name: "BALTIC WREN".into(),
            ship_type: 70,
            dimensions: Dimensions { bow: 100, stern: 20, port: 8, starboard: 9 },
            eta: Eta { month: 0, day: 0, hour: 24, minute: 60 },
            draught: 62,
            destination: "HELSINKI".into(),
            ..Voyage::default()
        });
        let target = known(&[report_a.clone(), voyage.clone()]);
        assert_eq!(report(Root::Vessels, &target), Some(report_a));
        assert_eq!(statics(Root::Vessels, &target), [voyage]);
    }

    #[test]
    fn so_is_what_other_stations_said() {
        let class_b =
            Message::ClassB(ClassB { speed: 62, place: somewhere(), course: 10, heading: 511, extended: None });
        let name = Message::Name("WREN".into());
        let dimensions = Dimensions { bow: 4, stern: 6, port: 2, starboard: 1 };
        let part = Message::Static(Static { ship_type: 36, call_sign: "OH1".into(), dimensions });
        let target = known(&[class_b.clone(), name.clone(), part.clone()]);
        assert_eq!(report(Root::Vessels, &target), Some(class_b));
        assert_eq!(statics(Root::Vessels, &target), [name, part]);

        let aid = Message::Aid(Aid { aid_type: 5, name: "ROCK".into(), place: somewhere(), ..Aid::default() });
        assert_eq!(report(Root::Atons, &known(std::slice::from_ref(&aid))), Some(aid));
        let base = Message::Fixed(Fixed { kind: 4, place: somewhere() });
        assert_eq!(report(Root::Atons, &known(std::slice::from_ref(&base))), Some(base));
        let aircraft = Message::Aircraft(Aircraft { altitude: 150, speed: 90, place: somewhere(), course: 1800 });
        assert_eq!(report(Root::Aircraft, &known(std::slice::from_ref(&aircraft))), Some(aircraft));
    }

    #[test]
    fn what_is_not_known_is_not_available() {
        let mut target = Target::default();
        assert_eq!(report(Root::Vessels, &target), None);
        assert_eq!(statics(Root::Vessels, &target), []);
        let position = crate::kernel::value::Position::new(1.0, 2.0).unwrap();
        target.0.insert("navigation.position".to_owned(), Value::Position(position));
        let Some(Message::ClassA(class_a)) = report(Root::Vessels, &target) else { panic!("a position") };
        assert_eq!((class_a.status, class_a.rate_of_turn, class_a.speed), (15, -128, 1023));
        assert_eq!((class_a.course, class_a.heading), (3600, 511));
    }
}
