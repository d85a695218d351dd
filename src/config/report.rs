//! The effective configuration as TOML, each value with the place that it comes from: what `taffrail check-config` prints.

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
    for table in config.effective.tables() {
        push_table(table, &mut out);
    }
    for line in config.inactive() {
        out.push_str(&format!("\n# {line}\n"));
    }
    out
}

fn push_table(table: &EffectiveTable, out: &mut String) {
    if !out.is_empty() {
        out.push('\n');
    }
    let name = table.table.name;
    match &table.origin {
        Some(origin) if table.table.shape == Shape::Many => push_line(&format!("[[{name}]]"), origin, out),
        _ => out.push_str(&format!("[{name}]\n")),
    }
    for (key, spot) in &table.values {
        let line = if *key == SECRET { format!("# {key} is set") } else { format!("{key} = {}", spot.raw.to_toml()) };
        push_line(&line, &spot.origin, out);
    }
}

fn push_line(line: &str, origin: &Origin, out: &mut String) {
    out.push_str(&format!("{line:COMMENT_COLUMN$} # {origin}\n"));
}
