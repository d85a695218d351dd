//! `taffrail import`: recordings into the history.
//!
//! Whatever happens on the way, the same command goes on where it was: what is in is in, once. A server that runs on the
//! history keeps it out, since there is one writer.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use compact_str::CompactString;

use super::convert::time;
use super::{Command, Refusal};
use crate::app;
use crate::app::import::{Destination, ImportError};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Flags};
use crate::history::import::{Content, Import};
use crate::input::DeltaLimits;
use crate::input::log_file::{self, Counts, LogFile, Reading, Survey};
use crate::kernel::model::names;
use crate::kernel::time::{Moment, Timestamp};
use crate::state_dir::StateDir;

/// The line on the terminal is written anew this often.
const PROGRESS_INTERVAL_MS: u64 = 200;

/// Bring recordings into the history: NMEA 0183, Signal K deltas, hourly logs of the Node server, each also as .gz
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A file that is in already is passed over, under whatever name; one that was interrupted is gone on with. The server must \
not be running.

Exit status: 0 when all of every file is in; 1 when something went wrong; 64 for a wrong command line.")]
pub struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// The recordings
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// When a recording that names no date begins, such as 2026-06-15T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Timestamp>,
    /// What the sources of its sentences are to be called: NAME.GP and the like
    #[arg(long, value_name = "NAME", default_value = "import", value_parser = source)]
    source: String,
    /// The context that is this boat in recorded deltas, such as vessels.urn:mrn:imo:mmsi:230029970 [default: what their
    /// hello says]
    #[arg(long, value_name = "CONTEXT", value_parser = own_context)]
    own: Option<String>,
    /// Take sentences without a checksum, and with a wrong one
    #[arg(long)]
    no_checksum: bool,
}

fn source(text: &str) -> Result<String, &'static str> {
    let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_word.then(|| text.to_owned()).ok_or("letters, digits, - and _ were expected")
}

/// Reads the context of a vessel.
pub(super) fn own_context(text: &str) -> Result<String, &'static str> {
    let is_vessel = text.starts_with("vessels.") && names::context_is_valid(text);
    is_vessel.then(|| text.to_owned()).ok_or("a vessel such as vessels.urn:mrn:imo:mmsi:230029970 was expected")
}

/// What is to be brought in, and where.
#[derive(Debug)]
pub struct Task {
    arguments: Arguments,
    config: Config,
}

/// Reads the configuration.
///
/// # Errors
/// A configuration that is refused.
pub fn read(
    outer: Flags,
    arguments: Arguments,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Command, Refusal> {
    let (config, _) = super::load(arguments.flags.clone().over(outer), variables)?;
    Ok(Command::Import(Box::new(Task { arguments, config })))
}

/// Brings the files in, one after the other; a file that cannot be read is said and passed over. `print` is given a sentence
/// or two on each when it is done.
///
/// # Errors
/// A history that is in use, or not all of every file is in.
pub fn run(task: &Task, mut print: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let Task { arguments, config } = task;
    let state = StateDir::open(&config.server.state_dir)
        .map_err(|error| anyhow::anyhow!("{error}; stop the server, then import"))?;
    let destination = Destination::new(config, &state);
    let mut import = destination.open()?;
    let clock = SystemClock::new();
    let mut progress = Progress::new(&clock);
    let mut failed = 0;
    for path in &arguments.files {
        let told = task.file(path, &destination, &mut import, &mut progress);
        progress.clear();
        match told {
            Ok(text) => print(&format!("{}: {text}\n", path.display()))?,
            Err(error) => {
                failed += 1;
                let _ = writeln!(io::stderr(), "taffrail: {}: {error:#}", path.display());
                let is_of_the_file = !matches!(
                    error.downcast_ref::<ImportError>(),
                    Some(ImportError::History(_) | ImportError::DiskFull { .. } | ImportError::HistoryFull { .. })
                );
                if !is_of_the_file {
                    break;
                }
            }
        }
    }
    import.settle(clock.now().wall, |hour| {
        progress.show(|| format!("putting the hours in order, {hour}"));
        true
    })?;
    progress.clear();
    if import.refused() > 0 {
        print(&format!("{} values could not be kept: too long, or beyond all calendars\n", import.refused()))?;
    }
    import.close();
    anyhow::ensure!(failed == 0, "{failed} of {} files not brought in, or not all of them", arguments.files.len());
    Ok(())
}

impl Task {
    /// Brings in one file, and says what came of it.
    fn file(
        &self,
        path: &Path,
        destination: &Destination<'_>,
        import: &mut Import,
        progress: &mut Progress<'_>,
    ) -> anyhow::Result<String> {
        let Arguments { start, source, own, no_checksum, .. } = &self.arguments;
        let size = std::fs::metadata(path)?.len().max(1);
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let limits =
            DeltaLimits { line_bytes_max: self.config.limits.message_bytes, depth_max: self.config.limits.depth };
        let percent = |bytes: u64| bytes.min(size) * 100 / size;
        let survey = log_file::survey(path, limits, |bytes| {
            progress.show(|| format!("{name}: looking through it, {} %", percent(bytes)));
            true
        })?;
        if survey.bytes == 0 {
            return Ok("empty".to_owned());
        }
        anyhow::ensure!(survey.is_known(), "no line of it is a sentence of NMEA 0183 or a Signal K delta");
        let start = match (survey.first, start) {
            (Some(first), _) => first,
            (None, Some(start)) => *start,
            (None, None) => anyhow::bail!(
                "nothing in it tells the date; say when it begins with --start, such as --start 2026-06-15T12:00:00Z"
            ),
        };
        let settings = settings(&survey, start, &self.arguments);
        let content = Content { bytes: survey.bytes, hash: survey.hash };
        let begun = import.begin(&content, &name, &settings, progress.clock.now().wall)?;
        if begun.is_complete {
            return Ok(format!("already imported, as {}: {} values", begun.name, begun.points));
        }
        anyhow::ensure!(
            begun.lines == 0 || begun.settings == settings,
            "it was begun with other settings ({}); go on with those",
            begun.settings
        );
        let own = own.as_ref().map(CompactString::new).or_else(|| survey.own.clone());
        let reading = Reading {
            source: Arc::from(source.as_str()),
            own,
            checksum_ignored: *no_checksum,
            delta: app::read_delta,
            limits,
        };
        let mut log = LogFile::open(path, &survey, start, reading)?;
        let mut range: Option<(Timestamp, Timestamp)> = None;
        destination.bring(import, &mut log, (begun.lines, source), |log, at| {
            let (first, last) = range.unwrap_or((at, at));
            range = Some((first.min(at), last.max(at)));
            progress.show(|| {
                let read = log.read_bytes();
                let (megabytes, lines) = (read as f64 / 1e6, log.counts().lines);
                format!("{name}: {} % ({megabytes:.1} MB), {lines} lines, up to {at}", percent(read))
            });
        })?;
        let points = import.points();
        Ok(summary(&log.counts(), range, points))
    }
}

/// How a file is read, in words: going on with it must mean the same.
fn settings(survey: &Survey, start: Timestamp, arguments: &Arguments) -> String {
    let mut text = format!("--source {}", arguments.source);
    if let Some(own) = &arguments.own {
        let _ = write!(text, " --own {own}");
    }
    if survey.first.is_none() {
        let _ = write!(text, " --start {start}");
    }
    if arguments.no_checksum {
        text.push_str(" --no-checksum");
    }
    text
}

fn summary(counts: &Counts, range: Option<(Timestamp, Timestamp)>, points: u64) -> String {
    let mut text = format!("{points} values of {} lines", counts.lines);
    if let Some((first, last)) = range {
        let _ = write!(text, ", {first} to {last}");
    }
    let s = &counts.sentences;
    let not_used = [
        (s.unknown, "of a kind that is not known"),
        (s.bad_checksum, "with a wrong checksum or none"),
        (s.malformed, "that cannot be"),
        (counts.bad_deltas, "with a delta of which nothing could be used"),
        (counts.nmea2000, "of NMEA 2000, which is not understood yet"),
        (counts.overlong, "too long"),
        (counts.other, "of something else"),
    ];
    for (i, (count, what)) in not_used.iter().filter(|(count, _)| *count > 0).enumerate() {
        let _ = write!(text, "{} {count} {what}", if i == 0 { "; not used:" } else { "," });
    }
    text
}

/// The line on the terminal that says how far it is; nothing where there is no terminal.
struct Progress<'a> {
    clock: &'a SystemClock,
    is_on: bool,
    shown_at: Option<Moment>,
    asked: u32,
}

impl<'a> Progress<'a> {
    fn new(clock: &'a SystemClock) -> Self {
        Self { clock, is_on: io::stderr().is_terminal(), shown_at: None, asked: 0 }
    }

    fn show(&mut self, text: impl FnOnce() -> String) {
        /// Not at every line is the clock looked at.
        const ASKED_PER_LOOK: u32 = 256;
        self.asked = self.asked.wrapping_add(1);
        if !self.is_on || self.asked % ASKED_PER_LOOK != 0 {
            return;
        }
        let now = self.clock.now().mono;
        if self.shown_at.is_none_or(|at| now.since(at) >= PROGRESS_INTERVAL_MS) {
            self.shown_at = Some(now);
            let _ = write!(io::stderr(), "\r\x1b[K{}", text());
        }
    }

    fn clear(&mut self) {
        if self.shown_at.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
