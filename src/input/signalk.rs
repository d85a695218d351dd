//! Another Signal K server as an input.

use super::ended::{Ended, Why};
use super::intake::Intake;

/// One connection to the other server.
#[expect(clippy::unused_async, reason = "the WebSocket client will await")]
pub(super) async fn run(url: &str, _intake: &Intake) -> Ended {
    Ended::new(Why::Unsupported, format!("connect to {url}: this build has no client for other Signal K servers"))
}
