//! `taffrail import`, through the program itself: what goes in comes out, once, whatever happens on the way.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use harness::{Stream as _, TestServer};
use serde_json::{Value as Json, json};
use taffrail::clock::{Clock as _, SystemClock};
use taffrail::demo::Demo;
use taffrail::kernel::time::Timestamp;

const OWN: &str = "vessels.urn:mrn:imo:mmsi:230999888";
const MMSI: &str = "230999888";

fn command(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    command.args(arguments).arg("--mmsi").arg(MMSI).arg("--state-dir").arg(state).env_clear();
    command
}

/// Standard output of the program on a state directory, when it ends well; else standard error.
fn taffrail(state: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = command(state, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn import(state: &Path, file: &Path, more: &[&str]) -> Result<String, String> {
    taffrail(state, &[&["import", file.to_str().unwrap()], more].concat())
}

/// Every value of every vessel, a delta a line.
fn everything(state: &Path) -> String {
    taffrail(state, &["export", "--format", "jsonl", "--context", "*"]).unwrap()
}

fn write(directory: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/demo-passage.nmea")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn with_checksum(sentence: &str) -> String {
    let sum = sentence.bytes().skip(1).fold(0, |sum, byte| sum ^ byte);
    format!("{sentence}*{sum:02X}")
}

#[test]
fn a_recording_is_brought_in_once_whatever_its_name() {
    let state = tempfile::tempdir().unwrap();
    let told = import(state.path(), &sample(), &[]).unwrap();
    assert!(told.contains(" values of 2297 lines, 2026-07-04T09:00:00.000Z to 2026-07-04T09:01:59.000Z\n"), "{told}");
    let values = |paths: &str| {
        let range = ["--from", "2026-07-04T09:00:00Z", "--to", "2026-07-04T09:00:02.5Z"];
        taffrail(state.path(), &[&["export", "--paths", paths], &range[..]].concat()).unwrap()
    };
    let line = |second: u32, talker: &str, value: &str| {
        format!("2026-07-04T09:00:0{second}.000Z,{OWN},navigation.magneticVariation,import.{talker},{value}\n")
    };
    let got = values("navigation.magneticVariation");
    assert!(got.contains(&line(2, "GP", "0.16755160819145562")), "{got}");
    // A compass has no clock: the receiver's dates it.
    assert!(got.contains(&line(1, "HC", "0.16755160819145562")), "{got}");

    let before = everything(state.path());
    assert!(before.contains("navigation.speedOverGround") && before.contains("urn:mrn:imo:mmsi:230999001"));
    let bytes = fs::read(sample()).unwrap();
    for copy in [write(state.path(), "another.log", &bytes), write(state.path(), "packed.gz", gzip(&bytes)), sample()] {
        let told = import(state.path(), &copy, &[]).unwrap();
        assert!(told.contains(": already imported, as demo-passage.nmea: "), "{told}");
    }
    assert!(everything(state.path()) == before, "the same again changes nothing");
    assert!(taffrail(state.path(), &["history", "check"]).is_ok());
}

#[test]
fn an_hourly_log_of_the_node_server_is_read_with_all_that_it_mixes() {
    let state = tempfile::tempdir().unwrap();
    let mtw = with_checksum("$IIMTW,16.8,C");
    let delta = json!({"context": "vessels.self", "updates": [{"$source": "n2k.7", "values": [
        {"path": "tanks.fuel.0.currentLevel", "value": 0.5}]}]});
    let log = format!(
        "1783155600000;N;{mtw}\n1783155600250;I;{delta}\n\
         1783155600300;A;2026-07-04T09:00:00.300Z,2,127250,204,255,8,00,fc,69,ff,7f,ff,7f,fd\n\
         1783155600400;N;$IIMTW,17.8,C*00\n1783155600500;X;?\n1783155601000;N;{mtw}"
    );
    let file = write(state.path(), "skserver-raw_2026-07-04T09.log.gz", gzip(log.as_bytes()));
    let told = import(state.path(), &file, &["--source", "boat"]).unwrap();
    assert!(
        told.ends_with(
            ": 3 values of 6 lines, 2026-07-04T09:00:00.000Z to 2026-07-04T09:00:01.000Z; not used: 1 with a wrong \
             checksum or none, 1 of NMEA 2000, which is not understood yet, 1 of something else\n"
        ),
        "{told}"
    );
    let got = taffrail(state.path(), &["export"]).unwrap();
    let row = |time: &str, rest: &str| format!("2026-07-04T09:00:0{time}Z,{OWN},{rest}\n");
    let water = "environment.water.temperature,boat.II,289.95";
    let expected = "time,context,path,source,value\n".to_owned()
        + &row("0.000", water)
        + &row("0.250", "tanks.fuel.0.currentLevel,n2k.7,0.5")
        + &row("1.000", water);
    assert_eq!(got, expected);
}

#[test]
fn what_was_exported_can_be_brought_into_another_history() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    import(first.path(), &sample(), &[]).unwrap();
    let deltas = everything(first.path());
    let file = write(second.path(), "export.jsonl", &deltas);
    let told = import(second.path(), &file, &["--own", OWN]).unwrap();
    assert!(!told.contains("not used"), "{told}");
    // Members of objects have no order, and a vessel is given its number again with the first that is heard of it.
    let sorted = |text: &str| {
        let deltas = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let told = deltas.filter(|delta| delta["updates"][0]["values"][0]["path"] != "mmsi");
        let mut lines: Vec<String> = told.map(|delta| delta.to_string()).collect();
        lines.sort_unstable();
        lines
    };
    let (want, got) = (sorted(&deltas), sorted(&everything(second.path())));
    assert!(want.len() > 6_000);
    assert!(got == want, "the same values at the same times of the same sources");
}

#[test]
fn a_recording_without_a_date_needs_to_be_told_one() {
    let state = tempfile::tempdir().unwrap();
    let lines = [with_checksum("$IIMTW,16.8,C"), with_checksum("$IIMTW,16.9,C")].join("\r\n");
    let file = write(state.path(), "a.nmea", lines);
    let why = import(state.path(), &file, &[]).unwrap_err();
    assert!(why.contains("say when it begins with --start"), "{why}");
    import(state.path(), &file, &["--start", "2020-05-01T10:00:00Z"]).unwrap();
    let got = taffrail(state.path(), &["export", "--format", "jsonl"]).unwrap();
    let times: Vec<Json> = got.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let times: Vec<&str> = times.iter().map(|d: &Json| d["updates"][0]["timestamp"].as_str().unwrap()).collect();
    assert_eq!(times, ["2020-05-01T10:00:00.100Z", "2020-05-01T10:00:00.200Z"], "ten sentences a second");

    let nothing = write(state.path(), "b.txt", "Dear diary,\ntoday we sailed\n");
    let why = import(state.path(), &nothing, &[]).unwrap_err();
    assert!(why.contains("no line of it is a sentence of NMEA 0183 or a Signal K delta"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_keeps_it_out_and_serves_it_after_the_next_start() {
    let state = tempfile::tempdir().unwrap();
    let toml = format!("[vessel]\nmmsi = \"{MMSI}\"\n[history]\nenabled = true\n");
    let server = TestServer::start_with(&toml, Arc::new(SystemClock::new()), state.path()).await;
    let why = import(state.path(), &sample(), &[]).unwrap_err();
    assert!(why.contains("in use by process") && why.contains("stop the server, then import"), "{why}");
    server.inject(json!({"updates": [{"values": [{"path": "navigation.log", "value": 1.0}]}]})).await;
    server.stop().await;

    import(state.path(), &sample(), &[]).unwrap();
    let server = TestServer::start_with(&toml, Arc::new(SystemClock::new()), state.path()).await;
    let path = "/signalk/v2/api/history/values?from=2026-07-04T09:00:00Z&to=2026-07-04T09:02:00Z\
                &paths=environment.water.temperature:max&resolution=60";
    let answer = server.get(path).await.json();
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(2), "{answer}");
    // A client that comes back is not served a voyage of the past as news.
    let head = server.get("/signalk/v1/api/self").await.header("signal-k-timepoint").unwrap().to_owned();
    let mut client = server.ws(&format!("subscribe=all&timepoint={head}")).await;
    assert!(client.next_json().await["roles"].is_array());
    server.inject(json!({"updates": [{"values": [{"path": "navigation.log", "value": 2.0}]}]})).await;
    let delta = client.next_json().await;
    assert_eq!(delta["updates"][0]["values"][0]["value"], json!(2.0), "{delta}");
    server.stop().await;
}

/// Lines of the only recording of a history whose values are durable, and whether that is all; `None` before there is one.
fn progress(state: &Path) -> Option<(i64, bool)> {
    let database = rusqlite::Connection::open(state.join("history/history.sqlite")).ok()?;
    database.busy_timeout(Duration::from_secs(5)).ok()?;
    database.query_row("SELECT lines, stage > 0 FROM import", [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
}

#[test]
fn killed_at_any_point_and_started_again_it_comes_to_the_same() {
    const KILLS: u32 = 3;
    /// An hour of a boat takes some seconds, on a busy machine a minute.
    const DEADLINE_MS: u64 = 180_000;
    let start = Timestamp::parse("2026-07-04T08:50:00Z").unwrap();
    let mut bytes = Vec::new();
    Demo::new(7, start).advance_to(55 * 60_000, &mut bytes);
    let (whole, pieces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = write(whole.path(), "hour.nmea", bytes);
    import(whole.path(), &file, &[]).unwrap();

    let mut reached = 0;
    let mut killed = 0;
    let clock = SystemClock::new();
    while killed < KILLS {
        let mut running = command(pieces.path(), &["import", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        loop {
            assert!(clock.now().mono.as_millis() < DEADLINE_MS, "no progress after {killed} kills");
            match progress(pieces.path()) {
                Some((_, true)) => panic!("the recording is too short to be killed in the middle"),
                Some((lines, false)) if lines > reached => {
                    reached = lines;
                    break;
                }
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        running.kill().unwrap();
        running.wait().unwrap();
        killed += 1;
    }
    let other = import(pieces.path(), &file, &["--source", "other"]).unwrap_err();
    assert!(other.contains("it was begun with other settings (--source import)"), "{other}");
    let told = import(pieces.path(), &file, &[]).unwrap();
    assert!(!told.contains("already"), "{told}");
    assert!(everything(pieces.path()) == everything(whole.path()), "not the same as in one go");
    assert!(taffrail(pieces.path(), &["history", "check"]).is_ok());
    assert_eq!(stored(pieces.path()), stored(whole.path()), "nor is more or less of anything kept");
}

/// Points in chunks, and the windows and keyframes around them.
fn stored(state: &Path) -> String {
    let database = rusqlite::Connection::open(state.join("history/history.sqlite")).unwrap();
    let mut out = String::new();
    for sql in [
        "SELECT sum(n) FROM chunk",
        "SELECT count(*) FROM window",
        "SELECT count(*) FROM keyframe",
        "SELECT stage FROM import",
    ] {
        let n: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
        let _ = writeln!(out, "{sql}: {n}");
    }
    out
}
