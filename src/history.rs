//! The recorder's storage.

pub mod chunk;
mod column;
mod envelope;
mod number;
pub mod record;
mod transform;
