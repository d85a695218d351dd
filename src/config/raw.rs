//! A value before anybody has asked what it means: what TOML can hold, each with the place where it was written.

use std::fmt;
use std::sync::Arc;

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

impl Raw {
    /// As TOML, on one line.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        self.push_toml(&mut out);
        out
    }

    fn push_toml(&self, out: &mut String) {
        match self {
            Self::Text(text) => push_quoted(text, out),
            Self::Whole(n) => out.push_str(&n.to_string()),
            // Debug keeps the fraction that makes it a float.
            Self::Number(n) => out.push_str(&format!("{n:?}")),
            Self::Switch(on) => out.push_str(if *on { "true" } else { "false" }),
            Self::Other(text) => out.push_str(text),
            Self::Hidden => out.push_str("\"…\""),
            Self::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    item.raw.push_toml(out);
                }
                out.push(']');
            }
            Self::Table(fields) => {
                out.push_str("{ ");
                for (i, field) in fields.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    push_key(&field.name, out);
                    out.push_str(" = ");
                    field.value.raw.push_toml(out);
                }
                out.push_str(if fields.is_empty() { "}" } else { " }" });
            }
        }
    }
}

fn push_key(name: &str, out: &mut String) {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { out.push_str(name) } else { push_quoted(name, out) }
}

/// A TOML basic string: backslash, quote and control characters escaped.
fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
