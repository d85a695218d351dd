//! Any stream, in any pieces: the same updates and counters as in one piece, and every sentence counted once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::kernel::time::Now;
use taffrail::nmea0183::{Decoder, Options};

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let play = |size: usize| {
        let mut decoder = Decoder::new(Options { checksum_ignored: true, ..Options::default() });
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.feed(piece, Now::default(), &mut out);
        }
        decoder.finish(Now::default(), &mut out);
        (out, *decoder.counters())
    };
    let pieces = play(usize::from(size).max(1));
    assert_eq!(pieces, play(bytes.len().max(1)));
    let c = pieces.1;
    assert_eq!(c.bytes, bytes.len() as u64);
    assert_eq!(c.sentences, c.understood + c.nothing + c.void + c.unknown + c.bad_checksum + c.malformed);
});
