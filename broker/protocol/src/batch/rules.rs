//! What is asked of a produced batch, and what is answered.

use bytes::Bytes;
use taffrail_model::{ErrorCode, ProducerEpoch, ProducerId, Timestamp};

use crate::compression::Compression;

use super::header::TimestampType;

/// What a topic's configuration and the request ask of a produced batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProduceRules {
    /// The version of the Produce request: zstd came with 7 (KIP-110).
    pub produce_version: i16,
    /// The wall clock, in milliseconds since the Unix epoch.
    pub now: Timestamp,
    /// `max.message.bytes`: the most bytes of a batch, as it came and as it is stored.
    pub max_message_bytes: usize,
    /// The most bytes that the records may take once decompressed.
    pub max_inflated_bytes: usize,
    /// Whether `cleanup.policy` holds `compact`: each record needs a key.
    pub compacted: bool,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far behind the clock a create time may be.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead of the clock a create time may be.
    pub timestamp_after_max_ms: i64,
    /// `compression.type` and the level that goes with it.
    pub compression: TargetCompression,
}

impl ProduceRules {
    /// The rules of a topic with Kafka's defaults, at this time and for the newest requests. Kafka has no
    /// limit to what records inflate to; here it is 100 MiB.
    #[must_use]
    pub const fn with_defaults(now: Timestamp) -> Self {
        Self {
            produce_version: i16::MAX,
            now,
            max_message_bytes: 1_048_588,
            max_inflated_bytes: 100 * 1024 * 1024,
            compacted: false,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: TargetCompression::Producer,
        }
    }
}

/// How a topic stores its batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetCompression {
    /// As the producer compressed them.
    #[default]
    Producer,
    /// With this codec: batches that come with another are compressed anew.
    Codec {
        /// The codec; `none` is `uncompressed` in Kafka's configuration.
        codec: Compression,
        /// Its level, as [`crate::compression::compress`] takes it.
        level: Option<i32>,
    },
}

/// A batch that may be appended, once the log has stamped it, and what there is to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatedBatch {
    /// The batch, with base offset 0: a slice of what came, unless a timestamp or the codec changed.
    pub bytes: Bytes,
    /// How many records there are: 1 at least.
    pub records_count: i32,
    /// The last record's offset less the first's.
    pub last_offset_delta: i32,
    /// The greatest timestamp of the records, or the time of the append.
    pub max_timestamp: Timestamp,
    /// The offset, less the base offset, of the first record that has the greatest timestamp.
    pub offset_delta_of_max_timestamp: i32,
    /// The idempotent producer, or -1.
    pub producer_id: ProducerId,
    /// The epoch of the producer, or -1.
    pub producer_epoch: ProducerEpoch,
    /// The sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// The sequence number of the last record, or -1.
    pub last_sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub is_transactional: bool,
}

/// Why a produced batch was refused, as the Produce response carries it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {message}")]
pub struct Rejection {
    /// Kafka's error.
    pub error: ErrorCode,
    /// The batch's error message.
    pub message: String,
    /// The records at fault, by their index in the batch (KIP-467), each with its message; the first
    /// thousand of them. Empty when the batch as a whole is at fault.
    pub record_errors: Vec<(i32, String)>,
}
