//! The inside of the boat, for tests of inputs: inputs that run, and a hub that only looks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use taffrail::clock::SystemClock;
use taffrail::config::{Format, Input, InputKind, Sentences};
use taffrail::input::status::InputReport;
use taffrail::input::{Batch, Inputs, Timing, Wiring, start_inputs};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Nothing in these tests takes longer, not even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Running inputs and the inbox that they fill.
pub struct Boat {
    pub inbox: mpsc::Receiver<Batch>,
    pub inputs: Inputs,
    tracker: TaskTracker,
    token: CancellationToken,
}

impl Boat {
    /// Starts inputs with pauses short enough for a test; `tune` may change more.
    pub fn start(kinds: &[(InputKind, Format)], tune: impl FnOnce(&mut Wiring)) -> Self {
        Self::start_with_inbox(taffrail::input::INBOX_BATCHES, kinds, tune)
    }

    /// The same, with a small inbox.
    pub fn start_with_inbox(batches: usize, kinds: &[(InputKind, Format)], tune: impl FnOnce(&mut Wiring)) -> Self {
        let (hub, inbox) = mpsc::channel(batches);
        let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
        let mut wiring = Wiring::new(hub, Arc::new(SystemClock::new()), tracker.clone(), token.clone());
        wiring.timing = Timing {
            backoff_first: Duration::from_millis(2),
            backoff_max_local: Duration::from_millis(10),
            backoff_max_remote: Duration::from_millis(10),
            ..Timing::default()
        };
        tune(&mut wiring);
        let configs: Vec<Input> = kinds
            .iter()
            .enumerate()
            .map(|(i, (kind, format))| Input {
                name: format!("in{i}"),
                kind: kind.clone(),
                format: *format,
                sentences: Sentences::default(),
            })
            .collect();
        Self { inputs: start_inputs(&configs, &wiring), inbox, tracker, token }
    }

    pub fn report(&self, index: usize) -> InputReport {
        self.inputs.statuses()[index].report()
    }

    /// Waits until the status of an input is as described.
    pub async fn until(&self, index: usize, what: &str, is_so: impl Fn(&InputReport) -> bool) -> InputReport {
        let poll = async {
            loop {
                let report = self.report(index);
                if is_so(&report) {
                    return report;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let Ok(report) = timeout(DEADLINE, poll).await else {
            panic!("{what}: not so after {DEADLINE:?}: {:#?}", self.report(index));
        };
        report
    }

    /// Waits until an input reads, and says what: the object after its kind (an address, a path).
    pub async fn until_running(&self, index: usize) -> String {
        let is_running = |r: &InputReport| matches!(r.state, taffrail::input::status::State::Running { .. });
        let report = self.until(index, "running", is_running).await;
        report.object.split(' ').next_back().unwrap_or_default().to_owned()
    }

    /// The next batch.
    pub async fn batch(&mut self) -> Batch {
        timeout(DEADLINE, self.inbox.recv()).await.expect("a batch in time").expect("inputs that run")
    }

    /// The next `count` water temperatures that arrive, in tenths of a degree Celsius.
    pub async fn temperatures(&mut self, count: usize) -> Vec<i64> {
        let mut found = Vec::new();
        while found.len() < count {
            found.extend(temperatures_of(&self.batch().await));
        }
        found
    }

    /// Stops everything; it has to stop at once.
    pub async fn stop(self) {
        self.token.cancel();
        self.tracker.close();
        timeout(Duration::from_secs(5), self.tracker.wait()).await.expect("inputs that stop when told");
        for status in self.inputs.statuses() {
            assert_eq!(status.report().state, taffrail::input::status::State::Ended);
        }
    }
}

/// The water temperatures in a batch, in tenths of a degree Celsius.
pub fn temperatures_of(batch: &Batch) -> Vec<i64> {
    let values = batch.updates.iter().flat_map(|u| &u.values).filter(|v| v.path == "environment.water.temperature");
    values.filter_map(|v| v.value.as_f64()).map(|kelvin| ((kelvin - 273.15) * 10.0).round() as i64).collect()
}

/// A sentence that says a water temperature, given in tenths of a degree Celsius.
pub fn mtw(tenths: i64) -> String {
    sentence(&format!("IIMTW,{}.{},C", tenths / 10, tenths % 10))
}

/// A sentence with its checksum and its end.
pub fn sentence(content: &str) -> String {
    let sum = content.bytes().fold(0_u8, |sum, b| sum ^ b);
    format!("${content}*{sum:02X}\r\n")
}

/// A TCP client of sentences.
pub fn tcp(address: impl std::fmt::Display) -> (InputKind, Format) {
    (InputKind::Tcp { address: address.to_string() }, Format::Nmea0183)
}

/// A serial port.
pub fn serial(device: &Path, baud: Option<u32>) -> (InputKind, Format) {
    (InputKind::Serial { device: device.to_owned(), baud }, Format::Nmea0183)
}

/// A recording.
pub fn file(path: &Path, rate: Option<f64>, repeat: bool) -> (InputKind, Format) {
    (InputKind::File { path: path.to_owned(), rate, repeat }, Format::Nmea0183)
}

/// A file that is anything but sentences: 200,000 bytes of every value, the same each time, ended like a line.
#[allow(dead_code, reason = "not every test crate pipes one in")]
pub fn binary_file() -> Vec<u8> {
    let mut content: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    content.extend_from_slice(b"\r\n");
    content
}
