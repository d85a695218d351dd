//! The codecs of the history: any bytes whatever are read or refused, in bounded memory and time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use taffrail::history::chunk::{Decoder, POINTS_MAX};
use taffrail::history::log::{BLOB_RECORDS_MAX, LogDecoder};

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::default();
    // As it stands, and as the inside of a blob that was not compressed: zstd would keep most inputs out.
    let mut plain = vec![1];
    plain.extend_from_slice(bytes);
    for blob in [bytes, &plain] {
        if let Ok(points) = decoder.decode(blob, None) {
            assert!(points.count() <= POINTS_MAX);
        }
        if let Ok(stamps) = decoder.stamps(blob) {
            if let Ok(points) = decoder.decode(blob, Some(&stamps)) {
                assert!(points.count() <= POINTS_MAX);
            }
        }
        let mut entries = 0;
        let _ = LogDecoder::default().decode(blob, |_| entries += 1);
        assert!(entries <= BLOB_RECORDS_MAX);
    }
});
