//! Record batches as a client or a disk may hand them over: as they are; with the header put right as far
//! as the later checks can be reached; and with records that are compressed here, so that those behind a
//! codec are reached, too. The first byte chooses.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use taffrail_protocol::batch::{
    BATCH_OVERHEAD, BatchHeader, Batches, LOG_OVERHEAD, MAGIC, ProduceRules, crc_of,
    validate_produced,
};
use taffrail_protocol::compression::{Compression, compress};

/// Enough to see a record, not enough to spend the time on inflating.
const INFLATED_BYTES_MAX: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, data)) = data.split_first() else {
        return;
    };
    let bytes = match (mode & 1, mode >> 2 & 7) {
        (0, _) => Bytes::copy_from_slice(data),
        (_, 0) => with_matching_header(data),
        (_, codec) => with_compressed_records(data, codec),
    };
    walk(bytes.clone());

    let rules = ProduceRules {
        max_inflated_bytes: INFLATED_BYTES_MAX,
        compacted: mode & 2 != 0,
        ..ProduceRules::with_defaults(1_700_000_000_000)
    };
    if let Ok(valid) = validate_produced(bytes, &rules) {
        let header = BatchHeader::parse(&valid.bytes).expect("a valid batch has a header");
        assert_eq!(header.records_count, valid.records_count);
        assert_eq!(header.size_in_bytes(), valid.bytes.len());
        assert_eq!(header.crc, crc_of(&valid.bytes));
        assert_eq!(walk(valid.bytes), valid.records_count as usize);
    }
});

/// Reads all batches with all records, and returns how many records were whole.
fn walk(bytes: Bytes) -> usize {
    let size = bytes.len();
    let mut seen = 0;
    let mut records = 0;
    for batch in Batches::new(bytes).flatten() {
        seen += batch.bytes.len();
        assert_eq!(BatchHeader::parse(&batch.header.to_bytes()).as_ref(), Ok(&batch.header));
        let _ = batch.verify_crc();
        if let Ok(iterator) = batch.records(INFLATED_BYTES_MAX) {
            records += iterator.flatten().count();
        }
    }
    assert!(seen <= size);
    records
}

/// The bytes as one batch: the base offset, the length, the magic and the CRC are made to fit.
fn with_matching_header(data: &[u8]) -> Bytes {
    let mut batch = BytesMut::zeroed(data.len().max(BATCH_OVERHEAD));
    batch[..data.len()].copy_from_slice(data);
    let length = (batch.len() - LOG_OVERHEAD) as i32;
    batch[..8].fill(0);
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[16] = MAGIC as u8;
    let crc = crc_of(&batch);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}

/// As [`with_matching_header`], but what follows the header is compressed first.
fn with_compressed_records(data: &[u8], codec: u8) -> Bytes {
    let Some((header, records)) = data.split_at_checked(BATCH_OVERHEAD) else {
        return with_matching_header(data);
    };
    let codec = Compression::from_id(codec).unwrap_or(Compression::Gzip);
    let compressed = compress(codec, None, records).expect("any bytes can be compressed");
    let mut batch = header.to_vec();
    batch[22] = batch[22] & !7 | codec.id();
    batch.extend_from_slice(&compressed);
    with_matching_header(&batch)
}
