//! The documented sample, `systemd/taffrail.toml`: every table and key there is, as comments. It is made from the list of
//! keys, and a test holds the file to it, so that it cannot fall behind.

use std::fmt::{self, Write as _};

use super::keys::{Given, Shape, TABLES, Table};

const HEAD: &str = "\
# Configuration of Taffrail.
#
# Every key there is. Lines that begin with #key show the default, so this file changes nothing as it is; those that begin
# with #-key show an example of a key that has no default. Take the # or #- away to set one.
#
# Flags go over the environment, the environment goes over this file. Each key of a [table] has its variable:
# TAFFRAIL_SERVER_HTTP is http in [server]. `taffrail check-config` shows what comes out, and from where.
#
# Durations: \"500ms\", \"10s\", \"5m\", \"2h\", \"1d\". Sizes: \"8 GiB\", \"500 MB\". Relative paths start from the working directory.
";

/// The text of the file.
pub fn toml() -> String {
    let mut out = HEAD.to_owned();
    let mut tables = TABLES.iter().filter(|table| table.shape != Shape::Inline);
    tables.try_for_each(|table| write_table(table, &mut out)).expect("writing to a string does not fail");
    out
}

fn write_table(table: &Table, out: &mut String) -> fmt::Result {
    out.push('\n');
    for line in table.about.lines() {
        writeln!(out, "# {line}")?;
    }
    let many = table.shape == Shape::Many;
    if many {
        writeln!(out, "#-[[{}]]", table.name)?;
    } else {
        writeln!(out, "[{}]", table.name)?;
    }
    for key in table.keys {
        // In an array of tables nothing holds before there is an element, so nothing there is a default of the file.
        let sign = if matches!(key.given, Given::Default(_)) && !many { "#" } else { "#-" };
        writeln!(out, "# {}\n{sign}{} = {}", key.about, key.name, key.given.sample())?;
    }
    Ok(())
}
