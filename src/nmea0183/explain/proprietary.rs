//! What the fields of proprietary sentences mean, from their makers' manuals, by the beginning of the address.

use super::{Description, sentence};

/// In no order; the longest address that fits counts.
pub(super) const SENTENCES: &[Description] = &[
    sentence("PBVE", "CruzPro engine gauge", "product letter, values in A to P"),
    sentence("PFEC", "Furuno: several messages", "message"),
    sentence(
        "PGRME",
        "Garmin: estimated position error",
        "horizontal error{m}|M|vertical error{m}|M|overall error{m}|M",
    ),
    sentence("PGRMM", "Garmin: datum of the map", "datum"),
    sentence("PGRMT", "Garmin: status of the receiver", "product and version"),
    sentence("PGRMZ", "Garmin: altitude", "altitude{ft}|f|2 user, 3 GPS altitude"),
    sentence(
        "PMGNST",
        "Magellan: status of the receiver",
        "version|2 or 3 dimensions|fix (T or F)|waypoints left|battery|days|hours",
    ),
    sentence("PNKEP", "NKE: performance", "message: 01 speed, 02 tack, 03 angle|value|unit or value|value|unit"),
    sentence("PSMDST", "ShipModul: SeaTalk datagram", "command, or R"),
    sentence("PSRF", "SiRF: command to the receiver", ""),
    sentence("PUBX", "u-blox: message", "message"),
    sentence("PAMTC", "Airmar: command to the weather station", "command"),
];
