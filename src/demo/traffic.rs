//! The other stations: how they move, and when AIS lets them report.

use super::ais_sentences::{Motion, aid, base_station, details_b, name_b, send, voyage};
use super::chance::Chance;
use super::place::{KNOT_MPS, Place, Vector, circle_deg, side_deg};
use super::roster::{ROSTER, Route, Station, Unit};
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
    ships: Vec<Ship>,
    elapsed_ms: u64,
    /// Counts messages: their channels alternate.
    sent: u32,
    /// Sequence number of the next message of several sentences, 0 to 9.
    sequence: u8,
}

/// One station and its plans.
#[derive(Debug, Clone)]
pub struct Ship {
    /// Who it is.
    pub station: &'static Station,
    /// Its number.
    pub mmsi: Mmsi,
    /// Where it is.
    pub place: Place,
    /// Its course, which is also its heading: the demo's ships do not slip.
    pub course_deg: f64,
    /// Rate of turn in degrees per second.
    pub turn_deg: f64,
    goal: Goal,
    chance: Chance,
    report_due_ms: u64,
    static_due_ms: u64,
    part_b_due_ms: u64,
}

#[derive(Debug, Clone, Copy)]
enum Goal {
    None,
    OnLane { next: usize, forth: bool },
    Point(Place),
}

impl Traffic {
    /// Everybody somewhere on their way.
    pub fn new(chance: &mut Chance) -> Self {
        let ships = ROSTER.iter().map(|station| Ship::new(station, chance.fork())).collect();
        Self { ships, elapsed_ms: 0, sent: 0, sequence: 0 }
    }

    /// All stations, in the order of the roster.
    pub fn ships(&self) -> &[Ship] {
        &self.ships
    }

    /// When the next report is due, in milliseconds since the start.
    pub fn next_due(&self) -> u64 {
        self.ships.iter().map(Ship::next_due).min().unwrap_or(u64::MAX)
    }

    /// Moves everybody on to the last whole second at or before `elapsed_ms`.
    pub fn advance_to(&mut self, elapsed_ms: u64) {
        while elapsed_ms.saturating_sub(self.elapsed_ms) >= STEP_MS {
            self.elapsed_ms += STEP_MS;
            self.ships.iter_mut().for_each(|ship| ship.step(STEP_MS as f64 / 1000.0));
        }
    }

    /// Appends the reports due at `elapsed_ms`.
    pub fn report(&mut self, elapsed_ms: u64, out: &mut Vec<u8>) {
        for ship in &mut self.ships {
            while let Some(message) = ship.due_message(elapsed_ms) {
                let channel = if self.sent % 2 == 0 { 'A' } else { 'B' };
                self.sent = self.sent.wrapping_add(1);
                let long = send(ship.mmsi, &message, channel, self.sequence, out);
                self.sequence = (self.sequence + u8::from(long)) % 10;
            }
        }
    }
}

impl Ship {
    fn new(station: &'static Station, mut chance: Chance) -> Self {
        let (place, goal) = match station.route {
            Route::At(place) => (place, Goal::None),
            Route::Lane(lane) => {
                let next = 1 + (chance.unit() * (lane.len() - 1) as f64) as usize;
                let way = lane[next - 1].to(lane[next]);
                (lane[next - 1].plus(way.times(chance.between(0.1, 0.9))), Goal::OnLane { next, forth: true })
            }
            Route::Within(a, b) => (point_within(a, b, &mut chance), Goal::Point(point_within(a, b, &mut chance))),
        };
        let mut due = |within_ms: f64| (chance.unit() * within_ms) as u64 / SLOT_MS * SLOT_MS;
        let (report_due_ms, static_due_ms) = (due(FIRST_REPORT_WITHIN_MS), due(FIRST_NAME_WITHIN_MS));
        let mut ship = Self {
            station,
            mmsi: Mmsi::new(station.mmsi).expect("the roster has numbers of nine digits at most"),
            place,
            course_deg: 220.0,
            turn_deg: 0.0,
            goal,
            chance,
            report_due_ms,
            static_due_ms: if station.has_static() { static_due_ms } else { u64::MAX },
            part_b_due_ms: u64::MAX,
        };
        if let Some(goal) = ship.goal_place() {
            ship.course_deg = ship.place.to(goal).bearing_deg();
        }
        ship
    }

    fn next_due(&self) -> u64 {
        self.report_due_ms.min(self.static_due_ms).min(self.part_b_due_ms)
    }

    fn goal_place(&self) -> Option<Place> {
        match (self.goal, &self.station.route) {
            (Goal::OnLane { next, .. }, Route::Lane(lane)) => Some(lane[next]),
            (Goal::Point(place), _) => Some(place),
            _ => None,
        }
    }

    fn step(&mut self, dt_s: f64) {
        let Some(goal) = self.goal_place() else { return };
        let way = self.place.to(goal);
        let turn_max = self.station.turn_max_deg();
        // Within one and a half turning circles a goal could be circled for ever.
        let radius_m = self.station.speed_mps / turn_max.to_radians();
        if way.length() < (1.5 * radius_m).max(150.0) {
            self.choose_next_goal();
        }
        self.turn_deg = (0.2 * side_deg(way.bearing_deg() - self.course_deg)).clamp(-turn_max, turn_max);
        self.course_deg = circle_deg(self.course_deg + self.turn_deg * dt_s);
        self.place = self.place.plus(Vector::polar(self.station.speed_mps * dt_s, self.course_deg));
    }

    fn choose_next_goal(&mut self) {
        self.goal = match (self.goal, &self.station.route) {
            (Goal::OnLane { next, forth }, Route::Lane(lane)) => {
                let forth = if forth { next + 1 < lane.len() } else { next == 0 };
                Goal::OnLane { next: if forth { next + 1 } else { next - 1 }, forth }
            }
            (_, Route::Within(a, b)) => Goal::Point(point_within(*a, *b, &mut self.chance)),
            (goal, _) => goal,
        };
    }

    /// The next message due at `elapsed_ms`, if any, and the plan for the one after it.
    fn due_message(&mut self, elapsed_ms: u64) -> Option<Message> {
        if self.report_due_ms <= elapsed_ms {
            self.report_due_ms += self.report_interval_ms();
            return Some(self.position_report());
        }
        if self.static_due_ms <= elapsed_ms {
            self.static_due_ms += STATIC_INTERVAL_MS;
            if let Unit::ClassA { callsign, ship_type, dimensions, draught_dm, destination } = self.station.unit {
                let name = self.station.name;
                return Some(voyage(name, callsign, ship_type, dimensions, draught_dm, destination));
            }
            self.part_b_due_ms = elapsed_ms + PART_B_AFTER_MS;
            return Some(name_b(self.station.name));
        }
        if self.part_b_due_ms <= elapsed_ms {
            self.part_b_due_ms = u64::MAX;
            if let Unit::ClassB { callsign, ship_type, dimensions } = self.station.unit {
                return Some(details_b(callsign, ship_type, dimensions));
            }
        }
        None
    }

    fn position_report(&self) -> Message {
        let motion = Motion {
            place: self.place,
            speed_mps: self.station.speed_mps,
            course_deg: self.course_deg,
            turn_deg: self.turn_deg,
        };
        match self.station.unit {
            Unit::ClassA { .. } => {
                let status = if self.station.speed_mps == 0.0 { AT_ANCHOR } else { UNDER_ENGINE };
                motion.class_a(if self.is_turning() { 3 } else { 1 }, status)
            }
            Unit::ClassB { .. } => motion.class_b(),
            Unit::Aid { kind } => aid(kind, self.station.name, self.place),
            Unit::BaseStation => base_station(self.place),
            Unit::Aircraft { altitude_m } => motion.aircraft(altitude_m),
        }
    }

    fn is_turning(&self) -> bool {
        self.turn_deg.abs() > 0.1
    }

    /// Reporting intervals of M.1371-5, tables 1 and 2.
    fn report_interval_ms(&self) -> u64 {
        let knots = self.station.speed_mps / KNOT_MPS;
        match self.station.unit {
            Unit::ClassA { .. } if knots < 0.1 => 180_000,
            Unit::ClassA { .. } if knots > 23.0 => 2_000,
            Unit::ClassA { .. } if knots > 14.0 => {
                if self.is_turning() {
                    2_000
                } else {
                    6_000
                }
            }
            // A third of the usual interval, on our grid of slots.
            Unit::ClassA { .. } if self.is_turning() => 3_300,
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

    /// How fast it turns, in degrees per second.
    fn turn_max_deg(&self) -> f64 {
        match self.unit {
            Unit::ClassA { .. } => 0.9,
            Unit::Aircraft { .. } => 4.0,
            _ => 5.0,
        }
    }
}

fn point_within(a: Place, b: Place, chance: &mut Chance) -> Place {
    let lat_deg = chance.between(a.lat_deg, b.lat_deg);
    Place { lat_deg, lon_deg: chance.between(a.lon_deg, b.lon_deg) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::chart::PASSAGE;

    #[test]
    fn for_seven_days_everybody_moves_and_nobody_leaves() {
        let mut traffic = Traffic::new(&mut Chance::new(4));
        let mut seen: Vec<Vec<Place>> = vec![Vec::new(); ROSTER.len()];
        for at_ms in (0..7 * 86_400_000).step_by(60_000) {
            traffic.advance_to(at_ms);
            for (ship, track) in traffic.ships().iter().zip(&mut seen) {
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
                *near = near.min(traffic.ships()[0].place.to(end).length());
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
