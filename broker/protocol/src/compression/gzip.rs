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
        let start = out.len();
        out.resize(start + room.of_step(), 0);
        let mut end = start;
        // To the brim: each call of zlib's costs a copy of its window.
        while let Some(space @ [_, ..]) = out.get_mut(end..) {
            match self.0.read(space).map_err(Failure::corrupt)? {
                0 => break,
                read => end += read,
            }
        }
        out.truncate(end);
        let read = end - start;
        if read > room.total {
            return Err(Failure::TooLarge);
        }
        Ok(read != 0)
    }
}
