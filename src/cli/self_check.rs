//! `taffrail self-check`: would the server start here, and would it be able to do all that it is to do?
//!
//! It looks and leaves nothing behind, so it may run beside a running server, before an update, and as another user. What
//! keeps the server from starting is an error; what it would start with, but lacking something, is a warning. A boat under
//! way is better served by a server without its recorder than by none, which is why the unit only shows the warnings and an
//! update (`--strict`) stops at them.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use rustix::fs::{Access, FlockOperation, access, flock};
use rustix::io::Errno;

use super::{Command, Refusal};
use crate::config::{Config, Flags, InputKind};

/// The flags of `taffrail self-check`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Take warnings for errors, as an update does
    #[arg(long)]
    pub(super) strict: bool,
}

/// What is to be checked.
#[derive(Debug)]
pub struct SelfCheck {
    /// Valid.
    pub config: Config,
    /// Warnings count as errors.
    pub strict: bool,
}

/// Reads the configuration; the checks themselves are made by [`SelfCheck::run`].
///
/// # Errors
/// A configuration that is refused.
pub(super) fn read(
    flags: Flags,
    strict: bool,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Refusal> {
    let (config, _) = super::load(flags, variables)?;
    Ok(Command::SelfCheck(Box::new(SelfCheck { config, strict })))
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Good,
    /// The server starts, and lacks something.
    Warning,
    /// The server does not start.
    Error,
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What was looked at, such as `http`.
    pub what: String,
    /// What was found.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Good => "ok",
            Grade::Warning => "warning",
            Grade::Error => "error",
        };
        write!(f, "{grade:<8} {:<16} {}", self.what, self.text)
    }
}

impl SelfCheck {
    /// Everything that was found, in the order in which a start would meet it.
    pub fn run(&self) -> Vec<Finding> {
        let Config { server, inputs, .. } = &self.config;
        let holder = holder(&server.state_dir);
        let mut findings = vec![
            Finding { grade: Grade::Good, what: "configuration".to_owned(), text: "valid".to_owned() },
            state(&server.state_dir, holder.as_ref()),
        ];
        let holder = holder.as_ref();
        let mut port = |what: &str, bad, address, bound: io::Result<()>| {
            let (grade, text) = port(address, bound, holder, bad);
            findings.push(Finding { grade, what: what.to_owned(), text });
        };
        port("http", Grade::Error, server.http, TcpListener::bind(server.http).map(drop));
        if let Some(address) = server.tcp {
            port("tcp", Grade::Error, address, TcpListener::bind(address).map(drop));
        }
        for input in inputs {
            let what = format!("input {}", input.name);
            match &input.kind {
                InputKind::TcpListen { address } => {
                    port(&what, Grade::Warning, *address, TcpListener::bind(address).map(drop));
                }
                InputKind::Udp { address } => port(&what, Grade::Warning, *address, UdpSocket::bind(address).map(drop)),
                _ => {}
            }
        }
        for input in inputs {
            let (path, wanted) = match &input.kind {
                InputKind::Serial { device, .. } => (device, Access::READ_OK | Access::WRITE_OK),
                InputKind::File { path, .. } => (path, Access::READ_OK),
                _ => continue,
            };
            let (grade, mut text) = device(path, wanted);
            if matches!(input.kind, InputKind::Serial { .. }) {
                text += &open_in(path);
            }
            findings.push(Finding { grade, what: format!("input {}", input.name), text });
        }
        findings.extend(history(&self.config));
        findings
    }

    /// Whether `findings` mean that all is well.
    pub fn passes(&self, findings: &[Finding]) -> bool {
        let worst = findings.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Good);
        worst < if self.strict { Grade::Warning } else { Grade::Error }
    }
}

/// The process that runs on this state directory: by its lock, which only a living server holds.
struct Holder {
    pid: Option<u32>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "the running server, process {pid}"),
            None => write!(f, "the running server"),
        }
    }
}

fn holder(state_dir: &Path) -> Option<Holder> {
    let file = File::open(state_dir.join(crate::state_dir::LOCK)).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.take(20).read_to_string(&mut text);
            Some(Holder { pid: text.trim().parse().ok() })
        }
        _ => None,
    }
}

fn state(path: &Path, holder: Option<&Holder>) -> Finding {
    let finding = |grade, text: String| Finding { grade, what: "state directory".to_owned(), text };
    let name = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.ancestors().skip(1).find(|above| above.exists());
            match above.map(|above| access(above, Access::WRITE_OK | Access::EXEC_OK)) {
                Some(Ok(())) => finding(Grade::Good, format!("{name} will be made")),
                _ => finding(Grade::Error, format!("{name} is not there and cannot be made by this user")),
            }
        }
        Err(error) => finding(Grade::Error, format!("{name}: {error}")),
        Ok(metadata) if !metadata.is_dir() => finding(Grade::Error, format!("{name} is no directory")),
        Ok(_) => match probe(path) {
            Ok(()) => {
                let by = holder.map(|holder| format!(", in use by {holder}")).unwrap_or_default();
                finding(Grade::Good, format!("{name} can be written{by}"))
            }
            // The server starts on a card that takes no more writes; it just forgets what it learns.
            Err(error) if matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull) => {
                finding(Grade::Warning, format!("{name}: nothing will outlast a restart: {error}"))
            }
            Err(error) => finding(Grade::Error, format!("{name} cannot be written by this user: {error}")),
        },
    }
}

/// Writes a file and takes it away again.
fn probe(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!("self-check-{}.tmp", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
        file.write_all(&[b' '; 512])?;
        file.sync_all()
    });
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

fn port(address: SocketAddr, bound: io::Result<()>, holder: Option<&Holder>, bad: Grade) -> (Grade, String) {
    match (bound, holder) {
        (Ok(()), _) if address.port() == 0 => (Grade::Good, format!("{address}: any free port")),
        (Ok(()), _) => (Grade::Good, format!("{address} is free")),
        (Err(error), Some(holder)) if error.kind() == io::ErrorKind::AddrInUse => {
            (Grade::Good, format!("{address} is taken, as it should be by {holder}"))
        }
        (Err(error), None) if error.kind() == io::ErrorKind::AddrInUse => {
            (bad, format!("{address} is taken by another program"))
        }
        (Err(error), _) => (bad, format!("{address}: {error}")),
    }
}

/// Something that is not plugged in is no fault: the server waits for it.
fn device(path: &Path, wanted: Access) -> (Grade, String) {
    let name = path.display();
    match access(path, wanted) {
        Ok(()) => (Grade::Good, format!("{name} is there")),
        Err(Errno::NOENT) => (Grade::Good, format!("{name} is not there now; the server waits for it")),
        Err(Errno::ACCESS) => (
            Grade::Warning,
            format!("{name} may not be used by this user; is it in the group of the device (dialout)?"),
        ),
        Err(error) => (Grade::Warning, format!("{name}: {error}")),
    }
}

/// Which program has a port open, as far as this user may know: the server itself, or one that takes part of its bytes. No
/// fault: what has it now may be gone when the server starts.
#[cfg(feature = "serial")]
fn open_in(device: &Path) -> String {
    crate::input::holder::of(device).map(|program| format!(", open in {program}")).unwrap_or_default()
}

#[cfg(not(feature = "serial"))]
fn open_in(_: &Path) -> String {
    String::new()
}

#[cfg(not(feature = "history"))]
fn history(_: &Config) -> Option<Finding> {
    None
}

/// What the recorder would make of the history that is there. What it holds is not looked through: years of it take minutes.
#[cfg(feature = "history")]
fn history(config: &Config) -> Option<Finding> {
    use crate::history::rehearsal::{Prospect, rehearse};
    use crate::history::{HistoryError, schema};

    if !config.history.enabled {
        return None;
    }
    let directory = crate::app::recording::directory(config);
    let path = directory.join(schema::FILE);
    let (name, known) = (path.display(), schema::VERSION);
    let away = format!("or move the folder {} away and begin a new one", directory.display());
    let finding = |grade, text: String| Some(Finding { grade, what: "history".to_owned(), text });
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return finding(Grade::Good, format!("{name} will be made"));
        }
        Err(error) => return finding(Grade::Warning, format!("{name}: no recording: {error}")),
        Ok(_) => {}
    }
    match rehearse(&path) {
        Ok(Prospect::Current) => finding(Grade::Good, format!("{name} opens, version {known}")),
        Ok(Prospect::Older { found, with_rows }) => {
            let copy = if with_rows { "a copy" } else { "a copy of its tables" };
            let tried = format!("it is brought up to version {known} when the server starts, as was tried in {copy}");
            finding(
                Grade::Good,
                format!("{name} has version {found}: {tried}; an older program cannot record in it then"),
            )
        }
        Err(HistoryError::Version { found, known }) if found > known => {
            let why = format!("{name} has version {found}, from a newer Taffrail; this program knows up to {known}");
            finding(
                Grade::Warning,
                format!("{why}, would leave it alone and record nothing: stay with the newer one, {away}"),
            )
        }
        Err(HistoryError::Foreign) => {
            let why = format!("{name} is the database of another program, would be left alone, and nothing recorded");
            finding(Grade::Warning, format!("{why}: set [history] path, {away}"))
        }
        Err(error) => {
            // SQLite quotes the whole statement, over many lines; what is wrong is in the first.
            let error = error.to_string();
            finding(Grade::Warning, format!("{name}: {}", error.lines().next().unwrap_or_default()))
        }
    }
}
