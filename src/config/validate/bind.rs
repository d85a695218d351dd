//! Nothing is opened twice: two sockets at one address, two readers of one device, two of standard input.

use std::net::SocketAddr;

use super::server::Read;
use crate::config::problem::{Problem, Problems};
use crate::config::raw::Origin;
use crate::config::{Input, InputKind};

/// What only one can have.
#[derive(Clone)]
enum Resource<'a> {
    Tcp(SocketAddr),
    Udp(SocketAddr),
    Device(&'a std::path::Path),
    Stdin,
}

impl Resource<'_> {
    fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(a), Self::Tcp(b)) | (Self::Udp(a), Self::Udp(b)) => addresses_collide(*a, *b),
            (Self::Device(a), Self::Device(b)) => a == b,
            (Self::Stdin, Self::Stdin) => true,
            _ => false,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Tcp(address) => format!("TCP {address}"),
            Self::Udp(address) => format!("UDP {address}"),
            Self::Device(device) => format!("\"{}\"", device.display()),
            Self::Stdin => "standard input".to_owned(),
        }
    }
}

/// Port 0 is a different port each time. `0.0.0.0` takes every IPv4 address, and `[::]` everything: Linux binds it for both
/// families unless told otherwise.
fn addresses_collide(a: SocketAddr, b: SocketAddr) -> bool {
    let takes_all = |wide: SocketAddr, other: SocketAddr| {
        wide.ip().is_unspecified() && (wide.is_ipv6() || other.is_ipv4() || other.ip().is_unspecified())
    };
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || takes_all(a, b) || takes_all(b, a))
}

/// Adds a problem for each that wants what an earlier one has.
pub fn refuse_shared_addresses(server: &Read, inputs: &[Input], places: &[Origin], problems: &mut Problems) {
    // A bad address was read as the default; what that collides with is nobody's mistake.
    let all_is_well = problems.is_empty();
    let meant = |(_, _, place): &(Resource<'_>, String, &Origin)| all_is_well || **place != Origin::Default;
    let http = Some((Resource::Tcp(server.server.http), "server.http".to_owned(), &server.http));
    let tcp = server.server.tcp.map(|tcp| (Resource::Tcp(tcp), "server.tcp".to_owned(), &server.tcp));
    let mut taken: Vec<(Resource<'_>, String, &Origin)> = Vec::new();
    let of_input = |(input, place)| {
        let input: &Input = input;
        let (resource, key) = match &input.kind {
            InputKind::TcpListen { address } => (Resource::Tcp(*address), "address"),
            InputKind::Udp { address } => (Resource::Udp(*address), "address"),
            InputKind::Serial { device, .. } => (Resource::Device(device), "device"),
            InputKind::Stdin => (Resource::Stdin, "type"),
            _ => return None,
        };
        Some((resource, format!("input \"{}\".{key}", input.name), place))
    };
    for wanted in http.into_iter().chain(tcp).filter(meant).chain(inputs.iter().zip(places).filter_map(of_input)) {
        let (resource, key, place) = &wanted;
        if let Some((other, owner, first)) = taken.iter().find(|(other, ..)| other.collides(resource)) {
            let found = format!("found {}", resource.name());
            let expected = format!("one that is free: {owner} has {} ({first})", other.name());
            // A default that somebody's own choice collides with is not where the mistake is.
            let (place, found) =
                if **place == Origin::Default { (*first, format!("{found} by default")) } else { (*place, found) };
            problems.push(Problem::new(place, key, &found, expected));
        }
        taken.push(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_once() {
        let cases = [
            ("0.0.0.0:1", "0.0.0.0:1", true),
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("0.0.0.0:0", "0.0.0.0:0", false),
            ("[::]:1", "127.0.0.1:1", true),
            ("[::]:1", "0.0.0.0:1", true),
            ("[::1]:1", "0.0.0.0:1", false),
            ("[::]:1", "[::1]:1", true),
        ];
        for (a, b, collide) in cases {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(addresses_collide(a, b), collide, "{a} {b}");
            assert_eq!(addresses_collide(b, a), collide, "{b} {a}");
        }
    }
}
