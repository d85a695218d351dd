//! What must be there again after a restart: notifications that are raised.

use std::sync::Arc;
use std::time::Duration;

use crate::feed::Feed;
use crate::kernel::notifications::Notifications;
use crate::kernel::time::Now;
use crate::kernel::world::World;
use crate::state_dir::StateDir;

/// The file in the state directory.
const FILE: &str = "notifications.json";
/// Changes that follow each other within this are written once.
const GATHER: Duration = Duration::from_millis(500);

/// Raises again what was raised when the server stopped.
pub(super) fn restore(world: &mut World, state: &StateDir, now: Now) {
    let parse = |bytes: &[u8]| std::str::from_utf8(bytes).map(Notifications::from_json);
    let (kept, _notices) = state.read(FILE, parse);
    let Some((kept, unreadable)) = kept else { return };
    if unreadable > 0 {
        tracing::warn!(unreadable, "{FILE}: some notifications could not be read and were left out");
    }
    if !kept.is_empty() {
        world.restore_raised(kept, now);
    }
}

/// Writes the raised notifications whenever they have changed, until the feed ends, and once more then.
pub(super) async fn keep(mut feed: Feed, state: Arc<StateDir>) {
    let mut written = feed.read().raised().1;
    loop {
        let going_on = feed.grown().await;
        let text = {
            let world = feed.read();
            let (raised, version) = world.raised();
            (version != written).then(|| {
                written = version;
                raised.to_json()
            })
        };
        if let Some(text) = text {
            let state = state.clone();
            let write = tokio::task::spawn_blocking(move || state.write(FILE, text.as_bytes()));
            if let Ok(Err(error)) = write.await {
                tracing::warn!(%error, "raised notifications could not be kept for a restart");
            }
            if going_on {
                tokio::time::sleep(GATHER).await;
            }
        }
        if !going_on {
            return;
        }
    }
}
