//! The program with a configuration, and what it says to it.

use std::process::{Command, Output};

/// Runs the program in a directory that holds `boat.toml`, with no environment but a home.
pub fn taffrail(toml: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("boat.toml"), toml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_taffrail"));
    command.current_dir(directory.path()).env_clear().env("HOME", "/home/skipper");
    command.envs(variables.iter().copied()).args(arguments).output().unwrap()
}

pub const CHECK: [&str; 3] = ["check-config", "--config", "boat.toml"];

/// A configuration is refused with exactly these lines, by the check and by the server alike.
pub fn refuses(toml: &str, arguments: &[&str], variables: &[(&str, &str)], lines: &[&str]) {
    for command in ["check-config", "run"] {
        let arguments = [&[command, "--config", "boat.toml"], arguments].concat();
        let output = taffrail(toml, &arguments, variables);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(errors.lines().collect::<Vec<_>>(), lines, "{command} of {toml}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{command} of {toml}");
    }
}

/// The lines of the report.
pub fn report(toml: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let output = taffrail(toml, &[&CHECK, arguments].concat(), variables);
    let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{toml}");
    // Runs of spaces are layout.
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

pub fn reports(toml: &str, arguments: &[&str], variables: &[(&str, &str)], line: &str) {
    let lines = report(toml, arguments, variables);
    assert!(lines.iter().any(|found| found == line), "no {line} in\n{}", lines.join("\n"));
}
