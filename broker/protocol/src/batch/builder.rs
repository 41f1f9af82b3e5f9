//! Making a batch from records.

use bytes::Bytes;
use taffrail_model::{
    LeaderEpoch, NO_LEADER_EPOCH, NO_PRODUCER_ID, Offset, ProducerEpoch, ProducerId, Timestamp,
};

use crate::compression::{Compression, compress};

use super::header::{BatchHeader, MAGIC, NO_SEQUENCE, NO_TIMESTAMP, TimestampType};
use super::record::{RecordParts, write_record};

/// Builds one batch; offsets follow one another from the base offset on.
///
/// ```
/// # use taffrail_protocol::batch::BatchBuilder;
/// let batch = BatchBuilder::new()
///     .base_offset(10)
///     .append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[])
///     .build();
/// ```
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    compression: Compression,
    level: Option<i32>,
    records: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// A batch at offset 0, without a leader epoch, producer or compression, with create times.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            header: BatchHeader {
                base_offset: 0,
                batch_length: 0,
                partition_leader_epoch: NO_LEADER_EPOCH,
                magic: MAGIC,
                crc: 0,
                attributes: 0,
                last_offset_delta: -1,
                base_timestamp: NO_TIMESTAMP,
                max_timestamp: NO_TIMESTAMP,
                producer_id: NO_PRODUCER_ID,
                producer_epoch: -1,
                base_sequence: NO_SEQUENCE,
                records_count: 0,
            },
            compression: Compression::None,
            level: None,
            records: Vec::new(),
        }
    }

    /// The offset of the first record.
    #[must_use]
    pub fn base_offset(mut self, base_offset: Offset) -> Self {
        self.header.base_offset = base_offset;
        self
    }

    /// The epoch of the leader that appends.
    #[must_use]
    pub fn leader_epoch(mut self, epoch: LeaderEpoch) -> Self {
        self.header.partition_leader_epoch = epoch;
        self
    }

    /// Makes the time of the append the timestamp of every record, whatever they are appended with.
    #[must_use]
    pub fn log_append_time(mut self, now: Timestamp) -> Self {
        self.header.set_timestamp_type(TimestampType::LogAppendTime);
        self.header.max_timestamp = now;
        self
    }

    /// The codec of the records, at its default level.
    #[must_use]
    pub fn compression(mut self, codec: Compression) -> Self {
        self.compression = codec;
        self
    }

    /// The level of the codec; see [`compress`].
    #[must_use]
    pub fn compression_level(mut self, level: i32) -> Self {
        self.level = Some(level);
        self
    }

    /// The idempotent producer, its epoch, and the sequence number of the first record.
    #[must_use]
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn transactional(mut self, transactional: bool) -> Self {
        self.header.set_transactional(transactional);
        self
    }

    /// Whether the records are control records.
    #[must_use]
    pub fn control(mut self, control: bool) -> Self {
        self.header.set_control(control);
        self
    }

    /// Adds a record.
    pub fn append(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> &mut Self {
        let header = &mut self.header;
        if header.records_count == 0 {
            header.base_timestamp = timestamp;
        }
        if header.timestamp_type() == TimestampType::CreateTime {
            header.max_timestamp = header.max_timestamp.max(timestamp);
        }
        header.last_offset_delta += 1;
        header.records_count += 1;
        write_record(
            &mut self.records,
            &RecordParts {
                timestamp_delta: timestamp.wrapping_sub(header.base_timestamp),
                offset_delta: header.last_offset_delta,
                key,
                value,
                headers,
            },
        );
        self
    }

    /// How many records were added.
    #[must_use]
    pub const fn len(&self) -> i32 {
        self.header.records_count
    }

    /// Whether no record was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.records_count == 0
    }

    /// The bytes of the records so far, before compression.
    #[must_use]
    pub const fn records_size(&self) -> usize {
        self.records.len()
    }

    /// The batch, or no bytes when it has no records.
    #[must_use]
    pub fn build(&self) -> Bytes {
        if self.is_empty() {
            return Bytes::new();
        }
        let mut header = self.header;
        // Every reader takes records as they are, so an encoder that fails costs space and no record.
        match self.compression {
            Compression::None => header.with_records(&self.records),
            codec => match compress(codec, self.level, &self.records) {
                Ok(packed) => {
                    header.set_compression(codec);
                    header.with_records(&packed)
                }
                Err(_) => header.with_records(&self.records),
            },
        }
    }
}
