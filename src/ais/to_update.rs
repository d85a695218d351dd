//! What a message means in Signal K: contexts, paths and SI units. A field that the sender marks as not available gives no
//! value at all, so that what another message said before is not wiped out by it.

use std::fmt::Write as _;

use compact_str::CompactString;

use super::message::{Aid, Aircraft, ClassA, ClassB, Dimensions, LongRange, Message, Place, Safety, Static, Voyage};
use super::{aton_type, calendar, ship_type};
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Context, Mmsi, Root, Source, Update};
use crate::kernel::value::{Position, Value, push_number, push_text};

/// Metres per second in a knot.
pub(super) const KNOT: f64 = 1852.0 / 3600.0;

/// Radians in a degree.
pub(super) const DEGREE: f64 = std::f64::consts::PI / 180.0;

/// Radians per second in a degree per minute.
pub(super) const DEGREE_PER_MINUTE: f64 = DEGREE / 60.0;

/// Units of [`Place`] in a degree.
pub(super) const PLACE_UNITS: f64 = 600_000.0;

/// Values that a position report and a complete type 5 have at most: the vector is allocated once.
const VALUES_REPORT: usize = 10;
const VALUES_VOYAGE: usize = 13;

/// Navigational status of an active distress transmitter.
const STATUS_DISTRESS: u8 = 14;

/// The edition of M.1371 that type 5 reserves for a layout to come.
const EDITION_UNKNOWN: u8 = 3;

/// A transmitter of distress signals, by the first digits of its MMSI (ITU-R M.585 annex 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beacon {
    /// 970: search and rescue transmitter of a survival craft.
    Sart,
    /// 972: man overboard device.
    Mob,
    /// 974: emergency position-indicating radio beacon.
    Epirb,
}

impl Beacon {
    /// Which kind of device has this number, if any.
    pub fn of(mmsi: Mmsi) -> Option<Self> {
        match mmsi.get() / 1_000_000 {
            970 => Some(Self::Sart),
            972 => Some(Self::Mob),
            974 => Some(Self::Epirb),
            _ => None,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Sart => "notifications.sart",
            Self::Mob => "notifications.mob",
            Self::Epirb => "notifications.epirb",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Sart => "Search and rescue transmitter",
            Self::Mob => "Man overboard device",
            Self::Epirb => "Emergency beacon",
        }
    }
}

/// What a message says, about whom. Always names the sender, so it is never empty.
pub fn update(mmsi: Mmsi, message: &Message, source: Source, own: bool, now: Timestamp) -> Update {
    let context = if own { Context::Own } else { Context::Mmsi(root(mmsi, message), mmsi) };
    let capacity = if matches!(message, Message::Voyage(_)) { VALUES_VOYAGE } else { VALUES_REPORT };
    let mut update = Update::new(context, source, capacity);
    push_mmsi(&mut update, mmsi);
    match message {
        Message::ClassA(report) => class_a(&mut update, mmsi, report),
        Message::Fixed(station) => {
            if station.kind == 4 {
                push_class(&mut update, "BASE");
            }
            push_place(&mut update, station.place);
        }
        Message::Voyage(voyage) => voyage_data(&mut update, voyage, now),
        Message::Aircraft(report) => aircraft(&mut update, report),
        Message::Safety(safety) => safety_text(&mut update, mmsi, safety),
        Message::Reference(place) => {
            push_class(&mut update, "BASE");
            push_place(&mut update, *place);
        }
        Message::ClassB(report) => class_b(&mut update, report),
        Message::Aid(aid) => aid_to_navigation(&mut update, aid),
        Message::Name(name) => {
            push_class(&mut update, "B");
            push_name(&mut update, name);
        }
        Message::Static(part) => static_part(&mut update, part),
        Message::LongRange(report) => long_range(&mut update, report),
        Message::Binary { .. } | Message::Ignored => {}
    }
    update
}

/// Where a sender belongs: by the kind of its message, and distress devices by their number.
fn root(mmsi: Mmsi, message: &Message) -> Root {
    match message {
        Message::Aid(_) | Message::Reference(_) => Root::Atons,
        Message::Fixed(station) if station.kind == 4 => Root::Atons,
        Message::Aircraft(_) => Root::Aircraft,
        _ if Beacon::of(mmsi).is_some() => Root::Sar,
        _ => Root::Vessels,
    }
}

fn class_a(update: &mut Update, mmsi: Mmsi, report: &ClassA) {
    push_tenth_knots(update, report.speed);
    push_course(update, report.course);
    push_heading(update, report.heading);
    if report.rate_of_turn.unsigned_abs() < 127 {
        let turn = f64::from(report.rate_of_turn) / 4.733;
        update.push("navigation.rateOfTurn", Value::number(turn * turn.abs() * DEGREE_PER_MINUTE));
    }
    push_state(update, report.status);
    push_class(update, "A");
    update.push("navigation.specialManeuver", text(manoeuvre(report.manoeuvre)));
    push_place(update, report.place);
    if let Some(beacon) = Beacon::of(mmsi) {
        distress(update, beacon, mmsi, report.status == STATUS_DISTRESS);
    }
}

fn voyage_data(update: &mut Update, voyage: &Voyage, now: Timestamp) {
    push_class(update, "A");
    if voyage.edition == EDITION_UNKNOWN {
        return;
    }
    push_name(update, &voyage.name);
    push_call_sign(update, &voyage.call_sign);
    if voyage.imo != 0 {
        update.push("", Value::json(format!("{{\"registrations\":{{\"imo\":\"IMO {}\"}}}}", voyage.imo)));
    }
    push_ship_type(update, voyage.ship_type);
    push_dimensions(update, voyage.dimensions);
    push_draught(update, f64::from(voyage.draught) / 10.0);
    if !voyage.destination.is_empty() {
        update.push("navigation.destination.commonName", Value::Text(voyage.destination.clone()));
    }
    if let Some(eta) = calendar::arrival(voyage.eta, now) {
        update.push("navigation.destination.eta", Value::text(eta.to_string()));
    }
}

fn aircraft(update: &mut Update, report: &Aircraft) {
    if report.speed != 1023 {
        update.push("navigation.speedOverGround", Value::number(f64::from(report.speed) * KNOT));
    }
    push_course(update, report.course);
    push_place(update, report.place);
    if report.altitude != 4095 {
        update.push("navigation.gnss.antennaAltitude", Value::number(f64::from(report.altitude)));
    }
}

fn class_b(update: &mut Update, report: &ClassB) {
    push_tenth_knots(update, report.speed);
    push_course(update, report.course);
    push_heading(update, report.heading);
    push_class(update, "B");
    push_place(update, report.place);
    if let Some(extended) = &report.extended {
        push_name(update, &extended.name);
        push_ship_type(update, extended.ship_type);
        push_dimensions(update, extended.dimensions);
    }
}

fn static_part(update: &mut Update, part: &Static) {
    push_class(update, "B");
    push_call_sign(update, &part.call_sign);
    push_ship_type(update, part.ship_type);
    push_dimensions(update, part.dimensions);
}

fn long_range(update: &mut Update, report: &LongRange) {
    if report.speed != 63 {
        update.push("navigation.speedOverGround", Value::number(f64::from(report.speed) * KNOT));
    }
    // Also 511, "not available", which comes out as 151 degrees: so the golden rows have it (docs/decisions-ais.md, AIS-4).
    push_degrees(update, "navigation.courseOverGroundTrue", report.course);
    push_state(update, report.status);
    push_place(update, report.place);
}

fn aid_to_navigation(update: &mut Update, aid: &Aid) {
    push_class(update, "ATON");
    push_name(update, &aid.name);
    push_place(update, aid.place);
    push_dimensions(update, aid.dimensions);
    if let Some(name) = aton_type::name(aid.aid_type) {
        update.push("atonType", numbered(aid.aid_type, name));
    }
    // An aid of no stated kind has its flags left at zero as a rule: then only a flag that is set says something.
    let stated = aid.aid_type != 0;
    if stated || aid.off_position {
        update.push("offPosition", Value::Bool(aid.off_position));
    }
    if stated || aid.virtual_aid {
        update.push("virtual", Value::Bool(aid.virtual_aid));
    }
}

fn safety_text(update: &mut Update, mmsi: Mmsi, safety: &Safety) {
    if safety.text.is_empty() {
        return;
    }
    if let Some(beacon) = Beacon::of(mmsi) {
        return distress(update, beacon, mmsi, !safety.text.contains("TEST"));
    }
    let mut message = String::with_capacity(safety.text.len() + 14);
    if let Some(addressee) = safety.addressee {
        let _ = write!(message, "to {addressee}: ");
    }
    message.push_str(&safety.text);
    update.push("notifications.safetyMessage", notification("alert", "[\"visual\"]", &message));
}

/// An active device is an emergency; one under test, or switched from active to test, is back to normal.
fn distress(update: &mut Update, beacon: Beacon, mmsi: Mmsi, active: bool) {
    let value = if active {
        notification("emergency", "[\"visual\",\"sound\"]", &format!("{} {mmsi} is active", beacon.title()))
    } else {
        notification("normal", "[]", &format!("{} {mmsi} is under test", beacon.title()))
    };
    update.push(beacon.path(), value);
}

fn notification(state: &str, method: &str, message: &str) -> Value {
    let mut json = format!("{{\"state\":\"{state}\",\"method\":{method},\"message\":");
    push_text(message, &mut json);
    json.push('}');
    Value::json(json)
}

/// The identity goes to the root of the context, one object for each of its members.
pub(super) fn push_mmsi(update: &mut Update, mmsi: Mmsi) {
    let mut json = *br#"{"mmsi":"000000000"}"#;
    let mut rest = mmsi.get();
    for digit in json[9..18].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    update.push("", Value::json(std::str::from_utf8(&json).unwrap_or_default()));
}

pub(super) fn push_name(update: &mut Update, name: &str) {
    if !name.is_empty() {
        push_identity(update, "{\"name\":", name, "}");
    }
}

fn push_call_sign(update: &mut Update, call_sign: &str) {
    if !call_sign.is_empty() {
        push_identity(update, "{\"communication\":{\"callsignVhf\":", call_sign, "}}");
    }
}

fn push_identity(update: &mut Update, before: &str, text: &str, after: &str) {
    let mut json = String::with_capacity(before.len() + text.len() + after.len() + 2);
    json.push_str(before);
    push_text(text, &mut json);
    json.push_str(after);
    update.push("", Value::json(json));
}

fn push_class(update: &mut Update, class: &'static str) {
    update.push("sensors.ais.class", text(class));
}

fn push_state(update: &mut Update, status: u8) {
    if let Some(name) = state(status) {
        update.push("navigation.state", text(name));
    }
}

fn push_ship_type(update: &mut Update, number: u8) {
    if let Some(name) = ship_type::name(number) {
        update.push("design.aisShipType", numbered(number, name));
    }
}

/// Length, beam and where the antenna is: metres from the bow, and metres to port of the middle (the schema's sign).
fn push_dimensions(update: &mut Update, size: Dimensions) {
    push_length(update, u32::from(size.bow + size.stern) * 10);
    let beam = size.port + size.starboard;
    push_beam(update, u32::from(beam) * 10);
    if size.bow != 0 {
        update.push("sensors.ais.fromBow", Value::Integer(size.bow.into()));
    }
    if size.starboard != 0 {
        let twice = i64::from(size.starboard) - i64::from(size.port);
        update.push("sensors.ais.fromCenter", halves(twice));
    }
}

/// The overall length in tenths of a metre; 0 is unknown.
pub(super) fn push_length(update: &mut Update, tenths: u32) {
    if tenths != 0 {
        let mut json = String::from("{\"overall\":");
        tenths_of(tenths).write_json(&mut json);
        json.push('}');
        update.push("design.length", Value::json(json));
    }
}

/// The beam in tenths of a metre; 0 is unknown.
pub(super) fn push_beam(update: &mut Update, tenths: u32) {
    if tenths != 0 {
        update.push("design.beam", tenths_of(tenths));
    }
}

/// The draught in metres; 0 is unknown.
pub(super) fn push_draught(update: &mut Update, metres: f64) {
    if metres != 0.0 {
        let mut json = String::from("{\"current\":");
        push_number(metres, &mut json);
        json.push('}');
        update.push("design.draft", Value::json(json));
    }
}

pub(super) fn push_place(update: &mut Update, place: Place) {
    push_position(update, f64::from(place.latitude) / PLACE_UNITS, f64::from(place.longitude) / PLACE_UNITS);
}

/// "Not available" (91 and 181 degrees) and everything else off the globe is no position.
pub(super) fn push_position(update: &mut Update, latitude: f64, longitude: f64) {
    if let Some(position) = Position::new(latitude, longitude) {
        update.push("navigation.position", position.into());
    }
}

fn push_tenth_knots(update: &mut Update, tenths: u16) {
    if tenths != 1023 {
        update.push("navigation.speedOverGround", Value::number(f64::from(tenths) / 10.0 * KNOT));
    }
}

fn push_course(update: &mut Update, tenths: u16) {
    if tenths != 3600 {
        let degrees = f64::from(tenths % 3600) / 10.0;
        update.push("navigation.courseOverGroundTrue", Value::number(degrees * DEGREE));
    }
}

fn push_heading(update: &mut Update, degrees: u16) {
    if degrees != 511 {
        push_degrees(update, "navigation.headingTrue", degrees);
    }
}

/// Whole degrees; those above a full circle, which no sender should use, are wrapped.
fn push_degrees(update: &mut Update, path: &'static str, degrees: u16) {
    update.push(path, Value::number(f64::from(degrees % 360) * DEGREE));
}

pub(super) fn numbered(id: u8, name: &str) -> Value {
    let mut json = format!("{{\"id\":{id},\"name\":");
    push_text(name, &mut json);
    json.push('}');
    Value::json(json)
}

/// A text known at compile time: no allocation, however long it is.
pub(super) fn text(name: &'static str) -> Value {
    Value::Text(CompactString::const_new(name))
}

/// Whole metres print without a fraction, as clients with typed readers have always seen them.
fn tenths_of(tenths: u32) -> Value {
    if tenths % 10 == 0 { Value::Integer((tenths / 10).into()) } else { Value::number(f64::from(tenths) / 10.0) }
}

fn halves(twice: i64) -> Value {
    if twice % 2 == 0 { Value::Integer(twice / 2) } else { Value::number(twice as f64 / 2.0) }
}

/// Navigational status (M.1371-5, type 1) in the words of `navigation.state`; none for those reserved (11 to 13).
pub const fn state(status: u8) -> Option<&'static str> {
    Some(match status {
        0 => "motoring",
        1 => "anchored",
        2 => "not under command",
        3 => "restricted manouverability",
        4 => "constrained by draft",
        5 => "moored",
        6 => "aground",
        7 => "fishing",
        8 => "sailing",
        9 => "hazardous material high speed",
        10 => "hazardous material wing in ground",
        14 => "ais-sart",
        15 => "default",
        _ => return None,
    })
}

const fn manoeuvre(indicator: u8) -> &'static str {
    match indicator {
        0 => "not available",
        1 => "not engaged",
        2 => "engaged",
        _ => "reserved",
    }
}
