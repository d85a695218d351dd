//! `taffrail man`, for packages.

use clap::CommandFactory as _;

/// The manual page in roff.
pub fn page() -> Vec<u8> {
    let mut out = Vec::new();
    let page = clap_mangen::Man::new(super::Arguments::command());
    page.render(&mut out).expect("writing to a vector does not fail");
    out
}
