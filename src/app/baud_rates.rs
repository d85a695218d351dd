//! The baud rates that were found, kept over a restart: a device that was found once is read from its first second.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::input::baud::{BaudMemory, DEVICES_MAX};
use crate::state_dir::StateDir;

/// The file in the state directory: an object of rates (baud) by device.
const FILE: &str = "baud_rates.json";

type Rates = BTreeMap<String, u32>;

/// What was found on which device, in memory and in the state directory.
#[derive(Debug)]
pub(super) struct BaudRates {
    kept: Arc<Kept>,
}

#[derive(Debug)]
struct Kept {
    state: Arc<StateDir>,
    rates: Mutex<Rates>,
    /// Held while the file is written, so that an older content never replaces a newer one.
    writing: Mutex<()>,
}

impl BaudRates {
    /// What the state directory holds; nothing where it holds nothing good.
    pub(super) fn open(state: Arc<StateDir>) -> Self {
        let (kept, _notices) = state.read(FILE, |bytes: &[u8]| serde_json::from_slice::<Rates>(bytes));
        let rates = kept.unwrap_or_default().into_iter().take(DEVICES_MAX).collect();
        Self { kept: Arc::new(Kept { state, rates: Mutex::new(rates), writing: Mutex::new(()) }) }
    }
}

impl BaudMemory for BaudRates {
    fn recall(&self, device: &Path) -> Option<u32> {
        self.kept.rates().get(device.to_str()?).copied()
    }

    fn remember(&self, device: &Path, baud: u32) {
        // A device whose name is no text is found anew at each start.
        let Some(device) = device.to_str() else { return };
        {
            let mut rates = self.kept.rates();
            if rates.get(device) == Some(&baud) || (rates.len() >= DEVICES_MAX && !rates.contains_key(device)) {
                return;
            }
            rates.insert(device.to_owned(), baud);
        }
        let kept = self.kept.clone();
        tokio::task::spawn_blocking(move || kept.write());
    }
}

impl Kept {
    fn rates(&self) -> std::sync::MutexGuard<'_, Rates> {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_string_pretty(&*self.rates()).unwrap_or_default();
        if let Err(error) = self.state.write(FILE, text.as_bytes()) {
            tracing::warn!(%error, "the baud rate that was found will be looked for again after a restart");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_found_is_there_after_a_restart_and_a_bad_file_costs_a_search() {
        let dir = tempfile::tempdir().unwrap();
        let open = || BaudRates::open(Arc::new(StateDir::open(dir.path()).unwrap()));
        let gps = Path::new("/dev/serial/by-id/usb-gps");
        let rates = open();
        assert_eq!(rates.recall(gps), None);
        rates.remember(gps, 9600);
        rates.remember(gps, 38400);
        rates.kept.write();
        // The writes in the background hold the directory as well.
        while Arc::strong_count(&rates.kept) > 1 {
            tokio::task::yield_now().await;
        }
        drop(rates);
        let rates = open();
        assert_eq!(rates.recall(gps), Some(38400));
        drop(rates);
        for name in [FILE.to_owned(), format!("{FILE}.bak")] {
            std::fs::write(dir.path().join(name), b"{\"/dev/x\": \"fast\"").unwrap();
        }
        assert_eq!(open().recall(gps), None);
    }
}
