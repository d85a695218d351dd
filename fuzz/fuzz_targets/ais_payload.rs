//! Any data field behind `!AIVDM,`, one sentence a line: nothing may panic, and every value must be JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::ais::{Decoder, Tag};
use taffrail::kernel::time::{Moment, Now, Timestamp};
use taffrail::nmea0183::sentence::Sentence;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let sentence = Sentence::from_parts(true, "AI", "VDM", line);
        let tag = Tag { source: None, group: (i % 3 == 0).then_some(i as u32 % 5) };
        let now = Now { wall: Timestamp::from_millis(1_795_000_000_000), mono: Moment::from_millis(i as u64 * 700) };
        decoder.sentence(&sentence, tag, i % 2 == 0, now, &mut out);
    }
    for value in out.iter().flat_map(|update| &update.values) {
        serde_json::from_str::<serde_json::Value>(&value.value.to_json()).expect("every value is JSON");
    }
});
