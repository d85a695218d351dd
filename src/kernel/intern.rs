//! Text to number and back: an append-only table with a bound.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

/// The table cannot take another entry; nothing was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Numbers texts from 0 in the order in which they are first seen.
#[derive(Debug)]
pub struct Interner {
    by_text: HashMap<Arc<str>, u32, RandomState>,
    texts: Vec<Arc<str>>,
    entries_max: usize,
}

impl Interner {
    /// An empty table that will hold up to `entries_max` texts.
    pub fn new(entries_max: usize) -> Self {
        Self { by_text: HashMap::default(), texts: Vec::new(), entries_max }
    }

    /// The number of `text`, new if it has none yet. Refused when the table is full.
    pub fn intern(&mut self, text: &str) -> Result<u32, Full> {
        if let Some(&id) = self.by_text.get(text) {
            return Ok(id);
        }
        if self.texts.len() >= self.entries_max {
            return Err(Full);
        }
        let id = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.by_text.insert(text, id);
        Ok(id)
    }

    /// The number of a text that was seen before.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.by_text.get(text).copied()
    }

    /// The text of a number that this table gave out.
    pub fn text(&self, id: u32) -> &Arc<str> {
        &self.texts[id as usize]
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number_and_a_full_table_says_so() {
        let mut table = Interner::new(2);
        assert_eq!((table.intern("a"), table.intern("b"), table.intern("a")), (Ok(0), Ok(1), Ok(0)));
        assert_eq!(table.intern("c"), Err(Full));
        assert_eq!((table.find("b"), table.find("c"), table.len()), (Some(1), None, 2));
        assert_eq!(&**table.text(1), "b");
    }
}
