//! Zstandard (RFC 8878), in one pass over the whole buffer.
//!
//! The streaming decoder would allocate the window that a frame declares (128 MB at the levels that
//! Java clients may choose). One pass needs no window, only the output, which starts small and doubles.

use std::io;

use zstd::zstd_safe::{self, DCtx, ErrorCode};

use super::Failure;

/// zstd's error codes are negative numbers in a `size_t`; 70 is "destination buffer is too small".
const DESTINATION_TOO_SMALL: ErrorCode = 70usize.wrapping_neg();
/// The output that is tried first, as a multiple of the input: more than text usually makes.
const FIRST_GUESS: usize = 8;

pub(super) fn compress(data: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    let level = level.map_or(zstd::DEFAULT_COMPRESSION_LEVEL, |level| {
        level.clamp(zstd_safe::min_c_level(), zstd_safe::max_c_level())
    });
    zstd::bulk::compress(data, level)
}

pub(super) fn decompress(data: &[u8], cap: usize) -> Result<Vec<u8>, Failure> {
    let mut context =
        DCtx::try_create().ok_or_else(|| Failure::corrupt("no memory for a decoder"))?;
    let mut capacity = data.len().saturating_mul(FIRST_GUESS).max(1024);
    if let Some(declared) = declared_size(data) {
        capacity = capacity.min(declared);
    }
    loop {
        let capacity_now = capacity.min(cap);
        let mut inflated = Vec::with_capacity(capacity_now);
        match context.decompress(&mut inflated, data) {
            // The allocator may have given more than was asked for.
            Ok(length) if length > cap => return Err(Failure::TooLarge),
            Ok(_) => return Ok(inflated),
            Err(DESTINATION_TOO_SMALL) if capacity_now == cap => return Err(Failure::TooLarge),
            Err(DESTINATION_TOO_SMALL) => capacity = capacity.max(512).saturating_mul(2),
            Err(code) => return Err(Failure::corrupt(zstd_safe::get_error_name(code))),
        }
    }
}

/// The size that the first frame declares, for a close first guess when it is small.
fn declared_size(data: &[u8]) -> Option<usize> {
    let declared = zstd_safe::get_frame_content_size(data).ok().flatten()?;
    usize::try_from(declared).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn frames_without_a_declared_size_are_understood() {
        // What a streaming encoder writes, as Java's clients use one.
        let data = b"no size in the header".repeat(5_000);
        let streamed = zstd::stream::encode_all(&data[..], 3).unwrap();
        assert_eq!(declared_size(&streamed), None);
        assert_eq!(decompress(&streamed, data.len()), Ok(data.clone()));
        assert_eq!(decompress(&streamed, data.len() - 1), Err(Failure::TooLarge));
    }

    #[test]
    fn a_frame_that_inflates_without_end_stops_at_the_cap() {
        let bomb = zstd::stream::encode_all(io::repeat(0).take(1 << 28), 3).unwrap();
        assert!(bomb.len() < 1 << 16);
        assert_eq!(decompress(&bomb, 1 << 20), Err(Failure::TooLarge));
    }
}
