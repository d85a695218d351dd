//! Weather and water, as stations send them.

use super::{HELSINKI, bits, check_bits};
use crate::ais::encode::Bits;

#[test]
fn weather_of_the_present_layout() {
    let mut weather = bits(8, 2_300_001);
    weather.put(0, 2).put(1, 10).put(31, 6);
    weather.put(-1_494_000_i32 as u32, 25).put(3_606_000, 24).put(0, 1).put(21, 5).put(23, 5).put(50, 6);
    weather.put(20, 7).put(127, 7).put(180, 9).put(360, 9).put(-125_i32 as u32, 11).put(85, 7).put(-200_i32 as u32, 10);
    weather.put(214, 9).put(1, 2).put(1, 1).put(100, 7).put(983, 12).put(2, 2).put(15, 8).put(90, 9).put(0, 44);
    weather.put(12, 8).put(6, 6).put(270, 9).put(255, 8).put(63, 6).put(360, 9).put(4, 4).put(36, 10).put(5, 3);
    weather.put(350, 9).put(1, 2).put(0, 10);
    check_bits(
        &weather,
        r#"
meteo.urn:mrn:imo:mmsi:002300001:100900
  ={"mmsi":"002300001"}
  environment.date="2026-11-21T23:50:00.000Z"
  environment.outside.dewPointTemperature=253.15
  environment.outside.horizontalVisibility.overRange=true
  environment.outside.horizontalVisibility=18520.0
  environment.outside.precipitation="snow"
  environment.outside.precipitationValue=5
  environment.outside.pressure=101300.0
  environment.outside.pressureTendency="decreasing"
  environment.outside.pressureTendencyValue=1
  environment.outside.relativeHumidity=0.85
  environment.outside.temperature=260.65
  environment.water.current.drift=0.77
  environment.water.current.set=1.5707963267948966
  environment.water.ice="yes"
  environment.water.iceValue=1
  environment.water.level=-0.17
  environment.water.levelTendency="increasing"
  environment.water.levelTendencyValue=2
  environment.water.salinity=0.035
  environment.water.seaState="moderate breeze, 5.5-7.9 m/s"
  environment.water.seaStateValue=4
  environment.water.temperature=276.75
  environment.water.waves.directionTrue=4.71238898038469
  environment.water.waves.period=6.0
  environment.water.waves.significantHeight=1.2
  environment.wind.averageSpeed=10.29
  environment.wind.directionTrue=3.141592653589793
  navigation.position={"latitude":60.1,"longitude":-24.9}
  sensors.ais.designatedAreaCode=1
  sensors.ais.functionalId=31
"#,
    );
}

#[test]
fn weather_of_the_old_layout() {
    let mut weather = bits(8, 2_300_001);
    weather.put(0, 2).put(1, 10).put(11, 6);
    weather.put(3_606_000, 24).put(1_494_000, 25).put(22, 5).put(10, 5).put(0, 6);
    weather.put(20, 7).put(30, 7).put(180, 9).put(190, 9).put(475, 11).put(127, 7).put(0, 10);
    weather.put(213, 9).put(3, 2).put(255, 8).put(83, 9).put(0, 2).put(255, 8).put(511, 9).put(0, 44);
    weather.put(255, 8).put(63, 6).put(511, 9).put(255, 8).put(63, 6).put(511, 9).put(13, 4).put(136, 10).put(7, 3);
    weather.put(511, 9).put(3, 2).put(0, 6);
    check_bits(
        &weather,
        r#"
meteo.urn:mrn:imo:mmsi:002300001:100900
  ={"mmsi":"002300001"}
  environment.date="2026-11-22T10:00:00.000Z"
  environment.outside.dewPointTemperature=253.15
  environment.outside.pressure=101300.0
  environment.outside.temperature=260.65
  environment.water.level=-1.7
  environment.water.levelTendency="steady"
  environment.water.levelTendencyValue=0
  environment.water.temperature=276.75
  environment.wind.averageSpeed=10.29
  environment.wind.directionTrue=3.141592653589793
  environment.wind.gust=15.43
  environment.wind.gustDirectionTrue=3.3161255787892263
  navigation.position={"latitude":60.1,"longitude":24.9}
  sensors.ais.designatedAreaCode=1
  sensors.ais.functionalId=11
"#,
    );
}

#[test]
fn environmental_reports_of_one_site() {
    let mut weather = bits(8, 2_300_001);
    weather.put(0, 2).put(1, 10).put(33, 6);
    let head = |weather: &mut Bits, kind| {
        weather.put(kind, 4).put(22, 5).put(11, 5).put(30, 6).put(77, 7);
    };
    head(&mut weather, 0);
    weather.put(2, 6).place(HELSINKI).put(0, 24);
    head(&mut weather, 1);
    weather.text("HARMAJA", 14).put(0, 1);
    head(&mut weather, 2);
    weather.put(10, 7).put(122, 7).put(90, 9).put(360, 9).put(0, 53);
    head(&mut weather, 3);
    weather.put(0, 1).put(-42_i32 as u32, 16).put(0, 2).put(0, 5).put(1, 3).put(0, 58);
    check_bits(
        &weather,
        r#"
meteo.urn:mrn:imo:mmsi:002300001:77
  ={"mmsi":"002300001"}
  ={"name":"HARMAJA"}
  environment.date="2026-11-22T11:30:00.000Z"
  environment.water.level=-0.42
  environment.water.levelTendency="increasing"
  environment.water.levelTendencyValue=2
  environment.wind.averageSpeed=5.14
  environment.wind.directionTrue=1.5707963267948966
  navigation.position={"latitude":60.1,"longitude":24.9}
  sensors.ais.designatedAreaCode=1
  sensors.ais.functionalId=33
"#,
    );
}
