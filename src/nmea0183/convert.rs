//! Formatter to converter. A converter fills in one [`Update`] that already names the own vessel and the source.
//!
//! Signature of every converter: `fn(&Sentence<'_>, &mut State, &mut Update) -> Outcome`. It may change the update's
//! context (a radar target, a vessel in distress) and its timestamp.

use crate::kernel::time::Now;

/// What a device's sentences need of each other, one per [`super::Decoder`].
#[derive(Debug, Default)]
pub struct State {
    /// Time of arrival of the sentence in hand.
    pub now: Now,
}
