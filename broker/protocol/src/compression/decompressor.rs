//! Compressed bytes that are read without being held.

use std::borrow::Cow;

use super::decoder::{Decoder, Room, decoder};
use super::{Compression, DecompressError};

/// The most bytes of a block that has to be inflated in one piece: raw snappy, and zstd with a window larger
/// than its decoder is given.
pub(crate) const BLOCK_MAX: usize = 16 * 1024 * 1024;

/// Reads what compressed bytes hold from the first to the last, a piece at a time.
///
/// It holds one piece, and what the codec itself looks back at: 64 KiB of gzip, a block of snappy (32 KiB from
/// Java's clients) or LZ4 (4 MiB at most), 64 KiB and a window of up to 8 MiB of zstd. No piece is larger than
/// [`BLOCK_MAX`], except that bytes without compression are a single one, which isn't copied.
pub(crate) struct Decompressor<'a> {
    codec: Compression,
    /// `None` once nothing comes any more.
    decoder: Option<Box<dyn Decoder + 'a>>,
    cap: usize,
    /// What is left of the cap.
    left: usize,
    piece: Cow<'a, [u8]>,
    /// How much of the piece was consumed.
    consumed: usize,
}

impl<'a> Decompressor<'a> {
    /// Reads `data`, of at most `cap` bytes once inflated.
    ///
    /// # Errors
    /// [`DecompressError`], as far as the first bytes tell.
    pub(crate) fn new(
        codec: Compression,
        data: &'a [u8],
        cap: usize,
    ) -> Result<Self, DecompressError> {
        let decoder = decoder(codec, data).map_err(|failure| failure.of(codec, cap))?;
        let piece = match decoder {
            None if data.len() > cap => return Err(DecompressError::TooLarge { codec, cap }),
            None => Cow::Borrowed(data),
            Some(_) => Cow::Owned(Vec::new()),
        };
        Ok(Self { codec, decoder, cap, left: cap, piece, consumed: 0 })
    }

    /// The bytes that come next: at least one, unless everything was consumed.
    ///
    /// # Errors
    /// [`DecompressError::TooLarge`] as soon as the bytes so far pass the cap, or another [`DecompressError`].
    /// What was read until then is to be forgotten.
    pub(crate) fn fill(&mut self) -> Result<&[u8], DecompressError> {
        if self.consumed == self.piece.len() {
            self.inflate()?;
        }
        Ok(self.at_hand())
    }

    /// The bytes that come next, as far as they were inflated already.
    pub(crate) fn at_hand(&self) -> &[u8] {
        self.piece.get(self.consumed..).unwrap_or_default()
    }

    /// Replaces the piece, which was consumed, with the next that isn't empty. It stays as it is at the end.
    fn inflate(&mut self) -> Result<(), DecompressError> {
        while self.consumed == self.piece.len()
            && let Some(decoder) = &mut self.decoder
        {
            self.consumed = 0;
            let piece = self.piece.to_mut();
            piece.clear();
            let room = Room { total: self.left, block: BLOCK_MAX };
            let more =
                decoder.append(room, piece).map_err(|failure| failure.of(self.codec, self.cap))?;
            self.left -= piece.len();
            if !more {
                self.decoder = None;
            }
        }
        Ok(())
    }

    /// Passes over the first `length` bytes of those that [`Decompressor::fill`] gave.
    pub(crate) fn consume(&mut self, length: usize) {
        self.consumed = self.consumed.saturating_add(length).min(self.piece.len());
    }

    /// The next byte, or `None` at the end.
    ///
    /// # Errors
    /// Those of [`Decompressor::fill`].
    pub(crate) fn byte(&mut self) -> Result<Option<u8>, DecompressError> {
        let byte = self.fill()?.first().copied();
        self.consume(1);
        Ok(byte)
    }

    /// Passes over up to `length` bytes, and returns how many there were.
    ///
    /// # Errors
    /// Those of [`Decompressor::fill`].
    pub(crate) fn skip(&mut self, length: usize) -> Result<usize, DecompressError> {
        let mut left = length;
        while left > 0 {
            let available = self.fill()?.len().min(left);
            if available == 0 {
                break;
            }
            self.consume(available);
            left -= available;
        }
        Ok(length - left)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::{compress, decompress};
    use super::*;

    const PACKING: [Compression; 4] =
        [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    fn drained(mut from: Decompressor<'_>) -> Result<Vec<u8>, DecompressError> {
        let mut all = Vec::new();
        loop {
            let piece = from.fill()?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(piece);
            let length = piece.len();
            from.consume(length);
        }
    }

    fn text(length: u32) -> Vec<u8> {
        (0..length).flat_map(|n| n.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect()
    }

    #[test]
    fn the_pieces_are_what_decompressing_at_once_gives() {
        for codec in Compression::ALL {
            for sample in [Vec::new(), b"x".to_vec(), vec![0; 150_000], text(20_000)] {
                let packed = compress(codec, None, &sample).unwrap();
                let check = |cap| drained(Decompressor::new(codec, &packed, cap)?);
                assert_eq!(check(usize::MAX), Ok(sample.clone()), "{codec}");
                assert_eq!(check(sample.len()), Ok(sample.clone()), "{codec}");
                if let Some(cap) = sample.len().checked_sub(1) {
                    assert_eq!(check(cap), Err(DecompressError::TooLarge { codec, cap }));
                }
                for end in (0..packed.len()).step_by(packed.len() / 9 + 1) {
                    let torn = &packed[..end];
                    let pieces = Decompressor::new(codec, torn, 1 << 20).and_then(drained);
                    assert_eq!(pieces, decompress(codec, torn, 1 << 20), "{codec} cut at {end}");
                }
            }
        }
    }

    #[test]
    fn bytes_are_taken_and_passed_over_across_pieces() {
        let sample = text(20_000);
        for codec in Compression::ALL {
            let packed = compress(codec, None, &sample).unwrap();
            let mut from = Decompressor::new(codec, &packed, usize::MAX).unwrap();
            let mut at = 0;
            for length in (1..).step_by(977) {
                assert_eq!(from.byte(), Ok(sample.get(at).copied()), "{codec} at {at}");
                if at == sample.len() {
                    break;
                }
                let left = sample.len() - at - 1;
                assert_eq!(from.skip(length), Ok(length.min(left)), "{codec} at {at}");
                at += 1 + length.min(left);
            }
            assert_eq!(from.skip(usize::MAX), Ok(0));
        }
    }

    #[test]
    fn what_inflates_without_end_is_never_held() {
        let zeros = vec![0; 1 << 22];
        for codec in PACKING {
            let packed = compress(codec, None, &zeros).unwrap();
            let mut from = Decompressor::new(codec, &packed, usize::MAX).unwrap();
            let mut length = 0;
            loop {
                let piece = from.fill().unwrap().len();
                assert!(from.piece.to_mut().capacity() <= 1 << 17, "{codec}");
                if piece == 0 {
                    break;
                }
                from.consume(piece);
                length += piece;
            }
            assert_eq!(length, zeros.len(), "{codec}");
        }
    }

    #[test]
    fn blocks_that_must_be_held_are_limited() {
        let check = |codec, packed: &[u8], expect: Result<usize, DecompressError>| {
            let pieces = Decompressor::new(codec, packed, usize::MAX).and_then(drained);
            assert_eq!(pieces.map(|bytes| bytes.len()), expect, "{codec}");
        };
        let raw = |length| snap::raw::Encoder::new().compress_vec(&vec![0; length]).unwrap();
        let too_large = |codec| Err(DecompressError::BlockTooLarge { codec, most: BLOCK_MAX });
        check(Compression::Snappy, &raw(BLOCK_MAX), Ok(BLOCK_MAX));
        check(Compression::Snappy, &raw(BLOCK_MAX + 1), too_large(Compression::Snappy));

        // What Java's clients write at level 22: a window of 128 MiB, and no word of how much there is.
        let wide = |length: usize| {
            let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(27).unwrap();
            encoder.write_all(&vec![0; length]).unwrap();
            encoder.finish().unwrap()
        };
        check(Compression::Zstd, &wide(BLOCK_MAX), Ok(BLOCK_MAX));
        check(Compression::Zstd, &wide(BLOCK_MAX + 1), too_large(Compression::Zstd));
        let narrow = compress(Compression::Zstd, None, b"hello").unwrap();
        let mixed = [&narrow[..], &wide(1_000), &narrow].concat();
        check(Compression::Zstd, &mixed, Ok(1_010));
        // A reader that holds everything anyway isn't limited in that.
        for (codec, packed) in
            [(Compression::Snappy, raw(BLOCK_MAX + 1)), (Compression::Zstd, wide(BLOCK_MAX + 1))]
        {
            assert_eq!(decompress(codec, &packed, 1 << 25).unwrap().len(), BLOCK_MAX + 1);
        }
    }
}
