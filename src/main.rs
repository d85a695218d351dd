//! The `taffrail` program.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use taffrail::cli::{self, Command, Refusal, Run};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os(), std::env::vars_os()) {
        Ok(Command::Run(run)) => ended(&serve(*run)),
        Ok(Command::Print(bytes)) => ended(&print(&bytes)),
        Ok(Command::Convert(arguments)) => ended(&cli::convert::run(&arguments)),
        #[cfg(feature = "dns-sd")]
        Ok(Command::Discover(arguments)) => ended(&cli::discover::run(&arguments)),
        Ok(Command::Explain(arguments)) => ended(&cli::explain::run(&arguments)),
        #[cfg(feature = "history")]
        Ok(Command::Export(task)) => ended(&cli::export::run(&task)),
        #[cfg(feature = "history")]
        Ok(Command::History(task)) => ended(&cli::history::run(&task).and_then(|text| print(text.as_bytes()))),
        Ok(Command::Ports(arguments)) => ended(&cli::ports::run(&arguments)),
        Ok(Command::Status(address)) => ended(&status(address)),
        Ok(Command::SelfCheck(check)) => self_check(&check),
        Err(Refusal(message)) => {
            let _ = write!(std::io::stderr(), "{message}");
            ExitCode::from(cli::EXIT_USAGE)
        }
    }
}

/// A reader that has seen enough (`taffrail convert voyage.nmea | head`) is no failure.
fn ended(result: &anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if kind == Some(std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "taffrail: {error:#}");
    ExitCode::from(cli::EXIT_FAILURE)
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}

fn self_check(check: &cli::self_check::SelfCheck) -> ExitCode {
    let findings = check.run();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let printed = ended(&print((lines.join("\n") + "\n").as_bytes()));
    if check.passes(&findings) { printed } else { ExitCode::from(cli::EXIT_FAILURE) }
}

fn status(address: std::net::SocketAddr) -> anyhow::Result<()> {
    let text = cli::status::ask(address).map_err(anyhow::Error::msg)?;
    print(text.as_bytes())
}

/// Starts logging, says what is not active yet, and hands over to the server.
fn serve(Run { config, log }: Run) -> anyhow::Result<()> {
    let ansi = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    tracing_subscriber::registry().with(log).with(lines).init();
    for line in config.inactive() {
        tracing::warn!("{line}");
    }
    taffrail::app::run(&config)
}
