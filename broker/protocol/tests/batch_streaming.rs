//! Compressed batches are checked while they are inflated: wherever a decoder's pieces end, the verdict is the
//! one that the same records get when they lie there as they are.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use taffrail_model::ErrorCode;
use taffrail_protocol::batch::{
    BATCH_OVERHEAD, BatchBuilder, LOG_OVERHEAD, ProduceRules, Rejection, ValidatedBatch, crc_of,
    validate_produced,
};
use taffrail_protocol::compression::Compression;

const NOW: i64 = 1_700_000_000_000;

fn rules() -> ProduceRules {
    ProduceRules { max_message_bytes: usize::MAX, ..ProduceRules::with_defaults(NOW) }
}

/// The header of `plain`, a batch without compression, before other records.
fn with_records(plain: &[u8], codec: Compression, records: &[u8]) -> Bytes {
    let mut batch = [&plain[..BATCH_OVERHEAD], records].concat();
    let length = i32::try_from(batch.len() - LOG_OVERHEAD).expect("a short batch");
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[22] = codec.id();
    let crc = crc_of(&batch);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.into()
}

/// Xerial's framing, with blocks of these sizes over and over.
fn in_blocks(records: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    let mut rest = records;
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (block, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        let block = snap::raw::Encoder::new().compress_vec(block).expect("a block");
        framed.extend_from_slice(&u32::try_from(block.len()).expect("short").to_be_bytes());
        framed.extend_from_slice(&block);
    }
    framed
}

/// The count of records, the greatest timestamp, and the offset delta of that.
type Accepted = (i32, i64, i32);
/// The error, what is at fault, and the records at fault.
type Refused = (ErrorCode, String, Vec<(i32, String)>);

/// What two forms of the same records must agree on. Why a record is broken may be told differently: a
/// decoder can't look ahead to see that a size passes the end.
fn verdict(result: Result<ValidatedBatch, Rejection>) -> Result<Accepted, Refused> {
    result
        .map(|valid| {
            (valid.records_count, valid.max_timestamp, valid.offset_delta_of_max_timestamp)
        })
        .map_err(|refusal| {
            let what = refusal.message.split(" is invalid:").next().unwrap_or_default().to_owned();
            (refusal.error, what, refusal.record_errors)
        })
}

proptest! {
    #[test]
    fn blocks_may_end_anywhere(
        records in vec((0..9i64, 0..5usize, 0..300usize, any::<bool>()), 1..20),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
        sizes in vec(0..60usize, 1..8),
        compacted in any::<bool>(),
    ) {
        prop_assume!(sizes.iter().any(|&size| size > 0));
        let mut builder = BatchBuilder::new();
        for &(timestamp, key, value, header) in &records {
            let (key, value) = (vec![b'k'; key], vec![b'v'; value]);
            let headers = [("name", Some(&value[..])), ("", None)];
            let key = (!key.is_empty()).then_some(&key[..]);
            builder.append(NOW + timestamp, key, Some(&value), if header { &headers } else { &[] });
        }
        let plain = builder.build();
        let mut bytes = plain[BATCH_OVERHEAD..].to_vec();
        for (at, to) in damage {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let rules = ProduceRules { compacted, ..rules() };
        let check = |codec, records: &[u8]| {
            verdict(validate_produced(with_records(&plain, codec, records), &rules))
        };
        let expected = check(Compression::None, &bytes);
        prop_assert_eq!(check(Compression::Snappy, &in_blocks(&bytes, &sizes)), expected);
    }
}

#[test]
fn records_of_any_size_cross_the_pieces_of_every_codec() {
    // Around the pieces of 32 and 64 KiB that the codecs inflate at a time.
    let sizes = [0, 1, 32_700, 32_768, 40_000, 65_490, 65_536, 70_001, 200_000, 3, 131_072, 0];
    for codec in Compression::ALL {
        let mut builder = BatchBuilder::new().compression(codec);
        for (index, size) in (0..).zip(sizes) {
            let value: Vec<u8> = (0..size).map(|at: u32| (at >> 4) as u8).collect();
            let timestamp = if index == 9 { NOW + 1_000 } else { NOW - index };
            builder.append(timestamp, Some(b"key"), Some(&value), &[("header", Some(&value))]);
        }
        let verdict = verdict(validate_produced(builder.build(), &rules()));
        assert_eq!(verdict, Ok((12, NOW + 1_000, 9)), "{codec}");
    }
}

#[test]
fn a_block_that_must_be_held_is_limited() {
    let zeros = vec![0; 17 << 20];
    let plain = BatchBuilder::new().append(NOW, None, Some(&zeros), &[]).build();
    let records = &plain[BATCH_OVERHEAD..];
    let check =
        |codec, records: &[u8]| validate_produced(with_records(&plain, codec, records), &rules());
    let raw = snap::raw::Encoder::new().compress_vec(records).expect("a block");
    let refusal = check(Compression::Snappy, &raw).expect_err("a refusal");
    assert_eq!(refusal.error, ErrorCode::MessageTooLarge);
    assert!(refusal.message.contains("holds a block"), "{refusal}");
    let framed = in_blocks(records, &[1 << 20]);
    check(Compression::Snappy, &framed).expect("blocks of one MiB");
}
