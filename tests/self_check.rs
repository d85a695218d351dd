//! `taffrail self-check` as an owner, a package and an update meet it: what it says, and its exit status.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Checks with HTTP on `http` and no raw stream.
fn check(state: &Path, http: &str, more: &[&str]) -> (i32, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    command.args(["self-check", "--http", http, "--tcp", "off"]).args(more);
    let Output { status, stdout, stderr } = command.env_clear().env("STATE_DIRECTORY", state).output().unwrap();
    assert_eq!(String::from_utf8(stderr).unwrap(), "");
    let text = String::from_utf8(stdout).unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    (status.code().unwrap(), text.lines().map(words).collect())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn where_all_is_well_it_says_so_and_leaves_nothing_behind() {
    let folder = folder();
    let (status, lines) = check(folder.path(), "127.0.0.1:0", &["--strict"]);
    let state = folder.path().display();
    assert_eq!(status, 0);
    assert_eq!(lines[0], "ok configuration valid");
    assert_eq!(lines[1], format!("ok state directory {state} can be written"));
    assert_eq!(lines[2], "ok http 127.0.0.1:0: any free port");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_state_directory_that_is_not_there_yet_is_not_made() {
    let folder = folder();
    let state = folder.path().join("not/yet");
    let (status, lines) = check(&state, "127.0.0.1:0", &[]);
    assert_eq!((status, &*lines[1]), (0, &*format!("ok state directory {} will be made", state.display())));
    assert!(!folder.path().join("not").exists());
}

#[test]
fn a_state_directory_that_is_a_file_is_an_error() {
    let folder = folder();
    let state = folder.path().join("file");
    fs::write(&state, "").unwrap();
    let (status, lines) = check(&state, "127.0.0.1:0", &[]);
    assert_eq!((status, &*lines[1]), (1, &*format!("error state directory {} is no directory", state.display())));
}

#[test]
fn a_port_of_another_program_is_an_error() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let (status, lines) = check(folder().path(), &address, &[]);
    assert_eq!((status, &*lines[2]), (1, &*format!("error http {address} is taken by another program")));
}

#[test]
fn a_port_of_the_running_server_is_as_it_should_be() {
    let folder = folder();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    let _state = taffrail::state_dir::StateDir::open(folder.path()).unwrap();
    let (status, lines) = check(folder.path(), &address, &["--strict"]);
    let holder = format!("the running server, process {}", std::process::id());
    assert_eq!((status, &*lines[2]), (0, &*format!("ok http {address} is taken, as it should be by {holder}")));
    assert_eq!(lines[1], format!("ok state directory {} can be written, in use by {holder}", folder.path().display()));
}

#[test]
fn an_input_that_cannot_listen_is_a_warning_which_an_update_does_not_take() {
    let folder = folder();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let input = format!("gps=tcp-listen:{address}");
    for (more, wanted) in [(vec!["--input", &*input], 0), (vec!["--strict", "--input", &*input], 1)] {
        let (status, lines) = check(folder.path(), "127.0.0.1:0", &more);
        assert_eq!(
            (status, &*lines[3]),
            (wanted, &*format!("warning input gps {address} is taken by another program"))
        );
    }
}

#[test]
fn a_device_that_is_not_plugged_in_is_no_fault() {
    let (status, lines) =
        check(folder().path(), "127.0.0.1:0", &["--strict", "--input", "serial:/dev/marine/none@4800"]);
    let line = "ok input serial /dev/marine/none is not there now; the server waits for it";
    assert_eq!((status, &*lines[3]), (0, line));
}

#[test]
fn a_configuration_that_is_refused_has_the_status_of_the_server() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    let output = command.args(["self-check", "--http", "nowhere"]).env_clear().env("HOME", "/home/skipper").output();
    let output = output.unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("--http: server.http: "));
}

#[cfg(feature = "history")]
#[test]
fn a_history_that_does_not_open_is_a_warning_which_an_update_does_not_take() {
    let folder = folder();
    let history = folder.path().join("history");
    fs::create_dir(&history).unwrap();
    fs::write(history.join("history.sqlite"), "this is no database, and long enough to be looked at as one".repeat(20))
        .unwrap();
    for (more, wanted) in [(&[][..], 0), (&["--strict"][..], 1)] {
        let (status, lines) = check(folder.path(), "127.0.0.1:0", more);
        let last = lines.last().unwrap();
        assert_eq!(status, wanted, "{last}");
        assert!(last.starts_with("warning history ") && last.contains("not a database"), "{last}");
    }
}
