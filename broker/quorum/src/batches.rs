//! The batches of the metadata log, in the shapes that Kafka's raft client gives them.

use bytes::Bytes;
use taffrail_model::{LeaderEpoch, Offset, Timestamp};
use taffrail_protocol::batch::BatchBuilder;
use taffrail_protocol::wire::EncodeError;

use crate::ControlRecord;

/// What a batch of the metadata log may take, in bytes: Kafka's `MAX_BATCH_SIZE_BYTES`.
pub const MAX_BATCH_SIZE: usize = 8 * 1024 * 1024;

/// What a record without key and headers adds to its value at most, in bytes: lengths, deltas, attributes.
pub(crate) const RECORD_OVERHEAD_MAX: usize = 26;

/// A batch of metadata records: values without keys, all with the time of the append.
#[must_use]
pub fn data_batch(
    base_offset: Offset,
    epoch: LeaderEpoch,
    timestamp: Timestamp,
    values: &[Bytes],
) -> Bytes {
    let mut batch = BatchBuilder::new().base_offset(base_offset).leader_epoch(epoch);
    for value in values {
        batch.append(timestamp, None, Some(value), &[]);
    }
    batch.build()
}

/// A batch of control records.
///
/// # Errors
/// Where a record's field doesn't fit the wire.
pub fn control_batch(
    base_offset: Offset,
    epoch: LeaderEpoch,
    timestamp: Timestamp,
    records: &[ControlRecord],
) -> Result<Bytes, EncodeError> {
    let mut batch = BatchBuilder::new().base_offset(base_offset).leader_epoch(epoch).control(true);
    for record in records {
        batch.append(timestamp, Some(&record.key()), Some(&record.value()?), &[]);
    }
    Ok(batch.build())
}
