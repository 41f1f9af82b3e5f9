//! What can be wrong with the bytes of a batch.

use crate::compression::DecompressError;

use super::header::{BATCH_OVERHEAD, LOG_OVERHEAD};

/// Why bytes aren't a batch, or its records aren't records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end before the batch does: the torn tail of a log, or of a fetch that hit its limit.
    #[error("batch is cut short: {needed} bytes are needed, {available} are there")]
    Torn {
        /// The bytes that the batch, or as much of it as is needed to know its length, takes.
        needed: usize,
        /// The bytes that are there.
        available: usize,
    },
    /// The length is less than a header takes.
    #[error(
        "batch length {0} is less than the {least} bytes of a header",
        least = BATCH_OVERHEAD - LOG_OVERHEAD
    )]
    Length(i32),
    /// The format isn't v2.
    #[error("batch has magic {0}, expected 2")]
    Magic(i8),
    /// The bytes aren't those that were written.
    #[error("batch is corrupt: stored crc {stored:#010x}, computed {computed:#010x}")]
    Crc {
        /// The CRC in the header.
        stored: u32,
        /// The CRC of the bytes.
        computed: u32,
    },
    /// The attributes name a codec that doesn't exist.
    #[error("batch has unknown compression {0}")]
    UnknownCompression(u8),
    /// The records can't be decompressed.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A record's structure is broken.
    #[error("record {index} is invalid: {reason}")]
    Record {
        /// The record's position in the batch.
        index: i32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The header's count is negative.
    #[error("batch has a count of {0} records")]
    Count(i32),
    /// There is more in the batch than the records that its header counts.
    #[error("{0} bytes follow the last record of the batch")]
    Surplus(usize),
    /// A control record's key isn't one.
    #[error("control record has an invalid key: {0}")]
    ControlKey(&'static str),
}
