//! What the recorder asks of the system besides SQLite: room on the disk, and how much this thread has written.

use std::path::{Path, PathBuf};

/// The disk as the recorder sees it. Tests bring their own.
pub trait Disk: Send {
    /// Bytes that may still be written to the file system; `None` when it cannot be told.
    fn free_bytes(&self) -> Option<u64>;

    /// Bytes that the calling thread has caused to be written to storage since it started; `None` when it cannot be told.
    fn written_bytes(&self) -> Option<u64>;
}

/// The real one.
#[derive(Debug)]
pub struct SystemDisk {
    directory: PathBuf,
}

impl SystemDisk {
    /// For the file system that holds `directory`.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }
}

impl Disk for SystemDisk {
    fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.directory).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn written_bytes(&self) -> Option<u64> {
        // Linux counts what a thread dirties for block devices; the WAL and the checkpoints are both in it.
        let io = std::fs::read_to_string("/proc/thread-self/io").ok()?;
        io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.trim().parse().ok()
    }
}
