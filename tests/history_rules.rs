//! What is recorded of which values, and sentences as they came: told by a configuration, seen in what comes back.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used)] // a panic is how a test speaks

mod harness;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use harness::{TestServer, until, vessel_delta};
use serde_json::{Value as Json, json};
use taffrail::clock::SystemClock;
use taffrail::history::reader::{Filter, Reader};
use taffrail::kernel::pattern::Pattern;
use taffrail::kernel::time::Timestamp;

const RECORDING: &str = "[history]\ncommit_interval = \"100ms\"\n";

/// Standard output of the program on a state directory.
fn taffrail(state: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    let output = command.args(arguments).arg("--state-dir").arg(state).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The values of a path of a context in the history, in order.
fn recorded(state: &Path, context: &str, path: &str) -> Vec<Json> {
    let text = taffrail(state, &["export", "--format", "jsonl", "--context", context, "--paths", path]);
    let values = |line: &str| {
        let delta: Json = serde_json::from_str(line).unwrap();
        delta["updates"][0]["values"][0]["value"].clone()
    };
    text.lines().map(values).collect()
}

/// The states of a notification in the history, in order.
fn transitions(state: &Path, path: &str) -> Vec<String> {
    let mut reader = Reader::open(&state.join("history"), None).unwrap();
    let filter = Filter { path: Some(Pattern::new(path)), ..Filter::all() };
    let ever = (Timestamp::from_millis(0), Timestamp::from_millis(1 << 45));
    let samples = reader.range(&filter, ever.0, ever.1, 1_000).unwrap();
    let state = |json: String| serde_json::from_str::<Json>(&json).unwrap()["state"].as_str().unwrap().to_owned();
    samples.iter().map(|sample| state(sample.value.to_json())).collect()
}

async fn start(state: &Path, toml: &str) -> TestServer {
    let server = TestServer::start_with(toml, Arc::new(SystemClock::new()), state).await;
    until("the recorder is open", || async { server.get("/healthz").await.json()["history"]["state"] == "recording" })
        .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rule_that_fits_says_what_is_recorded() {
    let state = tempfile::tempdir().unwrap();
    let rules = "
        [[history.rule]]
        path = \"environment.inside.*\"
        keep = \"none\"
        [[history.rule]]
        context = \"self\"
        path = \"environment.depth.*\"
        keep = \"all\"
        [[history.rule]]
        context = \"self\"
        path = \"environment.*\"
        keep = \"1h\"
        [[history.rule]]
        context = \"vessels.urn:mrn:imo:mmsi:2300*\"
        path = \"navigation.speedOverGround\"
        keep = \"all\"
        [[history.rule]]
        context = \"others\"
        keep = \"1h\"";
    let server = start(state.path(), &format!("{RECORDING}{rules}")).await;
    let own = server.own().await;
    for n in [1.0, 2.0, 3.0] {
        server.put("environment.inside.temperature", n).await;
        server.put("environment.depth.belowKeel", n).await;
        server.put("environment.outside.pressure", n).await;
        server.put("navigation.speedOverGround", n).await;
        for mmsi in [230_029_970, 211_234_500] {
            server.inject(vessel_delta(mmsi, "navigation.speedOverGround", n)).await;
            server.inject(vessel_delta(mmsi, "navigation.courseOverGroundTrue", n)).await;
        }
    }
    // What ends a value is recorded whatever the rule.
    server.put("environment.outside.pressure", Json::Null).await;
    // As is every transition of a notification.
    for state in ["warn", "alarm", "normal"] {
        server.put("notifications.environment.wind", json!({"state": state, "method": [], "message": state})).await;
    }
    until("what no rule wants is left out", || async {
        server.get("/healthz").await.json()["history"]["leftOut"].as_u64() >= Some(11)
    })
    .await;
    server.stop().await;
    let of = |context: &str, path: &str| recorded(state.path(), context, path);
    let (near, far) = ("vessels.urn:mrn:imo:mmsi:230029970", "vessels.urn:mrn:imo:mmsi:211234500");
    let all = [json!(1.0), json!(2.0), json!(3.0)];
    for (context, path, expected) in [
        (&*own, "environment.inside.temperature", &[][..]),
        (&own, "environment.depth.belowKeel", &all),
        (&own, "environment.outside.pressure", &[json!(1.0), Json::Null]),
        (&own, "navigation.speedOverGround", &all),
        (near, "navigation.speedOverGround", &all),
        (near, "navigation.courseOverGroundTrue", &all[..1]),
        (far, "navigation.speedOverGround", &all[..1]),
        (far, "navigation.courseOverGroundTrue", &all[..1]),
    ] {
        assert_eq!(of(context, path), expected, "{context} {path}");
    }
    let notified = transitions(state.path(), "notifications.environment.wind");
    assert_eq!(notified, ["warn", "alarm", "normal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rules_everything_is_recorded_as_it_comes() {
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), RECORDING).await;
    let own = server.own().await;
    for n in [1.0, 2.0, 3.0] {
        server.put("environment.depth.belowKeel", n).await;
        server.inject(vessel_delta(230_029_970, "navigation.speedOverGround", n)).await;
    }
    let history = server.get("/healthz").await.json()["history"].clone();
    assert_eq!((&history["leftOut"], &history["bytesPerDayMax"]), (&json!(0), &Json::Null));
    assert_eq!(history["economy"], json!({"step": 0, "othersOneIn": 0.0, "ownOneIn": 0.0}));
    server.stop().await;
    let all = [json!(1.0), json!(2.0), json!(3.0)];
    assert_eq!(recorded(state.path(), &own, "environment.depth.belowKeel"), all);
    assert_eq!(recorded(state.path(), "vessels.urn:mrn:imo:mmsi:230029970", "navigation.speedOverGround"), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_day_stand_in_the_status() {
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &format!("{RECORDING}max_mb_per_day = 200\n")).await;
    until("the limit is told", || async {
        server.get("/healthz").await.json()["history"]["bytesPerDayMax"] == 200_000_000
    })
    .await;
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("taffrail_history_economy 0.0\n"), "{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn sentences_are_kept_as_they_came_and_written_out_for_another_decoder() {
    const SENTENCES: [&str; 5] = [
        "$SDDBT,10.0,f,3.05,M,1.67,F*31",
        "$GPXXX,nobody,knows,this*1A",
        "!AIVDM,1,1,,A,15MwkT1P05G?fl0EJbR0OwT0@MS1,0*3D",
        "not a sentence at all",
        "$SDDBT,10.4,f,3.17,M,1.73,F*33",
    ];
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.txt");
    std::fs::write(&log, SENTENCES.map(|line| format!("{line}\r\n")).concat()).unwrap();
    let input = |name: &str, file: &Path| {
        format!("[[input]]\nname = \"{name}\"\ntype = \"file\"\npath = {:?}\nrate = \"max\"\n", file.to_str().unwrap())
    };
    let kept = |state: &Path| taffrail(state, &["export", "--format", "sentences"]);
    let of_lines = |text: &str| -> Vec<(String, String)> {
        let parts = |line: &str| {
            let mut parts = line.splitn(3, ';');
            assert!(parts.next().unwrap().parse::<u64>().is_ok(), "{line}");
            (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned())
        };
        text.lines().map(parts).collect()
    };

    let state = directory.path().join("first");
    let toml = format!("{RECORDING}sentences = true\n{}", input("sounder", &log));
    let server = start(&state, &toml).await;
    until("all have come", || async { server.get("/healthz").await.json()["history"]["sentences"] == 5 }).await;
    server.stop().await;
    let text = kept(&state);
    let expected: Vec<(String, String)> = SENTENCES.iter().map(|l| ("sounder".to_owned(), (*l).to_owned())).collect();
    assert_eq!(of_lines(&text), expected);

    // Read again, the times are those of the first time; what is no sentence is not.
    let again = directory.path().join("again.txt");
    std::fs::write(&again, &text).unwrap();
    let state = directory.path().join("second");
    let server = start(&state, &format!("{RECORDING}sentences = true\n{}", input("replay", &again))).await;
    until("all have come", || async {
        server.get("/healthz").await.json()["history"]["sentences"].as_u64() >= Some(4)
    })
    .await;
    until("the depth has come", || async {
        server.node("vessels/self/environment/depth/belowTransducer/value").await == 3.17
    })
    .await;
    server.stop().await;
    let times = |text: &str| -> Vec<String> {
        let sentences = text.lines().filter(|line| line.contains(['$', '!']));
        sentences.map(|line| line.split(';').next().unwrap().to_owned()).collect()
    };
    assert_eq!(times(&kept(&state)), times(&text));

    // Who does not ask for them has none.
    let state = directory.path().join("third");
    let server = start(&state, &format!("{RECORDING}{}", input("sounder", &log))).await;
    until("the depth has come", || async {
        server.node("vessels/self/environment/depth/belowTransducer/value").await == 3.17
    })
    .await;
    server.stop().await;
    assert_eq!(kept(&state), "");
}
