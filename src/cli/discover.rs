//! `taffrail discover`: the Signal K servers on the network.

use std::io::Write as _;
use std::time::Duration;

use crate::dns_sd::discover;

/// List the Signal K servers on the local network
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Listen this long
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Look on this network interface, repeatable; without it, on all but loopback
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
}

/// Writes the table to standard output.
///
/// # Errors
/// When the network cannot be listened to, or the table not written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let servers = runtime.block_on(discover::browse(Duration::from_secs(arguments.seconds), &arguments.interface))?;
    std::io::stdout().lock().write_all(discover::describe(&servers).as_bytes())?;
    Ok(())
}
