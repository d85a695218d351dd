//! Serial ports, with pseudo-terminals in their place: closing the master is pulling the plug.
#![cfg(feature = "serial")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod aboard;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aboard::{Boat, mtw, serial, temperatures_of};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::tcgetattr;
use taffrail::input::ended::Why;
use taffrail::input::ports;
use taffrail::input::status::{InputReport, State};

/// File descriptors are counted, and tests of one binary share them: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone(test: impl Future<Output = ()>) {
    let _guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// A place where a device is plugged in, under a name that lasts.
struct Socket {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl Socket {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { path: dir.path().join("gps"), dir }
    }

    /// Plugs in a new device; it is unplugged by dropping it.
    fn plug(&self) -> File {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ptsname(&master, Vec::new()).unwrap();
        let fresh = self.dir.path().join("fresh");
        symlink(Path::new(std::ffi::OsStr::from_bytes(slave.as_bytes())), &fresh).unwrap();
        fs::rename(fresh, &self.path).unwrap();
        File::from(master)
    }

    fn unplug(&self, device: File) {
        fs::remove_file(&self.path).unwrap();
        drop(device);
    }
}

fn is_running(report: &InputReport) -> bool {
    matches!(report.state, State::Running { .. })
}

fn problem(report: &InputReport) -> Option<Why> {
    report.problem.as_ref().map(|p| p.why)
}

#[test]
fn a_plug_pulled_in_mid_sentence_costs_that_sentence() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let mut boat = Boat::start(&[serial(&socket.path, Some(4800))], |_| {});
        boat.until(0, "running", is_running).await;
        assert_eq!(&*boat.report(0).object, format!("serial {} at 4800", socket.path.display()));
        device.write_all(mtw(101).as_bytes()).unwrap();
        assert_eq!(boat.temperatures(1).await, [101]);

        device.write_all(&mtw(102).as_bytes()[..10]).unwrap();
        boat.until(0, "half a sentence", |r| r.counters.bytes as usize == mtw(101).len() + 10).await;
        socket.unplug(device);
        let report = boat.until(0, "a missing port", |r| problem(r) == Some(Why::NotFound)).await;
        let text = report.problem.unwrap().text;
        assert!(text.starts_with(&format!("open serial {} at 4800: not found (", socket.path.display())), "{text}");

        let mut device = socket.plug();
        boat.until(0, "running again", is_running).await;
        device.write_all(&mtw(102).as_bytes()[10..]).unwrap();
        device.write_all(mtw(103).as_bytes()).unwrap();
        assert_eq!(boat.temperatures(1).await, [103]);
        assert_eq!((boat.report(0).reconnects, boat.report(0).counters.understood), (1, 2));
        boat.stop().await;
    });
}

#[test]
fn a_binary_file_on_the_wire_is_noise_and_the_next_sentence_is_understood() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let mut boat = Boat::start(&[serial(&socket.path, Some(38400))], |_| {});
        boat.until(0, "running", is_running).await;
        // A pseudo-terminal holds 4 KiB: what writes to it waits for the reader.
        let writing = std::thread::spawn(move || {
            device.write_all(&aboard::binary_file()).unwrap();
            device.write_all(mtw(104).as_bytes()).unwrap();
            device
        });
        assert_eq!(boat.temperatures(1).await, [104]);
        let report = boat.report(0);
        assert_eq!(report.counters.bytes as usize, aboard::binary_file().len() + mtw(104).len());
        assert!(report.counters.noise_bytes > 150_000, "{:?}", report.counters);
        assert_eq!((report.counters.understood, report.reconnects), (1, 0));
        drop(writing.join().unwrap());
        boat.stop().await;
    });
}

/// Ports that are pulled out and plugged in together, and how often: a thousand times in all.
const PORTS: usize = 8;
const ROUNDS: i64 = 125;

/// What the process has in memory for itself, in bytes.
fn own_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap().trim_end_matches("kB").trim();
    kib.parse::<u64>().unwrap() << 10
}

#[test]
fn a_thousand_times_out_and_in_again_leak_nothing_and_each_is_live_within_a_second() {
    /// A kilobyte for each time would be a leak.
    const GROWTH_MAX: u64 = 1 << 20;

    alone(async {
        let held = || {
            let files = fs::read_dir("/proc/self/fd").unwrap().count();
            (files, tokio::runtime::Handle::current().metrics().num_alive_tasks())
        };
        let sockets: Vec<Socket> = (0..PORTS).map(|_| Socket::new()).collect();
        let inputs: Vec<_> = sockets.iter().map(|socket| serial(&socket.path, Some(38400))).collect();
        let mut boat = Boat::start(&inputs, |_| {});
        let (mut after_first, mut memory) = ((0, 0), 0);
        let mut slowest = Duration::ZERO;
        for round in 0..ROUNDS {
            let plugged = tokio::time::Instant::now();
            let mut devices: Vec<File> = sockets.iter().map(Socket::plug).collect();
            for (index, device) in devices.iter_mut().enumerate() {
                boat.until(index, "running", is_running).await;
                device.write_all(mtw(round).as_bytes()).unwrap();
            }
            assert_eq!(boat.temperatures(PORTS).await, [round; PORTS]);
            slowest = slowest.max(plugged.elapsed());
            for (socket, device) in sockets.iter().zip(devices) {
                socket.unplug(device);
            }
            for index in 0..PORTS {
                boat.until(index, "unplugged", |r| problem(r) == Some(Why::NotFound) && !is_running(r)).await;
            }
            match round {
                0 => after_first = held(),
                // Buffers and tables have their size by then.
                20 => memory = own_memory(),
                _ => {}
            }
        }
        assert_eq!(held(), after_first, "open files and tasks");
        let grown = own_memory().saturating_sub(memory);
        assert!(grown < GROWTH_MAX, "{grown} bytes more after {} times", (ROUNDS - 20) * PORTS as i64);
        assert!(slowest < Duration::from_secs(1), "{slowest:?} from the plug to the values of all ports");
        for index in 0..PORTS {
            assert_eq!(boat.report(index).reconnects, ROUNDS as u64 - 1);
        }
        boat.stop().await;
    });
}

#[test]
fn however_long_a_port_was_away_it_is_live_within_a_second() {
    alone(async {
        let socket = Socket::new();
        // Looks for the device as often as the server does.
        let mut boat = Boat::start(&[serial(&socket.path, Some(38400))], |wiring| {
            wiring.timing = taffrail::input::Timing::default();
        });
        // Long enough for the pauses to have their full length.
        let pauses = RefCell::new(BTreeSet::new());
        let many = |report: &InputReport| {
            if let State::Waiting { until } = report.state {
                pauses.borrow_mut().insert(until);
            }
            pauses.borrow().len() > 3
        };
        boat.until(0, "looked for in vain", many).await;
        let plugged = tokio::time::Instant::now();
        let mut device = socket.plug();
        boat.until(0, "running", is_running).await;
        device.write_all(mtw(7).as_bytes()).unwrap();
        assert_eq!(boat.temperatures(1).await, [7]);
        assert!(plugged.elapsed() < Duration::from_secs(1), "{:?}", plugged.elapsed());
        boat.stop().await;
    });
}

#[test]
fn a_hub_that_stands_still_makes_serial_drop_and_count() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let mut boat = Boat::start_with_inbox(1, &[serial(&socket.path, Some(4800))], |_| {});
        boat.until(0, "running", is_running).await;
        for n in 0..10 {
            device.write_all(mtw(n).as_bytes()).unwrap();
            boat.until(0, "counted", |r| r.counters.understood == n as u64 + 1).await;
        }
        assert_eq!(temperatures_of(&boat.batch().await), [0]);
        boat.until(0, "nine dropped", |r| r.dropped_updates == 9).await;
        device.write_all(mtw(11).as_bytes()).unwrap();
        assert_eq!(boat.temperatures(1).await, [11], "and it reads on");
        boat.stop().await;
    });
}

#[test]
fn a_port_in_use_names_its_holder() {
    alone(async {
        let socket = Socket::new();
        let _device = socket.plug();
        let boat = Boat::start(&[serial(&socket.path, Some(4800))], |_| {});
        boat.until(0, "running", is_running).await;
        let second = Boat::start(&[serial(&socket.path, Some(4800))], |_| {});
        let report = second.until(0, "a problem", |r| r.problem.is_some()).await;
        assert_eq!(problem(&report), Some(Why::Busy));
        let text = report.problem.unwrap().text;
        assert!(text.contains(": in use by another input of this server ("), "{text}");
        boat.stop().await;
        second.until(0, "its turn", is_running).await;
        second.stop().await;
    });
}

/// Root may open a port that another program has for itself, and anybody one that is not locked: both would read, each half of it.
#[test]
fn a_port_that_another_program_has_open_is_left_alone_locked_or_not() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let theirs = File::open(&socket.path).unwrap();
        let mut other = std::process::Command::new("sleep").arg("60").stdin(theirs).spawn().unwrap();
        let mut boat = Boat::start(&[serial(&socket.path, Some(4800))], |_| {});
        let report = boat.until(0, "a problem", |r| r.problem.is_some()).await;
        assert_eq!(problem(&report), Some(Why::Busy));
        let text = report.problem.unwrap().text;
        assert!(text.contains(&format!(": in use by sleep (process {}) (", other.id())), "{text}");
        other.kill().unwrap();
        other.wait().unwrap();
        boat.until(0, "its turn", is_running).await;
        device.write_all(mtw(105).as_bytes()).unwrap();
        assert_eq!(boat.temperatures(1).await, [105]);
        boat.stop().await;
    });
}

#[test]
fn a_silent_port_is_opened_anew() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let mut boat = Boat::start(&[serial(&socket.path, Some(4800))], |wiring| {
            wiring.timing.silence = Duration::from_millis(30);
        });
        let report = boat.until(0, "opened anew", |r| r.reconnects >= 2).await;
        assert_eq!(problem(&report), Some(Why::Silent));
        let heard = async {
            // What is written between closing and opening is lost, so it is said until it is heard.
            loop {
                device.write_all(mtw(5).as_bytes()).unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            temperatures = boat.temperatures(1) => assert_eq!(temperatures, [5]),
            () = heard => {}
        }
        boat.stop().await;
    });
}

#[test]
fn the_baud_rate_is_found_and_remembered() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let mut boat = Boat::start(&[serial(&socket.path, None)], |wiring| {
            wiring.timing.baud_window = Duration::from_millis(500);
        });
        // The device talks at 9600: at any other rate the line carries junk.
        let talk = async {
            loop {
                let speed = tcgetattr(&device).unwrap().input_speed();
                let line = if speed == 9600 { mtw(77).into_bytes() } else { vec![0xf3; 20] };
                device.write_all(&line).unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            temperatures = boat.temperatures(3) => assert_eq!(temperatures, [77; 3]),
            () = talk => {}
        }
        assert!(boat.report(0).object.ends_with(" at 9600"), "{}", boat.report(0).object);

        // After a new plug the first rate tried is the right one.
        socket.unplug(device);
        boat.until(0, "unplugged", |r| problem(r) == Some(Why::NotFound)).await;
        let mut device = socket.plug();
        let mut speeds = Vec::new();
        let talk = async {
            loop {
                let speed = tcgetattr(&device).unwrap().input_speed();
                speeds.push(speed);
                device.write_all(mtw(78).as_bytes()).unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            temperatures = async { while boat.temperatures(1).await != [78] {} } => temperatures,
            () = talk => {}
        }
        assert_eq!(speeds.last(), Some(&9600), "{speeds:?}");
        assert!(boat.report(0).object.ends_with(" at 9600"), "{}", boat.report(0).object);
        boat.stop().await;
    });
}

#[test]
fn a_wrong_baud_rate_is_suspected() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let boat = Boat::start(&[serial(&socket.path, Some(4800))], |_| {});
        boat.until(0, "running", is_running).await;
        for _ in 0..50 {
            device.write_all(&[0xf3; 100]).unwrap();
        }
        let report = boat.until(0, "a problem", |r| r.problem.is_some()).await;
        assert_eq!(problem(&report), Some(Why::Malformed));
        let text = report.problem.unwrap().text;
        assert!(text.contains("baud"), "{text}");
        boat.stop().await;
    });
}

#[test]
fn a_port_is_listened_to() {
    alone(async {
        let socket = Socket::new();
        let mut device = socket.plug();
        let talk = async {
            loop {
                let speed = tcgetattr(&device).unwrap().input_speed();
                let line = if speed == 38400 { mtw(77).into_bytes() } else { vec![0xf3; 100] };
                device.write_all(&line).unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let overheard = tokio::select! {
            overheard = ports::listen(&socket.path, Duration::from_millis(300)) => overheard.unwrap(),
            () = talk => unreachable!(),
        };
        assert_eq!(overheard.baud, Some(38400));
        assert!(overheard.sentences > 0);
        assert_eq!(overheard.kinds.into_iter().collect::<Vec<_>>(), [("II".into(), "MTW".into())]);
    });
}
