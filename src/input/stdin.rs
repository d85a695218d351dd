//! Standard input: whatever another program pipes in. Its end is the end of the input, for good.

use std::io::{self, Read};
use std::thread;

use tokio::sync::mpsc;

use super::ended::{Ended, Why};
use super::intake::{CHUNK_BYTES, Intake};

/// Chunks read ahead.
const CHUNKS_AHEAD: usize = 2;

/// Reads standard input to its end.
pub(super) async fn run(intake: &Intake) -> Ended {
    let mut chunks = match start_reading(io::stdin()) {
        Ok(chunks) => chunks,
        Err(error) => return Ended::io("start the thread that reads standard input", &error, |_| ""),
    };
    intake.running("standard input");
    match read_chunks(&mut chunks, intake).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn read_chunks(chunks: &mut mpsc::Receiver<io::Result<Vec<u8>>>, intake: &Intake) -> Result<Ended, Ended> {
    let mut decoding = intake.decoding();
    while let Some(chunk) = chunks.recv().await {
        let chunk = chunk.map_err(|error| Ended::io("read standard input", &error, |_| ""))?;
        intake.take(&mut decoding, &chunk).await?;
    }
    intake.finish(&mut decoding).await?;
    Ok(Ended::new(Why::Eof, "read standard input: it has ended"))
}

/// A thread of its own, since a read of standard input cannot be called off: on the runtime's threads it would hold up the
/// end of the program until somebody presses a key. It ends with the stream, with the first chunk that nobody takes, or
/// with the process.
fn start_reading(mut from: impl Read + Send + 'static) -> io::Result<mpsc::Receiver<io::Result<Vec<u8>>>> {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let read = move || {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let chunk = match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => Ok(buffer[..count].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_last = chunk.is_err();
            if sender.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    };
    thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_in_order_and_end_with_the_stream() {
        let text: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        let mut chunks = start_reading(io::Cursor::new(text.clone())).unwrap();
        let mut read = Vec::new();
        while let Some(chunk) = chunks.blocking_recv() {
            read.extend(chunk.unwrap());
        }
        assert_eq!(read, text);
    }
}
