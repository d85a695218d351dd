//! The state directory: the few small files that the server must find again after every start and every power cut.
//!
//! A file is replaced as a whole, in an order of steps that leaves the old or the new content whatever happens between two of
//! them:
//!
//! 1. the new content goes to `NAME.tmp` and is synced;
//! 2. what `NAME` holds becomes `NAME.bak` as well: a second name (hard link) `NAME.old` is renamed over `NAME.bak`, so that
//!    there is never a moment without a complete `NAME.bak`. A file system without hard links (FAT) gets a synced copy
//!    instead, renamed in the same way;
//! 3. `NAME.tmp` is renamed over `NAME`;
//! 4. the directory is synced, which makes the renames last.
//!
//! Reading trusts nothing: the caller says whether the content is good. A bad file is set aside under a name with the date,
//! for whoever wants to look, the copy is taken instead, and if that is bad too there is nothing, and the server starts with
//! what it has. All of it is said in [`Notice`]s.

mod disk;
mod identity;
mod instance;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::kernel::time::Timestamp;

pub use disk::{Disk, Lock, RealDisk};
pub use identity::vessel_identity;
pub use instance::server_instance;

/// The largest file that is read back; a larger one is bad. Ours have a few bytes to a few kilobytes.
pub const FILE_BYTES_MAX: usize = 16 << 20;

/// Bad files of one name that are kept for looking at; the oldest go first.
pub const BAD_FILES_MAX: usize = 5;

/// The lock of the directory, with the process number of its holder.
pub(crate) const LOCK: &str = "lock";

/// What went wrong with the directory itself, or with a write.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The directory is not there and cannot be made.
    #[error("state directory {}: cannot be made: {source}", path.display())]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another server has it.
    #[error("state directory {}: in use by {}; two servers cannot share one", path.display(), holder(*pid))]
    InUse {
        /// Which.
        path: PathBuf,
        /// The other server's process number, where it could be read.
        pid: Option<u32>,
    },
    /// The lock cannot be taken for another reason.
    #[error("state directory {}: cannot be locked: {source}", path.display())]
    Lock {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be replaced.
    #[error("state file {}: {step}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What was being done.
        step: &'static str,
        /// Why.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Something about a file that its owner should hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The file's name.
    pub file: String,
    /// What is the matter, and what was done.
    pub text: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state file {}: {}", self.file, self.text)
    }
}

/// The directory, held against other servers until this is dropped.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    disk: Box<dyn Disk>,
    _lock: Lock,
}

impl StateDir {
    /// Opens the directory, makes it where it is not there (readable by its owner alone), and locks it.
    ///
    /// # Errors
    /// When it cannot be made, or another server has it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        Self::open_on(Box::new(RealDisk), path)
    }

    /// The same on another disk: tests bring one that fails where they want.
    ///
    /// # Errors
    /// As [`StateDir::open`].
    pub fn open_on(disk: Box<dyn Disk>, path: impl Into<PathBuf>) -> Result<Self, StateError> {
        let path = path.into();
        disk.create_dir(&path).map_err(|source| StateError::Create { path: path.clone(), source })?;
        match disk.lock(&path.join(LOCK)) {
            Ok(Lock::Taken { pid }) => Err(StateError::InUse { path, pid }),
            Ok(lock) => {
                // A server that was killed between renaming and syncing left names that a power cut could still take back:
                // what is read from here on must last. A disk that cannot do this says so at the first write.
                let _ = disk.sync_dir(&path);
                Ok(Self { path, disk, _lock: lock })
            }
            Err(source) => Err(StateError::Lock { path, source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file `name`. When this returns well, the new content survives a power cut; when it fails, the old or the
    /// new content does.
    ///
    /// # Errors
    /// Names the step that failed.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let file = self.file(name);
        let temporary = self.file(&format!("{name}.tmp"));
        let at = |step: &'static str| {
            let path = file.clone();
            move |source| StateError::Write { path, step, source }
        };
        if bytes.len() > FILE_BYTES_MAX {
            return Err(at("too large to be read back")(io::ErrorKind::InvalidInput.into()));
        }
        let written = self.disk.write_synced(&temporary, bytes).map_err(at("write the new content"));
        let written = written.and_then(|()| self.keep_copy(name).map_err(at("keep the old content")));
        let written =
            written.and_then(|()| self.disk.rename(&temporary, &file).map_err(at("put the new content in place")));
        if written.is_err() {
            // The new content must not take room on a disk that may be full. If this fails too, the next write reuses it.
            let _ = self.disk.remove(&temporary);
        }
        written?;
        self.disk.sync_dir(&self.path).map_err(at("sync the directory"))
    }

    /// Step 2 of a write. A link that a killed write left behind is removed first: renaming one name of a file to another
    /// name of the same file does nothing (POSIX), so it can be in the way.
    fn keep_copy(&self, name: &str) -> io::Result<()> {
        let (file, old, copy) = (self.file(name), self.file(&format!("{name}.old")), self.file(&format!("{name}.bak")));
        absent_is_fine(self.disk.remove(&old))?;
        match self.disk.link(&file, &old) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => {
                let bytes = self.disk.read(&file, FILE_BYTES_MAX)?;
                self.disk.write_synced(&old, &bytes)?;
            }
        }
        self.disk.rename(&old, &copy)
    }

    /// What the file `name` holds, as far as `parse` finds it good; else what its copy holds; else nothing. A bad file is set
    /// aside, so that the next write does not make a copy of it.
    pub fn read<T, E: fmt::Display>(
        &self,
        name: &str,
        parse: impl Fn(&[u8]) -> Result<T, E>,
    ) -> (Option<T>, Vec<Notice>) {
        let mut notices = Vec::new();
        let copy = format!("{name}.bak");
        let mut value = self.read_one(name, name, &parse, &mut notices);
        if value.is_none() {
            value = self.read_one(name, &copy, &parse, &mut notices);
            if value.is_some() {
                let text = format!("the content before the last change is used, from {copy}");
                notices.push(Notice { file: name.to_owned(), text });
            } else if !notices.is_empty() {
                let text = "nothing good is left of it; the server starts without".to_owned();
                notices.push(Notice { file: name.to_owned(), text });
            }
        }
        for notice in &notices {
            tracing::warn!("{notice}");
        }
        (value, notices)
    }

    /// Names of files that begin with `prefix`, sorted; those of copies (`.bak`) and of writes under way (`.tmp`) too.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn names(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut names = self.disk.list(&self.path)?;
        names.retain(|name| name.starts_with(prefix));
        names.sort();
        Ok(names)
    }

    fn read_one<T, E: fmt::Display>(
        &self,
        name: &str,
        file: &str,
        parse: impl Fn(&[u8]) -> Result<T, E>,
        notices: &mut Vec<Notice>,
    ) -> Option<T> {
        let why = match self.disk.read(&self.file(file), FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            // Nothing is wrong with the content as far as anybody knows, so it stays where it is.
            Err(error) if error.kind() != io::ErrorKind::InvalidData => {
                notices.push(Notice { file: file.to_owned(), text: format!("cannot be read: {error}") });
                return None;
            }
            Err(error) => error.to_string(),
            Ok(bytes) => match parse(&bytes) {
                Ok(value) => return Some(value),
                Err(error) => error.to_string(),
            },
        };
        let text = match self.set_aside(name, file) {
            Ok(aside) => format!("bad ({why}); set aside as {aside}"),
            Err(error) => format!("bad ({why}); cannot be set aside: {error}"),
        };
        notices.push(Notice { file: file.to_owned(), text });
        None
    }

    /// Renames a bad file to `NAME.bad-<UTC date>` and forgets the oldest of those beyond [`BAD_FILES_MAX`].
    fn set_aside(&self, name: &str, file: &str) -> io::Result<String> {
        let prefix = format!("{name}.bad-");
        let mut kept: Vec<String> = self.disk.list(&self.path)?;
        kept.retain(|file| file.starts_with(&prefix));
        kept.sort();
        let stamp = format!("{prefix}{}", compact_now());
        // Two in one second, a file and its copy, differ by a number.
        let free = |candidate: &String| !kept.contains(candidate);
        let aside = std::iter::once(stamp.clone()).chain((2..100).map(|n| format!("{stamp}-{n}"))).find(free);
        let aside = aside.unwrap_or(stamp);
        self.disk.rename(&self.file(file), &self.file(&aside))?;
        let too_many = (kept.len() + 1).saturating_sub(BAD_FILES_MAX);
        for oldest in kept.iter().take(too_many) {
            absent_is_fine(self.disk.remove(&self.file(oldest)))?;
        }
        self.disk.sync_dir(&self.path)?;
        Ok(aside)
    }

    fn file(&self, name: &str) -> PathBuf {
        debug_assert!(!name.is_empty() && !name.contains('/') && !name.starts_with('.'), "a plain file name");
        self.path.join(name)
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The time as it can stand in a file name: `20260131T235959Z`.
#[allow(clippy::disallowed_methods, reason = "the date in a file name; nothing is decided by it")]
fn compact_now() -> String {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let text = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(0)).to_string();
    let mut compact: String = text.chars().filter(|c| *c != '-' && *c != ':').take(15).collect();
    compact.push('Z');
    compact
}
