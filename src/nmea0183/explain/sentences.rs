//! What the fields of the standard sentences mean (NMEA 0183, IEC 61162-1), in our words, by formatter.

use super::{Description, group, sentence};

/// Sorted by formatter.
pub(super) const SENTENCES: &[Description] = &[
    sentence(
        "AAM",
        "arrival at a waypoint",
        "arrival circle entered{flag}|perpendicular passed{flag}|radius of the arrival circle{nm}|unit|waypoint",
    ),
    sentence("ALC", "list of active alerts", "sentences in the message|number of this sentence|message|entries"),
    sentence(
        "ALF",
        "one alert",
        "sentences in the message|number of this sentence|message|time of the last change{time}|category|priority|state|manufacturer|alert|instance|revision|escalation|text",
    ),
    sentence(
        "ALK",
        "SeaTalk datagram",
        "command{hex}|attribute and length{hex}|data{hex}|data{hex}|data{hex}|data{hex}|data{hex}|data{hex}|data{hex}",
    ),
    sentence("ALM", "GPS almanac", "sentences in the message|number of this sentence|satellite|week{n}"),
    sentence(
        "ALR",
        "state of an alarm",
        "time of the change{time}|alarm|condition: exceeded{flag}|acknowledged{flag}|text",
    ),
    sentence(
        "APB",
        "steering to a waypoint, for an autopilot",
        "status{status}|cycle lock{status}|cross track error{n} > navigation.courseRhumbline.crossTrackError|side to steer to (L, R)|unit (N nautical miles, K km)|arrival circle entered{flag} > notifications.arrivalCircleEntered|perpendicular passed{flag} > notifications.perpendicularPassed|bearing origin to destination{deg} > navigation.courseRhumbline.bearingTrackTrue / Magnetic|T true, M magnetic|destination > navigation.courseRhumbline.nextPoint.ID|bearing from here{deg} > navigation.courseRhumbline.nextPoint.bearingTrue / Magnetic|T true, M magnetic|heading to steer{deg} > steering.autopilot.target.headingTrue / Magnetic|T true, M magnetic|mode{mode}",
    ),
    sentence(
        "BOD",
        "bearing from origin to destination",
        "bearing, true{deg} > navigation.courseRhumbline.bearingTrackTrue|T|bearing, magnetic{deg} > navigation.courseRhumbline.bearingTrackMagnetic|M|destination > navigation.courseRhumbline.nextPoint.ID|origin > navigation.courseRhumbline.previousPoint.ID",
    ),
    sentence(
        "BWC",
        "bearing and distance to a waypoint, great circle",
        "time{time}|latitude of the waypoint{lat} > navigation.courseGreatCircle.nextPoint.position|N or S|longitude of the waypoint{lon}|E or W|bearing, true{deg} > navigation.courseGreatCircle.nextPoint.bearingTrue|T|bearing, magnetic{deg} > navigation.courseGreatCircle.nextPoint.bearingMagnetic|M|distance{n} > navigation.courseGreatCircle.nextPoint.distance|unit (N nautical miles)|waypoint|mode{mode}",
    ),
    sentence(
        "BWR",
        "bearing and distance to a waypoint, rhumb line",
        "time{time}|latitude of the waypoint{lat} > navigation.courseRhumbline.nextPoint.position|N or S|longitude of the waypoint{lon}|E or W|bearing, true{deg} > navigation.courseRhumbline.nextPoint.bearingTrue|T|bearing, magnetic{deg} > navigation.courseRhumbline.nextPoint.bearingMagnetic|M|distance{n} > navigation.courseRhumbline.nextPoint.distance|unit (N nautical miles)|waypoint|mode{mode}",
    ),
    sentence(
        "BWW",
        "bearing from one waypoint to another",
        "bearing, true{deg} > navigation.courseRhumbline.bearingTrackTrue|T|bearing, magnetic{deg} > navigation.courseRhumbline.bearingTrackMagnetic|M|waypoint towards|waypoint from",
    ),
    sentence(
        "DBK",
        "depth below the keel",
        "depth{ft}|f feet|depth{m} > environment.depth.belowKeel|M metres|depth{fathoms}|F fathoms",
    ),
    sentence(
        "DBS",
        "depth below the surface",
        "depth{ft}|f feet|depth{m} > environment.depth.belowSurface|M metres|depth{fathoms}|F fathoms",
    ),
    sentence(
        "DBT",
        "depth below the transducer",
        "depth{ft}|f feet|depth{m} > environment.depth.belowTransducer|M metres|depth{fathoms}|F fathoms",
    ),
    sentence(
        "DPT",
        "depth",
        "depth below the transducer{m} > environment.depth.belowTransducer|offset, + surface, - keel{m} > environment.depth.surfaceToTransducer / transducerToKeel|range of the sounder{m}",
    ),
    sentence(
        "DSC",
        "digital selective call",
        "format|address of the sender|category|nature of distress, or command|type of communication|position or channel|time or telephone|MMSI of the ship in distress|nature of its distress|acknowledgement|expansion follows (E)",
    ),
    sentence(
        "DSE",
        "expansion of a digital selective call",
        "sentences in the message|number of this sentence|query or reply|address of the sender|code|data",
    ),
    sentence(
        "DTM",
        "datum of the positions",
        "local datum|subdivision|latitude offset{n}|N or S|longitude offset{n}|E or W|altitude offset{m}|reference datum",
    ),
    sentence(
        "GBS",
        "satellite fault detection",
        "time{time}|expected error in latitude{m}|expected error in longitude{m}|expected error in altitude{m}|most likely failed satellite|probability of missing it{n}|bias estimate{m}|standard deviation of the bias{m}|system|signal",
    ),
    sentence(
        "GGA",
        "position fix",
        "time{time}|latitude{lat} > navigation.position|N or S|longitude{lon}|E or W|quality > navigation.gnss.methodQuality|satellites in use{n} > navigation.gnss.satellites|horizontal dilution{n} > navigation.gnss.horizontalDilution|antenna above mean sea level{m} > navigation.gnss.antennaAltitude|M|geoid above ellipsoid{m} > navigation.gnss.geoidalSeparation|M|age of differential data{s} > navigation.gnss.differentialAge|reference station{n} > navigation.gnss.differentialReference",
    ),
    sentence(
        "GLL",
        "position",
        "latitude{lat} > navigation.position|N or S|longitude{lon}|E or W|time{time}|status{status}|mode{mode}",
    ),
    sentence(
        "GNS",
        "position fix from several systems",
        "time{time}|latitude{lat} > navigation.position|N or S|longitude{lon}|E or W|mode letter of each system > navigation.gnss.methodQuality|satellites in use{n} > navigation.gnss.satellites|horizontal dilution{n} > navigation.gnss.horizontalDilution|antenna above mean sea level{m} > navigation.gnss.antennaAltitude|geoid above ellipsoid{m} > navigation.gnss.geoidalSeparation|age of differential data{s} > navigation.gnss.differentialAge|reference station{n} > navigation.gnss.differentialReference|S safe, C caution, U unsafe > navigation.gnss.status",
    ),
    group("GRS", "residuals of the satellites", "time{time}|0 in the fix, 1 computed after it", "residual{m}"),
    sentence(
        "GSA",
        "satellites of the fix, and dilution",
        "M manual, A automatic|1 no fix, 2 2D, 3 3D|satellite|satellite|satellite|satellite|satellite|satellite|satellite|satellite|satellite|satellite|satellite|satellite|position dilution{n} > navigation.gnss.positionDilution|horizontal dilution{n} > navigation.gnss.horizontalDilution|vertical dilution{n}|system",
    ),
    sentence(
        "GST",
        "error statistics of the fix",
        "time{time}|RMS of the ranges{n}|error ellipse, major axis{m}|error ellipse, minor axis{m}|error ellipse, orientation{deg}|error in latitude{m}|error in longitude{m}|error in altitude{m}",
    ),
    group(
        "GSV",
        "satellites in view",
        "sentences in the group{n}|number of this sentence{n}|satellites in view{n} > navigation.gnss.satellitesInView",
        "satellite{n}|elevation{deg}|azimuth, true{deg}|signal to noise{dB}",
    ),
    sentence("HBT", "heartbeat", "interval{s}|status{status}|sequence number{n}"),
    sentence(
        "HDG",
        "heading, deviation and variation",
        "heading of the sensor{deg} > navigation.headingMagnetic / headingCompass|deviation{deg} > navigation.magneticDeviation|E or W|variation{deg} > navigation.magneticVariation|E or W",
    ),
    sentence("HDM", "heading, magnetic", "heading{deg} > navigation.headingMagnetic|M"),
    sentence("HDT", "heading, true", "heading{deg} > navigation.headingTrue|T"),
    sentence(
        "HSC",
        "heading to steer",
        "heading, true{deg} > steering.autopilot.target.headingTrue|T|heading, magnetic{deg} > steering.autopilot.target.headingMagnetic|M",
    ),
    sentence(
        "HTD",
        "state of the heading control",
        "override{flag}|rudder angle{deg}|L or R|steering mode|turn mode|rudder limit{deg}|off-heading limit{deg}|radius of turn{nm}|rate of turn{deg/min}|heading to steer{deg}|off-track limit{nm}|track{deg}|T or M|rudder status{status}|off-heading status{status}|off-track status{status}|heading{deg}",
    ),
    sentence(
        "MDA",
        "weather",
        "pressure{inHg}|I|pressure{bar} > environment.outside.pressure|B|air temperature{C} > environment.outside.temperature|C|water temperature{C} > environment.water.temperature|C|relative humidity{%} > environment.outside.humidity|absolute humidity{%} > environment.outside.humidityAbsolute|dew point{C} > environment.outside.dewPointTemperature|C|wind direction, true{deg} > environment.wind.directionTrue|T|wind direction, magnetic{deg} > environment.wind.directionMagnetic|M|wind speed{kn}|N|wind speed{m/s} > environment.wind.speedOverGround|M",
    ),
    sentence(
        "MOB",
        "man overboard",
        "emitter|state|time of activation{time}|position source|date{date}|time of position{time}|latitude{lat} > notifications.mob|N or S|longitude{lon}|E or W|course{deg}|speed{kn}|MMSI|battery",
    ),
    sentence("MTA", "air temperature", "temperature{C} > environment.outside.temperature|C"),
    sentence("MTW", "water temperature", "temperature{C} > environment.water.temperature|C"),
    sentence(
        "MWD",
        "wind direction and speed",
        "direction, true{deg} > environment.wind.directionTrue|T|direction, magnetic{deg} > environment.wind.directionMagnetic|M|speed{kn}|N|speed{m/s} > environment.wind.speedTrue|M",
    ),
    sentence(
        "MWV",
        "wind angle and speed",
        "angle from the bow, clockwise{deg} > environment.wind.angleApparent / angleTrueWater|R apparent, T true|speed{n} > environment.wind.speedApparent / speedTrue|unit (N, K, M or S)|status{status}",
    ),
    sentence(
        "OSD",
        "own ship, for a radar",
        "heading, true{deg} > navigation.headingTrue|status{status}|course{deg}|course reference|speed{n}|speed reference|set of the current{deg}|drift{n}|unit",
    ),
    sentence(
        "RMA",
        "recommended minimum, Loran-C",
        "status{status}|latitude{lat} > navigation.position|N or S|longitude{lon}|E or W|time difference A{n}|time difference B{n}|speed over ground{kn} > navigation.speedOverGround|course, true{deg} > navigation.courseOverGroundTrue|variation{deg} > navigation.magneticVariation|E or W",
    ),
    sentence(
        "RMB",
        "recommended minimum to a waypoint",
        "status{status}|cross track error{nm} > navigation.courseRhumbline.crossTrackError|side to steer to (L, R)|origin > navigation.courseRhumbline.previousPoint.ID|destination > navigation.courseRhumbline.nextPoint.ID|latitude of the destination{lat} > navigation.courseRhumbline.nextPoint.position|N or S|longitude of the destination{lon}|E or W|distance{nm} > navigation.courseRhumbline.nextPoint.distance|bearing, true{deg} > navigation.courseRhumbline.nextPoint.bearingTrue|closing speed{kn} > navigation.courseRhumbline.nextPoint.velocityMadeGood|arrived{flag}|mode{mode}",
    ),
    sentence(
        "RMC",
        "recommended minimum",
        "time{time} > navigation.datetime|status{status}|latitude{lat} > navigation.position|N or S|longitude{lon}|E or W|speed over ground{kn} > navigation.speedOverGround|course, true{deg} > navigation.courseOverGroundTrue|date{date} > navigation.datetime|variation{deg} > navigation.magneticVariation|E or W|mode{mode}|navigational status",
    ),
    sentence(
        "ROR",
        "rudder order",
        "starboard (or single) rudder{deg} > steering.rudderAngleTarget|status{status}|port rudder{deg}|status{status}|source of the order",
    ),
    sentence("ROT", "rate of turn", "rate, minus to port{deg/min} > navigation.rateOfTurn|status{status}"),
    sentence(
        "RPM",
        "revolutions",
        "S shaft, E engine|number{n}|revolutions per minute{rpm} > propulsion.*.revolutions|pitch{%}|status{status}",
    ),
    sentence(
        "RSA",
        "rudder angle",
        "starboard (or single) rudder{deg} > steering.rudderAngle|status{status}|port rudder{deg}|status{status}",
    ),
    sentence(
        "RSD",
        "radar settings",
        "origin 1 range{n}|origin 1 bearing{deg}|range marker 1{n}|bearing line 1{deg}|origin 2 range{n}|origin 2 bearing{deg}|range marker 2{n}|bearing line 2{deg}|cursor range{n}|cursor bearing{deg}|range scale{n}|unit|rotation",
    ),
    group(
        "RTE",
        "route",
        "sentences in the message{n}|number of this sentence{n}|c complete, w to go|route",
        "waypoint",
    ),
    sentence(
        "THS",
        "heading, true, with its mode",
        "heading{deg} > navigation.headingTrue|mode (A, E, M, S; V not valid)",
    ),
    sentence(
        "TLL",
        "position of a radar target",
        "target{n}|latitude{lat}|N or S|longitude{lon}|E or W|name|time{time}|L lost, Q query, T tracking|reference target",
    ),
    sentence(
        "TTM",
        "tracked radar target",
        "target{n}|distance{n}|bearing{deg}|T true, R relative|speed{n}|course{deg}|T true, R relative|closest approach{n}|minutes to closest approach{n}|unit (N, K, S)|name|L lost, Q query, T tracking|reference target|time{time}|A automatic, M manual",
    ),
    sentence("TXT", "text", "sentences in the message{n}|number of this sentence{n}|identifier|text"),
    sentence(
        "VBW",
        "speed through water and over ground",
        "through water, ahead{kn} > navigation.speedThroughWaterLongitudinal|through water, to starboard{kn} > navigation.speedThroughWaterTransverse|status{status}|over ground, ahead{kn}|over ground, to starboard{kn}|status{status}|stern through water{kn}|status{status}|stern over ground{kn}|status{status}",
    ),
    sentence(
        "VDM",
        "AIS message of another station",
        "sentences in the message{n}|number of this sentence{n}|sequence number|channel|payload, six bits a character|fill bits{n}",
    ),
    sentence(
        "VDO",
        "AIS message of the own station",
        "sentences in the message{n}|number of this sentence{n}|sequence number|channel|payload, six bits a character|fill bits{n}",
    ),
    sentence(
        "VDR",
        "set and drift of the current",
        "set, true{deg} > environment.current|T|set, magnetic{deg}|M|drift{kn}|N",
    ),
    sentence(
        "VHW",
        "speed and heading through the water",
        "heading, true{deg} > navigation.headingTrue|T|heading, magnetic{deg} > navigation.headingMagnetic|M|speed{kn} > navigation.speedThroughWater|N|speed{km/h}|K",
    ),
    sentence(
        "VLW",
        "distance through the water",
        "total{nm} > navigation.log|N|trip{nm} > navigation.trip.log|N|total over ground{nm}|N|trip over ground{nm}|N",
    ),
    sentence(
        "VPW",
        "speed parallel to the true wind",
        "speed, minus downwind{kn} > performance.velocityMadeGood|N|speed, minus downwind{m/s}|M",
    ),
    sentence(
        "VTG",
        "course and speed over ground",
        "course, true{deg} > navigation.courseOverGroundTrue|T|course, magnetic{deg} > navigation.courseOverGroundMagnetic|M|speed{kn} > navigation.speedOverGround|N|speed{km/h}|K|mode{mode}",
    ),
    sentence(
        "VWR",
        "apparent wind",
        "angle from the bow{deg} > environment.wind.angleApparent|L port, R starboard|speed{kn} > environment.wind.speedApparent|N|speed{m/s}|M|speed{km/h}|K",
    ),
    sentence(
        "VWT",
        "true wind",
        "angle from the bow{deg} > environment.wind.angleTrueWater|L port, R starboard|speed{kn} > environment.wind.speedTrue|N|speed{m/s}|M|speed{km/h}|K",
    ),
    sentence(
        "WCV",
        "closing speed to a waypoint",
        "speed{kn} > navigation.courseRhumbline.nextPoint.velocityMadeGood|N|waypoint|mode{mode}",
    ),
    sentence("WNC", "distance between waypoints", "distance{nm}|N|distance{km}|K|waypoint towards|waypoint from"),
    sentence("WPL", "position of a waypoint", "latitude{lat}|N or S|longitude{lon}|E or W|waypoint"),
    group("XDR", "transducers", "", "type (A angle, C temperature ...)|value{n}|unit|name"),
    sentence(
        "XTE",
        "cross track error",
        "status{status}|cycle lock{status}|error{n} > navigation.courseRhumbline.crossTrackError|side to steer to (L, R)|unit (N nautical miles)|mode{mode}",
    ),
    sentence(
        "ZDA",
        "date and time",
        "time{time} > navigation.datetime|day{n}|month{n}|year{n}|hours of the local zone{n}|minutes of the local zone{n}",
    ),
    sentence("ZFO", "time from the origin", "time{time}|elapsed{time}|origin"),
    sentence("ZTG", "time to the destination", "time{time}|time to go{time}|destination"),
];
