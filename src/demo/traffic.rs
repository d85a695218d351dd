//! The other stations together: when AIS lets each of them report, and what.

use super::ais_sentences::{Motion, aid, base_station, details_b, name_b, send, voyage};
use super::chance::Chance;
use super::place::KNOT_MPS;
use super::roster::{ROSTER, Station, Unit};
use super::ship::Ship;
use crate::ais::message::Message;
use crate::kernel::update::Mmsi;

/// Ships move in steps of a second: AIS tells no finer time.
const STEP_MS: u64 = 1_000;
/// How long a newcomer waits at most to be seen for the first time, and to be known by name: a demo has no six minutes.
const FIRST_REPORT_WITHIN_MS: f64 = 4_000.0;
const FIRST_NAME_WITHIN_MS: f64 = 15_000.0;
/// Name and voyage are repeated every six minutes (M.1371-5, table 1).
const STATIC_INTERVAL_MS: u64 = 360_000;
/// Part B follows part A of message 24 within a minute.
const PART_B_AFTER_MS: u64 = 1_000;
/// Reports start on multiples of this.
const SLOT_MS: u64 = 50;

/// All other stations.
#[derive(Debug, Clone)]
pub struct Traffic {
    reporters: Vec<Reporter>,
    elapsed_ms: u64,
    /// Counts messages: their channels alternate.
    sent: u32,
    /// Sequence number of the next message of several sentences, 0 to 9.
    sequence: u8,
}

/// One station and when it reports next.
#[derive(Debug, Clone)]
struct Reporter {
    ship: Ship,
    mmsi: Mmsi,
    report_due_ms: u64,
    static_due_ms: u64,
    part_b_due_ms: u64,
}

impl Traffic {
    /// Everybody somewhere on their way.
    pub fn new(chance: &mut Chance) -> Self {
        let reporters = ROSTER.iter().map(|station| Reporter::new(station, chance.fork())).collect();
        Self { reporters, elapsed_ms: 0, sent: 0, sequence: 0 }
    }

    /// All stations, in the order of the roster.
    pub fn ships(&self) -> impl Iterator<Item = &Ship> {
        self.reporters.iter().map(|reporter| &reporter.ship)
    }

    /// When the next report is due, in milliseconds since the start.
    pub fn next_due(&self) -> u64 {
        self.reporters.iter().map(Reporter::next_due).min().unwrap_or(u64::MAX)
    }

    /// Moves everybody on to the last whole second at or before `elapsed_ms`.
    pub fn advance_to(&mut self, elapsed_ms: u64) {
        while elapsed_ms.saturating_sub(self.elapsed_ms) >= STEP_MS {
            self.elapsed_ms += STEP_MS;
            self.reporters.iter_mut().for_each(|reporter| reporter.ship.step(STEP_MS as f64 / 1000.0));
        }
    }

    /// Appends the reports due at `elapsed_ms`.
    pub fn report(&mut self, elapsed_ms: u64, out: &mut Vec<u8>) {
        for reporter in &mut self.reporters {
            while let Some(message) = reporter.due_message(elapsed_ms) {
                let channel = if self.sent % 2 == 0 { 'A' } else { 'B' };
                self.sent = self.sent.wrapping_add(1);
                let long = send(reporter.mmsi, &message, channel, self.sequence, out);
                self.sequence = (self.sequence + u8::from(long)) % 10;
            }
        }
    }
}

impl Reporter {
    fn new(station: &'static Station, mut chance: Chance) -> Self {
        let mut due = |within_ms: f64| (chance.unit() * within_ms) as u64 / SLOT_MS * SLOT_MS;
        let (report_due_ms, static_due_ms) = (due(FIRST_REPORT_WITHIN_MS), due(FIRST_NAME_WITHIN_MS));
        Self {
            ship: Ship::new(station, chance),
            mmsi: Mmsi::new(station.mmsi).expect("the roster has numbers of nine digits at most"),
            report_due_ms,
            static_due_ms: if station.has_static() { static_due_ms } else { u64::MAX },
            part_b_due_ms: u64::MAX,
        }
    }

    fn next_due(&self) -> u64 {
        self.report_due_ms.min(self.static_due_ms).min(self.part_b_due_ms)
    }

    /// The next message due at `elapsed_ms`, if any, and the plan for the one after it.
    fn due_message(&mut self, elapsed_ms: u64) -> Option<Message> {
        if self.report_due_ms <= elapsed_ms {
            self.report_due_ms += self.report_interval_ms();
            return Some(self.position_report());
        }
        if self.static_due_ms <= elapsed_ms {
            self.static_due_ms += STATIC_INTERVAL_MS;
            if let Unit::ClassA { callsign, ship_type, dimensions, draught_dm, destination } = self.ship.station.unit {
                let name = self.ship.station.name;
                return Some(voyage(name, callsign, ship_type, dimensions, draught_dm, destination));
            }
            self.part_b_due_ms = elapsed_ms + PART_B_AFTER_MS;
            return Some(name_b(self.ship.station.name));
        }
        if self.part_b_due_ms <= elapsed_ms {
            self.part_b_due_ms = u64::MAX;
            if let Unit::ClassB { callsign, ship_type, dimensions } = self.ship.station.unit {
                return Some(details_b(callsign, ship_type, dimensions));
            }
        }
        None
    }

    fn position_report(&self) -> Message {
        let motion = Motion {
            place: self.ship.place,
            speed_mps: self.ship.station.speed_mps,
            course_deg: self.ship.course_deg,
            turn_deg: self.ship.turn_deg,
        };
        match self.ship.station.unit {
            Unit::ClassA { .. } => {
                let status = if self.ship.station.speed_mps == 0.0 { AT_ANCHOR } else { UNDER_ENGINE };
                motion.class_a(if self.ship.is_turning() { 3 } else { 1 }, status)
            }
            Unit::ClassB { .. } => motion.class_b(),
            Unit::Aid { kind } => aid(kind, self.ship.station.name, self.ship.place),
            Unit::BaseStation => base_station(self.ship.place),
            Unit::Aircraft { altitude_m } => motion.aircraft(altitude_m),
        }
    }

    /// Reporting intervals of M.1371-5, tables 1 and 2.
    fn report_interval_ms(&self) -> u64 {
        let knots = self.ship.station.speed_mps / KNOT_MPS;
        match self.ship.station.unit {
            Unit::ClassA { .. } if knots < 0.1 => 180_000,
            Unit::ClassA { .. } if knots > 23.0 => 2_000,
            Unit::ClassA { .. } if knots > 14.0 => {
                if self.ship.is_turning() {
                    2_000
                } else {
                    6_000
                }
            }
            // A third of the usual interval, on our grid of slots.
            Unit::ClassA { .. } if self.ship.is_turning() => 3_300,
            Unit::ClassA { .. } | Unit::BaseStation | Unit::Aircraft { .. } => 10_000,
            Unit::ClassB { .. } if knots > 2.0 => 30_000,
            Unit::ClassB { .. } | Unit::Aid { .. } => 180_000,
        }
    }
}

/// Navigational status of a class A ship.
const UNDER_ENGINE: u8 = 0;
const AT_ANCHOR: u8 = 1;

impl Station {
    fn has_static(&self) -> bool {
        matches!(self.unit, Unit::ClassA { .. } | Unit::ClassB { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::chart::PASSAGE;
    use crate::demo::place::Place;
    use crate::demo::roster::Route;

    #[test]
    fn for_seven_days_everybody_moves_and_nobody_leaves() {
        let mut traffic = Traffic::new(&mut Chance::new(4));
        let mut seen: Vec<Vec<Place>> = vec![Vec::new(); ROSTER.len()];
        for at_ms in (0..7 * 86_400_000).step_by(60_000) {
            traffic.advance_to(at_ms);
            for (ship, track) in traffic.ships().zip(&mut seen) {
                // Wherever the own boat is, everybody is within 30 miles of her.
                for waypoint in &PASSAGE {
                    let miles = waypoint.place.to(ship.place).length() / 1852.0;
                    assert!(miles < 30.0, "{} is {miles} miles off {}", ship.station.name, waypoint.name);
                }
                track.push(ship.place);
            }
        }
        for (station, track) in ROSTER.iter().zip(&seen) {
            let longest_step = track.windows(2).map(|p| p[0].to(p[1]).length()).fold(0.0, f64::max);
            let expected = station.speed_mps * 60.0;
            assert!((longest_step - expected).abs() < 2.0 + 0.01 * expected, "{}: {longest_step}", station.name);
            let farthest = track.iter().map(|p| track[0].to(*p).length()).fold(0.0, f64::max);
            assert!(station.speed_mps == 0.0 || farthest > 3_000.0, "{} only went {farthest} m", station.name);
        }
    }

    #[test]
    fn a_ship_goes_to_both_ends_of_its_lane() {
        let mut traffic = Traffic::new(&mut Chance::new(4));
        let Route::Lane(lane) = ROSTER[0].route else { panic!("the first of the roster keeps to a lane") };
        let mut nearest = [f64::INFINITY; 2];
        for at_ms in (0..12 * 3_600_000).step_by(10_000) {
            traffic.advance_to(at_ms);
            for (near, end) in nearest.iter_mut().zip([lane[0], lane[lane.len() - 1]]) {
                *near = near.min(traffic.ships().next().unwrap().place.to(end).length());
            }
        }
        assert!(nearest.iter().all(|m| *m < 1_000.0), "{nearest:?}");
    }

    #[test]
    fn reports_come_at_the_intervals_of_their_class() {
        let mut traffic = Traffic::new(&mut Chance::new(4));
        let mut out = Vec::new();
        while traffic.next_due() < 3_600_000 {
            let due = traffic.next_due();
            traffic.advance_to(due);
            traffic.report(due, &mut out);
        }
        let text = String::from_utf8(out).unwrap();
        let count = |first: char, kind: &str| {
            let armoured = |line: &&str| line.split(',').nth(5).is_some_and(|p| p.starts_with(first));
            let lines = text.lines().filter(|line| !line.starts_with("!AIVDM,2,2")).filter(armoured).count();
            assert!(lines > 0, "no {kind}");
            lines
        };
        // The first character of a payload is the message type: '0' + type, and from 40 on it would skip eight.
        assert_eq!(count('5', "static data of class A"), 6 * 10);
        assert_eq!(count('H', "static data of class B"), 4 * 2 * 10);
        assert_eq!(count('B', "class B position"), 4 * 120);
        assert_eq!(count('E', "aid to navigation"), 20);
        assert_eq!(count('4', "base station"), 360);
        assert_eq!(count('9', "aircraft"), 360);
        let class_a = count('1', "class A position") + count('3', "class A position while turning");
        assert!((3_500..5_000).contains(&class_a), "{class_a}");
    }
}
