//! Servers that read from each other, in pairs and in rings: nothing goes round, and nobody hears itself.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::ship::{Ship, free, reads, sources, until};

/// How long servers are watched where nothing may happen any more.
const WATCHED: Duration = Duration::from_millis(300);

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
