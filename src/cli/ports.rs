//! `taffrail ports`: the serial ports, and what talks on them.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::input::ports;

/// List the serial ports and listen what talks on them
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Listen this long at each usual rate, until one is understood; 0 lists only
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    seconds: u64,
}

/// Writes the list to standard output.
///
/// # Errors
/// When it cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let window = Duration::from_secs(arguments.seconds);
    let text = ports::describe(&survey(Path::new("/"), window)?);
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(feature = "serial")]
fn survey(root: &Path, window: Duration) -> std::io::Result<Vec<ports::Surveyed>> {
    if window.is_zero() {
        return Ok(unheard(root));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(ports::survey(root, window)))
}

#[cfg(not(feature = "serial"))]
#[allow(clippy::unnecessary_wraps, reason = "as with serial ports")]
fn survey(root: &Path, _: Duration) -> std::io::Result<Vec<ports::Surveyed>> {
    Ok(unheard(root))
}

fn unheard(root: &Path) -> Vec<ports::Surveyed> {
    ports::list(root).into_iter().map(|port| (port, None)).collect()
}
