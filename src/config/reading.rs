//! What one value means: from a TOML value to a type that cannot be wrong. Each reading answers with the value or with a
//! phrase that says what it would have taken.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::Network;
use super::layers::Reading;
use super::raw::{Raw, Spot};
use super::{duration, size};
use crate::kernel::update::Mmsi;

/// Characters that a text may have.
const TEXT_CHARS_MAX: usize = 255;

/// How every identity that Signal K makes itself begins.
pub const UUID_PREFIX: &str = "urn:mrn:signalk:uuid:";

/// A text that is not empty and has no control characters.
pub fn text(raw: &Raw) -> Reading<String> {
    match raw {
        Raw::Text(text) if is_text(text) => Ok(text.clone()),
        _ => Err(format!("a text of 1 to {TEXT_CHARS_MAX} characters, in quotes").into()),
    }
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX && !text.contains(char::is_control)
}

/// A text of which `accept` holds.
pub fn text_if(accept: impl Fn(&str) -> bool, expected: &'static str) -> impl Fn(&Raw) -> Reading<String> {
    move |raw| match raw {
        Raw::Text(text) if is_text(text) && accept(text) => Ok(text.clone()),
        _ => Err(expected.into()),
    }
}

/// `true` or `false`.
pub fn switch(raw: &Raw) -> Reading<bool> {
    match raw {
        Raw::Switch(on) => Ok(*on),
        _ => Err("true or false".into()),
    }
}

/// An integer within `range`.
pub fn whole(range: RangeInclusive<i64>) -> impl Fn(&Raw) -> Reading<i64> {
    move |raw| match raw {
        Raw::Whole(n) if range.contains(n) => Ok(*n),
        _ => Err(format!("a whole number from {} to {}", range.start(), range.end()).into()),
    }
}

/// A number within `range`, with or without a fraction.
pub fn number(range: RangeInclusive<f64>) -> impl Fn(&Raw) -> Reading<f64> {
    move |raw| {
        let number = match raw {
            Raw::Whole(n) => *n as f64,
            Raw::Number(n) => *n,
            _ => f64::NAN,
        };
        let expected = || format!("a number from {} to {}", range.start(), range.end()).into();
        if range.contains(&number) { Ok(number) } else { Err(expected()) }
    }
}

/// One of some words.
pub fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Raw) -> Reading<T> {
    move |raw| {
        let found = words.iter().find(|(word, _)| matches!(raw, Raw::Text(text) if text == word));
        let expected = || {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("one of {}", words.join(", ")).into()
        };
        found.map(|(_, value)| *value).ok_or_else(expected)
    }
}

/// An IP address and a port to listen on; port 0 lets the system choose.
pub fn address(raw: &Raw) -> Reading<SocketAddr> {
    let parsed = if let Raw::Text(text) = raw { text.parse().ok() } else { None };
    parsed.ok_or_else(|| "an IP address and a port, such as \"0.0.0.0:3000\" or \"[::]:3000\"".into())
}

/// The same, or "off".
pub fn address_or_off(raw: &Raw) -> Reading<Option<SocketAddr>> {
    match raw {
        Raw::Text(text) if text == "off" => Ok(None),
        _ => address(raw).map(Some).map_err(|expected| format!("{expected}, or \"off\"").into()),
    }
}

/// A host and a port to connect to; nothing is resolved here.
pub fn host_and_port(raw: &Raw) -> Reading<String> {
    text_if(is_host_and_port, "a host and a port, such as \"192.168.1.50:10110\" or \"gateway.local:2000\"")(raw)
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let host_is_good = bracketed.map_or_else(|| is_name(host), |host| host.parse::<std::net::Ipv6Addr>().is_ok());
    host_is_good && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// The address of another Signal K server.
pub fn url(raw: &Raw) -> Reading<String> {
    let accept = |text: &str| {
        let rest = ["ws://", "wss://", "tcp://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let host = rest.and_then(|rest| rest.split(['/', '?']).next());
        host.is_some_and(|host| is_host_and_port(host) || is_host_and_port(&format!("{host}:1")))
            && !text.contains(char::is_whitespace)
    };
    text_if(accept, "\"ws://HOST:PORT\", \"wss://HOST:PORT\", \"tcp://HOST:PORT\" or \"http://HOST:PORT\"")(raw)
}

/// A file, directory or device.
pub fn path(raw: &Raw) -> Reading<PathBuf> {
    // Nobody expands a tilde here, and a directory called ~ is not what was meant.
    let accept = |text: &str| !text.starts_with('~');
    text_if(accept, "the name of a file or directory in full, in quotes")(raw).map(PathBuf::from)
}

/// Address ranges.
pub fn networks(raw: &Raw) -> Reading<Vec<Network>> {
    let all = match raw {
        Raw::List(items) => items.iter().map(|Spot { raw, .. }| network(raw)).collect(),
        _ => None,
    };
    all.ok_or_else(|| "a list of addresses and ranges, such as [\"127.0.0.0/8\", \"192.168.1.7\"]".into())
}

fn network(raw: &Raw) -> Option<Network> {
    let Raw::Text(text) = raw else { return None };
    let (address, bits) = text.split_once('/').map_or((text.as_str(), None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = match bits {
        None => all,
        Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok().filter(|bits| *bits <= all)?,
        Some(_) => return None,
    };
    Some(Network { address, prefix_bits })
}

/// Names of network interfaces: up to 15 bytes as Linux has them (`IFNAMSIZ` with its final zero).
pub fn interfaces(raw: &Raw) -> Reading<Vec<String>> {
    let name = |raw: &Raw| match raw {
        Raw::Text(text)
            if (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/') =>
        {
            Some(text.clone())
        }
        _ => None,
    };
    let all = match raw {
        Raw::List(items) => items.iter().map(|Spot { raw, .. }| name(raw)).collect(),
        _ => None,
    };
    all.ok_or_else(|| "a list of network interfaces, such as [\"eth0\", \"wlan0\"]".into())
}

/// A port that can be connected to.
pub fn port(raw: &Raw) -> Reading<u16> {
    whole(1..=65_535)(raw).map(|port| port as u16)
}

/// A duration within `range`.
pub fn duration(range: RangeInclusive<Duration>) -> impl Fn(&Raw) -> Reading<Duration> {
    move |raw| {
        let parsed = if let Raw::Text(text) = raw { duration::parse(text) } else { None };
        let bounds = || format!("from {} to {}", duration::print(*range.start()), duration::print(*range.end()));
        let expected = || format!("{}, {}", duration::EXPECTED, bounds()).into();
        parsed.filter(|duration| range.contains(duration)).ok_or_else(expected)
    }
}

/// A size in bytes.
pub fn size(raw: &Raw) -> Reading<u64> {
    let parsed = if let Raw::Text(text) = raw { size::parse(text) } else { None };
    parsed.ok_or_else(|| size::EXPECTED.into())
}

/// The nine digits of an MMSI.
pub fn mmsi(raw: &Raw) -> Reading<String> {
    text_if(|text| Mmsi::parse(text).is_some(), "nine digits in quotes, such as \"230099999\"")(raw)
}

/// A version 4 UUID as Signal K writes it (RFC 9562, section 5.4: the version and variant digits).
pub fn uuid(raw: &Raw) -> Reading<String> {
    text_if(is_uuid_urn, "\"urn:mrn:signalk:uuid:\" and a version 4 UUID")(raw)
}

/// Whether this is `urn:mrn:signalk:uuid:` and a version 4 UUID in its usual form.
pub fn is_uuid_urn(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix(UUID_PREFIX) else { return false };
    uuid.len() == 36
        && uuid.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            14 => b == b'4',
            19 => b"89abAB".contains(&b),
            _ => b.is_ascii_hexdigit(),
        })
}

/// A path of values, with `*` where patterns are taken.
pub fn signalk_path(raw: &Raw) -> Reading<String> {
    let accept = |text: &str| !text.contains(char::is_whitespace) && text.split('.').all(|part| !part.is_empty());
    text_if(accept, "a path such as \"navigation.speedOverGround\"")(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts<T>(read: impl Fn(&Raw) -> Reading<T>, good: &[&str], bad: &[&str]) {
        let read = |text: &str| read(&Raw::Text(text.to_owned())).is_ok();
        for text in good {
            assert!(read(text), "{text} is refused");
        }
        for text in bad {
            assert!(!read(text), "{text} is accepted");
        }
    }

    #[test]
    fn each_reading_takes_what_it_says() {
        accepts(address, &["0.0.0.0:3000", "[::]:0"], &["3000", "localhost:3000", "1.2.3.4", "1.2.3.4:70000", ""]);
        accepts(address_or_off, &["off", "1.2.3.4:5"], &["Off", "on"]);
        accepts(
            host_and_port,
            &["a:1", "gateway.local:2000", "10.0.0.1:10110", "[fe80::1]:80"],
            &["a", ":1", "a:", "a:0", "a:65536", "a:+1", "fe80::1:80", "a b:1", "[x]:1"],
        );
        accepts(
            url,
            &["ws://a", "wss://a.b:443/signalk", "tcp://10.0.0.1:8375", "ws://[::1]:3000/x?y=z", "http://a"],
            &["https://a", "ws://", "a:1", "ws:// a", "ws://a:0"],
        );
        accepts(mmsi, &["230099999", "002300000"], &["23009999", "2300999999", "23009999x", "000000000"]);
        accepts(
            uuid,
            &["urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b"],
            &[
                "0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b",
                "urn:mrn:signalk:uuid:0f6e2c1a-3b5d-1e7f-8a9b-0c1d2e3f4a5b",
                "urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-ca9b-0c1d2e3f4a5b",
                "urn:mrn:signalk:uuid:0f6e2c1a3b5d4e7f8a9b0c1d2e3f4a5b",
            ],
        );
        accepts(signalk_path, &["a", "a.b", "navigation.*", "a.b*"], &["", ".a", "a.", "a..b", "a b"]);
        accepts(path, &["/a", "a b", "."], &["", "~/a", "a\0"]);
        accepts(text, &["a", "å b"], &["", "  ", "a\nb", &"x".repeat(256)]);
    }

    #[test]
    fn address_ranges_hold_their_bits() {
        let list = |text: &str| {
            let item = Spot { raw: Raw::Text(text.to_owned()), origin: crate::config::Origin::Default };
            networks(&Raw::List(vec![item])).map(|all| all[0].prefix_bits)
        };
        for (text, bits) in [("127.0.0.0/8", 8), ("10.0.0.1", 32), ("::1", 128), ("fe80::/10", 10), ("0.0.0.0/0", 0)] {
            assert_eq!(list(text), Ok(bits), "{text}");
        }
        for text in ["127.0.0.0/33", "::/129", "127.0.0.0/", "127.0.0/8", "localhost", "10.0.0.1/-1"] {
            assert!(list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_held_to_their_range() {
        assert_eq!(number(0.0..=2.0)(&Raw::Whole(2)), Ok(2.0));
        for raw in [Raw::Number(f64::NAN), Raw::Number(f64::INFINITY), Raw::Number(2.1), Raw::Text("1".into())] {
            assert!(number(0.0..=2.0)(&raw).is_err(), "{raw:?}");
        }
        assert_eq!(whole(1..=2)(&Raw::Number(1.0)).unwrap_err(), "a whole number from 1 to 2");
    }
}
