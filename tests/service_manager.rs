//! The server as systemd meets it: what it says on the notification socket from start to stop.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A server that is killed when the test is over, however it is.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The next message, within ten seconds.
fn next(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("the server says something within ten seconds");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn it_says_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    command.args(["run", "--input", "demo", "--http", "127.0.0.1:0", "--tcp", "off", "--no-mdns"]);
    command.env_clear().env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    command.env("STATE_DIRECTORY", folder.path().join("state"));
    let mut server = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());

    let first = next(&socket);
    let [ready, status] = first.lines().collect::<Vec<_>>()[..] else { panic!("{first}") };
    assert_eq!(ready, "READY=1");
    assert!(status.starts_with("STATUS=port ") && status.ends_with("of 1 inputs up, connections: 0"), "{status}");

    // The hub makes rounds: a heartbeat, and not only the first.
    assert_eq!([next(&socket), next(&socket)], ["WATCHDOG=1\n", "WATCHDOG=1\n"]);

    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    let stopping = std::iter::repeat_with(|| next(&socket)).find(|said| said != "WATCHDOG=1\n").unwrap();
    assert_eq!(stopping.lines().next(), Some("STOPPING=1"));
    assert!(server.0.wait().unwrap().success());
}

#[test]
fn without_a_service_manager_it_starts_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    command.args(["run", "--input", "demo", "--http", "127.0.0.1:0", "--tcp", "off", "--no-mdns"]);
    // A socket that is gone is a warning in the log and no more.
    command.env_clear().env("NOTIFY_SOCKET", folder.path().join("gone")).env("STATE_DIRECTORY", folder.path());
    let mut server = Killed(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    let stdout = server.0.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert!(line.contains(" is up: http://127.0.0.1:"), "{line}");
}
