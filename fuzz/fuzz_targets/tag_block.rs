//! Any bytes: what is left after the tag blocks is the end of the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::nmea0183::tag_block;

fuzz_target!(|bytes: &[u8]| {
    let found = tag_block::take(bytes);
    assert!(bytes.ends_with(found.rest));
});
