//! The `taffrail` program.

fn main() {}
