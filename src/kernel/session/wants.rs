//! What a row wants: which contexts, which sources, which slots.

use crate::kernel::model::context::{ContextNode, Leaf, Slot};
use crate::kernel::subscription::{ContextPattern, Row};
use crate::kernel::value::Value;
use crate::kernel::world::World;

impl Row {
    /// Whether a context is one of the row's.
    pub(super) fn wants_context(&self, name: &str, node: Option<&ContextNode>, world: &World) -> bool {
        match &self.context {
            ContextPattern::Own => *world.model.own_node().name == *name,
            ContextPattern::Named(pattern) => pattern.matches(name),
            ContextPattern::Within { latitude, longitude, radius } => node
                .and_then(|node| node.leaf(world.model.find_path("navigation.position")?))
                .is_some_and(|leaf| match leaf.shown_slot().value {
                    Value::Position(p) => distance_m(*latitude, *longitude, p.latitude, p.longitude) <= *radius,
                    _ => false,
                }),
            ContextPattern::Nothing => false,
        }
    }

    /// Whether a value of `source` is one of the row's; `shown` says that the path shows it.
    pub(super) fn wants_source(&self, source: &str, shown: bool) -> bool {
        if self.exclude.iter().any(|excluded| **excluded == *source) {
            return false;
        }
        match &self.source {
            Some(wanted) => **wanted == *source,
            // A row that excludes sources gets the best of the others, which is not always the one that is shown.
            None => shown || self.all_sources || !self.exclude.is_empty(),
        }
    }

    pub(super) fn wants_slot(&self, leaf: &Leaf, slot: &Slot, world: &World) -> bool {
        let shown = leaf.shows(slot);
        (shown || self.all_sources || self.source.is_some() || !self.exclude.is_empty())
            && self.wants_source(world.model.sources().name(slot.source), shown)
    }
}

/// Great-circle distance in metres, by the haversine formula on a sphere of 6,371,009 m.
fn distance_m(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    let (phi1, phi2) = (lat1.to_radians(), lat2.to_radians());
    let (dphi, dlambda) = (phi2 - phi1, (lon2 - lon1).to_radians());
    let a = (dphi / 2.0).sin().powi(2) + phi1.cos() * phi2.cos() * (dlambda / 2.0).sin().powi(2);
    2.0 * 6_371_009.0 * a.sqrt().min(1.0).asin()
}
