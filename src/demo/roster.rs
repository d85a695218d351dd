//! Who is about in the demo's water. Names, call signs and numbers are made up: the MMSIs carry Finland's 230 followed by
//! 999, the IMO number 0 says that there is none.

use super::place::{KNOT_MPS, Place};
use crate::ais::message::Dimensions;

/// One AIS station.
#[derive(Debug)]
pub struct Station {
    /// Its MMSI.
    pub mmsi: u32,
    /// Its name.
    pub name: &'static str,
    /// What kind of unit it carries.
    pub unit: Unit,
    /// Speed it keeps, m/s.
    pub speed_mps: f64,
    /// Where it goes.
    pub route: Route,
}

/// A kind of AIS unit and what it says of its ship.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Unit {
    ClassA { callsign: &'static str, ship_type: u8, dimensions: Dimensions, draught_dm: u8, destination: &'static str },
    ClassB { callsign: &'static str, ship_type: u8, dimensions: Dimensions },
    Aid { kind: u8 },
    BaseStation,
    Aircraft { altitude_m: u16 },
}

/// Where a station goes.
#[derive(Debug)]
pub enum Route {
    /// It lies still at one place.
    At(Place),
    /// Along a lane of open water, and back.
    Lane(&'static [Place]),
    /// From one point by chance to the next, within a box of open water given by two corners.
    Within(Place, Place),
}

const EAST_GOING: [Place; 4] =
    [Place::new(59.770, 24.300), Place::new(59.785, 24.600), Place::new(59.790, 24.900), Place::new(59.800, 25.250)];
const WEST_GOING: [Place; 4] =
    [Place::new(59.840, 25.250), Place::new(59.830, 24.900), Place::new(59.825, 24.600), Place::new(59.810, 24.300)];
const CROSSING: [Place; 4] =
    [Place::new(60.060, 24.960), Place::new(59.970, 24.960), Place::new(59.850, 24.900), Place::new(59.700, 24.760)];
const FAST_CROSSING: [Place; 3] = [Place::new(60.050, 25.010), Place::new(59.920, 25.010), Place::new(59.700, 24.840)];
const PILOT_RUN: [Place; 2] = [Place::new(60.040, 24.930), Place::new(59.900, 24.870)];

/// All stations.
pub const ROSTER: [Station; 13] = [
    Station {
        mmsi: 230_999_001,
        name: "BALTIC WREN",
        unit: class_a("OHTA1", 70, [120, 22, 10, 11], 74, "DEMO EAST"),
        speed_mps: 13.2 * KNOT_MPS,
        route: Route::Lane(&EAST_GOING),
    },
    Station {
        mmsi: 230_999_002,
        name: "AMBER LARCH",
        unit: class_a("OHTA2", 80, [150, 33, 14, 14], 98, "DEMO WEST"),
        speed_mps: 11.6 * KNOT_MPS,
        route: Route::Lane(&WEST_GOING),
    },
    Station {
        mmsi: 230_999_003,
        name: "NORTHERN HALCYON",
        unit: class_a("OHTA3", 60, [140, 46, 12, 14], 65, "DEMO SOUTH"),
        speed_mps: 21.5 * KNOT_MPS,
        route: Route::Lane(&CROSSING),
    },
    Station {
        mmsi: 230_999_004,
        name: "KESTREL EXPRESS",
        unit: class_a("OHTA4", 40, [30, 12, 5, 6], 18, "DEMO SOUTH"),
        speed_mps: 27.0 * KNOT_MPS,
        route: Route::Lane(&FAST_CROSSING),
    },
    Station {
        mmsi: 230_999_005,
        name: "FAIRWAY PILOT",
        unit: class_a("OHTA5", 50, [6, 9, 2, 3], 11, "PILOTING"),
        speed_mps: 17.0 * KNOT_MPS,
        route: Route::Lane(&PILOT_RUN),
    },
    Station {
        mmsi: 230_999_006,
        name: "CAPE MERIDIAN",
        unit: class_a("OHTA6", 70, [160, 25, 13, 15], 91, "WAITING"),
        speed_mps: 0.0,
        route: Route::At(Place::new(59.955, 25.080)),
    },
    Station {
        mmsi: 230_999_101,
        name: "TUULENVIRE",
        unit: class_b("OHTB1", 36, [5, 5, 2, 2]),
        speed_mps: 5.4 * KNOT_MPS,
        route: Route::Within(Place::new(59.930, 24.820), Place::new(60.010, 25.000)),
    },
    Station {
        mmsi: 230_999_102,
        name: "LITTLE EIDER",
        unit: class_b("OHTB2", 36, [4, 5, 1, 2]),
        speed_mps: 4.6 * KNOT_MPS,
        route: Route::Within(Place::new(59.880, 24.600), Place::new(59.940, 24.800)),
    },
    Station {
        mmsi: 230_999_103,
        name: "PUFFINS REST",
        unit: class_b("OHTB3", 37, [4, 6, 2, 2]),
        speed_mps: 7.8 * KNOT_MPS,
        route: Route::Within(Place::new(59.900, 24.700), Place::new(60.000, 24.950)),
    },
    Station {
        mmsi: 230_999_104,
        name: "HOPEALOKKI",
        unit: class_b("OHTB4", 37, [3, 5, 1, 2]),
        speed_mps: 16.0 * KNOT_MPS,
        route: Route::Within(Place::new(59.960, 24.850), Place::new(60.040, 25.050)),
    },
    Station {
        mmsi: 992_301_999,
        name: "DEMO BANK NORTH",
        // 20: cardinal mark, north.
        unit: Unit::Aid { kind: 20 },
        speed_mps: 0.0,
        route: Route::At(Place::new(59.952, 24.742)),
    },
    Station {
        mmsi: 2_309_999,
        name: "DEMO BASE",
        unit: Unit::BaseStation,
        speed_mps: 0.0,
        route: Route::At(Place::new(60.105, 24.975)),
    },
    Station {
        mmsi: 111_230_999,
        name: "DEMO RESCUE",
        unit: Unit::Aircraft { altitude_m: 150 },
        speed_mps: 92.0 * KNOT_MPS,
        route: Route::Within(Place::new(59.780, 24.450), Place::new(60.060, 25.150)),
    },
];

const fn class_a(
    callsign: &'static str,
    ship_type: u8,
    metres: [u16; 4],
    draught_dm: u8,
    destination: &'static str,
) -> Unit {
    Unit::ClassA { callsign, ship_type, dimensions: size(metres), draught_dm, destination }
}

const fn class_b(callsign: &'static str, ship_type: u8, metres: [u16; 4]) -> Unit {
    Unit::ClassB { callsign, ship_type, dimensions: size(metres) }
}

/// From the antenna to bow, stern, port and starboard.
const fn size([bow, stern, port, starboard]: [u16; 4]) -> Dimensions {
    Dimensions { bow, stern, port, starboard }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_the_right_form_and_names_fit() {
        for station in &ROSTER {
            let mmsi = format!("{:09}", station.mmsi);
            let prefix = match station.unit {
                Unit::ClassA { .. } | Unit::ClassB { .. } => "230999",
                Unit::Aid { .. } => "992301",
                Unit::BaseStation => "00230",
                Unit::Aircraft { .. } => "111230",
            };
            assert!(mmsi.starts_with(prefix), "{mmsi}");
            assert!(station.name.len() <= 20 && station.name.is_ascii());
        }
    }
}
