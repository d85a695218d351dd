//! Sentences of single devices in, JSON values out.

use proptest::prelude::*;

use super::{State, device};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::kernel::update::{Context, Nmea0183Source, Source, Update};
use crate::nmea0183::sentence::Sentence;
use crate::nmea0183::{Decoder, Options, Outcome};

/// Converts `GPXXX,field,..` (or a proprietary address) and gives the outcome and the update.
fn convert(line: &str, state: &mut State) -> (Outcome, Update) {
    let (address, data) = line.split_once(',').unwrap_or((line, ""));
    let (talker, formatter) =
        if address.starts_with('P') { ("", address) } else { address.split_at(address.len().saturating_sub(3)) };
    let sentence = Sentence::from_parts(false, talker, formatter, data);
    let source = Nmea0183Source { sentence: formatter.into(), talker: talker.into(), label: None, ais_type: None };
    let mut update = Update::new(Context::Own, Source::Nmea0183(source), 4);
    let outcome = device::converter(formatter).expect("a formatter of these families")(&sentence, state, &mut update);
    (outcome, update)
}

fn state() -> State {
    State { now: Now { wall: Timestamp::from_millis(0), mono: Moment::from_millis(1_000_000) }, ..State::default() }
}

/// `[context] path=json path=json`, numbers rounded to six significant decimals so that tables stay readable.
fn shown(update: &Update) -> String {
    let mut parts: Vec<String> = update.context.to_text().into_iter().collect();
    parts.extend(update.values.iter().map(|value| format!("{}={}", value.path, rounded(&value.value.to_json()))));
    parts.join(" ")
}

fn rounded(json: &str) -> String {
    fn walk(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Number(n) if n.is_f64() => {
                let n = n.as_f64().unwrap();
                *value = serde_json::json!((n * 1e6).round() / 1e6);
            }
            serde_json::Value::Array(list) => list.iter_mut().for_each(walk),
            serde_json::Value::Object(map) => map.values_mut().for_each(walk),
            _ => {}
        }
    }
    let mut value: serde_json::Value = serde_json::from_str(json).expect("a value is JSON");
    walk(&mut value);
    value.to_string()
}

/// Each line with what its values must be; an empty expectation means that nothing is said.
fn check(state: &mut State, table: &[(&str, &str)]) {
    for (line, expected) in table {
        let (outcome, update) = convert(line, state);
        let said = if update.values.is_empty() { String::new() } else { shown(&update) };
        assert_eq!(said, *expected, "{line}");
        let known = update.values.iter().any(|value| !value.value.is_null());
        // A lost target is understood, though all that it leaves is null.
        let lost = expected.starts_with("sensors.radar") && !known;
        assert_eq!(outcome == Outcome::Understood, known || lost, "{line}: {outcome:?}");
    }
}

#[test]
fn transducers_are_found_by_name() {
    check(
        &mut state(),
        &[
            (
                "IIXDR,A,-1.2,D,PITCH,A,3.4,D,ROLL",
                r#"navigation.attitude={"pitch":-0.020944,"roll":0.059341,"yaw":null}"#,
            ),
            ("IIXDR,C,20.5,C,AIRT,", "environment.outside.temperature=293.65"),
            ("YXXDR,C,,C,WCHR,C,,C,WCHT,C,,C,HINX,P,0.9952,B,STNP", "environment.outside.pressure=99520.0"),
            (
                "IIXDR,C,28.69,C,ENV_OUTSIDE_T,P,101400,P,ENV_ATMOS_P,H,47.38,P,ENV_OUTSIDE_H",
                "environment.outside.temperature=301.84 environment.outside.pressure=101400.0 \
                 environment.outside.humidity=0.4738",
            ),
            (
                "IIXDR,P,250000.00,P,EngineOil#1,C,85.00,C,Engine#1,U,14.20,V,Alternator#1,T,1800,R,ENGINE#1",
                "propulsion.1.oilPressure=250000.0 propulsion.1.temperature=358.15 \
                 propulsion.1.alternatorVoltage=14.2 propulsion.1.revolutions=30.0",
            ),
            ("IIXDR,G,12.50,,Engine#0,G,2,H,ENGHRS1", "propulsion.0.runTime=45000.0 propulsion.1.runTime=7200.0"),
            (
                "YDXDR,V,55.0,P,FUEL,V,12.0,P,FreshWater#2,V,0.1,M,BlackWater#0",
                "tanks.fuel.0.currentLevel=0.55 tanks.freshWater.2.currentLevel=0.12 \
                 tanks.blackWater.0.currentVolume=0.1",
            ),
            (
                "IIXDR,U,12.60,V,Battery#1,I,-4.2,A,BATCURR0",
                "electrical.batteries.1.voltage=12.6 electrical.batteries.0.current=-4.2",
            ),
            ("IIXDR,A,-5.0,D,RUDDER", "steering.rudderAngle=-0.087266"),
            ("WIMMB,29.92,I,1.0132,B", "environment.outside.pressure=101320.0"),
            ("WIMMB,30.00,I,,", "environment.outside.pressure=101591.66"),
            (
                "WIMHU,66.0,5.0,3.0,C",
                "environment.outside.humidity=0.66 environment.outside.dewPointTemperature=276.15",
            ),
            // Unknown names, and units that do not fit the type.
            ("IIXDR,C,15.0,C,WTHI", ""),
            ("IIXDR,C,15.0,D,AIRT", ""),
            ("IIXDR,A,15.0,P,PITCH", ""),
            ("YXXDR", ""),
        ],
    );
}

#[test]
fn attitude_that_comes_in_pieces_stays_whole_for_a_while() {
    let mut state = state();
    check(
        &mut state,
        &[
            ("YXXDR,A,1.0,D,PTCH", r#"navigation.attitude={"pitch":0.017453,"roll":null,"yaw":null}"#),
            ("YXXDR,A,2.0,D,ROLL", r#"navigation.attitude={"pitch":0.017453,"roll":0.034907,"yaw":null}"#),
        ],
    );
    state.now.mono = state.now.mono + 3001;
    check(&mut state, &[("YXXDR,A,2.0,D,ROLL", r#"navigation.attitude={"pitch":null,"roll":0.034907,"yaw":null}"#)]);
}

#[test]
fn configured_rules_come_first() {
    let rule = |name: &'static str, kind: &'static str, path: &'static str, factor| super::XdrRule {
        name: name.into(),
        kind: kind.into(),
        unit: "".into(),
        path: path.into(),
        factor,
    };
    let mut state = state();
    state.devices.transducers = super::transducer::Transducers::new(vec![
        rule("PITCH", "A", "navigation.attitude.pitch", -1.0),
        rule("FRIDGE*", "C", "environment.inside.fridge*.temperature", 1.0),
        rule("BILGE", "S", "electrical.switches.bilgePump.state", 1.0),
    ]);
    check(
        &mut state,
        &[
            ("IIXDR,A,1.0,D,PITCH", r#"navigation.attitude={"pitch":-0.017453,"roll":null,"yaw":null}"#),
            ("IIXDR,C,4.0,C,fridge2", "environment.inside.fridge2.temperature=277.15"),
            ("IIXDR,S,1,,BILGE", "electrical.switches.bilgePump.state=true"),
        ],
    );
}

#[test]
fn radar_targets_keep_their_number() {
    check(
        &mut state(),
        &[
            (
                "RATTM,11,11.4,13.6,T,7.0,20.0,T,0.0,0.0,N,,Q,,154125.82,A,",
                "sensors.radar.targets.11.track={\"bearingTrue\":0.237365,\"closestApproach\":\
                 {\"distance\":0.0,\"timeTo\":0.0},\"courseTrue\":0.349066,\"distance\":21112.8,\"speed\":3.601111,\
                 \"status\":\"acquiring\"}",
            ),
            (
                "RATTM,2,1.0,350,R,10,180,R,0.5,-6.0,K,BUOY,T,R,,M",
                "sensors.radar.targets.2.track={\"bearingRelative\":6.108652,\"closestApproach\":\
                 {\"distance\":500.0,\"timeTo\":-360.0},\"courseRelative\":3.141593,\"distance\":1000.0,\
                 \"name\":\"BUOY\",\"reference\":true,\"speed\":2.777778,\"status\":\"tracking\"}",
            ),
            ("RATTM,02,,,T,,,T,,,N,,L,,,A", "sensors.radar.targets.2.track=null"),
            (
                "RATLL,3,5030.00,N,00110.00,W,X,120000,T,",
                r#"sensors.radar.targets.3.position={"latitude":50.5,"longitude":-1.166667}"#,
            ),
            ("RATLL,3,,,,,X,120000,L,", "sensors.radar.targets.3.position=null"),
            ("RATTM,1000,1,1,T,1,1,T,1,1,N,,T,,,A", ""),
            ("RATTM,,,,,,,,,,,,,,,", ""),
        ],
    );
}

#[test]
fn own_ship_as_the_radar_has_it() {
    check(
        &mut state(),
        &[
            (
                "INOSD,35.1,A,36.0,P,10.2,P,15.3,0.1,N",
                "navigation.headingTrue=0.612611 navigation.courseOverGroundTrue=0.628319 \
                 navigation.speedOverGround=5.247333 \
                 environment.current={\"drift\":0.051444,\"setMagnetic\":null,\"setTrue\":0.267035}",
            ),
            ("INOSD,35.1,V,36.0,M,10.2,W,,,N", "navigation.speedThroughWater=5.247333"),
            ("INOSD,35.1,V,,,,,,,N", ""),
        ],
    );
}

#[test]
fn distress_calls_are_about_their_caller() {
    let mut state = state();
    check(
        &mut state,
        &[
            (
                "CDDSC,12,3380400790,12,00,00,1423108312,2019,,,S,E",
                "vessels.urn:mrn:imo:mmsi:338040079 \
                 navigation.position={\"latitude\":42.516667,\"longitude\":-83.2} \
                 notifications.fire={\"message\":\"DSC distress call of 338040079: fire\",\
                 \"method\":[\"visual\",\"sound\"],\"state\":\"emergency\"}",
            ),
            // No category, three-digit symbols, no position.
            (
                "CDDSC,112,5031105200,,105,100,9999999999,1800,,,R,E",
                "vessels.urn:mrn:imo:mmsi:503110520 \
                 notifications.unassigned={\"message\":\"DSC distress call of 503110520: unassigned\",\
                 \"method\":[\"visual\",\"sound\"],\"state\":\"emergency\"}"
                    .replace("unassigned", "sinking")
                    .leak(),
            ),
            // A coast station relays, another ship answers.
            (
                "CDDSC,16,0021130040,12,12,00,1423108312,2019,3380400790,10,S,",
                "vessels.urn:mrn:imo:mmsi:338040079 \
                 navigation.position={\"latitude\":42.516667,\"longitude\":-83.2} \
                 notifications.mob={\"message\":\"DSC distress relay of 338040079: mob\",\
                 \"method\":[\"visual\",\"sound\"],\"state\":\"emergency\"}",
            ),
            (
                "CDDSC,16,0021130040,12,10,00,9999999999,2019,3380400790,00,S,",
                "vessels.urn:mrn:imo:mmsi:338040079 \
                 notifications.fire={\"message\":\"DSC distress of 338040079 acknowledged by 002113004: fire\",\
                 \"method\":[\"visual\"],\"state\":\"alarm\"}",
            ),
            (
                "CDDSC,20,3381581370,00,21,26,3423108312,1902,,,B,E",
                "vessels.urn:mrn:imo:mmsi:338158137 \
                 navigation.position={\"latitude\":-42.516667,\"longitude\":-83.2}",
            ),
            ("CDDSC,20,3381581370,00,22,26,1423108312,1902,,,B,E", ""),
            ("CDDSC,20,,00,21,26,1423108312,1902,,,B,E", ""),
            ("CDDSC,,,,,,,,,,,", ""),
        ],
    );
}

#[test]
fn the_expansion_sharpens_the_position_of_its_caller() {
    let mut state = state();
    check(
        &mut state,
        &[
            ("CDDSE,1,1,A,3380400790,00,45894494", ""),
            (
                "CDDSC,20,3380400790,00,21,26,1423108312,1902,,,B,E",
                "vessels.urn:mrn:imo:mmsi:338040079 \
                 navigation.position={\"latitude\":42.516667,\"longitude\":-83.2}",
            ),
            (
                "CDDSE,1,1,A,3380400790,00,45894494,02,0123,03,0905",
                "vessels.urn:mrn:imo:mmsi:338040079 \
                 navigation.position={\"latitude\":42.524315,\"longitude\":-83.20749} \
                 navigation.speedOverGround=6.327667 navigation.courseOverGroundTrue=1.579523",
            ),
            ("CDDSE,1,1,A,5031105200,00,45894494", ""),
        ],
    );
    state.now.mono = state.now.mono + 60_001;
    check(&mut state, &[("CDDSE,1,1,A,3380400790,00,45894494", "")]);
}

#[test]
fn alarms_come_and_go() {
    check(
        &mut state(),
        &[
            (
                "AIALR,133109.00,002,V,V,AIS: Antenna VSWR exceeds limit",
                "notifications.alarmAI002={\"message\":\"AIS: Antenna VSWR exceeds limit\",\"method\":[],\
                 \"state\":\"normal\"}",
            ),
            (
                "AIALR,133109.00,002,A,V,AIS: Antenna VSWR exceeds limit",
                "notifications.alarmAI002={\"message\":\"AIS: Antenna VSWR exceeds limit\",\
                 \"method\":[\"visual\",\"sound\"],\"state\":\"alarm\"}",
            ),
            ("AIALR,,,,,", ""),
            ("AIALR,,0.1,A,V,x", ""),
            (
                "VRALF,1,1,1,124304.50,A,W,A,,192,1,1,0,LOST TARGET",
                "notifications.alert192x1={\"message\":\"LOST TARGET\",\"method\":[\"visual\"],\"state\":\"warn\"}",
            ),
            (
                "VRALF,1,1,1,124304.50,B,A,V,FEC,3,,1,0,CPA",
                "notifications.alertFEC3={\"message\":\"CPA\",\"method\":[\"visual\",\"sound\"],\"state\":\"alarm\"}",
            ),
            (
                "VRALF,1,1,1,124304.50,B,A,N,FEC,3,,1,0,CPA",
                "notifications.alertFEC3={\"message\":\"CPA\",\"method\":[],\"state\":\"normal\"}",
            ),
            ("VRALF,2,2,1,,,,,,192,1,1,0,more words", ""),
            (
                "GPAAM,A,V,0.10,N,WPTNME",
                "notifications.arrivalCircleEntered={\"message\":\"Entered the arrival circle of waypoint WPTNME\",\
                 \"method\":[\"visual\",\"sound\"],\"state\":\"alarm\"} notifications.perpendicularPassed=null",
            ),
            ("GPAAM,,,,,", ""),
            (
                "RMMOB,1FFFF,A,093000,0,010124,093000,5000.0,N,00100.0,W,0,0,,0",
                "notifications.mob={\"message\":\"Man overboard device 1FFFF activated\",\
                 \"method\":[\"visual\",\"sound\"],\"position\":{\"latitude\":50.0,\"longitude\":-1.0},\
                 \"state\":\"emergency\"}",
            ),
            ("RMMOB,1FFFF,T,093000,0,010124,093000,5000.0,N,00100.0,W,0,0,,0", ""),
        ],
    );
}

#[test]
fn texts_wait_for_the_log() {
    let mut state = state();
    for n in 0..20 {
        let (outcome, _) = convert(&format!("AITXT,01,01,62,TX attempt {n} ^28busy^29"), &mut state);
        assert_eq!(outcome, Outcome::Nothing);
    }
    let first = state.devices.texts.take().unwrap();
    assert_eq!(
        (first.talker.as_str(), first.identifier.as_str(), first.text.as_str()),
        ("AI", "62", "TX attempt 4 (busy)")
    );
    assert_eq!(std::iter::from_fn(|| state.devices.texts.take()).count(), 15);
}

#[test]
fn attitude_sensors_and_compasses() {
    check(
        &mut state(),
        &[
            (
                "PFEC,GPatt,294.7,-02.5,+00.4",
                "navigation.headingTrue=5.143485 \
                 navigation.attitude={\"pitch\":-0.043633,\"roll\":0.006981,\"yaw\":5.143485}",
            ),
            ("PFEC,GPhve,00.007,A", "environment.heave=0.007"),
            ("PFEC,GPhve,00.007,V", ""),
            ("PFEC,AIcmd,0,35,A,01062011,130711", ""),
            (
                "PTNTHPR,85.9,N,-0.9,N,0.8,N",
                "navigation.headingMagnetic=1.499238 \
                 navigation.attitude={\"pitch\":-0.015708,\"roll\":0.013963,\"yaw\":null}",
            ),
            ("PTNTHPR,85.9,L,-0.9,L,0.8,L", ""),
            (
                "PASHR,085335.000,224.19,T,-01.26,+00.83,+00.10,0.101,0.113,0.267,1,0",
                "navigation.headingTrue=3.912854 \
                 navigation.attitude={\"pitch\":0.014486,\"roll\":-0.021991,\"yaw\":3.912854} environment.heave=0.1",
            ),
            (
                "PASHR,ATT,130124.5,90.0,1.0,2.0,0.001,0.001,0",
                "navigation.headingTrue=1.570796 \
                 navigation.attitude={\"pitch\":0.017453,\"roll\":0.034907,\"yaw\":1.570796}",
            ),
            ("PASHR,ATT,130124.5,90.0,1.0,2.0,0.001,0.001,1", ""),
            ("PASHR,POS,0,08", ""),
            (
                "PRDID,-00.2,001.1,180.0",
                "navigation.headingTrue=3.141593 \
                 navigation.attitude={\"pitch\":-0.003491,\"roll\":0.019199,\"yaw\":3.141593}",
            ),
            (
                "PSAT,HPR,130124.50,90.0,1.0,,N",
                "navigation.headingTrue=1.570796 \
                 navigation.attitude={\"pitch\":0.017453,\"roll\":null,\"yaw\":1.570796}",
            ),
            ("HETHS,77.52,A", "navigation.headingTrue=1.352979"),
            ("HETHS,77.52,V", "navigation.headingTrue=null"),
            ("HETHS,,A", ""),
        ],
    );
}

#[test]
fn quality_of_the_fix() {
    check(
        &mut state(),
        &[
            (
                "GPGSA,A,3,02,,12,14,,24,25,32,,,,,2.7,1.9,2.0",
                "navigation.gnss.positionDilution=2.7 navigation.gnss.horizontalDilution=1.9",
            ),
            (
                "GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99",
                "navigation.gnss.positionDilution=null navigation.gnss.horizontalDilution=null",
            ),
            (
                "GPGBS,092211.00,3.0,4.0,3.2,,,,",
                "navigation.gnss.horizontalError=5.0 navigation.gnss.verticalError=3.2",
            ),
            (
                "GPGST,024603.00,3.2,6.6,4.7,47.3,3.0,4.0,22.0",
                "navigation.gnss.horizontalError=5.0 navigation.gnss.verticalError=22.0",
            ),
            ("GPGST,024603.00,,,,,,,", ""),
            ("PGRME,19.1,M,19.8,M,27.5,M", "navigation.gnss.horizontalError=19.1 navigation.gnss.verticalError=19.8"),
            ("PGRMZ,12,f,3", "navigation.gnss.antennaAltitude=3.6576"),
            ("PGRMZ,12,f,2", ""),
            (
                "PUBX,00,081350.00,4717.113210,N,00833.915187,E,546.589,G3,2.1,2.0,3.6,77.52,0.007,,0.92,1.19,0.77,9,0,0",
                "navigation.position={\"latitude\":47.28522,\"longitude\":8.565253} \
                 navigation.gnss.methodQuality=\"GNSS Fix\" navigation.speedOverGround=1.0 \
                 navigation.courseOverGroundTrue=1.352979 navigation.gnss.horizontalDilution=0.92 \
                 navigation.gnss.satellites=9 navigation.gnss.horizontalError=2.1 navigation.gnss.verticalError=2.0",
            ),
            ("PUBX,00,081350.00,,,,,,NF,,,,,,,,,,,,", "navigation.position=null"),
            ("PUBX,03,11,23", ""),
        ],
    );
}

#[test]
fn a_position_in_another_datum_does_not_pass_for_wgs_84() {
    let mut state = state();
    let settled = |state: &State, talker: &str| {
        let mut update = Update::new(Context::Own, Source::Ref("x".into()), 1);
        update.push("navigation.position", crate::kernel::value::Position::new(50.0, 10.0).unwrap().into());
        state.devices.datums.settle(talker, state.now.mono, &mut update);
        shown(&update)
    };
    let untouched = r#"navigation.position={"latitude":50.0,"longitude":10.0}"#;
    let aside = r#"navigation.gnss.positionInLocalDatum={"latitude":50.0,"longitude":10.0}"#;
    check(&mut state, &[("GPDTM,W84,,0.0,N,0.0,E,0.0,W84", "navigation.gnss.datum=\"W84\"")]);
    assert_eq!(settled(&state, "GP"), untouched);
    check(&mut state, &[("GPDTM,W72,,0.6,S,1.2,E,0.0,W84", "navigation.gnss.datum=\"W72\"")]);
    assert_eq!(settled(&state, "GP"), r#"navigation.position={"latitude":50.01,"longitude":9.98}"#);
    assert_eq!(settled(&state, "II"), untouched);
    check(&mut state, &[("GPDTM,999,,,,,,,", "navigation.gnss.datum=\"999\"")]);
    assert_eq!(settled(&state, "GP"), aside);
    check(&mut state, &[("PGRMM,WGS 84", "navigation.gnss.datum=\"W84\"")]);
    assert_eq!(settled(&state, "GP"), untouched);
    check(&mut state, &[("PGRMM,European 1950", "navigation.gnss.datum=\"European 1950\"")]);
    assert_eq!(settled(&state, "GP"), aside);
    state.now.mono = state.now.mono + 120_001;
    assert_eq!(settled(&state, "GP"), untouched);
}

#[test]
fn waypoints_and_routes_like_resources() {
    let mut state = state();
    check(
        &mut state,
        &[
            (
                "GPWPL,5000.0,N,00100.0,W,START 1",
                "resources.waypoints.START_1={\"name\":\"START 1\",\
                 \"position\":{\"latitude\":50.0,\"longitude\":-1.0}}",
            ),
            ("GPWPL,,N,,W,X", ""),
            ("GPWPL,5000.0,N,00100.0,W,", ""),
            ("GPRTE,2,1,c,HOME,START 1,B", ""),
            ("GPRTE,2,1,c,OTHER,Z", ""),
            (
                "GPRTE,2,2,c,HOME,C",
                "resources.routes.HOME={\"kind\":\"complete\",\"name\":\"HOME\",\"waypoints\":[\
                 {\"name\":\"START 1\",\"position\":{\"latitude\":50.0,\"longitude\":-1.0}},\
                 {\"name\":\"B\"},{\"name\":\"C\"}]}",
            ),
            // Twice the same part, and a part without its first.
            ("GPRTE,2,2,c,HOME,C", ""),
            ("GPRTE,1,1,c,0", ""),
            (
                "GPRTE,1,1,w,0,A,B",
                "resources.routes.0={\"kind\":\"working\",\"name\":\"0\",\
                 \"waypoints\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
            ),
            ("GPRTE,2,1,c,LATE,A", ""),
        ],
    );
    state.now.mono = state.now.mono + 30_001;
    check(&mut state, &[("GPRTE,2,2,c,LATE,B", "")]);
}

#[test]
fn legs_bearings_and_closing_speed() {
    check(
        &mut state(),
        &[
            (
                "GPBOD,045.,T,023.,M,,",
                "navigation.courseRhumbline.bearingTrackTrue=0.785398 \
                 navigation.courseRhumbline.bearingTrackMagnetic=0.401426",
            ),
            (
                "GPBOD,045.,,023.,M,DEST,",
                "navigation.courseRhumbline.bearingTrackTrue=0.785398 \
                 navigation.courseRhumbline.bearingTrackMagnetic=0.401426 \
                 navigation.courseRhumbline.nextPoint.ID=\"DEST\"",
            ),
            ("GPWCV,2.0,N,DEST,A", "navigation.courseRhumbline.nextPoint.velocityMadeGood=1.028889"),
            ("GPWCV,2.0,N,DEST,N", "navigation.courseRhumbline.nextPoint.velocityMadeGood=null"),
            ("GPWCV,,N,,D", ""),
            ("GPZTG,120000,013000.5,DEST", "navigation.courseRhumbline.nextPoint.timeToGo=5400.5"),
            ("GPZTG,,,", ""),
        ],
    );
}

#[test]
fn autopilots_and_their_commands() {
    check(
        &mut state(),
        &[
            (
                "FTHSC,40.12,T,,",
                "steering.autopilot.target.headingTrue=0.700226 steering.autopilot.target.headingMagnetic=null",
            ),
            (
                "FTHSC,40.12,,39.11,M",
                "steering.autopilot.target.headingTrue=0.700226 \
                 steering.autopilot.target.headingMagnetic=0.682598",
            ),
            ("FTHSC,,,,", ""),
            (
                "AGHTD,V,2.8,L,S,R,10,,,,90.0,,,T,A,A,,45.0",
                "steering.rudderAngleTarget=-0.048869 steering.autopilot.target.headingTrue=1.570796 \
                 steering.autopilot.state=\"auto\" navigation.headingTrue=0.785398",
            ),
            ("AGHTC,V,,,T,,,,,,90.0,,,M", "steering.autopilot.target.headingMagnetic=1.570796"),
        ],
    );
}

#[test]
fn engines_logs_and_gauges() {
    check(
        &mut state(),
        &[
            ("IIRPM,E,0,600,,A", "propulsion.0.revolutions=10.0"),
            ("IIRPM,S,1,-1200,-20,A", "propulsion.shaft1.revolutions=-20.0"),
            ("IIRPM,E,1,1500,,V", "propulsion.1.revolutions=null"),
            ("ERRPM,E", ""),
            ("IIRPM,E,../x,600,,A", ""),
            (
                "VDVBW,-3.0,4.0,A,6.0,8.0,A",
                "navigation.speedThroughWater=-2.572222 navigation.speedThroughWaterLongitudinal=-1.543333 \
                 navigation.speedThroughWaterTransverse=2.057778 navigation.speedOverGround=5.144444",
            ),
            ("VDVBW,3.0,4.0,V,6.0,8.0,V", "navigation.speedThroughWater=null navigation.speedOverGround=null"),
            (
                "IIVDR,10.1,T,,M,1.2,N",
                r#"environment.current={"drift":0.617333,"setMagnetic":null,"setTrue":0.176278}"#,
            ),
            ("IIVPW,-04.00,N,,M", "performance.velocityMadeGood=-2.057778"),
            (
                "PBVE,BEAAADAAABFKBCIIBDAGOOABAAAAADAAAAOIACAAONFMAKCAADAAAAHG",
                "propulsion.0.revolutions=44.2 propulsion.0.runTime=180.0",
            ),
            ("PBVE,FCIEADCIAAJJAFFA", ""),
            ("PBVE,", ""),
            ("PNKEP,02,344.4", "performance.tackMagnetic=6.010914"),
        ],
    );
}

#[test]
fn the_thresholds_of_a_gauge_are_told_once() {
    let line = "PBVE,DGOIADNNACAEACAAABBLAAEBAACMCFAAEPAIKI";
    let mut state = state();
    let (_, first) = convert(line, &mut state);
    assert_eq!(shown(&first), "propulsion.0.oilPressure=255106.019841");
    let meta: serde_json::Value = serde_json::from_str(&first.meta[0].meta).unwrap();
    assert_eq!(meta["units"], "Pa");
    assert!(meta["zones"][0]["upper"].as_f64().unwrap() < meta["zones"][1]["lower"].as_f64().unwrap());
    assert!(convert(line, &mut state).1.meta.is_empty());
}

#[test]
fn seatalk_in_both_wrappings() {
    let table = [
        ("05,03,00,08,98,00", "propulsion.0.revolutions=36.666667"),
        ("11,01,8A,05", "environment.wind.speedApparent=5.401667"),
        ("20,01,22,11", "navigation.speedThroughWater=225.635333"),
        ("23,01,14,44", "environment.water.temperature=293.15"),
        ("23,41,14,44", ""),
        ("26,04,F4,01,58,02,00", ""),
        ("26,04,F4,01,58,02,40", "navigation.speedThroughWater=2.572222"),
        ("53,C0,00", "navigation.courseOverGroundMagnetic=0.02618"),
        ("58,25,31,10,0E,0C,10,8E", r#"navigation.position={"latitude":49.0685,"longitude":12.070633}"#),
        (
            "84,36,3F,FF,02,0C,F6,00,08",
            "navigation.headingMagnetic=0.628319 steering.autopilot.target.headingMagnetic=2.225295 \
             steering.rudderAngle=-0.174533 steering.autopilot.state=\"auto\"",
        ),
        ("84,06,00,00,04,00,00,00", ""),
        ("99,00,FF", "navigation.magneticVariation=0.017453"),
        ("82,05,27,D9,48,B7,06,F9", ""),
        ("10,01", ""),
        ("00", ""),
        ("ZZ,00", ""),
        ("", ""),
    ];
    for wrapping in ["STALK,", "PSMDST,", "PSMDST,R,"] {
        for (bytes, expected) in table {
            check(&mut state(), &[(&format!("{wrapping}{bytes}"), expected)]);
        }
    }
}

#[test]
fn halves_of_a_seatalk_position_do_not_wait_for_ever() {
    let mut state = state();
    check(&mut state, &[("STALK,50,02,31,10,0E", "")]);
    state.now.mono = state.now.mono + 10_001;
    check(
        &mut state,
        &[
            ("STALK,51,02,0C,10,8E", ""),
            ("STALK,50,02,31,10,0E", r#"navigation.position={"latitude":49.6,"longitude":12.6}"#),
        ],
    );
}

#[test]
fn the_coarse_seatalk_position_gives_way_to_the_fine_one() {
    check(
        &mut state(),
        &[
            ("STALK,58,25,31,10,0E,0C,10,8E", r#"navigation.position={"latitude":49.0685,"longitude":12.070633}"#),
            ("STALK,50,02,31,10,0E", ""),
            ("STALK,51,02,0C,10,8E", ""),
        ],
    );
}

#[test]
fn seatalk_knows_no_date_between_midnight_and_the_next_date() {
    check(
        &mut state(),
        &[
            ("STALK,56,C1,1F,18", ""),
            ("STALK,54,F1,EB,17", "navigation.datetime=\"2024-12-31T23:59:03.000Z\""),
            ("STALK,54,01,00,00", ""),
            ("STALK,56,11,01,19", "navigation.datetime=\"2025-01-01T00:00:00.000Z\""),
        ],
    );
}

#[test]
fn a_decoder_knows_datums_rules_and_texts() {
    let rule = super::XdrRule {
        name: "FRIDGE".into(),
        kind: "C".into(),
        unit: "".into(),
        path: "environment.inside.fridge.temperature".into(),
        factor: 1.0,
    };
    let options = Options { checksum_optional: true, xdr: vec![rule], ..Options::default() };
    let mut decoder = Decoder::new(options);
    let mut out = Vec::new();
    let lines = "$GPDTM,999,,,,,,,\n$GPGLL,5000.0,N,01000.0,E,120000,A\n$IIXDR,C,4.0,C,FRIDGE\n$GPTXT,01,01,02,hello\n\
                 $GPVSI,,,,,\n$CCGPQ,GGA\n$PSRF103,00,6,00,0\n";
    decoder.feed(lines.as_bytes(), Now::default(), &mut out);
    let values: Vec<String> = out.iter().map(shown).collect();
    assert_eq!(
        values,
        [
            r#"navigation.gnss.datum="999""#,
            r#"navigation.gnss.positionInLocalDatum={"latitude":50.0,"longitude":10.0}"#,
            "environment.inside.fridge.temperature=277.15",
        ]
    );
    assert_eq!(decoder.take_text().unwrap().text, "hello");
    assert_eq!((decoder.take_text(), decoder.counters().nothing, decoder.counters().unknown), (None, 4, 0));
}

const FORMATTERS: &[&str] = &[
    "IIAAM", "IIALF", "IIALR", "IIBOD", "IIDSC", "IIDSE", "IIDTM", "IIGBS", "IIGSA", "IIGST", "IIHSC", "IIHTC",
    "IIHTD", "IIMHU", "IIMMB", "IIMOB", "IIOSD", "IIRPM", "IIRTE", "IITHS", "IITLL", "IITTM", "IITXT", "IIVBW",
    "IIVDR", "IIVPW", "IIWCV", "IIWPL", "IIXDR", "IIZTG", "STALK", "PSMDST", "PASHR", "PBVE", "PFEC", "PGRME", "PGRMM",
    "PGRMZ", "PNKEP", "PRDID", "PSAT", "PTNTHPR", "PUBX",
];

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "-?[0-9]{1,5}(\\.[0-9]{1,3})?",
        3 => "[ACDEGIKLMNPRSTUVWQ]",
        2 => "[0-9A-F]{2}",
        1 => "[0-9]{8,12}",
        1 => "[0-9]{300,320}",
        1 => "00|01|HPR|ATT|GPatt|GPhve|ENGINE#1|PITCH|12|D3|R|\\^0A|W72|W84",
        1 => "[A-P]{40,60}",
        1 => ".{0,12}",
        1 => Just(String::new()),
    ]
}

proptest! {
    #[test]
    fn any_fields_are_read_or_passed_over(
        lines in prop::collection::vec((prop::sample::select(FORMATTERS), prop::collection::vec(field(), 0..24)), 1..20)
    ) {
        let mut state = state();
        for (formatter, fields) in lines {
            state.now.mono = state.now.mono + 700;
            let (outcome, mut update) = convert(&format!("{formatter},{}", fields.join(",")), &mut state);
            state.devices.datums.settle("II", state.now.mono, &mut update);
            if update.values.iter().any(|value| !value.value.is_null()) {
                prop_assert!(matches!(outcome, Outcome::Understood | Outcome::Void));
            }
            for value in &update.values {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&value.value.to_json());
                prop_assert!(parsed.is_ok(), "{}={:?}", value.path, value.value);
                prop_assert!(!value.path.split('.').any(str::is_empty), "{}", value.path);
            }
        }
    }
}
