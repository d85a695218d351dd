//! Metadata by path: units, descriptions, zones.

pub mod scale;
pub mod table;

use super::value::push_text;
