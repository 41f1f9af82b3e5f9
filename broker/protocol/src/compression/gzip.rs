//! Gzip (RFC 1952) by flate2.

use std::io::{self, Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Failure;

pub(super) fn compress(data: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    // Kafka's default is zlib's own, 6; its range is 1 to 9.
    let level = level.map_or(6, |level| level.clamp(1, 9)).unsigned_abs();
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(data)?;
    encoder.finish()
}

pub(super) fn decompress(data: &[u8], cap: usize) -> Result<Vec<u8>, Failure> {
    // One byte more than allowed tells "exactly the cap" from "more than that".
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    let mut inflated = Vec::new();
    MultiGzDecoder::new(data).take(limit).read_to_end(&mut inflated).map_err(Failure::corrupt)?;
    if inflated.len() > cap {
        return Err(Failure::TooLarge);
    }
    Ok(inflated)
}
