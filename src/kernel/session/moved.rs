//! A stream that goes on over another world: from the log of the history to the live one, and back when it falls behind.

use super::interest::Interest;
use super::limited::Limited;
use super::{NOT_GREETED, Session};
use crate::kernel::id::Seq;
use crate::kernel::subscription::Policy;
use crate::kernel::world::World;

impl Session {
    /// What `minPeriod` holds back goes out with the next pump, whatever its time: the world that it is in is about to end.
    /// False when there is nothing.
    pub fn settle(&mut self) -> bool {
        self.limited.open_all()
    }

    /// Whoever drives the session cannot go on from the log any more: from now on gaps are stated.
    pub fn without_log(&mut self) {
        self.options.log = false;
    }

    /// Goes on over `to`, after its change number `after`, which is where the client stands in `from`. Numbers of
    /// contexts, paths and sources are another world's business, so what is kept by them is put in the new one's, or
    /// forgotten: `minPeriod` starts anew, and greetings that had begun begin again.
    pub fn move_to(&mut self, from: &World, to: &World, after: Seq) {
        for active in &mut self.rows {
            if active.since != NOT_GREETED {
                active.since = after;
            }
            active.owed = matches!(active.row.policy, Policy::Fixed { .. })
                .then_some(active.owed)
                .flatten()
                .map(|_| after.next());
        }
        for greeting in &mut self.greetings {
            for active in &mut self.rows[greeting.begin_again()] {
                active.since = NOT_GREETED;
            }
        }
        self.interest = Interest::default();
        self.limited = Limited::default();
        self.meta_sent = self.meta_sent.translated(|path| to.model.find_path(from.model.path(path)));
        self.introduced.clear();
        self.full.clear();
        self.full_owed = None;
        self.cursor = after;
        self.delivered = after;
    }
}
