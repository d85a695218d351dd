//! `taffrail convert`: sentences in, Signal K deltas out, one a line, in the order of the sentences. A filter for the shell:
//! what cannot be used is said on standard error with its line number and costs nothing else.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use crate::clock::Clock as _;
use crate::input::lines::{Line, Lines};
use crate::kernel::time::{Moment, Now, Timestamp};
use crate::kernel::update::Update;
use crate::nmea0183::{Counters, Decoder, Options, Outcome, delta_text};

/// Bytes asked for with one read. Deltas are written after each, so that a pipe from a live device is followed closely and
/// a file costs few system calls.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes of one line; a longer one is passed over and reported.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Convert NMEA 0183 sentences to Signal K deltas, one a line
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Exit status: 0 when the input was read to its end (lines that could not be used are named on standard error), \
or when whoever reads the deltas wants no more; 1 when reading or writing went wrong; 64 for a wrong command line.")]
pub struct Arguments {
    /// File of sentences, one or more a line; without it, or with "-", standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// What time it is for sentences that give no date or an incomplete one, such as 2026-06-15T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    clock: Option<Timestamp>,
    /// Take sentences without a checksum, and with a wrong one
    #[arg(long)]
    no_checksum: bool,
}

/// A moment as Signal K writes it.
pub(super) fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("expected a time in UTC, such as 2026-06-15T12:00:00Z")
}

/// Tells the time: always the same with `--clock`, else the machine's.
pub(super) fn teller(fixed: Option<Timestamp>) -> impl Fn() -> Now {
    let machine = crate::clock::SystemClock::new();
    move || fixed.map_or_else(|| machine.now(), |wall| Now { wall, mono: Moment::from_millis(0) })
}

/// Converts the file or standard input to standard output.
///
/// # Errors
/// When the input cannot be read or the output not written; [`io::ErrorKind::BrokenPipe`] when nobody wants more.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // Around the buffer of std, which would be flushed at every line end.
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let problems = io::BufWriter::new(io::stderr());
    let options = Options { checksum_ignored: arguments.no_checksum, ..Options::default() };
    let now = teller(arguments.clock);
    match &arguments.file {
        Some(path) if path.as_os_str() != "-" => {
            let named = |error| anyhow::Error::new(error).context(path.display().to_string());
            convert(File::open(path).map_err(named)?, output, problems, options, now)?;
        }
        _ => convert(io::stdin().lock(), output, problems, options, now)?,
    }
    Ok(())
}

/// Reads `input` to its end. After every read, what it gave is written to `output` and the `problems` are flushed.
///
/// # Errors
/// The first read or write of deltas that went wrong. Problems that nobody reads are dropped.
pub fn convert(
    mut input: impl Read,
    mut output: impl Write,
    mut problems: impl Write,
    options: Options,
    now: impl Fn() -> Now,
) -> io::Result<()> {
    let mut converter = Converter::new(options);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut lines = Lines::new(LINE_BYTES_MAX);
    loop {
        let count = match input.read(&mut chunk) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let now = now();
        let mut rest = &chunk[..count];
        while let Some(line) = lines.next(&mut rest) {
            converter.line(line, now, &mut problems);
        }
        if count == 0 {
            if let Some(line) = lines.finish() {
                converter.line(line, now, &mut problems);
            }
        }
        let written = output.write_all(converter.deltas.as_bytes());
        converter.deltas.clear();
        let _ = problems.flush();
        written?;
        if count == 0 {
            return output.flush();
        }
    }
}

struct Converter {
    decoder: Decoder,
    /// Lines that have begun.
    line: u64,
    /// A piece of the line in hand was too long, and that has been said.
    in_overlong: bool,
    updates: Vec<Update>,
    deltas: String,
}

impl Converter {
    fn new(options: Options) -> Self {
        let deltas = String::with_capacity(2 * CHUNK_BYTES);
        Self { decoder: Decoder::new(options), line: 0, in_overlong: false, updates: Vec::new(), deltas }
    }

    fn line(&mut self, line: Line<'_>, now: Now, problems: &mut impl Write) {
        let goes_on = std::mem::replace(&mut self.in_overlong, !line.is_whole && !line.bytes.ends_with(b"\n"));
        if !goes_on {
            self.line += 1;
        }
        if !line.is_whole {
            if !goes_on {
                let _ = writeln!(problems, "line {}: longer than {LINE_BYTES_MAX} bytes, passed over", self.line);
            }
            return;
        }
        let text = line.bytes.trim_ascii_end();
        if text.is_empty() {
            return;
        }
        let before = *self.decoder.counters();
        let outcome = self.decoder.line(text, now, &mut self.updates);
        report(self.line, &before, self.decoder.counters(), outcome, problems);
        for update in self.updates.drain(..) {
            delta_text::push_delta(&update, &mut self.deltas);
            self.deltas.push('\n');
        }
    }
}

/// Says what was wrong with the sentences of a line. A problem that cannot be written is nobody's.
fn report(line: u64, before: &Counters, after: &Counters, outcome: Outcome, problems: &mut impl Write) {
    let found = [
        (after.bad_checksum - before.bad_checksum, "the checksum is missing or wrong"),
        (after.malformed - before.malformed, "the content of a sentence cannot be"),
        (after.unknown - before.unknown, "a sentence that is not known"),
        (after.bad_tag_blocks - before.bad_tag_blocks, "tag block ignored, its checksum is missing or wrong"),
        (u64::from(outcome == Outcome::Noise), "no sentence"),
    ];
    for (_, what) in found.iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(problems, "line {line}: {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one piece a read.
    struct Pieces<'a>(std::slice::Iter<'a, &'a [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let piece = self.0.next().copied().unwrap_or_default();
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn converted(pieces: &[&[u8]]) -> (String, String) {
        let (mut deltas, mut problems) = (Vec::new(), Vec::new());
        let now = teller(Timestamp::parse("2026-06-15T12:00:00Z"));
        convert(Pieces(pieces.iter()), &mut deltas, &mut problems, Options::default(), now).unwrap();
        (String::from_utf8(deltas).unwrap(), String::from_utf8(problems).unwrap())
    }

    #[test]
    fn problems_carry_their_line_number_and_cost_nothing_else() {
        let long = vec![b'x'; LINE_BYTES_MAX + 10];
        let (deltas, problems) = converted(&[
            b"$IIMTW,16.8,C*1C\r\n\r\nhello\n$IIM",
            b"TW,16.8,C*1D\n$IIMTW,16.8,C\n$IIZZZ,1*47\n",
            &long[..CHUNK_BYTES],
            &long[CHUNK_BYTES..],
            b"\n$IIMTW,17.8,C*1D",
        ]);
        assert_eq!(deltas.lines().count(), 2, "{deltas}");
        assert!(deltas.lines().all(|line| line.contains("\"environment.water.temperature\"")), "{deltas}");
        let expected = "line 3: no sentence\nline 4: the checksum is missing or wrong\n\
            line 5: the checksum is missing or wrong\nline 6: a sentence that is not known\n\
            line 7: longer than 65536 bytes, passed over\n";
        assert_eq!(problems, expected);
    }

    #[test]
    fn deltas_are_written_before_the_next_read() {
        struct Nothing;
        impl Write for Nothing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let pieces = [&b"$IIMTW,16.8,C*1C\n"[..], b"never read"];
        let mut input = Pieces(pieces.iter());
        let ended = convert(&mut input, Nothing, io::sink(), Options::default(), teller(None));
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(input.0.len(), 1);
    }
}
