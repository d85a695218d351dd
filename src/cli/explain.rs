//! `taffrail explain`: sentences in words, field by field.

use std::io::{self, BufRead as _, Read as _, Write as _};

use super::convert::{teller, time};
use crate::kernel::time::Timestamp;
use crate::nmea0183::explain::explain;
use crate::nmea0183::{Options, framer};

/// Explain NMEA 0183 sentences field by field
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Arguments {
    /// Sentences, each in single quotes because of the $; without any, the lines of standard input
    #[arg(value_name = "SENTENCE")]
    sentences: Vec<String>,
    /// What time it is for sentences that give no date or an incomplete one [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    clock: Option<Timestamp>,
    /// Take sentences without a checksum, and with a wrong one
    #[arg(long)]
    no_checksum: bool,
}

/// Writes the explanations to standard output, with an empty line between them.
///
/// # Errors
/// When standard input cannot be read or standard output not written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let options = Options { checksum_ignored: arguments.no_checksum, ..Options::default() };
    let now = teller(arguments.clock);
    let mut output = io::stdout().lock();
    let mut is_first = true;
    let mut write = |line: &str| {
        let between = if std::mem::take(&mut is_first) { "" } else { "\n" };
        write!(output, "{between}{}", explain(line, &options, now()))
    };
    for sentence in &arguments.sentences {
        write(sentence)?;
    }
    if arguments.sentences.is_empty() {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        // A line that is longer is no sentence, and what follows in it is explained as such.
        while input.by_ref().take(framer::LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)? > 0 {
            if !line.trim_ascii().is_empty() {
                write(&String::from_utf8_lossy(&line))?;
            }
            line.clear();
        }
    }
    output.flush()?;
    Ok(())
}
