//! What is wrong with a configuration: where, which key, what was found, what was expected.

use std::fmt;

use super::raw::Origin;

/// A message shows at most this many characters of what was found.
const FOUND_CHARS_MAX: usize = 80;

/// Problems that are kept; nobody reads more, and the next try shows the rest.
const PROBLEMS_MAX: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; nothing for what concerns the configuration as a whole.
    pub origin: Option<Origin>,
    /// Which key, such as `server.http`; empty when the text is not even TOML.
    pub key: String,
    /// What is there, or what is the matter.
    pub found: String,
    /// What could be there.
    pub expected: String,
}

impl Problem {
    /// A problem with the value at `origin`.
    pub fn new(origin: &Origin, key: impl Into<String>, found: &str, expected: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), key: key.into(), found: shortened(found), expected: expected.into() }
    }
}

fn shortened(found: &str) -> String {
    match found.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &found[..end]),
        None => found.to_owned(),
    }
}

impl fmt::Display for Problem {
    /// `taffrail.toml:3: server.http: found "abc", expected …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            None => {}
            Some(Origin::Environment(name)) => write!(f, "{name}: ")?,
            Some(Origin::Flag(name)) => write!(f, "{name}: ")?,
            Some(origin) => write!(f, "{origin}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.found)?;
        if !self.expected.is_empty() {
            write!(f, ", expected {}", self.expected)?;
        }
        Ok(())
    }
}

/// Everything that is wrong, one line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one; the same one twice is kept once, and beyond a hundred none.
    pub fn push(&mut self, problem: Problem) {
        if self.0.len() < PROBLEMS_MAX && !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order of the file's lines, then the environment, then flags, then what has no place.
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|problem| match &problem.origin {
            Some(Origin::File { line, .. }) => (0, *line),
            Some(Origin::Default) => (1, 0),
            Some(Origin::Environment(_)) => (2, 0),
            Some(Origin::Flag(_)) => (3, 0),
            None => (4, 0),
        });
        all
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.sorted().into_iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
