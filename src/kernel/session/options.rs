//! What a stream is asked for when it is opened.

use crate::kernel::id::{Instance, Seq};
use crate::kernel::subscription::ROWS_MAX;

/// What the connection asked for when it was made.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches of the stream's address, each on or off")]
pub struct Options {
    /// The rows that the address implies, before any message.
    pub subscribe: Implied,
    /// Send what is known already (`sendCachedValues`).
    pub send_cached: bool,
    /// Send metadata with a path's first value and on every change (`sendMeta=all`).
    pub send_meta: bool,
    /// Every source, not only the one a path shows (`sourcePolicy=all`).
    pub all_sources: bool,
    /// Put the timepoint into every frame.
    pub timepoints: bool,
    /// Go on after this number, without cached values (`timepoint=N`).
    pub resume: Option<Seq>,
    /// Whoever drives the session can go on from the log of the history where memory does not reach: it is asked to, by
    /// [`super::Pumped::Missed`], when a reader with timepoints falls behind. Without, such a reader is told a gap.
    pub log: bool,
    /// The rows that the address implies send the whole object of a context (`format=full`).
    pub full: bool,
    /// Mark what stands for values that were left out (`backpressure=true`).
    pub backpressure: bool,
    /// Rows at the most, those that the address implies included.
    pub rows_max: usize,
    /// The reader is another server: it gets nothing that has come through it, and is told where the rest came through
    /// (see [`crate::kernel::relay`]). Rows with `policy=fixed` share their frames with other readers and don't heed this.
    pub peer: Option<Instance>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            subscribe: Implied::Own,
            send_cached: false,
            send_meta: false,
            all_sources: false,
            timepoints: false,
            resume: None,
            log: false,
            full: false,
            backpressure: false,
            rows_max: ROWS_MAX,
            peer: None,
        }
    }
}

/// `subscribe=` in the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Implied {
    /// The own vessel.
    #[default]
    Own,
    /// Everything.
    All,
    /// Nothing until a message asks for something.
    None,
}
