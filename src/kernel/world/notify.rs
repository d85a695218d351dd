//! Notifications: raised by zones, remembered over a restart.

use std::sync::Arc;

use compact_str::CompactString;

use super::{Applied, World};
use crate::kernel::change::Change;
use crate::kernel::id::{Origin, PathId};
use crate::kernel::model::Arrival;
use crate::kernel::notifications::{Kept, Key, Notifications};
use crate::kernel::time::Now;
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::value::Value;
use crate::kernel::zones::{Transition, Watcher, Zones};

/// The `$source` of notifications that the server itself raises (NOTIF-11).
pub const NOTIFICATION_SOURCE: &str = "self.notificationhandler";

/// The notification that the zones of a path of the own vessel raise.
fn raised_by_zones(path: &str) -> Key {
    let path = format!("notifications.{path}").into();
    Key { context: "vessels.self".into(), path, source: NOTIFICATION_SOURCE.into() }
}

impl World {
    /// Looks at the change just published, and raises what its values call for.
    pub(super) fn notify(&mut self, now: Now, applied: &mut Applied) {
        if self.watchers.is_empty() {
            return;
        }
        let Some(change) = self.tail.newest().filter(|c| c.context == self.model.own()).cloned() else { return };
        for value in change.values.iter().filter(|v| v.shown) {
            let Some((zones, watcher)) = self.watchers.get_mut(&value.path) else { continue };
            if let Some(transition) = watcher.update(zones, value.value.as_f64(), now.mono) {
                self.raise(value.path, &transition, now, applied);
            }
        }
    }

    /// Looks again at values that were too close to a bound to have left it for certain.
    pub(super) fn wake_watchers(&mut self, now: Now, applied: &mut Applied) {
        let due = |watcher: &Watcher| watcher.deadline().is_some_and(|deadline| deadline <= now.mono);
        let paths: Vec<PathId> = self.watchers.iter().filter(|(_, (_, w))| due(w)).map(|(path, _)| *path).collect();
        for path in paths {
            let transition = self.watchers.get_mut(&path).and_then(|(zones, watcher)| watcher.wake(zones, now.mono));
            if let Some(transition) = transition {
                self.raise(path, &transition, now, applied);
            }
        }
    }

    fn raise(&mut self, path: PathId, transition: &Transition, now: Now, applied: &mut Applied) {
        let mut json = String::new();
        transition.write_json(&mut json);
        let source = Source::Ref(CompactString::const_new(NOTIFICATION_SOURCE));
        let mut update = Update::new(Context::Own, source, 1);
        update.push_at(format!("notifications.{}", self.model.path(path)), Value::json(json));
        let arrival = Arrival { input: NOTIFICATION_SOURCE, origin: Origin::SERVER, now, heard: true };
        self.apply_one(update, &arrival, applied);
    }

    /// Takes up the zones that a path's metadata have now. What they call for is said with the next sweep or value.
    pub(super) fn rezone(&mut self, path: PathId) {
        if self.is_replica {
            return;
        }
        let zones: Option<Zones> = self.meta.zones(self.model.path(path));
        match (zones, self.watchers.remove(&path)) {
            (Some(zones), Some((_, mut watcher))) => {
                let transition = watcher.rezone(Some(&zones));
                self.watchers.insert(path, (zones, watcher));
                self.pending_transitions.extend(transition.map(|t| (path, t)));
            }
            (Some(zones), None) => {
                let mut watcher = self.restored_watcher(path, &zones);
                // A value that is there already counts.
                let current =
                    self.model.own_node().leaf(path).map(|l| (l.shown_slot().value.as_f64(), l.shown_slot().received));
                let transition = current.and_then(|(value, at)| watcher.update(&zones, value, at));
                self.watchers.insert(path, (zones, watcher));
                self.pending_transitions.extend(transition.map(|t| (path, t)));
            }
            (None, Some((_, mut watcher))) => {
                let transition = watcher.rezone(None);
                self.pending_transitions.extend(transition.map(|t| (path, t)));
            }
            (None, None) => {}
        }
    }

    /// Says what changed zones call for.
    pub(super) fn raise_pending(&mut self, now: Now, applied: &mut Applied) {
        for (path, transition) in std::mem::take(&mut self.pending_transitions) {
            self.raise(path, &transition, now, applied);
        }
    }

    fn restored_watcher(&self, path: PathId, zones: &Zones) -> Watcher {
        let Some(raised) = self.raised.get(&raised_by_zones(self.model.path(path))) else { return Watcher::new() };
        let value: serde_json::Value = serde_json::from_str(&raised.value).unwrap_or_default();
        Watcher::restored(zones, raised.state, value["message"].as_str().unwrap_or_default())
    }

    /// What the crew has acknowledged or silenced stays so while its source only repeats it.
    pub(super) fn keep_quiet(&mut self, update: &mut Update, arrival: &Arrival<'_>) {
        let concerns_any = update.values.iter().any(|v| v.path.starts_with("notifications."));
        if !concerns_any || !self.raised.any_dealt_with() {
            return;
        }
        let Some(source) = self.model.source_name(&update.source, arrival) else { return };
        let context = match &update.context {
            Context::Own => CompactString::const_new("vessels.self"),
            Context::Named(name) if **name == *self.model.own_node().name => CompactString::const_new("vessels.self"),
            other => other.to_text().unwrap_or_default().into(),
        };
        let source = CompactString::new(&*source);
        for item in &mut update.values {
            let Value::Json(json) = &item.value else { continue };
            let key = Key { context: context.clone(), path: item.path.clone(), source: source.clone() };
            if let Some(quiet) = self.raised.kept_quiet(&key, json) {
                item.value = Value::json(quiet);
            }
        }
    }

    pub(super) fn remember_raised(&mut self, change: &Arc<Change>) {
        let own = change.context == self.model.own();
        for value in change.values.iter().filter(|v| self.is_notification.get(v.path.index()) == Some(&true)) {
            let key = Key {
                context: if own { "vessels.self".into() } else { CompactString::new(&*change.context_name) },
                path: CompactString::new(self.model.path(value.path)),
                source: CompactString::new(&**self.model.sources().name(change.source)),
            };
            match self.raised.update(key, &value.value.to_json(), change.timestamp) {
                Kept::Unchanged | Kept::Refused => {}
                Kept::Raised | Kept::Cleared | Kept::RaisedInsteadOf(_) => self.raised_version += 1,
            }
        }
    }

    /// The notifications that are raised, as text to be kept, and a number that grows when they change.
    pub fn raised(&self) -> (&Notifications, u64) {
        (&self.raised, self.raised_version)
    }

    /// Raises again what was raised when the server stopped, with its old times. Call it before anything else is applied,
    /// but after the metadata: what zones raised that are no longer set is not raised again.
    pub fn restore_raised(&mut self, mut kept: Notifications, now: Now) {
        let watched: Vec<Key> = self.watchers.keys().map(|path| raised_by_zones(self.model.path(*path))).collect();
        kept.retain(|key| *key.source != *NOTIFICATION_SOURCE || watched.contains(key));
        let updates: Vec<Update> = kept
            .iter()
            .map(|(key, notification)| {
                let context = match &*key.context {
                    "vessels.self" => Context::Own,
                    other => Context::Named(other.into()),
                };
                let mut update = Update::new(context, Source::Ref(key.source.clone()), 1);
                update.timestamp = Some(notification.timestamp);
                update.push_at(key.path.clone(), Value::json(notification.value.clone()));
                update
            })
            .collect();
        self.raised = kept;
        let paths: Vec<PathId> = self.watchers.keys().copied().collect();
        for path in paths {
            let Some((zones, _)) = self.watchers.get(&path) else { continue };
            let restored = self.restored_watcher(path, zones);
            if let Some((_, watcher)) = self.watchers.get_mut(&path) {
                *watcher = restored;
            }
        }
        let arrival = Arrival { input: NOTIFICATION_SOURCE, origin: Origin::SERVER, now, heard: true };
        self.apply(updates, &arrival);
    }
}
