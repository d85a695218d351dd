//! The main job end to end: one recording, read from a file and through a serial port, by two servers in one process, ends
//! in the same model.
#![cfg(feature = "serial")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod corpus;
mod harness;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::TestServer;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value as Json;

/// Lines of the recording that are read: enough for every kind of sentence in it.
const LINES: usize = 20_000;
/// A serial port that is written to faster than it is read loses lines, as a real one would; this much at a time is read
/// before the next comes.
const PIECE: usize = 2_048;

/// The model without what differs by nature: who said it, and when it came.
fn without_source_and_time(value: &mut Json) {
    match value {
        Json::Object(object) => {
            for name in ["$source", "timestamp", "values", "sources", "state"] {
                object.remove(name);
            }
            object.values_mut().for_each(without_source_and_time);
        }
        Json::Array(items) => items.iter_mut().for_each(without_source_and_time),
        _ => {}
    }
}

/// The contexts of other vessels and stations, and all of the own one but its identity and what the server says of itself.
async fn model(server: &TestServer) -> Json {
    let mut model = server.node("").await;
    let own = model["self"].as_str().unwrap().trim_start_matches("vessels.").to_owned();
    let mut boat = model["vessels"].as_object_mut().unwrap().remove(&own).unwrap();
    for member in ["uuid", "server"] {
        boat.as_object_mut().unwrap().remove(member);
    }
    // Times of day get the day of the machine; a run over midnight must not fail.
    let navigation = boat["navigation"].as_object_mut().unwrap();
    navigation.remove("datetime");
    model["own"] = boat;
    model.as_object_mut().unwrap().remove("self");
    without_source_and_time(&mut model);
    model
}

async fn understood(server: &TestServer) -> u64 {
    let health: Json = server.get("/healthz").await.json();
    health["inputs"][0]["sentences"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_gives_the_same_model_from_a_file_and_from_a_serial_port() {
    let Some(dir) = corpus::dir() else { return };
    let recording = std::fs::read(dir.join("logs/0183-plaka-multiplexed.log")).unwrap();
    let end = recording.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(LINES - 1).unwrap().0 + 1;
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("recording.log");
    std::fs::write(&path, &recording[..end]).unwrap();

    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    let input = |lines: String| format!("[history]\nenabled = false\n\n[[input]]\nname = \"in\"\n{lines}");
    let from_file =
        TestServer::start(&input(format!("type = \"file\"\nrate = \"max\"\npath = {}\n", quoted(&path)))).await;

    let (mut master, device) = pty();
    let serial = format!("type = \"serial\"\nbaud = 38400\ndevice = {}\n", quoted(&device));
    let from_serial = TestServer::start(&input(serial)).await;
    harness::until("the port is open", async || {
        let health: Json = from_serial.get("/healthz").await.json();
        health["inputs"][0]["state"] == "running"
    })
    .await;
    let mut bytes: u64 = 0;
    for piece in recording[..end].chunks(PIECE) {
        master.write_all(piece).unwrap();
        bytes += piece.len() as u64;
        loop {
            let health: Json = from_serial.get("/healthz").await.json();
            if health["inputs"][0]["bytes"].as_u64().unwrap() >= bytes {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    for server in [&from_file, &from_serial] {
        harness::until("every line is read", async || understood(server).await == LINES as u64).await;
    }
    let (a, b) = (model(&from_file).await, model(&from_serial).await);
    assert!(a["own"]["environment"]["wind"]["speedApparent"]["value"].is_number(), "the recording was understood: {a}");
    assert_eq!(a, b);
    from_file.stop().await;
    from_serial.stop().await;
}

fn pty() -> (File, PathBuf) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ptsname(&master, Vec::new()).unwrap();
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(slave.as_bytes()));
    (File::from(master), path)
}
