//! Peers that are not what they should be: silent, talkative, of another protocol, or with a certificate of their own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use taffrail::config::{Format, InputKind, Upstream};
use taffrail::feed;
use taffrail::input::Home;
use taffrail::input::ended::Why;
use taffrail::kernel::id::{Instance, Seq};
use taffrail::kernel::world::{Setup, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::aboard::Boat;

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
