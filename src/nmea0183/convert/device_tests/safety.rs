//! Targets, distress calls, alarms and texts.

use super::{check, convert, state};
use crate::nmea0183::Outcome;

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
