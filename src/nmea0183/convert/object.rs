//! Small JSON objects written straight into their text: the values that are no single number.

use std::sync::Arc;

use crate::kernel::value::{Position, Value, push_number, push_text};

/// An object under construction. Members keep their order; a number that is not finite becomes null.
#[derive(Debug)]
pub(super) struct Object {
    text: String,
}

impl Object {
    /// An empty object.
    pub(super) fn new() -> Self {
        let mut text = String::with_capacity(96);
        text.push('{');
        Self { text }
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        push_text(key, &mut self.text);
        self.text.push(':');
    }

    /// A number, or null for none.
    pub(super) fn number(mut self, key: &str, n: Option<f64>) -> Self {
        self.key(key);
        match n.filter(|n| n.is_finite()) {
            Some(n) => push_number(n, &mut self.text),
            None => self.text.push_str("null"),
        }
        self
    }

    /// A number, left out when there is none.
    pub(super) fn number_if(self, key: &str, n: Option<f64>) -> Self {
        if n.is_some() { self.number(key, n) } else { self }
    }

    /// A text.
    pub(super) fn text(mut self, key: &str, text: &str) -> Self {
        self.key(key);
        push_text(text, &mut self.text);
        self
    }

    /// A text, left out when it is empty.
    pub(super) fn text_if(self, key: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.text(key, text) }
    }

    /// `true` or `false`.
    pub(super) fn bool(mut self, key: &str, b: bool) -> Self {
        self.key(key);
        self.text.push_str(if b { "true" } else { "false" });
        self
    }

    /// A position, left out when there is none.
    pub(super) fn position_if(mut self, key: &str, position: Option<Position>) -> Self {
        if let Some(p) = position {
            self.key(key);
            Value::from(p).write_json(&mut self.text);
        }
        self
    }

    /// A member whose value is JSON already.
    pub(super) fn json(mut self, key: &str, json: &str) -> Self {
        self.key(key);
        self.text.push_str(json);
        self
    }

    /// The finished text.
    pub(super) fn into_text(mut self) -> String {
        self.text.push('}');
        self.text
    }

    /// The finished value.
    pub(super) fn into_value(self) -> Value {
        Value::json(Arc::<str>::from(self.into_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_and_numbers_stay_json() {
        let object = Object::new()
            .number("a", Some(1.5))
            .number("b", Some(f64::INFINITY))
            .number_if("c", None)
            .text("d\"", "x\ny")
            .text_if("e", "")
            .bool("f", true)
            .json("g", "[1]")
            .position_if("h", Position::new(1.0, 2.0));
        assert_eq!(
            object.into_text(),
            r#"{"a":1.5,"b":null,"d\"":"x\ny","f":true,"g":[1],"h":{"latitude":1.0,"longitude":2.0}}"#
        );
        assert_eq!(Object::new().into_text(), "{}");
    }
}
