//! The checks that a produced batch passes before it is appended: Kafka's strict level.
//!
//! The order of the checks and their error codes follow Kafka's `ProduceRequest.validateRecords`,
//! `UnifiedLog.analyzeAndValidateRecords` and `LogValidator`. Different on purpose:
//!
//! - Refused, where Kafka appends what readers stumble over: offsets that don't follow one another, a batch
//!   that claims log append time, a transactional batch without a producer, a producer with a negative
//!   epoch, bytes after the end of an LZ4 frame, an LZ4 content checksum or size that is wrong.
//! - Records that don't decompress are `INVALID_RECORD` and an unknown codec is
//!   `UNSUPPORTED_COMPRESSION_TYPE`, where Kafka has no better than `UNKNOWN_SERVER_ERROR`.
//! - What records inflate to is limited: beyond the cap a batch is `MESSAGE_TOO_LARGE`. So is one with a block
//!   of more than 16 MiB that can't be read piece by piece: raw snappy, or zstd of the levels above 19.
//!
//! As in Kafka, records are read while they are inflated, and only a batch that has to be compressed anew is
//! held in full.

use bytes::Bytes;
use taffrail_model::{ErrorCode, Timestamp};

use crate::compression::{Compression, DecompressError, compress};

use super::batches::{Batch, Batches};
use super::error::BatchError;
use super::faults::{Fault, Faults};
use super::header::{BatchHeader, NO_TIMESTAMP, TimestampType};
use super::record::timestamp;
use super::rules::{ProduceRules, Rejection, TargetCompression, ValidatedBatch};
use super::stream::{Outline, RecordStream};

/// The version of Produce that zstd came with.
const FIRST_VERSION_WITH_ZSTD: i16 = 7;

/// Checks the records that a client produced to one partition: exactly one batch. Bytes after it that
/// are no whole batch are dropped, as Kafka drops them.
///
/// # Errors
/// A [`Rejection`] with Kafka's error code: `INVALID_RECORD`, `CORRUPT_MESSAGE`, `MESSAGE_TOO_LARGE`,
/// `INVALID_TIMESTAMP` or `UNSUPPORTED_COMPRESSION_TYPE`.
pub fn validate_produced(
    records: Bytes,
    rules: &ProduceRules,
) -> Result<ValidatedBatch, Rejection> {
    let batch = only_batch(records, rules)?;
    let source = batch.header.compression().map_err(unreadable)?;
    check_batch(&batch, rules)?;
    let recoding = Recoding::of(&batch, source, rules)?;
    let walked = match &recoding {
        Some(recoding) => walk(&batch.header, Compression::None, &recoding.records, rules),
        None => walk(&batch.header, source, &batch.stored_records(), rules),
    }?;
    let bytes = stored_form(&batch, recoding, walked.max_timestamp, rules)?;
    let header = &batch.header;
    Ok(ValidatedBatch {
        bytes,
        records_count: header.records_count,
        last_offset_delta: header.last_offset_delta,
        max_timestamp: walked.max_timestamp,
        offset_delta_of_max_timestamp: walked.offset_delta_of_max_timestamp,
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        last_sequence: header.last_sequence(),
        is_transactional: header.is_transactional(),
    })
}

fn only_batch(records: Bytes, rules: &ProduceRules) -> Result<Batch, Rejection> {
    let version = rules.produce_version;
    let mut batches = Batches::new(records);
    let batch = match batches.next() {
        Some(Ok(batch)) => batch,
        None | Some(Err(BatchError::Torn { .. })) => {
            return Err(invalid(format!(
                "produce requests with version {version} must have at least one whole record batch per partition"
            )));
        }
        Some(Err(error)) => return Err(unreadable(error)),
    };
    if batch.header.compression() == Ok(Compression::Zstd) && version < FIRST_VERSION_WITH_ZSTD {
        return Err(rejection(
            ErrorCode::UnsupportedCompressionType,
            format!("produce requests with version {version} are not allowed to use zstd"),
        ));
    }
    match batches.next() {
        None | Some(Err(BatchError::Torn { .. })) => Ok(batch),
        Some(Err(error)) => Err(unreadable(error)),
        Some(Ok(_)) => Err(invalid(format!(
            "produce requests with version {version} are only allowed to contain exactly one record batch per partition"
        ))),
    }
}

/// The checks that need no record.
fn check_batch(batch: &Batch, rules: &ProduceRules) -> Result<(), Rejection> {
    let header = &batch.header;
    if header.base_offset != 0 {
        return Err(invalid(format!(
            "the base offset of the record batch should be 0, but it is {}",
            header.base_offset
        )));
    }
    check_size(batch.bytes.len(), rules)?;
    batch.verify_crc().map_err(unreadable)?;
    if header.last_offset_delta < 0 {
        return Err(invalid(format!(
            "batch has an invalid offset range: [0, {}]",
            header.last_offset_delta
        )));
    }
    if header.records_count <= 0 {
        return Err(invalid(format!(
            "invalid reported count for record batch: {}",
            header.records_count
        )));
    }
    if header.records_count - 1 != header.last_offset_delta {
        return Err(invalid(format!(
            "inconsistent batch offset range [0, {}] and count of records {}",
            header.last_offset_delta, header.records_count
        )));
    }
    if header.is_control() {
        return Err(invalid("clients are not allowed to write control records"));
    }
    check_producer(header)
}

fn check_producer(header: &BatchHeader) -> Result<(), Rejection> {
    let id = header.producer_id;
    if !header.has_producer_id() {
        return if header.is_transactional() {
            Err(invalid("transactional batch without a producer id"))
        } else {
            Ok(())
        };
    }
    if header.base_sequence < 0 {
        return Err(invalid(format!(
            "invalid sequence number {} in record batch with producer id {id}",
            header.base_sequence
        )));
    }
    if header.producer_epoch < 0 {
        return Err(invalid(format!(
            "invalid epoch {} in record batch with producer id {id}",
            header.producer_epoch
        )));
    }
    Ok(())
}

fn check_size(size: usize, rules: &ProduceRules) -> Result<(), Rejection> {
    let most = rules.max_message_bytes;
    if size <= most {
        return Ok(());
    }
    Err(rejection(
        ErrorCode::MessageTooLarge,
        format!(
            "the record batch size is {size} bytes, which exceeds the maximum configured value of {most}"
        ),
    ))
}

/// What the records say.
struct Walked {
    max_timestamp: Timestamp,
    offset_delta_of_max_timestamp: i32,
}

/// Walks every record, and finds the greatest timestamp.
fn walk(
    header: &BatchHeader,
    codec: Compression,
    records: &[u8],
    rules: &ProduceRules,
) -> Result<Walked, Rejection> {
    let mut records = RecordStream::new(codec, records, rules.max_inflated_bytes)
        .map_err(|error| unreadable(error.into()))?;
    let mut max_timestamp = NO_TIMESTAMP;
    let mut offset_delta_of_max_timestamp = 0;
    let mut faults = Faults::default();
    let visit = |index, record: Outline| {
        let timestamp = timestamp(header, record.timestamp_delta);
        if let Some(fault) = Fault::of(index, &record, timestamp, header, rules) {
            faults.add(index, &fault);
        }
        if timestamp > max_timestamp {
            max_timestamp = timestamp;
            offset_delta_of_max_timestamp = index;
        }
    };
    records.each(header.records_count, visit).map_err(unreadable)?;
    match records.surplus().map_err(|error| unreadable(error.into()))? {
        0 => {}
        surplus => return Err(unreadable(BatchError::Surplus(surplus))),
    }
    faults.into_result()?;
    Ok(match rules.timestamp_type {
        TimestampType::CreateTime => Walked { max_timestamp, offset_delta_of_max_timestamp },
        TimestampType::LogAppendTime => {
            Walked { max_timestamp: rules.now, offset_delta_of_max_timestamp: 0 }
        }
    })
}

/// The topic's own codec for a batch that came with another, and the records that are to be compressed anew.
struct Recoding {
    codec: Compression,
    level: Option<i32>,
    records: Bytes,
}

impl Recoding {
    fn of(
        batch: &Batch,
        source: Compression,
        rules: &ProduceRules,
    ) -> Result<Option<Self>, Rejection> {
        match rules.compression {
            TargetCompression::Codec { codec, level } if codec != source => {
                let records = batch.record_bytes(rules.max_inflated_bytes).map_err(unreadable)?;
                Ok(Some(Self { codec, level, records }))
            }
            TargetCompression::Codec { .. } | TargetCompression::Producer => Ok(None),
        }
    }
}

/// The batch as the topic stores it: with its timestamp type, the true maximum, and its codec.
fn stored_form(
    batch: &Batch,
    recoding: Option<Recoding>,
    max_timestamp: Timestamp,
    rules: &ProduceRules,
) -> Result<Bytes, Rejection> {
    let mut header = batch.header;
    header.max_timestamp = max_timestamp;
    header.set_timestamp_type(rules.timestamp_type);
    let Some(Recoding { codec, level, records }) = recoding else {
        return Ok(if header == batch.header {
            batch.bytes.clone()
        } else {
            header.with_records(&batch.stored_records())
        });
    };
    header.set_compression(codec);
    let recompressed = if codec == Compression::None {
        header.with_records(&records)
    } else {
        let packed = compress(codec, level, &records)
            .map_err(|error| rejection(ErrorCode::UnknownServerError, error.to_string()))?;
        header.with_records(&packed)
    };
    check_size(recompressed.len(), rules)?;
    Ok(recompressed)
}

/// The rejection of a batch that can't be read.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to `map_err`, which gives the error away"
)]
fn unreadable(error: BatchError) -> Rejection {
    let code = match &error {
        BatchError::Length(_) | BatchError::Crc { .. } => ErrorCode::CorruptMessage,
        BatchError::Magic(magic) if !(0..=2).contains(magic) => ErrorCode::CorruptMessage,
        BatchError::UnknownCompression(_) => ErrorCode::UnsupportedCompressionType,
        BatchError::Decompress(
            DecompressError::TooLarge { .. } | DecompressError::BlockTooLarge { .. },
        ) => ErrorCode::MessageTooLarge,
        _ => ErrorCode::InvalidRecord,
    };
    rejection(code, error.to_string())
}

fn invalid(message: impl Into<String>) -> Rejection {
    rejection(ErrorCode::InvalidRecord, message)
}

fn rejection(error: ErrorCode, message: impl Into<String>) -> Rejection {
    Rejection { error, message: message.into(), record_errors: Vec::new() }
}
