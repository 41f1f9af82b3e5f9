//! Record batches for tests, built field by field and independently of the protocol's own builder, so that
//! a test of the log doesn't trust what it tests with.

use bytes::{BufMut, Bytes, BytesMut};
use taffrail_model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};
use taffrail_protocol::batch::{BATCH_OVERHEAD, LOG_OVERHEAD, crc_of};

const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// A batch to be built; the defaults are those of a producer that isn't idempotent.
#[derive(Clone, Debug)]
pub struct TestBatch {
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The epoch of the leader.
    pub leader_epoch: LeaderEpoch,
    /// The timestamp of every record.
    pub timestamp: Timestamp,
    /// The producer, its epoch and the sequence of the first record.
    pub producer: Option<(ProducerId, ProducerEpoch, i32)>,
    /// Whether the batch belongs to a transaction.
    pub is_transactional: bool,
    /// The values of the records, without keys.
    pub values: Vec<Bytes>,
}

impl Default for TestBatch {
    fn default() -> Self {
        Self {
            base_offset: 0,
            leader_epoch: -1,
            timestamp: 1_700_000_000_000,
            producer: None,
            is_transactional: false,
            values: vec![Bytes::from_static(b"value")],
        }
    }
}

impl TestBatch {
    /// The batch in the format v2, uncompressed.
    #[must_use]
    pub fn build(&self) -> Bytes {
        let records: Vec<(Option<Bytes>, Bytes)> =
            self.values.iter().map(|value| (None, value.clone())).collect();
        let attributes = if self.is_transactional { TRANSACTIONAL } else { 0 };
        self.encode(attributes, &records)
    }

    /// The control batch that ends the producer's transaction, from a coordinator of epoch 0.
    #[must_use]
    pub fn build_marker(&self, is_commit: bool) -> Bytes {
        let mut key = BytesMut::new();
        key.put_i16(0);
        key.put_i16(i16::from(is_commit));
        let mut value = BytesMut::new();
        value.put_i16(0);
        value.put_i32(0);
        self.encode(TRANSACTIONAL | CONTROL, &[(Some(key.freeze()), value.freeze())])
    }

    fn encode(&self, attributes: i16, records: &[(Option<Bytes>, Bytes)]) -> Bytes {
        let (producer_id, producer_epoch, sequence) = self.producer.unwrap_or((-1, -1, -1));
        let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
        let mut body = BytesMut::new();
        for (delta, (key, value)) in (0i64..).zip(records) {
            put_record(&mut body, delta, key.as_deref(), value);
        }
        let length = BATCH_OVERHEAD - LOG_OVERHEAD + body.len();
        let mut batch = BytesMut::new();
        batch.put_i64(self.base_offset);
        batch.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
        batch.put_i32(self.leader_epoch);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(attributes);
        batch.put_i32(count - 1);
        batch.put_i64(self.timestamp);
        batch.put_i64(self.timestamp);
        batch.put_i64(producer_id);
        batch.put_i16(producer_epoch);
        batch.put_i32(sequence);
        batch.put_i32(count);
        batch.extend_from_slice(&body);
        let crc = crc_of(&batch);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch.freeze()
    }
}

/// A batch of `count` records of `value_bytes` each, with this timestamp, as a producer would send it.
#[must_use]
pub fn batch_of(count: usize, value_bytes: usize, timestamp: Timestamp) -> Bytes {
    let values = vec![Bytes::from(vec![b'v'; value_bytes]); count];
    TestBatch { timestamp, values, ..TestBatch::default() }.build()
}

fn put_record(out: &mut BytesMut, offset_delta: i64, key: Option<&[u8]>, value: &[u8]) {
    let mut record = BytesMut::new();
    record.put_i8(0);
    put_varint(&mut record, 0);
    put_varint(&mut record, offset_delta);
    match key {
        None => put_varint(&mut record, -1),
        Some(key) => {
            put_varint(&mut record, i64::try_from(key.len()).unwrap_or(i64::MAX));
            record.extend_from_slice(key);
        }
    }
    put_varint(&mut record, i64::try_from(value.len()).unwrap_or(i64::MAX));
    record.extend_from_slice(value);
    put_varint(&mut record, 0);
    put_varint(out, i64::try_from(record.len()).unwrap_or(i64::MAX));
    out.extend_from_slice(&record);
}

fn put_varint(out: &mut BytesMut, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        out.put_u8(u8::try_from(bits & 0x7f).unwrap_or(0) | 0x80);
        bits >>= 7;
    }
    out.put_u8(u8::try_from(bits).unwrap_or(0));
}
