//! `taffrail replay`: what was recorded, served once more on ports of its own.
//!
//! On a terminal it shows where it stands, and keys control it; without one it is quiet, for scripts and services.

mod keyboard;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use tokio::time::MissedTickBehavior;

use super::convert::time;
use super::history::Place;
use super::import::own_context;
use super::{Command, Refusal};
use crate::app;
use crate::app::replay::{Options, Recording, Reel, Replay};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Flags};
use crate::input::DeltaLimits;
use crate::input::log_file::{self, Reading};
use crate::kernel::time::Timestamp;
use crate::server::playback::GAP_LIMIT_S;
use crate::server::playback::play::check_rate;
use crate::server::remote;
use keyboard::{Key, Keyboard};

/// The line on the terminal is written anew this often, and clients are looked for.
const TICK: Duration = Duration::from_millis(200);

/// How far an arrow key goes, in milliseconds of the recording.
const STEP_MS: i64 = 60_000;

/// First part of the `$source` of what sentences in files say.
const SOURCE: &str = "replay";

/// Serve a recording again, beside the running server: NMEA 0183 for plotters, Signal K for apps
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Keys: space stands and goes on, + and - change the rate, left and right go a minute back and on, q ends.

Exit status: 0 at the end of the recording, or when it was ended; 1 when something went wrong; 64 for a wrong command \
line.")]
pub struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// Recordings to be served in place of the history: NMEA 0183, Signal K deltas, logs of the Node server, also as .gz
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// From when on; may be left out with files
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Up to when, itself not included [default: the end]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// How many times as fast as it was, 0.01 to 10000
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = rate)]
    rate: f64,
    /// Serve NMEA 0183 here: ADDRESS:PORT, or PORT for this machine alone
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    nmea_tcp: Option<SocketAddr>,
    /// Serve Signal K over TCP here
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    signalk_tcp: Option<SocketAddr>,
    /// Serve HTTP and WebSocket here, as the server does
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    ws: Option<SocketAddr>,
    /// Again from the begin when it has ended
    #[arg(long = "loop")]
    looped: bool,
    /// Stand at first
    #[arg(long, conflicts_with = "wait")]
    paused: bool,
    /// Begin when the first client is there
    #[arg(long)]
    wait: bool,
    /// Where nothing was recorded for longer than this, go on to the end of it; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = GAP_LIMIT_S)]
    gap_limit: u64,
    /// When a file that names no date begins [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Timestamp>,
    /// The context that is the own vessel in deltas of files [default: what their hello says]
    #[arg(long, value_name = "CONTEXT", value_parser = own_context)]
    own: Option<String>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| "a number was expected".to_owned())?;
    check_rate(rate).map(|()| rate)
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| "an address with a port was expected, such as 0.0.0.0:10111, or a port alone")
}

/// What is to be served.
#[derive(Debug)]
pub struct Task {
    arguments: Arguments,
    config: Config,
}

/// Reads the configuration.
///
/// # Errors
/// A configuration that is refused, or a command line on which something is missing.
pub fn read(
    outer: Flags,
    arguments: Arguments,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Refusal> {
    let refuse = |why: &str| Err(Refusal(format!("{why}\n")));
    if arguments.nmea_tcp.is_none() && arguments.signalk_tcp.is_none() && arguments.ws.is_none() {
        return refuse("say where to serve it: --nmea-tcp, --signalk-tcp or --ws, such as --nmea-tcp 10111");
    }
    if arguments.files.is_empty() && arguments.from.is_none() {
        return refuse("say from when on: --from TIME, or name files; `taffrail history status` shows what there is");
    }
    if arguments.from.zip(arguments.to).is_some_and(|(from, to)| to <= from) {
        return refuse("--to is not after --from");
    }
    let (config, _) = super::load(arguments.flags.clone().over(outer), variables)?;
    Ok(Command::Replay(Box::new(Task { arguments, config })))
}

/// Serves it until its end. `print` is given what is to be known, a line each.
///
/// # Errors
/// A recording that cannot be read or has nothing in that time, a port that is taken.
pub fn run(task: &Task, print: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(io::stderr).init();
    let runtime = app::runtime()?;
    let result = runtime.block_on(task.serve(print));
    // The keyboard cannot be interrupted; its thread ends with the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

impl Task {
    async fn serve(&self, mut print: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let arguments = &self.arguments;
        let clock = Arc::new(SystemClock::new());
        let options = Options {
            to: arguments.to,
            rate: arguments.rate,
            looped: arguments.looped,
            paused: arguments.paused || arguments.wait,
            gap_max_ms: (arguments.gap_limit > 0).then(|| arguments.gap_limit.saturating_mul(1_000)),
            nmea: arguments.nmea_tcp,
            tcp: arguments.signalk_tcp,
            http: arguments.ws,
        };
        let recording = self.recording(clock.now().wall)?;
        let mut replay = Replay::start(&self.config, recording, options, clock).await?;
        if let Some(address) = replay.nmea {
            print(&format!("NMEA 0183 on {address}\n"))?;
        }
        if let Some(address) = replay.tcp {
            print(&format!("Signal K over TCP on {address}\n"))?;
        }
        if let Some(address) = replay.http {
            print(&format!("WebSocket on ws://{address}/signalk/v1/stream\n"))?;
        }
        let mut panel = Panel::new(arguments.wait);
        let is_complete = panel.attend(&mut replay).await?;
        panel.close();
        replay.stop(is_complete).await;
        print(if is_complete { "the end of the recording\n" } else { "ended\n" })
    }

    fn recording(&self, now: Timestamp) -> anyhow::Result<Recording> {
        let Arguments { files, from, start, own, .. } = &self.arguments;
        if files.is_empty() {
            let directory = Place::of(&self.config).history;
            return Ok(Recording::History { directory, from: from.unwrap_or_default() });
        }
        let limits =
            DeltaLimits { line_bytes_max: self.config.limits.message_bytes, depth_max: self.config.limits.depth };
        let mut whose = own.clone();
        let mut reels = Vec::new();
        for path in files {
            let named = |error| anyhow::Error::new(error).context(path.display().to_string());
            let survey = log_file::survey(path, limits, |_| true).map_err(named)?;
            anyhow::ensure!(
                survey.is_known(),
                "{}: no line of it is a sentence of NMEA 0183 or a Signal K delta",
                path.display()
            );
            let own = own.as_ref().map(CompactString::new).or_else(|| survey.own.clone());
            whose = whose.or_else(|| own.as_ref().map(ToString::to_string));
            let reading =
                Reading { source: Arc::from(SOURCE), own, checksum_ignored: false, delta: app::read_delta, limits };
            reels.push(Reel { path: path.clone(), survey, start: start.unwrap_or(now), reading });
        }
        Ok(Recording::Files { reels, from: *from, own: whose })
    }
}

/// What is shown on the terminal, and what its keys do.
struct Panel {
    is_shown: bool,
    keyboard: Option<Keyboard>,
    is_waiting: bool,
}

impl Panel {
    fn new(is_waiting: bool) -> Self {
        let is_shown = io::stderr().is_terminal();
        Self { is_shown, keyboard: Keyboard::take(), is_waiting }
    }

    /// Runs the replay until it has ended (true), or somebody ends it.
    async fn attend(&mut self, replay: &mut Replay) -> anyhow::Result<bool> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let signal = app::wait_for_signal();
        tokio::pin!(signal);
        loop {
            let order = tokio::select! {
                () = replay.ended() => return Ok(true),
                signal = &mut signal => {
                    signal?;
                    return Ok(false);
                }
                key = pressed(self.keyboard.as_mut()) => match key {
                    Key::Quit => return Ok(false),
                    key => Order::Key(key),
                },
                _ = tick.tick() => Order::Look,
            };
            // One that has ended meanwhile is noticed above.
            let Ok(state) = replay.order(remote::Command::default()).await else { continue };
            let command = match order {
                Order::Key(key) => command(key, state),
                Order::Look if self.is_waiting && replay.clients() > 0 => {
                    self.is_waiting = false;
                    remote::Command { pause: Some(false), ..remote::Command::default() }
                }
                Order::Look => remote::Command::default(),
            };
            let told = if command == remote::Command::default() { Ok(state) } else { replay.order(command).await };
            self.show(told, replay.clients());
        }
    }

    fn show(&self, told: Result<remote::State, String>, clients: usize) {
        if !self.is_shown {
            return;
        }
        let line = match told {
            Ok(state) => {
                let time = state.time.to_string();
                let stands = match (state.paused, self.is_waiting) {
                    (true, true) => ", waiting for a client",
                    (true, false) => ", standing",
                    _ => "",
                };
                let time = time.get(..19).unwrap_or(&time).replace('T', " ");
                format!("{time}  x{}{stands}  {clients} connected", state.rate)
            }
            Err(why) => why,
        };
        let _ = write!(io::stderr(), "\r\x1b[K{line}");
    }

    /// Gives the terminal back.
    fn close(&mut self) {
        self.keyboard = None;
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

enum Order {
    Key(Key),
    Look,
}

fn command(key: Key, state: remote::State) -> remote::Command {
    let step = |ms| Some(state.time.plus_millis(ms));
    let none = remote::Command::default();
    match key {
        Key::Space => remote::Command { pause: Some(!state.paused), ..none },
        Key::Faster => remote::Command { rate: Some(faster(state.rate)), ..none },
        Key::Slower => remote::Command { rate: Some(slower(state.rate)), ..none },
        Key::Back => remote::Command { seek: step(-STEP_MS), ..none },
        Key::On => remote::Command { seek: step(STEP_MS), ..none },
        Key::Quit => none,
    }
}

/// The rates that keys lead to.
const RATES: [f64; 19] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0,
    10_000.0,
];

fn faster(rate: f64) -> f64 {
    RATES.into_iter().find(|known| *known > rate).unwrap_or(rate)
}

fn slower(rate: f64) -> f64 {
    RATES.into_iter().rev().find(|known| *known < rate).unwrap_or(rate)
}

async fn pressed(keyboard: Option<&mut Keyboard>) -> Key {
    match keyboard {
        Some(keyboard) => keyboard.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_from_rate_to_rate() {
        assert_eq!([faster(1.0), faster(3.0), faster(10_000.0)], [2.0, 5.0, 10_000.0]);
        assert_eq!([slower(1.0), slower(3.0), slower(0.01)], [0.5, 2.0, 0.01]);
        let state = remote::State { time: Timestamp::from_millis(0), rate: 5.0, paused: true, skip_to: None };
        assert_eq!(command(Key::Space, state).pause, Some(false));
        assert_eq!(command(Key::Back, state).seek, Some(Timestamp::from_millis(-60_000)));
    }

    #[test]
    fn a_port_alone_is_of_this_machine() {
        assert_eq!(address("10111"), Ok("127.0.0.1:10111".parse().unwrap()));
        assert_eq!(address("0.0.0.0:10111"), Ok("0.0.0.0:10111".parse().unwrap()));
        assert!(address("boat").is_err());
        assert!(rate("0.001").is_err() && rate("1e9").is_err() && rate("NaN").is_err() && rate("0.5").is_ok());
    }
}
