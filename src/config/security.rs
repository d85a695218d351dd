//! `[security]`: users and what they may do. Read and checked; nothing heeds it yet.

use std::time::Duration;

/// `[security]`
#[derive(Debug, Clone, PartialEq)]
pub struct Security {
    /// Ask who somebody is at all.
    pub enabled: bool,
    /// Reading needs no login.
    pub allow_readonly: bool,
    /// A login is good for this long; `None` for "never" (it does not end).
    pub expiration: Option<Duration>,
    /// Login attempts from one address in ten minutes.
    pub login_limit: u32,
    /// `[[security.user]]`
    pub users: Vec<User>,
    /// `[[security.acl]]`, first match counts.
    pub acl: Vec<AccessRule>,
}

/// `[[security.user]]`
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Unique.
    pub name: String,
    /// What this user may do.
    pub level: Level,
    /// In clear; never printed.
    pub password: String,
}

impl std::fmt::Debug for User {
    /// Without the password, so that no log can hold it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("name", &self.name).field("level", &self.level).finish_non_exhaustive()
    }
}

/// `level`: the three that Signal K clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reads.
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
    /// Everything.
    Admin,
}

/// `[[security.acl]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// Name of a user, or `any`.
    pub subject: String,
    /// Path pattern.
    pub path: String,
    /// What the subject may do there.
    pub permission: Permission,
}

/// `permission`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Does not see it.
    None,
    /// Sees it.
    Read,
    /// Sees and changes it.
    Write,
}
