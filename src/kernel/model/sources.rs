//! Who speaks: the table of sources, what each has sent, and the tree that clients read under `/sources`.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;
use foldhash::fast::RandomState;

use super::names;
use crate::kernel::id::{DetailId, Instance, SourceId};
use crate::kernel::intern::{Full, Interner};
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Nmea0183Source, Source};

/// Sources at the most, whatever the configuration says: their numbers have 16 bits.
pub const SOURCES_MAX: usize = 65_535;
/// Kinds of sentences at the most; one more is kept without its kind.
const DETAILS_MAX: usize = 512;
/// Kinds of sentences remembered for one source; more are not listed.
const SENTENCES_PER_SOURCE_MAX: usize = 64;
/// Descriptions of one source remembered with what they say; a device on a bus describes itself once for each kind of
/// message. The oldest makes room for one more.
const DESCRIPTIONS_PER_SOURCE_MAX: usize = 32;
/// Instances of one device that are listed.
const INSTANCES_PER_SOURCE_MAX: usize = 32;

/// Bytes of a kind of message at the most.
const KIND_BYTES_MAX: usize = 16;

/// All sources, known by number.
#[derive(Debug)]
pub struct SourceTable {
    names: Interner,
    infos: Vec<SourceInfo>,
    details: Interner,
    /// Input, then the label or talker of the sentence. Two small look-ups instead of building the name for every sentence.
    talkers: HashMap<CompactString, HashMap<CompactString, SourceId, RandomState>, RandomState>,
}

/// What is known of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceInfo {
    /// The talker heard last, for a source of sentences: one that stands for a group or a station may have several.
    pub talker: Option<CompactString>,
    /// Kinds of sentences or messages and when each came last.
    pub sentences: Vec<(DetailId, Timestamp)>,
    /// The `source` objects that came with its data, as JSON, newest last, each with the kind of message it names.
    pub descriptions: Vec<(Arc<str>, DetailId)>,
    /// Instances that it named.
    pub instances: Vec<CompactString>,
    /// When it spoke last.
    pub last: Timestamp,
    /// The servers that it comes through, the nearest first; `None` for a source of our own.
    pub via: Option<Arc<[Instance]>>,
}

impl SourceTable {
    /// An empty table for `sources_max` sources; the updates of one more are refused and counted.
    pub fn new(sources_max: usize) -> Self {
        let mut details = Interner::new(DETAILS_MAX);
        // Number 0 is `DetailId::NONE`.
        let _ = details.intern("");
        Self {
            names: Interner::new(sources_max.min(SOURCES_MAX)),
            infos: Vec::new(),
            details,
            talkers: HashMap::default(),
        }
    }

    /// The number of the source of an update that came through `input`, and the kind of its sentence.
    pub fn resolve(&mut self, source: &Source, input: &str, now: Timestamp) -> Result<(SourceId, DetailId), Full> {
        match source {
            Source::Nmea0183(sentence) => self.resolve_talker(sentence, input, now),
            Source::Ref(name) => {
                let id = self.intern(name)?;
                self.infos[id.index()].last = now;
                Ok((id, DetailId::NONE))
            }
            Source::Described(name, description) => {
                let id = self.intern(name)?;
                Ok((id, self.described(id, description, now)))
            }
            Source::Relayed(relayed) => {
                let id = self.intern(&relayed.name)?;
                let info = &mut self.infos[id.index()];
                // The old one stays while it says the same: streams know by its address what they have told their peers.
                if info.via.as_ref() != Some(&relayed.via) {
                    info.via = Some(relayed.via.clone());
                }
                info.last = now;
                let detail = relayed.description.as_ref().map(|text| self.described(id, text, now));
                Ok((id, detail.unwrap_or(DetailId::NONE)))
            }
        }
    }

    /// Notes that a source spoke and described itself, and gives back the kind of message that it named.
    fn described(&mut self, id: SourceId, description: &Arc<str>, now: Timestamp) -> DetailId {
        let known = self.infos[id.index()].descriptions.iter().find(|(text, _)| text == description);
        let detail = match known {
            Some((_, detail)) => *detail,
            None => self.learn(id, description),
        };
        let info = &mut self.infos[id.index()];
        info.last = now;
        if detail != DetailId::NONE {
            info.note(detail, now);
        }
        detail
    }

    /// Takes in a `source` object that is new: the kind of message, `pgn` or `sentence` (DM-22), and the instance.
    fn learn(&mut self, id: SourceId, description: &Arc<str>) -> DetailId {
        let object: serde_json::Value = serde_json::from_str(description).unwrap_or_default();
        let text = |name: &str| match object.get(name) {
            Some(serde_json::Value::String(text)) => Some(text.clone()),
            Some(serde_json::Value::Number(n)) => Some(n.to_string()),
            _ => None,
        };
        let is_pgn = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_sentence = |text: &String| !is_pgn(text) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let kind = text("pgn").filter(is_pgn).or_else(|| text("sentence").filter(is_sentence));
        let kind = kind.filter(|kind| kind.len() <= KIND_BYTES_MAX).unwrap_or_default();
        let detail = self.details.intern(&kind).map_or(DetailId::NONE, |n| DetailId(n as u16));
        let info = &mut self.infos[id.index()];
        let instance = text("instance").filter(|name| names::source_is_valid(name) && !name.contains('.'));
        if let Some(instance) = instance.map(CompactString::from) {
            if !info.instances.contains(&instance) && info.instances.len() < INSTANCES_PER_SOURCE_MAX {
                info.instances.push(instance);
            }
        }
        if info.descriptions.len() >= DESCRIPTIONS_PER_SOURCE_MAX {
            info.descriptions.remove(0);
        }
        info.descriptions.push((description.clone(), detail));
        detail
    }

    fn resolve_talker(
        &mut self,
        sentence: &Nmea0183Source,
        input: &str,
        now: Timestamp,
    ) -> Result<(SourceId, DetailId), Full> {
        let known = self.talkers.get(input).and_then(|names| names.get(sentence.name()));
        let id = match known {
            Some(&id) => id,
            None => self.add_talker(input, sentence.name())?,
        };
        let detail = self.details.intern(&sentence.sentence).map_or(DetailId::NONE, |n| DetailId(n as u16));
        let info = &mut self.infos[id.index()];
        info.last = now;
        info.note(detail, now);
        let talker = shown(&sentence.talker);
        if info.talker.as_ref().is_none_or(|last| last != talker) {
            info.talker = Some(talker.into());
        }
        Ok((id, detail))
    }

    fn add_talker(&mut self, input: &str, name: &CompactString) -> Result<SourceId, Full> {
        let id = self.intern(&sanitized(&format!("{input}.{}", shown(name))))?;
        self.talkers.entry(input.into()).or_default().insert(name.clone(), id);
        Ok(id)
    }

    /// The number of a `$source`, new if it has none.
    pub fn intern(&mut self, name: &str) -> Result<SourceId, Full> {
        let id = self.names.intern(name)?;
        if self.infos.len() <= id as usize {
            self.infos.push(SourceInfo::default());
        }
        Ok(SourceId(id as u16))
    }

    /// The number of a `$source` that was seen before.
    pub fn find(&self, name: &str) -> Option<SourceId> {
        self.names.find(name).map(|id| SourceId(id as u16))
    }

    /// The `$source` text.
    pub fn name(&self, id: SourceId) -> &Arc<str> {
        self.names.text(u32::from(id.0))
    }

    /// The servers that a source comes through, the nearest first; `None` for one of our own.
    pub fn via(&self, id: SourceId) -> Option<&Arc<[Instance]>> {
        self.infos[id.index()].via.as_ref()
    }

    /// The kind of sentence, empty for none.
    pub fn detail(&self, id: DetailId) -> &str {
        self.details.text(u32::from(id.0))
    }

    /// Every source with what is known of it.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &SourceInfo)> {
        self.infos.iter().enumerate().map(|(i, info)| (self.names.text(i as u32), info))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }
}

impl SourceInfo {
    /// Notes that a kind of message came.
    fn note(&mut self, detail: DetailId, now: Timestamp) {
        match self.sentences.iter().position(|(d, _)| *d == detail) {
            Some(at) => self.sentences[at].1 = now,
            None if self.sentences.len() < SENTENCES_PER_SOURCE_MAX => self.sentences.push((detail, now)),
            None => {}
        }
    }
}

/// SRC-04: a sentence without a talker is `XX`.
fn shown(talker: &str) -> &str {
    if talker.is_empty() { "XX" } else { talker }
}

/// A name with every character that a `$source` may not have replaced by `_`, and cut to its bound.
pub fn sanitized(name: &str) -> CompactString {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let name: CompactString = name.chars().take(names::SOURCE_BYTES_MAX).map(|c| if ok(c) { c } else { '_' }).collect();
    if names::source_is_valid(&name) { name } else { name.replace('.', "_").into() }
}
