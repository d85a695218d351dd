//! The command line: what was asked for, as a [`Command`] that `main` carries out.
//!
//! Each subcommand is a file in `cli/` and a line in `Subcommand`; one that does not exist yet does not show in the help.
//! [`parse`] prints nothing and does not exit: it takes arguments and variables and answers. The tools that read and write
//! as they go (`convert`, `discover`, `explain`, `export`, `ports`) have a `run` that `main` calls.

pub mod check_config;
pub mod completions;
pub mod convert;
#[cfg(feature = "dns-sd")]
pub mod discover;
pub mod explain;
#[cfg(feature = "history")]
pub mod export;
#[cfg(feature = "history")]
pub mod history;
pub mod man;
pub mod ports;
pub mod self_check;
pub mod status;

use std::ffi::OsString;
use std::io::Read as _;

use clap::Parser;
use tracing_subscriber::filter::Targets;

use crate::config::file::FILE_BYTES_MAX;
use crate::config::{Config, Flags, Origin, Problem, Problems, Sources, environment};

/// Exit status of a command line or configuration that is refused: `EX_USAGE` of the BSD `sysexits.h`.
pub const EXIT_USAGE: u8 = 64;

/// Exit status of everything that goes wrong later.
pub const EXIT_FAILURE: u8 = 1;

/// What `main` is to do.
#[derive(Debug)]
pub enum Command {
    /// Be the server.
    Run(Box<Run>),
    /// Write this to standard output, and that was all.
    Print(Vec<u8>),
    /// Convert sentences.
    Convert(convert::Arguments),
    /// List the servers on the network.
    #[cfg(feature = "dns-sd")]
    Discover(discover::Arguments),
    /// Explain sentences.
    Explain(explain::Arguments),
    /// Write out what was recorded.
    #[cfg(feature = "history")]
    Export(Box<export::Task>),
    /// Look after what was recorded.
    #[cfg(feature = "history")]
    History(Box<history::Task>),
    /// List the serial ports.
    Ports(ports::Arguments),
    /// Ask the server there how it is ([`status::ask`]).
    Status(std::net::SocketAddr),
    /// Look whether the server would run.
    SelfCheck(Box<self_check::SelfCheck>),
}

/// What the server is started with.
#[derive(Debug)]
pub struct Run {
    /// Valid.
    pub config: Config,
    /// How much to log: a level, or levels by module (`info,taffrail::hub=debug`).
    pub log: Targets,
}

/// Why there is nothing to do: a message for standard error and [`EXIT_USAGE`].
#[derive(Debug)]
pub struct Refusal(pub String);

/// A Signal K server for the boat
#[derive(Debug, Parser)]
#[command(name = "taffrail", version, about, long_about = None)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    subcommand: Option<Subcommand>,
}

#[derive(Debug, clap::Subcommand)]
enum Subcommand {
    /// Be the server (what happens without a command too)
    Run(Flags),
    /// Show the configuration that would hold, and where each value comes from
    CheckConfig(Flags),
    Convert(convert::Arguments),
    #[cfg(feature = "dns-sd")]
    Discover(discover::Arguments),
    Explain(explain::Arguments),
    #[cfg(feature = "history")]
    Export(export::Arguments),
    /// Look at what has been recorded, and look after it
    #[cfg(feature = "history")]
    History(history::Arguments),
    Ports(ports::Arguments),
    /// Show how the running server is doing, input by input
    Status(Flags),
    /// Look whether the server would start here: its ports, its directories, its devices
    SelfCheck(self_check::Arguments),
    /// Write the manual page
    #[command(hide = true)]
    Man,
    /// Write the completions for a shell
    #[command(hide = true)]
    Completions(completions::Arguments),
}

/// Reads the command line and, where the command wants it, the configuration.
///
/// # Errors
/// What was wrong with either, in full.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Refusal> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // --help and --version come as errors too.
        Err(error) if error.use_stderr() => return Err(Refusal(error.render().to_string())),
        Err(answer) => return Ok(Command::Print(answer.render().to_string().into_bytes())),
    };
    let Arguments { flags: outer, subcommand } = arguments;
    match subcommand {
        None => run(outer, variables),
        Some(Subcommand::Run(flags)) => run(flags.over(outer), variables),
        Some(Subcommand::CheckConfig(flags)) => check_config::run(flags.over(outer), variables),
        Some(Subcommand::Status(flags)) => status::run(flags.over(outer), variables),
        Some(Subcommand::SelfCheck(self_check::Arguments { flags, strict })) => {
            self_check::read(flags.over(outer), strict, variables)
        }
        #[cfg(feature = "history")]
        Some(Subcommand::History(arguments)) => history::read(outer, arguments, variables),
        #[cfg(feature = "history")]
        Some(Subcommand::Export(arguments)) => export::read(outer, arguments, variables),
        Some(_) if outer != Flags::default() => {
            Err(Refusal("the server's flags mean nothing to this command\n".to_owned()))
        }
        Some(Subcommand::Convert(arguments)) => Ok(Command::Convert(arguments)),
        #[cfg(feature = "dns-sd")]
        Some(Subcommand::Discover(arguments)) => Ok(Command::Discover(arguments)),
        Some(Subcommand::Explain(arguments)) => Ok(Command::Explain(arguments)),
        Some(Subcommand::Ports(arguments)) => Ok(Command::Ports(arguments)),
        Some(Subcommand::Man) => Ok(Command::Print(man::page())),
        Some(Subcommand::Completions(arguments)) => Ok(Command::Print(completions::script(&arguments))),
    }
}

fn run(flags: Flags, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Command, Refusal> {
    let (config, log) = load(flags, variables)?;
    Ok(Command::Run(Box::new(Run { config, log })))
}

/// The configuration of this command line, and the log filter.
fn load(flags: Flags, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<(Config, Targets), Refusal> {
    let environment = texts(variables)?;
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
    let path = flags.config.clone().or_else(|| variable("TAFFRAIL_CONFIG").map(Into::into));
    let file = match &path {
        Some(path) if path.as_os_str().is_empty() => {
            return Err(Refusal("--config, TAFFRAIL_CONFIG: found \"\", expected the name of a file\n".to_owned()));
        }
        Some(path) => Some((path.display().to_string(), read_file(path)?)),
        None => None,
    };
    let (origin, log) = match (&flags.log, variable("TAFFRAIL_LOG")) {
        (Some(level), _) => (Origin::Flag("--log"), level.clone()),
        (None, Some(level)) => (Origin::Environment("TAFFRAIL_LOG".to_owned()), level),
        (None, None) => (Origin::Default, "info".to_owned()),
    };
    let filter = log.parse::<Targets>();
    let file = file.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    let config = Config::load(&Sources { file, environment, flags });
    let mut problems = config.as_ref().err().cloned().unwrap_or_default();
    let filter = filter.ok().filter(|_| !log.trim().is_empty());
    if filter.is_none() {
        problems.push(Problem::new(&origin, "", &format!("found {log:?}"), "error, warn, info, debug, trace or off"));
    }
    match (config, filter) {
        (Ok(config), Some(filter)) if problems.is_empty() => Ok((config, filter)),
        _ => Err(refusal(&problems)),
    }
}

fn refusal(problems: &Problems) -> Refusal {
    Refusal(format!("{problems}\n"))
}

/// The environment as text. A variable of ours that is no text is refused, since its value would be guessed.
fn texts(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>, Refusal> {
    let mut problems = Problems::default();
    let mut texts = Vec::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => texts.push((name, value)),
            Err(value) if name.starts_with(environment::PREFIX) => {
                let origin = Origin::Environment(name);
                problems.push(Problem::new(&origin, "", &format!("found {value:?}"), "text in UTF-8"));
            }
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(texts) } else { Err(refusal(&problems)) }
}

fn read_file(path: &std::path::Path) -> Result<String, Refusal> {
    let refuse = |what: String| Refusal(format!("{}: {what}\n", path.display()));
    let file = std::fs::File::open(path).map_err(|error| refuse(format!("cannot be opened: {error}")))?;
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a longer file is noticed and refused with its name.
    let read = file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| refuse(format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = good.matches('\n').count() + 1;
        Refusal(format!("{}:{line}: not UTF-8\n", path.display()))
    })
}
