//! `[server]`, and where the state directory is when nobody says so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::SHORTEST;
use crate::config::environment;
use crate::config::keys::Kind;
use crate::config::layers::{Effective, Layers, Section};
use crate::config::problem::{Problem, Problems};
use crate::config::raw::{Origin, Raw};
use crate::config::{ClockTrust, Server, reading};

/// The section, and where its addresses were set: two that collide name both places.
pub struct Read {
    pub server: Server,
    pub http: Origin,
    pub tcp: Origin,
}

pub fn read(
    layers: &mut Layers,
    environment: &[(String, String)],
    effective: &mut Effective,
    problems: &mut Problems,
) -> Read {
    const CLOCKS: &[(&str, ClockTrust)] =
        &[("auto", ClockTrust::Auto), ("trusted", ClockTrust::Trusted), ("untrusted", ClockTrust::Untrusted)];
    let mut section = layers.section("server");
    let ping_range = reading::whole(100..=3_600_000);
    let server = Server {
        http: section.get("http", problems, reading::address),
        tcp: section.get("tcp", problems, reading::address_or_off),
        mdns: section.get("mdns", problems, reading::switch),
        mdns_interfaces: section.get("mdns_interfaces", problems, reading::interfaces),
        external_port: external_port(&mut section, environment, problems),
        name: section.get("name", problems, reading::text),
        max_connections_per_ip: section.get("max_connections_per_ip", problems, reading::whole(1..=65_535)) as u32,
        ping_interval: Duration::from_millis(section.get("ping_interval_ms", problems, ping_range).unsigned_abs()),
        stall_close: section.get("stall_close", problems, reading::duration(SHORTEST..=Duration::from_secs(86_400))),
        allow_write: section.get("allow_write", problems, reading::networks),
        clock: section.get("clock", problems, reading::word(CLOCKS)),
        state_dir: state_dir(&mut section, environment, problems),
    };
    let (http, tcp) = (section.origin_of("http"), section.origin_of("tcp"));
    section.finish(effective);
    Read { server, http, tcp }
}

/// As configured; else as systemd says; else as the XDG base directory specification says. That one tells to ignore a
/// variable that is empty; a relative one is refused here, because ignoring it would move the boat's identity silently.
fn state_dir(section: &mut Section, environment: &[(String, String)], problems: &mut Problems) -> PathBuf {
    if let Some(path) = section.optional("state_dir", problems, reading::path) {
        return path;
    }
    let get = |wanted: &str| environment.iter().find(|(name, text)| name == wanted && !text.is_empty());
    let below = |name: &str, rest: &str| get(name).map(|(_, text)| (name.to_owned(), Path::new(text).join(rest)));
    // systemd separates several directories by colons; ours is the first.
    let of_systemd = get("STATE_DIRECTORY").map(|(name, text)| (name.clone(), PathBuf::from(first(text))));
    let found =
        of_systemd.or_else(|| below("XDG_STATE_HOME", "taffrail")).or_else(|| below("HOME", ".local/state/taffrail"));
    let Some((variable, path)) = found else {
        let found = "no place for it: none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set";
        let expected = "a directory, with server.state_dir or --state-dir".to_owned();
        problems.push(Problem { origin: None, key: "server.state_dir".to_owned(), found: found.to_owned(), expected });
        return PathBuf::new();
    };
    let origin = Origin::Environment(variable);
    let text = path.to_string_lossy().into_owned();
    if !path.is_absolute() {
        let found = format!("found {}", Raw::Text(text.clone()));
        problems.push(Problem::new(&origin, "server.state_dir", &found, "an absolute path"));
    }
    section.note("state_dir", Raw::Text(text), origin);
    path
}

/// As configured; else by the variable that other Signal K servers know (MDNS-09), which has no prefix of ours.
fn external_port(section: &mut Section, environment: &[(String, String)], problems: &mut Problems) -> Option<u16> {
    const VARIABLE: &str = "EXTERNALPORT";
    if let Some(port) = section.optional("external_port", problems, reading::port) {
        return Some(port);
    }
    let (_, text) = environment.iter().find(|(name, text)| name == VARIABLE && !text.is_empty())?;
    let origin = Origin::Environment(VARIABLE.to_owned());
    let raw = environment::typed(Kind::Whole, text, &origin);
    match reading::port(&raw) {
        Ok(port) => {
            section.note("external_port", raw, origin);
            Some(port)
        }
        Err(expected) => {
            problems.push(Problem::new(&origin, "server.external_port", &format!("found {raw}"), expected));
            None
        }
    }
}

fn first(directories: &str) -> &str {
    directories.split(':').next().unwrap_or(directories)
}
