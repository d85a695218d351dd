//! The demo boat as an input: it says what a boat's instruments would say, when they would say it.

use std::time::Duration;

use tokio::time::Instant;

use super::ended::{Ended, Why};
use super::intake::Intake;
use crate::kernel::time::Timestamp;

/// A simulated boat. Its time is in milliseconds since its start and only moves when told.
pub trait DemoBoat: Send {
    /// Lets time pass until `ms` and appends the sentences of that time.
    fn advance_to(&mut self, ms: u64, out: &mut Vec<u8>);
    /// When it will next have something to say.
    fn next_due(&self) -> u64;
}

/// Makes a boat: which passage, and when it starts.
pub type DemoFn = fn(seed: u64, start: Timestamp) -> Box<dyn DemoBoat>;

/// Sails for as long as the server runs.
pub(super) async fn run(seed: u64, rate: f64, intake: &Intake) -> Ended {
    let Some(launch) = intake.wiring.demo else {
        return Ended::new(Why::Unsupported, "start the demo boat: this build has none");
    };
    let rate = if rate.is_finite() && rate > 0.0 { rate } else { 1.0 };
    let mut boat = launch(seed, intake.now().wall);
    let mut decoding = intake.decoding();
    let mut sentences = Vec::new();
    let began = Instant::now();
    intake.running("demo boat");
    loop {
        let wait = Duration::try_from_secs_f64(boat.next_due() as f64 / rate / 1000.0).unwrap_or(Duration::MAX);
        match began.checked_add(wait) {
            Some(due) => tokio::time::sleep_until(due).await,
            None => return Ended::new(Why::Eof, "the demo boat has arrived"),
        }
        // At high rates several things are due by now; at low ones at least the one that was waited for.
        let sailed_ms = (began.elapsed().as_secs_f64() * 1000.0 * rate) as u64;
        boat.advance_to(sailed_ms.max(boat.next_due()), &mut sentences);
        if let Err(ended) = intake.take(&mut decoding, &sentences).await {
            return ended;
        }
        sentences.clear();
    }
}

impl DemoBoat for crate::demo::Demo {
    fn advance_to(&mut self, ms: u64, out: &mut Vec<u8>) {
        Self::advance_to(self, ms, out);
    }

    fn next_due(&self) -> u64 {
        Self::next_due(self)
    }
}
