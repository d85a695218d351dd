//! Announcement on the network, with real packets: each test runs itself again in a network namespace of its own, where
//! there is nothing but loopback and what the test adds. Without the right to make one it only says so.
#![cfg(feature = "dns-sd")]
// clippy knows only the functions marked #[test] as tests.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use mdns_sd::{IfKind, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use socket2::{Domain, Protocol, Socket, Type};
use taffrail::app::Server;
use taffrail::clock::SystemClock;
use taffrail::config::{Config, Sources};
use taffrail::dns_sd::discover::{Seen, browse};
use tokio::time::{Instant, timeout, timeout_at};

/// Set where the namespace has been made.
const INSIDE: &str = "DNS_SD_TEST_NETWORK";
/// Everything must have come by then; the responder looks for new addresses every 5 seconds.
const PATIENCE: Duration = Duration::from_secs(25);
const BOAT: &str = "[vessel]\nname = \"Wild Rose\"\nmmsi = \"230099999\"\n";
const GROUP: (Ipv4Addr, u16) = (Ipv4Addr::new(224, 0, 0, 251), 5353);

#[test]
fn what_listens_is_seen_with_its_txt_and_withdrawn_at_the_end() {
    in_a_network_of_its_own("what_listens_is_seen_with_its_txt_and_withdrawn_at_the_end", || async {
        let boat = Boat::start(&format!("mdns_interfaces = [\"lo\"]\ntcp = \"0.0.0.0:0\"\n{BOAT}")).await;
        let (http, tcp) = (boat.server.http.port(), boat.server.tcp.unwrap().port());
        let looking = looking_on_loopback();
        let services = [("_http", http), ("_signalk-http", http), ("_signalk-ws", http), ("_signalk-tcp", tcp)].map(
            |(name, port)| {
                let kind = format!("{name}._tcp.local.");
                (looking.browse(&kind).unwrap(), kind, port)
            },
        );
        for (events, kind, port) in &services {
            let service = resolved(events).await;
            assert_eq!(service.fullname, format!("Wild Rose.{kind}"));
            assert_eq!(service.port, *port, "{kind}");
            assert_eq!(service.get_addresses_v4().into_iter().collect::<Vec<_>>(), [Ipv4Addr::LOCALHOST], "{kind}");
            let txt: BTreeMap<&str, &str> = service.txt_properties.iter().map(|p| (p.key(), p.val_str())).collect();
            let expected = BTreeMap::from([
                ("txtvers", "1"),
                ("roles", "master,main"),
                ("self", "vessels.urn:mrn:imo:mmsi:230099999"),
                ("swname", "taffrail"),
                ("swvers", "2.24.0"),
                ("vname", "Wild Rose"),
                ("vmmsi", "230099999"),
            ]);
            assert_eq!(txt, expected, "{kind}");
        }
        // What is announced leads to the API (MDNS-11).
        let body = get(SocketAddr::from((Ipv4Addr::LOCALHOST, http)), "/signalk").await;
        assert!(body.contains("\"signalk-ws\""), "{body}");

        let output = taffrail(&["discover", "--seconds", "2", "--interface", "lo"]);
        let row = output.lines().nth(1).unwrap_or_default();
        let columns = format!("Wild Rose  127.0.0.1  http {http}, tcp {tcp}, ws {http}  Wild Rose  taffrail");
        assert_eq!(row, columns, "{output}");

        let begun = Instant::now();
        boat.server.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        for (events, kind, _) in &services {
            let removed =
                async { while !matches!(events.recv_async().await.unwrap(), ServiceEvent::ServiceRemoved(..)) {} };
            timeout(PATIENCE, removed).await.unwrap_or_else(|_| panic!("{kind} is still there"));
        }
        looking.shutdown().unwrap().recv_async().await.unwrap();
    });
}

#[test]
fn no_responder_outlives_its_use() {
    in_a_network_of_its_own("no_responder_outlives_its_use", || async {
        let boat = Boat::start("mdns_interfaces = [\"lo\"]").await;
        until_seen("lo", |_| true).await;
        assert!(responders() >= 1, "their threads are not recognized");
        boat.server.stop().await;
        let deadline = Instant::now() + PATIENCE;
        while responders() > 0 {
            assert!(Instant::now() < deadline, "{} threads are left", responders());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

#[test]
fn a_network_that_comes_late_and_changes_is_followed() {
    in_a_network_of_its_own("a_network_that_comes_late_and_changes_is_followed", || async {
        let _boat = Boat::start("tcp = \"off\"").await;
        // A pair of interfaces with a cable between them.
        ip("link add boat0 type veth peer name shore0");
        ip("link set shore0 up");
        ip("link set boat0 up");
        let is_at =
            |address: &'static str| move |seen: &Seen| seen.addresses == [address.parse::<std::net::IpAddr>().unwrap()];
        ip("address add 10.77.0.1/24 dev boat0");
        let seen = until_seen("boat0", is_at("10.77.0.1")).await;
        assert_eq!(seen.ports.keys().copied().collect::<Vec<_>>(), ["http", "ws"]);
        ip("address delete 10.77.0.1/24 dev boat0");
        ip("address add 10.77.0.9/24 dev boat0");
        until_seen("boat0", is_at("10.77.0.9")).await;
    });
}

#[test]
fn a_port_that_is_taken_is_tried_again_and_one_that_is_shared_is_shared() {
    in_a_network_of_its_own("a_port_that_is_taken_is_tried_again_and_one_that_is_shared_is_shared", || async {
        let selfish = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, GROUP.1)).unwrap();
        let boat = Boat::start("mdns_interfaces = [\"lo\"]").await;
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, boat.server.http.port()));
        assert!(get(http, "/signalk").await.contains("endpoints"));
        assert!(browse(Duration::from_secs(1), &["lo".to_owned()]).await.is_err(), "the port is not taken at all");
        drop(selfish);
        // As other responders hold it.
        let _shared = shared_port();
        until_seen("lo", |_| true).await;
        boat.server.stop().await;
    });
}

#[test]
fn a_server_for_this_computer_alone_opens_no_socket() {
    in_a_network_of_its_own("a_server_for_this_computer_alone_opens_no_socket", || async {
        let boat = Boat::start_at("127.0.0.1:0", "tcp = \"127.0.0.1:0\"").await;
        get(boat.server.http, "/signalk").await;
        // By the time it has stopped it has done all that it ever does.
        boat.server.stop().await;
        let udp = || std::fs::read_to_string("/proc/self/net/udp").unwrap();
        assert!(!udp().contains(":14E9 "), "{}", udp());
        let _shared = shared_port();
        assert!(udp().contains(":14E9 "), "this would not show an open port: {}", udp());
    });
}

#[test]
fn two_boats_of_one_name_are_both_seen() {
    in_a_network_of_its_own("two_boats_of_one_name_are_both_seen", || async {
        let text = "mdns_interfaces = [\"lo\"]\n[vessel]\nname = \"Wild Rose\"\n";
        let boats = [Boat::start(text).await, Boat::start(text).await];
        let port = |boat: &Boat| boat.server.http.port();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = browse(Duration::from_secs(2), &["lo".to_owned()]).await.unwrap();
            // Which of the two keeps its name is chance; http and ws may differ in that when both start together.
            let is_seen = |service: &str| {
                let name = |port| seen.iter().find(|seen| seen.ports.get(service) == Some(&port)).map(|s| &s.instance);
                let mut names = boats.each_ref().map(|boat| name(port(boat)));
                names.sort();
                names == [Some(&"Wild Rose".to_owned()), Some(&"Wild Rose (2)".to_owned())]
            };
            if is_seen("http") && is_seen("ws") {
                return;
            }
            assert!(Instant::now() < deadline, "only {seen:?}");
        }
    });
}

#[test]
fn hostile_packets_and_names_harm_nothing() {
    in_a_network_of_its_own("hostile_packets_and_names_harm_nothing", || async {
        let boat = Boat::start("mdns_interfaces = [\"lo\"]").await;
        until_seen("lo", |_| true).await;
        let sender = shared_port();
        sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        for packet in hostile_packets() {
            // Some are longer than the interface takes at once.
            let _ = sender.send_to(&packet, &SocketAddr::from(GROUP).into());
        }
        let rude = looking_on_loopback();
        for name in ["\u{1b}[2J\u{202e}", &"x".repeat(63), "a\\.b..c", "\u{0}"] {
            let host = "rude.local.";
            let info = ServiceInfo::new(
                "_signalk-http._tcp.local.",
                name,
                host,
                "127.0.0.1",
                1,
                &[("vname", "\u{1b}]0;x\u{7}")][..],
            );
            let mut info = info.unwrap();
            info.set_requires_probe(false);
            rude.register(info).unwrap();
        }
        until_seen("lo", |seen| seen.instance.starts_with('\u{1b}')).await;
        until_seen("lo", |seen| seen.instance == "taffrail").await;
        let output = taffrail(&["discover", "--seconds", "3", "--interface", "lo"]);
        assert!(output.contains("taffrail") && output.contains("?[2J"), "{output}");
        assert!(!output.contains(|c: char| c.is_control() && c != '\n'), "{output:?}");
        assert!(get(SocketAddr::from((Ipv4Addr::LOCALHOST, boat.server.http.port())), "/signalk").await.contains("v1"));
        boat.server.stop().await;
    });
}

/// A server on ports of the system's choice, with its state in a directory of its own.
struct Boat {
    server: Server,
    _state: tempfile::TempDir,
}

impl Boat {
    async fn start(more: &str) -> Self {
        Self::start_at("0.0.0.0:0", more).await
    }

    /// `more` goes on inside `[server]`.
    async fn start_at(http: &str, more: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let tcp = if more.contains("tcp =") { "" } else { "tcp = \"off\"\n" };
        let text = format!("[server]\nhttp = \"{http}\"\nstate_dir = '{}'\n{tcp}{more}", state.path().display());
        let loaded = Config::load(&Sources { file: Some(("boat.toml", &text)), ..Sources::default() });
        let config = loaded.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let server = Server::start(&config, Arc::new(SystemClock::new())).await.unwrap();
        Self { server, _state: state }
    }
}

/// Runs `test` in a process with a network of its own: this test again, by its name.
fn in_a_network_of_its_own<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F) {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
        runtime.shutdown_background();
        return;
    }
    let ways: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).args(["ip", "link", "set", "lo", "up"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else {
        println!("skipped: no right to make a network namespace (unshare --net)");
        return;
    };
    let me = std::env::current_exe().unwrap();
    let again =
        Command::new("unshare").args(*way).arg(me).args(["--exact", name, "--nocapture"]).env(INSIDE, "1").output();
    let output = again.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn taffrail(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_taffrail")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Threads of responders in this process.
fn responders() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|name| name.trim() == "mDNS_daemon").count()
}

/// Somebody else's responder.
fn looking_on_loopback() -> ServiceDaemon {
    let looking = ServiceDaemon::new().unwrap();
    looking.disable_interface(IfKind::All).unwrap();
    looking.enable_interface("lo").unwrap();
    looking
}

async fn resolved(events: &mdns_sd::Receiver<ServiceEvent>) -> ResolvedService {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let event = timeout_at(deadline, events.recv_async()).await.expect("nothing was seen in time");
        if let ServiceEvent::ServiceResolved(service) = event.unwrap() {
            return *service;
        }
    }
}

/// Looks on `interface` until there is a server of which `is_meant` holds.
async fn until_seen(interface: &str, is_meant: impl Fn(&Seen) -> bool) -> Seen {
    let deadline = Instant::now() + PATIENCE;
    let mut last = Vec::new();
    while Instant::now() < deadline {
        last = browse(Duration::from_secs(1), &[interface.to_owned()]).await.unwrap();
        if let Some(seen) = last.iter().find(|seen| is_meant(seen)) {
            return seen.clone();
        }
    }
    panic!("not seen on {interface}, only {last:?}");
}

/// The port as responders hold it beside each other.
fn shared_port() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, GROUP.1)).into()).unwrap();
    socket
}

/// Nothing, headers that promise too much, names that lead to themselves or never end, and noise.
fn hostile_packets() -> Vec<Vec<u8>> {
    let header = |response: bool, counts: [u16; 4]| {
        let mut packet = vec![0, 0, if response { 0x84 } else { 0 }, 0];
        packet.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
        packet
    };
    let mut packets = vec![vec![], vec![0], vec![0xff; 12], vec![0xff; 1400], header(true, [u16::MAX; 4])];
    for response in [false, true] {
        for name in [&[0xc0, 12][..], &[0xc0, 13, 0], &[0xff, 0xff], &[63, 1], &[0x80, 0], &[1, 0xff, 0xc0, 12]] {
            let mut packet = header(response, [1, 1, 1, 1]);
            packet.extend_from_slice(name);
            packet.extend([0, 12, 0, 1, 0, 0, 0, 120, 0xff, 0xff]);
            packets.push(packet);
        }
        let mut endless = header(response, [1, 1, 0, 0]);
        for _ in 0..130 {
            endless.extend([63]);
            endless.extend([b'x'; 63]);
        }
        packets.push(endless);
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for length in 0..400 {
        let mut packet = header(length % 2 == 0, [1, 2, 1, 1]);
        for _ in 0..length {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            packet.push(state as u8);
        }
        packets.push(packet);
    }
    packets
}

async fn get(address: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}
