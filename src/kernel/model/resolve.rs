//! Which context and which source an update means: known ones by their names, new ones where there is room, and the end of
//! those that leave.

use std::sync::Arc;

use super::context::ContextNode;
use super::{Arrival, Model, Place, Refusal, names};
use crate::kernel::id::{ContextId, DetailId, SourceId};
use crate::kernel::time::Moment;
use crate::kernel::update::{Context, Mmsi, Path, PathValue, Root, Source};
use crate::kernel::value::Value;

impl Model {
    /// The `$source` that an update's source has here; `None` where it is refused.
    pub(in crate::kernel) fn source_name(&mut self, source: &Source, arrival: &Arrival<'_>) -> Option<Arc<str>> {
        let (id, _) = self.resolve_source(source, arrival).ok()?;
        Some(self.sources.name(id).clone())
    }

    pub(super) fn resolve_source(
        &mut self,
        source: &Source,
        arrival: &Arrival<'_>,
    ) -> Result<(SourceId, DetailId), Refusal> {
        if let Source::Ref(name) | Source::Described(name, _) = source {
            if !names::source_is_valid(name) {
                return Err(Refusal::Source);
            }
        }
        if let Source::Relayed(relayed) = source {
            if !names::source_is_valid(&relayed.name) {
                return Err(Refusal::Source);
            }
        }
        self.sources.resolve(source, arrival.input, arrival.now.wall).map_err(|_| Refusal::SourcesFull)
    }

    pub(super) fn resolve_context(&mut self, context: &Context, now: Moment) -> Result<(ContextId, bool), Refusal> {
        match context {
            Context::Own => Ok((self.own, false)),
            Context::Mmsi(root, mmsi) => {
                if let Some(&id) = self.by_mmsi.get(&(*root, *mmsi)) {
                    return Ok((id, false));
                }
                let name = context.to_text().expect("an MMSI context has a text of its own");
                self.new_context(&name, Some((*root, *mmsi)), now)
            }
            Context::Named(name) => match &**name {
                "vessels.self" | "self" => Ok((self.own, false)),
                name => match self.by_name.get(name) {
                    Some(&id) => Ok((id, false)),
                    None => self.resolve_new_name(name, now),
                },
            },
        }
    }

    fn resolve_new_name(&mut self, name: &str, now: Moment) -> Result<(ContextId, bool), Refusal> {
        let usual = names::usual_context(name);
        let name = usual.as_deref().unwrap_or(name);
        match self.by_name.get(name) {
            Some(&id) => Ok((id, false)),
            None if !names::context_is_valid(name) => Err(Refusal::Context),
            None => self.new_context(name, mmsi_of(name), now),
        }
    }

    fn new_context(
        &mut self,
        name: &str,
        mmsi: Option<(Root, Mmsi)>,
        now: Moment,
    ) -> Result<(ContextId, bool), Refusal> {
        if self.context_count() >= self.limits.contexts_max {
            return Err(Refusal::ContextsFull);
        }
        Ok((self.add_context(name.into(), mmsi, now), true))
    }

    pub(super) fn add_context(&mut self, name: Arc<str>, mmsi: Option<(Root, Mmsi)>, now: Moment) -> ContextId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.contexts.push(Place { generation: 0, node: None });
            (self.contexts.len() - 1) as u32
        });
        let place = &mut self.contexts[index as usize];
        let id = ContextId { index, generation: place.generation };
        place.node = Some(Box::new(ContextNode::new(id, name.clone(), mmsi, now)));
        self.by_name.insert(name, id);
        if let Some(key) = mmsi {
            self.by_mmsi.insert(key, id);
        }
        id
    }

    pub(in crate::kernel) fn mark_lost(&mut self, id: ContextId) {
        if let Some(node) = self.node_mut(id) {
            node.lost = true;
        }
    }

    /// Takes a context out of the model. Its place is used again under a new generation.
    pub(in crate::kernel) fn remove_context(&mut self, id: ContextId) {
        debug_assert_ne!(id, self.own, "the own vessel never leaves");
        let Some(node) = self.contexts.get_mut(id.index as usize).and_then(|place| {
            place.generation += 1;
            place.node.take()
        }) else {
            return;
        };
        self.free.push(id.index);
        self.by_name.remove(&node.name);
        if let Some(key) = node.mmsi {
            self.by_mmsi.remove(&key);
        }
    }

    /// What a context's own id says of it (DM-16): every vessel has at least one of `mmsi`, `uuid` and `url`.
    pub(super) fn identity_of(&self, context: ContextId) -> Option<PathValue> {
        let node = self.node(context)?;
        let (_, id) = names::split_context(&node.name)?;
        Some(PathValue { path: Path::default(), value: Value::json(identity_json(id)) })
    }
}

/// The identity that an id stands for, as a static object.
pub fn identity_json(id: &str) -> String {
    if let Some(mmsi) = id.strip_prefix("urn:mrn:imo:mmsi:") {
        format!("{{\"mmsi\":\"{mmsi}\"}}")
    } else if id.starts_with("urn:mrn:signalk:") {
        format!("{{\"uuid\":\"{id}\"}}")
    } else {
        format!("{{\"url\":\"{id}\"}}")
    }
}

/// Root and MMSI of a context that AIS could have named too, so that both find the same one.
fn mmsi_of(name: &str) -> Option<(Root, Mmsi)> {
    let (root, id) = names::split_context(name)?;
    let mmsi = Mmsi::parse(id.strip_prefix("urn:mrn:imo:mmsi:")?)?;
    let roots = [Root::Vessels, Root::Atons, Root::Aircraft, Root::Sar, Root::BaseStations, Root::Meteo];
    roots.into_iter().find(|r| r.as_str() == root).map(|r| (r, mmsi))
}
