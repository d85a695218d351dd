//! Metadata by path: units, descriptions, zones.
