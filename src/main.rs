//! The `taffrail` program.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use taffrail::cli::{self, Command, Refusal, Run};

fn main() -> ExitCode {
    match cli::parse(std::env::args_os(), std::env::vars_os()) {
        Ok(Command::Run(run)) => match serve(*run) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "taffrail: {error:#}");
                ExitCode::from(cli::EXIT_FAILURE)
            }
        },
        Ok(Command::Print(bytes)) => print(&bytes),
        Ok(Command::SelfCheck(check)) => {
            let findings = check.run();
            let mut text = Vec::new();
            findings
                .iter()
                .try_for_each(|finding| writeln!(text, "{finding}"))
                .expect("writing to a vector does not fail");
            let printed = print(&text);
            if check.passes(&findings) { printed } else { ExitCode::from(cli::EXIT_FAILURE) }
        }
        Err(Refusal(message)) => {
            let _ = write!(std::io::stderr(), "{message}");
            ExitCode::from(cli::EXIT_USAGE)
        }
    }
}

/// A reader that has seen enough (`taffrail check-config | head`) is no failure.
fn print(bytes: &[u8]) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(cli::EXIT_FAILURE),
        _ => ExitCode::SUCCESS,
    }
}

/// Starts logging, says what is not active yet, and hands over to the server.
fn serve(Run { config, log }: Run) -> anyhow::Result<()> {
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).with_ansi(ansi).init();
    for line in config.inactive() {
        tracing::warn!("{line}");
    }
    taffrail::app::run(&config)
}
