//! `taffrail completions SHELL`, for packages.

use clap::CommandFactory as _;

/// For which shell.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// bash, elvish, fish, powershell or zsh
    shell: clap_complete::Shell,
}

/// The script that the shell loads.
pub fn script(arguments: &Arguments) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "taffrail", &mut out);
    out
}
