//! The power goes, again and again, under a server that works: after each cut the history opens, is whole, holds everything
//! that has been committed, and the timepoints go on upward. `TAFFRAIL_KILLS` says how often; a few by default.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail where it stands, and says what it found")]

mod harness;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::http;
use serde_json::{Value as Json, json};
use taffrail::history::reader::{Filter, Reader};
use taffrail::history::{highest_seq, schema};
use taffrail::kernel::time::Timestamp;
use tokio::time::Instant;

const INTERVAL: Duration = Duration::from_millis(200);
/// What shows in the model is on its way to the recorder while the next commit begins, and is in the one after that. Counted
/// in commits and not in time, so that a machine that is busy with other tests makes no difference.
const COMMITS: u64 = 3;
/// Of which the demo boat knows nothing.
const DEPTH: &str = "environment.water.salinity";

struct Running {
    child: Child,
    http: SocketAddr,
}

impl Running {
    fn start(configuration: &Path, state: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_taffrail"))
            .args(["run", "--config", configuration.to_str().unwrap(), "--state-dir", state.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Variables of the tests are none of the server.
            .env_clear()
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = |line: String| line.split("ws://").nth(1)?.split('/').next()?.parse().ok();
        let http = lines.find_map(address).expect("it says where it is");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, http }
    }

    async fn history(&self) -> Json {
        http::request(self.http, "GET", "/healthz", &[], "").await.json()["history"].clone()
    }

    async fn depth(&self) -> Option<u64> {
        let path = format!("/signalk/v1/api/vessels/self/{}/value", DEPTH.replace('.', "/"));
        let response = http::request(self.http, "GET", &path, &[], "").await;
        if response.status == 200 { response.json().as_u64() } else { None }
    }
}

fn is_whole(history: &Path) {
    let conn = rusqlite::Connection::open(history.join(schema::FILE)).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn whatever_is_older_than_a_commit_outlives_every_power_cut() {
    let kills: u64 = std::env::var("TAFFRAIL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let state = tempfile::tempdir().unwrap();
    let configuration = state.path().join("boat.toml");
    let toml = format!(
        "[server]\nhttp = \"127.0.0.1:0\"\ntcp = \"off\"\nmdns = false\n\
         [history]\ncommit_interval = \"{}ms\"\nsentences = true\n\
         [[input]]\nname = \"lines\"\ntype = \"stdin\"\nformat = \"signalk\"\n\
         [[input]]\nname = \"load\"\ntype = \"demo\"\nrate = 50.0\n",
        INTERVAL.as_millis()
    );
    std::fs::write(&configuration, toml).unwrap();
    let history = state.path().join("history");
    let (mut depth, mut highest, mut must, mut longest) = (0_u64, 0, Vec::new(), Duration::ZERO);
    let mut chance = 88_172_645_463_325_252_u64;
    for kill in 0..kills {
        let mut server = Running::start(&configuration, state.path());
        let mut input = server.child.stdin.take().unwrap();
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let runs = Duration::from_millis(100 + chance % 2_500);
        let (begun, mut shown, mut durable, mut commits) = (Instant::now(), Vec::new(), 0, 0);
        while begun.elapsed() < runs {
            depth += 1;
            writeln!(input, "{}", harness::delta_of("test", DEPTH, &json!(depth))).unwrap();
            while server.depth().await != Some(depth) {
                assert!(begun.elapsed() < runs + harness::DEADLINE, "kill {kill}: {depth} does not show");
            }
            let history = server.history().await;
            durable = history["durable"].as_u64().unwrap_or(durable);
            commits = history["commits"].as_u64().unwrap_or(commits);
            shown.push((commits, Instant::now(), depth));
        }
        let cut = Instant::now();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        is_whole(&history);
        let now = highest_seq(&history).unwrap().unwrap_or(0);
        assert!(now >= durable, "kill {kill}: {durable} was durable, {now} is there");
        assert!(now >= highest, "kill {kill}: timepoints went back from {highest} to {now}");
        must.extend(shown.iter().filter(|(then, _, _)| then + COMMITS <= commits).map(|(_, _, depth)| *depth));
        // What a run recorded has higher numbers than all before it.
        let mut reader = Reader::open(&history, None).unwrap();
        let filter = Filter { context: None, ..Filter::path("", DEPTH) };
        let ever = (Timestamp::from_millis(0), Timestamp::from_millis(1 << 45));
        let samples = reader.range(&filter, ever.0, ever.1, 1 << 20).unwrap();
        let mut of_run = samples.iter().filter(|s| s.value.as_f64().is_some_and(|d| d as u64 >= shown[0].2));
        assert!(of_run.all(|sample| sample.seq > highest), "kill {kill}: a timepoint was given out twice");
        let there: HashSet<u64> = samples.iter().filter_map(|s| s.value.as_f64()).map(|d| d as u64).collect();
        assert_eq!(there.len(), samples.len(), "kill {kill}: a depth is there twice");
        let missing: Vec<&u64> = must.iter().filter(|depth| !there.contains(depth)).collect();
        assert!(missing.is_empty(), "kill {kill}: {missing:?} of {depth} are missing");
        assert_eq!(reader.damaged_blobs(), 0);
        let lost = shown.iter().find(|(_, _, depth)| !there.contains(depth));
        longest = longest.max(lost.map_or(Duration::ZERO, |(_, at, _)| cut - *at));
        highest = now;
    }
    println!("{kills} kills, {depth} depths, {} of them committed; at most the last {longest:?} were lost", must.len());
    assert!(kills < 20 || !must.is_empty(), "nothing was ever old enough to be there");
}
