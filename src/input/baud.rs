//! `baud = "auto"`: listens at each usual rate until a sentence with a correct checksum comes, which does not happen by
//! chance at a wrong one.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The usual rates, most likely first: NMEA 0183 is 4800, its high-speed form and AIS 38400; the others are what receivers
/// and multiplexers with USB are set to.
pub const BAUDS: [u32; 6] = [4800, 38400, 9600, 115_200, 19200, 57600];

/// Bytes without a sentence after which the window needn't be waited for: five sentences' worth at the right rate.
#[cfg(feature = "serial")]
pub(super) const WRONG_RATE_BYTES: u64 = 400;

/// Devices remembered at the most; the inputs of a boat are fewer.
pub const DEVICES_MAX: usize = 64;

/// Keeps which rate was found on which device, so that the next start reads from its first second.
pub trait BaudMemory: fmt::Debug + Send + Sync {
    /// The rate that was found on `device` the last time.
    fn recall(&self, device: &Path) -> Option<u32>;
    /// `device` talks at `baud`.
    fn remember(&self, device: &Path, baud: u32);
}

/// Remembers for this run of the program only.
#[derive(Debug, Default)]
pub struct RunMemory {
    found: Mutex<HashMap<PathBuf, u32>>,
}

impl BaudMemory for RunMemory {
    fn recall(&self, device: &Path) -> Option<u32> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).get(device).copied()
    }

    fn remember(&self, device: &Path, baud: u32) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() < DEVICES_MAX || found.contains_key(device) {
            found.insert(device.to_owned(), baud);
        }
    }
}

/// The rates in the order in which to try them: the one that worked the last time goes first.
pub fn order(recalled: Option<u32>) -> impl Iterator<Item = u32> {
    recalled.into_iter().chain(BAUDS.into_iter().filter(move |&baud| Some(baud) != recalled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_that_worked_goes_first_and_none_comes_twice() {
        assert_eq!(order(None).collect::<Vec<_>>(), BAUDS);
        assert_eq!(order(Some(9600)).collect::<Vec<_>>(), [9600, 4800, 38400, 115_200, 19200, 57600]);
        assert_eq!(order(Some(460_800)).count(), 7);
    }
}
