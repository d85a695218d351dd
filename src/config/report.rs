//! The effective configuration as TOML, each value with the place that it comes from: what `taffrail check-config` prints.

use std::fmt::{self, Write as _};

use super::Config;
use super::keys::{SECRET, Shape};
use super::layers::EffectiveTable;
use super::raw::Origin;

/// Comments begin in this column where the values leave room.
const COMMENT_COLUMN: usize = 44;

/// The whole configuration. Reading it as a file gives the same configuration again, but for passwords, which it does not
/// hold.
pub fn toml(config: &Config) -> String {
    let mut out = String::new();
    write(config, &mut out).expect("writing to a string does not fail");
    out
}

fn write(config: &Config, out: &mut String) -> fmt::Result {
    for table in config.effective.tables() {
        write_table(table, out)?;
    }
    config.inactive().iter().try_for_each(|line| writeln!(out, "\n# {line}"))
}

fn write_table(table: &EffectiveTable, out: &mut String) -> fmt::Result {
    if !out.is_empty() {
        out.push('\n');
    }
    let name = table.table.name;
    match &table.origin {
        Some(origin) if table.table.shape == Shape::Many => write_line(&format!("[[{name}]]"), origin, out)?,
        _ => writeln!(out, "[{name}]")?,
    }
    for (key, spot) in &table.values {
        let line = if *key == SECRET { format!("# {key} is set") } else { format!("{key} = {}", spot.raw) };
        write_line(&line, &spot.origin, out)?;
    }
    Ok(())
}

fn write_line(line: &str, origin: &Origin, out: &mut String) -> fmt::Result {
    writeln!(out, "{line:COMMENT_COLUMN$} # {origin}")
}
