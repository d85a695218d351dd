//! How another ship moves: along its lane and back, or from point to point, in wide turns.

use super::chance::Chance;
use super::place::{Place, Vector, circle_deg, side_deg};
use super::roster::{Route, Station, Unit};

/// One station on its way.
#[derive(Debug, Clone)]
pub struct Ship {
    /// Who it is.
    pub station: &'static Station,
    /// Where it is.
    pub place: Place,
    /// Its course, which is also its heading: the demo's ships do not slip.
    pub course_deg: f64,
    /// Rate of turn in degrees per second.
    pub turn_deg: f64,
    goal: Goal,
    chance: Chance,
}

#[derive(Debug, Clone, Copy)]
enum Goal {
    None,
    OnLane { next: usize, forth: bool },
    Point(Place),
}

impl Ship {
    /// Somewhere on its way.
    pub fn new(station: &'static Station, mut chance: Chance) -> Self {
        let (place, goal) = match station.route {
            Route::At(place) => (place, Goal::None),
            Route::Lane(lane) => {
                let next = 1 + (chance.unit() * (lane.len() - 1) as f64) as usize;
                let way = lane[next - 1].to(lane[next]);
                (lane[next - 1].plus(way.times(chance.between(0.1, 0.9))), Goal::OnLane { next, forth: true })
            }
            Route::Within(a, b) => (point_within(a, b, &mut chance), Goal::Point(point_within(a, b, &mut chance))),
        };
        let mut ship = Self { station, place, course_deg: 220.0, turn_deg: 0.0, goal, chance };
        if let Some(goal) = ship.goal_place() {
            ship.course_deg = ship.place.to(goal).bearing_deg();
        }
        ship
    }

    /// Turning noticeably: AIS reports more often then.
    pub fn is_turning(&self) -> bool {
        self.turn_deg.abs() > 0.1
    }

    fn goal_place(&self) -> Option<Place> {
        match (self.goal, &self.station.route) {
            (Goal::OnLane { next, .. }, Route::Lane(lane)) => Some(lane[next]),
            (Goal::Point(place), _) => Some(place),
            _ => None,
        }
    }

    /// Goes on by `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64) {
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
}

impl Station {
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
