//! What the program says when it has started: where to look, what is fed, where the configuration would go.

use std::net::SocketAddr;

use super::Server;
use crate::config::{Config, InputKind};

/// Prints it to standard output.
#[allow(clippy::print_stdout, reason = "this is what the program has to say to whoever started it")]
pub(super) fn print(config: &Config, server: &Server) {
    println!("{}", text(config, server.http, server.tcp, &server.shared.identity.own));
}

fn text(config: &Config, http: SocketAddr, tcp: Option<SocketAddr>, own: &str) -> String {
    let host = |address: SocketAddr| match address.ip() {
        ip if ip.is_unspecified() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    };
    let mut lines = vec![
        format!("Taffrail {} is up: http://{}/signalk", env!("CARGO_PKG_VERSION"), host(http)),
        format!("  stream    ws://{}/signalk/v1/stream?subscribe=all", host(http)),
    ];
    if let Some(tcp) = tcp {
        lines.push(format!("  raw       {} (JSON lines; begin with a subscribe message)", host(tcp)));
    }
    lines.push(format!("  own ship  {own}"));
    for input in &config.inputs {
        lines.push(format!("  input     {}: {}", input.name, described(&input.kind)));
    }
    if ["server", "vessel", "input"].iter().all(|table| config.effective.first_set(table).is_none()) {
        lines.push(
            "  settings  none given; write a file and start with --config FILE (`taffrail check-config` prints one)"
                .into(),
        );
    }
    lines.join("\n")
}

fn described(kind: &InputKind) -> String {
    match kind {
        InputKind::Serial { device, baud } => match baud {
            Some(baud) => format!("serial {} at {baud}", device.display()),
            None => format!("serial {}, speed found by listening", device.display()),
        },
        InputKind::Tcp { address } => format!("tcp {address}"),
        InputKind::TcpListen { address } => format!("tcp, listening on {address}"),
        InputKind::Udp { address } => format!("udp on {address}"),
        InputKind::File { path, .. } => format!("file {}", path.display()),
        InputKind::Stdin => "standard input".to_owned(),
        InputKind::Demo { seed, rate } => format!("a simulated boat (seed {seed}, {rate} times real time)"),
        InputKind::SignalK(upstream) => format!("Signal K server {}", upstream.url),
    }
}
