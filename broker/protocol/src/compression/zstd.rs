//! Zstandard (RFC 8878), as a stream.
//!
//! A streaming decoder allocates the window that a frame declares: 128 MiB at the levels that Java clients may
//! choose, whatever little they then write. Here it gets [`WINDOW_LOG_MAX`] at most; a frame that declares more
//! is inflated in one piece, which takes no window but only the output, and is limited as such.

use std::io;

use zstd::zstd_safe::{self, DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, ResetDirective};

use super::decoder::{Decoder, Failure, Room};

/// 8 MiB: what frames of the levels up to 19 declare.
const WINDOW_LOG_MAX: u32 = 23;
/// zstd's error codes are negative numbers in a `size_t`; 16 is "frame requires too much memory".
const WINDOW_TOO_LARGE: ErrorCode = 16usize.wrapping_neg();
/// 70 is "destination buffer is too small".
const DESTINATION_TOO_SMALL: ErrorCode = 70usize.wrapping_neg();
/// The output that is tried first for a frame in one piece, as a multiple of the input: more than text
/// usually makes.
const FIRST_GUESS: usize = 8;

pub(super) fn compress(data: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    let level = level.map_or(zstd::DEFAULT_COMPRESSION_LEVEL, |level| {
        level.clamp(zstd_safe::min_c_level(), zstd_safe::max_c_level())
    });
    zstd::bulk::compress(data, level)
}

/// Inflates one frame after another.
pub(super) struct Inflater<'a> {
    context: DCtx<'static>,
    rest: &'a [u8],
    /// Whether `rest` begins within a frame.
    within: bool,
}

impl<'a> Inflater<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Failure> {
        let mut context =
            DCtx::try_create().ok_or_else(|| Failure::corrupt("no memory for a decoder"))?;
        context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(explained)?;
        Ok(Self { context, rest: data, within: false })
    }

    /// Appends the frame that `rest` begins with, in one piece.
    fn append_frame(&mut self, room: Room, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.context.reset(ResetDirective::SessionOnly).map_err(explained)?;
        let length = zstd_safe::find_frame_compressed_size(self.rest).map_err(explained)?;
        let (frame, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| Failure::corrupt("a frame is cut short"))?;
        let start = out.len();
        let mut guess = frame.len().saturating_mul(FIRST_GUESS).max(1024);
        loop {
            let allowed = guess.min(room.of_block());
            out.resize(start + allowed, 0);
            let (_, output) = out.split_at_mut(start);
            match self.context.decompress(output, frame) {
                Ok(length) => {
                    out.truncate(start + length);
                    self.rest = rest;
                    return Ok(());
                }
                Err(DESTINATION_TOO_SMALL) if allowed < guess => return Err(room.refusal()),
                Err(DESTINATION_TOO_SMALL) => guess = guess.saturating_mul(2),
                Err(code) => return Err(explained(code)),
            }
        }
    }
}

impl Decoder for Inflater<'_> {
    fn append(&mut self, room: Room, out: &mut Vec<u8>) -> Result<bool, Failure> {
        if self.rest.is_empty() && !self.within {
            return Ok(false);
        }
        let start = out.len();
        out.reserve(room.of_step());
        let mut output = OutBuffer::around_pos(out, start);
        let mut input = InBuffer::around(self.rest);
        let left = match self.context.decompress_stream(&mut output, &mut input) {
            Ok(left) => left,
            // The header is read at once, so the frame hasn't moved.
            Err(WINDOW_TOO_LARGE) if !self.within => {
                self.append_frame(room, out)?;
                return Ok(true);
            }
            Err(code) => return Err(explained(code)),
        };
        let read = input.pos();
        if read == 0 && out.len() == start {
            return Err(Failure::corrupt("a frame is cut short"));
        }
        // The vector may have more room than was asked for.
        if out.len() - start > room.total {
            return Err(Failure::TooLarge);
        }
        self.rest = self.rest.get(read..).unwrap_or_default();
        self.within = left != 0;
        Ok(true)
    }
}

fn explained(code: ErrorCode) -> Failure {
    Failure::corrupt(zstd_safe::get_error_name(code))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::super::{Compression, DecompressError, decompress};
    use super::*;

    const CODEC: Compression = Compression::Zstd;

    #[test]
    fn frames_without_a_declared_size_are_understood() {
        // What a streaming encoder writes, as Java's clients use one.
        let data = b"no size in the header".repeat(5_000);
        let streamed = zstd::stream::encode_all(&data[..], 3).unwrap();
        assert!(matches!(zstd_safe::get_frame_content_size(&streamed), Ok(None)));
        assert_eq!(decompress(CODEC, &streamed, data.len()), Ok(data.clone()));
        let cap = data.len() - 1;
        let too_large = DecompressError::TooLarge { codec: CODEC, cap };
        assert_eq!(decompress(CODEC, &streamed, cap), Err(too_large));
    }

    #[test]
    fn a_frame_that_inflates_without_end_stops_at_the_cap() {
        let bomb = zstd::stream::encode_all(io::repeat(0).take(1 << 28), 3).unwrap();
        assert!(bomb.len() < 1 << 16);
        let too_large = DecompressError::TooLarge { codec: CODEC, cap: 1 << 20 };
        assert_eq!(decompress(CODEC, &bomb, 1 << 20), Err(too_large));
    }
}
