//! Finding offsets by timestamp and by leader epoch.

use bytes::Bytes;
use taffrail_log::{FoundOffset, LogConfig, OffsetQuery, Origin};
use taffrail_protocol::batch::BatchBuilder;
use taffrail_testkit::{ManualClock, batch_of};

use crate::support::*;

#[test]
fn timestamps_find_the_first_record_that_is_not_earlier() {
    // Small segments, so that the search crosses them; timestamps that don't rise, as clients have them.
    let disk = formatted_disk();
    let mut log = open_new(&disk, &small_config());
    let timestamps: Vec<i64> = (0..80).map(|i: i64| 1000 + i * 10 + (i * 37 % 11) * 15).collect();
    for timestamp in &timestamps {
        append(&mut log, batch_of(1, 60, *timestamp)).expect("appended");
    }
    assert!(log.segment_count() > 3);
    let find = |log: &taffrail_log::Log<_>, timestamp| {
        let found = log.reader().find_offset(OffsetQuery::AtOrAfter(timestamp)).expect("readable");
        found.map(|found| (found.timestamp, found.offset))
    };
    let by_scan = |start: usize, timestamp| {
        let mut records = (0i64..).zip(&timestamps).skip(start);
        records.find(|(_, found)| **found >= timestamp).map(|(offset, found)| (*found, offset))
    };
    for timestamp in (900..2100).step_by(3) {
        assert_eq!(find(&log, timestamp), by_scan(0, timestamp), "{timestamp}");
    }
    log.delete_records(33, 80).expect("deleted");
    for timestamp in (900..2100).step_by(3) {
        assert_eq!(find(&log, timestamp), by_scan(33, timestamp), "{timestamp}");
    }
    let greatest = timestamps.iter().copied().max().expect("some");
    let found = log.reader().find_offset(OffsetQuery::MaxTimestamp).expect("readable");
    let found = found.map(|found| (found.timestamp, found.offset));
    assert_eq!(found, by_scan(0, greatest));
}

#[test]
fn records_are_found_inside_of_their_batch() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    let mut builder = BatchBuilder::new();
    for timestamp in [100, 300, 200] {
        builder.append(timestamp, None, Some(b"value"), &[]);
    }
    append(&mut log, builder.build()).expect("appended");
    let check = |query, expect: Option<(i64, i64)>| {
        let found = log.reader().find_offset(query).expect("readable");
        assert_eq!(found.map(|found| (found.timestamp, found.offset)), expect, "{query:?}");
    };
    check(OffsetQuery::AtOrAfter(i64::MIN), Some((100, 0)));
    check(OffsetQuery::AtOrAfter(100), Some((100, 0)));
    check(OffsetQuery::AtOrAfter(150), Some((300, 1)));
    check(OffsetQuery::AtOrAfter(301), None);
    check(OffsetQuery::MaxTimestamp, Some((300, 1)));
}

#[test]
fn the_ends_come_with_their_epochs() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    let empty = log.reader().find_offset(OffsetQuery::Earliest).expect("readable");
    assert_eq!(empty, Some(FoundOffset { timestamp: -1, offset: 0, leader_epoch: None }));
    assert_eq!(log.reader().find_offset(OffsetQuery::MaxTimestamp).expect("readable"), None);
    let now = ManualClock::default().now();
    for epoch in [2, 5] {
        let outcomes = log.append_as_leader(&[one_record("x")], epoch, Origin::Client, now);
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let found = |query| log.reader().find_offset(query).expect("readable").expect("found");
    let earliest = FoundOffset { timestamp: -1, offset: 0, leader_epoch: Some(2) };
    assert_eq!(found(OffsetQuery::Earliest), earliest);
    let latest = FoundOffset { timestamp: -1, offset: 2, leader_epoch: Some(5) };
    assert_eq!(found(OffsetQuery::Latest), latest);
    let end = log.reader().end_of_epoch(3);
    assert_eq!((end.epoch, end.end_offset), (2, 1));
    assert_eq!(log.reader().epoch_of(1), Some(5));
}

#[test]
fn a_large_index_finds_every_offset() {
    // Enough entries that most of them are in the file, some wait in memory, and a search has to probe.
    let disk = formatted_disk();
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let mut log = open_new(&disk, &config);
    let batches: Vec<Bytes> = (0..1500).map(|index| batch_of(1, 1, index)).collect();
    let now = ManualClock::default().now();
    let outcomes = log.append_as_leader(&batches, 0, Origin::Client, now);
    assert!(outcomes.iter().all(Result::is_ok));
    for offset in 0..1500 {
        let read = log.reader().read(request(offset, 1500)).expect("readable");
        assert_eq!(read.base_offset, offset);
        let found = log.reader().find_offset(OffsetQuery::AtOrAfter(offset)).expect("readable");
        assert_eq!(found.map(|found| found.offset), Some(offset));
    }
}
