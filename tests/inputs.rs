//! Inputs over real sockets and files: bytes in, batches out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod aboard;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use aboard::{Boat, DEADLINE, file, mtw, sentence, tcp, temperatures_of};
use taffrail::clock::{Clock as _, SystemClock};
use taffrail::config::{Format, InputKind};
use taffrail::input::DemoBoat;
use taffrail::input::ended::Why;
use taffrail::input::status::State;
use taffrail::kernel::id::Origin;
use taffrail::kernel::time::Timestamp;
use taffrail::kernel::update::{Context, Source, Update};
use taffrail::nmea0183::{Decoder, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{Instant, timeout};

fn listener() -> (InputKind, Format) {
    (InputKind::TcpListen { address: "127.0.0.1:0".parse().unwrap() }, Format::Nmea0183)
}

fn udp() -> (InputKind, Format) {
    (InputKind::Udp { address: "127.0.0.1:0".parse().unwrap() }, Format::Nmea0183)
}

fn recording(content: impl AsRef<[u8]>) -> tempfile::TempPath {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    file.into_temp_path()
}

#[tokio::test]
async fn a_tcp_client_comes_back_after_the_server_restarts() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let mut boat = Boat::start(&[tcp(address)], |_| {});

    let (mut peer, _) = server.accept().await.unwrap();
    peer.write_all(mtw(101).as_bytes()).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [101]);
    peer.write_all(&mtw(102).as_bytes()[..9]).await.unwrap();
    drop((peer, server));
    let report = boat.until(0, "nobody there", |r| r.problem.as_ref().is_some_and(|p| p.why == Why::Refused)).await;
    let problem = report.problem.unwrap().text;
    assert!(problem.starts_with(&format!("connect to tcp {address}: connection refused (")), "{problem}");

    let server = TcpListener::bind(address).await.unwrap();
    let (mut peer, _) = server.accept().await.unwrap();
    peer.write_all(mtw(103).as_bytes()).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [103], "the half sentence is gone, the next one is whole");
    assert_eq!(boat.report(0).reconnects, 1);
    boat.stop().await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_says_so() {
    let boat = Boat::start(&[tcp("no-such-boat.invalid:10110")], |_| {});
    let report = boat.until(0, "a problem", |r| r.problem.is_some()).await;
    let problem = report.problem.unwrap();
    assert_eq!(problem.why, Why::NotFound, "{}", problem.text);
    assert!(problem.text.starts_with("connect to tcp no-such-boat.invalid:10110: no such host"), "{}", problem.text);
    boat.stop().await;
}

#[tokio::test]
async fn a_listeners_clients_do_not_mix_and_do_not_hurt_each_other() {
    let mut boat = Boat::start(&[listener()], |_| {});
    let address = boat.until_running(0).await;
    let mut one = TcpStream::connect(&address).await.unwrap();
    let mut two = TcpStream::connect(&address).await.unwrap();
    let (first, second) = (mtw(111), mtw(222));
    one.write_all(&first.as_bytes()[..8]).await.unwrap();
    boat.until(0, "eight bytes", |r| r.counters.bytes == 8).await;
    two.write_all(second.as_bytes()).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [222]);
    one.write_all(&first.as_bytes()[8..]).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [111]);

    two.write_all(b"$IIMTW,\xff\xfe").await.unwrap();
    drop(two);
    one.write_all(mtw(112).as_bytes()).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [112]);
    assert!(boat.report(0).problem.is_none(), "clients come and go");
    boat.stop().await;
    let mut end = [0; 1];
    assert_eq!(timeout(DEADLINE, one.read(&mut end)).await.unwrap().unwrap(), 0, "stopping closes the clients");
}

#[tokio::test]
async fn a_client_too_many_is_turned_away() {
    let mut boat = Boat::start(&[listener()], |_| {});
    let address = boat.until_running(0).await;
    let mut clients = Vec::new();
    for n in 0..16 {
        let mut client = TcpStream::connect(&address).await.unwrap();
        client.write_all(mtw(n).as_bytes()).await.unwrap();
        clients.push(client);
    }
    boat.temperatures(16).await;
    let mut late = TcpStream::connect(&address).await.unwrap();
    let end = timeout(DEADLINE, late.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "closed");
    assert_eq!(boat.report(0).turned_away, 1);

    drop(clients.pop());
    boat.stop().await;
}

#[tokio::test]
async fn datagrams_of_sentences_and_of_junk() {
    let mut boat = Boat::start(&[udp()], |_| {});
    let address = boat.until_running(0).await;
    let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    sender.send_to(&[0, 255, 1, 254, b'$', 7], &address).await.unwrap();
    sender.send_to(&[], &address).await.unwrap();
    // The end of a datagram is the end of a line.
    sender.send_to(mtw(131).trim_end().as_bytes(), &address).await.unwrap();
    sender.send_to(format!("{}{}", mtw(132), mtw(133)).as_bytes(), &address).await.unwrap();
    // Half a sentence does not wait for another half.
    sender.send_to(&mtw(134).as_bytes()[..9], &address).await.unwrap();
    sender.send_to(mtw(135).as_bytes(), &address).await.unwrap();
    assert_eq!(boat.temperatures(4).await, [131, 132, 133, 135]);
    assert!(boat.report(0).counters.noise_bytes >= 6, "{:?}", boat.report(0).counters);
    boat.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_and_taken_when_free() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut boat = Boat::start(&[(InputKind::Udp { address }, Format::Nmea0183)], |_| {});
    let report = boat.until(0, "a problem", |r| r.problem.is_some()).await;
    let problem = report.problem.unwrap();
    assert_eq!(problem.why, Why::Busy);
    assert!(problem.text.starts_with(&format!("listen on udp {address}: in use")), "{}", problem.text);
    drop(taken);
    boat.until_running(0).await;
    UdpSocket::bind("127.0.0.1:0").await.unwrap().send_to(mtw(77).as_bytes(), address).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [77]);
    boat.stop().await;
}

#[tokio::test]
async fn a_binary_file_is_noise_and_the_next_sentence_is_understood() {
    let mut content = aboard::binary_file();
    content.extend_from_slice(mtw(141).as_bytes());
    // The last line of a recording often has no end.
    content.extend_from_slice(mtw(142).trim_end().as_bytes());
    let path = recording(&content);
    let mut boat = Boat::start(&[file(&path, None, false)], |_| {});
    assert_eq!(boat.temperatures(2).await, [141, 142]);
    let report = boat.until(0, "the end", |r| r.state == State::Ended).await;
    assert_eq!(report.counters.bytes, content.len() as u64);
    assert_eq!(report.counters.understood, 2);
    assert!(report.counters.noise_bytes > 150_000, "{:?}", report.counters);
    assert_eq!(report.problem, None, "an end of file is no problem");
    boat.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_recording_keeps_its_time() {
    let log = |time: &str| format!("{time};A;{}", mtw(150));
    let path = recording([log("1404122400000"), log("1404122401500"), log("1404122404500")].concat());
    for rate in [1.0, 2.0] {
        let mut boat = Boat::start(&[file(&path, Some(rate), false)], |_| {});
        let began = Instant::now();
        let mut offsets = Vec::new();
        for _ in 0..3 {
            let batch = boat.batch().await;
            let expected =
                ["2014-06-30T10:00:00Z", "2014-06-30T10:00:01.500Z", "2014-06-30T10:00:04.500Z"][offsets.len()];
            assert_eq!(batch.updates[0].timestamp, Timestamp::parse(expected));
            offsets.push(began.elapsed().as_secs_f64() * rate);
        }
        for (offset, expected) in offsets.iter().zip([0.0, 1.5, 4.5]) {
            assert!((offset - expected).abs() < 0.05, "{offsets:?} at rate {rate}");
        }
        boat.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_without_times_takes_a_tenth_of_a_second_a_line() {
    let path = recording((0..50).map(mtw).collect::<String>());
    let mut boat = Boat::start(&[file(&path, Some(1.0), false)], |_| {});
    let began = Instant::now();
    assert_eq!(boat.temperatures(50).await, (0..50).collect::<Vec<_>>());
    let took = began.elapsed().as_secs_f64();
    assert!((4.9..5.2).contains(&took), "{took} s");
    boat.stop().await;
}

#[tokio::test]
async fn a_recording_repeats_and_an_empty_one_does_not() {
    let path = recording(mtw(160));
    let empty = recording("");
    let mut boat = Boat::start(&[file(&path, None, true), file(&empty, None, true)], |_| {});
    assert_eq!(boat.temperatures(3).await, [160; 3]);
    boat.until(1, "the end", |r| r.state == State::Ended).await;
    boat.stop().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passage.log");
    let mut boat = Boat::start(&[file(&path, None, false)], |_| {});
    let report = boat.until(0, "a problem", |r| r.problem.is_some()).await;
    let text = report.problem.unwrap().text;
    assert!(text.starts_with(&format!("open file {}: not found (", path.display())), "{text}");
    std::fs::write(&path, mtw(170)).unwrap();
    assert_eq!(boat.temperatures(1).await, [170]);
    boat.stop().await;
}

#[tokio::test]
async fn a_directory_is_no_recording() {
    let boat = Boat::start(&[file(Path::new("/tmp"), None, false)], |_| {});
    let report = boat.until(0, "the end", |r| r.state == State::Ended).await;
    assert!(report.problem.unwrap().text.starts_with("open file /tmp: not a file"));
    boat.stop().await;
}

#[tokio::test]
async fn a_hub_that_stands_still_makes_tcp_wait_and_loses_nothing() {
    const SENTENCES: usize = 60_000;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut boat = Boat::start_with_inbox(1, &[tcp(server.local_addr().unwrap())], |_| {});
    let (mut peer, _) = server.accept().await.unwrap();
    socket2::SockRef::from(&peer).set_send_buffer_size(8 * 1024).unwrap();
    let writer = tokio::spawn(async move {
        peer.write_all(mtw(180).repeat(SENTENCES).as_bytes()).await.unwrap();
    });
    // It has stopped reading when its count of bytes stands still with the inbox full.
    let mut before = u64::MAX;
    boat.until(0, "a stalled input", |_| boat.inbox.len() == 1).await;
    while before != boat.report(0).counters.bytes {
        before = boat.report(0).counters.bytes;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(before < (SENTENCES * mtw(180).len()) as u64 / 2, "{before} bytes were read");
    assert!(!writer.is_finished(), "the other side waits too");

    assert_eq!(boat.temperatures(SENTENCES).await.len(), SENTENCES);
    writer.await.unwrap();
    assert_eq!(boat.report(0).dropped_updates, 0);
    boat.stop().await;
}

#[tokio::test]
async fn a_hub_that_stands_still_makes_udp_drop_and_count() {
    let mut boat = Boat::start_with_inbox(1, &[udp()], |_| {});
    let address = boat.until_running(0).await;
    let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in 0..10 {
        sender.send_to(mtw(n).as_bytes(), &address).await.unwrap();
        boat.until(0, "counted", |r| r.counters.understood == n as u64 + 1).await;
    }
    let kept = temperatures_of(&boat.batch().await);
    assert_eq!(kept, [0]);
    boat.until(0, "nine dropped", |r| r.dropped_updates == 9).await;
    boat.stop().await;
}

#[tokio::test]
async fn a_panic_ends_one_connection_and_nothing_else() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sure = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fragile = (InputKind::Tcp { address: server.local_addr().unwrap().to_string() }, Format::SignalK);
    let mut boat = Boat::start(&[fragile, tcp(sure.local_addr().unwrap())], |wiring| {
        wiring.delta = |text, _, _, out| {
            assert!(!text.contains("boom"), "a defect for the test");
            out.push(Update::new(Context::Own, Source::Ref("test".into()), 0));
            0
        };
    });
    let (mut other, _) = sure.accept().await.unwrap();
    let (mut peer, _) = server.accept().await.unwrap();
    peer.write_all(b"{\"boom\":1}\n").await.unwrap();
    let (mut again, _) = timeout(DEADLINE, server.accept()).await.expect("another attempt").unwrap();
    let problem = boat.report(0).problem.unwrap();
    assert_eq!(problem.why, Why::Panicked);
    assert!(problem.text.contains("a defect for the test"), "{}", problem.text);
    again.write_all(b"{\"fine\":1}\n").await.unwrap();
    let batch = boat.batch().await;
    assert_eq!((&*batch.input, batch.origin, batch.updates.len()), ("in0", Origin(1), 1));
    other.write_all(mtw(190).as_bytes()).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [190]);
    boat.stop().await;
}

#[tokio::test]
async fn junk_on_tcp_is_reported_and_reading_goes_on() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut boat = Boat::start(&[tcp(server.local_addr().unwrap())], |_| {});
    let (mut peer, _) = server.accept().await.unwrap();
    peer.write_all("HTTP/1.1 400 Bad Request\r\n".repeat(400).as_bytes()).await.unwrap();
    let report = boat.until(0, "a problem", |r| r.problem.is_some()).await;
    let problem = report.problem.unwrap();
    assert_eq!(problem.why, Why::Malformed);
    assert!(problem.text.contains("is this the right port"), "{}", problem.text);
    peer.write_all(mtw(200).as_bytes()).await.unwrap();
    assert_eq!(boat.temperatures(1).await, [200]);
    boat.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_demo_boat_sails_at_its_rate() {
    /// Says its time once a second.
    struct Clockwork {
        now_ms: u64,
    }
    impl DemoBoat for Clockwork {
        fn advance_to(&mut self, ms: u64, out: &mut Vec<u8>) {
            while self.next_due() <= ms {
                self.now_ms = self.next_due();
                out.extend_from_slice(mtw((self.now_ms / 1000) as i64).as_bytes());
            }
        }
        fn next_due(&self) -> u64 {
            self.now_ms + 1000
        }
    }
    let demo = (InputKind::Demo { seed: 1, rate: 10.0 }, Format::Nmea0183);
    let mut boat = Boat::start(&[demo], |wiring| wiring.demo = Some(|_, _| Box::new(Clockwork { now_ms: 0 })));
    let began = Instant::now();
    assert_eq!(boat.temperatures(50).await, (1..=50).collect::<Vec<_>>());
    let took = began.elapsed().as_secs_f64();
    assert!((4.9..5.2).contains(&took), "50 s at ten times the speed took {took} s");
    boat.stop().await;
}

#[tokio::test]
async fn everything_stops_at_once_whatever_it_waits_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let recorded = recording(sentence("IIMTW,1.0,C").repeat(100));
    let kinds = [
        listener(),
        udp(),
        tcp(silent.local_addr().unwrap()),
        tcp("127.0.0.1:1"),
        file(&recorded, Some(0.001), true),
        file(&recorded, None, true),
        aboard::serial(Path::new("/dev/no-such-port"), Some(4800)),
    ];
    let boat = Boat::start_with_inbox(1, &kinds, |wiring| {
        wiring.timing.backoff_first = Duration::from_secs(3600);
        wiring.timing.backoff_max_local = Duration::from_secs(3600);
        wiring.timing.backoff_max_remote = Duration::from_secs(3600);
    });
    for index in [0, 1, 2, 4, 5] {
        boat.until_running(index).await;
    }
    for index in [3, 6] {
        boat.until(index, "waiting", |r| matches!(r.state, State::Waiting { .. })).await;
    }
    boat.stop().await;
}

/// Set for the process that [`standard_input_is_read_to_its_end`] starts.
const CHILD: &str = "TAFFRAIL_TEST_CHILD";

#[tokio::test]
#[ignore = "the other half of `standard_input_is_read_to_its_end`"]
async fn child_of_standard_input() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut boat = Boat::start(&[(InputKind::Stdin, Format::Nmea0183)], |_| {});
    println!("heard {:?}", boat.temperatures(3).await);
    let report = boat.until(0, "the end", |r| r.state == State::Ended).await;
    println!("noise {}, problem {:?}", report.counters.noise_bytes, report.problem);
    boat.stop().await;
}

#[test]
fn standard_input_is_read_to_its_end() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_of_standard_input", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(mtw(211).as_bytes()).unwrap();
    pipe.write_all(&aboard::binary_file()).unwrap();
    pipe.write_all(format!("{}{}", mtw(212), mtw(213).trim_end()).as_bytes()).unwrap();
    drop(pipe);
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(output.contains("heard [211, 212, 213]\n"), "{output}");
    let noise = output.split("noise ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    assert!(noise.parse::<u64>().is_ok_and(|bytes| bytes > 150_000), "{output}");
    assert!(output.contains("problem None"), "{output}");
}

#[tokio::test]
async fn recordings_are_heard_in_full() {
    let corpus = std::env::var_os("TAFFRAIL_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), Into::into);
    let Ok(logs) = std::fs::read_dir(corpus.join("logs")) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let logs: Vec<_> = logs.map(|log| log.unwrap().path()).filter(|p| p.to_string_lossy().contains("/0183-")).collect();
    assert!(!logs.is_empty());
    for path in logs {
        let mut boat = Boat::start_with_inbox(1, &[file(&path, None, false)], |_| {});
        let mut heard = Vec::new();
        let ended = async {
            loop {
                tokio::select! {
                    Some(batch) = boat.inbox.recv() => heard.extend(batch.updates),
                    () = tokio::time::sleep(Duration::from_millis(5)) => {
                        if boat.report(0).state == State::Ended {
                            break;
                        }
                    }
                }
            }
        };
        timeout(DEADLINE, ended).await.unwrap();
        // The last batch may still wait when the end is reported.
        while let Ok(batch) = boat.inbox.try_recv() {
            heard.extend(batch.updates);
        }
        let content = std::fs::read(&path).unwrap();
        let mut decoder = Decoder::new(Options { vdo_is_own: true, ..Options::default() });
        let mut direct = Vec::new();
        decoder.feed(&content, SystemClock::new().now(), &mut direct);
        decoder.finish(SystemClock::new().now(), &mut direct);
        assert_eq!(&boat.report(0).counters, decoder.counters(), "{}", path.display());
        assert_eq!(heard.len(), direct.len(), "{}", path.display());
        boat.stop().await;
    }
}
