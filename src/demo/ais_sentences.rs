//! AIS messages as `!AIVDM` sentences: the writing side of ITU-R M.1371-5, as far as the demo's traffic needs it.

use super::place::{KNOT_MPS, Place, circle_deg};
use super::wire::put;
use crate::kernel::time::Timestamp;

/// Six-bit characters in the longest message written here (type 5: 424 bits).
const SEXTETS_MAX: usize = 71;
/// Six-bit characters in one sentence; with 60 the line stays within 82 characters.
const SEXTETS_PER_LINE: usize = 60;

/// The changing part of a report.
#[derive(Debug, Clone, Copy)]
pub struct Motion {
    /// Where it is.
    pub place: Place,
    /// Speed over the ground, m/s.
    pub speed_mps: f64,
    /// Course over the ground.
    pub course_deg: f64,
    /// True heading, when it has a compass.
    pub heading_deg: Option<f64>,
    /// Rate of turn in degrees a minute, to starboard positive.
    pub turn_deg_min: f64,
    /// Second of the minute of the position.
    pub second: u32,
}

/// Distances in metres from the antenna to bow, stern, port and starboard.
pub type Dimensions = [u32; 4];

/// Bits, filled from the front.
#[derive(Debug, Clone)]
pub struct Message {
    sextets: [u8; SEXTETS_MAX],
    bits: usize,
}

impl Message {
    fn new(kind: u32, mmsi: u32) -> Self {
        let mut message = Self { sextets: [0; SEXTETS_MAX], bits: 0 };
        message.number(kind, 6);
        message.number(0, 2);
        message.number(mmsi, 30);
        message
    }

    /// Position report of class A: type 1, or 3 while the reporting interval is not the usual one.
    pub fn class_a(kind: u32, mmsi: u32, status: u32, motion: &Motion) -> Self {
        let mut m = Self::new(kind, mmsi);
        m.number(status, 4);
        let turn = 4.733 * motion.turn_deg_min.abs().sqrt();
        m.signed(turn.round().min(126.0).copysign(motion.turn_deg_min) as i32, 8);
        m.speed(motion.speed_mps);
        m.position(motion.place);
        m.course_heading_second(motion);
        m.number(0, 2 + 3 + 1);
        m.number(0, 19);
        m
    }

    /// Static and voyage data of class A: type 5. Draught in decimetres.
    pub fn voyage(
        mmsi: u32,
        callsign: &str,
        name: &str,
        ship_type: u32,
        dimensions: Dimensions,
        draught_dm: u32,
        destination: &str,
    ) -> Self {
        let mut m = Self::new(5, mmsi);
        m.number(0, 2);
        // No IMO number.
        m.number(0, 30);
        m.text(callsign, 7);
        m.text(name, 20);
        m.number(ship_type, 8);
        m.dimensions(dimensions);
        m.number(1, 4);
        // Month 0, day 0, hour 24, minute 60: no estimated time of arrival.
        m.number(0, 4 + 5);
        m.number(24, 5);
        m.number(60, 6);
        m.number(draught_dm, 8);
        m.text(destination, 20);
        m.number(0, 2);
        m
    }

    /// Position report of class B: type 18, from a carrier-sense unit.
    pub fn class_b(mmsi: u32, motion: &Motion) -> Self {
        let mut m = Self::new(18, mmsi);
        m.number(0, 8);
        m.speed(motion.speed_mps);
        m.position(motion.place);
        m.course_heading_second(motion);
        m.number(0, 2);
        // Carrier sense, no display, DSC, whole band, message 22, autonomous, no RAIM.
        m.number(0b101_1100, 7);
        m.number(0, 1);
        m.number(0b110_0000_0000_0000_0110, 19);
        m
    }

    /// Name of a class B unit: type 24 part A.
    pub fn name_b(mmsi: u32, name: &str) -> Self {
        let mut m = Self::new(24, mmsi);
        m.number(0, 2);
        m.text(name, 20);
        m
    }

    /// The other static data of a class B unit: type 24 part B.
    pub fn details_b(mmsi: u32, ship_type: u32, callsign: &str, dimensions: Dimensions) -> Self {
        let mut m = Self::new(24, mmsi);
        m.number(1, 2);
        m.number(ship_type, 8);
        m.text("TFR", 3);
        m.number(0, 24);
        m.text(callsign, 7);
        m.dimensions(dimensions);
        m.number(1, 4);
        m.number(0, 2);
        m
    }

    /// Base station: type 4, which also tells the time.
    pub fn base_station(mmsi: u32, place: Place, time: Timestamp) -> Self {
        let c = time.civil();
        let mut m = Self::new(4, mmsi);
        m.number(c.year.clamp(1, 9999) as u32, 14);
        m.number(c.month, 4);
        m.number(c.day, 5);
        m.number(c.hour, 5);
        m.number(c.minute, 6);
        m.number(c.second, 6);
        m.position(place);
        m.number(7, 4);
        m.number(0, 1 + 9 + 1);
        m.number(0, 19);
        m
    }

    /// Search-and-rescue aircraft: type 9. Altitude in metres; its speed is in whole knots.
    pub fn aircraft(mmsi: u32, altitude_m: u32, motion: &Motion) -> Self {
        let mut m = Self::new(9, mmsi);
        m.number(altitude_m, 12);
        m.number((motion.speed_mps / KNOT_MPS).round() as u32, 10);
        m.position(motion.place);
        m.number(course_tenths(motion.course_deg), 12);
        m.number(motion.second, 6);
        m.number(0, 8);
        m.number(1, 1);
        m.number(0, 3 + 1 + 1);
        m.number(0, 20);
        m
    }

    /// Aid to navigation: type 21, on its place.
    pub fn aid(mmsi: u32, kind: u32, name: &str, place: Place, dimensions: Dimensions, second: u32) -> Self {
        let mut m = Self::new(21, mmsi);
        m.number(kind, 5);
        m.text(name, 20);
        m.position(place);
        m.dimensions(dimensions);
        m.number(7, 4);
        m.number(second, 6);
        m.number(0, 1 + 8 + 1 + 1 + 1 + 1);
        m
    }

    fn number(&mut self, value: u32, width: usize) {
        for bit in (0..width).rev() {
            // A field of spare bits may be wider than its value.
            let set = bit < 32 && (value >> bit) & 1 == 1;
            if set {
                self.sextets[self.bits / 6] |= 1 << (5 - self.bits % 6);
            }
            self.bits += 1;
        }
    }

    fn signed(&mut self, value: i32, width: usize) {
        self.number(value as u32, width);
    }

    /// Six-bit ASCII, filled up with `@`.
    fn text(&mut self, text: &str, chars: usize) {
        for i in 0..chars {
            let byte = text.as_bytes().get(i).copied().unwrap_or(b'@').to_ascii_uppercase();
            self.number(u32::from(byte & 0x3F), 6);
        }
    }

    fn speed(&mut self, speed_mps: f64) {
        self.number((speed_mps / KNOT_MPS * 10.0).round().clamp(0.0, 1022.0) as u32, 10);
    }

    /// Accuracy (better than 10 m), longitude and latitude in ten-thousandths of a minute.
    fn position(&mut self, place: Place) {
        self.number(1, 1);
        self.signed((place.lon_deg * 600_000.0).round() as i32, 28);
        self.signed((place.lat_deg * 600_000.0).round() as i32, 27);
    }

    fn course_heading_second(&mut self, motion: &Motion) {
        self.number(course_tenths(motion.course_deg), 12);
        self.number(motion.heading_deg.map_or(511, |h| circle_deg(h.round()) as u32), 9);
        self.number(motion.second, 6);
    }

    fn dimensions(&mut self, [bow, stern, port, starboard]: Dimensions) {
        self.number(bow, 9);
        self.number(stern, 9);
        self.number(port, 6);
        self.number(starboard, 6);
    }

    /// Whether it takes more than one sentence.
    pub fn is_long(&self) -> bool {
        self.bits > SEXTETS_PER_LINE * 6
    }

    /// Appends the message as one sentence, or as several with the group number `group` (0 to 9) when it is long.
    pub fn send(&self, channel: char, group: u32, out: &mut Vec<u8>) {
        let count = self.bits.div_ceil(6);
        let armoured: String = self.sextets[..count].iter().map(|&v| armour(v)).collect();
        let fill = count * 6 - self.bits;
        let lines = count.div_ceil(SEXTETS_PER_LINE);
        for line in 0..lines {
            let end = count.min((line + 1) * SEXTETS_PER_LINE);
            let piece = &armoured[line * SEXTETS_PER_LINE..end];
            let number = line + 1;
            if lines == 1 {
                put(out, format_args!("!AIVDM,1,1,,{channel},{piece},{fill}"));
            } else {
                let fill = if number == lines { fill } else { 0 };
                put(out, format_args!("!AIVDM,{lines},{number},{group},{channel},{piece},{fill}"));
            }
        }
    }
}

/// The character that stands for six bits: 48 to 87, then 96 to 119.
fn armour(sextet: u8) -> char {
    char::from(sextet + if sextet < 40 { 48 } else { 56 })
}

fn course_tenths(course_deg: f64) -> u32 {
    (circle_deg(course_deg) * 10.0).round() as u32 % 3600
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a field of a sent message back, on its own: characters to bits to a number.
    fn field(lines: &[u8], start: usize, width: usize) -> u64 {
        let text = std::str::from_utf8(lines).unwrap();
        let payload: String = text.lines().map(|line| line.split(',').nth(5).unwrap()).collect();
        let bits: Vec<u64> = payload
            .bytes()
            .map(|c| if c < 96 { c - 48 } else { c - 56 })
            .flat_map(|v| (0..6).rev().map(move |bit| u64::from(v >> bit & 1)))
            .collect();
        bits[start..start + width].iter().fold(0, |n, bit| n * 2 + bit)
    }

    fn sent(message: &Message) -> Vec<u8> {
        let mut out = Vec::new();
        message.send('A', 3, &mut out);
        out
    }

    fn motion() -> Motion {
        let place = Place::new(59.95, 24.8);
        let (course_deg, heading_deg) = (359.96, Some(359.7));
        Motion { place, speed_mps: 10.0 * KNOT_MPS, course_deg, heading_deg, turn_deg_min: -30.0, second: 17 }
    }

    #[test]
    fn a_class_a_report_has_its_fields_in_their_places() {
        let line = sent(&Message::class_a(1, 230_999_001, 5, &motion()));
        let table = [
            ("type", 0, 6, 1),
            ("mmsi", 8, 30, 230_999_001),
            ("status", 38, 4, 5),
            ("rate of turn, -4.733 * sqrt(30)", 42, 8, 256 - 26),
            ("speed", 50, 10, 100),
            ("longitude", 61, 28, 14_880_000),
            ("latitude", 89, 27, 35_970_000),
            ("course", 116, 12, 0),
            ("heading", 128, 9, 0),
            ("second", 137, 6, 17),
        ];
        for (name, start, width, value) in table {
            assert_eq!(field(&line, start, width), value, "{name}");
        }
    }

    #[test]
    fn every_kind_has_its_length() {
        let m = motion();
        let table = [
            (Message::class_a(3, 1, 0, &m), 168),
            (Message::voyage(1, "OH", "NAME", 70, [1, 2, 3, 4], 5, "X"), 424),
            (Message::class_b(1, &m), 168),
            (Message::name_b(1, "NAME"), 160),
            (Message::details_b(1, 36, "OH", [1, 2, 3, 4]), 168),
            (Message::base_station(1, m.place, Timestamp::from_millis(0)), 168),
            (Message::aircraft(1, 100, &m), 168),
            (Message::aid(1, 9, "NAME", m.place, [0; 4], 0), 272),
        ];
        for (message, bits) in table {
            assert_eq!(message.bits, bits, "type {}", message.sextets[0]);
        }
    }

    #[test]
    fn a_long_message_goes_in_two_parts() {
        let lines = sent(&Message::voyage(230_999_001, "OHDM", "BALTIC WREN", 70, [100, 20, 8, 9], 62, "KOTKA"));
        let text = String::from_utf8(lines.clone()).unwrap();
        let parts: Vec<&str> = text.lines().collect();
        assert!(parts[0].starts_with("!AIVDM,2,1,3,A,5") && parts[1].starts_with("!AIVDM,2,2,3,A,"), "{text}");
        assert!(parts[0].contains(",0*") && parts[1].contains(",2*"), "{text}");
        assert_eq!(field(&lines, 112, 6), u64::from(b'B' & 0x3F), "first letter of the name");
        assert_eq!((field(&lines, 240, 9), field(&lines, 264, 6), field(&lines, 294, 8)), (100, 9, 62));
    }
}
