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

/// Sources at the most; the updates of one more are refused and counted.
pub const SOURCES_MAX: usize = 1024;
/// Kinds of sentences at the most; one more is kept without its kind.
const DETAILS_MAX: usize = 512;
/// Kinds of sentences remembered for one source; more are not listed.
const SENTENCES_PER_SOURCE_MAX: usize = 64;

/// All sources, known by number.
#[derive(Debug)]
pub struct SourceTable {
    names: Interner,
    infos: Vec<SourceInfo>,
    details: Interner,
    /// Input, then talker. Two small look-ups instead of building the name for every sentence.
    talkers: HashMap<CompactString, HashMap<CompactString, SourceId, RandomState>, RandomState>,
}

/// What is known of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceInfo {
    /// Input and talker, for a source of sentences.
    pub nmea0183: Option<(CompactString, CompactString)>,
    /// Kinds of sentences and when each came last.
    pub sentences: Vec<(DetailId, Timestamp)>,
    /// The `source` object that came with its data, as JSON.
    pub description: Option<Arc<str>>,
    /// When it spoke last.
    pub last: Timestamp,
    /// The servers that it comes through, the nearest first; `None` for a source of our own.
    pub via: Option<Arc<[Instance]>>,
}

impl Default for SourceTable {
    fn default() -> Self {
        let mut details = Interner::new(DETAILS_MAX);
        // Number 0 is `DetailId::NONE`.
        let _ = details.intern("");
        Self { names: Interner::new(SOURCES_MAX), infos: Vec::new(), details, talkers: HashMap::default() }
    }
}

impl SourceTable {
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
                let info = &mut self.infos[id.index()];
                info.last = now;
                if info.description.as_ref() != Some(description) {
                    info.description = Some(description.clone());
                }
                Ok((id, DetailId::NONE))
            }
            Source::Relayed(relayed) => {
                let id = self.intern(&relayed.name)?;
                let info = &mut self.infos[id.index()];
                info.last = now;
                // The old one stays while it says the same: streams know by its address what they have told their peers.
                if info.via.as_ref() != Some(&relayed.via) {
                    info.via = Some(relayed.via.clone());
                }
                if relayed.description.is_some() && info.description != relayed.description {
                    info.description.clone_from(&relayed.description);
                }
                Ok((id, DetailId::NONE))
            }
        }
    }

    fn resolve_talker(
        &mut self,
        sentence: &Nmea0183Source,
        input: &str,
        now: Timestamp,
    ) -> Result<(SourceId, DetailId), Full> {
        let known = self.talkers.get(input).and_then(|talkers| talkers.get(&sentence.talker));
        let id = match known {
            Some(&id) => id,
            None => self.add_talker(input, &sentence.talker)?,
        };
        let detail = self.details.intern(&sentence.sentence).map_or(DetailId::NONE, |n| DetailId(n as u16));
        let info = &mut self.infos[id.index()];
        info.last = now;
        match info.sentences.iter().position(|(d, _)| *d == detail) {
            Some(at) => info.sentences[at].1 = now,
            None if info.sentences.len() < SENTENCES_PER_SOURCE_MAX => info.sentences.push((detail, now)),
            None => {}
        }
        Ok((id, detail))
    }

    fn add_talker(&mut self, input: &str, talker: &CompactString) -> Result<SourceId, Full> {
        // SRC-04: a sentence without a talker is `XX`.
        let shown = if talker.is_empty() { "XX" } else { talker };
        let id = self.intern(&sanitized(&format!("{input}.{shown}")))?;
        self.infos[id.index()].nmea0183 = Some((input.into(), shown.into()));
        self.talkers.entry(input.into()).or_default().insert(talker.clone(), id);
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

/// A name with every character that a `$source` may not have replaced by `_`, and cut to its bound.
pub fn sanitized(name: &str) -> CompactString {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let name: CompactString = name.chars().take(names::SOURCE_BYTES_MAX).map(|c| if ok(c) { c } else { '_' }).collect();
    if names::source_is_valid(&name) { name } else { name.replace('.', "_").into() }
}
