//! How an input's sentences are read is configured: checksums, groups of talkers, names of transducers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::io::Write as _;

use harness::{TestServer, until};
use serde_json::Value as Json;

fn sentence(content: &str) -> String {
    let sum = content.bytes().fold(0_u8, |sum, b| sum ^ b);
    format!("${content}*{sum:02X}\r\n")
}

/// A server that has read these sentences to the end; the last one, of this function, says so.
async fn read(sentences: &str, keys: &str) -> TestServer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "{sentences}{}", sentence("IIHDT,90.0,T")).unwrap();
    let path = file.path().to_str().unwrap();
    let toml = format!("[[input]]\nname = \"bow\"\ntype = \"file\"\npath = \"{path}\"\nrate = \"max\"\n{keys}");
    let server = TestServer::start(&toml).await;
    until("the file was read", || async { server.node("vessels/self/navigation/headingTrue").await.is_object() }).await;
    server
}

const OWN_TRANSDUCERS: &str = "[[input.xdr]]\nname = \"FRIDGE\"\nkind = \"C\"\nunit = \"C\"\n\
    path = \"environment.inside.refrigerator.temperature\"\n\
    [[input.xdr]]\nname = \"LIST\"\npath = \"navigation.list\"\nfactor = -1\n\
    [[input.xdr]]\nname = \"CELL*\"\npath = \"electrical.batteries.*.voltage\"\n";

#[tokio::test]
async fn a_transducers_name_leads_to_its_path() {
    let own = "IIXDR,C,4.0,C,FRIDGE,A,90.0,D,LIST,U,12.5,V,CELL#3";
    let server = read(&sentence(own), OWN_TRANSDUCERS).await;
    for (path, expected) in [
        ("environment/inside/refrigerator/temperature", 277.15),
        ("navigation/list", -std::f64::consts::FRAC_PI_2),
        ("electrical/batteries/3/voltage", 12.5),
    ] {
        let value = server.node(&format!("vessels/self/{path}/value")).await.as_f64();
        assert!(value.is_some_and(|value| (value - expected).abs() < 1e-9), "{path}: {value:?}");
    }
    // Without the rules nobody knows these names.
    let server = read(&sentence(own), "").await;
    assert_eq!(server.node("vessels/self/navigation/list").await, Json::Null);
}

#[tokio::test]
async fn a_group_stands_for_its_talkers() {
    let sentences = [
        sentence("GPVTG,10.0,T,,M,5.0,N,9.3,K,A"),
        sentence("GNGLL,6000.0,N,02500.0,E,120000,A,A"),
        sentence("IIMTW,12.0,C"),
    ];
    let server = read(&sentences.concat(), "talkers = { GP = \"gnss\", GN = \"gnss\" }").await;
    for (path, source) in [
        ("navigation/courseOverGroundTrue", "bow.gnss"),
        ("navigation/position", "bow.gnss"),
        ("environment/water/temperature", "bow.II"),
    ] {
        assert_eq!(server.node(&format!("vessels/self/{path}/$source")).await, source, "{path}");
    }
    let sources = server.node("sources/bow").await;
    assert!(sources["GP"].is_null() && sources["GN"].is_null(), "{sources}");
    // The group is a name; the talker stays the one that was heard.
    assert_eq!((&sources["gnss"]["talker"], &sources["II"]["talker"]), (&"GN".into(), &"II".into()), "{sources}");
}

#[tokio::test]
async fn the_checksum_may_be_asked_for_or_not() {
    let missing = "$IIMTW,12.0,C\r\n$IIVWR,045.0,R,12.6,N,6.5,M,23.3,K*00\r\n";
    let (water, wind) = ("vessels/self/environment/water/temperature", "vessels/self/environment/wind/angleApparent");
    for (keys, has_water, has_wind) in
        [("", false, false), ("checksum = \"optional\"", true, false), ("checksum = \"ignored\"", true, true)]
    {
        let server = read(missing, keys).await;
        let found = (server.node(water).await.is_object(), server.node(wind).await.is_object());
        assert_eq!(found, (has_water, has_wind), "{keys}");
    }
}
