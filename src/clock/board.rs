//! What the machine says about its clock.
//!
//! Whether the kernel's clock is synchronised is a question for `adjtimex`, but a service must not ask it: systemd's
//! `ProtectClock` and the system call filter of our unit forbid the call even for reading. So two others are asked: the file
//! that `systemd-timesyncd` leaves (systemd-timesyncd.service(8), "Files"), which costs nothing, and now and then
//! `systemd-timedated`, which asks the kernel for everybody (org.freedesktop.timedate1(5), `NTPSynchronized`) and so knows
//! it of any time daemon: chrony and ntpd leave no file that others may read.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::trust::{BUILT_AFTER, Grounds};
use crate::kernel::time::Timestamp;

/// The question to `systemd-timedated`. It answers with `yes` or `no`.
const QUESTION: [&str; 4] = ["timedatectl", "show", "--property=NTPSynchronized", "--value"];
/// How long the answer may take: on a slow board the service has to be started for it.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Where to look. A test has files of its own.
#[derive(Debug, Clone)]
pub struct Board {
    /// Files that hold the name of the board; any of them. Computers that are described by firmware (ACPI) have none.
    pub model: Vec<PathBuf>,
    /// Directory with an entry for each real-time clock.
    pub rtc: PathBuf,
    /// Exists once the system has synchronised the clock since it was switched on.
    pub synchronised: PathBuf,
    /// A program and its arguments; it prints `yes` when the kernel's clock is synchronised. Empty to ask nobody.
    pub question: Vec<String>,
}

impl Default for Board {
    /// Linux.
    fn default() -> Self {
        Self {
            model: vec!["/proc/device-tree/model".into(), "/sys/firmware/devicetree/base/model".into()],
            rtc: "/sys/class/rtc".into(),
            synchronised: "/run/systemd/timesync/synchronized".into(),
            question: QUESTION.map(str::to_owned).into(),
        }
    }
}

impl Board {
    /// A machine that has none of these.
    pub fn unknown() -> Self {
        Self { model: Vec::new(), rtc: PathBuf::new(), synchronised: PathBuf::new(), question: Vec::new() }
    }

    /// What speaks for the clock from the start.
    pub fn grounds(&self) -> Option<Grounds> {
        if self.name().is_none() {
            return Some(Grounds::Computer);
        }
        self.has_valid_rtc().then_some(Grounds::RealTimeClock)
    }

    /// Whether `systemd-timesyncd` has synchronised the clock.
    pub fn is_synchronised(&self) -> bool {
        self.synchronised.exists()
    }

    /// Whether the kernel's clock is synchronised, by whomever. No where nobody can say.
    pub async fn kernel_is_synchronised(&self) -> bool {
        let Some((program, arguments)) = self.question.split_first() else { return false };
        let mut asking = Command::new(program);
        asking.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(ANSWER_TIME, asking.output()).await {
            Ok(Ok(answer)) => answer.status.success() && answer.stdout.trim_ascii() == b"yes",
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// The name of the board.
    pub fn name(&self) -> Option<String> {
        let bytes = self.model.iter().find_map(|path| std::fs::read(path).ok())?;
        // The device tree ends its texts with a zero.
        let name = String::from_utf8_lossy(&bytes).trim_matches(['\0', '\n', ' ']).to_owned();
        (!name.is_empty()).then_some(name)
    }

    /// Whether one of the real-time clocks kept a time that can be. That of a Raspberry Pi 5 without a battery is there and
    /// counts from 1970.
    fn has_valid_rtc(&self) -> bool {
        let entries = std::fs::read_dir(&self.rtc).into_iter().flatten().flatten();
        entries.filter_map(|entry| seconds(&entry.path())).any(|s| Timestamp::from_millis(s * 1_000) >= BUILT_AFTER)
    }
}

/// The time of a clock in seconds since 1970 (Linux, `Documentation/ABI/testing/sysfs-class-rtc`).
fn seconds(rtc: &Path) -> Option<i64> {
    let seconds: i64 = std::fs::read_to_string(rtc.join("since_epoch")).ok()?.trim().parse().ok()?;
    (0..=253_402_300_799).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(model: Option<&str>, rtcs: &[&str]) -> (tempfile::TempDir, Board) {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        if let Some(model) = model {
            std::fs::write(at("model"), model).unwrap();
        }
        for (n, time) in rtcs.iter().enumerate() {
            std::fs::create_dir_all(at(&format!("rtc/rtc{n}"))).unwrap();
            std::fs::write(at(&format!("rtc/rtc{n}/since_epoch")), time).unwrap();
        }
        let board = Board {
            model: vec![at("none"), at("model")],
            rtc: at("rtc"),
            synchronised: at("synchronized"),
            question: Vec::new(),
        };
        (root, board)
    }

    #[test]
    fn a_board_is_believed_when_a_real_time_clock_has_a_time_that_can_be() {
        let none: &[&str] = &[];
        let table = [
            ("a PC", None, none, Some(Grounds::Computer)),
            ("a Pi Zero 2", Some("Raspberry Pi Zero 2 W Rev 1.0\0"), none, None),
            ("a Pi 5 without a battery", Some("Raspberry Pi 5 Model B Rev 1.0\0"), &["37\n"], None),
            (
                "a Pi 5 with one",
                Some("Raspberry Pi 5 Model B Rev 1.0\0"),
                &["1800000000\n"],
                Some(Grounds::RealTimeClock),
            ),
            ("the second of two", Some("x\0"), &["0", "1800000000"], Some(Grounds::RealTimeClock)),
            ("a clock that cannot be read", Some("x\0"), &["?"], None),
        ];
        for (what, model, rtcs, expected) in table {
            assert_eq!(board(model, rtcs).1.grounds(), expected, "{what}");
        }
        assert_eq!(board(Some("Raspberry Pi 5\0"), &[]).1.name().unwrap(), "Raspberry Pi 5");
        assert_eq!(Board::unknown().grounds(), Some(Grounds::Computer));
    }

    #[tokio::test]
    async fn the_kernel_is_synchronised_when_the_answer_is_yes() {
        let asked = |question: &[&str]| Board {
            question: question.iter().map(|&part| part.to_owned()).collect(),
            ..Board::unknown()
        };
        let table: [(&[&str], bool); 6] = [
            (&["echo", "yes"], true),
            (&["echo", "no"], false),
            (&["echo"], false),
            (&["sh", "-c", "echo yes; exit 1"], false),
            (&["/nowhere/timedatectl"], false),
            (&[], false),
        ];
        for (question, expected) in table {
            assert_eq!(asked(question).kernel_is_synchronised().await, expected, "{question:?}");
        }
    }

    #[test]
    fn the_file_of_the_time_daemon_is_seen_when_it_comes() {
        let (_root, board) = board(None, &[]);
        assert!(!board.is_synchronised());
        std::fs::write(&board.synchronised, "").unwrap();
        assert!(board.is_synchronised());
    }
}
