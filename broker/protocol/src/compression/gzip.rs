//! Gzip (RFC 1952) by flate2.

use std::io::{self, Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::decoder::{Decoder, Failure, Room};

pub(super) fn compress(data: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    // Kafka's default is zlib's own, 6; its range is 1 to 9.
    let level = level.map_or(6, |level| level.clamp(1, 9)).unsigned_abs();
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(data)?;
    encoder.finish()
}

/// Inflates one member after another.
pub(super) struct Inflater<'a>(MultiGzDecoder<&'a [u8]>);

impl<'a> Inflater<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(MultiGzDecoder::new(data))
    }
}

impl Decoder for Inflater<'_> {
    fn append(&mut self, room: Room, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let step = room.of_step();
        out.reserve(step);
        let limit = u64::try_from(step).map_err(Failure::corrupt)?;
        let read = self.0.by_ref().take(limit).read_to_end(out).map_err(Failure::corrupt)?;
        if read > room.total {
            return Err(Failure::TooLarge);
        }
        Ok(read != 0)
    }
}
