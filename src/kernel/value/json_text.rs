//! JSON text that a value holds: in place when it is short, shared when it is not.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use compact_str::CompactString;

/// Bytes of a text that is held in place. An AIS identity, `{"mmsi":"244660213"}`, has 20 of them and stands in every
/// position report; a length or a draught has fewer.
pub const JSON_BYTES_IN_PLACE: usize = 24;

/// Compact JSON text. A clone never allocates.
#[derive(Clone)]
pub struct JsonText(Held);

#[derive(Clone)]
enum Held {
    /// At most [`JSON_BYTES_IN_PLACE`] bytes: a longer one would be copied by every clone.
    InPlace(CompactString),
    Shared(Arc<str>),
}

impl Deref for JsonText {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Held::InPlace(text) => text,
            Held::Shared(text) => text,
        }
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for JsonText {}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<&str> for JsonText {
    fn from(text: &str) -> Self {
        let held = if text.len() <= JSON_BYTES_IN_PLACE {
            Held::InPlace(CompactString::new(text))
        } else {
            Held::Shared(Arc::from(text))
        };
        Self(held)
    }
}

impl From<String> for JsonText {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Arc<str>> for JsonText {
    fn from(text: Arc<str>) -> Self {
        Self(Held::Shared(text))
    }
}

impl From<JsonText> for Arc<str> {
    fn from(text: JsonText) -> Self {
        match text.0 {
            Held::InPlace(text) => Self::from(text.as_str()),
            Held::Shared(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_held_in_place_and_equal_shared_ones() {
        for length in [0, 1, 20, 23, 24, 25, 200] {
            let text = "7".repeat(length);
            let (made, shared) = (JsonText::from(text.as_str()), JsonText::from(Arc::<str>::from(text.as_str())));
            let in_place = |json: &JsonText| matches!(&json.0, Held::InPlace(text) if !text.is_heap_allocated());
            assert_eq!(in_place(&made), length <= JSON_BYTES_IN_PLACE, "{length}");
            assert_eq!(made, shared);
            assert_eq!(&*Arc::<str>::from(made), text);
        }
        assert!(size_of::<JsonText>() <= 24, "{} bytes", size_of::<JsonText>());
    }
}
