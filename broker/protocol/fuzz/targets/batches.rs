//! Record batches as a client or a disk may hand them over: as they are, and with the CRC put right, so
//! that what lies behind that check is reached.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use taffrail_protocol::batch::{
    BATCH_OVERHEAD, BatchHeader, Batches, ProduceRules, crc_of, validate_produced,
};

/// Enough to see a record, not enough to spend the time on inflating.
const INFLATED_BYTES_MAX: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, data)) = data.split_first() else {
        return;
    };
    let bytes = if mode & 1 == 0 { Bytes::copy_from_slice(data) } else { with_matching_crc(data) };
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

/// The bytes as one batch: the length, the magic and the CRC of its header are made to fit.
fn with_matching_crc(data: &[u8]) -> Bytes {
    let mut batch = BytesMut::zeroed(data.len().max(BATCH_OVERHEAD));
    batch[..data.len()].copy_from_slice(data);
    let length = (batch.len() - 12) as i32;
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[16] = 2;
    let crc = crc_of(&batch);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}
