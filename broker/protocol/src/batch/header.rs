//! The 61 bytes before a batch's records.

use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use taffrail_model::{LeaderEpoch, NO_PRODUCER_ID, Offset, ProducerEpoch, ProducerId, Timestamp};

use crate::compression::Compression;

use super::error::BatchError;

/// The bytes of a batch's header.
pub const BATCH_OVERHEAD: usize = 61;
/// The bytes that a batch's length doesn't count: the base offset and the length itself.
pub const LOG_OVERHEAD: usize = 12;
/// The version of the format.
pub const MAGIC: i8 = 2;
/// "No timestamp" in a record or an empty batch.
pub const NO_TIMESTAMP: Timestamp = -1;
/// "No sequence" in a batch without a producer.
pub const NO_SEQUENCE: i32 = -1;

const LENGTH_AT: usize = 8;
const LEADER_EPOCH_AT: usize = 12;
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;

const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

/// Whose clock a batch's timestamps are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's: each record has its own.
    #[default]
    CreateTime,
    /// The leader's when it appended: the batch's maximum is every record's timestamp.
    LogAppendTime,
}

/// A batch's header, field by field as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record, also once compaction has removed it.
    pub base_offset: Offset,
    /// The bytes of the batch after this field.
    pub batch_length: i32,
    /// The epoch of the leader that appended the batch, or -1 from a producer.
    pub partition_leader_epoch: LeaderEpoch,
    /// The version of the format: 2.
    pub magic: i8,
    /// The CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Codec, timestamp type and flags; the methods read them.
    pub attributes: i16,
    /// The last record's offset, also once compaction has removed it, less the base offset.
    pub last_offset_delta: i32,
    /// What the records' timestamps are relative to; the delete horizon when there is one.
    pub base_timestamp: Timestamp,
    /// The greatest timestamp of the records, or the time of the append.
    pub max_timestamp: Timestamp,
    /// The idempotent producer, or -1.
    pub producer_id: ProducerId,
    /// The epoch of the producer, or -1.
    pub producer_epoch: ProducerEpoch,
    /// The producer's sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// How many records there are.
    pub records_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`. The records need not be there.
    ///
    /// # Errors
    /// [`BatchError::Torn`], [`BatchError::Length`] and [`BatchError::Magic`]; the other fields are not judged.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        // The magic is judged before the length, since older formats have shorter headers.
        if let Some(&magic) = bytes.get(MAGIC_AT)
            && magic.cast_signed() != MAGIC
        {
            return Err(BatchError::Magic(magic.cast_signed()));
        }
        if let Some(length) = bytes.get(LENGTH_AT..).and_then(<[u8]>::first_chunk) {
            check_length(i32::from_be_bytes(*length))?;
        }
        Self::read(Fields(bytes))
            .ok_or(BatchError::Torn { needed: BATCH_OVERHEAD, available: bytes.len() })
    }

    fn read(mut fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            base_offset: i64::from_be_bytes(fields.next()?),
            batch_length: i32::from_be_bytes(fields.next()?),
            partition_leader_epoch: i32::from_be_bytes(fields.next()?),
            magic: i8::from_be_bytes(fields.next()?),
            crc: u32::from_be_bytes(fields.next()?),
            attributes: i16::from_be_bytes(fields.next()?),
            last_offset_delta: i32::from_be_bytes(fields.next()?),
            base_timestamp: i64::from_be_bytes(fields.next()?),
            max_timestamp: i64::from_be_bytes(fields.next()?),
            producer_id: i64::from_be_bytes(fields.next()?),
            producer_epoch: i16::from_be_bytes(fields.next()?),
            base_sequence: i32::from_be_bytes(fields.next()?),
            records_count: i32::from_be_bytes(fields.next()?),
        })
    }

    /// The header as bytes, its CRC as the field says.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; BATCH_OVERHEAD] {
        let mut bytes = [0; BATCH_OVERHEAD];
        let fields: [&[u8]; 13] = [
            &self.base_offset.to_be_bytes(),
            &self.batch_length.to_be_bytes(),
            &self.partition_leader_epoch.to_be_bytes(),
            &self.magic.to_be_bytes(),
            &self.crc.to_be_bytes(),
            &self.attributes.to_be_bytes(),
            &self.last_offset_delta.to_be_bytes(),
            &self.base_timestamp.to_be_bytes(),
            &self.max_timestamp.to_be_bytes(),
            &self.producer_id.to_be_bytes(),
            &self.producer_epoch.to_be_bytes(),
            &self.base_sequence.to_be_bytes(),
            &self.records_count.to_be_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        bytes
    }

    /// The bytes of the whole batch, header included.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        LOG_OVERHEAD + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// The offset of the last record.
    #[must_use]
    pub const fn last_offset(&self) -> Offset {
        self.base_offset.wrapping_add(self.last_offset_delta as Offset)
    }

    /// The offset of the record that follows the batch.
    #[must_use]
    pub const fn next_offset(&self) -> Offset {
        self.last_offset().wrapping_add(1)
    }

    /// Whether the batch holds control records, which consumers never see.
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub const fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether an idempotent producer wrote the batch.
    #[must_use]
    pub const fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// The codec of the records.
    ///
    /// # Errors
    /// [`BatchError::UnknownCompression`] for an id that no codec has.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        let [.., low] = self.attributes.to_be_bytes();
        let id = low & COMPRESSION_MASK.to_be_bytes()[1];
        Compression::from_id(id).ok_or(BatchError::UnknownCompression(id))
    }

    /// Whose clock the timestamps are.
    #[must_use]
    pub const fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// When tombstones and markers in the batch may go, once compaction has set it (KIP-534).
    #[must_use]
    pub const fn delete_horizon(&self) -> Option<Timestamp> {
        if self.attributes & DELETE_HORIZON == 0 { None } else { Some(self.base_timestamp) }
    }

    /// The producer's sequence number of the last record, or [`NO_SEQUENCE`].
    #[must_use]
    pub const fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            NO_SEQUENCE
        } else {
            increment_sequence(self.base_sequence, self.last_offset_delta)
        }
    }

    pub(super) fn set_compression(&mut self, codec: Compression) {
        self.attributes = self.attributes & !COMPRESSION_MASK | i16::from(codec.id());
    }

    pub(super) fn set_timestamp_type(&mut self, timestamp_type: TimestampType) {
        self.set_flag(LOG_APPEND_TIME, timestamp_type == TimestampType::LogAppendTime);
    }

    pub(super) fn set_transactional(&mut self, transactional: bool) {
        self.set_flag(TRANSACTIONAL, transactional);
    }

    pub(super) fn set_control(&mut self, control: bool) {
        self.set_flag(CONTROL, control);
    }

    fn set_flag(&mut self, flag: i16, set: bool) {
        self.attributes = self.attributes & !flag | if set { flag } else { 0 };
    }

    /// The whole batch of this header and `records`: length and CRC are computed.
    pub(super) fn with_records(mut self, records: &[u8]) -> Bytes {
        let batch_length = BATCH_OVERHEAD - LOG_OVERHEAD + records.len();
        // Whoever calls bounds the records far below 2 GiB; past it the batch is refused as too large.
        self.batch_length = i32::try_from(batch_length).unwrap_or(i32::MAX);
        let mut batch = BytesMut::with_capacity(BATCH_OVERHEAD + records.len());
        batch.extend_from_slice(&self.to_bytes());
        batch.extend_from_slice(records);
        let crc = crc_of(&batch);
        batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
        batch.freeze()
    }
}

/// Refuses a length that has no room for a header.
fn check_length(batch_length: i32) -> Result<(), BatchError> {
    match usize::try_from(batch_length) {
        Ok(length) if length >= BATCH_OVERHEAD - LOG_OVERHEAD => Ok(()),
        _ => Err(BatchError::Length(batch_length)),
    }
}

/// The CRC-32C that the header of `batch`, one whole batch, should carry.
#[must_use]
pub fn crc_of(batch: &[u8]) -> u32 {
    let covered = batch.get(ATTRIBUTES_AT..).unwrap_or_default();
    let crc = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, covered);
    crc as u32
}

/// Sets the base offset of the batch at the start of `batch` in place; the CRC doesn't cover it. Bytes that
/// are no header stay as they are.
pub fn set_base_offset(batch: &mut [u8], base_offset: Offset) {
    if let Some(field) = batch.first_chunk_mut() {
        *field = base_offset.to_be_bytes();
    }
}

/// Sets the leader epoch of the batch at the start of `batch` in place; the CRC doesn't cover it. Bytes that
/// are no header stay as they are.
pub fn set_leader_epoch(batch: &mut [u8], epoch: LeaderEpoch) {
    if let Some(field) = batch.get_mut(LEADER_EPOCH_AT..).and_then(<[u8]>::first_chunk_mut) {
        *field = epoch.to_be_bytes();
    }
}

/// The batch with a base offset and a leader epoch, in two parts: a header of its own, and the records
/// shared with `batch`. So a leader appends a batch that came in a larger buffer without a copy.
#[must_use]
pub fn stamp(batch: &Bytes, base_offset: Offset, epoch: LeaderEpoch) -> [Bytes; 2] {
    let split = BATCH_OVERHEAD.min(batch.len());
    let mut header = BytesMut::from(batch.slice(..split));
    set_base_offset(&mut header, base_offset);
    set_leader_epoch(&mut header, epoch);
    [header.freeze(), batch.slice(split..)]
}

/// The sequence number `increment` after `sequence`: after `i32::MAX` comes 0.
#[must_use]
pub const fn increment_sequence(sequence: i32, increment: i32) -> i32 {
    sequence.wrapping_add(increment) & i32::MAX
}

/// The fields that are still to be read.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::super::BatchBuilder;
    use super::*;

    #[test]
    fn a_header_goes_both_ways() {
        let header = BatchHeader {
            base_offset: 0x0102_0304_0506_0708,
            batch_length: 49,
            partition_leader_epoch: 7,
            magic: MAGIC,
            crc: 0xdead_beef,
            attributes: 0x7c,
            last_offset_delta: 11,
            base_timestamp: -1,
            max_timestamp: 1_700_000_000_000,
            producer_id: 42,
            producer_epoch: 3,
            base_sequence: i32::MAX - 1,
            records_count: 12,
        };
        let bytes = header.to_bytes();
        assert_eq!(BatchHeader::parse(&bytes), Ok(header));
        assert_eq!(&bytes[..12], b"\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\x31");
        assert_eq!(header.size_in_bytes(), BATCH_OVERHEAD);
        assert_eq!(header.next_offset(), 0x0102_0304_0506_0714);
        assert_eq!(header.compression(), Ok(Compression::Zstd));
        assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.delete_horizon(), Some(-1));
        assert!(header.is_control() && header.is_transactional());
        // After the greatest sequence number comes 0.
        assert_eq!(header.last_sequence(), 9);
    }

    #[test]
    fn bytes_that_are_no_header_are_told_apart() {
        let good = BatchBuilder::new().append(0, None, None, &[]).build();
        let check = |at: usize, to: &[u8], expect: BatchError| {
            let mut bytes = good.to_vec();
            bytes[at..at + to.len()].copy_from_slice(to);
            assert_eq!(BatchHeader::parse(&bytes), Err(expect));
        };
        check(MAGIC_AT, &[1], BatchError::Magic(1));
        check(MAGIC_AT, &[0xff], BatchError::Magic(-1));
        check(LENGTH_AT, &[0, 0, 0, 48], BatchError::Length(48));
        check(LENGTH_AT, &[0xff; 4], BatchError::Length(-1));
        for available in 0..BATCH_OVERHEAD {
            let torn = BatchError::Torn { needed: BATCH_OVERHEAD, available };
            assert_eq!(BatchHeader::parse(&good[..available]), Err(torn));
        }
    }

    #[test]
    fn stamping_shares_the_records_and_keeps_the_crc() {
        let batch = BatchBuilder::new().append(5, Some(b"k"), Some(b"v"), &[]).build();
        let [header, records] = stamp(&batch, 1_000, 9);
        assert_eq!(records.as_ptr(), batch[BATCH_OVERHEAD..].as_ptr());
        let stamped = [header, records].concat();
        let parsed = BatchHeader::parse(&stamped).unwrap();
        assert_eq!((parsed.base_offset, parsed.partition_leader_epoch), (1_000, 9));
        assert_eq!(crc_of(&stamped), parsed.crc);
    }

    #[test]
    fn the_crc_is_castagnolis() {
        let mut batch = vec![0; ATTRIBUTES_AT];
        batch.extend_from_slice(b"123456789");
        assert_eq!(crc_of(&batch), 0xe306_9283);
    }
}
