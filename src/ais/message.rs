//! The messages as they are sent: every field is the integer of ITU-R M.1371-5 (annex 8), nothing is converted and
//! nothing is left out for being "not available". [`super::to_update`] knows what the numbers mean.

use compact_str::CompactString;

use super::sixbit::Payload;
use crate::kernel::update::Mmsi;

/// Why a payload is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// Fewer bits than its type has.
    TooShort,
    /// The sender's number is no MMSI.
    NoMmsi,
    /// A type that M.1371 does not define.
    UnknownType,
}

/// One message, by what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Types 1, 2 and 3.
    ClassA(ClassA),
    /// Types 4 (base station) and 11 (a ship's answer to a question for the time).
    Fixed(Fixed),
    /// Type 5.
    Voyage(Voyage),
    /// Type 8: an area code and what it defines under this number.
    Binary {
        /// Designated area code, such as 1 (international) or 200 (European inland waters).
        area: u32,
        /// Function identifier.
        function: u32,
    },
    /// Type 9.
    Aircraft(Aircraft),
    /// Types 12 (with an addressee) and 14 (to all).
    Safety(Safety),
    /// Type 17: the place of a reference station for differential corrections.
    Reference(Place),
    /// Types 18 and 19.
    ClassB(ClassB),
    /// Type 21.
    Aid(Aid),
    /// Type 24, part A: the name.
    Name(CompactString),
    /// Type 24, part B.
    Static(Static),
    /// Type 27.
    LongRange(LongRange),
    /// A type that is known and says nothing about its sender that Signal K has a place for.
    Ignored,
}

/// A place in 1/600,000 degree (1/10,000 minute), east and north positive. 181 and 91 degrees are "not available".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Longitude.
    pub longitude: i32,
    /// Latitude.
    pub latitude: i32,
}

/// Position report of class A equipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassA {
    /// Message type: 1, 2 or 3.
    pub kind: u8,
    /// Navigational status, 0 to 15.
    pub status: u8,
    /// 4.733 times the square root of degrees per minute, right positive; -128 not available, ±127 no turn indicator.
    pub rate_of_turn: i8,
    /// Tenths of a knot; 1023 not available.
    pub speed: u16,
    /// Where.
    pub place: Place,
    /// Tenths of a degree over ground; 3600 not available.
    pub course: u16,
    /// True heading in degrees; 511 not available.
    pub heading: u16,
    /// Special manoeuvre indicator, 0 to 3.
    pub manoeuvre: u8,
}

/// A station that reports its place and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fixed {
    /// Message type: 4 or 11.
    pub kind: u8,
    /// Where.
    pub place: Place,
}

/// Static and voyage-related data of class A equipment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Voyage {
    /// Edition of the standard: 0 to 2 known, 3 for one to come.
    pub edition: u8,
    /// IMO number; 0 for none.
    pub imo: u32,
    /// Call sign.
    pub call_sign: CompactString,
    /// Name.
    pub name: CompactString,
    /// Type of ship and cargo.
    pub ship_type: u8,
    /// Size, and where the antenna is.
    pub dimensions: Dimensions,
    /// Estimated time of arrival.
    pub eta: Eta,
    /// Draught in tenths of a metre; 0 not available.
    pub draught: u8,
    /// Where to.
    pub destination: CompactString,
}

/// Distances from the antenna in metres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dimensions {
    /// A: to the bow.
    pub bow: u16,
    /// B: to the stern.
    pub stern: u16,
    /// C: to the port side.
    pub port: u16,
    /// D: to the starboard side.
    pub starboard: u16,
}

/// A time of arrival without a year, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Eta {
    /// 1 to 12; 0 not available.
    pub month: u8,
    /// 1 to 31; 0 not available.
    pub day: u8,
    /// 0 to 23; 24 not available.
    pub hour: u8,
    /// 0 to 59; 60 not available.
    pub minute: u8,
}

/// Position report of a search and rescue aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Aircraft {
    /// Metres; 4095 not available, 4094 for that and more.
    pub altitude: u16,
    /// Whole knots; 1023 not available.
    pub speed: u16,
    /// Where.
    pub place: Place,
    /// Tenths of a degree over ground; 3600 not available.
    pub course: u16,
}

/// Safety-related text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Safety {
    /// Message type: 12 or 14.
    pub kind: u8,
    /// To whom, for type 12.
    pub addressee: Option<Mmsi>,
    /// What.
    pub text: CompactString,
}

/// Position report of class B equipment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassB {
    /// Tenths of a knot; 1023 not available.
    pub speed: u16,
    /// Where.
    pub place: Place,
    /// Tenths of a degree over ground; 3600 not available.
    pub course: u16,
    /// True heading in degrees; 511 not available.
    pub heading: u16,
    /// The static part, in type 19 only.
    pub extended: Option<Extended>,
}

/// What type 19 has over type 18.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extended {
    /// Name.
    pub name: CompactString,
    /// Type of ship and cargo.
    pub ship_type: u8,
    /// Size, and where the antenna is.
    pub dimensions: Dimensions,
}

/// Aid to navigation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aid {
    /// Kind of aid, 0 to 31.
    pub aid_type: u8,
    /// Name, its extension joined on; at most 34 characters.
    pub name: CompactString,
    /// Where.
    pub place: Place,
    /// Size.
    pub dimensions: Dimensions,
    /// A floating aid that has left its place.
    pub off_position: bool,
    /// There is nothing there: a mark on the chart only.
    pub virtual_aid: bool,
}

/// Type 24, part B.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Static {
    /// Type of ship and cargo.
    pub ship_type: u8,
    /// Call sign.
    pub call_sign: CompactString,
    /// Size, and where the antenna is. Zero for an auxiliary craft (MMSI 98...), which has its mother ship's number there.
    pub dimensions: Dimensions,
}

/// Long-range report, meant for satellites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LongRange {
    /// Navigational status, 0 to 15.
    pub status: u8,
    /// Where; sent in 1/600 degree.
    pub place: Place,
    /// Whole knots; 63 not available.
    pub speed: u8,
    /// Whole degrees over ground; 511 not available.
    pub course: u16,
}

/// Bits from the start of type 21 to its name extension.
const AID_BITS: usize = 272;

/// First MMSI of craft that belong to a mother ship, and the first one after them (M.585: 98...).
const AUXILIARY_CRAFT: std::ops::Range<u32> = 980_000_000..990_000_000;

impl Message {
    /// Reads the sender and what is said.
    pub fn read(payload: &Payload) -> Result<(Mmsi, Self), ReadError> {
        let kind = payload.unsigned(0, 6) as u8;
        if payload.capacity() < bits_min(kind)? {
            return Err(ReadError::TooShort);
        }
        let mmsi = Mmsi::new(payload.unsigned(8, 30)).ok_or(ReadError::NoMmsi)?;
        let message = match kind {
            1..=3 => Self::ClassA(class_a(payload, kind)),
            4 | 11 => Self::Fixed(Fixed { kind, place: place(payload, 79) }),
            5 => Self::Voyage(voyage(payload)),
            8 => Self::Binary { area: payload.unsigned(40, 10), function: payload.unsigned(50, 6) },
            9 => Self::Aircraft(aircraft(payload)),
            12 => Self::Safety(Safety {
                kind,
                addressee: Mmsi::new(payload.unsigned(40, 30)),
                text: open_text(payload, 72),
            }),
            14 => Self::Safety(Safety { kind, addressee: None, text: open_text(payload, 40) }),
            17 => Self::Reference(coarse_place(payload, 40)),
            18 | 19 => Self::ClassB(class_b(payload, kind)),
            21 => Self::Aid(aid(payload)),
            24 => static_part(payload, mmsi)?,
            27 => Self::LongRange(long_range(payload)),
            _ => Self::Ignored,
        };
        Ok((mmsi, message))
    }
}

/// The bits that a message of this type has at least. Type 5 is commonly sent a few bits short of its 424; what is then
/// missing is the end of the destination and reads as blank.
fn bits_min(kind: u8) -> Result<usize, ReadError> {
    Ok(match kind {
        1..=4 | 9 | 11 | 18 => 168,
        5 => 420,
        8 => 56,
        12 => 72,
        17 => 80,
        19 => 312,
        21 => AID_BITS,
        27 => 96,
        6 | 7 | 10 | 13..=16 | 20 | 22..=26 => 40,
        _ => return Err(ReadError::UnknownType),
    })
}

fn class_a(p: &Payload, kind: u8) -> ClassA {
    ClassA {
        kind,
        status: p.unsigned(38, 4) as u8,
        rate_of_turn: p.signed(42, 8) as i8,
        speed: p.unsigned(50, 10) as u16,
        place: place(p, 61),
        course: p.unsigned(116, 12) as u16,
        heading: p.unsigned(128, 9) as u16,
        manoeuvre: p.unsigned(143, 2) as u8,
    }
}

fn voyage(p: &Payload) -> Voyage {
    Voyage {
        edition: p.unsigned(38, 2) as u8,
        imo: p.unsigned(40, 30),
        call_sign: p.text(70, 7),
        name: p.text(112, 20),
        ship_type: p.unsigned(232, 8) as u8,
        dimensions: dimensions(p, 240),
        eta: Eta {
            month: p.unsigned(274, 4) as u8,
            day: p.unsigned(278, 5) as u8,
            hour: p.unsigned(283, 5) as u8,
            minute: p.unsigned(288, 6) as u8,
        },
        draught: p.unsigned(294, 8) as u8,
        destination: p.text(302, 20),
    }
}

fn aircraft(p: &Payload) -> Aircraft {
    Aircraft {
        altitude: p.unsigned(38, 12) as u16,
        speed: p.unsigned(50, 10) as u16,
        place: place(p, 61),
        course: p.unsigned(116, 12) as u16,
    }
}

fn class_b(p: &Payload, kind: u8) -> ClassB {
    ClassB {
        speed: p.unsigned(46, 10) as u16,
        place: place(p, 57),
        course: p.unsigned(112, 12) as u16,
        heading: p.unsigned(124, 9) as u16,
        extended: (kind == 19).then(|| Extended {
            name: p.text(143, 20),
            ship_type: p.unsigned(263, 8) as u8,
            dimensions: dimensions(p, 271),
        }),
    }
}

fn aid(p: &Payload) -> Aid {
    let mut name = p.text(43, 20);
    // The extension continues a name that fills its field; 14 characters at most, the rest of the message is filling.
    let full = p.unsigned(43 + 19 * 6, 6) != 0;
    let more = p.len().saturating_sub(AID_BITS) / 6;
    if full && more > 0 {
        // The name's own end may be a space between two words, which reading it alone has taken off.
        while name.len() < 20 {
            name.push(' ');
        }
        name.push_str(&p.text_with_spaces(AID_BITS, more.min(14)));
        name = CompactString::new(name.trim());
    }
    Aid {
        aid_type: p.unsigned(38, 5) as u8,
        name,
        place: place(p, 164),
        dimensions: dimensions(p, 219),
        off_position: p.flag(259),
        virtual_aid: p.flag(269),
    }
}

fn static_part(p: &Payload, mmsi: Mmsi) -> Result<Message, ReadError> {
    match p.unsigned(38, 2) {
        0 if p.capacity() >= 160 => Ok(Message::Name(p.text(40, 20))),
        1 if p.capacity() >= 162 => Ok(Message::Static(Static {
            ship_type: p.unsigned(40, 8) as u8,
            call_sign: p.text(90, 7),
            dimensions: if AUXILIARY_CRAFT.contains(&mmsi.get()) { Dimensions::default() } else { dimensions(p, 132) },
        })),
        0 | 1 => Err(ReadError::TooShort),
        _ => Ok(Message::Ignored),
    }
}

fn long_range(p: &Payload) -> LongRange {
    LongRange {
        status: p.unsigned(40, 4) as u8,
        place: coarse_place(p, 44),
        speed: p.unsigned(79, 6) as u8,
        course: p.unsigned(85, 9) as u16,
    }
}

fn place(p: &Payload, at: usize) -> Place {
    Place { longitude: p.signed(at, 28), latitude: p.signed(at + 28, 27) }
}

/// A place in tenths of a minute.
fn coarse_place(p: &Payload, at: usize) -> Place {
    Place { longitude: p.signed(at, 18) * 1000, latitude: p.signed(at + 18, 17) * 1000 }
}

fn dimensions(p: &Payload, at: usize) -> Dimensions {
    Dimensions {
        bow: p.unsigned(at, 9) as u16,
        stern: p.unsigned(at + 9, 9) as u16,
        port: p.unsigned(at + 18, 6) as u16,
        starboard: p.unsigned(at + 24, 6) as u16,
    }
}

/// The text that takes the rest of the message.
fn open_text(p: &Payload, at: usize) -> CompactString {
    p.text(at, p.len().saturating_sub(at) / 6)
}
