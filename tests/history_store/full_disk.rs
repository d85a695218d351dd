//! A file system without room.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use taffrail::history::reader::Filter;
use taffrail::history::status::State;
use taffrail::history::writer::Config;

use super::boat::{Boat, EVER, OWN, everything, integrity, same, temporary, truth_lines};

/// A file system of one megabyte, if this user may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|s| s.success()).then(|| Self(at.to_owned()))
    }

    fn remount(&self, option: &str) -> bool {
        Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(&self.0)
            .status()
            .is_ok_and(|s| s.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_degrades_history_and_nothing_that_was_written_is_lost() {
    let directory = temporary();
    let Some(disk) = SmallDisk::mount(directory.path()) else {
        println!("skipped: may not mount a small file system here");
        return;
    };
    let mut config = Config::new(directory.path(), OWN);
    config.retention.keep_free_bytes = 0;
    let mut boat = Boat::with(config);
    let mut full = 0;
    while full < 50 {
        boat.run(10);
        full += u64::from(boat.status().state != State::Recording);
        assert!(boat.seq < 2_000_000, "the disk never filled");
    }
    let durable = boat.status().durable_seq.unwrap();
    assert!(disk.remount("size=64m"));
    boat.run(130);
    let status = boat.status();
    assert_eq!(status.state, State::Recording, "{:?}", status.last_error);
    assert!(status.durable_seq.unwrap() > durable);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
    integrity(directory.path());
    // Read-only, as a card remounts itself after an error.
    boat.writer.take().unwrap().stop();
    assert!(disk.remount("ro"));
    boat.start();
    boat.run(60);
    assert!(matches!(boat.status().state, State::Degraded { .. }), "{:?}", boat.status());
    assert!(disk.remount("rw"));
    boat.run(130);
    assert_eq!(boat.status().state, State::Recording);
    same(&everything(&mut boat.reader(), &Filter::all(), EVER), &truth_lines(&boat.truth, EVER));
}
