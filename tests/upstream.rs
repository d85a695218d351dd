//! Another Signal K server as an input, over real sockets: whole servers that read from each other, and peers that are not
//! what they should be.

#![cfg(feature = "upstream")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod aboard;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aboard::Boat;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use taffrail::app::Server;
use taffrail::clock::SystemClock;
use taffrail::config::{Config, Format, InputKind, Sources, Upstream};
use taffrail::feed;
use taffrail::input::Home;
use taffrail::input::ended::Why;
use taffrail::kernel::id::{Instance, Seq};
use taffrail::kernel::world::{Setup, World};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// How long servers are watched where nothing may happen any more.
const WATCHED: Duration = Duration::from_millis(300);

/// A port that is free now, for servers that must know each other's before they start.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A whole server.
struct Ship {
    server: Server,
    state: tempfile::TempDir,
}

impl Ship {
    async fn start(http: SocketAddr, toml: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), http, toml).await
    }

    async fn start_in(state: tempfile::TempDir, http: SocketAddr, toml: &str) -> Self {
        let environment = vec![("STATE_DIRECTORY".to_owned(), state.path().to_str().unwrap().to_owned())];
        let sources = Sources { file: Some(("test.toml", toml)), environment, ..Sources::default() };
        let mut config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}\n{toml}"));
        config.server.http = http;
        config.server.tcp = Some("127.0.0.1:0".parse().unwrap());
        config.server.mdns = false;
        if !toml.contains("[[input]]") {
            config.inputs.clear();
        }
        let server = Server::start(&config, Arc::new(SystemClock::new())).await.unwrap();
        Self { server, state }
    }

    /// Stops it; what it keeps stays.
    async fn stop(self) -> tempfile::TempDir {
        timeout(aboard::DEADLINE, self.server.stop()).await.unwrap();
        self.state
    }

    fn own(&self) -> String {
        self.server.shared.identity.own.clone()
    }

    /// Says a value as a device aboard would, and returns when it is known.
    async fn say(&self, source: &str, path: &str, value: i64) {
        self.say_delta(json!({"updates": [{"$source": source, "values": [{"path": path, "value": value}]}]})).await;
        until(&format!("{path} from {source}"), || async { self.log(path).iter().any(|l| l.source == source) }).await;
    }

    async fn say_delta(&self, delta: Json) {
        let url = format!("ws://{}/signalk/v1/stream?subscribe=none", self.server.http);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        socket.send(Message::text(delta.to_string())).await.unwrap();
        let _ = socket.close(None).await;
        while let Some(Ok(_)) = socket.next().await {}
    }

    /// Everything in the log about a path, oldest first.
    fn log(&self, path: &str) -> Vec<Logged> {
        let world = self.server.feed().read();
        let Some(id) = world.model.find_path(path) else { return Vec::new() };
        let oldest = Seq(world.tail.oldest().0 - 1);
        let changes = world.tail.after(oldest).unwrap().filter_map(|c| {
            let value = c.values.iter().find(|v| v.path == id)?;
            Some(Logged {
                context: c.context_name.to_string(),
                source: world.model.sources().name(c.source).to_string(),
                timestamp: c.timestamp.to_string(),
                value: value.value.to_json(),
            })
        });
        changes.collect()
    }

    /// Waits until a path is known from a source.
    async fn hears(&self, path: &str, source: &str) -> Logged {
        let found = || self.log(path).into_iter().find(|l| l.source == source);
        let what = format!("{path} from {source}");
        until(&what, || async { found().is_some() }).await;
        found().unwrap()
    }

    async fn until_problem(&self, index: usize, what: &str) -> String {
        let problem = || self.server.inputs.statuses()[index].report().problem.map(|p| p.text.to_string());
        until(what, || async { problem().is_some_and(|text| text.contains(what)) }).await;
        problem().unwrap()
    }
}

#[derive(Debug, PartialEq)]
struct Logged {
    context: String,
    source: String,
    timestamp: String,
    value: String,
}

fn sources(log: &[Logged]) -> Vec<&str> {
    log.iter().map(|l| &*l.source).collect()
}

fn reads(name: &str, from: SocketAddr) -> String {
    format!("[[input]]\nname = \"{name}\"\ntype = \"signalk\"\nurl = \"ws://{from}\"\n")
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let poll = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(aboard::DEADLINE, poll).await.unwrap_or_else(|_| panic!("{what}: not so after {:?}", aboard::DEADLINE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_come_with_their_time_and_under_the_name_of_the_input() {
    let a = Ship::start(free(), "").await;
    let tcp = a.server.tcp.unwrap();
    let time = "2026-03-04T05:06:07.089Z";
    let old = json!({"updates": [{"$source": "gps.GP", "timestamp": time, "values": [
        {"path": "navigation.speedOverGround", "value": 3.25}]}]});
    a.say_delta(old).await;
    a.hears("navigation.speedOverGround", "gps.GP").await;
    for url in [format!("ws://{}", a.server.http), format!("http://{}", a.server.http), format!("tcp://{tcp}")] {
        let toml = format!("[[input]]\nname = \"a\"\ntype = \"signalk\"\nurl = \"{url}\"\n");
        let b = Ship::start(free(), &toml).await;
        let heard = b.hears("navigation.speedOverGround", "a.gps.GP").await;
        let expected = (a.own(), time.to_owned(), "3.25".to_owned());
        assert_eq!((heard.context, heard.timestamp, heard.value), expected, "{url}: what was known before");
        let path = format!("test.live{}", b.server.http.port());
        a.say("log.VW", &path, 7).await;
        assert_eq!(b.hears(&path, "a.log.VW").await.value, "7", "{url}: live");
        b.stop().await;
    }
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_vessel_it_is() {
    let (mmsi, other) = ("[vessel]\nmmsi = \"230099999\"\n", "[vessel]\nmmsi = \"230011111\"\n");
    // Identity over there, identity here, more of the input, whether their own vessel is ours.
    let table =
        [(mmsi, mmsi, "", true), (mmsi, other, "", false), (mmsi, other, "aboard = true\n", true), ("", "", "", false)];
    for (there, here, more, is_ours) in table {
        let a = Ship::start(free(), there).await;
        a.say("gps.GP", "test.x", 1).await;
        let b = Ship::start(free(), &format!("{here}{}{more}", reads("a", a.server.http))).await;
        let heard = b.hears("test.x", "a.gps.GP").await;
        let expected = if is_ours { b.own() } else { a.own() };
        assert_eq!(heard.context, expected, "{there} {here} {more}");
        a.stop().await;
        b.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_asked_for_comes() {
    let a = Ship::start(free(), "").await;
    let tcp = a.server.tcp.unwrap();
    let target = json!({"context": "vessels.urn:mrn:imo:mmsi:230000001", "updates": [{"$source": "ais", "values": [
        {"path": "test.wanted", "value": 1}]}]});
    a.say_delta(target).await;
    a.hears("test.wanted", "ais").await;
    a.say("gps", "test.unwanted", 1).await;
    a.say("gps", "test.wanted", 1).await;
    for url in [format!("ws://{}", a.server.http), format!("tcp://{tcp}")] {
        let toml = format!(
            "[[input]]\nname = \"a\"\ntype = \"signalk\"\nurl = \"{url}\"\nsubscribe = \"self\"\npaths = [\"test.w*\", \"test.end\"]\n"
        );
        let b = Ship::start(free(), &toml).await;
        b.hears("test.wanted", "a.gps").await;
        a.say(&format!("end{}", b.server.http.port()), "test.end", 1).await;
        b.hears("test.end", &format!("a.end{}", b.server.http.port())).await;
        assert_eq!(sources(&b.log("test.wanted")), ["a.gps"], "{url}");
        assert_eq!(b.log("test.unwanted"), [], "{url}");
        b.stop().await;
    }
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_comes_along() {
    let a = Ship::start(free(), "[[meta]]\npath = \"test.tank\"\nunits = \"m3\"\ndescription = \"Rum\"\n").await;
    let b = Ship::start(free(), &reads("a", a.server.http)).await;
    a.say("probe", "test.tank", 1).await;
    b.hears("test.tank", "a.probe").await;
    let known = || b.server.feed().read().meta_of("test.tank").is_some_and(|meta| meta.contains("Rum"));
    until("metadata", || async { known() }).await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_is_found_again() {
    let port = free();
    let a = Ship::start(port, "").await;
    let b = Ship::start(free(), &reads("a", port)).await;
    a.say("gps", "test.before", 1).await;
    b.hears("test.before", "a.gps").await;
    let state = a.stop().await;
    b.until_problem(0, "a").await;
    let a = Ship::start_in(state, port, "").await;
    a.say("gps", "test.after", 2).await;
    assert_eq!(b.hears("test.after", "a.gps").await.value, "2");
    assert!(b.server.inputs.statuses()[0].report().reconnects >= 1);
    a.stop().await;
    b.stop().await;
}

/// Starts `count` servers of which each reads from the ones before it in the ring, as `links` says: `(reader, from)`.
async fn fleet(count: usize, links: &[(usize, usize)], same_boat: bool) -> Vec<Ship> {
    let ports: Vec<SocketAddr> = (0..count).map(|_| free()).collect();
    let mut ships = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let mut toml = if same_boat { "[vessel]\nmmsi = \"230099999\"\n".to_owned() } else { String::new() };
        for (_, from) in links.iter().filter(|(reader, _)| *reader == i) {
            toml.push_str(&reads(&format!("s{from}"), ports[*from]));
        }
        ships.push(Ship::start(*port, &toml).await);
        // What is known before the others connect must not go round either.
        ships[i].say(&format!("own{i}"), "test.early", i as i64).await;
    }
    ships
}

/// Each of `ships` says something of its own, everybody hears it; `expected(i)` are the sources of one value of ship 0 on
/// ship `i`.
async fn stays_quiet(ships: &[Ship], rounds: usize, expected: impl Fn(usize) -> Vec<&'static str>) {
    let everybody_hears = |path: String| async move {
        for (i, ship) in ships.iter().enumerate() {
            ship.say(&format!("own{i}"), &path, 1).await;
        }
        for ship in ships {
            for i in 0..ships.len() {
                let is_there = || ship.log(&path).iter().any(|l| l.source.ends_with(&format!("own{i}")));
                until(&format!("{path} of ship {i}"), || async { is_there() }).await;
            }
        }
    };
    everybody_hears("test.link".to_owned()).await;
    ships[0].say("gps.GP", "test.once", 42).await;
    // What is sent after it cannot overtake it, so after some rounds it has been everywhere it will ever be.
    for round in 0..rounds {
        everybody_hears(format!("test.fence{round}")).await;
    }
    let counts = || -> Vec<u64> {
        ships.iter().map(|s| s.server.hub.changes.load(std::sync::atomic::Ordering::Relaxed)).collect()
    };
    let before = counts();
    tokio::time::sleep(WATCHED).await;
    assert_eq!(counts(), before, "nothing moves any more");
    for (i, ship) in ships.iter().enumerate() {
        let log = ship.log("test.once");
        let mut heard = sources(&log);
        heard.sort_unstable();
        assert_eq!(heard, expected(i), "ship {i}");
        let early = ship.log("test.early");
        let back = early.iter().filter(|l| l.source.contains('.') && l.source.ends_with(&format!("own{i}")));
        assert_eq!(back.count(), 0, "ship {i} hears nothing of its own: {early:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_read_from_each_other_stay_quiet() {
    for same_boat in [false, true] {
        let ships = fleet(2, &[(0, 1), (1, 0)], same_boat).await;
        stays_quiet(&ships, 2, |i| [vec!["gps.GP"], vec!["s0.gps.GP"]][i].clone()).await;
        for ship in ships {
            ship.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_of_three_stays_quiet() {
    let ships = fleet(3, &[(0, 2), (1, 0), (2, 1)], true).await;
    stays_quiet(&ships, 3, |i| [vec!["gps.GP"], vec!["s0.gps.GP"], vec!["s1.s0.gps.GP"]][i].clone()).await;
    for ship in ships {
        ship.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reading_from_everybody_stays_quiet() {
    let ships = fleet(3, &[(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)], false).await;
    let expected =
        |i: usize| [vec!["gps.GP"], vec!["s0.gps.GP", "s2.s0.gps.GP"], vec!["s0.gps.GP", "s1.s0.gps.GP"]][i].clone();
    stays_quiet(&ships, 3, expected).await;
    for ship in ships {
        ship.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_that_differs_does_not_go_round_a_ring() {
    let ships = fleet(3, &[(0, 2), (1, 0), (2, 1)], true).await;
    for ship in &ships {
        for i in 0..3 {
            let is_there = || ship.log("test.early").iter().any(|l| l.source.ends_with(&format!("own{i}")));
            until("all links", || async { is_there() }).await;
        }
    }
    let meta = |i: usize| {
        json!({"updates": [{"$source": format!("own{i}"), "meta": [
            {"path": "test.early", "value": {"description": format!("of ship {i}")}}]}]})
    };
    tokio::join!(ships[0].say_delta(meta(0)), ships[1].say_delta(meta(1)), ships[2].say_delta(meta(2)));
    for ship in &ships {
        let known = || ship.server.feed().read().meta_of("test.early").is_some_and(|m| m.contains("of ship"));
        until("metadata", || async { known() }).await;
    }
    tokio::time::sleep(WATCHED).await;
    let counts = || -> Vec<u64> {
        ships.iter().map(|s| s.server.hub.changes.load(std::sync::atomic::Ordering::Relaxed)).collect()
    };
    let before = counts();
    tokio::time::sleep(WATCHED).await;
    assert_eq!(counts(), before, "nothing moves any more");
    for ship in ships {
        ship.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_nothing_of_before_comes_back() {
    let (port_a, port_b) = (free(), free());
    let a = Ship::start(port_a, &reads("b", port_b)).await;
    let b = Ship::start(port_b, &reads("a", port_a)).await;
    a.say("gps", "test.x", 1).await;
    b.hears("test.x", "a.gps").await;
    let state = a.stop().await;
    let a = Ship::start_in(state, port_a, &reads("b", port_b)).await;
    b.say("log", "test.y", 1).await;
    a.hears("test.y", "b.log").await;
    assert_eq!(a.log("test.x"), [], "its own news of yesterday");
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_read_from_itself() {
    let port = free();
    let a = Ship::start(port, &reads("me", port)).await;
    let problem = a.until_problem(0, "that is this server itself").await;
    assert!(problem.starts_with(&format!("connect to ws://{port}: ")), "{problem}");
    a.stop().await;
}

/// A Signal K server of another make on the raw stream: it passes on every delta as it came, to everybody, and says what it
/// is told through `say`.
async fn parrot(
    listens: TcpListener,
    reads_from: SocketAddr,
    own: String,
    mut say: tokio::sync::mpsc::Receiver<String>,
) {
    let (mut client, _) = listens.accept().await.unwrap();
    let hello = json!({"name": "parrot", "version": "1.7.0", "self": own, "roles": ["master", "main"]});
    client.write_all(format!("{hello}\r\n").as_bytes()).await.unwrap();
    let (asked, mut client) = client.split();
    let mut asked = BufReader::new(asked).lines();
    while !asked.next_line().await.unwrap().unwrap().contains("subscribe") {}

    let mut source = BufReader::new(TcpStream::connect(reads_from).await.unwrap());
    let mut line = String::new();
    source.read_line(&mut line).await.unwrap();
    let row = json!({"context": "*", "subscribe": [{"path": "*"}]});
    source.write_all(format!("{row}\r\n").as_bytes()).await.unwrap();
    let mut lines = source.lines();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line,
            said = say.recv() => Ok(said),
        };
        let Ok(Some(line)) = line else { return };
        if client.write_all(format!("{line}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_through_a_server_of_another_make_is_recognised() {
    // The parrot alone, and with a server of ours between it and the first.
    for in_between in [false, true] {
        let listens = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let parrot_port = listens.local_addr().unwrap();
        let of_parrot = format!("[[input]]\nname = \"p\"\ntype = \"signalk\"\nurl = \"tcp://{parrot_port}\"\n");
        let port_c = free();
        let c = if in_between { Some(Ship::start(port_c, &of_parrot).await) } else { None };
        let of_a = if in_between { reads("c", port_c) } else { of_parrot.clone() };
        let a = Ship::start(free(), &of_a).await;
        a.say("early", "test.early", 1).await;
        let (say, said) = tokio::sync::mpsc::channel(8);
        let task = tokio::spawn(parrot(listens, a.server.tcp.unwrap(), a.own(), said));

        let own = |n: i64| {
            json!({"context": a.own(), "updates": [{"$source": "n2k.7", "timestamp": "2026-01-01T00:00:00.000Z",
                "values": [{"path": "test.theirs", "value": n}]}]})
            .to_string()
        };
        let theirs = if in_between { "c.p.n2k.7" } else { "p.n2k.7" };
        say.send(own(1)).await.unwrap();
        a.hears("test.theirs", theirs).await;
        a.say("gps.GP", "test.x", 1).await;
        a.say("gps.GP", "test.x", 2).await;
        for fence in 2..5 {
            say.send(own(fence)).await.unwrap();
            let value = fence.to_string();
            until("the fence", || async { a.log("test.theirs").iter().any(|l| l.value == value) }).await;
        }
        let counts = || a.server.hub.changes.load(std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(WATCHED).await;
        let before = counts();
        tokio::time::sleep(WATCHED).await;
        assert_eq!(counts(), before, "nothing moves any more");
        assert_eq!(sources(&a.log("test.early")), ["early"]);
        assert_eq!(sources(&a.log("test.x")), ["gps.GP"; 2]);
        assert_eq!(sources(&a.log("test.theirs")), [theirs; 4]);
        a.stop().await;
        task.abort();
        if let Some(c) = c {
            c.stop().await;
        }
    }
}

/// An input that reads from `url`, with short pauses and short patience.
fn boat(upstream: Upstream) -> Boat {
    boat_with(upstream, |_| {})
}

fn boat_with(upstream: Upstream, tune: impl FnOnce(&mut taffrail::input::Timing)) -> Boat {
    let own = "vessels.urn:mrn:imo:mmsi:230099999";
    let (_, feed) = feed::feed(World::new(Setup::new(own), Seq(1)));
    Boat::start(&[(InputKind::SignalK(upstream), Format::SignalK)], |wiring| {
        wiring.home = Some(Home { own: own.into(), instance: Instance(1), feed });
        wiring.timing.connect = Duration::from_millis(300);
        tune(&mut wiring.timing);
    })
}

const HELLO: &str = r#"{"name":"x","version":"1.7.0","self":"urn:mrn:imo:mmsi:230099999","roles":["master"]}"#;
const DELTA: &str =
    r#"{"updates":[{"$source":"w","values":[{"path":"environment.water.temperature","value":283.15}]}]}"#;

#[tokio::test]
async fn lines_that_are_no_lines_of_signal_k() {
    let huge = format!("{{\"x\":\"{}\"}}\n", "y".repeat(3 << 20));
    let deep = format!("{{\"updates\":{}\n", "[".repeat(5000));
    // What the peer says, and the problem that comes of it; none when the delta at the end comes through all the same.
    let table: [(&str, Vec<u8>, Option<&str>); 7] = [
        ("silence", b"".to_vec(), Some("no hello in")),
        ("garbage", b"\xff\xfe\n$GPRMC,,V\n[1]\n\0\n".to_vec(), Some("no hello in")),
        ("deltas without a hello", format!("{DELTA}\n{DELTA}\n").into_bytes(), Some("no hello in")),
        ("huge before the hello", format!("{huge}{HELLO}\n{DELTA}\n").into_bytes(), None),
        ("huge after the hello", format!("{HELLO}\n{huge}{DELTA}\n").into_bytes(), None),
        ("garbage after the hello", format!("{HELLO}\n\u{0}\n{deep}{{\"updates\":7}}\n{DELTA}\n").into_bytes(), None),
        ("another hello", format!("{HELLO}\n{HELLO}\n{DELTA}\n").into_bytes(), None),
    ];
    for (what, bytes, problem) in table {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let peer = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.write_all(&bytes).await;
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            }
        });
        let mut boat = boat(Upstream::new(&url));
        match problem {
            Some(text) => {
                let report = boat.until(0, what, |r| r.problem.is_some()).await;
                let found = report.problem.unwrap().text;
                assert!(found.contains(text), "{what}: {found}");
            }
            None => assert_eq!(boat.temperatures(1).await, [100], "{what}"),
        }
        boat.stop().await;
        peer.abort();
    }
}

/// A WebSocket server that greets and then does as told.
async fn web_socket_peer<F: Future<Output = ()>>(
    act: impl FnOnce(tokio_tungstenite::WebSocketStream<TcpStream>) -> F,
    listener: TcpListener,
) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    socket.send(Message::text(HELLO)).await.unwrap();
    act(socket).await;
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The peer takes one connection: the next try would be refused, and that is not what is looked at here.
    let upstream = Upstream::new(format!("ws://{}", listener.local_addr().unwrap()));
    let boat = boat_with(upstream, |timing| {
        timing.backoff_first = Duration::from_secs(60);
        timing.backoff_max_remote = Duration::from_secs(60);
    });
    let peer = tokio::spawn(web_socket_peer(
        |mut socket| async move {
            let _ = socket.send(Message::text("x".repeat(2 << 20))).await;
            while let Some(Ok(_)) = socket.next().await {}
        },
        listener,
    ));
    let report = boat.until(0, "too long", |r| r.problem.as_ref().is_some_and(|p| p.why == Why::Malformed)).await;
    let text = report.problem.unwrap().text;
    assert!(text.contains("a message of") && text.contains("1048576 are taken"), "{text}");
    boat.stop().await;
    peer.abort();
}

#[tokio::test]
async fn a_peer_that_gives_no_sign_of_life_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(format!("ws://{}", listener.local_addr().unwrap()));
    let boat = boat_with(upstream, |timing| timing.silence = Duration::from_millis(200));
    // It holds the connection, and never reads the pings.
    let peer = tokio::spawn(web_socket_peer(
        |socket| async move {
            std::future::pending::<()>().await;
            drop(socket);
        },
        listener,
    ));
    let report = boat.until(0, "silent", |r| r.problem.as_ref().is_some_and(|p| p.why == Why::Silent)).await;
    assert!(report.problem.unwrap().text.contains("no sign of life"));
    boat.stop().await;
    peer.abort();
}

#[tokio::test]
async fn what_is_no_web_socket_says_so() {
    let table = [
        ("ws", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "turned away with HTTP status 404"),
        ("ws", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "add ?token="),
        ("ws", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "what answers is no WebSocket"),
        ("wss", "HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS (is ws:// meant?)"),
        ("http", "HTTP/1.1 200 OK\r\n\r\n<html>", "the answer names no stream"),
    ];
    for (scheme, answer, expected) in table {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let peer = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let boat = boat(Upstream::new(format!("{url}?token=secret")));
        let report = boat.until(0, expected, |r| r.problem.is_some()).await;
        let text = report.problem.unwrap().text;
        assert!(text.contains(expected) && !text.contains("secret"), "{text}");
        boat.stop().await;
        peer.abort();
    }
}

#[tokio::test]
async fn a_certificate_of_its_own_is_good_when_it_is_the_configured_one() {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    let make = || rcgen::generate_simple_self_signed(vec!["boat.local".to_owned()]).unwrap();
    let (ours, another) = (make(), make());
    let key = PrivateKeyDer::try_from(ours.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![ours.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let _ = socket.send(Message::text(HELLO)).await;
            let _ = socket.send(Message::text(DELTA)).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    });

    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let table = [
        (file("ours.pem", &ours.cert.pem()), None),
        (None, Some("no public authority vouches for its certificate (if it is a server of your own,")),
        (file("another.pem", &another.cert.pem()), Some("its certificate is not the one in the configuration")),
        (file("empty.pem", "nothing"), Some("no certificate in PEM")),
        (Some(dir.path().join("missing.pem")), Some("missing.pem: not found")),
    ];
    for (certificate, problem) in table {
        let mut boat = boat_with(Upstream { certificate, ..Upstream::new(&url) }, |timing| {
            timing.connect = Duration::from_secs(5);
        });
        match problem {
            None => assert_eq!(boat.temperatures(1).await, [100]),
            Some(expected) => {
                let report = boat.until(0, expected, |r| r.problem.is_some()).await;
                let text = report.problem.unwrap().text;
                assert!(text.contains(expected), "{text}");
            }
        }
        boat.stop().await;
    }
    peer.abort();
}
