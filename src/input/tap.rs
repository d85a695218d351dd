//! Where sentences go as they came, besides to the decoder: whoever keeps a log of them.

use std::sync::Arc;

use super::lines::Lines;
use crate::kernel::time::Timestamp;
use crate::nmea0183::framer::LINE_BYTES_MAX;

/// Whoever keeps sentences. It is called between two reads and must not wait.
pub trait SentenceLog: std::fmt::Debug + Send + Sync {
    /// A line that came from `input`, without its end.
    fn sentence(&self, input: &Arc<str>, at: Timestamp, line: &[u8]);
}

/// Cuts the bytes of one connection into lines for a [`SentenceLog`]. What is longer than a sentence may be is left out.
#[derive(Debug)]
pub(super) struct Tap {
    lines: Lines,
    input: Arc<str>,
    log: Arc<dyn SentenceLog>,
}

impl Tap {
    pub(super) fn new(input: Arc<str>, log: Arc<dyn SentenceLog>) -> Self {
        Self { lines: Lines::new(LINE_BYTES_MAX), input, log }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], at: Timestamp) {
        let mut rest = bytes;
        while let Some(line) = self.lines.next(&mut rest) {
            let text = line.bytes.trim_ascii();
            if line.is_whole && !text.is_empty() {
                self.log.sentence(&self.input, at, text);
            }
        }
    }

    pub(super) fn finish(&mut self, at: Timestamp) {
        if let Some(line) = self.lines.finish().filter(|line| line.is_whole) {
            let text = line.bytes.trim_ascii();
            if !text.is_empty() {
                self.log.sentence(&self.input, at, text);
            }
        }
    }
}
