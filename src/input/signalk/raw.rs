//! The raw stream of another server: JSON lines over TCP (specification: "Streaming over TCP").

use std::convert::Infallible;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::MESSAGE_BYTES_MAX;
use super::address::Address;
use super::relaying::Relaying;
use crate::input::ended::{Ended, Why};
use crate::input::intake::{CHUNK_BYTES, Intake};
use crate::input::lines::Lines;
use crate::input::tcp;

/// Reads until the connection ends.
pub(super) async fn read(address: &Address, intake: &Intake, mut relaying: Relaying) -> Result<Infallible, Ended> {
    let shown = address.shown();
    let limit = intake.wiring.timing.connect;
    let mut stream = tcp::connect(&address.host_and_port, limit).await?;
    let hello_by = Instant::now() + limit;
    let mut lines = Lines::new(MESSAGE_BYTES_MAX);
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut asked = false;
    loop {
        let read = stream.read(&mut buffer);
        let count = if asked {
            read.await
        } else {
            timeout_at(hello_by, read).await.map_err(|_| super::no_hello(&shown, limit))?
        };
        let count = match count {
            Ok(0) => return Err(Ended::new(Why::Disconnected, format!("read {shown}: disconnected"))),
            Ok(count) => count,
            Err(error) => return Err(Ended::io(format_args!("read {shown}"), &error, |_| "")),
        };
        let before = relaying.counters;
        let mut rest = &buffer[..count];
        while let Some(line) = lines.next(&mut rest) {
            if line.is_whole {
                relaying.hear(line.bytes)?;
            } else {
                relaying.counters.bytes += line.bytes.len() as u64;
                relaying.counters.noise_bytes += line.bytes.len() as u64;
            }
        }
        intake.relayed(&before, &mut relaying).await?;
        if relaying.greeted && !asked {
            for request in relaying.requests(false) {
                let sent = stream.write_all(format!("{request}\r\n").as_bytes()).await;
                sent.map_err(|error| Ended::io(format_args!("subscribe at {shown}"), &error, |_| ""))?;
            }
            asked = true;
            intake.running(&shown);
        }
        if !asked && Instant::now() >= hello_by {
            return Err(super::no_hello(&shown, limit));
        }
    }
}
