//! Devices of distress, and texts about safety.

use super::{HELSINKI, bits, check_bits, check_encoded};
use crate::ais::message::{ClassA, Message};

#[test]
fn distress_devices_raise_an_alarm_and_a_test_does_not() {
    let device = |status| {
        Message::ClassA(ClassA {
            kind: 1,
            status,
            rate_of_turn: -128,
            speed: 1023,
            place: HELSINKI,
            course: 3600,
            heading: 511,
            manoeuvre: 0,
        })
    };
    check_encoded(
        972_000_001,
        &device(14),
        r#"
sar.urn:mrn:imo:mmsi:972000001
  ={"mmsi":"972000001"}
  navigation.position={"latitude":60.1,"longitude":24.9}
  navigation.specialManeuver="not available"
  navigation.state="ais-sart"
  notifications.mob={"state":"emergency","method":["visual","sound"],"message":"Man overboard device 972000001 is active"}
  sensors.ais.class="A"
"#,
    );
    check_encoded(
        970_000_001,
        &device(15),
        r#"
sar.urn:mrn:imo:mmsi:970000001
  ={"mmsi":"970000001"}
  navigation.position={"latitude":60.1,"longitude":24.9}
  navigation.specialManeuver="not available"
  navigation.state="default"
  notifications.sart={"state":"normal","method":[],"message":"Search and rescue transmitter 970000001 is under test"}
  sensors.ais.class="A"
"#,
    );
}

#[test]
fn safety_texts_become_notifications() {
    let mut to_all = bits(14, 2_300_001);
    to_all.put(0, 2).text("BUOY 7 UNLIT", 12);
    check_bits(
        &to_all,
        r#"
vessels.urn:mrn:imo:mmsi:002300001
  ={"mmsi":"002300001"}
  notifications.safetyMessage={"state":"alert","method":["visual"],"message":"BUOY 7 UNLIT"}
"#,
    );
    let mut to_one = bits(12, 230_123_456);
    to_one.put(0, 2).put(230_999_999, 30).put(0, 2).text("CALL ME", 7);
    check_bits(
        &to_one,
        r#"
vessels.urn:mrn:imo:mmsi:230123456
  ={"mmsi":"230123456"}
  notifications.safetyMessage={"state":"alert","method":["visual"],"message":"to 230999999: CALL ME"}
"#,
    );
    let mut beacon = bits(14, 974_000_001);
    beacon.put(0, 2).text("EPIRB ACTIVE", 12);
    check_bits(
        &beacon,
        r#"
sar.urn:mrn:imo:mmsi:974000001
  ={"mmsi":"974000001"}
  notifications.epirb={"state":"emergency","method":["visual","sound"],"message":"Emergency beacon 974000001 is active"}
"#,
    );
}
