//! The demo boat.
