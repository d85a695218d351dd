//! The quality of a fix, datums, routes and pilots.

use super::{State, check, shown, state};
use crate::kernel::update::{Context, Source, Update};

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
