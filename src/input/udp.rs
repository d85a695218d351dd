//! UDP: sentences in datagrams, from anybody, broadcast and multicast too. The end of a datagram ends a line, since a lost
//! datagram must not glue two halves together.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{io, mem};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use super::decoding::Decoding;
use super::ended::{Ended, Why};
use super::intake::Intake;
use crate::kernel::time::Now;

/// The largest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Senders whose groups of sentences (a long AIS message in two parts) are put together. Another one takes the place of
/// the one that has been silent for longest; what that costs is an open group.
const SENDERS_MAX: usize = 16;

/// Datagrams that become one batch, when so many are waiting.
const DATAGRAMS_AT_ONCE: usize = 64;

/// Asked of the kernel for datagrams not yet read: a second of a busy network. It may give less.
const RECEIVE_BUFFER_BYTES: usize = 256 * 1024;

/// Receives until the socket fails.
pub(super) async fn run(address: SocketAddr, intake: &Intake) -> Ended {
    let socket = match bind(address) {
        Ok(socket) => socket,
        Err(error) => {
            return Ended::io(format_args!("listen on udp {address}"), &error, |why| match why {
                Why::Busy => "choose another port, or stop the program that listens there",
                Why::Permission => "ports below 1024 belong to root: choose a higher one",
                Why::Unreachable => "this computer has no such address: 0.0.0.0 means all of them",
                _ => "",
            });
        }
    };
    let object = format!("udp {}", socket.local_addr().unwrap_or(address));
    intake.running(&object);
    match receive(&socket, &object, intake).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

enum Never {}

async fn receive(socket: &UdpSocket, object: &str, intake: &Intake) -> Result<Never, Ended> {
    let mut senders = Senders::default();
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let (mut count, mut from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // A datagram of ours that nobody wanted; it says nothing about what comes in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) => return Err(Ended::io(format_args!("receive on {object}"), &error, |_| "")),
        };
        let now = intake.now();
        let mut updates = Vec::new();
        for _ in 0..DATAGRAMS_AT_ONCE {
            let decoding = senders.decoding(from.ip(), now, intake);
            // Each datagram fills the one list, so that they become one batch.
            mem::swap(&mut decoding.updates, &mut updates);
            intake.feed(decoding, &buffer[..count], now);
            decoding.finish(now);
            mem::swap(&mut decoding.updates, &mut updates);
            intake.report(decoding, now);
            match socket.try_recv_from(&mut buffer) {
                Ok(received) => (count, from) = received,
                Err(_) => break,
            }
        }
        intake.send(updates, now).await?;
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.ip().is_multicast() {
        // Several programs may listen to one group; each gets its copy.
        socket.set_reuse_address(true)?;
    }
    // Only a wish: the kernel has its own limit.
    let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    match address.ip() {
        IpAddr::V4(group) if group.is_multicast() => socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?,
        IpAddr::V6(group) if group.is_multicast() => socket.join_multicast_v6(&group, 0)?,
        _ => {}
    }
    UdpSocket::from_std(socket.into())
}

/// A decoder for each sender. By address without port, since many programs send from a new port each time.
#[derive(Default)]
struct Senders {
    known: Vec<Sender>,
}

struct Sender {
    address: IpAddr,
    last_heard: Now,
    decoding: Decoding,
}

impl Senders {
    fn decoding(&mut self, address: IpAddr, now: Now, intake: &Intake) -> &mut Decoding {
        let index = self.known.iter().position(|s| s.address == address).unwrap_or_else(|| {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, s)| s.last_heard.mono).map(|(i, _)| i);
            if let (Some(oldest), true) = (oldest, self.known.len() >= SENDERS_MAX) {
                self.known.swap_remove(oldest);
                intake.status.turned_away();
            }
            self.known.push(Sender { address, last_heard: now, decoding: intake.decoding() });
            self.known.len() - 1
        });
        let sender = &mut self.known[index];
        sender.last_heard = now;
        &mut sender.decoding
    }
}
