//! Places on the earth and vectors on the water, for distances of some miles: a degree of latitude is 60 nautical miles,
//! a degree of longitude that times the cosine of the latitude.

/// Metres in a degree of latitude.
pub const DEGREE_M: f64 = 60.0 * 1852.0;
pub use crate::nmea0183::write::KNOT_MPS;

/// A position in degrees, north and east positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Latitude.
    pub lat_deg: f64,
    /// Longitude.
    pub lon_deg: f64,
}

impl Place {
    /// A place from its latitude and longitude in degrees.
    pub const fn new(lat_deg: f64, lon_deg: f64) -> Self {
        Self { lat_deg, lon_deg }
    }

    /// As sentences and messages have it.
    pub const fn lat_lon(self) -> (f64, f64) {
        (self.lat_deg, self.lon_deg)
    }

    /// The way from here to `other` in metres.
    pub fn to(self, other: Self) -> Vector {
        let scale = (0.5 * (self.lat_deg + other.lat_deg)).to_radians().cos();
        Vector {
            east: (other.lon_deg - self.lon_deg) * DEGREE_M * scale,
            north: (other.lat_deg - self.lat_deg) * DEGREE_M,
        }
    }

    /// The place that lies `way` metres from here.
    #[must_use]
    pub fn plus(self, way: Vector) -> Self {
        let scale = self.lat_deg.to_radians().cos();
        Self { lat_deg: self.lat_deg + way.north / DEGREE_M, lon_deg: self.lon_deg + way.east / (DEGREE_M * scale) }
    }
}

/// Metres, or metres per second, towards east and north.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Vector {
    /// Eastward part.
    pub east: f64,
    /// Northward part.
    pub north: f64,
}

impl Vector {
    /// From a length and the bearing it points to, in degrees from north.
    pub fn polar(length: f64, bearing_deg: f64) -> Self {
        let (sin, cos) = bearing_deg.to_radians().sin_cos();
        Self { east: length * sin, north: length * cos }
    }

    /// Its length.
    pub fn length(self) -> f64 {
        self.east.hypot(self.north)
    }

    /// The bearing it points to, from 0 to below 360 degrees.
    pub fn bearing_deg(self) -> f64 {
        circle_deg(self.east.atan2(self.north).to_degrees())
    }

    /// This vector and another, end to end.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { east: self.east + other.east, north: self.north + other.north }
    }

    /// This vector less another.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(other.times(-1.0))
    }

    /// This vector, `factor` times as long.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { east: self.east * factor, north: self.north * factor }
    }
}

/// An angle brought to 0 .. below 360 degrees.
pub fn circle_deg(angle_deg: f64) -> f64 {
    let a = angle_deg.rem_euclid(360.0);
    // A tiny negative angle comes out of `rem_euclid` as 360 itself.
    if a >= 360.0 { 0.0 } else { a }
}

/// An angle brought to -180 .. below 180 degrees: to starboard positive, to port negative.
pub fn side_deg(angle_deg: f64) -> f64 {
    circle_deg(angle_deg + 180.0) - 180.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_there_leads_there() {
        let from = Place::new(60.0, 24.9);
        let way = Vector::polar(5000.0, 234.0);
        let back = from.to(from.plus(way));
        assert!((back.length() - 5000.0).abs() < 5.0 && (back.bearing_deg() - 234.0).abs() < 0.1, "{back:?}");
    }

    #[test]
    fn angles_come_round() {
        let table = [(0.0, 0.0, 0.0), (359.0, 359.0, -1.0), (-1e-20, 0.0, 0.0), (540.0, 180.0, -180.0)];
        for (given, circle, side) in table {
            assert_eq!((circle_deg(given), side_deg(given)), (circle, side), "{given}");
        }
    }
}
