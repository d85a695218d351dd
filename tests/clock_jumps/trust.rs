//! What makes the clock believed, and what is told of it until then.

use std::sync::Arc;

use serde_json::json;
use taffrail::clock::ManualClock;

use super::harness::{Stream as _, TestServer, delta_of, until};
use super::machine::{Aboard, DEPTH, at, board_in, real, rmc, sentence, since_1970};

#[tokio::test]
async fn a_board_in_1970_tells_no_time_until_its_clock_is_synchronised_and_says_why() {
    let aboard = Aboard::on_a_board(since_1970(40_000)).await;
    let hellos = async || [aboard.server.ws("").await.next_json().await, aboard.server.tcp().await.next_json().await];
    for hello in hellos().await {
        assert_eq!(hello.get("timestamp"), None, "{hello}");
    }
    let health = aboard.health().await;
    assert_eq!((&health["trusted"], &health["why"]), (&json!(false), &json!("beforeBuild")), "{health}");
    assert!(aboard.server.get("/metrics").await.text().contains("\ntaffrail_clock_trusted 0.0\n"));

    aboard.clock.set_wall(real("10:00:00"));
    std::fs::write(&aboard.board.synchronised, "").unwrap();
    let health = aboard.until_trusted().await;
    until("the reason is the system's", || async { aboard.health().await["why"] == "set" }).await;
    assert_eq!((&health["steps"], &health["correction"]), (&json!(1), &json!(0.0)), "{health}");
    for hello in hellos().await {
        assert_eq!(hello["timestamp"], "2027-01-15T10:00:00.000Z", "{hello}");
    }
    assert!(aboard.server.get("/metrics").await.text().contains("\ntaffrail_clock_trusted 1.0\n"));
}

#[tokio::test]
async fn a_board_whose_clock_happens_to_be_right_is_trusted_once_the_system_says_so() {
    let aboard = Aboard::on_a_board(real("10:00:00")).await;
    assert_eq!(aboard.health().await["why"], "unconfirmed");
    aboard.depth(1.0).await;
    std::fs::write(&aboard.board.synchronised, "").unwrap();
    assert_eq!(aboard.until_trusted().await["why"], "synchronised");
    aboard.comes_to(DEPTH, &[at(real("10:00:00"), 1.0)]).await;
}

#[tokio::test]
async fn a_kernel_that_chrony_synchronised_before_the_start_confirms_the_time() {
    for (answer, expected) in [("yes\n", "synchronised"), ("no\n", "unconfirmed")] {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("model"), "Raspberry Pi Zero 2 W").unwrap();
        std::fs::write(at("kernel"), answer).unwrap();
        let clock = Arc::new(ManualClock::new(real("10:00:00")));
        let server = TestServer::start_on("", clock, directory.path(), board_in(&directory)).await;
        until(expected, || async { server.get("/healthz").await.json()["clock"]["why"] == expected }).await;
    }
}

#[tokio::test]
async fn a_recording_of_another_day_confirms_nothing_and_keeps_its_times() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("model"), "Raspberry Pi 3").unwrap();
    let log: String = (0..9).map(|second| sentence(&rmc(&format!("10000{second}"), "150127"))).collect();
    std::fs::write(at("voyage.nmea"), log).unwrap();
    let board = board_in(&directory);
    let toml = format!("[[input]]\nname = \"log\"\ntype = \"file\"\npath = \"{}\"\n", at("voyage.nmea").display());
    let clock = Arc::new(ManualClock::new(real("10:00:00")));
    let server = TestServer::start_on(&toml, clock, directory.path(), board).await;
    let read = || server.server.inputs.statuses()[0].report().counters.sentences;
    until("the recording is read", || async { read() == 9 }).await;
    assert_eq!(server.get("/healthz").await.json()["clock"]["why"], "unconfirmed");
}

#[tokio::test]
async fn a_time_before_the_program_was_made_is_believed_only_when_the_configuration_says_so() {
    for (setting, wall, expected) in [
        ("auto", since_1970(0), (false, "beforeBuild")),
        ("auto", real("10:00:00"), (true, "computer")),
        ("trusted", since_1970(0), (true, "configured")),
        ("untrusted", real("10:00:00"), (false, "distrusted")),
    ] {
        let aboard = Aboard::start(wall, setting, None).await;
        let health = aboard.health().await;
        assert_eq!((&health["trusted"], &health["why"]), (&json!(expected.0), &json!(expected.1)), "{setting} {wall}");
        let hello = aboard.server.ws("").await.next_json().await;
        assert_eq!(hello.get("timestamp").is_some(), expected.0, "{setting} {wall}: {hello}");
    }
}

#[tokio::test]
async fn deltas_have_the_time_of_arrival_by_the_clock_as_it_is_while_it_is_not_trusted() {
    let aboard = Aboard::on_a_board(since_1970(40_000)).await;
    let mut client = aboard.server.ws_greeted("subscribe=self").await;
    aboard.server.put(DEPTH, 1.0).await;
    let delta = client.until_value(DEPTH, 1.0).await;
    assert_eq!(delta["updates"][0]["timestamp"], "1970-01-01T00:00:40.000Z");
    let mut own_time = delta_of("gps", DEPTH, &json!(2.0));
    own_time["updates"][0]["timestamp"] = json!(real("10:00:00").to_string());
    aboard.server.send(&own_time).await;
    let delta = client.until_value(DEPTH, 2.0).await;
    assert_eq!(delta["updates"][0]["timestamp"], "2027-01-15T10:00:00.000Z", "a time of its own is kept");
}
