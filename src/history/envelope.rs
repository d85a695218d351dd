//! The outer form of every blob: a format byte and zstd, with a bound on what it may unpack to. Blobs are checked by a
//! CRC that stands beside them in their row.

use super::column::{Span, put_varint};

/// Most bytes that a blob unpacks to. What is packed stays far below it; a damaged length cannot cost more.
pub(super) const UNPACKED_MAX: usize = 16 << 20;

const PLAIN: u8 = 1;
const ZSTD: u8 = 2;

/// zstd level for what stays: 3 is where the curve of size over time flattens for these columns.
pub(super) const LEVEL_KEPT: i32 = 3;

/// Packs and unpacks with contexts that are made once: a zstd context costs more than a small blob.
pub(super) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
}

impl Packer {
    /// A packer of the given zstd level.
    pub fn new(level: i32) -> Self {
        Self { compressor: zstd::bulk::Compressor::new(level).expect("a level of zstd's own range is accepted") }
    }

    /// `raw` as a blob. Left as it is when zstd does not make it smaller.
    pub fn pack(&mut self, raw: &[u8]) -> Vec<u8> {
        if let Ok(packed) = self.compressor.compress(raw) {
            if packed.len() + 4 < raw.len() {
                let mut blob = Vec::with_capacity(packed.len() + 5);
                blob.push(ZSTD);
                put_varint(&mut blob, raw.len() as u64);
                blob.extend_from_slice(&packed);
                return blob;
            }
        }
        let mut blob = Vec::with_capacity(raw.len() + 1);
        blob.push(PLAIN);
        blob.extend_from_slice(raw);
        blob
    }
}

/// Unpacks blobs, of any size up to [`UNPACKED_MAX`].
pub(super) struct Unpacker {
    decompressor: zstd::bulk::Decompressor<'static>,
}

impl Unpacker {
    /// An unpacker.
    pub fn new() -> Self {
        Self { decompressor: zstd::bulk::Decompressor::new().expect("a decompressor without a dictionary can be made") }
    }

    /// What [`Packer::pack`] was given; `None` for anything else, and for a blob that claims too much.
    pub fn unpack(&mut self, blob: &[u8]) -> Option<Vec<u8>> {
        let mut span = Span::of(blob);
        match span.byte(blob)? {
            PLAIN => (span.left() <= UNPACKED_MAX).then(|| blob[1..].to_vec()),
            ZSTD => {
                let size = usize::try_from(span.varint(blob)?).ok().filter(|n| *n <= UNPACKED_MAX)?;
                let packed = span.slice(blob, span.left())?;
                let raw = self.decompressor.decompress(packed, size).ok()?;
                (raw.len() == size).then_some(raw)
            }
            _ => None,
        }
    }
}

/// CRC-32 of a blob, as it stands in its row.
pub(super) fn crc(blob: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(blob);
    crc.sum()
}
