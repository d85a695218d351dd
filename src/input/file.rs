//! Replays a recording: in its own time where it tells one, at an even pace where it does not, or as fast as it can be
//! taken. Of a large file only the piece in hand is in memory.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::decoding::Decoding;
use super::ended::{Ended, Why, with_advice};
use super::intake::{CHUNK_BYTES, Intake};
use super::lines::{Line, Lines};
use super::pace::Pace;
use super::recorded_time;
use crate::kernel::time::Now;

/// A line that is due sooner than this is not waited for: the timer is no finer.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// Replays until the end of the file, or again and again.
pub(super) async fn run(path: &Path, rate: Option<f64>, repeat: bool, intake: &Intake) -> Ended {
    match replay(path, rate, repeat, intake).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn replay(path: &Path, rate: Option<f64>, repeat: bool, intake: &Intake) -> Result<Ended, Ended> {
    let name = path.display();
    loop {
        let file = open(path).await?;
        intake.running(&format!("file {name}"));
        let mut replay = Replay::new(rate, intake);
        replay.read_to_end(file).await.map_err(|ended| match ended {
            Stop::Ended(ended) => ended,
            Stop::Io(error) => Ended::io(format_args!("read file {name}"), &error, |_| ""),
        })?;
        if !repeat {
            return Ok(Ended::new(Why::Eof, format!("read file {name}: all of it has been read")));
        }
        if replay.is_empty() {
            return Ok(Ended::new(Why::Eof, format!("read file {name}: it is empty, there is nothing to repeat")));
        }
    }
}

async fn open(path: &Path) -> Result<File, Ended> {
    let operation = format!("open file {}", path.display());
    let advice = |why| match why {
        Why::NotFound => "is the path right, and the card or stick in?",
        Why::Permission => "the user that runs the server must be allowed to read it",
        _ => "",
    };
    // Asked before it is opened, since opening a pipe would wait for its other end.
    let metadata = tokio::fs::metadata(path).await.map_err(|error| Ended::io(&operation, &error, advice))?;
    if !metadata.is_file() {
        let text = format!("{operation}: not a file");
        return Err(Ended::new(Why::Unsupported, with_advice(text, "for a port use type serial, for a pipe stdin")));
    }
    File::open(path).await.map_err(|error| Ended::io(&operation, &error, advice))
}

enum Stop {
    Ended(Ended),
    Io(io::Error),
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// One pass through a recording.
struct Replay<'a> {
    intake: &'a Intake,
    decoding: Decoding,
    pace: Option<Pace>,
    began: Instant,
    now: Now,
}

impl<'a> Replay<'a> {
    fn new(rate: Option<f64>, intake: &'a Intake) -> Self {
        let pace = rate.filter(|rate| rate.is_finite() && *rate > 0.0).map(Pace::new);
        Self { intake, decoding: intake.decoding(), pace, began: Instant::now(), now: intake.now() }
    }

    fn is_empty(&self) -> bool {
        self.decoding.counters().bytes == 0
    }

    async fn read_to_end(&mut self, mut file: File) -> Result<(), Stop> {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut lines = Lines::new(self.intake.delta_line_bytes_max());
        loop {
            let count = file.read(&mut buffer).await.map_err(Stop::Io)?;
            if count == 0 {
                break;
            }
            self.now = self.intake.now();
            let mut rest = &buffer[..count];
            while let Some(line) = lines.next(&mut rest) {
                self.take(line).await?;
            }
            self.intake.hand_over(&mut self.decoding, self.now).await?;
        }
        if let Some(line) = lines.finish() {
            self.take(line).await?;
        }
        self.intake.finish(&mut self.decoding).await?;
        Ok(())
    }

    /// Waits until a line is due, and decodes it.
    async fn take(&mut self, line: Line<'_>) -> Result<(), Ended> {
        if !line.is_whole {
            self.decoding.feed(line.bytes, self.now);
            return Ok(());
        }
        let (recorded, sentence) = recorded_time::split_prefix(line.bytes);
        // Comments and empty lines are no part of what was recorded.
        let is_recorded = matches!(sentence.first(), Some(b'$' | b'!' | b'\\' | b'{'));
        if let Some(pace) = self.pace.as_mut().filter(|_| is_recorded) {
            let due_ms = pace.due_ms(recorded_time::stamp(recorded, sentence));
            let due = self.began + Duration::try_from_secs_f64(due_ms / 1000.0).unwrap_or_default();
            if due > Instant::now() + WAIT_MIN {
                self.intake.hand_over(&mut self.decoding, self.now).await?;
                tokio::time::sleep_until(due).await;
                self.now = self.intake.now();
            }
        }
        let first = self.decoding.updates.len();
        let Some(recorded) = recorded else {
            self.intake.feed(&mut self.decoding, sentence, self.now);
            return Ok(());
        };
        // The logger knew when this was heard: the decoder takes the date from it, and values that carry no time of their
        // own are as old as that.
        self.decoding.doubt_wall(false);
        self.decoding.feed(sentence, Now { wall: recorded, mono: self.now.mono });
        for update in &mut self.decoding.updates[first..] {
            update.timestamp.get_or_insert(recorded);
        }
        Ok(())
    }
}
