//! A server on a machine whose clock the test sets, what a receiver says to it, and what it has recorded.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use taffrail::clock::ManualClock;
use taffrail::clock::board::Board;
use taffrail::history::reader::{Filter, Reader};
use taffrail::kernel::time::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::harness::{DEADLINE, Heard, Stream as _, TestServer, WsClient, until, values_of};

pub const HOUR: i64 = 3_600_000;
pub const DEPTH: &str = "environment.depth.belowKeel";
pub const POSITION: &str = "navigation.position";

/// `2027-01-15T` and this time of day: later than any build of this program.
pub fn real(time_of_day: &str) -> Timestamp {
    Timestamp::parse(&format!("2027-01-15T{time_of_day}Z")).unwrap()
}

pub fn since_1970(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// A board whose files are in a directory of the test; what is asked about the kernel is answered with one of them.
pub fn board_in(directory: &tempfile::TempDir) -> Board {
    let at = |name: &str| directory.path().join(name);
    Board {
        model: vec![at("model")],
        rtc: at("rtc"),
        synchronised: at("synchronized"),
        question: vec!["cat".to_owned(), at("kernel").display().to_string()],
    }
}

/// A server on a machine whose clock the test sets, with a receiver connected to it.
pub struct Aboard {
    pub server: TestServer,
    pub clock: Arc<ManualClock>,
    pub board: Board,
    receiver: TcpStream,
    sentences: u64,
    directory: tempfile::TempDir,
}

impl Aboard {
    /// On a board without a clock of its own.
    pub async fn on_a_board(wall: Timestamp) -> Self {
        Self::start(wall, "auto", Some("Raspberry Pi Zero 2 W Rev 1.0\0")).await
    }

    /// On a computer that keeps the time.
    pub async fn on_a_computer(wall: Timestamp) -> Self {
        Self::start(wall, "auto", None).await
    }

    pub async fn start(wall: Timestamp, setting: &str, model: Option<&str>) -> Self {
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
    pub async fn says(&mut self, bodies: &[&str]) {
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
    pub async fn depth(&self, n: f64) {
        self.server.put(DEPTH, n).await;
        until("it is recorded", || async { self.recorded(DEPTH).iter().any(|(_, value)| *value == json!(n)) }).await;
    }

    /// What the history has of a path of the own vessel between two years, in order of time.
    pub fn recorded_in(&self, path: &str, years: std::ops::Range<i64>) -> Vec<(String, Json)> {
        let Ok(mut reader) = self.server.server.shared.history.as_ref().unwrap().reader() else { return Vec::new() };
        let at = |year: i64| Timestamp::parse(&format!("{year}-01-01T00:00:00Z")).unwrap();
        samples(&mut reader, path, at(years.start), at(years.end))
    }

    pub fn recorded(&self, path: &str) -> Vec<(String, Json)> {
        self.recorded_in(path, 1969..2100)
    }

    /// Waits until the database on the disk says that the clock was set by so much, and nothing else.
    pub async fn until_epochs(&self, offsets_ms: &[i64]) {
        until("the history says how the clock was set", || async {
            let epochs = Reader::open(&self.directory.path().join("history"), None).and_then(|r| r.epochs());
            epochs.is_ok_and(|epochs| epochs.iter().map(|e| e.offset_ms).eq(offsets_ms.iter().copied()))
        })
        .await;
    }

    /// Waits until exactly this is recorded of a path: what is durable is dated by a commit, a moment after what is in memory.
    pub async fn comes_to(&self, path: &str, expected: &[(String, Json)]) {
        let deadline = Instant::now() + DEADLINE;
        while self.recorded(path) != expected && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(self.recorded(path), expected);
    }

    pub async fn health(&self) -> Json {
        self.server.get("/healthz").await.json()["clock"].clone()
    }

    pub async fn until_trusted(&self) -> Json {
        until("the clock is trusted", || async { self.health().await["trusted"] == true }).await;
        self.health().await
    }

    /// Everything that a playback brings of the depth, as times and values, while the clock goes on.
    pub async fn played(&self, from: Timestamp, to: Timestamp) -> Vec<(String, Json)> {
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
pub fn sentence(body: &str) -> String {
    format!("${body}*{:02X}\r\n", body.bytes().fold(0, |sum, b| sum ^ b))
}

/// RMC of a fix at this time (`hhmmss`) and date (`ddmmyy`).
pub fn rmc(time: &str, date: &str) -> String {
    format!("GPRMC,{time}.00,A,6009.000,N,02457.000,E,5.0,90.0,{date},,,A")
}

pub fn gga(time: &str) -> String {
    format!("GPGGA,{time}.00,6009.000,N,02457.000,E,1,08,1.0,10.0,M,18.0,M,,")
}

pub fn samples(reader: &mut Reader, path: &str, from: Timestamp, to: Timestamp) -> Vec<(String, Json)> {
    let filter = Filter::path("vessels.urn:mrn:imo:mmsi:230000001", path);
    let found = reader.range(&filter, from, to, 10_000).unwrap();
    found.iter().map(|s| (s.at.to_string(), serde_json::from_str(&s.value.to_json()).unwrap())).collect()
}

pub fn at(time: Timestamp, value: f64) -> (String, Json) {
    (time.to_string(), json!(value))
}
