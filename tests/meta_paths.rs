//! Every path that the converters write is in the table of paths, with a description and, where it is measured, a unit.

use std::path::PathBuf;

use serde_json::Value as Json;
use taffrail::kernel::meta::table::Table;

/// What the sentences and AIS messages become; `{a,b}` stands for either.
const CONVERTED: &[&str] = &[
    "navigation.{position,datetime,courseOverGroundTrue,courseOverGroundMagnetic,speedOverGround,rateOfTurn,state}",
    "navigation.{magneticVariation,magneticVariationAgeOfService,magneticDeviation,specialManeuver}",
    "navigation.{headingTrue,headingMagnetic,headingCompass,speedThroughWater,averageSpeedThroughWater,log,trip,trip.log}",
    "navigation.gnss.{methodQuality,satellites,antennaAltitude,horizontalDilution,geoidalSeparation,differentialAge}",
    "navigation.gnss.{differentialReference,status,satellitesInView}",
    "navigation.courseRhumbline.{crossTrackError,bearingTrackTrue,bearingTrackMagnetic,nextPoint.ID,previousPoint.ID}",
    "navigation.courseRhumbline.{bearingOriginToDestinationTrue,bearingOriginToDestinationMagnetic}",
    "navigation.courseRhumbline.{bearingToDestinationTrue,bearingToDestinationMagnetic}",
    "navigation.courseRhumbline.nextPoint.{position,distance,bearingTrue,bearingMagnetic,velocityMadeGood}",
    "navigation.courseGreatCircle.{bearingTrackTrue,bearingTrackMagnetic,nextPoint.position,nextPoint.distance}",
    "navigation.courseGreatCircle.nextPoint.{bearingTrue,bearingMagnetic,ID}",
    "navigation.destination.{commonName,eta}",
    "notifications.{fire,flooding,collision,grounding,listing,sinking,adrift,undesignated,abandon,piracy,mob,epirb}",
    "notifications.{arrivalCircleEntered,perpendicularPassed}",
    "performance.{velocityMadeGood,targetSpeed,tackMagnetic,targetAngle}",
    "steering.{rudderAngle,autopilot.state,autopilot.target.headingTrue,autopilot.target.headingMagnetic}",
    "propulsion.{engine_1,shaft_0,0}.{revolutions,runTime,oilPressure,coolantTemperature}",
    "environment.depth.{belowTransducer,belowSurface,belowKeel,surfaceToTransducer,transducerToKeel}",
    "environment.wind.{speedApparent,angleApparent,speedTrue,angleTrueWater,directionTrue,directionMagnetic}",
    "environment.wind.{speedOverGround,averageSpeed,gust,gustDirectionTrue}",
    "environment.outside.{pressure,temperature,humidity,humidityAbsolute,dewPointTemperature,relativeHumidity}",
    "environment.outside.{horizontalVisibility,horizontalVisibility.overRange,precipitation,precipitationValue}",
    "environment.outside.{pressureTendency,pressureTendencyValue}",
    "environment.water.{temperature,level,levelTendency,levelTendencyValue,salinity,ice,iceValue,seaState,seaStateValue}",
    "environment.water.{waves.significantHeight,waves.period,waves.directionTrue,current.drift,current.set}",
    "environment.water.swell.{height,period,directionTrue}",
    "environment.{current,date}",
    "design.{length,beam,draft,aisShipType}",
    "sensors.ais.{class,fromBow,fromCenter,designatedAreaCode,functionalId}",
    "{atonType,offPosition,virtual,mmsi,name,communication.callsignVhf,registrations.imo}",
];

/// Numbers of these are counts, codes or plain factors.
const WITHOUT_UNIT: &[&str] = &[
    "navigation.gnss.satellites",
    "navigation.gnss.horizontalDilution",
    "navigation.gnss.differentialReference",
    "environment.outside.precipitationValue",
    "environment.outside.pressureTendencyValue",
    "environment.water.levelTendencyValue",
    "environment.water.iceValue",
    "environment.water.seaStateValue",
    "sensors.ais.designatedAreaCode",
    "sensors.ais.functionalId",
];

fn expand(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let (choices, after) = rest.split_once('}').expect("braces come in pairs");
    choices.split(',').flat_map(|choice| expand(&format!("{before}{choice}{after}"))).collect()
}

fn check(table: &Table, path: &str, is_number: bool) {
    let row = table.find(path).unwrap_or_else(|| panic!("{path} is not in the table"));
    assert!(!row.description.is_empty(), "{path} has no description");
    assert!(!is_number || !row.units.is_empty() || WITHOUT_UNIT.contains(&path), "{path} has no unit");
}

#[test]
fn every_path_that_a_sentence_becomes_is_described() {
    let table = Table::new();
    let paths: Vec<String> = CONVERTED.iter().flat_map(|pattern| expand(pattern)).collect();
    assert!(paths.len() > 120, "only {} paths", paths.len());
    for path in paths {
        let is_number = table.find(&path).is_some_and(|row| row.kind == "number");
        check(&table, &path, is_number);
    }
}

#[test]
fn every_path_of_the_golden_sentences_is_described() {
    let corpus = std::env::var_os("TAFFRAIL_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(corpus.join("nmea0183-golden.jsonl")) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let table = Table::new();
    let mut checked = 0;
    for line in text.lines() {
        let row: Json = serde_json::from_str(line).unwrap();
        for delta in row["output"].as_array().unwrap() {
            for update in delta["updates"].as_array().into_iter().flatten() {
                for entry in update["values"].as_array().into_iter().flatten() {
                    let path = entry["path"].as_str().unwrap();
                    // Identity goes to the empty path.
                    if !path.is_empty() {
                        check(&table, path, entry["value"].is_number());
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(checked > 500, "only {checked} values");
}
