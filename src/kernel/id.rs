//! Small numbers for what has a long name. Strings are looked up once, at the door; inside, integers are compared.

/// A path (`navigation.speedOverGround`), the same in every context. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub(crate) u32);

impl PathId {
    /// The empty path: static data at the root of a context.
    pub const ROOT: Self = Self(0);

    /// As an index into a table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A `$source`. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u16);

impl SourceId {
    /// As an index into a table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A vessel, aid to navigation or other context. AIS targets come and go and their places are used again, so the id
/// carries a generation: an old id never names a new ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// The kind of sentence or message a value came in (`RMC`), kept beside the value for the full model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DetailId(pub(crate) u16);

impl DetailId {
    /// Not known.
    pub const NONE: Self = Self(0);
}

/// Where a change entered the server, so that it is never sent back there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(pub u32);

impl Origin {
    /// The server itself.
    pub const SERVER: Self = Self(0);
}

/// A number of the one strictly increasing sequence: the timepoint of a change. Zero is before every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A server, told from every other: 128 random bits made once and kept in its state directory. Servers that read from each
/// other name themselves with it, so that nothing goes round in circles (see [`super::relay`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance(pub u128);

impl Instance {
    /// Stands for any server that does not say who it is.
    pub const UNKNOWN: Self = Self(0);

    /// From 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl std::fmt::Display for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
