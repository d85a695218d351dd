//! What the fields of proprietary sentences mean, from their makers' manuals, by the beginning of the address.

use super::{Description, sentence};

/// In no order; the longest address that fits counts.
pub(super) const SENTENCES: &[Description] = &[
    sentence(
        "PASHR",
        "attitude of an inertial system",
        "time{time}|heading{deg} > navigation.headingTrue|T true|roll{deg} > navigation.attitude|pitch{deg} > navigation.attitude|heave{m} > environment.heave|accuracy of roll{deg}|accuracy of pitch{deg}|accuracy of heading{deg}|quality of the fix|status of the system",
    ),
    sentence("PBVE", "CruzPro engine gauge", "product and values (A to P digits)"),
    sentence(
        "PFEC",
        "Furuno: several messages",
        "message (GPatt attitude)|yaw{deg} > navigation.attitude|pitch{deg} > navigation.attitude|roll{deg} > navigation.attitude",
    ),
    sentence(
        "PGRME",
        "Garmin: estimated position error",
        "horizontal error{m} > navigation.gnss.horizontalError|M|vertical error{m} > navigation.gnss.verticalError|M|overall error{m}|M",
    ),
    sentence("PGRMM", "Garmin: datum of the map", "datum > navigation.gnss.datum"),
    sentence("PGRMT", "Garmin: status of the receiver", "product and version"),
    sentence("PGRMZ", "Garmin: altitude", "altitude{ft} > navigation.gnss.antennaAltitude|f|2 user, 3 GPS altitude"),
    sentence(
        "PMGNST",
        "Magellan: status of the receiver",
        "version|2 or 3 dimensions|fix (T or F)|waypoints left|battery|days|hours",
    ),
    sentence("PNKEP", "NKE: performance", "01 speed, 02 tack, 03 angle|value|unit or value|value|unit"),
    sentence("PSMDST", "ShipModul: SeaTalk datagram", "command, or R"),
    sentence(
        "PRDID",
        "Teledyne RD: attitude",
        "pitch{deg} > navigation.attitude|roll{deg} > navigation.attitude|heading{deg} > navigation.headingTrue",
    ),
    sentence(
        "PSAT",
        "Hemisphere: several messages",
        "message (HPR: attitude)|time{time}|heading{deg} > navigation.headingTrue|pitch{deg} > navigation.attitude|roll{deg} > navigation.attitude|N satellites, G gyro",
    ),
    sentence(
        "PTNTHPR",
        "True North: compass and attitude",
        "heading{deg} > navigation.headingMagnetic|status (N normal)|pitch{deg} > navigation.attitude|status (N normal)|roll{deg} > navigation.attitude|status (N normal)",
    ),
    sentence("PSRF", "SiRF: command to the receiver", ""),
    sentence("PUBX", "u-blox: message", "message"),
    sentence("PAMTC", "Airmar: command to the weather station", "command"),
];
