//! Other vessels, aids and stations, as a receiver would hear their transponders.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::ais::encode::{Form, sentences};
use crate::ais::from_values::{self, Known, MOVING, STATIC};
use crate::ais::message::Message;
use crate::kernel::model::names;
use crate::kernel::time::Timestamp;
use crate::kernel::update::{Mmsi, Root};
use crate::kernel::value::Value;

/// Targets known at a time; one more takes the place of the one silent for longest.
const TARGETS_MAX: usize = 4_096;

/// Static data are said again after this, in milliseconds, as transponders do.
const STATIC_INTERVAL_MS: i64 = 360_000;

/// Something that has an MMSI.
#[derive(Debug)]
struct Target {
    mmsi: Mmsi,
    root: Root,
    values: HashMap<&'static str, Value, FixedState>,
    heard: Timestamp,
    has_moved: bool,
    has_changed: bool,
    static_said: Option<Timestamp>,
}

impl Known for Target {
    fn value(&self, path: &str) -> Option<&Value> {
        self.values.get(path).filter(|value| !value.is_null())
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Targets {
    known: Vec<Target>,
    by_context: HashMap<Arc<str>, usize, FixedState>,
    /// Those that have something to say, in the order in which they were heard.
    due: Vec<usize>,
    /// Sequence number of the next message of several sentences.
    sequence: u8,
    is_channel_b: bool,
}

impl Targets {
    /// The place of a target; `None` for one that AIS has no number for.
    pub(super) fn of(&mut self, context: &Arc<str>, now: Timestamp) -> Option<usize> {
        if let Some(known) = self.by_context.get(context) {
            return Some(*known);
        }
        let (root, mmsi) = identity(context)?;
        let target = Target {
            mmsi,
            root,
            values: HashMap::default(),
            heard: now,
            has_moved: false,
            has_changed: false,
            static_said: None,
        };
        let place = if self.known.len() < TARGETS_MAX {
            self.known.push(target);
            self.known.len() - 1
        } else {
            let (oldest, _) = self.known.iter().enumerate().min_by_key(|(_, target)| target.heard)?;
            self.by_context.retain(|_, place| *place != oldest);
            self.known[oldest] = target;
            oldest
        };
        self.by_context.insert(context.clone(), place);
        Some(place)
    }

    pub(super) fn learn(&mut self, place: usize, path: &str, value: &Value) {
        let find = |paths: &'static [&'static str]| paths.iter().find(|known| **known == path).copied();
        let target = &mut self.known[place];
        let (path, is_moving) = match (find(&MOVING), find(&STATIC)) {
            (Some(path), _) => (path, true),
            (None, Some(path)) => (path, false),
            (None, None) => return,
        };
        if !value.is_null() {
            if !target.has_moved && !target.has_changed {
                self.due.push(place);
            }
            target.has_moved |= is_moving;
            target.has_changed |= !is_moving && target.values.get(path) != Some(value);
        }
        target.values.insert(path, value.clone());
    }

    pub(super) fn all_are_due(&mut self) {
        self.due = (0..self.known.len()).collect();
        for target in &mut self.known {
            (target.has_moved, target.has_changed) = (true, true);
        }
    }

    pub(super) fn speak(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        for place in std::mem::take(&mut self.due) {
            let target = &mut self.known[place];
            let has_moved = std::mem::take(&mut target.has_moved);
            let has_changed = std::mem::take(&mut target.has_changed);
            target.heard = at;
            let since = target.static_said.map(|said| at.as_millis() - said.as_millis());
            // Also when time went back: somebody has gone to another place of a recording.
            let is_static_due =
                has_changed || has_moved && since.is_none_or(|ms| !(0..STATIC_INTERVAL_MS).contains(&ms));
            let mut messages: Vec<Message> = Vec::new();
            messages.extend(has_moved.then(|| from_values::report(target.root, target)).flatten());
            if is_static_due {
                messages.append(&mut from_values::statics(target.root, target));
                target.static_said = Some(at);
            }
            let mmsi = target.mmsi;
            for message in &messages {
                self.send(mmsi, message, out);
            }
        }
    }

    fn send(&mut self, mmsi: Mmsi, message: &Message, out: &mut Vec<u8>) {
        self.is_channel_b = !self.is_channel_b;
        let channel = Some(if self.is_channel_b { 'B' } else { 'A' });
        let lines = sentences(mmsi, message, Form { talker: "AI", own: false, channel, sequence: self.sequence });
        if lines.len() > 1 {
            self.sequence = (self.sequence + 1) % 10;
        }
        for line in lines {
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// What a context is to AIS.
fn identity(context: &str) -> Option<(Root, Mmsi)> {
    let (root, id) = names::split_context(context)?;
    let root = [Root::Vessels, Root::Atons, Root::Aircraft, Root::Sar, Root::BaseStations]
        .into_iter()
        .find(|known| known.as_str() == root)?;
    Some((root, Mmsi::parse(id.strip_prefix("urn:mrn:imo:mmsi:")?)?))
}
