//! One line in words.
