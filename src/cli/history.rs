//! `taffrail history`: what has been recorded, and care for it.
//!
//! `status` and `check` read only, also while the server runs. `prune` and `vacuum` change the database, and refuse while a
//! server holds it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::convert::time;
use super::{Command, Refusal};
use crate::config::{Config, Flags};
use crate::history::reader::Reader;
use crate::history::record::{Epoch, Gap};
use crate::history::upkeep;
use crate::kernel::time::Timestamp;
use crate::state_dir::StateDir;

/// Gaps that `status` lists; of more it says how many.
const GAPS_SHOWN_MAX: usize = 20;

/// The same of times that the clock was set or became trusted.
const EPOCHS_SHOWN_MAX: usize = 5;

/// The flags of `taffrail history`.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Show what has been recorded, its size and its gaps
    Status(Flags),
    /// Look through the whole database for damage
    Check(Flags),
    /// Give the room of what was dropped back to the disk (only while no server runs)
    Vacuum(Flags),
    /// Drop what is older than a time (only while no server runs)
    Prune(Prune),
}

#[derive(Debug, Clone, clap::Args)]
struct Prune {
    #[command(flatten)]
    flags: Flags,
    /// Stretches of up to an hour that end before this go: 2026-06-15T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Timestamp,
}

/// What is to be done, and where.
#[derive(Debug)]
pub struct Task {
    action: Action,
    place: Place,
}

/// Where a history is, and the directory whose lock its server holds.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory of the database.
    pub history: PathBuf,
    /// The state directory, which a server holds.
    state: PathBuf,
}

impl Place {
    /// That of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        Self { history: crate::app::recording::directory(config), state: config.server.state_dir.clone() }
    }

    /// Keeps servers out for as long as what is given back lives.
    fn held(&self) -> anyhow::Result<StateDir> {
        Ok(StateDir::open(&self.state)?)
    }
}

/// Reads the configuration.
///
/// # Errors
/// A configuration that is refused.
pub fn read(
    outer: Flags,
    Arguments { action }: Arguments,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Refusal> {
    let (Action::Status(flags) | Action::Check(flags) | Action::Vacuum(flags) | Action::Prune(Prune { flags, .. })) =
        &action;
    let (config, _) = super::load(flags.clone().over(outer), variables)?;
    Ok(Command::History(Box::new(Task { action, place: Place::of(&config) })))
}

/// Does it. What is to be printed comes back.
///
/// # Errors
/// A database that is not there, cannot be read, is damaged or in use.
pub fn run(task: &Task) -> anyhow::Result<String> {
    let directory = &task.place.history;
    match &task.action {
        Action::Status(_) => status(directory),
        Action::Check(_) => {
            let damage = upkeep::check(directory)?;
            anyhow::ensure!(damage.is_empty(), "{} is damaged:\n{}", directory.display(), damage.join("\n"));
            Ok(format!("{}: no damage found\n", directory.display()))
        }
        Action::Vacuum(_) => {
            let _held = task.place.held()?;
            let (before, after) = upkeep::vacuum(directory)?;
            Ok(format!("{}: from {} to {}\n", directory.display(), bytes(before), bytes(after)))
        }
        Action::Prune(Prune { before, .. }) => {
            let _held = task.place.held()?;
            let windows = upkeep::prune(directory, *before)?;
            Ok(format!("{windows} stretches of up to an hour dropped; `taffrail history vacuum` gives the room back\n"))
        }
    }
}

fn status(directory: &Path) -> anyhow::Result<String> {
    let mut reader = Reader::open(directory, None)?;
    let bounds = reader.bounds()?;
    let size = upkeep::size(directory)?;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}: {}, of which {} are free for reuse",
        directory.display(),
        bytes(size.file),
        bytes(size.free)
    );
    let (Some(from), Some(to)) = (bounds.from, bounds.to) else {
        out.push_str("nothing has been recorded yet\n");
        return Ok(out);
    };
    let contexts = reader.contexts(from, to.plus_millis(1))?;
    let _ = writeln!(out, "from {from} to {to}, {} contexts, {} series", contexts.len(), size.series);
    if let (Some(oldest), Some(newest)) = (bounds.oldest_seq, bounds.newest_seq) {
        let _ = writeln!(out, "clients may resume from {oldest} to {newest}");
    }
    let gaps = reader.gaps(Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX))?;
    if gaps.len() > GAPS_SHOWN_MAX {
        let _ = writeln!(out, "{} gaps, the newest:", gaps.len());
    }
    for Gap { from, to, reason, .. } in &gaps[gaps.len().saturating_sub(GAPS_SHOWN_MAX)..] {
        let _ = writeln!(out, "gap {from} to {to}: {}", reason.as_str());
    }
    let epochs = reader.epochs()?;
    if epochs.len() > EPOCHS_SHOWN_MAX {
        let _ = writeln!(out, "the clock was set {} times, the last:", epochs.len());
    }
    for Epoch { at, offset_ms, .. } in &epochs[epochs.len().saturating_sub(EPOCHS_SHOWN_MAX)..] {
        let _ = writeln!(out, "clock set to {at}, {:+} s from before", *offset_ms as f64 / 1_000.0);
    }
    Ok(out)
}

/// A size for people.
fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}
