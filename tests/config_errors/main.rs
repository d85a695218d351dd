//! The configuration as a boat owner meets it: through the program, with its messages, its exit codes and its report.
// clippy knows only the functions marked #[test] as tests.
#![allow(clippy::unwrap_used)]

mod program;
mod refusals;
mod report;
mod sources;
