//! The command line and the environment: what can be said there, what goes over what, and what is refused.

use super::program::{report, reports, taffrail};

#[test]
fn the_command_line_is_refused_with_64_too() {
    let code = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = taffrail("", arguments, variables);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(code(&["--windlass"], &[]).0, Some(64));
    assert_eq!(code(&["windlass"], &[]).0, Some(64));
    assert_eq!(code(&["--mmsi", "230099999", "man"], &[]).0, Some(64));
    let (status, errors) = code(&["--config", "none.toml"], &[]);
    assert_eq!(status, Some(64));
    assert!(errors.starts_with("none.toml: cannot be opened: "), "{errors}");
    assert_eq!(code(&["check-config"], &[("TAFFRAIL_CONFIG", "none.toml")]), (Some(64), errors));
    let log = "found \"loud=very=much\", expected error, warn, info, debug, trace or off\n";
    assert_eq!(code(&["--log", "loud=very=much"], &[]), (Some(64), format!("--log: {log}")));
    assert_eq!(code(&[], &[("TAFFRAIL_LOG", "loud=very=much")]), (Some(64), format!("TAFFRAIL_LOG: {log}")));
    let (status, errors) = code(&["check-config", "--demo-seed", "1", "--input", "stdin"], &[]);
    assert_eq!((status, errors.contains("--demo-seed: input: there is no demo input")), (Some(64), true), "{errors}");
    assert_eq!(code(&["check-config"], &[("HOME", "")]).0, Some(64));
    assert_eq!(code(&["check-config"], &[("XDG_STATE_HOME", "here")]).0, Some(64));
}

#[test]
fn help_version_and_completions_are_answers() {
    let text = |arguments: &[&str]| {
        let output = taffrail("", arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(text(&["--version"]), format!("taffrail {}\n", env!("CARGO_PKG_VERSION")));
    let help = text(&["--help"]);
    assert!(help.contains("check-config") && help.contains("--input"), "{help}");
    assert!(!help.contains("completions") && !help.contains(" man "), "{help}");
    assert!(text(&["man"]).contains(".TH taffrail 1"));
    assert!(text(&["completions", "bash"]).contains("_taffrail"));
}

#[test]
fn flags_go_over_the_environment_over_the_file_over_defaults() {
    let file = "[server]\nhttp = \"127.0.0.1:1001\"\n";
    let variable = [("TAFFRAIL_SERVER_HTTP", "127.0.0.1:1002")];
    let flag = ["--http", "127.0.0.1:1003"];
    reports("", &[], &[], "http = \"0.0.0.0:3000\" # default");
    reports(file, &[], &[], "http = \"127.0.0.1:1001\" # boat.toml:2");
    reports(file, &[], &variable, "http = \"127.0.0.1:1002\" # env TAFFRAIL_SERVER_HTTP");
    reports(file, &flag, &variable, "http = \"127.0.0.1:1003\" # flag --http");
    reports("", &flag, &variable, "http = \"127.0.0.1:1003\" # flag --http");
    // Before or after the command.
    let output = taffrail(file, &["--http", "127.0.0.1:1004", "--config", "boat.toml", "check-config"], &variable);
    assert!(String::from_utf8(output.stdout).unwrap().contains("127.0.0.1:1004"));
}

#[test]
fn every_kind_of_variable_is_read() {
    let cases = [
        ("TAFFRAIL_SERVER_TCP", "off", "tcp = \"off\""),
        ("TAFFRAIL_SERVER_MDNS", "false", "mdns = false"),
        ("TAFFRAIL_SERVER_MDNS_INTERFACES", "eth0,wlan0", "mdns_interfaces = [\"eth0\", \"wlan0\"]"),
        ("TAFFRAIL_SERVER_EXTERNAL_PORT", "80", "external_port = 80"),
        ("EXTERNALPORT", "443", "external_port = 443"),
        ("TAFFRAIL_SERVER_PING_INTERVAL_MS", "5000", "ping_interval_ms = 5000"),
        ("TAFFRAIL_SERVER_ALLOW_WRITE", "10.0.0.0/8, ::1", "allow_write = [\"10.0.0.0/8\", \"::1\"]"),
        ("TAFFRAIL_SERVER_ALLOW_WRITE", "", "allow_write = []"),
        ("TAFFRAIL_VESSEL_MMSI", "230099999", "mmsi = \"230099999\""),
        ("TAFFRAIL_VESSEL_DRAFT", "2", "draft = 2.0"),
        ("TAFFRAIL_VESSEL_GPS_FROM_CENTER", "-0.5", "gps_from_center = -0.5"),
        ("TAFFRAIL_HISTORY_MAX_SIZE", "500 MB", "max_size = \"500 MB\""),
        ("TAFFRAIL_SECURITY_EXPIRATION", "never", "expiration = \"never\""),
        ("TAFFRAIL_AIS_LEAVE_AFTER", "2h", "leave_after = \"2h\""),
        ("TAFFRAIL_LIMITS_PATHS", "500", "paths = 500"),
    ];
    for (name, text, line) in cases {
        reports("", &[], &[(name, text)], &format!("{line} # env {name}"));
    }
    // Ours, and no keys.
    report("", &[], &[("TAFFRAIL_LOG", "debug"), ("TAFFRAIL_CORPUS", "x"), ("TAFFRAIL_BLESS", "0")]);
}

#[test]
fn every_flag_is_read() {
    let cases: &[(&[&str], &str)] = &[
        (&["--tcp", "off"], "tcp = \"off\" # flag --tcp"),
        (&["--state-dir", "/tmp/x"], "state_dir = \"/tmp/x\" # flag --state-dir"),
        (&["--name", "Wild Rose"], "name = \"Wild Rose\" # flag --name"),
        (&["--mmsi", "230099999"], "mmsi = \"230099999\" # flag --mmsi"),
        (&["--no-mdns"], "mdns = false # flag --no-mdns"),
        (&["--no-history"], "enabled = false # flag --no-history"),
        (&["--demo-seed", "7"], "seed = 7 # flag --demo-seed"),
        (&["--demo-rate", "10"], "rate = 10.0 # flag --demo-rate"),
        (&["--input", "serial:/dev/ttyUSB0@38400"], "baud = 38400 # flag --input"),
        (&["--input", "serial:/dev/ttyUSB0@auto"], "baud = \"auto\" # flag --input"),
        (&["--input", "ais=tcp:gateway.local:10110"], "name = \"ais\" # flag --input"),
        (&["--input", "tcp:gateway.local:10110"], "address = \"gateway.local:10110\" # flag --input"),
        (&["--input", "udp:0.0.0.0:10110"], "address = \"0.0.0.0:10110\" # flag --input"),
        (&["--input", "file:a=b:c.nmea"], "path = \"a=b:c.nmea\" # flag --input"),
        (&["--input", "signalk:ws://10.0.0.2:3000"], "url = \"ws://10.0.0.2:3000\" # flag --input"),
        (&["--input", "demo", "--input", "stdin", "--input", "demo"], "name = \"demo2\" # flag --input"),
    ];
    for (flags, line) in cases {
        reports("", flags, &[], line);
    }
    // Inputs of the command line take the place of those in the file.
    let lines = report("[[input]]\nname = \"old\"\ntype = \"demo\"", &["--input", "stdin"], &[]);
    assert!(!lines.iter().any(|line| line.contains("old")), "{lines:?}");
}

#[test]
fn the_state_directory_is_found_in_the_order_of_systemd_and_xdg() {
    let (systemd, xdg) = (("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("XDG_STATE_HOME", "/xdg"));
    reports("", &[], &[], "state_dir = \"/home/skipper/.local/state/taffrail\" # env HOME");
    reports("", &[], &[("XDG_STATE_HOME", "")], "state_dir = \"/home/skipper/.local/state/taffrail\" # env HOME");
    reports("", &[], &[xdg], "state_dir = \"/xdg/taffrail\" # env XDG_STATE_HOME");
    reports("", &[], &[xdg, systemd], "state_dir = \"/var/lib/a\" # env STATE_DIRECTORY");
    reports("server.state_dir = \"/x\"", &[], &[xdg, systemd], "state_dir = \"/x\" # boat.toml:1");
}
