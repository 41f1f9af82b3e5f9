//! The record that ends a transaction.

use taffrail_protocol::Message;
use taffrail_protocol::batch::{Batch, BatchError, ControlRecordType};
use taffrail_protocol::records::EndTxnMarker;
use taffrail_protocol::wire::Decoder;

/// A marker has a key of 4 bytes and a value of 6; this is far more.
const MARKER_BYTES_MAX: usize = 4096;

/// A commit or an abort, as the transaction coordinator writes it into each partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) is_abort: bool,
    pub(crate) coordinator_epoch: i32,
}

impl Marker {
    /// The marker in a control batch; `None` for other control records, and for a batch that compaction
    /// has emptied.
    pub(crate) fn of(batch: &Batch) -> Result<Option<Self>, BatchError> {
        let Some(record) = batch.records(MARKER_BYTES_MAX)?.next() else { return Ok(None) };
        let record = record?;
        let is_abort = match ControlRecordType::from_key(record.key.as_deref())? {
            ControlRecordType::Abort => true,
            ControlRecordType::Commit => false,
            _ => return Ok(None),
        };
        let invalid = BatchError::Record { index: 0, reason: "it is no transaction marker" };
        let mut decoder = Decoder::new(record.value.unwrap_or_default());
        // A newer version of the value begins in the same way, as Kafka promises for this record.
        let Ok(_version) = decoder.int16() else { return Err(invalid) };
        match EndTxnMarker::decode(&mut decoder, EndTxnMarker::MAX_VERSION) {
            Ok(marker) => Ok(Some(Self { is_abort, coordinator_epoch: marker.coordinator_epoch })),
            Err(_) => Err(invalid),
        }
    }
}
