//! Where a service can be reached: it is announced on these interfaces, with these addresses, and nowhere else.

use std::net::IpAddr;

/// From where one service can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The address that it listens on.
    pub bound: IpAddr,
    /// The interfaces that the configuration chose; empty for all but loopback.
    pub chosen: Vec<String>,
}

impl Reach {
    /// Whether the service can be reached by `ip` of the interface `name`, and is to be announced there.
    pub fn by(&self, name: &str, ip: IpAddr, is_loopback: bool) -> bool {
        let is_meant =
            if self.chosen.is_empty() { !is_loopback } else { self.chosen.iter().any(|chosen| chosen == name) };
        let listens = match self.bound {
            IpAddr::V4(bound) if bound.is_unspecified() => ip.is_ipv4(),
            // Takes connections to IPv4 addresses too (`net.ipv6.bindv6only` is 0 unless somebody changed it).
            IpAddr::V6(bound) if bound.is_unspecified() => true,
            bound => ip.to_canonical() == bound.to_canonical(),
        };
        is_meant && listens
    }

    /// Whether no interface at all is meant: bound to loopback, and loopback was not chosen.
    pub fn is_nowhere(&self) -> bool {
        self.chosen.is_empty() && self.bound.to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_announced_where_it_can_be_reached() {
        let table: [(&str, &[&str], &str, &str, bool); 13] = [
            // bound, chosen, interface, its address, announced there
            ("0.0.0.0", &[], "eth0", "10.0.0.2", true),
            ("0.0.0.0", &[], "eth0", "fe80::1", false),
            ("0.0.0.0", &[], "lo", "127.0.0.1", false),
            ("0.0.0.0", &["lo"], "lo", "127.0.0.1", true),
            ("0.0.0.0", &["wlan0"], "eth0", "10.0.0.2", false),
            ("0.0.0.0", &["wlan0", "eth0"], "eth0", "10.0.0.2", true),
            ("::", &[], "eth0", "10.0.0.2", true),
            ("::", &[], "eth0", "fe80::1", true),
            ("10.0.0.2", &[], "eth0", "10.0.0.2", true),
            ("10.0.0.2", &[], "wlan0", "10.0.1.2", false),
            ("127.0.0.1", &[], "eth0", "10.0.0.2", false),
            ("127.0.0.1", &["eth0"], "eth0", "10.0.0.2", false),
            ("127.0.0.1", &["lo"], "lo", "127.0.0.1", true),
        ];
        for (bound, chosen, name, ip, expected) in table {
            let chosen = chosen.iter().map(ToString::to_string).collect();
            let reach = Reach { bound: bound.parse().unwrap(), chosen };
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(reach.by(name, ip, ip.is_loopback()), expected, "{reach:?} {name} {ip}");
        }
    }
}
