//! SeaTalk datagrams in their wrappings.

use super::{check, state};

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
