//! A value before anybody has asked what it means: what TOML can hold, each with the place where it was written.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::keys::SECRET;

/// A value as TOML knows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// A string.
    Text(String),
    /// An integer.
    Whole(i64),
    /// A float.
    Number(f64),
    /// A boolean.
    Switch(bool),
    /// An array; each element knows its own place.
    List(Vec<Spot>),
    /// An inline table, or an element of an array of tables.
    Table(Vec<Field>),
    /// A date, or an integer beyond 64 bits, as it stands in the file: nothing here takes one.
    Other(String),
    /// A value that must not be printed.
    Hidden,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// What.
    pub raw: Raw,
    /// Where.
    pub origin: Origin,
}

/// One key of a [`Raw::Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key.
    pub name: String,
    /// Where the key stands; its value may begin on a later line.
    pub origin: Origin,
    /// Its value.
    pub value: Spot,
}

/// Where a value comes from, in rising precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the configuration file.
    File {
        /// The file's name as it was given.
        file: Arc<str>,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag, with its dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    /// As it stands in messages and in comments of the report, always on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => {
                file.chars().try_for_each(|c| write!(f, "{}", if c.is_control() { '?' } else { c }))?;
                write!(f, ":{line}")
            }
            Self::Environment(name) => write!(f, "env {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl fmt::Display for Raw {
    /// As TOML, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_quoted(text, f),
            Self::Whole(n) => write!(f, "{n}"),
            // Debug keeps the fraction that makes it a float.
            Self::Number(n) => write!(f, "{n:?}"),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Other(text) => f.write_str(text),
            Self::Hidden => f.write_str("\"…\""),
            Self::List(items) => {
                f.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { ", " }, item.raw)?;
                }
                f.write_char(']')
            }
            Self::Table(fields) => {
                f.write_str("{ ")?;
                for (i, field) in fields.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write_key(&field.name, f)?;
                    let value = if field.name == SECRET { &Self::Hidden } else { &field.value.raw };
                    write!(f, " = {value}")?;
                }
                f.write_str(if fields.is_empty() { "}" } else { " }" })
            }
        }
    }
}

fn write_key(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { f.write_str(name) } else { write_quoted(name, f) }
}

/// A TOML basic string: backslash, quote and control characters escaped.
fn write_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
