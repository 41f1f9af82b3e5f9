//! Batches that Apache Kafka 4.3.1 wrote: they are read as meant, and built alike.
//!
//! `batch_fixtures/BatchFixtures.java` makes the files anew, and says how.

#![allow(clippy::disallowed_methods, reason = "fixtures are read from files")]

use std::path::Path;

use bytes::Bytes;
use taffrail_protocol::batch::{Batch, BatchBuilder, Batches, ControlRecordType, Record};
use taffrail_protocol::compression::Compression;

const CAP: usize = 1 << 20;

fn fixture(name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/batch_fixtures");
    let path = folder.join(name).with_extension("bin");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

/// The records of the fixtures, as the Java program makes them.
fn expected(codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new()
        .base_offset(7)
        .leader_epoch(5)
        .producer(4_000, 3, 90)
        .transactional(true)
        .compression(codec);
    for i in 0..200 {
        let key = (i % 3 != 0).then(|| format!("key-{i}"));
        let value = (i % 7 != 0).then(|| format!("{}{i}", "value ".repeat(i)));
        let text = format!("header {i}");
        let headers = [("näme", Some(text.as_bytes())), ("", None)];
        let shift = i64::try_from(i).expect("a small number");
        builder.append(
            1_700_000_000_000 + if i % 2 == 0 { shift } else { -shift },
            key.as_deref().map(str::as_bytes),
            value.as_deref().map(str::as_bytes),
            if i % 5 == 0 { &headers } else { &[] },
        );
    }
    builder.build()
}

fn records(batch: &Batch) -> Vec<Record> {
    batch.records(CAP).expect("readable records").collect::<Result<_, _>>().expect("sound records")
}

#[test]
fn batches_of_every_codec_are_read() {
    for codec in Compression::ALL {
        let batches: Result<Vec<_>, _> = Batches::new(fixture(codec.name())).collect();
        let batches = batches.expect("sound batches");
        let [batch] = &batches[..] else {
            panic!("{} batches of {codec}", batches.len());
        };
        assert_eq!(batch.verify_crc(), Ok(()));
        assert_eq!(batch.header.compression(), Ok(codec));
        let ours = Batch::parse(&expected(codec)).expect("a batch");
        assert_eq!(records(batch), records(&ours), "{codec}");

        // Compressed lengths differ from encoder to encoder, and the CRC with them; nothing else does.
        let mut header = batch.header;
        header.batch_length = ours.header.batch_length;
        header.crc = ours.header.crc;
        assert_eq!(header, ours.header, "{codec}");
    }
}

#[test]
fn a_batch_without_compression_is_built_byte_for_byte() {
    assert_eq!(expected(Compression::None), fixture("none"));
}

#[test]
fn a_commit_marker_is_read() {
    let batch = Batch::parse(&fixture("commit")).expect("a batch");
    assert_eq!(batch.verify_crc(), Ok(()));
    assert!(batch.header.is_control() && batch.header.is_transactional());
    assert_eq!(batch.header.producer_id, 4_000);
    let [marker] = &records(&batch)[..] else {
        panic!("one marker is expected");
    };
    assert_eq!(marker.offset, 42);
    assert_eq!(ControlRecordType::from_key(marker.key.as_deref()), Ok(ControlRecordType::Commit));
}
