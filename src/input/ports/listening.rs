//! Listening to ports: at each usual rate until sentences come.

use std::path::Path;
use std::time::Duration;

use compact_str::CompactString;
use tokio::time::{Instant, timeout_at};

use super::super::baud::{BAUDS, WRONG_RATE_BYTES};
use super::super::ended::Ended;
use super::super::lines::Lines;
use super::super::serial;
use super::{Overheard, Surveyed, list};
use crate::nmea0183::sentence::{self, Sentence};

/// Kinds of sentences remembered at the most; junk with a correct checksum is rare, but not impossible.
const KINDS_MAX: usize = 128;

/// Lists the ports below `root` and listens to all of them at once.
pub async fn survey(root: &Path, window: Duration) -> Vec<Surveyed> {
    let listened = list(root).into_iter().map(|port| async move {
        let heard = listen(port.best_name(), window).await;
        (port, Some(heard))
    });
    futures_util::future::join_all(listened).await
}

/// Listens to a port: at each usual rate for `window`, or, once a sentence came, until that window is over.
pub async fn listen(device: &Path, window: Duration) -> Result<Overheard, Ended> {
    /// Far longer than any sentence with its tag block.
    const LINE_BYTES_MAX: usize = 1024;

    let mut port = serial::open(device, BAUDS[0]).await?;
    let mut overheard = Overheard::default();
    let mut buffer = vec![0; 4096];
    for baud in BAUDS {
        port.set_baud(device, baud)?;
        let mut lines = Lines::new(LINE_BYTES_MAX);
        let deadline = Instant::now() + window;
        let mut junk_bytes = 0;
        while let Ok(read) = timeout_at(deadline, port.read(device, &mut buffer)).await {
            let mut rest = &buffer[..read?];
            overheard.bytes += rest.len() as u64;
            junk_bytes += rest.len() as u64;
            while let Some(line) = lines.next(&mut rest) {
                if overheard.take(line.bytes) {
                    overheard.baud = Some(baud);
                }
            }
            if overheard.baud.is_none() && junk_bytes > WRONG_RATE_BYTES {
                break;
            }
        }
        if overheard.baud.is_some() {
            break;
        }
    }
    Ok(overheard)
}

impl Overheard {
    /// Takes one line; false when it is no sentence.
    fn take(&mut self, line: &[u8]) -> bool {
        let Some((talker, formatter)) = address(line) else { return false };
        self.sentences += 1;
        if self.kinds.len() < KINDS_MAX {
            self.kinds.insert((talker, formatter));
        }
        true
    }
}

/// Talker (empty for a proprietary one) and formatter of a sentence with a correct checksum.
fn address(line: &[u8]) -> Option<(CompactString, CompactString)> {
    let start = line.iter().rposition(|b| matches!(b, b'$' | b'!'))?;
    let checked = sentence::check(line[start..].trim_ascii_end(), sentence::Demand::Right).ok()?;
    let text = sentence::text(checked.body);
    let sentence = Sentence::parse(checked.encapsulated, &text);
    Some((CompactString::new(sentence.talker), CompactString::new(sentence.formatter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_told_from_junk() {
        let sentences: [(&[u8], _); 4] = [
            (b"$IIMTW,16.8,C*1C\r\n", ("II", "MTW")),
            (b"junk$IIMTW,16.8,C*1C\r\n", ("II", "MTW")),
            (b"!AIVDM,2,2,9,B,`88888888888880,2*76", ("AI", "VDM")),
            (b"$PFEC,AIcmd,0,35,A,01062011,130711*05", ("", "PFEC")),
        ];
        for (line, expected) in sentences {
            let (talker, formatter) = address(line).unwrap();
            assert_eq!((&*talker, &*formatter), expected, "{}", String::from_utf8_lossy(line));
        }
        for line in [&b"$IIMTW,16.8,C*1D"[..], b"$IIMTW,16.8,C", b"\xff$\xfe*00", b""] {
            assert_eq!(address(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}
