//! A replica that plays back the log for a reader who comes back: its changes have numbers of their own, and this says
//! which timepoint each of them stands for.

use std::collections::VecDeque;

use super::World;
use crate::kernel::id::Seq;
use crate::kernel::time::Timestamp;
use crate::kernel::update::Update;

/// Changes that are remembered with their timepoints at the most. A reader who is owed something older is told the
/// timepoint that it came with, which is true of it as well.
const RECALLED_MAX: usize = 16_384;

/// The timepoints of a replica's changes.
#[derive(Debug)]
pub(super) struct Recalled {
    /// What the reader had when it came.
    floor: Seq,
    /// Own numbers and the timepoints that were complete with them, ascending.
    reached: VecDeque<(Seq, Seq)>,
}

impl World {
    /// From here on the changes of this replica stand for those after `floor`, up to which its reader has everything.
    pub fn recall_after(&mut self, floor: Seq) {
        self.recalled = Some(Recalled { floor, reached: VecDeque::from([(self.head(), floor)]) });
    }

    /// Applies what was logged as the change of timepoint `seq`.
    pub fn recall(&mut self, seq: Seq, update: Update, at: Timestamp) {
        self.replay([update], at);
        self.pass(seq);
    }

    /// Everything up to `seq` has been applied, or stated as missing.
    pub fn pass(&mut self, seq: Seq) {
        let head = self.head();
        let Some(recalled) = &mut self.recalled else { return };
        match recalled.reached.back_mut().filter(|(own, _)| *own == head) {
            Some((_, timepoint)) => *timepoint = seq,
            None => recalled.reached.push_back((head, seq)),
        }
        if recalled.reached.len() > RECALLED_MAX {
            recalled.reached.pop_front();
        }
    }

    /// The timepoint up to which a reader has everything who has this world's changes up to `own`: the same number, but
    /// for a replica that plays back the log.
    pub fn timepoint(&self, own: Seq) -> Seq {
        let Some(recalled) = &self.recalled else { return own };
        let after = recalled.reached.partition_point(|(reached, _)| *reached <= own);
        after.checked_sub(1).map_or(recalled.floor, |i| recalled.reached[i].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::update::{Context, Source};
    use crate::kernel::value::Value;
    use crate::kernel::world::Setup;

    const T: Timestamp = Timestamp::from_millis(1_780_272_000_000);

    fn update(context: &str, value: f64) -> Update {
        let mut update = Update::new(Context::Named(context.into()), Source::Ref("gps.GP".into()), 1);
        update.timestamp = Some(T);
        update.push_at("a.b", Value::number(value));
        update
    }

    #[test]
    fn own_numbers_stand_for_timepoints_with_holes_and_several_changes_to_one() {
        let live = World::new(Setup::new("vessels.urn:mrn:imo:mmsi:230000001"), Seq(70));
        assert_eq!(live.timepoint(Seq(71)), Seq(71), "in the live world they are the same");
        let mut world = live.replica(T);
        let start = world.head();
        world.recall_after(Seq(40));
        world.recall(Seq(41), update("self", 1.0), T);
        let first = world.head();
        world.recall(Seq(45), update("vessels.urn:mrn:imo:mmsi:211000001", 1.0), T);
        let second = world.head();
        world.pass(Seq(60));
        world.recall(Seq(61), update("self", 2.0), T);
        let table = [(Seq(start.0 - 1), 40), (start, 40), (first, 41), (second, 60), (world.head(), 61)];
        for (own, timepoint) in table {
            assert_eq!(world.timepoint(own), Seq(timepoint), "{own:?}");
        }
        for between in first.0 + 1..second.0 {
            assert_eq!(world.timepoint(Seq(between)), Seq(41), "a change is complete with its last number");
        }
    }
}
