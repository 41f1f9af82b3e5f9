//! What a broker accepts from a producer, and the error of everything else.

use bytes::Bytes;
use taffrail_model::ErrorCode;
use taffrail_protocol::batch::{
    Batch, BatchBuilder, NO_TIMESTAMP, ProduceRules, Rejection, TargetCompression, TimestampType,
    ValidatedBatch, crc_of, validate_produced,
};
use taffrail_protocol::compression::Compression;

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

fn rules() -> ProduceRules {
    ProduceRules::with_defaults(NOW)
}

/// Three records, of which the second is the newest.
fn builder() -> BatchBuilder {
    let mut builder = BatchBuilder::new();
    builder
        .append(NOW - 5, Some(b"a"), Some(b"1"), &[])
        .append(NOW + 5, Some(b"b"), Some(b"2"), &[("h", None)])
        .append(NOW, Some(b"c"), None, &[]);
    builder
}

/// `batch` with some of its bytes changed, and the CRC that goes with them.
fn changed(batch: &Bytes, at: usize, to: &[u8]) -> Bytes {
    let mut bytes = batch.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to);
    let crc = crc_of(&bytes);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

fn accepted(batch: &Bytes, rules: &ProduceRules) -> ValidatedBatch {
    validate_produced(batch.clone(), rules).expect("a valid batch")
}

#[track_caller]
fn refused(
    batch: impl Into<Bytes>,
    rules: &ProduceRules,
    error: ErrorCode,
    message: &str,
) -> Rejection {
    let rejection = validate_produced(batch.into(), rules).expect_err("a refusal");
    assert_eq!(rejection.error, error, "{rejection}");
    assert!(rejection.message.contains(message), "{rejection}");
    rejection
}

#[test]
fn a_sound_batch_passes_untouched() {
    for codec in Compression::ALL {
        let batch = builder().producer(9, 2, i32::MAX).compression(codec).build();
        let valid = accepted(&batch, &rules());
        assert_eq!(valid.bytes.as_ptr(), batch.as_ptr(), "{codec} was copied");
        assert_eq!(valid.bytes, batch);
        assert_eq!((valid.records_count, valid.last_offset_delta), (3, 2));
        assert_eq!(valid.max_timestamp, NOW + 5);
        assert_eq!(valid.offset_delta_of_max_timestamp, 1);
        assert_eq!((valid.producer_id, valid.producer_epoch), (9, 2));
        assert_eq!((valid.base_sequence, valid.last_sequence), (i32::MAX, 1));
        assert!(!valid.is_transactional);
    }
}

#[test]
fn bytes_that_are_no_batch_or_two_are_refused() {
    use ErrorCode::{CorruptMessage, InvalidRecord};
    let batch = builder().build();
    let check = |bytes: Bytes, error, message| {
        refused(bytes, &rules(), error, message);
    };
    check(Bytes::new(), InvalidRecord, "at least one whole");
    check(batch.slice(..60), InvalidRecord, "at least one whole");
    check(batch.slice(..batch.len() - 1), InvalidRecord, "whole");
    let two = [&batch[..], &batch[..]].concat();
    check(two.into(), InvalidRecord, "exactly one record batch");
    check(changed(&batch, 16, &[1]), InvalidRecord, "magic 1");
    check(changed(&batch, 16, &[9]), CorruptMessage, "magic 9");
    check(changed(&batch, 8, &[0, 0, 0, 9]), CorruptMessage, "length");
    check(changed(&batch, 8, &[0xff; 4]), CorruptMessage, "length");

    // Kafka drops a torn end that follows a whole batch.
    let tail = [&batch[..], &batch[..30]].concat();
    assert_eq!(accepted(&tail.into(), &rules()).bytes, batch);
}

#[test]
fn a_header_that_lies_is_refused() {
    use ErrorCode::{CorruptMessage, InvalidRecord};
    let batch = builder().build();
    let check = |at: usize, to: &[u8], message| {
        refused(changed(&batch, at, to), &rules(), InvalidRecord, message);
    };
    check(0, &[0, 0, 0, 0, 0, 0, 0, 1], "base offset");
    check(23, &[0, 0, 0, 5], "inconsistent batch offset range");
    check(23, &[0xff; 4], "invalid offset range");
    check(57, &[0, 0, 0, 0], "invalid reported count");
    check(57, &[0x80, 0, 0, 0], "invalid reported count");
    check(57, &[0x7f, 0xff, 0xff, 0xff], "inconsistent");
    // Count and range agree with one another, and not with the records.
    let fewer = changed(&changed(&batch, 57, &[0, 0, 0, 2]), 23, &[0, 0, 0, 1]);
    refused(fewer, &rules(), InvalidRecord, "follow the last record");
    let more = changed(&changed(&batch, 57, &[0, 0, 0, 4]), 23, &[0, 0, 0, 3]);
    refused(more, &rules(), InvalidRecord, "record 3 is invalid");

    let mut damaged = batch.to_vec();
    *damaged.last_mut().expect("bytes") ^= 1;
    refused(damaged, &rules(), CorruptMessage, "crc");
}

#[test]
fn records_with_a_broken_structure_are_refused() {
    let batch =
        BatchBuilder::new().append(NOW, Some(b"k"), Some(b"v"), &[("h", Some(b"x"))]).build();
    // The record's bytes: size, attributes, timestamp and offset deltas, then lengths and contents.
    let check = |at: usize, to: u8, message| {
        let bytes = changed(&batch, 61 + at, &[to]);
        refused(bytes, &rules(), ErrorCode::InvalidRecord, message);
    };
    check(0, 0x01, "size is negative");
    check(0, 0x7e, "passes its end");
    check(0, 0x10, "record 0 is invalid");
    check(4, 0x40, "passes its end");
    check(8, 0x01, "count of headers is negative");
    check(8, 0x04, "ends too early");
    check(8, 0x00, "shorter than its size");
    check(9, 0x01, "a header has no key");
    let rejection =
        refused(changed(&batch, 64, &[2]), &rules(), ErrorCode::InvalidRecord, "offset delta 1");
    assert_eq!(rejection.record_errors.len(), 1);
}

#[test]
fn what_only_brokers_may_write_is_refused() {
    let control = builder().control(true).build();
    refused(control, &rules(), ErrorCode::InvalidRecord, "control");
    let append_time = builder().log_append_time(NOW).build();
    let rejection =
        refused(append_time, &rules(), ErrorCode::InvalidTimestamp, "invalid timestamp");
    assert_eq!(rejection.record_errors.len(), 3);
}

#[test]
fn producers_must_be_whole() {
    let check = |builder: BatchBuilder, message| {
        refused(builder.build(), &rules(), ErrorCode::InvalidRecord, message);
    };
    check(builder().transactional(true), "without a producer id");
    check(builder().producer(1, 0, -1), "sequence number -1");
    check(builder().producer(1, -1, 0), "epoch -1");
    let transactional = builder().producer(1, 0, 0).transactional(true).build();
    assert!(accepted(&transactional, &rules()).is_transactional);
}

#[test]
fn sizes_are_limited_before_and_after_compression() {
    let batch = builder().build();
    let tight = |most: usize| ProduceRules { max_message_bytes: most, ..rules() };
    accepted(&batch, &tight(batch.len()));
    let too_large = ErrorCode::MessageTooLarge;
    refused(batch.clone(), &tight(batch.len() - 1), too_large, "exceeds");

    // Ten million zeros are small on the wire.
    let zeros = vec![0; 10_000_000];
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let bomb =
            BatchBuilder::new().compression(codec).append(NOW, None, Some(&zeros), &[]).build();
        assert!(bomb.len() < 1_000_000);
        accepted(&bomb, &rules());
        let capped = ProduceRules { max_inflated_bytes: 1_000_000, ..rules() };
        refused(bomb.clone(), &capped, too_large, "inflates");
        let unpacked = ProduceRules {
            compression: TargetCompression::Codec { codec: Compression::None, level: None },
            ..rules()
        };
        refused(bomb, &unpacked, too_large, "exceeds");
    }
}

#[test]
fn compacted_topics_need_keys() {
    let compacted = ProduceRules { compacted: true, ..rules() };
    accepted(&builder().build(), &compacted);
    let mut keyless = builder();
    keyless.append(NOW, None, Some(b"x"), &[]).append(NOW, Some(b""), None, &[]).append(
        NOW,
        None,
        None,
        &[],
    );
    let rejection =
        refused(keyless.build(), &compacted, ErrorCode::InvalidRecord, "2 record errors");
    let indexes: Vec<_> = rejection.record_errors.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes, [3, 5]);
}

#[test]
fn create_times_are_bounded_on_both_sides() {
    let bounded =
        ProduceRules { timestamp_before_max_ms: HOUR, timestamp_after_max_ms: HOUR, ..rules() };
    let at = |timestamp: i64| {
        BatchBuilder::new().append(NOW, None, None, &[]).append(timestamp, None, None, &[]).build()
    };
    for good in [NOW - HOUR, NOW + HOUR, NO_TIMESTAMP] {
        accepted(&at(good), &bounded);
    }
    for bad in [NOW - HOUR - 1, NOW + HOUR + 1, 0, -2, i64::MIN, i64::MAX] {
        let rejection = refused(at(bad), &bounded, ErrorCode::InvalidTimestamp, "timestamp");
        assert_eq!(rejection.record_errors.len(), 1, "{bad}");
        assert_eq!(rejection.record_errors[0].0, 1);
    }
    // By default the past isn't bounded, and the future by an hour.
    accepted(&at(0), &rules());
    refused(at(NOW + HOUR + 1), &rules(), ErrorCode::InvalidTimestamp, "timestamp");
    // The clock of the log knows no bounds.
    let append_time = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..bounded };
    accepted(&at(0), &append_time);
}

#[test]
fn a_wrong_max_timestamp_is_corrected() {
    for codec in Compression::ALL {
        let right = builder().compression(codec).build();
        let wrong = changed(&right, 35, &(NOW + 999_999).to_be_bytes());
        let valid = accepted(&wrong, &rules());
        assert_eq!(valid.bytes, right);
        assert_eq!(valid.max_timestamp, NOW + 5);
    }
}

#[test]
fn log_append_time_replaces_timestamps() {
    let rules = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules() };
    for codec in Compression::ALL {
        let batch = builder().compression(codec).build();
        let valid = accepted(&batch, &rules);
        assert_eq!(valid.max_timestamp, NOW);
        let stored = Batch::parse(&valid.bytes).expect("a batch");
        stored.verify_crc().expect("a new crc");
        assert_eq!(stored.header.timestamp_type(), TimestampType::LogAppendTime);
        let records = stored.records(1 << 20).expect("records");
        assert!(records.flatten().all(|record| record.timestamp == NOW));
    }
}

#[test]
fn codecs_depend_on_the_version_and_the_topic() {
    let zstd = builder().compression(Compression::Zstd).build();
    let version = |produce_version| ProduceRules { produce_version, ..rules() };
    accepted(&zstd, &version(7));
    let unsupported = ErrorCode::UnsupportedCompressionType;
    refused(zstd, &version(6), unsupported, "zstd");
    let unknown = changed(&builder().build(), 22, &[5]);
    refused(unknown, &rules(), unsupported, "compression 5");

    let to_lz4 = ProduceRules {
        compression: TargetCompression::Codec { codec: Compression::Lz4, level: None },
        ..rules()
    };
    let lz4 = builder().compression(Compression::Lz4).build();
    let valid = accepted(&lz4, &to_lz4);
    assert_eq!(valid.bytes.as_ptr(), lz4.as_ptr());
}

#[test]
fn records_that_dont_decompress_are_refused() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let claims = changed(&builder().build(), 22, &[codec.id()]);
        refused(claims, &rules(), ErrorCode::InvalidRecord, "corrupt");
    }
}

#[test]
fn a_million_bad_records_get_a_short_answer() {
    let mut builder = BatchBuilder::new();
    for _ in 0..100_000 {
        builder.append(NOW, None, None, &[]);
    }
    let compacted = ProduceRules { compacted: true, ..rules() };
    let rejection =
        refused(builder.build(), &compacted, ErrorCode::InvalidRecord, "100000 record errors");
    assert_eq!(rejection.record_errors.len(), 1_000);
}
