//! `taffrail status`: how the running server is doing, as a table for somebody who has logged in from the cockpit.
//!
//! It asks the server's `/healthz` over plain HTTP, at the address that the configuration and the flags give.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value as Json;

use super::{Command, Refusal};
use crate::config::Flags;

/// A server on the same machine that does not answer by then is not well.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer at the most: hundreds of inputs.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Finds out whom to ask.
///
/// # Errors
/// A configuration that is refused.
pub fn run(flags: Flags, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Command, Refusal> {
    let (config, _) = super::load(flags, variables)?;
    Ok(Command::Status(reachable(config.server.http)))
}

/// A server that listens on every address of the machine is asked at the loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// Asks the server at `address` and puts the answer into words.
///
/// # Errors
/// A sentence on why there is no answer.
pub fn ask(address: SocketAddr) -> Result<String, String> {
    let body = get(address, "/healthz").map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::ConnectionRefused => " (is the server running? --http or --config name another address)",
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => " (it is running, and does not answer)",
            _ => "",
        };
        format!("status of http://{address}: {error}{hint}")
    })?;
    let health: Json = serde_json::from_str(&body)
        .map_err(|_| format!("status of http://{address}: what answers there is not this server"))?;
    Ok(table(&health, address))
}

/// The body of an answer, whatever its status.
fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))
}

/// The words.
fn table(health: &Json, address: SocketAddr) -> String {
    let number = |pointer: &str| health.pointer(pointer).and_then(Json::as_u64).unwrap_or(0);
    let text = |pointer: &str| plain(health.pointer(pointer).and_then(Json::as_str).unwrap_or("?"));
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Taffrail {} at {address}: {}, up {}, API {}\n{}\n{} streams open, {} changes so far, {} values refused\n",
        text("/version"),
        text("/status"),
        duration(number("/uptime") as f64),
        text("/apiVersion"),
        text("/self"),
        number("/streams/open"),
        number("/hub/changes"),
        number("/hub/refused"),
    );
    if health["clock"]["trusted"] == false {
        let _ = writeln!(out, "The clock ({}) is not trusted: {}.\n", text("/clock/time"), text("/clock/reason"));
    }
    let inputs = health["inputs"].as_array().map_or(&[][..], Vec::as_slice);
    if inputs.is_empty() {
        out.push_str("There are no inputs.\n");
    }
    let head = ["INPUT", "STATE", "LAST HEARD", "UNDERSTOOD", "NOT", "CONNECTION"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(inputs.iter().map(row));
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0)).collect();
    for row in rows.iter().filter(|_| !inputs.is_empty()) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for input in inputs.iter().filter(|input| !input["problem"].is_null()) {
        let of = |pointer: &str| plain(input.pointer(pointer).and_then(Json::as_str).unwrap_or("?"));
        let _ = writeln!(out, "\n{}, {}: {}", of("/name"), of("/problem/at"), of("/problem/text"));
    }
    out
}

fn row(input: &Json) -> [String; 6] {
    let text = |name: &str| plain(input[name].as_str().unwrap_or("?"));
    let count = |name: &str| input[name].as_u64().unwrap_or(0);
    let not_understood = count("badChecksum") + count("malformed") + count("unknown");
    [
        text("name"),
        text("state"),
        input["lastHeard"].as_f64().map_or("never".to_owned(), |seconds| duration(seconds) + " ago"),
        count("understood").to_string(),
        not_understood.to_string(),
        text("connection"),
    ]
}

/// A time as people say it, in its two largest units.
fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3_600 % 24),
    }
}

/// Text from elsewhere, without anything that a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_fits_its_words() {
        let health = json!({
            "status": "ok", "version": "0.1.0", "apiVersion": "2.24.0", "self": "vessels.urn:x", "uptime": 7_260,
            "clock": {"trusted": false, "reason": "it is so", "time": "1970-01-01T00:00:40.000Z"},
            "streams": {"open": 2}, "hub": {"changes": 1_234, "refused": 0},
            "inputs": [
                {"name": "gps", "state": "running", "lastHeard": 0.42, "understood": 100, "badChecksum": 1,
                 "malformed": 1, "unknown": 1, "connection": "serial /dev/ttyUSB0 at 4800", "problem": null},
                {"name": "ais", "state": "waiting", "lastHeard": null, "understood": 0, "connection": "",
                 "problem": {"at": "2026-01-01T00:00:00.000Z", "text": "tcp\u{1b}[2J refused"}},
            ],
        });
        let expected = "\
Taffrail 0.1.0 at 127.0.0.1:3000: ok, up 2 h 1 min, API 2.24.0
vessels.urn:x
2 streams open, 1234 changes so far, 0 values refused

The clock (1970-01-01T00:00:40.000Z) is not trusted: it is so.

INPUT  STATE    LAST HEARD  UNDERSTOOD  NOT  CONNECTION
gps    running  0.4 s ago   100         3    serial /dev/ttyUSB0 at 4800
ais    waiting  never       0           0

ais, 2026-01-01T00:00:00.000Z: tcp?[2J refused
";
        assert_eq!(table(&health, "127.0.0.1:3000".parse().unwrap()), expected);
    }

    #[test]
    fn times_are_said_in_two_units() {
        let table = [(0.0, "0.0 s"), (9.96, "10.0 s"), (59.9, "59 s"), (61.0, "1 min 1 s"), (90_000.0, "1 d 1 h")];
        for (seconds, expected) in table {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn a_server_on_every_address_is_asked_at_the_loopback() {
        for (listens, asked) in
            [("0.0.0.0:3000", "127.0.0.1:3000"), ("[::]:80", "[::1]:80"), ("10.0.0.5:1", "10.0.0.5:1")]
        {
            assert_eq!(reachable(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
