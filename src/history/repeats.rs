//! Columns of what repeats: runs of equal numbers, and texts of which each distinct one is written once.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::chunk::POINTS_MAX;
use super::column::{Span, put_part, put_varint};
use crate::kernel::value::Value;

/// Numbers of which the same comes many times in a row.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<(u64, u64)>);

impl Runs {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn push(&mut self, n: u64) {
        match self.0.last_mut() {
            Some((last, count)) if *last == n => *count += 1,
            _ => self.0.push((n, 1)),
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        for (n, count) in &self.0 {
            put_varint(out, *n);
            put_varint(out, *count);
        }
    }
}

#[derive(Debug)]
pub(super) struct RunReader {
    span: Span,
    number: u64,
    count: u64,
}

impl RunReader {
    pub const fn new(span: Span) -> Self {
        Self { span, number: 0, count: 0 }
    }

    pub fn next(&mut self, bytes: &[u8]) -> Option<u64> {
        if self.count == 0 {
            self.number = self.span.varint(bytes)?;
            self.count = self.span.varint(bytes)?;
        }
        self.count = self.count.checked_sub(1)?;
        Some(self.number)
    }
}

/// Texts, each distinct one once, and which of them stands where.
#[derive(Default)]
pub(super) struct Dictionary<'a> {
    index: HashMap<&'a str, u64, FixedState>,
    words: Vec<&'a str>,
    places: Runs,
}

impl<'a> Dictionary<'a> {
    pub fn push(&mut self, word: &'a str) {
        let next = self.words.len() as u64;
        let place = *self.index.entry(word).or_insert(next);
        if place == next {
            self.words.push(word);
        }
        self.places.push(place);
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        if self.words.is_empty() {
            return;
        }
        put_varint(out, self.words.len() as u64);
        for word in &self.words {
            put_part(out, word.as_bytes());
        }
        self.places.write(out);
    }
}

/// A column of texts that is being read, its dictionary ready as values.
#[derive(Debug)]
pub(super) struct Words {
    words: Vec<Value>,
    places: RunReader,
}

impl Words {
    pub fn new(mut span: Span, bytes: &[u8], value: fn(&str) -> Value) -> Option<Self> {
        let mut words = Vec::new();
        if span.left() > 0 {
            // No more distinct words than points, each of a byte at least.
            let count = span.size(bytes).filter(|n| *n <= POINTS_MAX)?;
            words.reserve_exact(count);
            for _ in 0..count {
                let size = span.size(bytes)?;
                words.push(value(std::str::from_utf8(span.slice(bytes, size)?).ok()?));
            }
        }
        Some(Self { words, places: RunReader::new(span) })
    }

    pub fn next(&mut self, bytes: &[u8]) -> Option<Value> {
        let place = usize::try_from(self.places.next(bytes)?).ok()?;
        self.words.get(place).cloned()
    }
}
