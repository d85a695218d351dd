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
use std::path::{Path, PathBuf};

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
            let (grade, text) = device(path, wanted);
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

/// Where the recorder keeps its database.
fn history_file(config: &Config) -> PathBuf {
    let directory = config.history.path.clone().unwrap_or_else(|| config.server.state_dir.join("history"));
    directory.join("history.sqlite")
}

#[cfg(not(feature = "history"))]
fn history(_: &Config) -> Option<Finding> {
    None
}

/// Opens the history where there is one. What it holds is not looked through: years of it take minutes.
#[cfg(feature = "history")]
fn history(config: &Config) -> Option<Finding> {
    use rusqlite::{Connection, OpenFlags};

    if !config.history.enabled {
        return None;
    }
    let path = history_file(config);
    let name = path.display();
    let finding = |grade, text: String| Some(Finding { grade, what: "history".to_owned(), text });
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return finding(Grade::Good, format!("{name} will be made"));
        }
        Err(error) => return finding(Grade::Warning, format!("{name}: no recording: {error}")),
        Ok(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
        connection.busy_timeout(std::time::Duration::from_secs(1))?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    });
    match opened {
        Ok(version) => finding(Grade::Good, format!("{name} opens, version {version}")),
        Err(error) => finding(Grade::Warning, format!("{name}: {error}")),
    }
}
