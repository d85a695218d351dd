//! `taffrail check-config`

use std::ffi::OsString;

use super::{Command, Refusal};
use crate::config::{Flags, report};

/// The effective configuration with the origin of each value, or everything that is wrong with it.
///
/// # Errors
/// A configuration that is refused.
pub fn run(flags: Flags, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Command, Refusal> {
    let (config, _) = super::load(flags, variables)?;
    Ok(Command::Print(report::toml(&config).into_bytes()))
}
