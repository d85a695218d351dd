//! Who the boat is when nobody has said so: a UUID, made once and kept.

use uuid::Uuid;

use super::{Notice, StateDir};
use crate::config::reading::{UUID_PREFIX, is_uuid_urn};

const FILE: &str = "identity";

/// The identity of a vessel that is configured with neither MMSI nor UUID: `urn:mrn:signalk:uuid:` and a version 4 UUID, the
/// same at every start. Where it cannot be kept it holds for this run, and a notice says so.
pub fn vessel_identity(state: &StateDir) -> (String, Vec<Notice>) {
    let (known, mut notices) = state.read(FILE, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|_| "not text")?.trim();
        if is_uuid_urn(text) { Ok(text.to_owned()) } else { Err("no Signal K UUID of version 4") }
    });
    let is_new = known.is_none();
    let identity = known.unwrap_or_else(|| format!("{UUID_PREFIX}{}", Uuid::new_v4()));
    // It is written once in the boat's life, so nothing would ever make a copy of it: a new one is written twice, and one
    // that had to come from the copy once.
    let writes = if is_new { 2 } else { usize::from(!notices.is_empty()) };
    let written = (0..writes).try_for_each(|_| state.write(FILE, format!("{identity}\n").as_bytes()));
    if let Err(error) = written {
        let text = format!("the boat's identity cannot be kept, so the next start may make another: {error}");
        let notice = Notice { file: FILE.to_owned(), text };
        tracing::warn!("{notice}");
        notices.push(notice);
    }
    (identity, notices)
}
