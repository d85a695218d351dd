//! Which Signal K servers there are on the network: what `taffrail discover` shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use futures_util::StreamExt as _;
use mdns_sd::{ResolvedService, ServiceEvent};

use super::reach::Reach;
use super::{Failure, start};

/// What Signal K servers announce: the service, and what the list calls it. The last two are the first two with TLS.
const KINDS: [(&str, &str); 5] = [
    ("_signalk-http._tcp", "http"),
    ("_signalk-ws._tcp", "ws"),
    ("_signalk-tcp._tcp", "tcp"),
    ("_signalk-https._tcp", "https"),
    ("_signalk-wss._tcp", "wss"),
];
/// Servers listed at the most; a network with more has somebody playing.
const SERVERS_MAX: usize = 64;
/// Characters of a name that are shown.
const SHOWN_CHARS_MAX: usize = 40;

/// A server that was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its own name, as it stands on the wire.
    pub instance: String,
    /// Addresses, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// Port of each service, by the list's name for it.
    pub ports: BTreeMap<&'static str, u16>,
    /// `vname`, `swname`, `self` and the like; the first that says a key counts.
    pub txt: BTreeMap<String, String>,
}

/// Listens for `window`. Without `interfaces`, on all but loopback.
///
/// # Errors
/// The port cannot be had.
pub async fn browse(window: Duration, interfaces: &[String]) -> Result<Vec<Seen>, Failure> {
    let anywhere = Reach { bound: Ipv6Addr::UNSPECIFIED.into(), chosen: interfaces.to_vec() };
    let responder = start(vec![anywhere])?;
    let mut searches = Vec::new();
    for (kind, _) in KINDS {
        searches.push(responder.browse(&format!("{kind}.local."))?.into_stream());
    }
    let mut events = futures_util::stream::select_all(searches);
    let deadline = tokio::time::Instant::now() + window;
    let mut seen = BTreeMap::new();
    while let Ok(Some(event)) = tokio::time::timeout_at(deadline, events.next()).await {
        if let ServiceEvent::ServiceResolved(service) = event {
            take(&service, &mut seen);
        }
    }
    if let Ok(ended) = responder.shutdown() {
        let _ = tokio::time::timeout(super::GOODBYE_TIMEOUT, ended.recv_async()).await;
    }
    Ok(seen.into_values().collect())
}

/// The services of one server have the instance and the host in common.
fn take(service: &ResolvedService, seen: &mut BTreeMap<(String, String), Seen>) {
    let kind = KINDS.iter().find(|(kind, _)| service.ty_domain.starts_with(kind));
    let instance = service.fullname.strip_suffix(&service.ty_domain).and_then(|name| name.strip_suffix('.'));
    let (Some((_, kind)), Some(instance)) = (kind, instance) else { return };
    let key = (instance.to_owned(), service.host.clone());
    if seen.len() >= SERVERS_MAX && !seen.contains_key(&key) {
        return;
    }
    let server = seen.entry(key).or_default();
    server.instance = unescaped(instance);
    server.ports.insert(kind, service.port);
    server.addresses.extend(service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr));
    server.addresses.sort();
    server.addresses.dedup();
    for property in service.txt_properties.iter() {
        server.txt.entry(property.key().to_ascii_lowercase()).or_insert_with(|| property.val_str().to_owned());
    }
}

/// The instance as people read it: in a full name, dots and backslashes have a backslash before them.
fn unescaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// The servers as a table.
pub fn describe(servers: &[Seen]) -> String {
    if servers.is_empty() {
        return "no Signal K servers seen (do they announce themselves, and in this network?)\n".to_owned();
    }
    let mut rows = vec![["NAME", "ADDRESS", "SERVICES", "BOAT", "SOFTWARE"].map(str::to_owned)];
    rows.extend(servers.iter().map(row));
    let widths: Vec<usize> =
        (0..5).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (text, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{text:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(server: &Seen) -> [String; 5] {
    let ports = server.ports.iter().map(|(kind, port)| format!("{kind} {port}"));
    let address = match server.addresses.as_slice() {
        [] => "?".to_owned(),
        [one] => one.to_string(),
        [first, more @ ..] => format!("{first} (+{})", more.len()),
    };
    let txt = |key: &str| server.txt.get(key).map(String::as_str);
    let boat = txt("vname").or(txt("vmmsi")).or(txt("self")).or(txt("vuuid")).unwrap_or("-");
    [
        shown(&server.instance),
        address,
        ports.collect::<Vec<_>>().join(", "),
        shown(boat),
        shown(txt("swname").unwrap_or("-")),
    ]
}

/// A text from somebody else, fit for a terminal.
fn shown(text: &str) -> String {
    let is_safe = |c: char| {
        !c.is_control() && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out: String = text.chars().take(SHOWN_CHARS_MAX).map(|c| if is_safe(c) { c } else { '?' }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_a_table() {
        let txt = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let rose = Seen {
            instance: "Wild Rose".to_owned(),
            addresses: vec!["10.0.0.2".parse().unwrap(), "fe80::1".parse().unwrap()],
            ports: BTreeMap::from([("http", 3000), ("ws", 3000), ("tcp", 8375)]),
            txt: txt(&[("swname", "taffrail"), ("vname", "Wild Rose")]),
        };
        let hostile = Seen { instance: "\u{1b}[2J\u{202e}x".to_owned(), ..Seen::default() };
        let expected = "\
NAME       ADDRESS        SERVICES                      BOAT       SOFTWARE
Wild Rose  10.0.0.2 (+1)  http 3000, tcp 8375, ws 3000  Wild Rose  taffrail
?[2J?x     ?                                            -          -
";
        assert_eq!(describe(&[rose, hostile]), expected);
        assert_eq!(shown(&"x".repeat(100)), format!("{}…", "x".repeat(SHOWN_CHARS_MAX)));
        assert!(describe(&[]).starts_with("no Signal K servers"));
    }

    #[test]
    fn instances_lose_their_backslashes() {
        for (name, expected) in [("a", "a"), (r"St\. Mary", "St. Mary"), (r"a\\b", r"a\b"), (r"a\", "a")] {
            assert_eq!(unescaped(name), expected);
        }
    }
}
