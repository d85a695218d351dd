//! `taffrail history` and `taffrail export`, through the program itself, on the history of a server that has stopped and of
//! one that runs.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use harness::{TestServer, until};
use serde_json::{Value as Json, json};
use taffrail::clock::SystemClock;

/// Standard output of the program on a state directory, when it ends well; else standard error.
fn taffrail(state: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    let output = command.args(arguments).arg("--state-dir").arg(state).env_clear().output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

async fn record(state: &Path) -> TestServer {
    let toml = "[history]\nenabled = true\ncommit_interval = \"1s\"\n";
    let server = TestServer::start_with(toml, Arc::new(SystemClock::new()), state).await;
    let place = |n: f64| json!({"latitude": 60.0 + n, "longitude": 24.5});
    let told = |time: &str, path: &str, value: Json| {
        json!({"updates": [{"$source": "gps", "timestamp": format!("2026-06-15T{time}Z"),
            "values": [{"path": path, "value": value}]}]})
    };
    for (time, path, value) in [
        ("10:00:00", "navigation.position", place(0.1)),
        ("10:00:01", "navigation.speedOverGround", json!(3.0)),
        ("10:00:02", "navigation.speedOverGround", json!(4.0)),
        ("10:00:03", "navigation.state", json!("sailing, \"reefed\"")),
        ("10:00:05", "navigation.position", place(0.2)),
        ("11:00:00", "navigation.position", place(0.3)),
        ("11:00:01", "navigation.speedOverGround", json!(null)),
    ] {
        server.inject(told(time, path, value)).await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_is_written_out_in_each_format() {
    let state = tempfile::tempdir().unwrap();
    let server = record(state.path()).await;
    let own = server.own().await;
    server.stop().await;
    let export = |arguments: &[&str]| taffrail(state.path(), &[&["export"], arguments].concat()).unwrap();
    let range = ["--from", "2026-06-15T10:00:00Z", "--to", "2026-06-15T12:00:00Z"];
    let with = |more: &[&str]| export(&[&range[..], more].concat());

    let expected = format!(
        "time,context,path,source,value\n\
         2026-06-15T10:00:01.000Z,{own},navigation.speedOverGround,gps,3.0\n\
         2026-06-15T10:00:02.000Z,{own},navigation.speedOverGround,gps,4.0\n\
         2026-06-15T10:00:03.000Z,{own},navigation.state,gps,\"sailing, \"\"reefed\"\"\"\n\
         2026-06-15T11:00:01.000Z,{own},navigation.speedOverGround,gps,\n"
    );
    assert_eq!(with(&["--paths", "navigation.speedOverGround,navigation.state"]), expected);

    let minutes = with(&["--paths", "navigation.speedOverGround:max", "--resolution", "1m"]);
    assert_eq!(
        minutes.lines().nth(1).unwrap(),
        format!("2026-06-15T10:00:00.000Z,{own},navigation.speedOverGround,,4.0")
    );
    assert_eq!(minutes.lines().count(), 2, "{minutes}");

    let deltas: Vec<Json> = with(&["--format", "jsonl"]).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(deltas.len(), 7);
    assert_eq!(
        deltas[1],
        json!({"context": own, "updates": [{"$source": "gps", "timestamp": "2026-06-15T10:00:01.000Z",
            "values": [{"path": "navigation.speedOverGround", "value": 3.0}]}]})
    );

    let gpx = with(&["--format", "gpx"]);
    assert_eq!(
        (gpx.matches("<trkpt ").count(), gpx.matches("<trkseg>").count(), gpx.matches("</trkseg>").count()),
        (3, 2, 2)
    );
    assert!(gpx.contains("<trkpt lat=\"60.1\" lon=\"24.5\"><time>2026-06-15T10:00:00.000Z</time></trkpt>"), "{gpx}");

    let file = state.path().join("track.json");
    with(&["--format", "geojson", "-o", file.to_str().unwrap()]);
    let track: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let geometries: Vec<&Json> = track["features"].as_array().unwrap().iter().map(|f| &f["geometry"]).collect();
    assert_eq!(
        json!(geometries),
        json!([
            {"type": "LineString", "coordinates": [[24.5, 60.1], [24.5, 60.2]]},
            {"type": "Point", "coordinates": [24.5, 60.3]},
        ])
    );
    assert_eq!(track["features"][0]["properties"]["coordinateProperties"]["times"][1], "2026-06-15T10:00:05.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_looked_at_while_the_server_runs_and_changed_when_it_does_not() {
    let state = tempfile::tempdir().unwrap();
    let server = record(state.path()).await;
    let head = server.head().await;
    until("all of it is committed", || async {
        server.get("/healthz").await.json()["history"]["durable"].as_u64() >= Some(head)
    })
    .await;
    let history = |arguments: &[&str]| taffrail(state.path(), &[&["history"], arguments].concat());
    let status = history(&["status"]).unwrap();
    assert!(status.contains("from 2026-06-15T10:00:00.000Z to "), "{status}");
    assert!(history(&["check"]).unwrap().ends_with(": no damage found\n"));
    for refused in [&["vacuum"][..], &["prune", "--before", "2026-06-15T10:30:00Z"]] {
        let why = history(refused).unwrap_err();
        assert!(why.contains("in use by process"), "{why}");
    }
    server.stop().await;

    let dropped = history(&["prune", "--before", "2020-01-01T00:00:00Z"]).unwrap();
    assert!(dropped.starts_with("0 "), "{dropped}");
    assert!(history(&["vacuum"]).unwrap().contains(" to "));
    assert!(history(&["check"]).is_ok());

    let file = state.path().join("history/history.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    history(&["check"]).unwrap_err();
}

#[test]
fn where_there_is_no_history_it_says_so_and_makes_none() {
    let state = tempfile::tempdir().unwrap();
    for arguments in [&["history", "status"][..], &["history", "check"], &["history", "vacuum"], &["export"]] {
        let why = taffrail(state.path(), arguments).unwrap_err();
        assert!(why.starts_with("taffrail: open the database"), "{arguments:?}: {why}");
    }
    assert!(!state.path().join("history").exists());
}
