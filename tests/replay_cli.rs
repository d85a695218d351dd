//! `taffrail replay`, through the program itself and over real sockets: what was recorded is heard again, by plotters that
//! speak NMEA 0183 and by apps that speak Signal K.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use harness::{DEADLINE, Heard, LineClient, Stream as _, TestServer, WsClient, until, values_of};
use serde_json::{Value as Json, json};
use taffrail::clock::SystemClock;
use taffrail::kernel::time::{Now, Timestamp};
use taffrail::kernel::update::{Context, Update};
use taffrail::nmea0183::{Decoder, Options};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, timeout};

const SHIP: &str = "vessels.urn:mrn:imo:mmsi:230999001";

/// The program, and what it prints.
struct Replay {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Replay {
    fn start(state: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_taffrail"))
            .arg("replay")
            .args(arguments)
            .arg("--state-dir")
            .arg(state)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        timeout(DEADLINE, self.lines.next_line()).await.expect("a line in time").unwrap().expect("one more line")
    }

    /// The address that the next line names.
    async fn address(&mut self) -> SocketAddr {
        let line = self.line().await;
        let address = line.rsplit(' ').next().unwrap();
        address.trim_start_matches("ws://").split('/').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"))
    }

    /// It says that it has ended, and ends well.
    async fn has_ended(mut self) {
        assert_eq!(self.line().await, "the end of the recording");
        assert!(timeout(DEADLINE, self.child.wait()).await.expect("an end in time").unwrap().success());
    }
}

/// Everything that is said until the other side closes.
async fn heard(address: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("the end in time").unwrap();
    bytes
}

/// What a plotter would understand.
fn understood(bytes: &[u8]) -> Vec<Update> {
    let mut decoder = Decoder::new(Options::default());
    let mut updates = Vec::new();
    decoder.feed(bytes, Now::default(), &mut updates);
    let counters = decoder.counters();
    assert_eq!((counters.malformed, counters.bad_checksum, counters.unknown, counters.noise_bytes), (0, 0, 0, 0));
    updates
}

/// The values of a path in order, with their times where the sentence has one.
fn values(updates: &[Update], context: Option<&str>, path: &str) -> Vec<(Option<Timestamp>, Json)> {
    let is_meant = |update: &&Update| match (&update.context, context) {
        (Context::Own, None) => true,
        (other, Some(name)) => other.to_text().as_deref() == Some(name),
        _ => false,
    };
    let of = |update: &Update| -> Vec<(Option<Timestamp>, Json)> {
        let values = update.values.iter().filter(|item| item.path == path);
        values.map(|item| (update.timestamp, serde_json::from_str(&item.value.to_json()).unwrap())).collect()
    };
    updates.iter().filter(is_meant).flat_map(of).collect()
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/demo-passage.nmea")
}

/// Ten minutes of a boat and a ship, a step a minute, of a server that goes on running.
async fn recorded(state: &Path) -> TestServer {
    let toml = "[history]\nenabled = true\ncommit_interval = \"1s\"\n";
    let server = TestServer::start_with(toml, Arc::new(SystemClock::new()), state).await;
    let tell = |context: &str, minute: u32, source: &str, values: Json| {
        let values: Vec<Json> =
            values.as_object().unwrap().iter().map(|(path, value)| json!({"path": path, "value": value})).collect();
        json!({"context": context, "updates": [
            {"$source": source, "timestamp": format!("2026-06-15T10:{minute:02}:00Z"), "values": values}]})
    };
    let own = server.own().await;
    server.inject(tell(SHIP, 0, "ais", json!({"": {"name": "BALTIC WREN"}, "sensors.ais.class": "A"}))).await;
    for minute in 0..10 {
        let n = f64::from(minute);
        let moved = json!({
            "navigation.position": {"latitude": 60.0 + n / 100.0, "longitude": -24.5},
            "navigation.speedOverGround": 2.5 + n / 10.0,
            "environment.depth.belowTransducer": 10.0 + n,
            "environment.wind.angleApparent": -0.5,
            "environment.wind.speedApparent": 8.0,
        });
        server.inject(tell(&own, minute, "gps", moved)).await;
        let ship = json!({"navigation.position": {"latitude": 59.5, "longitude": 24.0 + n / 100.0}});
        server.inject(tell(SHIP, minute, "ais", ship)).await;
    }
    let head = server.head().await;
    until("everything is committed", || async {
        server.get("/healthz").await.json()["history"]["durable"].as_u64() >= Some(head)
    })
    .await;
    server
}

const RANGE: [&str; 4] = ["--from", "2026-06-15T10:00:00Z", "--to", "2026-06-15T11:00:00Z"];

#[tokio::test(flavor = "multi_thread")]
async fn plotters_hear_the_values_of_the_history_as_sentences() {
    let state = tempfile::tempdir().unwrap();
    let server = recorded(state.path()).await;
    let live = server.get("/signalk/v1/api/self").await.header("signal-k-timepoint").map(str::to_owned);
    let mut replay =
        Replay::start(state.path(), &[&RANGE[..], &["--rate", "2000", "--wait", "--nmea-tcp", "0"]].concat());
    let updates = understood(&heard(replay.address().await).await);
    replay.has_ended().await;

    let of = |path: &str| -> Vec<f64> {
        values(&updates, None, path).into_iter().map(|(_, value)| value.as_f64().unwrap()).collect()
    };
    let near = |path: &str, tolerance: f64, want: &dyn Fn(f64) -> f64| {
        let got = of(path);
        assert_eq!(got.len(), 10, "{path}: {got:?}");
        for (n, got) in got.into_iter().enumerate() {
            assert!((got - want(n as f64)).abs() <= tolerance, "{path} {n}: {got}");
        }
    };
    near("environment.wind.angleApparent", 0.001, &|_| -0.5);
    near("environment.wind.speedApparent", 0.03, &|_| 8.0);
    let depths = of("environment.depth.belowTransducer");
    assert_eq!(depths.len(), 20, "DPT and DBT");
    assert_eq!(*depths.last().unwrap(), 19.0);
    let speeds = values(&updates, None, "navigation.speedOverGround");
    let rmc: Vec<&(Option<Timestamp>, Json)> = speeds.iter().filter(|(time, _)| time.is_some()).collect();
    assert_eq!(rmc.len(), 10);
    for (n, (time, speed)) in rmc.into_iter().enumerate() {
        assert_eq!(time.unwrap().to_string(), format!("2026-06-15T10:{n:02}:00.000Z"));
        assert!((speed.as_f64().unwrap() - 2.5 - n as f64 / 10.0).abs() < 0.01);
    }
    let places = values(&updates, None, "navigation.position");
    let last = &places.last().unwrap().1;
    assert!((last["latitude"].as_f64().unwrap() - 60.09).abs() < 1e-6, "{last}");
    assert!((last["longitude"].as_f64().unwrap() + 24.5).abs() < 1e-6, "{last}");

    let ship = values(&updates, Some(SHIP), "navigation.position");
    assert_eq!(ship.len(), 10);
    assert!((ship[9].1["longitude"].as_f64().unwrap() - 24.09).abs() < 1e-5, "{ship:?}");
    let names = values(&updates, Some(SHIP), "");
    assert!(names.iter().any(|(_, value)| value["name"] == "BALTIC WREN"), "{names:?}");

    // The live server has heard nothing of it.
    let after = server.get("/signalk/v1/api/self").await.header("signal-k-timepoint").map(str::to_owned);
    assert_eq!(after, live);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_get_a_hello_and_deltas_over_websocket_and_tcp() {
    let state = tempfile::tempdir().unwrap();
    let server = recorded(state.path()).await;
    let own = server.own().await;
    let more = ["--rate", "1000", "--wait", "--ws", "0", "--signalk-tcp", "0"];
    let mut replay = Replay::start(state.path(), &[&RANGE[..], &more].concat());
    let (tcp, http) = (replay.address().await, replay.address().await);
    let mut client = WsClient::connect(http, "/signalk/v1/stream?subscribe=all").await;
    let hello = client.next_json().await;
    assert_eq!((&hello["self"], &hello["timestamp"]), (&json!(own), &Json::Null), "{hello}");
    let mut lines = LineClient::connect(tcp).await;
    assert_eq!(lines.next_json().await["self"], json!(own));
    lines.subscribe(json!([{"path": "environment.depth.*"}])).await;

    let mut depths = Vec::new();
    let mut contexts = std::collections::BTreeSet::new();
    let deadline = Instant::now() + DEADLINE;
    loop {
        match client.hear(deadline).await.expect("the end in time") {
            Heard::Message(message) => {
                for (context, path, value) in values_of(&message) {
                    contexts.insert(context);
                    if path == "environment.depth.belowTransducer" {
                        depths.push(value);
                        assert!(message["updates"][0]["timestamp"].as_str().unwrap().starts_with("2026-06-15T10:"));
                    }
                }
            }
            Heard::Closed(code, reason) => {
                assert_eq!((code, &*reason), (1000, "the end of the recording"));
                break;
            }
        }
    }
    assert_eq!(depths, (10..20).map(|n| json!(f64::from(n))).collect::<Vec<_>>());
    assert!(contexts.contains(SHIP) && contexts.contains(&own), "{contexts:?}");
    lines.until_value("environment.depth.belowTransducer", 19.0).await;
    lines.closed().await;
    replay.has_ended().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_sentences_is_served_as_it_is_and_at_its_own_pace() {
    let state = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(sample()).unwrap();
    let packed = state.path().join("passage.nmea.gz");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&bytes).unwrap();
    std::fs::write(&packed, packer.finish().unwrap()).unwrap();
    for (file, rate, seconds) in [(sample(), "100", 1.19), (packed, "10000", 0.0)] {
        let more = ["--rate", rate, "--wait", "--nmea-tcp", "127.0.0.1:0"];
        let mut replay = Replay::start(state.path(), &[&[file.to_str().unwrap()], &more[..]].concat());
        let address = replay.address().await;
        let begun = Instant::now();
        let got = heard(address).await;
        assert!(got == bytes, "{} bytes of {}", got.len(), bytes.len());
        let took = begun.elapsed().as_secs_f64();
        assert!(took >= seconds, "119 seconds at {rate} times the pace took {took}");
        replay.has_ended().await;
    }
}

/// A recording whose sentences tell the time of the day and no date was over at once when that was earlier than now.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_tells_times_of_the_day_only_begins_with_its_first_line_whatever_the_day() {
    let state = tempfile::tempdir().unwrap();
    let bytes = b"$IIMTW,17.5,C*10\r\n$GPZDA,095559,,,,00,*4D\r\n$IIMTW,17.6,C*13\r\n$GPZDA,095601,,,,00,*43\r\n$IIMTW,17.7,C*12\r\n";
    let file = state.path().join("undated.nmea");
    std::fs::write(&file, bytes).unwrap();
    for start in ["2026-06-01T02:00:00Z", "2026-06-01T20:00:00Z"] {
        let more = ["--start", start, "--rate", "100", "--wait", "--nmea-tcp", "127.0.0.1:0"];
        let mut replay = Replay::start(state.path(), &[&[file.to_str().unwrap()], &more[..]].concat());
        let got = heard(replay.address().await).await;
        assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(bytes), "{start}");
        replay.has_ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_deltas_for_apps_from_any_moment_and_again_at_the_end() {
    let state = tempfile::tempdir().unwrap();
    let more = ["--from", "2026-07-04T09:01:50Z", "--rate", "200", "--wait", "--loop", "--ws", "0"];
    let mut replay = Replay::start(state.path(), &[&[sample().to_str().unwrap()], &more[..]].concat());
    let mut client = WsClient::connect(replay.address().await, "/signalk/v1/stream?subscribe=self").await;
    client.next_json().await;
    // What was said before the first moment is known at it: the log speaks every five seconds only.
    let first = client.until("a value of before", |m| m.to_string().contains("navigation.log")).await;
    assert!(first["updates"][0]["timestamp"].as_str().unwrap() < "2026-07-04T09:01:50", "{first}");
    let times = |m: &Json, time: &str| {
        m["updates"][0]["timestamp"] == time && m.to_string().contains("navigation.courseOverGroundTrue")
    };
    for _ in 0..2 {
        for time in ["2026-07-04T09:01:51.000Z", "2026-07-04T09:01:59.000Z"] {
            client.until(time, |m| times(m, time)).await;
        }
    }
    replay.child.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_said() {
    let state = tempfile::tempdir().unwrap();
    recorded(state.path()).await.stop().await;
    let said = |arguments: &'static [&'static str]| {
        let state = state.path().to_owned();
        async move {
            let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
            command.arg("replay").args(arguments).arg("--state-dir").arg(state).env_clear().stdin(Stdio::null());
            let output = timeout(DEADLINE, command.output()).await.expect("an end in time").unwrap();
            assert!(!output.status.success());
            String::from_utf8(output.stderr).unwrap()
        }
    };
    for (arguments, why) in [
        (&["--from", "2026-06-15T10:00:00Z"][..], "say where to serve it"),
        (&["--ws", "0"], "say from when on"),
        (&["--ws", "0", "--from", "2099-01-01T00:00:00Z"], "nothing was recorded at 2099-01-01T00:00:00.000Z or later"),
        (&["--ws", "0", "--from", "2026-06-15T10:00:00Z", "--rate", "0.001"], "the rate must be from 0.01 to 10000"),
        (&["--ws", "0", "/nowhere.nmea"], "/nowhere.nmea: No such file"),
    ] {
        let got = said(arguments).await;
        assert!(got.contains(why), "{arguments:?}: {got}");
    }
}

/// Both ends of a terminal.
fn terminal() -> (std::fs::File, std::fs::File) {
    let ours = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = std::fs::File::options().read(true).write(true).open(name).unwrap();
    (ours.into(), theirs)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_control_it_and_the_terminal_is_given_back() {
    let state = tempfile::tempdir().unwrap();
    let (mut ours, theirs) = terminal();
    let modes = || rustix::termios::tcgetattr(&theirs).unwrap().local_modes;
    let before = modes();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_taffrail"));
    command.arg("replay").arg(sample()).args(["--rate", "100", "--paused", "--nmea-tcp", "0"]).env_clear();
    command.arg("--state-dir").arg(state.path()).stdin(theirs.try_clone().unwrap()).stdout(Stdio::piped());
    let mut child = Command::from(command).kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut replay = Replay { child, lines };
    let address = replay.address().await;
    until("single keys are read", || async { modes() != before }).await;
    let listening = tokio::spawn(heard(address));
    // A minute on, faster, and go.
    ours.write_all(b"\x1b[C+ ").unwrap();
    let text = String::from_utf8(listening.await.unwrap()).unwrap();
    replay.has_ended().await;
    assert_eq!(modes(), before);
    assert!(
        !text.contains("$GPRMC,090059.00") && text.contains("$GPRMC,090101.00"),
        "{}",
        &text[..200.min(text.len())]
    );
    assert!(text.contains("$GPRMC,090159.00"));
}
