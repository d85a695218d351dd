//! `taffrail self-check` as an owner, a package and an update meet it: what it says, and its exit status.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[cfg(feature = "history")]
mod frozen;

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
fn a_port_that_a_program_has_open_is_told_with_its_name() {
    let port = tempfile::NamedTempFile::new().unwrap();
    let input = format!("serial:{}@4800", port.path().display());
    let mut program = Command::new("sleep").arg("60").stdin(port.reopen().unwrap()).spawn().unwrap();
    let path = port.into_temp_path();
    let (status, lines) = check(folder().path(), "127.0.0.1:0", &["--strict", "--input", &input]);
    program.kill().unwrap();
    program.wait().unwrap();
    let line = format!("ok input serial {} is there, open in sleep (process {})", path.display(), program.id());
    assert_eq!((status, &*lines[3]), (0, &*line));
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

#[cfg(feature = "history")]
mod histories {
    use super::*;

    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use rusqlite::Connection;
    use taffrail::history::schema::{self, VERSION};

    /// A state directory with a history of a version, some rows in it.
    fn with_history(version: i32) -> (tempfile::TempDir, PathBuf) {
        let folder = folder();
        let history = folder.path().join("history");
        fs::create_dir(&history).unwrap();
        let file = history.join(schema::FILE);
        let known = version.min(VERSION);
        let conn = frozen::file_of_version(known as usize, &file);
        conn.execute_batch(&format!(
            "INSERT INTO name VALUES (1, 'navigation.logTrip'); PRAGMA user_version = {version};"
        ))
        .unwrap();
        (folder, file)
    }

    /// Every file below `folder`, with what is in it.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
        found
    }

    #[test]
    fn an_older_history_is_brought_up_to_date_in_a_copy() {
        for version in 1..VERSION {
            let (folder, file) = with_history(version);
            let temporary = super::folder();
            let before = files(folder.path());
            let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
            command.args(["self-check", "--strict", "--http", "127.0.0.1:0", "--tcp", "off"]).env_clear();
            let output =
                command.env("STATE_DIRECTORY", folder.path()).env("TMPDIR", temporary.path()).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let line = format!(
                "{} has version {version}: it is brought up to version {VERSION} when the server starts, as was tried in a copy; \
                 an older program cannot record in it then",
                file.display()
            );
            assert!(output.status.success(), "{text}");
            assert!(text.lines().any(|said| said.starts_with("ok ") && said.ends_with(&line)), "{text}");
            assert_eq!(files(folder.path()), before, "nothing was touched");
            assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "and no copy is left");
        }
    }

    #[test]
    fn an_older_history_that_a_power_cut_left_is_read_with_what_is_in_its_log() {
        let (folder, file) = with_history(1);
        let conn = Connection::open(&file).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 2;")
            .unwrap();
        conn.execute_batch(frozen::VERSIONS[1]).unwrap();
        // As it lies on the card: nobody has it open.
        let cut = super::folder();
        let history = cut.path().join("history");
        fs::create_dir(&history).unwrap();
        for (path, content) in files(&folder.path().join("history")) {
            fs::write(history.join(path.file_name().unwrap()), content).unwrap();
        }
        let before = files(cut.path());
        let (status, lines) = check(cut.path(), "127.0.0.1:0", &["--strict"]);
        let last = lines.last().unwrap();
        assert!(status == 0 && last.contains(" has version 2: it is brought up to version "), "{last}");
        for (path, content) in before.into_iter().filter(|(path, _)| !path.to_string_lossy().ends_with("-shm")) {
            assert_eq!(fs::read(&path).unwrap(), content, "{}", path.display());
        }
    }

    #[test]
    fn a_history_of_a_newer_program_is_told_with_both_versions_and_what_to_do_and_an_update_stops_there() {
        let (folder, file) = with_history(VERSION + 1);
        let before = files(folder.path());
        let line = format!(
            "warning history {} has version {}, from a newer Taffrail; this program knows up to {VERSION}, would leave it \
             alone and record nothing: stay with the newer one, or move the folder {} away and begin a new one",
            file.display(),
            VERSION + 1,
            file.parent().unwrap().display()
        );
        for (more, wanted) in [(&[][..], 0), (&["--strict"][..], 1)] {
            let (status, lines) = check(folder.path(), "127.0.0.1:0", more);
            assert_eq!((status, &**lines.last().unwrap()), (wanted, &*line));
        }
        assert_eq!(files(folder.path()), before, "nothing was touched");
    }

    #[test]
    fn a_history_of_this_program_leaves_no_files_behind() {
        let (folder, _) = with_history(VERSION);
        // As a server leaves it after an orderly stop.
        drop(schema::open_writer(&folder.path().join("history").join(schema::FILE)).unwrap());
        let before = files(folder.path());
        let (status, lines) = check(folder.path(), "127.0.0.1:0", &["--strict"]);
        assert!(status == 0 && lines.last().unwrap().ends_with(&format!(" opens, version {VERSION}")), "{lines:?}");
        assert_eq!(files(folder.path()), before);
    }

    #[test]
    fn a_history_that_cannot_be_brought_up_to_date_is_found_before_the_update() {
        let (folder, file) = with_history(1);
        // A table of that name is in the way of the second version.
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE keyframe (id INTEGER PRIMARY KEY);").unwrap();
        let (status, lines) = check(folder.path(), "127.0.0.1:0", &["--strict"]);
        let last = lines.last().unwrap();
        assert_eq!(status, 1);
        assert!(last.starts_with("warning history ") && last.contains("bring the database up to date: "), "{last}");
    }

    #[test]
    fn the_database_of_another_program_is_told() {
        let folder = super::folder();
        fs::create_dir(folder.path().join("history")).unwrap();
        let file = folder.path().join("history").join(schema::FILE);
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE recipe (text TEXT);").unwrap();
        let (status, lines) = check(folder.path(), "127.0.0.1:0", &["--strict"]);
        let last = lines.last().unwrap();
        assert!(status == 1 && last.contains("is the database of another program"), "{last}");
    }

    /// A program in a folder that stands for the system, with a history from a newer one, and a service manager that does
    /// nothing.
    fn system() -> (tempfile::TempDir, PathBuf) {
        use std::os::unix::fs::PermissionsExt as _;

        let root = super::folder();
        let at = |path: &str| root.path().join(path);
        for folder in ["usr/bin", "usr/lib/taffrail", "etc/taffrail", "var/lib/taffrail/history", "fake"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(at("etc/taffrail/taffrail.toml"), "[server]\nhttp = \"127.0.0.1:0\"\ntcp = \"off\"\n").unwrap();
        for program in ["usr/bin/taffrail", "fake/systemctl"] {
            fs::write(at(program), "#!/bin/sh\necho taffrail 99.0.0\n").unwrap();
            fs::set_permissions(at(program), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let file = at("var/lib/taffrail/history").join(schema::FILE);
        let conn = frozen::file_of_version(VERSION as usize, &file);
        conn.execute_batch(&format!("PRAGMA user_version = {};", VERSION + 1)).unwrap();
        (root, file)
    }

    /// Runs a script of the project on such a system; its status and what it said.
    fn script(root: &Path, script: &str, arguments: &[&str]) -> (i32, String) {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(project.join(script));
        command.args(arguments).env_clear().env("UPDATE_ROOT", root).env("UPDATE_PATIENCE", "0");
        command.env("UPDATE_TRIAL", project.join("packaging/on-trial"));
        let path = format!("{}:{}", root.join("fake").display(), std::env::var("PATH").unwrap());
        let output = command.env("PATH", path).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    #[test]
    fn an_update_to_a_program_that_is_older_than_the_history_is_refused() {
        let (root, _) = system();
        let before = files(root.path());
        let (status, said) = script(root.path(), "scripts/update.sh", &[env!("CARGO_BIN_EXE_taffrail")]);
        assert_eq!(status, 1, "{said}");
        let versions =
            format!(" has version {}, from a newer Taffrail; this program knows up to {VERSION}", VERSION + 1);
        assert!(said.contains(&versions) && said.contains("nothing was changed"), "{said}");
        assert_eq!(files(root.path()), before);
    }

    #[test]
    fn going_back_by_hand_to_such_a_program_wants_to_be_asked_for_twice() {
        let (root, _) = system();
        let previous = root.path().join("usr/lib/taffrail/previous");
        fs::copy(env!("CARGO_BIN_EXE_taffrail"), &previous).unwrap();
        let before = files(root.path());
        let (status, said) = script(root.path(), "packaging/on-trial", &["back"]);
        assert_eq!(status, 1, "{said}");
        let versions =
            format!(" has version {}, from a newer Taffrail; this program knows up to {VERSION}", VERSION + 1);
        assert!(said.contains(&versions) && said.contains("'back --anyway'"), "{said}");
        assert_eq!(files(root.path()), before);

        let (status, said) = script(root.path(), "packaging/on-trial", &["back", "--anyway"]);
        assert_eq!(status, 0, "{said}");
        assert_eq!(fs::read(root.path().join("usr/bin/taffrail")).unwrap(), fs::read(previous).unwrap());
    }
}
