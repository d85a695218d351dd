//! How the server is doing, in figures per second: what its events and its own values are made of.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use compact_str::CompactString;

use super::Shared;
use crate::kernel::time::Moment;
use crate::kernel::update::{Context, Source, Update};
use crate::kernel::value::Value;

/// The `$source` of the server's own values.
pub const SOURCE: &str = "taffrail";

/// Everything that is counted, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    at: Moment,
    started: Moment,
    changes: u64,
    streams: u64,
    own_paths: usize,
    inputs: Vec<(Arc<str>, u64)>,
}

impl Snapshot {
    /// Reads all counters now.
    pub fn take(shared: &Shared) -> Self {
        let own_paths = shared.feed.read().model.own_node().leaves().len();
        let inputs = shared.inputs().iter();
        Self {
            at: shared.clock.now().mono,
            started: shared.health.started(),
            changes: shared.hub_counters.changes.load(Ordering::Relaxed),
            streams: shared.counters.open.load(Ordering::Relaxed),
            own_paths,
            inputs: inputs.map(|input| (input.name().clone(), input.report().counters.understood)).collect(),
        }
    }
}

/// One input's part.
#[derive(Debug, Clone, PartialEq)]
pub struct InputFigures {
    /// Its name.
    pub name: Arc<str>,
    /// Sentences or deltas understood since the start.
    pub count: u64,
    /// The same for each second of the latest interval.
    pub per_second: f64,
}

/// A snapshot, and what happened between it and the one before.
#[derive(Debug, Default)]
pub struct Figures {
    begun: bool,
    newest: Snapshot,
    changes_per_second: f64,
    inputs: Vec<InputFigures>,
}

impl Figures {
    /// Goes on to `newest`. Rates are zero at first.
    pub fn next(&mut self, newest: Snapshot) -> &Self {
        let before = std::mem::take(&mut self.newest);
        let first = !std::mem::replace(&mut self.begun, true);
        let ms = newest.at.since(before.at);
        let rate = |now: u64, then: u64| match ms {
            0 => 0.0,
            _ if first => 0.0,
            // To a tenth: more digits would be noise.
            ms => (now.saturating_sub(then) as f64 * 10_000.0 / ms as f64).round() / 10.0,
        };
        self.changes_per_second = rate(newest.changes, before.changes);
        let input = |(n, (name, count)): (usize, &(Arc<str>, u64))| {
            let then = before.inputs.get(n).map_or(0, |(_, count)| *count);
            InputFigures { name: name.clone(), count: *count, per_second: rate(*count, then) }
        };
        self.inputs = newest.inputs.iter().enumerate().map(input).collect();
        self.newest = newest;
        self
    }

    /// Changes applied each second.
    pub fn changes_per_second(&self) -> f64 {
        self.changes_per_second
    }

    /// Paths of the own vessel that have or had a value.
    pub fn own_paths(&self) -> usize {
        self.newest.own_paths
    }

    /// Streams open.
    pub fn streams(&self) -> u64 {
        self.newest.streams
    }

    /// Whole seconds since the start.
    pub fn uptime_s(&self) -> u64 {
        self.newest.at.since(self.newest.started) / 1_000
    }

    /// By input.
    pub fn inputs(&self) -> &[InputFigures] {
        &self.inputs
    }

    /// The part that every app aboard may watch, as values of the own vessel (`server.*` in the table of paths).
    pub fn to_update(&self) -> Update {
        let mut update = Update::new(Context::Own, Source::Ref(CompactString::const_new(SOURCE)), 4);
        let whole = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        update.push("server.uptime", whole(self.uptime_s()));
        update.push("server.clients", whole(self.streams()));
        update.push("server.deltaRate", Value::number(self.changes_per_second));
        update
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::meta::table::Table;

    fn snapshot(seconds: u64, changes: u64, understood: u64) -> Snapshot {
        Snapshot {
            at: Moment::from_millis(7_000 + seconds * 1_000),
            started: Moment::from_millis(7_000),
            changes,
            streams: 2,
            own_paths: 40,
            inputs: vec![("gps".into(), understood)],
        }
    }

    #[test]
    fn rates_are_what_happened_in_the_latest_interval() {
        let mut figures = Figures::default();
        figures.next(snapshot(0, 1_000, 50));
        assert_eq!(
            (figures.changes_per_second(), figures.inputs()[0].per_second),
            (0.0, 0.0),
            "nothing to compare with"
        );
        figures.next(snapshot(5, 1_052, 51));
        assert_eq!((figures.changes_per_second(), figures.uptime_s()), (10.4, 5));
        assert_eq!(figures.inputs(), [InputFigures { name: "gps".into(), count: 51, per_second: 0.2 }]);
        figures.next(snapshot(5, 1_060, 60));
        assert_eq!(figures.changes_per_second(), 0.0, "no time has passed");
    }

    #[test]
    fn the_server_s_own_values_are_described() {
        let mut figures = Figures::default();
        let update = figures.next(snapshot(60, 1, 1)).to_update();
        let table = Table::new();
        let paths: Vec<&str> = update.values.iter().map(|item| &*item.path).collect();
        assert_eq!(paths, ["server.uptime", "server.clients", "server.deltaRate"]);
        for path in paths {
            assert!(table.find(path).is_some_and(|row| !row.description.is_empty()), "{path}");
        }
        assert_eq!(update.values[0].value, Value::Integer(60));
    }
}
