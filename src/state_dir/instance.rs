//! Who the server is to other servers: random, made once and kept. It is not the boat's identity: two servers aboard one
//! boat share that.

use uuid::Uuid;

use super::StateDir;
use crate::kernel::id::Instance;

const FILE: &str = "instance";

/// The server's own [`Instance`], the same at every start. Where it cannot be kept it holds for this run; after a restart
/// other servers then give us back what we ourselves told them before, once.
///
/// Two computers whose state directories are copies of each other (a cloned card) have the same one, and don't read from
/// each other; deleting the file `instance` on one of them mends that.
pub fn server_instance(state: &StateDir) -> Instance {
    let (known, _notices) = state.read(FILE, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|_| "not text")?.trim();
        Instance::parse(text).filter(|i| *i != Instance::UNKNOWN).ok_or("not 32 hexadecimal digits")
    });
    known.unwrap_or_else(|| {
        let instance = Instance(Uuid::new_v4().as_u128());
        if let Err(error) = state.write(FILE, format!("{instance}\n").as_bytes()) {
            tracing::warn!("{FILE}: cannot be kept, so the next start makes another: {error}");
        }
        instance
    })
}
