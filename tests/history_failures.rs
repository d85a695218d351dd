//! Cards that fail under a running server: full, read-only, gone, failing to sync, not answering. Each time the same is asked:
//! nobody who listens notices, the history says what is wrong where people look, resumes by itself, and says what it lost.
//!
//! Each test mounts file systems of its own in a namespace of its own, or lets `strace` put errors into system calls; where
//! that is not permitted it says so and is skipped.
#![cfg(all(feature = "history", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail where it stands, and says what it skips")]

mod harness;

use std::collections::HashMap;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use harness::{TestServer, http};
use serde_json::{Value as Json, json};
use taffrail::clock::SystemClock;
use taffrail::history::reader::{Filter, Reader};
use taffrail::history::record::GapReason;
use taffrail::history::schema;
use taffrail::kernel::time::Timestamp;
use tokio::time::Instant;

/// What an app may wait for a value while the card fails, on a machine that is busy with other tests.
const NOTICED: Duration = Duration::from_secs(2);
/// Longer than any pause between two tries of the recorder.
const RECOVERY: Duration = Duration::from_secs(90);
const DEPTH: &str = "environment.depth.belowKeel";

fn ran(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Whether this is the inside of a namespace in which file systems may be mounted. If not, the test of this name is run in
/// one, and has to pass there.
fn has_mounts_of_its_own(test: &str) -> bool {
    if std::env::var_os("TAFFRAIL_NAMESPACE").is_some() {
        return true;
    }
    let may = ["-m", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    if !ran("unshare", &may) {
        println!("{test}: skipped, may not mount file systems here");
        return false;
    }
    let inside = Command::new("unshare")
        .args(["-m", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("TAFFRAIL_NAMESPACE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inside.stdout) + String::from_utf8_lossy(&inside.stderr);
    assert!(inside.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

fn mount(arguments: &[&str], at: &Path) {
    assert!(ran("mount", &[arguments, &[at.to_str().unwrap()]].concat()), "mount {arguments:?}");
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
}

/// Polls until something is so, for as long as a recovery may take.
async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < RECOVERY, "{what}: not so after {RECOVERY:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A server, where apps reach it.
struct Aboard(SocketAddr);

impl Aboard {
    async fn get(&self, path: &str) -> harness::Response {
        http::request(self.0, "GET", path, &[], "").await
    }

    async fn history(&self) -> Json {
        self.get("/healthz").await.json()["history"].clone()
    }

    async fn until_history_is(&self, state: &str) {
        until(&format!("the history is {state}"), || async { self.history().await["state"] == state }).await;
    }

    /// The state of the notification; `null` when there never was one.
    async fn notification(&self) -> Json {
        let response = self.get("/signalk/v1/api/vessels/self/notifications/server/history").await;
        if response.status == 200 { response.json()["value"]["state"].clone() } else { Json::Null }
    }

    async fn until_notification_is(&self, state: &str) {
        until(&format!("the notification is {state}"), || async { self.notification().await == state }).await;
    }

    /// Whether the metric says that it records.
    async fn is_up(&self) -> bool {
        let text = self.get("/metrics").await.text().to_owned();
        let line = text.lines().find(|line| line.starts_with("taffrail_history_up ")).expect("the metric is there");
        line.ends_with(" 1.0")
    }

    /// Everything that tells of a failure does.
    async fn says_that_it_fails(&self, state: &str, words: &str) {
        self.until_history_is(state).await;
        self.until_notification_is("warn").await;
        let history = self.history().await;
        assert!(history["problem"].as_str().unwrap_or_default().contains(words), "{history}");
        until("the metric is down", || async { !self.is_up().await }).await;
        let all = self.get("/healthz").await;
        assert_eq!((all.status, &all.json()["status"]), (200, &json!("ok")), "the server itself is well");
    }

    async fn says_that_all_is_well(&self) {
        self.until_history_is("recording").await;
        self.until_notification_is("normal").await;
        assert!(self.is_up().await);
    }
}

/// Somebody who sends depths and waits for each to show, all the while. Gives the last depth and the longest wait.
async fn sail(server: &TestServer, voyage: impl Future<Output = ()>) -> (u32, Duration) {
    let (mut depth, mut longest) = (0, Duration::ZERO);
    tokio::pin!(voyage);
    loop {
        let begun = Instant::now();
        let put = server.put(DEPTH, f64::from(depth + 1));
        tokio::select! {
            () = &mut voyage => return (depth, longest),
            () = put => {}
        }
        depth += 1;
        longest = longest.max(begun.elapsed());
        assert!(longest < NOTICED, "an app waited {longest:?} for depth {depth}");
        tokio::select! {
            () = &mut voyage => return (depth, longest),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
}

async fn start(history: &Path, state: &Path) -> TestServer {
    let toml = format!(
        "[history]\npath = {:?}\ncommit_interval = \"100ms\"\nkeep_free = \"0 B\"\n[limits]\nmessage_bytes = 1000000\n",
        history.to_str().unwrap()
    );
    TestServer::start_with(&toml, Arc::new(SystemClock::new()), state).await
}

fn reader(history: &Path) -> Reader {
    Reader::open(history, None).unwrap()
}

const EVER: (Timestamp, Timestamp) = (Timestamp::from_millis(0), Timestamp::from_millis(1 << 45));

/// How often each depth was recorded.
fn depths(history: &Path) -> HashMap<u32, u32> {
    let mut reader = reader(history);
    let filter = Filter { context: None, ..Filter::path("", DEPTH) };
    let mut found = HashMap::new();
    for sample in reader.range(&filter, EVER.0, EVER.1, 1 << 20).unwrap() {
        let depth = sample.value.as_f64().unwrap_or_default();
        *found.entry(depth as u32).or_insert(0) += 1;
    }
    found
}

fn is_whole(history: &Path) {
    let conn = rusqlite::Connection::open(history.join(schema::FILE)).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn a_full_disk() {
    if !has_mounts_of_its_own("a_full_disk") {
        return;
    }
    run(async {
        let (state, card) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], card.path());
        let history = card.path().join("history");
        let server = start(&history, state.path()).await;
        let aboard = Aboard(server.http);
        let (last, longest) = sail(&server, async {
            until("some commits", || async { aboard.history().await["commits"].as_u64() > Some(3) }).await;
            assert_eq!(aboard.notification().await, Json::Null, "nothing to tell yet");
            // Something else fills the card.
            let ballast = card.path().join("ballast");
            let full = std::fs::write(&ballast, vec![0; 2 << 20]).unwrap_err();
            assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
            aboard.says_that_it_fails("degraded", "full").await;
            // For a while memory bridges it; then values are lost, and counted.
            let many: Vec<Json> = (0..2_000)
                .map(|n| json!({"$source": "flood", "values": [{"path": "environment.water.salinity", "value": n}]}))
                .collect();
            let flood = json!({ "updates": many });
            until("values are lost", || async {
                server.send(&flood).await;
                aboard.history().await["lost"].as_u64() > Some(0)
            })
            .await;
            std::fs::remove_file(ballast).unwrap();
            mount(&["-o", "remount,size=64m"], card.path());
            aboard.says_that_all_is_well().await;
        })
        .await;
        let lost = aboard.history().await["lost"].as_u64().unwrap();
        server.stop().await;
        println!("a full disk: {last} depths, the longest wait {longest:?}, {lost} values lost");
        is_whole(&history);
        let gaps = reader(&history).gaps(EVER.0, EVER.1).unwrap();
        let of_failure: Vec<_> = gaps.iter().filter(|gap| gap.reason == GapReason::WriteFailed).collect();
        assert_eq!(of_failure.len(), 1, "{gaps:?}");
        let gap = of_failure[0];
        assert!(gap.to > gap.from && gap.last_seq - gap.first_seq >= lost / 2, "{gap:?}");
        // What is missing of the depths was lost in the gap, and nothing is there twice.
        let depths = depths(&history);
        assert!(depths.values().all(|times| *times == 1));
        assert!(depths.contains_key(&1) && depths.contains_key(&last));
        let missing = (1..=last).filter(|depth| !depths.contains_key(depth)).count() as u64;
        assert!(missing <= lost, "{missing} depths are missing, {lost} values were lost");
    });
}

#[test]
fn a_card_that_becomes_read_only() {
    if !has_mounts_of_its_own("a_card_that_becomes_read_only") {
        return;
    }
    run(async {
        let (state, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (image, card) = (place.path().join("image"), place.path().join("card"));
        std::fs::create_dir(&card).unwrap();
        std::fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
        let made = ran("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
        if !made || !ran("mount", &["-o", "loop", image.to_str().unwrap(), card.to_str().unwrap()]) {
            println!("a_card_that_becomes_read_only: skipped, no ext4 in a file here");
            return;
        }
        let history = card.join("history");
        let server = start(&history, state.path()).await;
        let aboard = Aboard(server.http);
        let (last, longest) = sail(&server, async {
            until("some commits", || async { aboard.history().await["commits"].as_u64() > Some(3) }).await;
            // What the system does when a card gives an error.
            mount(&["-o", "remount,abort"], &card);
            aboard.says_that_it_fails("degraded", "").await;
            // Taken out and put in again.
            assert!(ran("umount", &["-l", card.to_str().unwrap()]));
            mount(&["-o", "loop", image.to_str().unwrap()], &card);
            aboard.says_that_all_is_well().await;
        })
        .await;
        let lost = aboard.history().await["lost"].as_u64().unwrap();
        server.stop().await;
        println!("a read-only card: {last} depths, the longest wait {longest:?}, {lost} values lost");
        assert_eq!(lost, 0, "memory bridges it");
        is_whole(&history);
        let depths = depths(&history);
        assert!((1..=last).all(|depth| depths.get(&depth) == Some(&1)), "{last}: {depths:?}");
        assert!(ran("umount", &[card.to_str().unwrap()]));
    });
}

#[test]
fn a_card_that_is_not_there_at_the_start_and_a_history_that_is_deleted() {
    const TEST: &str = "a_card_that_is_not_there_at_the_start_and_a_history_that_is_deleted";
    if !has_mounts_of_its_own(TEST) {
        return;
    }
    run(async {
        let (state, card) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        mount(&["-t", "tmpfs", "-o", "size=64m,ro", "tmpfs"], card.path());
        let history = card.path().join("history");
        let server = start(&history, state.path()).await;
        let aboard = Aboard(server.http);
        sail(&server, async {
            aboard.says_that_it_fails("degraded", "make the history directory").await;
        })
        .await;
        server.stop().await;
        // The notification outlives a restart; it is cleared when all is well.
        let server = start(&history, state.path()).await;
        let aboard = Aboard(server.http);
        let (last, longest) = sail(&server, async {
            assert_eq!(aboard.notification().await, "warn");
            aboard.until_history_is("degraded").await;
            mount(&["-o", "remount,rw"], card.path());
            aboard.says_that_all_is_well().await;
            let commits = aboard.history().await["commits"].as_u64();
            until("commits", || async { aboard.history().await["commits"].as_u64() > commits }).await;
            std::fs::remove_dir_all(&history).unwrap();
            until("a new history", || async { history.join(schema::FILE).exists() }).await;
            aboard.says_that_all_is_well().await;
        })
        .await;
        server.stop().await;
        println!("no card, and none again: {last} depths, the longest wait {longest:?}");
        is_whole(&history);
        assert!(depths(&history).contains_key(&last));
    });
}

/// The program under `strace`, which does to its writes what a bad card does.
struct Traced {
    child: Child,
    aboard: Aboard,
}

impl Traced {
    /// `None`, and said, where nobody may trace.
    fn start(history: &Path, state: &Path, inject: &str) -> Option<Self> {
        if !ran("strace", &["-qq", "-e", "trace=none", "true"]) {
            println!("skipped: no strace here, or it may not trace");
            return None;
        }
        let toml = format!(
            "[server]\nhttp = \"127.0.0.1:0\"\ntcp = \"off\"\nmdns = false\n[history]\npath = {:?}\n\
             commit_interval = \"200ms\"\nkeep_free = \"0 B\"\n\
             [[input]]\nname = \"lines\"\ntype = \"stdin\"\nformat = \"signalk\"\n",
            history.to_str().unwrap()
        );
        let file = state.join("boat.toml");
        std::fs::write(&file, toml).unwrap();
        let database = history.join(schema::FILE);
        let mut child = Command::new("strace")
            .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
            .args(["-P", database.to_str().unwrap(), "-P", &format!("{}-wal", database.display())])
            .args(["-e", &format!("inject=fsync,fdatasync:{inject}")])
            .arg("env")
            .args(["-i", env!("CARGO_BIN_EXE_taffrail")])
            .args(["run", "--config", file.to_str().unwrap(), "--state-dir", state.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = |line: String| line.split("ws://").nth(1)?.split('/').next()?.parse().ok();
        let http = lines.find_map(address).expect("it says where it is");
        // Whatever it says is taken, or it could not go on.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, aboard: Aboard(http) })
    }

    /// Sends depths all the while, and waits for each to show. Gives the last, and stops the server.
    async fn sail(mut self, voyage: impl AsyncFnOnce(&Aboard)) -> (u32, Duration) {
        use std::io::Write as _;
        let mut input = self.child.stdin.take().unwrap();
        let (mut depth, mut longest) = (0_u32, Duration::ZERO);
        {
            let voyage = voyage(&self.aboard);
            tokio::pin!(voyage);
            let more = async {
                loop {
                    depth += 1;
                    let begun = Instant::now();
                    writeln!(input, "{}", harness::delta_of("test", DEPTH, &json!(depth))).unwrap();
                    loop {
                        let path = format!("/signalk/v1/api/vessels/self/{}/value", DEPTH.replace('.', "/"));
                        let response = self.aboard.get(&path).await;
                        if response.status == 200 && response.json() == json!(depth) {
                            break;
                        }
                        assert!(begun.elapsed() < NOTICED, "an app waits for depth {depth}");
                    }
                    longest = longest.max(begun.elapsed());
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! {
                () = voyage => {}
                () = more => {}
            }
        }
        assert!(ran("kill", &["-TERM", &self.child.id().to_string()]));
        assert!(self.child.wait().unwrap().success());
        (depth, longest)
    }
}

/// Every record of the log, by timepoint, path and source, is there once.
fn nothing_is_there_twice(history: &Path) {
    let mut reader = reader(history);
    let mut scan = reader.resume(0).unwrap();
    let (mut page, mut seen) = (Vec::new(), std::collections::HashSet::new());
    while scan.next_page(&mut reader, &mut page).unwrap() {
        for record in &page {
            assert!(seen.insert((record.seq, record.path.clone(), record.source.clone())), "twice: {record:?}");
        }
    }
    assert!(!seen.is_empty());
}

#[test]
fn a_card_that_fails_to_sync() {
    let (state, card) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The data is written, but the card says that it is not: as the system reports a bad block.
    let Some(traced) = Traced::start(card.path(), state.path(), "error=EIO:when=12..14") else { return };
    run(async move {
        let (last, longest) = traced
            .sail(async |aboard| {
                aboard.says_that_it_fails("degraded", "I/O error").await;
                aboard.says_that_all_is_well().await;
                let history = aboard.history().await;
                assert_eq!(history["lost"], 0, "{history}");
                assert!(history["lastError"].as_str().unwrap().contains("I/O error"), "{history}");
            })
            .await;
        println!("a card that fails to sync: {last} depths, the longest wait {longest:?}");
        is_whole(card.path());
        nothing_is_there_twice(card.path());
        let depths = depths(card.path());
        assert!((1..last).all(|depth| depths.get(&depth) == Some(&1)), "{last}: {depths:?}");
    });
}

#[test]
fn a_card_that_does_not_answer() {
    let (state, card) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(traced) = Traced::start(card.path(), state.path(), "delay_enter=22000000:when=10") else { return };
    run(async move {
        let (last, longest) = traced
            .sail(async |aboard| {
                aboard.says_that_it_fails("stalled", "the disk has not answered for").await;
                aboard.says_that_all_is_well().await;
                assert_eq!(aboard.history().await["lost"], 0);
            })
            .await;
        println!("a card that does not answer: {last} depths, the longest wait {longest:?}");
        is_whole(card.path());
        let depths = depths(card.path());
        assert!((1..last).all(|depth| depths.get(&depth) == Some(&1)), "{last}: {depths:?}");
        let gaps = reader(card.path()).gaps(EVER.0, EVER.1).unwrap();
        assert!(gaps.is_empty(), "{gaps:?}");
    });
}
