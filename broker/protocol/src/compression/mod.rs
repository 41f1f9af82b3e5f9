//! The codecs that a record batch may be compressed with.
//!
//! Invariants: what [`decompress`] returns is never larger than the cap that it is given, and grows as data comes;
//! a `Decompressor` holds a piece of bounded size, whatever its input inflates to. A size that the input
//! declares is compared with what the decoder really makes of it, and never believed.
//!
//! Deliberately absent: dictionaries (Kafka has none), and levels for snappy and lz4, whose encoders
//! here have a single one.

mod decoder;
mod decompressor;
mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::fmt;
use std::str::FromStr;

use decoder::{Failure, Room, decoder};
pub(crate) use decompressor::Decompressor;

/// A codec, as the lowest three bits of a batch's attributes name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Records lie in the batch as they are.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Xerial's framing around raw snappy blocks; raw snappy is understood too.
    Snappy,
    /// The LZ4 frame format with independent blocks.
    Lz4,
    /// RFC 8878 (KIP-110).
    Zstd,
}

impl Compression {
    /// Every codec, in the order of their ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this id, or `None` for one that Kafka doesn't know.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The id in a batch's attributes.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name that Kafka's configuration uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
            .ok_or_else(|| UnknownCompression(name.to_owned()))
    }
}

/// A name that is no codec's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown compression '{0}': expected none, gzip, snappy, lz4 or zstd")]
pub struct UnknownCompression(String);

/// Why compressed bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// The data would be larger than the caller allows.
    #[error("{codec} data inflates to more than {cap} bytes")]
    TooLarge {
        /// The codec of the data.
        codec: Compression,
        /// The most bytes that were allowed.
        cap: usize,
    },
    /// The data holds a block that can't be read piece by piece, and is too large to be held.
    #[error("{codec} data holds a block that inflates to more than {most} bytes")]
    BlockTooLarge {
        /// The codec of the data.
        codec: Compression,
        /// The most bytes that such a block may take.
        most: usize,
    },
    /// The data isn't what this codec writes.
    #[error("{codec} data is corrupt: {reason}")]
    Corrupt {
        /// The codec that the data claims.
        codec: Compression,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why data could not be compressed: an encoder into memory fails only when memory is refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot compress with {codec}")]
pub struct CompressError {
    codec: Compression,
    source: std::io::Error,
}

/// Compresses `data`. `level` is that of the codec, as `compression.<codec>.level` gives it; `None`, and a
/// level for a codec that has none, stand for the codec's default, and one out of range for the nearest.
///
/// # Errors
/// When the encoder is refused memory.
pub fn compress(
    codec: Compression,
    level: Option<i32>,
    data: &[u8],
) -> Result<Vec<u8>, CompressError> {
    match codec {
        Compression::None => Ok(data.to_vec()),
        Compression::Gzip => gzip::compress(data, level),
        Compression::Snappy => snappy::compress(data),
        Compression::Lz4 => lz4::compress(data),
        Compression::Zstd => zstd::compress(data, level),
    }
    .map_err(|source| CompressError { codec, source })
}

/// Decompresses `data` into at most `cap` bytes.
///
/// # Errors
/// [`DecompressError::TooLarge`] as soon as the output passes `cap`, [`DecompressError::Corrupt`] for
/// anything that the codec doesn't write, missing and surplus bytes included.
pub fn decompress(codec: Compression, data: &[u8], cap: usize) -> Result<Vec<u8>, DecompressError> {
    inflate(codec, data, cap).map_err(|failure| failure.of(codec, cap))
}

fn inflate(codec: Compression, data: &[u8], cap: usize) -> Result<Vec<u8>, Failure> {
    let Some(mut decoder) = decoder(codec, data)? else {
        return if data.len() > cap { Err(Failure::TooLarge) } else { Ok(data.to_vec()) };
    };
    let mut inflated = Vec::new();
    loop {
        // All of it is held in any case, and so may be each block of it.
        let room = Room { total: cap - inflated.len(), block: usize::MAX };
        if !decoder.append(room, &mut inflated)? {
            return Ok(inflated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Vec<u8>> {
        let mixed: Vec<u8> = (0..200_000u32)
            .flat_map(|n| (n.wrapping_mul(2_654_435_761) >> (n % 19)).to_be_bytes())
            .collect();
        vec![Vec::new(), b"x".to_vec(), b"abcabcabcabc".repeat(9), vec![0; 300_000], mixed]
    }

    #[test]
    fn every_codec_gives_back_what_it_took() {
        for codec in Compression::ALL {
            for sample in samples() {
                let packed = compress(codec, None, &sample).unwrap();
                let check = |cap: usize| decompress(codec, &packed, cap);
                assert_eq!(check(sample.len()), Ok(sample.clone()), "{codec}");
                assert_eq!(check(usize::MAX), Ok(sample.clone()), "{codec}");
                if let Some(cap) = sample.len().checked_sub(1) {
                    let too_large = Err(DecompressError::TooLarge { codec, cap });
                    assert_eq!(check(cap), too_large, "{codec}, {} bytes", sample.len());
                }
            }
        }
    }

    #[test]
    fn levels_out_of_range_are_moved_into_it() {
        for codec in Compression::ALL {
            for level in [i32::MIN, -1, 0, 1, 9, 22, i32::MAX] {
                let packed = compress(codec, Some(level), b"some text").unwrap();
                assert_eq!(decompress(codec, &packed, 100).unwrap(), b"some text");
            }
        }
    }

    #[test]
    fn torn_and_padded_data_is_refused() {
        let sample = b"a text of some length, a text of some length".repeat(3);
        for codec in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
            let packed = compress(codec, None, &sample).unwrap();
            for end in 0..packed.len() {
                let torn = decompress(codec, &packed[..end], 1 << 20);
                assert_ne!(torn, Ok(sample.clone()), "{codec} cut at {end}");
            }
            let padded = [&packed[..], b"\x01\x02\x03"].concat();
            assert!(decompress(codec, &padded, 1 << 20).is_err(), "{codec}");
        }
    }

    #[test]
    fn ids_and_names_go_both_ways() {
        for codec in Compression::ALL {
            assert_eq!(Compression::from_id(codec.id()), Some(codec));
            assert_eq!(codec.name().parse(), Ok(codec));
        }
        assert_eq!(Compression::from_id(5), None);
        assert!("brotli".parse::<Compression>().is_err());
    }
}
