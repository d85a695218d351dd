//! What the state directory needs of a file system, small enough that a test can stand in for it and fail at every step.

use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The operations, each as lasting or as passing as its name says.
pub trait Disk: Debug + Send + Sync {
    /// Makes a directory and those above it, for the owner alone; one that is there is left as it is.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Everything in a file; `InvalidData` when it is more than `bytes_max`.
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>>;
    /// Writes a file from its beginning, and returns when its content is on the disk. Its name may not be yet.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Gives a file a second name, which must be free.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of a file that may have had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Names in a directory.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Returns when all names of a directory are on the disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes the lock at `path`, without waiting.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
}

/// A lock that was asked for.
#[derive(Debug)]
pub enum Lock {
    /// Ours until the file is closed; the kernel gives it back when the process ends, however it ends. Without a file the
    /// disk knows of no other users.
    Held(Option<File>),
    /// Somebody else has it.
    Taken {
        /// Who, where that could be read.
        pid: Option<u32>,
    },
}

/// The one of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > bytes_max {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {bytes_max} bytes")));
        }
        Ok(bytes)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        std::fs::hard_link(file, name)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = match opened {
            // A card that was remounted read-only must not keep the server from starting. A lock needs no writing, and
            // where there is no file yet, nobody has one.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lock::Held(None)),
                opened => opened?,
            },
            opened => opened?,
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // For the message of the next who tries. The lock holds without it, on a full disk for one.
                let _ = file.set_len(0).and_then(|()| file.rewind());
                let _ = writeln!(file, "{}", std::process::id());
                Ok(Lock::Held(Some(file)))
            }
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let _ = file.take(20).read_to_string(&mut text);
                Ok(Lock::Taken { pid: text.trim().parse().ok() })
            }
            Err(error) => Err(error.into()),
        }
    }
}
