//! What the boat's clock may do while the server runs: begin in 1970, be set, be behind at midnight, be contradicted by a
//! receiver. The clocks are the test's; sentences come over a real socket, and the history is a real database.
#![cfg(feature = "history")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod harness;

use std::sync::Arc;
use std::time::Duration;

use harness::{DEADLINE, Heard, SILENCE_MS, Stream as _, TestServer, WsClient, delta_of, until, values_of};
use serde_json::{Value as Json, json};
use taffrail::clock::ManualClock;
use taffrail::clock::board::Board;
use taffrail::history::reader::{Filter, Reader};
use taffrail::kernel::time::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The 1024 weeks of GPS.
const ROLLOVER: i64 = 1024 * 7 * DAY;
const DEPTH: &str = "environment.depth.belowKeel";
const POSITION: &str = "navigation.position";

/// `2027-01-15T` and this time of day: later than any build of this program.
fn real(time_of_day: &str) -> Timestamp {
    Timestamp::parse(&format!("2027-01-15T{time_of_day}Z")).unwrap()
}

fn since_1970(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// A board whose files are in a directory of the test; what is asked about the kernel is answered with one of them.
fn board_in(directory: &tempfile::TempDir) -> Board {
    let at = |name: &str| directory.path().join(name);
    Board {
        model: vec![at("model")],
        rtc: at("rtc"),
        synchronised: at("synchronized"),
        question: vec!["cat".to_owned(), at("kernel").display().to_string()],
    }
}

/// A server on a machine whose clock the test sets, with a receiver connected to it.
struct Aboard {
    server: TestServer,
    clock: Arc<ManualClock>,
    board: Board,
    receiver: TcpStream,
    sentences: u64,
    directory: tempfile::TempDir,
}

impl Aboard {
    /// On a board without a clock of its own.
    async fn on_a_board(wall: Timestamp) -> Self {
        Self::start(wall, "auto", Some("Raspberry Pi Zero 2 W Rev 1.0\0")).await
    }

    /// On a computer that keeps the time.
    async fn on_a_computer(wall: Timestamp) -> Self {
        Self::start(wall, "auto", None).await
    }

    async fn start(wall: Timestamp, setting: &str, model: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        if let Some(model) = model {
            std::fs::write(at("model"), model).unwrap();
        }
        let board = board_in(&directory);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let toml = format!(
            "[server]\nclock = \"{setting}\"\n[vessel]\nmmsi = \"230000001\"\n[history]\ncommit_interval = \"1s\"\n\
             [[input]]\nname = \"gps\"\ntype = \"tcp\"\naddress = \"{}\"\n",
            listener.local_addr().unwrap()
        );
        let clock = Arc::new(ManualClock::new(wall));
        let server = TestServer::start_on(&toml, clock.clone(), directory.path(), board.clone()).await;
        let (receiver, _) = listener.accept().await.unwrap();
        Self { server, clock, board, receiver, sentences: 0, directory }
    }

    /// The receiver says these, in one piece; returns when they have been read.
    async fn says(&mut self, bodies: &[&str]) {
        let lines: String = bodies.iter().map(|body| sentence(body)).collect();
        self.receiver.write_all(lines.as_bytes()).await.unwrap();
        self.sentences += bodies.len() as u64;
        let wanted = self.sentences;
        until("the sentences are read", || async {
            self.server.server.inputs.statuses()[0].report().counters.sentences >= wanted
        })
        .await;
    }

    /// A value that carries no time of its own, recorded when this returns.
    async fn depth(&self, n: f64) {
        self.server.put(DEPTH, n).await;
        until("it is recorded", || async { self.recorded(DEPTH).iter().any(|(_, value)| *value == json!(n)) }).await;
    }

    /// What the history has of a path of the own vessel between two years, in order of time.
    fn recorded_in(&self, path: &str, years: std::ops::Range<i64>) -> Vec<(String, Json)> {
        let Ok(mut reader) = self.server.server.shared.history.as_ref().unwrap().reader() else { return Vec::new() };
        let at = |year: i64| Timestamp::parse(&format!("{year}-01-01T00:00:00Z")).unwrap();
        samples(&mut reader, path, at(years.start), at(years.end))
    }

    fn recorded(&self, path: &str) -> Vec<(String, Json)> {
        self.recorded_in(path, 1969..2100)
    }

    /// Waits until the database on the disk says that the clock was set by so much, and nothing else.
    async fn until_epochs(&self, offsets_ms: &[i64]) {
        until("the history says how the clock was set", || async {
            let epochs = Reader::open(&self.directory.path().join("history"), None).and_then(|r| r.epochs());
            epochs.is_ok_and(|epochs| epochs.iter().map(|e| e.offset_ms).eq(offsets_ms.iter().copied()))
        })
        .await;
    }

    /// Waits until exactly this is recorded of a path: what is durable is dated by a commit, a moment after what is in memory.
    async fn comes_to(&self, path: &str, expected: &[(String, Json)]) {
        let deadline = Instant::now() + DEADLINE;
        while self.recorded(path) != expected && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(self.recorded(path), expected);
    }

    async fn health(&self) -> Json {
        self.server.get("/healthz").await.json()["clock"].clone()
    }

    async fn until_trusted(&self) -> Json {
        until("the clock is trusted", || async { self.health().await["trusted"] == true }).await;
        self.health().await
    }

    /// Everything that a playback brings of the depth, as times and values, while the clock goes on.
    async fn played(&self, from: Timestamp, to: Timestamp) -> Vec<(String, Json)> {
        let query = format!("startTime={from}&endTime={to}&playbackRate=1000&gapLimit=1");
        let path = format!("/signalk/v1/playback?subscribe=self&{query}");
        let mut client = WsClient::connect(self.server.http, &path).await;
        let (mut out, deadline) = (Vec::new(), Instant::now() + DEADLINE);
        loop {
            match client.hear(Instant::now() + Duration::from_millis(5)).await {
                Some(Heard::Message(message)) => {
                    let depths = values_of(&message).into_iter().filter(|(_, path, _)| path == DEPTH);
                    let at = message["updates"][0]["timestamp"].as_str().unwrap_or_default().to_owned();
                    out.extend(depths.map(|(_, _, value)| (at.clone(), value)));
                }
                Some(Heard::Closed(..)) => return out,
                None => self.clock.advance(100),
            }
            assert!(Instant::now() < deadline, "the playback does not end: {out:?}");
        }
    }
}

/// A sentence with its checksum.
fn sentence(body: &str) -> String {
    format!("${body}*{:02X}\r\n", body.bytes().fold(0, |sum, b| sum ^ b))
}

/// RMC of a fix at this time (`hhmmss`) and date (`ddmmyy`).
fn rmc(time: &str, date: &str) -> String {
    format!("GPRMC,{time}.00,A,6009.000,N,02457.000,E,5.0,90.0,{date},,,A")
}

fn gga(time: &str) -> String {
    format!("GPGGA,{time}.00,6009.000,N,02457.000,E,1,08,1.0,10.0,M,18.0,M,,")
}

fn samples(reader: &mut Reader, path: &str, from: Timestamp, to: Timestamp) -> Vec<(String, Json)> {
    let filter = Filter::path("vessels.urn:mrn:imo:mmsi:230000001", path);
    let found = reader.range(&filter, from, to, 10_000).unwrap();
    found.iter().map(|s| (s.at.to_string(), serde_json::from_str(&s.value.to_json()).unwrap())).collect()
}

fn at(time: Timestamp, value: f64) -> (String, Json) {
    (time.to_string(), json!(value))
}

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
async fn values_of_1970_are_found_and_played_at_their_right_times_once_the_clock_is_set() {
    let aboard = Aboard::on_a_board(since_1970(40_000)).await;
    let mut expected = Vec::new();
    for n in 1..=4_i64 {
        aboard.depth(n as f64).await;
        // Some are on the disk by now, and some still in memory.
        aboard.clock.advance(10_000);
        if n == 2 {
            let durable = || aboard.server.server.shared.history.as_ref().unwrap().status.get().commits;
            until("there was a commit", || async { durable() > 0 }).await;
        }
        expected.push(at(real("10:00:00").plus_millis((n - 5) * 10_000), n as f64));
    }
    assert_eq!(aboard.recorded_in(DEPTH, 1969..1971).len(), 4, "they are found where the clock was");
    aboard.clock.set_wall(real("10:00:00"));
    aboard.depth(5.0).await;
    expected.push(at(real("10:00:00"), 5.0));
    aboard.comes_to(DEPTH, &expected).await;
    aboard.clock.advance(10_000);
    aboard.depth(6.0).await;
    expected.push(at(real("10:00:10"), 6.0));
    assert_eq!(aboard.played(real("09:00:00"), real("10:00:11")).await, expected);
    // The API too, and after the windows are sealed.
    aboard.clock.advance(2 * HOUR as u64);
    let seals = || aboard.server.server.shared.history.as_ref().unwrap().status.get().seals;
    until("the windows are sealed", || async { seals() > 0 }).await;
    aboard.comes_to(DEPTH, &expected).await;
    let query = format!("from=2027-01-15T09:59:00Z&to=2027-01-15T10:01:00Z&resolution=1&paths={DEPTH}:last");
    let rows = aboard.server.get(&format!("/signalk/v2/api/history/values?{query}")).await.json();
    let rows = rows["data"].as_array().unwrap();
    let values: Vec<&Json> = rows.iter().map(|row| &row[1]).filter(|value| !value.is_null()).collect();
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[tokio::test]
async fn a_receiver_dates_everything_although_the_clock_stays_wrong() {
    let mut aboard = Aboard::on_a_board(since_1970(40_000)).await;
    aboard.depth(1.0).await;
    for second in 0..7 {
        aboard.clock.advance(1_000);
        aboard.says(&[&gga(&format!("10000{second}")), &rmc(&format!("10000{second}"), "150127")]).await;
    }
    let health = aboard.until_trusted().await;
    assert_eq!(health["why"], "gnss", "{health}");
    // What was said before is put right for those who ask now.
    let stamp = async || aboard.server.node("vessels/self/environment/depth/belowKeel").await["timestamp"].clone();
    until("the model is put right", || async { stamp().await == real("09:59:59").to_string() }).await;
    aboard.depth(2.0).await;
    let expected = [at(real("09:59:59"), 1.0), at(real("10:00:06"), 2.0)];
    aboard.comes_to(DEPTH, &expected).await;
    assert_eq!(aboard.server.ws("").await.next_json().await["timestamp"], "2027-01-15T10:00:06.000Z");
    assert_eq!(stamp().await, expected[1].0);
    // The first fix came before any date was known: it is dated like the depth, not in 1970.
    let positions = aboard.recorded(POSITION);
    assert_eq!(positions[0].0, real("10:00:00").to_string(), "{positions:?}");
    assert_eq!(positions.len(), 14);
    // When the system's clock is set, nothing moves.
    aboard.clock.set_wall(real("10:00:06"));
    until("the clock is right", || async { aboard.health().await["correction"] == 0.0 }).await;
    aboard.depth(3.0).await;
    assert_eq!(aboard.recorded(DEPTH).last().unwrap(), &at(real("10:00:06"), 3.0));
}

#[tokio::test]
async fn one_date_that_agrees_with_the_clock_confirms_it() {
    let mut aboard = Aboard::on_a_board(real("10:00:00")).await;
    aboard.says(&["GPZDA,100001.00,15,01,2027,,"]).await;
    assert_eq!(aboard.until_trusted().await["why"], "gnss");
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
async fn a_receiver_without_a_fix_confirms_nothing() {
    let mut aboard = Aboard::on_a_board(real("10:00:00")).await;
    aboard.says(&["GPRMC,100000.00,V,,,,,,,150127,,,N"]).await;
    assert_eq!(aboard.health().await["why"], "unconfirmed");
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
async fn a_clock_set_forward_loses_nothing_and_streams_keep_their_pace() {
    let aboard = Aboard::on_a_computer(real("10:00:00")).await;
    let mut client = aboard.server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": DEPTH, "policy": "instant", "minPeriod": 60_000}])).await;
    client.settled().await;
    aboard.depth(1.0).await;
    client.until_value(DEPTH, 1.0).await;
    aboard.clock.set_wall(real("15:00:00"));
    aboard.depth(2.0).await;
    client.silence(SILENCE_MS).await;
    aboard.clock.advance(60_000);
    aboard.depth(3.0).await;
    client.until_value(DEPTH, 3.0).await;
    let expected = [at(real("10:00:00"), 1.0), at(real("15:00:00"), 2.0), at(real("15:01:00"), 3.0)];
    aboard.comes_to(DEPTH, &expected).await;
    assert_eq!(aboard.played(real("09:00:00"), real("16:00:00")).await, expected);
    let health = aboard.health().await;
    assert_eq!((&health["steps"], &health["lastStep"]), (&json!(1), &json!(18_000.0)), "{health}");
    aboard.until_epochs(&[5 * HOUR]).await;
}

#[tokio::test]
async fn a_clock_set_back_loses_nothing_and_playback_goes_forward() {
    let aboard = Aboard::on_a_computer(real("15:00:00")).await;
    let mut client = aboard.server.ws_greeted("subscribe=none").await;
    client.subscribe(json!([{"path": DEPTH, "policy": "instant", "minPeriod": 1_000}])).await;
    client.settled().await;
    for n in [1.0, 2.0] {
        aboard.depth(n).await;
        aboard.clock.advance(10_000);
    }
    aboard.clock.set_wall(real("12:00:00"));
    for n in [3.0, 4.0] {
        aboard.depth(n).await;
        client.until_value(DEPTH, n).await;
        aboard.clock.advance(10_000);
    }
    let expected =
        [at(real("12:00:00"), 3.0), at(real("12:00:10"), 4.0), at(real("15:00:00"), 1.0), at(real("15:00:10"), 2.0)];
    aboard.comes_to(DEPTH, &expected).await;
    assert_eq!(aboard.played(real("11:00:00"), real("16:00:00")).await, expected);
    aboard.until_epochs(&[-3 * HOUR - 20_000]).await;
}

#[tokio::test]
async fn a_clock_that_falls_back_to_1970_is_not_trusted_and_what_it_stamped_is_moved_when_it_is_set_again() {
    let aboard = Aboard::on_a_computer(real("10:00:00")).await;
    aboard.depth(1.0).await;
    aboard.clock.advance(60_000);
    aboard.clock.set_wall(since_1970(0));
    aboard.depth(2.0).await;
    assert_eq!(aboard.health().await["why"], "beforeBuild");
    assert_eq!(aboard.server.ws("").await.next_json().await.get("timestamp"), None);
    aboard.clock.advance(60_000);
    aboard.clock.set_wall(real("10:02:00"));
    aboard.depth(3.0).await;
    let expected = [at(real("10:00:00"), 1.0), at(real("10:01:00"), 2.0), at(real("10:02:00"), 3.0)];
    aboard.comes_to(DEPTH, &expected).await;
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
async fn positions_around_midnight_stay_in_order_when_the_date_lags_by_a_second() {
    for (dates, what) in [(["150127", "150127", "160127"], "RMC"), (["150127", "160127", "160127"], "none")] {
        let mut aboard = Aboard::on_a_computer(real("23:59:58")).await;
        let mut stamps = Vec::new();
        for (second, (time, date)) in ["235959", "000000", "000001"].into_iter().zip(dates).enumerate() {
            aboard.clock.advance(1_000);
            // The receiver says GGA before the sentence that tells the date.
            aboard.says(&[&gga(time), &rmc(time, date)]).await;
            let at = real("23:59:59").plus_millis(second as i64 * 1_000).to_string();
            stamps.extend([at.clone(), at]);
        }
        until("all are recorded", || async { aboard.recorded(POSITION).len() == 6 }).await;
        let recorded: Vec<String> = aboard.recorded(POSITION).into_iter().map(|(at, _)| at).collect();
        assert_eq!(recorded, stamps, "late: {what}");
        let last = aboard.server.node("vessels/self/navigation/datetime/value").await;
        assert_eq!(last, "2027-01-16T00:00:01.000Z");
    }
}

#[tokio::test]
async fn a_receiver_behind_by_1024_weeks_poisons_neither_the_history_nor_the_clock() {
    let long_ago = real("10:00:00").plus_millis(-ROLLOVER).civil();
    let date = format!("{:02}{:02}{:02}", long_ago.day, long_ago.month, long_ago.year % 100);
    // On a trusted clock its times are taken out of the wrong cycle.
    let mut aboard = Aboard::on_a_computer(real("10:00:00")).await;
    for second in 0..8 {
        aboard.clock.advance(1_000);
        let time = format!("10000{}", second + 1);
        aboard.says(&[&gga(&time), &rmc(&time, &date)]).await;
    }
    until("all are recorded", || async { aboard.recorded(POSITION).len() == 16 }).await;
    assert_eq!(aboard.recorded_in(POSITION, 1969..2027), []);
    assert_eq!(aboard.recorded(POSITION)[0].0, real("10:00:01").to_string());
    assert_eq!(aboard.health().await["why"], "computer");
    // A clock that is not trusted does not become so by it.
    let mut aboard = Aboard::on_a_board(since_1970(40_000)).await;
    aboard.depth(1.0).await;
    for second in 0..8 {
        aboard.clock.advance(1_000);
        aboard.says(&[&rmc(&format!("10000{}", second + 1), &date)]).await;
    }
    assert_eq!(aboard.health().await["why"], "beforeBuild");
    aboard.clock.set_wall(real("10:00:08"));
    aboard.depth(2.0).await;
    aboard.comes_to(DEPTH, &[at(real("10:00:00"), 1.0), at(real("10:00:08"), 2.0)]).await;
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

/// The recorder's storage when the plug is pulled between the recording and the dating: no thread, no flush.
mod power_cuts {
    use std::path::Path;

    use serde_json::Value as Json;
    use taffrail::history::disk::SystemDisk;
    use taffrail::history::reader::Reader;
    use taffrail::history::record::{Epoch, Record, RecordKind};
    use taffrail::history::status::SharedStatus;
    use taffrail::history::tail::Tail;
    use taffrail::history::writer::{Config, Writer};
    use taffrail::kernel::time::{Moment, Now, Timestamp};
    use taffrail::kernel::value::Value;

    use super::{DEPTH, HOUR, at, real, samples, since_1970};

    const OWN: &str = "vessels.urn:mrn:imo:mmsi:230000001";

    /// One run of the writer, up to the cut.
    struct Run<'a> {
        directory: &'a Path,
        writer: Writer,
        tail: Tail,
        now: Now,
        seq: u64,
    }

    impl<'a> Run<'a> {
        fn new(directory: &'a Path, wall: Timestamp, seq: u64) -> Self {
            let tail = Tail::default();
            let config = Config::new(directory, OWN);
            let writer =
                Writer::new(config, Box::new(SystemDisk::new(directory)), SharedStatus::default(), tail.clone());
            Self { directory, writer, tail, now: Now { wall, mono: Moment::default() }, seq }
        }

        /// A value that this server stamps.
        fn depth(&mut self, n: f64, trusted_wall: bool) {
            self.seq += 1;
            self.writer.batch(vec![Record {
                seq: self.seq,
                context: OWN.into(),
                path: DEPTH.into(),
                source: "sounder".into(),
                capture: self.now.wall,
                received: self.now.wall,
                received_mono: self.now.mono,
                trusted_wall,
                value: Value::number(n),
                kind: RecordKind::Value,
            }]);
        }

        fn pass(&mut self, ms: u64, trusted: bool) {
            self.now = Now { wall: self.now.wall.plus_millis(ms as i64), mono: self.now.mono + ms };
            self.writer.tick(self.now, trusted);
        }

        fn pass_hours(&mut self, hours: u64, trusted: bool) {
            for _ in 0..hours * 60 {
                self.pass(60_000, trusted);
            }
        }

        fn set(&mut self, wall: Timestamp, since: u64) -> Epoch {
            let offset_ms = wall.as_millis() - self.now.wall.as_millis();
            self.now.wall = wall;
            let epoch = Epoch { first_seq: since, last_seq: self.seq, offset_ms, at: wall };
            self.writer.epoch(epoch);
            epoch
        }

        fn recorded(&self) -> Vec<(String, Json)> {
            let mut reader = Reader::open(self.directory, Some(self.tail.clone())).unwrap();
            samples(&mut reader, DEPTH, since_1970(0), real("23:00:00"))
        }
    }

    /// Three values in 1970: two of them durable, one in memory.
    fn begun(directory: &Path) -> Run<'_> {
        let mut run = Run::new(directory, since_1970(40_000), 100);
        run.writer.tick(run.now, false);
        for n in [1.0, 2.0, 3.0] {
            run.depth(n, false);
            run.pass(if n < 3.0 { 10_000 } else { 5_000 }, false);
        }
        run
    }

    #[test]
    fn after_the_dating_everything_stays_dated_and_is_sealed_so() {
        let directory = tempfile::tempdir().unwrap();
        let mut run = begun(directory.path());
        run.set(real("10:00:25"), 101);
        let expected = [at(real("10:00:00"), 1.0), at(real("10:00:10"), 2.0), at(real("10:00:20"), 3.0)];
        // What is in memory is right at once; what is durable with the next tick, whenever the last commit was.
        assert_eq!(run.recorded()[2], expected[2]);
        run.pass(1_000, true);
        assert_eq!(run.recorded(), expected);
        let bounds = Reader::open(directory.path(), None).unwrap().bounds().unwrap();
        assert_eq!((bounds.from, bounds.to), (Some(real("10:00:00")), Some(real("10:00:20"))));
        drop(run);
        let mut next = Run::new(directory.path(), real("11:00:00"), 200);
        assert_eq!(next.recorded(), expected);
        next.pass_hours(3, true);
        assert_eq!(next.recorded(), expected, "sealed and merged");
    }

    #[test]
    fn before_the_dating_is_durable_what_was_recorded_is_found_where_the_clock_was() {
        let directory = tempfile::tempdir().unwrap();
        let mut run = begun(directory.path());
        run.set(real("10:00:25"), 101);
        drop(run);
        let durable = [at(since_1970(40_000), 1.0), at(since_1970(50_000), 2.0)];
        // The next run dates its own and leaves those of the run before: nobody knows when that was.
        let mut next = Run::new(directory.path(), since_1970(40_000), 200);
        next.writer.tick(next.now, false);
        next.depth(4.0, false);
        next.pass(10_000, false);
        assert_eq!(next.recorded(), [durable[0].clone(), at(since_1970(40_000), 4.0), durable[1].clone()]);
        next.set(real("12:00:00"), 201);
        next.pass(1_000, true);
        let expected = [durable[0].clone(), durable[1].clone(), at(real("11:59:50"), 4.0)];
        assert_eq!(next.recorded(), expected);
        next.pass_hours(3, true);
        assert_eq!(next.recorded(), expected, "sealed and merged");
    }

    #[test]
    fn a_run_in_1970_does_not_cost_clients_the_log_of_the_run_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut run = Run::new(directory.path(), real("10:00:00"), 100);
        run.depth(1.0, true);
        run.pass(10_000, true);
        drop(run);
        let mut run = Run::new(directory.path(), since_1970(40_000), 200);
        run.depth(2.0, false);
        run.pass(10_000, false);
        drop(run);
        let mut run = Run::new(directory.path(), real("10:30:00"), 300);
        run.depth(3.0, true);
        run.pass_hours(2, true);
        let oldest = || Reader::open(directory.path(), None).unwrap().bounds().unwrap().oldest_seq;
        assert_eq!(oldest(), Some(101));
        run.pass_hours(24, true);
        assert_eq!(oldest(), Some(301), "but after a day they go");
    }

    #[test]
    fn between_two_steps_of_a_clock_that_is_not_trusted_both_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let mut run = begun(directory.path());
        let wrong = since_1970(5_000 * HOUR);
        run.set(wrong, 101);
        run.pass(1_000, false);
        run.depth(4.0, false);
        run.pass(9_000, false);
        let last = at(wrong.plus_millis(1_000), 4.0);
        assert_eq!(run.recorded()[3], last);
        run.set(real("10:00:35"), 101);
        run.pass(1_000, true);
        let expected =
            [(0, 1.0), (10, 2.0), (20, 3.0), (26, 4.0)].map(|(s, n)| at(real("10:00:00").plus_millis(s * 1_000), n));
        assert_eq!(run.recorded(), expected);
        drop(run);
        let mut next = Run::new(directory.path(), real("11:00:00"), 200);
        next.pass_hours(3, true);
        assert_eq!(next.recorded(), expected, "sealed and merged");
    }
}
