//! What the codecs have in common when they inflate: one step at a time, into a buffer of the caller's.

use std::fmt;

use super::{Compression, DecompressError, gzip, lz4, snappy, zstd};

/// What the decoders without blocks of their own inflate at a time.
pub(super) const STEP: usize = 64 * 1024;

/// A decoder of one buffer.
pub(super) trait Decoder {
    /// Appends what comes next to `out`: a step's or a block's bytes, sometimes none. `false` once everything has
    /// been appended and what the format says of the whole was found true; it isn't called again after that.
    fn append(&mut self, room: Room, out: &mut Vec<u8>) -> Result<bool, Failure>;
}

/// The decoder of `data`, or `None` when the codec leaves bytes as they are.
pub(super) fn decoder<'a>(
    codec: Compression,
    data: &'a [u8],
) -> Result<Option<Box<dyn Decoder + 'a>>, Failure> {
    Ok(Some(match codec {
        Compression::None => return Ok(None),
        Compression::Gzip => Box::new(gzip::Inflater::new(data)),
        Compression::Snappy => Box::new(snappy::Inflater::new(data)?),
        Compression::Lz4 => Box::new(lz4::Inflater::new(data)?),
        Compression::Zstd => Box::new(zstd::Inflater::new(data)?),
    }))
}

/// How many bytes a decoder may append.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// What is left of the whole output's cap.
    pub(super) total: usize,
    /// The cap of a block that can only be inflated in one piece.
    pub(super) block: usize,
}

impl Room {
    /// The most bytes of a block that is inflated in one piece.
    pub(super) fn of_block(self) -> usize {
        self.total.min(self.block)
    }

    /// Why a block of more than [`Room::of_block`] is refused.
    pub(super) const fn refusal(self) -> Failure {
        if self.block < self.total {
            Failure::BlockTooLarge { most: self.block }
        } else {
            Failure::TooLarge
        }
    }

    /// What a step asks for: one byte more than is allowed tells "exactly the cap" from "more than that".
    pub(super) fn of_step(self) -> usize {
        self.total.saturating_add(1).min(STEP)
    }
}

/// What a decoder reports; the name of the codec is added on the way out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    TooLarge,
    BlockTooLarge { most: usize },
    Corrupt(String),
}

impl Failure {
    pub(super) fn corrupt(reason: impl fmt::Display) -> Self {
        Self::Corrupt(reason.to_string())
    }

    pub(super) fn of(self, codec: Compression, cap: usize) -> DecompressError {
        match self {
            Self::TooLarge => DecompressError::TooLarge { codec, cap },
            Self::BlockTooLarge { most } => DecompressError::BlockTooLarge { codec, most },
            Self::Corrupt(reason) => DecompressError::Corrupt { codec, reason },
        }
    }
}
