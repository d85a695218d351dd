//! AIS: six-bit payloads to updates.
