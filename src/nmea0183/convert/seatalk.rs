//! SeaTalk 1 datagrams inside NMEA 0183: `$STALK,cc,ll,..` and ShipModul's `$PSMDST,[R,]cc,ll,..`, bytes as hex fields.
//!
//! Byte numbers are those of Thomas Knauf's description of SeaTalk: byte 0 is the command, the low nibble of byte 1 the
//! length, its high nibble data. A datagram shorter than it must be says nothing. Where that description and the
//! behaviour that clients know differ, `docs/decisions-devices.md` says which is followed.

use super::{State, understood};
use crate::kernel::time::{Civil, Moment, Timestamp};
use crate::kernel::update::Update;
use crate::kernel::value::{Position, Value};
use crate::nmea0183::Outcome;
use crate::nmea0183::field::{
    KELVIN_AT_ZERO_CELSIUS, METRES_PER_FOOT, METRES_PER_NAUTICAL_MILE, metres_per_second_from_knots, wrap_pi,
    wrap_two_pi,
};
use crate::nmea0183::sentence::Sentence;
use crate::steps;

/// Bytes of a datagram at the most: command, attribute and up to 16 more.
const BYTES_MAX: usize = 18;

/// How long latitude and longitude wait for each other, in milliseconds. Instruments send both each second or two.
const POSITION_HOLD_MS: u64 = 10_000;

/// How long the time of day waits for the date, in milliseconds.
const TIME_HOLD_MS: u64 = 10_000;

/// How long a date holds, in milliseconds: SeaTalk repeats it more rarely than the time.
const DATE_HOLD_MS: u64 = 600_000;

/// Milliseconds in half a day: a clock that goes back by more has passed midnight.
const HALF_DAY_MS: i64 = 43_200_000;

/// What SeaTalk spreads over several datagrams. A fixed number of values, each with the moment of its arrival.
#[derive(Debug, Default)]
pub struct SeaTalk {
    latitude: Option<(f64, Moment)>,
    longitude: Option<(f64, Moment)>,
    /// Milliseconds since midnight.
    time_of_day: Option<(i64, Moment)>,
    date: Option<(Timestamp, Moment)>,
    /// When a 58 last gave a finer position: 50 and 51 would make it jump by ten metres to and fro.
    fine_position: Option<((), Moment)>,
}

/// `STALK` and `PSMDST`.
pub(super) fn seatalk(sentence: &Sentence<'_>, state: &mut State, update: &mut Update) -> Outcome {
    let fields = sentence.fields();
    let fields = if fields.first() == Some(&"R") { &fields[1..] } else { fields };
    if let Some(datagram) = Datagram::read(fields) {
        // None: the datagram is too short for what it must hold.
        let _ = datagram.convert(state, update);
    }
    understood(update)
}

/// The bytes of one datagram.
struct Datagram {
    bytes: [u8; BYTES_MAX],
    count: usize,
}

impl Datagram {
    /// `None` when any of the fields is no byte.
    fn read(fields: &[&str]) -> Option<Self> {
        steps::took(fields.len());
        let mut bytes = [0; BYTES_MAX];
        let mut count = 0;
        for field in fields.iter().take(BYTES_MAX) {
            bytes[count] = byte(field)?;
            count += 1;
        }
        Some(Self { bytes, count })
    }

    fn at(&self, n: usize) -> Option<u8> {
        (n < self.count).then(|| self.bytes[n])
    }

    /// High nibble of byte `n`.
    fn high(&self, n: usize) -> Option<u8> {
        self.at(n).map(|b| b >> 4)
    }

    /// Low nibble of byte `n`.
    fn low(&self, n: usize) -> Option<u8> {
        self.at(n).map(|b| b & 0xF)
    }

    /// Bytes `n` (low) and `n + 1` (high) as one number.
    fn word(&self, n: usize) -> Option<f64> {
        Some(f64::from(u16::from_le_bytes([self.at(n)?, self.at(n + 1)?])))
    }

    /// Bytes `n` (low), `n + 1` and the low nibble of `n + 2` (high) as one number of 20 bits.
    fn twenty_bits(&self, n: usize) -> Option<f64> {
        Some(self.word(n)? + f64::from(self.low(n + 2)?) * 65_536.0)
    }

    fn convert(&self, state: &mut State, update: &mut Update) -> Option<()> {
        let mut push = |at, n| update.push(at, Value::number(n));
        match self.at(0)? {
            // Bit 15 is no part of the depth: 3276 feet are beyond any of these transducers.
            0x00 => push("environment.depth.belowTransducer", self.word(3)? % 32_768.0 / 10.0 * METRES_PER_FOOT),
            0x05 => {
                let path = match self.low(2)? {
                    1 => "propulsion.starboard.revolutions",
                    2 => "propulsion.port.revolutions",
                    _ => "propulsion.0.revolutions",
                };
                push(path, f64::from(i16::from_be_bytes([self.at(3)?, self.at(4)?])) / 60.0);
            }
            0x10 => {
                let half_degrees = u16::from_be_bytes([self.at(2)?, self.at(3)?]);
                push("environment.wind.angleApparent", wrap_pi((f64::from(half_degrees) / 2.0).to_radians()));
            }
            0x11 => {
                // Bit 7 only says in which unit the instrument shows it; the number is in knots either way.
                // The tenths have a byte of their own.
                let knots = f64::from(self.at(2)? & 0x7F) + f64::from(self.at(3)?) / 10.0;
                push("environment.wind.speedApparent", metres_per_second_from_knots(knots));
            }
            0x20 => push("navigation.speedThroughWater", metres_per_second_from_knots(self.word(2)? / 10.0)),
            0x21 => push("navigation.trip.log", self.twenty_bits(2)? / 100.0 * METRES_PER_NAUTICAL_MILE),
            0x22 => push("navigation.log", self.word(2)? / 10.0 * METRES_PER_NAUTICAL_MILE),
            0x23 if self.high(1)? & 4 == 0 => {
                // Bit 2 is set when the sensor is defective or not connected.
                push("environment.water.temperature", f64::from(self.at(2)?) + KELVIN_AT_ZERO_CELSIUS);
            }
            0x25 => {
                let total = self.word(2)? + f64::from(self.high(1)?) * 65_536.0;
                push("navigation.trip.log", self.twenty_bits(4)? / 100.0 * METRES_PER_NAUTICAL_MILE);
                push("navigation.log", total / 10.0 * METRES_PER_NAUTICAL_MILE);
            }
            0x26 if self.high(6)? & 4 != 0 => {
                push("navigation.speedThroughWater", metres_per_second_from_knots(self.word(2)? / 100.0));
            }
            0x27 => {
                push("environment.water.temperature", (self.word(2)? - 100.0) / 10.0 + KELVIN_AT_ZERO_CELSIUS);
            }
            0x50 => self.latitude(state, update)?,
            0x51 => self.longitude(state, update)?,
            0x52 => push("navigation.speedOverGround", metres_per_second_from_knots(self.word(2)? / 10.0)),
            0x53 => {
                let degrees = self.quadrant_and_twos()? + f64::from(self.high(1)? & 0xC) / 8.0;
                push("navigation.courseOverGroundMagnetic", wrap_two_pi(degrees.to_radians()));
            }
            0x54 => self.time(state, update)?,
            0x56 => self.date(state, update)?,
            0x57 => {
                let dilution = f64::from(self.at(2)?);
                update.push("navigation.gnss.satellites", Value::Integer(i64::from(self.high(1)?)));
                update.push("navigation.gnss.horizontalDilution", Value::number(dilution));
            }
            0x58 => self.raw_position(state, update)?,
            0x82 => update.push("navigation.courseRhumbline.nextPoint.ID", self.waypoint()?),
            0x84 => self.autopilot(update)?,
            0x85 => self.waypoint_navigation(update)?,
            // Signed degrees, west positive: the other way round than Signal K.
            0x99 => push("navigation.magneticVariation", -f64::from(self.at(2)? as i8).to_radians() + 0.0),
            0x9C => {
                let rudder = self.at(3)?;
                push("navigation.headingMagnetic", self.heading()?);
                push("steering.rudderAngle", f64::from(rudder as i8).to_radians());
            }
            _ => {}
        }
        Some(())
    }

    /// Degrees in steps of two: quadrant in the high nibble of byte 1, the rest in the low six bits of byte 2.
    fn quadrant_and_twos(&self) -> Option<f64> {
        Some(f64::from(self.high(1)? & 3) * 90.0 + f64::from(self.at(2)? & 0x3F) * 2.0)
    }

    /// Heading of 84 and 9C: each of the two upper bits of the high nibble of byte 1 adds one degree.
    fn heading(&self) -> Option<f64> {
        let odd = (self.high(1)? & 0xC).count_ones();
        Some(wrap_two_pi((self.quadrant_and_twos()? + f64::from(odd)).to_radians()))
    }

    /// Whole degrees in byte 2; minutes / 100 and a sign bit in the word at byte 3. A datagram that ends before the
    /// second byte of that word counts as whole degrees with a sign bit of zero.
    fn degrees_and_sign(&self) -> Option<(f64, bool)> {
        let degrees = f64::from(self.at(2)?);
        self.at(3)?;
        let Some(high) = self.at(4) else { return Some((degrees, false)) };
        let minutes = f64::from(u16::from_le_bytes([self.at(3)?, high & 0x7F])) / 100.0;
        Some((degrees + minutes / 60.0, high & 0x80 != 0))
    }

    fn latitude(&self, state: &mut State, update: &mut Update) -> Option<()> {
        let (degrees, south) = self.degrees_and_sign()?;
        let now = state.now.mono;
        let seatalk = &mut state.devices.seatalk;
        seatalk.latitude = Some((if south { -degrees } else { degrees }, now));
        seatalk.position(now, update)
    }

    fn longitude(&self, state: &mut State, update: &mut Update) -> Option<()> {
        let (degrees, east) = self.degrees_and_sign()?;
        let now = state.now.mono;
        let seatalk = &mut state.devices.seatalk;
        seatalk.longitude = Some((if east { degrees } else { -degrees }, now));
        seatalk.position(now, update)
    }

    /// 58: both coordinates at once with minutes / 1000, signs in the high nibble of byte 1.
    fn raw_position(&self, state: &mut State, update: &mut Update) -> Option<()> {
        let coordinate = |n: usize| {
            let minutes = f64::from(u16::from_be_bytes([self.at(n + 1)?, self.at(n + 2)?])) / 1000.0;
            (minutes < 60.0).then_some(f64::from(self.at(n)?) + minutes / 60.0)
        };
        let signs = self.high(1)?;
        let latitude = coordinate(2)? * if signs & 1 == 0 { 1.0 } else { -1.0 };
        let longitude = coordinate(5)? * if signs & 2 == 0 { -1.0 } else { 1.0 };
        update.push("navigation.position", Position::new(latitude, longitude)?.into());
        state.devices.seatalk.fine_position = Some(((), state.now.mono));
        Some(())
    }

    fn time(&self, state: &mut State, update: &mut Update) -> Option<()> {
        let bits = self.at(2)?;
        let hour = i64::from(self.at(3)?);
        let minute = i64::from(bits >> 2);
        let second = i64::from((bits & 3) << 4 | self.high(1)?);
        let ms = ((hour * 60 + minute) * 60 + second) * 1000;
        let now = state.now.mono;
        let seatalk = &mut state.devices.seatalk;
        if seatalk.time_of_day.is_some_and(|(before, _)| ms < before - HALF_DAY_MS) {
            // Midnight has passed and the new date has not come yet.
            seatalk.date = None;
        }
        seatalk.time_of_day = Some((ms, now));
        let time = seatalk.datetime(now)?;
        publish_datetime(time, state, update);
        Some(())
    }

    fn date(&self, state: &mut State, update: &mut Update) -> Option<()> {
        let first = Civil {
            year: 2000 + i32::from(self.at(3)?),
            month: u32::from(self.high(1)?),
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            millisecond: 0,
        };
        // A day beyond the end of the month runs on into the next one, as the time of day does into the next hour.
        let day = i64::from(self.at(2)?);
        if day == 0 {
            return None;
        }
        let date = Timestamp::from_civil(first)?.plus_millis((day - 1) * crate::nmea0183::field::DAY_MS);
        let now = state.now.mono;
        state.devices.seatalk.date = Some((date, now));
        let time = state.devices.seatalk.datetime(now)?;
        publish_datetime(time, state, update);
        Some(())
    }

    /// 82: four characters of six bits, each byte followed by its complement. Zeros at the end fill up a short name.
    fn waypoint(&self) -> Option<Value> {
        let checked = |n: usize| {
            let b = self.at(n)?;
            (self.at(n + 1)? == !b).then_some(b)
        };
        let (x, y, z) = (checked(2)?, checked(4)?, checked(6)?);
        let codes = [x & 0x3F, (y & 0x0F) << 2 | x >> 6, (z & 0x03) << 4 | y >> 4, z >> 2];
        let name: String = codes.iter().map(|code| char::from(0x30 + code)).collect();
        let name = name.trim_end_matches('0');
        (!name.is_empty()).then(|| Value::text(name))
    }

    fn autopilot(&self, update: &mut Update) -> Option<()> {
        let (heading, rudder) = (self.heading()?, f64::from(self.at(6)? as i8).to_radians());
        let mode = self.low(4)?;
        self.at(8)?;
        let degrees = f64::from(self.at(2)? >> 6) * 90.0 + f64::from(self.at(3)?) / 2.0;
        update.push("navigation.headingMagnetic", Value::number(heading));
        let state = match mode {
            m if m & 8 != 0 => "route",
            m if m & 4 != 0 => "wind",
            m if m & 2 != 0 => "auto",
            _ => "standby",
        };
        if state != "standby" || degrees != 0.0 {
            // In standby a course of zero only says that none was set.
            let course = wrap_two_pi(degrees.to_radians());
            update.push("steering.autopilot.target.headingMagnetic", Value::number(course));
        }
        update.push("steering.rudderAngle", Value::number(rudder));
        update.push("steering.autopilot.state", Value::text(state));
        Some(())
    }

    /// 85: cross track error, bearing and distance to the waypoint; the low nibble of byte 6 says which are valid.
    fn waypoint_navigation(&self, update: &mut Update) -> Option<()> {
        self.at(8)?;
        let (valid, flags) = (self.low(6)?, self.high(6)?);
        if valid & 1 != 0 {
            let hundredths = u16::from(self.high(1)?) << 8 | u16::from(self.at(2)?);
            let metres = f64::from(hundredths) / 100.0 * METRES_PER_NAUTICAL_MILE;
            // Bit 2: steer to starboard, so the boat is to port of the track: negative.
            let error = if flags & 4 != 0 { -metres } else { metres };
            update.push("navigation.courseRhumbline.crossTrackError", Value::number(error + 0.0));
        }
        if valid & 2 != 0 {
            let quadrant = self.low(3)?;
            let halves = self.low(4)? << 4 | self.high(3)?;
            let bearing = wrap_two_pi((f64::from(quadrant & 3) * 90.0 + f64::from(halves) / 2.0).to_radians());
            let path = if quadrant & 8 != 0 {
                "navigation.courseRhumbline.bearingToDestinationTrue"
            } else {
                "navigation.courseRhumbline.bearingToDestinationMagnetic"
            };
            update.push(path, Value::number(bearing));
        }
        if valid & 4 != 0 {
            let steps = u16::from(self.at(5)?) << 4 | u16::from(self.high(4)?);
            let per_mile = if flags & 1 != 0 { 100.0 } else { 10.0 };
            let metres = f64::from(steps) / per_mile * METRES_PER_NAUTICAL_MILE;
            update.push("navigation.courseRhumbline.nextPoint.distance", Value::number(metres));
        }
        Some(())
    }
}

impl SeaTalk {
    fn position(&self, now: Moment, update: &mut Update) -> Option<()> {
        if fresh(self.fine_position, now, POSITION_HOLD_MS).is_some() {
            return None;
        }
        let latitude = fresh(self.latitude, now, POSITION_HOLD_MS)?;
        let longitude = fresh(self.longitude, now, POSITION_HOLD_MS)?;
        update.push("navigation.position", Position::new(latitude, longitude)?.into());
        Some(())
    }

    fn datetime(&self, now: Moment) -> Option<Timestamp> {
        let date = fresh(self.date, now, DATE_HOLD_MS)?;
        Some(date.plus_millis(fresh(self.time_of_day, now, TIME_HOLD_MS)?))
    }
}

fn publish_datetime(time: Timestamp, state: &mut State, update: &mut Update) {
    state.learn(time);
    update.push("navigation.datetime", Value::text(time.to_string()));
}

fn fresh<T: Copy>(value: Option<(T, Moment)>, now: Moment, hold_ms: u64) -> Option<T> {
    value.filter(|(_, at)| now.since(*at) <= hold_ms).map(|(value, _)| value)
}

/// One or two hexadecimal digits. What stands behind them is no part of the byte: some multiplexers end the last field
/// with a brace.
fn byte(field: &str) -> Option<u8> {
    let digits = field.bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
    (digits > 0).then(|| u8::from_str_radix(&field[..digits], 16).ok())?
}
