//! What is built is what is read, for every codec; and no bytes make the readers panic.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use taffrail_protocol::batch::{
    BATCH_OVERHEAD, Batch, BatchBuilder, BatchError, Batches, Header, ProduceRules, Record,
    TargetCompression, crc_of, stamp, validate_produced,
};
use taffrail_protocol::compression::{Compression, decompress};

const CAP: usize = 1 << 22;

fn codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(&Compression::ALL[..])
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn header() -> impl Strategy<Value = Header> {
    (".{0,12}", prop::option::of(bytes())).prop_map(|(key, value)| Header { key, value })
}

fn record() -> impl Strategy<Value = Record> {
    (any::<i64>(), prop::option::of(bytes()), prop::option::of(bytes()), vec(header(), 0..4))
        .prop_map(|(timestamp, key, value, headers)| Record {
            offset: 0,
            timestamp,
            key,
            value,
            headers,
        })
}

fn append(builder: &mut BatchBuilder, record: &Record) {
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|header| (header.key.as_str(), header.value.as_deref()))
        .collect();
    builder.append(record.timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
}

fn read(batch: &Batch) -> Vec<Record> {
    batch.records(CAP).expect("readable records").collect::<Result<_, _>>().expect("sound records")
}

proptest! {
    #[test]
    fn built_batches_are_read_back(
        codec in codec(),
        base_offset in 0..i64::MAX / 2,
        epoch in any::<i32>(),
        producer in (0..i64::MAX, 0..i16::MAX, 0..i32::MAX),
        transactional in any::<bool>(),
        mut records in vec(record(), 1..40),
    ) {
        let (id, producer_epoch, sequence) = producer;
        let mut builder = BatchBuilder::new()
            .base_offset(base_offset)
            .leader_epoch(epoch)
            .compression(codec)
            .producer(id, producer_epoch, sequence)
            .transactional(transactional);
        for (offset, record) in (base_offset..).zip(&mut records) {
            record.offset = offset;
            append(&mut builder, record);
        }
        let bytes = builder.build();
        let mut batches = Batches::new(bytes.clone());
        let batch = batches.next().expect("a batch").expect("a sound one");
        prop_assert!(batches.next().is_none());
        prop_assert_eq!(batch.verify_crc(), Ok(()));
        prop_assert_eq!(batch.header.compression(), Ok(codec));
        prop_assert_eq!(batch.header.last_offset(), records.last().map_or(-1, |last| last.offset));
        prop_assert_eq!(batch.header.producer_id, id);
        prop_assert_eq!(batch.header.is_transactional(), transactional);
        prop_assert!(!batch.header.is_control());
        prop_assert_eq!(
            batch.header.max_timestamp,
            records.iter().map(|record| record.timestamp).max().unwrap_or(-1).max(-1)
        );
        prop_assert_eq!(&batch.header.to_bytes()[..], &bytes[..BATCH_OVERHEAD]);
        prop_assert_eq!(read(&batch), records);
    }

    #[test]
    fn valid_batches_keep_their_records_through_any_target_codec(
        source in codec(),
        target in codec(),
        records in vec(record(), 1..20),
    ) {
        let mut builder = BatchBuilder::new().compression(source);
        records.iter().for_each(|record| append(&mut builder, record));
        let produced = Batch::parse(&builder.build()).expect("a batch");
        let rules = ProduceRules {
            timestamp_after_max_ms: i64::MAX,
            compression: TargetCompression::Codec { codec: target, level: None },
            ..ProduceRules::with_defaults(0)
        };
        let valid = validate_produced(produced.bytes.clone(), &rules).expect("a valid batch");
        let stored = Batch::parse(&valid.bytes).expect("a batch");
        prop_assert_eq!(stored.verify_crc(), Ok(()));
        prop_assert_eq!(stored.header.compression(), Ok(target));
        prop_assert_eq!(read(&stored), read(&produced));
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in vec(any::<u8>(), 0..400),
        codec in codec(),
    ) {
        let _ = decompress(codec, &bytes, 1 << 16);
        let _ = validate_produced(bytes.clone().into(), &ProduceRules::with_defaults(0));
        for batch in Batches::new(bytes).flatten() {
            let _ = batch.records(1 << 16).map(Iterator::count);
        }
    }

    /// Bytes that pass the header and the CRC reach the record reader and the decoders.
    #[test]
    fn damaged_batches_never_panic(
        codec in codec(),
        records in vec(record(), 1..10),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut builder = BatchBuilder::new().compression(codec);
        records.iter().for_each(|record| append(&mut builder, record));
        let mut bytes = builder.build().to_vec();
        let mendable = bytes.len();
        for (at, to) in damage {
            // From the count of records on, past the length that would make it another batch.
            let at = BATCH_OVERHEAD - 4 + at.index(mendable - BATCH_OVERHEAD + 4);
            bytes[at] = to;
        }
        let crc = crc_of(&bytes);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        let _ = validate_produced(bytes.clone().into(), &ProduceRules::with_defaults(0));
        let batch = Batch::parse(&bytes.into()).expect("the header is sound");
        if let Ok(records) = batch.records(CAP) {
            let _ = records.count();
        }
    }

    #[test]
    fn every_cut_of_concatenated_batches_is_told(
        sizes in vec(0..50usize, 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut whole = Vec::new();
        let mut edges = vec![0];
        for (offset, size) in (0..).zip(sizes) {
            let batch = BatchBuilder::new().append(1, None, Some(&vec![7; size]), &[]).build();
            whole.extend_from_slice(&stamp(&batch, offset, 0).concat());
            edges.push(whole.len());
        }
        let cut = cut.index(whole.len() + 1);
        whole.truncate(cut);
        let batches: Vec<_> = Batches::new(whole).collect();
        let complete = edges.iter().filter(|&&edge| edge != 0 && edge <= cut).count();
        prop_assert_eq!(batches.iter().filter(|batch| batch.is_ok()).count(), complete);
        let torn = matches!(batches.last(), Some(Err(BatchError::Torn { .. })));
        prop_assert_eq!(torn, !edges.contains(&cut));
    }
}

#[test]
fn records_of_a_batch_without_compression_are_slices_of_it() {
    let bytes =
        BatchBuilder::new().append(1, Some(b"key"), Some(b"value"), &[("h", Some(b"x"))]).build();
    let batch = Batch::parse(&bytes).expect("a batch");
    let inside = |part: &Bytes| bytes.as_ptr_range().contains(&part.as_ptr());
    for record in read(&batch) {
        assert!(record.key.as_ref().is_some_and(inside));
        assert!(record.value.as_ref().is_some_and(inside));
        assert!(record.headers[0].value.as_ref().is_some_and(inside));
    }
}

#[test]
fn a_count_of_two_thousand_million_records_costs_nothing() {
    let mut bytes = BatchBuilder::new().append(1, None, None, &[]).build().to_vec();
    bytes[57..61].copy_from_slice(&i32::MAX.to_be_bytes());
    let batch = Batch::parse(&bytes.into()).expect("a batch");
    let records: Vec<_> = batch.records(CAP).expect("records").collect();
    assert_eq!(records.len(), 2);
    assert!(matches!(records[1], Err(BatchError::Record { index: 1, .. })));
}

/// Derived by hand from the format; what Kafka's own builder writes is in `batch_fixtures.rs`.
#[test]
fn records_are_laid_out_field_by_field() {
    let built = BatchBuilder::new()
        .append(1_000, Some(b"k"), Some(b"v"), &[("h", Some(b"x"))])
        .append(1_005, None, None, &[])
        .build();
    let records: &[u8] = b"\x18\0\0\0\x02k\x02v\x02\x02h\x02x\x0c\0\x0a\x02\x01\x01\0";
    assert_eq!(&built[BATCH_OVERHEAD..], records);
}
