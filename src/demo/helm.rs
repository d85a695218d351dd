//! Who steers: along the passage and back for ever, straight where the wind allows it, with tacks or gybes where not.

use super::chart::{PASSAGE, Waypoint, along_and_across};
use super::place::{Place, side_deg};

/// The closest the boat sails to the true wind, and the deepest.
const CLOSEST_DEG: f64 = 43.0;
const DEEPEST_DEG: f64 = 152.0;
/// She goes about when she is this far off the line of the passage and still leaving it: well inside the corridor.
const TURN_OFF_M: f64 = 430.0;
/// A waypoint counts as reached within this distance, or when it is abeam.
const ARRIVED_M: f64 = 220.0;
/// The engine takes her out of the harbour approach for this long, and in again from this far.
const MOTOR_OUT_S: f64 = 300.0;
const MOTOR_IN_M: f64 = 700.0;

/// The state of the passage and of the boat's tack.
#[derive(Debug, Clone)]
pub struct Helm {
    from: usize,
    to: usize,
    /// 1: wind from starboard; -1: wind from port.
    board: f64,
    /// From the heading to the course made good, smoothed: current and leeway, to be steered against.
    drift_deg: f64,
    motor_left_s: f64,
    /// Tacks so far: the bow through the wind, under sail.
    pub tacks: u32,
    /// Gybes so far: the stern through the wind, under sail.
    pub gybes: u32,
    /// Round trips completed.
    pub rounds: u32,
}

/// What the helm decides from.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Where the boat is.
    pub place: Place,
    /// True heading.
    pub heading_deg: f64,
    /// Course over the ground.
    pub course_deg: f64,
    /// The steady part of the true wind.
    pub wind_from_deg: f64,
}

/// What the helm wants.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// True heading to steer.
    pub heading_deg: f64,
    /// Under engine, sails down.
    pub motoring: bool,
}

impl Default for Helm {
    /// At the harbour end, about to leave.
    fn default() -> Self {
        Self { from: 0, to: 1, board: 1.0, drift_deg: 0.0, motor_left_s: MOTOR_OUT_S, tacks: 0, gybes: 0, rounds: 0 }
    }
}

impl Helm {
    /// The waypoints of the leg under sail now: the one left behind and the next one.
    pub fn leg(&self) -> (&'static Waypoint, &'static Waypoint) {
        (&PASSAGE[self.from], &PASSAGE[self.to])
    }

    /// Decides for the next `dt_s` seconds.
    pub fn step(&mut self, sight: Sight, dt_s: f64) -> Order {
        self.drift_deg += (side_deg(sight.course_deg - sight.heading_deg) - self.drift_deg) * dt_s / 20.0;
        self.drift_deg = self.drift_deg.clamp(-20.0, 20.0);
        self.motor_left_s = (self.motor_left_s - dt_s).max(0.0);
        self.next_leg_when_there(sight.place);
        let (_, next) = self.leg();
        let way = sight.place.to(next.place);
        let straight_deg = way.bearing_deg() - self.drift_deg;
        let motoring = self.motor_left_s > 0.0 || (self.to == 0 && way.length() < MOTOR_IN_M);
        let heading_deg = if motoring { straight_deg } else { self.sail(sight, straight_deg) };
        Order { heading_deg, motoring }
    }

    fn next_leg_when_there(&mut self, place: Place) {
        let (from, to) = self.leg();
        let (along, _) = along_and_across(from.place, to.place, place);
        if place.to(to.place).length() > ARRIVED_M && along < from.place.to(to.place).length() {
            return;
        }
        let outward = if self.to == 0 {
            self.rounds += 1;
            self.motor_left_s = MOTOR_OUT_S;
            true
        } else {
            self.to > self.from && self.to + 1 < PASSAGE.len()
        };
        self.from = self.to;
        self.to = if outward { self.from + 1 } else { self.from - 1 };
    }

    /// The heading nearest to `straight_deg` that can be sailed, on the board that keeps her near the line.
    fn sail(&mut self, sight: Sight, straight_deg: f64) -> f64 {
        let angle = side_deg(sight.wind_from_deg - straight_deg);
        if (CLOSEST_DEG..=DEEPEST_DEG).contains(&angle.abs()) {
            self.take_board(angle.signum(), angle.abs() < 90.0);
            return straight_deg;
        }
        let nearest = angle.abs().clamp(CLOSEST_DEG, DEEPEST_DEG);
        let heading = |board: f64| sight.wind_from_deg - board * nearest;
        let (from, to) = self.leg();
        let line_deg = from.place.to(to.place).bearing_deg();
        let (_, across) = along_and_across(from.place, to.place, sight.place);
        let leaving = side_deg(heading(self.board) - line_deg) * across > 0.0;
        if leaving && across.abs() > TURN_OFF_M {
            self.take_board(-self.board, nearest < 90.0);
        }
        heading(self.board)
    }

    fn take_board(&mut self, board: f64, through_wind: bool) {
        if board != self.board {
            self.board = board;
            if through_wind {
                self.tacks += 1;
            } else {
                self.gybes += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(place: Place, wind_from_deg: f64) -> Sight {
        Sight { place, heading_deg: 200.0, course_deg: 200.0, wind_from_deg }
    }

    #[test]
    fn straight_when_the_wind_allows_and_at_the_limit_when_not() {
        let bearing = PASSAGE[0].place.to(PASSAGE[1].place).bearing_deg();
        let table = [(90.0, 0.0), (60.0, 0.0), (-60.0, 0.0), (20.0, 23.0), (-20.0, -23.0), (178.0, -26.0)];
        for (wind_off_bow, off_straight) in table {
            let mut helm = Helm { motor_left_s: 0.0, board: f64::signum(wind_off_bow), ..Helm::default() };
            let order = helm.step(sight(PASSAGE[0].place, bearing + wind_off_bow), 0.25);
            let off = side_deg(bearing - order.heading_deg);
            assert!((off - off_straight).abs() < 0.5, "wind {wind_off_bow} off the bow: {off} off the straight way");
        }
    }

    #[test]
    fn she_tacks_at_the_edge_and_only_when_leaving_the_line() {
        let (from, to) = (PASSAGE[0].place, PASSAGE[1].place);
        let line = from.to(to);
        let edge = from.plus(line.times(0.3)).plus(crate::demo::place::Vector::polar(500.0, line.bearing_deg() + 90.0));
        let mut helm = Helm { motor_left_s: 0.0, board: -1.0, ..Helm::default() };
        helm.step(sight(edge, line.bearing_deg()), 0.25);
        assert_eq!((helm.tacks, helm.board), (1, 1.0), "on port tack she was going further to the right");
        helm.step(sight(edge, line.bearing_deg()), 0.25);
        assert_eq!(helm.tacks, 1, "now she comes back and stays on it");
    }

    #[test]
    fn legs_lead_there_and_back() {
        let mut helm = Helm::default();
        let mut legs = vec![(helm.from, helm.to)];
        for _ in 0..6 {
            let there = helm.leg().1.place;
            helm.next_leg_when_there(there);
            legs.push((helm.from, helm.to));
        }
        assert_eq!(legs, [(0, 1), (1, 2), (2, 3), (3, 2), (2, 1), (1, 0), (0, 1)]);
        assert_eq!(helm.rounds, 1);
    }
}
