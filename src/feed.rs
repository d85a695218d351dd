//! What a stream reads from: the world behind its lock, and a bell that rings when the log has grown.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::kernel::session::FrameCache;
use crate::kernel::world::World;

/// A reader's end; cheap to clone. Live streams read the hub's, a playback reads one of its own.
#[derive(Debug, Clone)]
pub struct Feed {
    world: Arc<RwLock<World>>,
    cache: Arc<FrameCache>,
    head: watch::Receiver<u64>,
}

/// The writer's end, of which there is one.
#[derive(Debug)]
pub struct FeedWriter {
    world: Arc<RwLock<World>>,
    head: watch::Sender<u64>,
}

/// A feed over `world`, and the end that writes to it.
pub fn feed(world: World) -> (FeedWriter, Feed) {
    let (sender, head) = watch::channel(world.head().0);
    let world = Arc::new(RwLock::new(world));
    (FeedWriter { world: world.clone(), head: sender }, Feed { world, cache: Arc::default(), head })
}

impl Feed {
    /// Looks at the world. Never hold this across an await, nor longer than a few hundred microseconds: the hub waits.
    pub fn read(&self) -> RwLockReadGuard<'_, World> {
        // A reader cannot leave the world half changed, and the writer's panics are bugs that must not silence the boat.
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames that all streams of this feed share.
    pub fn cache(&self) -> &FrameCache {
        &self.cache
    }

    /// The number of the newest change that was rung for. Takes no lock that the hub holds.
    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// Returns when the log has grown since the last call; `false` when the feed has ended.
    pub async fn grown(&mut self) -> bool {
        self.head.changed().await.is_ok()
    }
}

impl FeedWriter {
    /// Changes the world.
    pub fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings the bell.
    pub fn ring(&self, head: u64) {
        self.head.send_replace(head);
    }
}
