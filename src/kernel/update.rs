//! What comes in: the vocabulary that every input speaks to the hub. One [`Update`] is what one sentence, or one
//! `update` of a client's delta, says about one context. Its changes are applied together and share a timestamp.

use std::sync::Arc;

use compact_str::CompactString;

use super::id::Instance;
use super::time::Timestamp;
use super::value::Value;

/// The path of a value, such as `navigation.speedOverGround`; empty for the root of the context. Paths known when the
/// program is compiled cost no allocation ([`path`]).
pub type Path = CompactString;

/// A path known at compile time.
pub const fn path(text: &'static str) -> Path {
    CompactString::const_new(text)
}

/// Whom an update is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Context {
    /// The vessel that this server is aboard.
    Own,
    /// Somebody who is known by MMSI, as AIS has it. Written `<root>.urn:mrn:imo:mmsi:<nine digits>`.
    Mmsi(Root, Mmsi),
    /// Any other, in full: `<root>.<id>`.
    Named(CompactString),
}

impl Context {
    /// The text of the context as it stands on the wire; `None` for the own vessel, whose identity only the model knows.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Own => None,
            Self::Mmsi(root, mmsi) => Some(format!("{}.urn:mrn:imo:mmsi:{mmsi}", root.as_str())),
            Self::Named(name) => Some(name.to_string()),
        }
    }
}

/// The first word of a context that comes from AIS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// Ships and boats.
    Vessels,
    /// Aids to navigation. The schema says `aton`; every converter and client says `atons`.
    Atons,
    /// Search and rescue aircraft.
    Aircraft,
    /// Search and rescue transmitters, man-overboard devices and emergency beacons.
    Sar,
    /// Shore stations, `shore.basestations`.
    BaseStations,
    /// Weather stations.
    Meteo,
}

impl Root {
    /// The text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vessels => "vessels",
            Self::Atons => "atons",
            Self::Aircraft => "aircraft",
            Self::Sar => "sar",
            Self::BaseStations => "shore.basestations",
            Self::Meteo => "meteo",
        }
    }
}

/// A Maritime Mobile Service Identity: nine digits, leading zeros kept, a string in all JSON (ITU-R M.585).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mmsi(u32);

impl Mmsi {
    /// From its number; `None` above nine digits and for zero, which is no identity.
    pub fn new(n: u32) -> Option<Self> {
        (1..=999_999_999).contains(&n).then_some(Self(n))
    }

    /// From exactly nine digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 9 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok().and_then(Self::new))?
    }

    /// As a number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Mmsi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:09}", self.0)
    }
}

/// Who says it. The hub turns this into the `$source` that clients see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A sentence that an input read; `$source` is `<input>.<talker>`, or `<input>.<label>` where it has a label.
    Nmea0183(Nmea0183Source),
    /// A name that came with the data, or one of the server's own, used as it is.
    Ref(CompactString),
    /// A name, and the `source` object that came with it (compact JSON), kept for the tree under `/sources`.
    Described(CompactString, Arc<str>),
    /// A source that another server relays.
    Relayed(Box<Relayed>),
}

/// Who says it, and through which servers it came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    /// The `$source` here: the input's name, a dot, and the `$source` that the other server gives.
    pub name: CompactString,
    /// The `source` object that came with it (compact JSON).
    pub description: Option<Arc<str>>,
    /// The servers that it has come through, the nearest first; never empty.
    pub via: Arc<[Instance]>,
}

/// The `source` object of a sentence: `{"sentence":"RMC","talker":"GP","type":"NMEA0183"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nmea0183Source {
    /// Formatter, such as `RMC`, or the whole address of a proprietary sentence.
    pub sentence: CompactString,
    /// Talker that the sentence names, such as `GP`.
    pub talker: CompactString,
    /// What stands in the talker's place in `$source`: the station of the tag block (`s:`), or the group that the talker
    /// was put into; `None` for the talker itself.
    pub label: Option<CompactString>,
    /// AIS message type, 1 to 27, for `VDM` and `VDO`.
    pub ais_type: Option<u8>,
}

/// One value at one path.
#[derive(Debug, Clone, PartialEq)]
pub struct PathValue {
    /// Where.
    pub path: Path,
    /// What.
    pub value: Value,
}

/// Metadata that came with data: a JSON object that is merged over what is known of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMeta {
    /// Of which path.
    pub path: Path,
    /// A JSON object in compact text.
    pub meta: Arc<str>,
}

/// What one sentence, or one update of a delta, says about one context.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// About whom.
    pub context: Context,
    /// Who says so.
    pub source: Source,
    /// When it was measured, where the data itself says so; otherwise the time of arrival is taken.
    pub timestamp: Option<Timestamp>,
    /// The values. A path that appears twice: the last one counts.
    pub values: Vec<PathValue>,
    /// Metadata, rarely any.
    pub meta: Vec<PathMeta>,
}

impl Update {
    /// An update without values yet, with room for `capacity` of them in one allocation.
    pub fn new(context: Context, source: Source, capacity: usize) -> Self {
        Self { context, source, timestamp: None, values: Vec::with_capacity(capacity), meta: Vec::new() }
    }

    /// Adds a value at a path known at compile time.
    pub fn push(&mut self, at: &'static str, value: Value) {
        self.values.push(PathValue { path: path(at), value });
    }

    /// Adds a value at a path made at run time (an engine's or a tank's name in it).
    pub fn push_at(&mut self, at: impl Into<Path>, value: Value) {
        self.values.push(PathValue { path: at.into(), value });
    }
}

impl Nmea0183Source {
    /// What follows the input's name in `$source`.
    pub fn name(&self) -> &CompactString {
        self.label.as_ref().unwrap_or(&self.talker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_written_in_full() {
        let mmsi = Mmsi::new(2_573_238).unwrap();
        assert_eq!(
            Context::Mmsi(Root::BaseStations, mmsi).to_text().unwrap(),
            "shore.basestations.urn:mrn:imo:mmsi:002573238"
        );
        assert_eq!(Context::Own.to_text(), None);
        assert_eq!(Mmsi::parse("002573238"), Some(mmsi));
        assert_eq!((Mmsi::parse("2573238"), Mmsi::new(0), Mmsi::new(1_000_000_000)), (None, None, None));
    }
}
