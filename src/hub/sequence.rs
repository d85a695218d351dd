//! Numbers of changes are never handed out twice, not even over a power cut.
//!
//! The state directory holds a limit, in the file `seq_limit`. It is raised, durably, before any number at or above it is
//! given out, in blocks of 2^24, the next block in the background when half of one is used. A start goes on at the limit:
//! what lies between the last change and it is a gap that clients can be told of.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::state_dir::StateDir;

/// Numbers reserved at a time.
pub const BLOCK: u64 = 1 << 24;
/// A fresh state directory starts at a random multiple of [`BLOCK`] below this, so that a cursor from another life is noticed.
const FIRST_MAX: u64 = 1 << 51;
const FILE: &str = "seq_limit";

/// The reserved numbers of this run.
#[derive(Debug)]
pub struct Sequence {
    state: Arc<StateDir>,
    limit: u64,
    raising: Option<JoinHandle<bool>>,
    durable: bool,
}

impl Sequence {
    /// Reserves the first block of this run and says after which number it begins. `highest` is the highest number that
    /// the history holds. A limit that cannot be written is said in the log; the run then has no timepoints.
    pub fn start(state: Arc<StateDir>, highest: Option<u64>) -> (Self, u64) {
        let parse = |bytes: &[u8]| {
            std::str::from_utf8(bytes)
                .map_err(|e| e.to_string())
                .and_then(|text| text.trim().parse::<u64>().map_err(|_| format!("{:?} is not a number", text.trim())))
        };
        let (kept, notices) = state.read(FILE, parse);
        // The copy of a file that was bad is one block older: what was given out since lies below two more of them.
        let kept = kept.map(|limit| if notices.is_empty() { limit } else { limit + 2 * BLOCK });
        let fresh = || (uuid::Uuid::new_v4().as_u128() as u64 % (FIRST_MAX / BLOCK)).max(1) * BLOCK;
        let next = kept.unwrap_or_else(fresh).max(highest.map_or(0, |n| n + 1));
        let limit = next + BLOCK;
        let durable = write(&state, limit);
        (Self { state, limit, raising: None, durable }, next - 1)
    }

    /// Whether the numbers of this run are safe to be kept by clients.
    pub fn is_durable(&self) -> bool {
        self.durable
    }

    /// Raises the limit in good time. Waits only when a whole block was used up while the card was still writing.
    pub async fn keep_ahead(&mut self, head: u64) {
        if self.raising.as_ref().is_some_and(JoinHandle::is_finished) || head + BLOCK / 8 >= self.limit {
            if let Some(raising) = self.raising.take() {
                self.durable &= raising.await.unwrap_or(false);
                self.limit += BLOCK;
            }
        }
        if self.raising.is_none() && head + BLOCK / 2 >= self.limit {
            let (state, limit) = (self.state.clone(), self.limit + BLOCK);
            self.raising = Some(tokio::task::spawn_blocking(move || write(&state, limit)));
        }
    }
}

fn write(state: &StateDir, limit: u64) -> bool {
    match state.write(FILE, format!("{limit}\n").as_bytes()) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "timepoints are off for this run: the limit of change numbers cannot be kept");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &std::path::Path) -> Arc<StateDir> {
        Arc::new(StateDir::open(path).unwrap())
    }

    #[test]
    fn no_number_is_given_out_twice() {
        let dir = tempfile::tempdir().unwrap();
        let (first, before) = Sequence::start(open(dir.path()), None);
        assert!(
            first.is_durable() && before % BLOCK == BLOCK - 1,
            "a fresh directory begins at a whole block: {before}"
        );
        drop(first);
        let (second, head) = Sequence::start(open(dir.path()), None);
        assert_eq!(head, before + BLOCK, "a start goes on at the limit of the run before");
        drop(second);
        // The file is bad: its copy is older, so more is left out than one block.
        std::fs::write(dir.path().join(FILE), b"junk").unwrap();
        let (third, after) = Sequence::start(open(dir.path()), None);
        assert!(after >= head + BLOCK, "{after} may have been given out after {head}");
        drop(third);
        // The history may know of a higher one, whatever became of the file.
        let (_fourth, last) = Sequence::start(open(dir.path()), Some(after + 7 * BLOCK));
        assert_eq!(last, after + 7 * BLOCK);
    }
}
