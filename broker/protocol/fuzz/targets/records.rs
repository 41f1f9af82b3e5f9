//! The contents of records: those of the metadata log and of the coordinators' logs, and the section of
//! records of a batch whose header is in order.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use taffrail_protocol::batch::{BatchBuilder, Batches, ProduceRules, crc_of, validate_produced};
use taffrail_protocol::catalogue::ENTRIES;
use taffrail_protocol::records::{GroupRecord, MetadataRecord, ShareRecord, TransactionRecord};

fuzz_target!(|data: &[u8]| {
    let [mode, first, second, data @ ..] = data else {
        return;
    };
    let data = Bytes::copy_from_slice(data);
    match mode % 4 {
        0 => metadata(data),
        1 => coordinators(data, usize::from(*first)),
        2 => section(&data, *first),
        _ => any_message(data, *first, *second),
    }
});

fn metadata(value: Bytes) {
    let Ok(record) = MetadataRecord::decode_value(value) else {
        return;
    };
    // The version isn't kept; in one of them at least the record has a form.
    let mut forms = (record.min_version()..=record.max_version())
        .filter_map(|version| record.encode_value(version).ok());
    let encoded = forms.next_back().expect("a record that was read can be written");
    assert_eq!(
        MetadataRecord::decode_value(encoded).map(|r| format!("{r:?}")),
        Ok(format!("{record:?}"))
    );
}

fn coordinators(data: Bytes, split: usize) {
    let split = split.min(data.len());
    let (key, value) = (data.slice(..split), data.slice(split..));
    for value in [None, Some(value)] {
        if let Ok(record) = GroupRecord::decode(key.clone(), value.clone()) {
            let key = record.encode_key().expect("a key that was read can be written");
            let value = record.encode_value(record.max_value_version()).ok().flatten();
            let again = GroupRecord::decode(key, value).expect("written by ourselves");
            assert_eq!(again.record_type(), record.record_type());
        }
        let _ = TransactionRecord::decode(key.clone(), value.clone());
        let _ = ShareRecord::decode(key.clone(), value);
    }
}

/// A header that claims so many records, before bytes that may be records.
fn section(records: &[u8], count: u8) {
    let mut builder = BatchBuilder::new();
    builder.append(1, Some(b"key"), Some(b"value"), &[]);
    let whole = builder.build();
    let mut batch = BytesMut::from(&whole[..61]);
    batch.extend_from_slice(records);
    let length = (batch.len() - 12) as i32;
    let count = i32::from(count);
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    batch[57..61].copy_from_slice(&count.to_be_bytes());
    let crc = crc_of(&batch);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    let batch = batch.freeze();
    for batch in Batches::new(batch.clone()).flatten() {
        if let Ok(records) = batch.records(1 << 16) {
            for record in records.flatten() {
                let _ = format!("{record:?}");
            }
        }
    }
    let _ = validate_produced(batch, &ProduceRules::with_defaults(1_700_000_000_000));
}

/// Any message of the schema: responses, control records, snapshots.
fn any_message(data: Bytes, index: u8, version: u8) {
    let index = usize::from(index) + 256 * usize::from(version >> 7);
    let Some(entry) = ENTRIES.get(index) else {
        return;
    };
    let version = entry.min_version + i16::from(version & 0x1f);
    let Ok(first) = entry.rewrite(data, version) else {
        return;
    };
    let encoded = first.encoded.expect("a message that was read can be written");
    let again =
        entry.rewrite(encoded.clone(), version).expect("a message that was written can be read");
    assert_eq!(again.left_over, 0);
    assert_eq!(again.encoded, Ok(encoded));
}
