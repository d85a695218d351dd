//! Any text behind any address: its values are valid JSON and the explanation never fails.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::kernel::time::Now;
use taffrail::nmea0183::{Decoder, Options, delta_text, explain};

fuzz_target!(|text: &str| {
    let options = Options { checksum_ignored: true, ..Options::default() };
    let mut decoder = Decoder::new(options.clone());
    let mut out = Vec::new();
    for line in text.lines() {
        decoder.line(line.as_bytes(), Now::default(), &mut out);
        let _ = explain::explain(line, &options, Now::default());
    }
    for update in &out {
        let delta = delta_text::delta(update);
        assert!(taffrail::kernel::json::depth_is_bounded(&delta));
        assert!(!delta.contains("NaN") || text.contains("NaN"));
    }
});
