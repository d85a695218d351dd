//! `[vessel]`

use crate::config::layers::{Effective, Layers};
use crate::config::problem::Problems;
use crate::config::{Vessel, reading};

/// The largest ship is half as long; nothing in metres about a vessel is larger.
const METRES_MAX: f64 = 1000.0;

pub fn read(layers: &mut Layers, effective: &mut Effective, problems: &mut Problems) -> Vessel {
    let mut section = layers.section("vessel");
    let flag = reading::text_if(
        |text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
        "two capital letters, such as \"FI\"",
    );
    let imo = reading::text_if(
        |text| text.len() == 7 && text.bytes().all(|b| b.is_ascii_digit()),
        "seven digits in quotes, such as \"9074729\"",
    );
    let length = reading::number(0.0..=METRES_MAX);
    let vessel = Vessel {
        uuid: section.optional("uuid", problems, reading::uuid),
        mmsi: section.optional("mmsi", problems, reading::mmsi),
        name: section.optional("name", problems, reading::text),
        callsign: section.optional("callsign", problems, reading::text),
        flag: section.optional("flag", problems, flag),
        port: section.optional("port", problems, reading::text),
        imo: section.optional("imo", problems, imo),
        draft: section.optional("draft", problems, &length),
        length: section.optional("length", problems, &length),
        beam: section.optional("beam", problems, &length),
        air_height: section.optional("air_height", problems, &length),
        ship_type: section.optional("type", problems, reading::whole(10..=99)).map(|kind| kind as u8),
        gps_from_bow: section.optional("gps_from_bow", problems, &length),
        gps_from_center: section.optional("gps_from_center", problems, reading::number(-METRES_MAX..=METRES_MAX)),
    };
    section.finish(effective);
    vessel
}
