//! What is heard of another server: deltas with their time, vessel and source, metadata, and all of it again after a restart.

use serde_json::json;

use super::ship::{Ship, free, reads, sources, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_come_with_their_time_and_under_the_name_of_the_input() {
    let a = Ship::start(free(), "").await;
    let tcp = a.server.tcp.unwrap();
    let time = "2026-03-04T05:06:07.089Z";
    let old = json!({"updates": [{"$source": "gps.GP", "timestamp": time, "values": [
        {"path": "navigation.speedOverGround", "value": 3.25}]}]});
    a.say_delta(old).await;
    a.hears("navigation.speedOverGround", "gps.GP").await;
    for url in [format!("ws://{}", a.server.http), format!("http://{}", a.server.http), format!("tcp://{tcp}")] {
        let toml = format!("[[input]]\nname = \"a\"\ntype = \"signalk\"\nurl = \"{url}\"\n");
        let b = Ship::start(free(), &toml).await;
        let heard = b.hears("navigation.speedOverGround", "a.gps.GP").await;
        let expected = (a.own(), time.to_owned(), "3.25".to_owned());
        assert_eq!((heard.context, heard.timestamp, heard.value), expected, "{url}: what was known before");
        let path = format!("test.live{}", b.server.http.port());
        a.say("log.VW", &path, 7).await;
        assert_eq!(b.hears(&path, "a.log.VW").await.value, "7", "{url}: live");
        b.stop().await;
    }
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_vessel_it_is() {
    let (mmsi, other) = ("[vessel]\nmmsi = \"230099999\"\n", "[vessel]\nmmsi = \"230011111\"\n");
    // Identity over there, identity here, more of the input, whether their own vessel is ours.
    let table =
        [(mmsi, mmsi, "", true), (mmsi, other, "", false), (mmsi, other, "aboard = true\n", true), ("", "", "", false)];
    for (there, here, more, is_ours) in table {
        let a = Ship::start(free(), there).await;
        a.say("gps.GP", "test.x", 1).await;
        let b = Ship::start(free(), &format!("{here}{}{more}", reads("a", a.server.http))).await;
        let heard = b.hears("test.x", "a.gps.GP").await;
        let expected = if is_ours { b.own() } else { a.own() };
        assert_eq!(heard.context, expected, "{there} {here} {more}");
        a.stop().await;
        b.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_asked_for_comes() {
    let a = Ship::start(free(), "").await;
    let tcp = a.server.tcp.unwrap();
    let target = json!({"context": "vessels.urn:mrn:imo:mmsi:230000001", "updates": [{"$source": "ais", "values": [
        {"path": "test.wanted", "value": 1}]}]});
    a.say_delta(target).await;
    a.hears("test.wanted", "ais").await;
    a.say("gps", "test.unwanted", 1).await;
    a.say("gps", "test.wanted", 1).await;
    for url in [format!("ws://{}", a.server.http), format!("tcp://{tcp}")] {
        let toml = format!(
            "[[input]]\nname = \"a\"\ntype = \"signalk\"\nurl = \"{url}\"\nsubscribe = \"self\"\npaths = [\"test.w*\", \"test.end\"]\n"
        );
        let b = Ship::start(free(), &toml).await;
        b.hears("test.wanted", "a.gps").await;
        a.say(&format!("end{}", b.server.http.port()), "test.end", 1).await;
        b.hears("test.end", &format!("a.end{}", b.server.http.port())).await;
        assert_eq!(sources(&b.log("test.wanted")), ["a.gps"], "{url}");
        assert_eq!(b.log("test.unwanted"), [], "{url}");
        b.stop().await;
    }
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_comes_along() {
    let a = Ship::start(free(), "[[meta]]\npath = \"test.tank\"\nunits = \"m3\"\ndescription = \"Rum\"\n").await;
    let b = Ship::start(free(), &reads("a", a.server.http)).await;
    a.say("probe", "test.tank", 1).await;
    b.hears("test.tank", "a.probe").await;
    let known = || b.server.feed().read().meta_of("test.tank").is_some_and(|meta| meta.contains("Rum"));
    until("metadata", || async { known() }).await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_is_found_again() {
    let port = free();
    let a = Ship::start(port, "").await;
    let b = Ship::start(free(), &reads("a", port)).await;
    a.say("gps", "test.before", 1).await;
    b.hears("test.before", "a.gps").await;
    let state = a.stop().await;
    b.until_problem(0, "a").await;
    let a = Ship::start_in(state, port, "").await;
    a.say("gps", "test.after", 2).await;
    assert_eq!(b.hears("test.after", "a.gps").await.value, "2");
    assert!(b.server.inputs.statuses()[0].report().reconnects >= 1);
    a.stop().await;
    b.stop().await;
}
