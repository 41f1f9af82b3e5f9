//! Appending, rolling and reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::*;
use bytes::Bytes;
use taffrail_log::{AppendError, LogConfig, OpenLog, Origin, ReadRequest};
use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::batch::Batches;
use taffrail_testkit::{Fault, ManualClock, TestBatch, batch_of};

#[test]
fn a_leader_gives_offsets_and_its_epoch() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    let now = ManualClock::default().now();
    let batches = [batch_of(3, 10, 5), batch_of(1, 10, 6), batch_of(2, 10, 7)];
    let outcomes = log.append_as_leader(&batches, 4, Origin::Client, now);
    let offsets: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().expect("appended"))
        .map(|appended| (appended.base_offset, appended.last_offset))
        .collect();
    assert_eq!(offsets, [(0, 2), (3, 3), (4, 5)]);
    assert_eq!(log.end_offset(), 6);
    let stored = all_batches(&log);
    assert!(stored.iter().all(|batch| batch.header.partition_leader_epoch == 4));
    for (given, stored) in batches.iter().zip(&stored) {
        // All but base offset and epoch is as it was given.
        assert_eq!(given[16..], stored.bytes[16..]);
    }
}

#[test]
fn a_read_returns_whole_batches_within_its_bounds() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    // Three batches of four records each: 0-3, 4-7, 8-11.
    let batch = batch_of(4, 10, 5);
    let size = batch.len();
    for _ in 0..3 {
        append(&mut log, batch.clone()).expect("appended");
    }
    let check = |from, max_bytes, bound, min_one_batch, expect: Option<(i64, i64)>| {
        let request = ReadRequest { from, max_bytes, bound, min_one_batch };
        let read = log.reader().read(request).expect("readable");
        let expect_empty = expect.is_none();
        assert_eq!(read.records.is_empty(), expect_empty, "{request:?}");
        let (base_offset, next_offset) = expect.unwrap_or((from, from));
        assert_eq!((read.base_offset, read.next_offset), (base_offset, next_offset), "{request:?}");
        let last = Batches::new(read.records.into_contiguous()).last();
        let end = last.map(|batch| batch.expect("whole").header.next_offset());
        assert_eq!(end, expect.map(|(_, next_offset)| next_offset), "{request:?}");
    };
    check(0, usize::MAX, 100, false, Some((0, 12)));
    check(5, usize::MAX, 100, false, Some((4, 12)));
    check(0, 2 * size, 100, false, Some((0, 8)));
    check(0, 2 * size + 1, 100, false, Some((0, 8)));
    check(0, 2 * size - 1, 100, false, Some((0, 4)));
    check(0, size - 1, 100, false, None);
    check(0, size - 1, 100, true, Some((0, 4)));
    check(0, 0, 100, true, Some((0, 4)));
    check(0, usize::MAX, 8, false, Some((0, 8)));
    check(0, usize::MAX, 7, false, Some((0, 4)));
    check(4, usize::MAX, 4, true, None);
    check(4, usize::MAX, 6, true, None);
    check(12, usize::MAX, 100, true, None);
}

#[test]
fn offsets_outside_of_the_log_are_out_of_range() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    for _ in 0..3 {
        append(&mut log, batch_of(4, 10, 5)).expect("appended");
    }
    log.delete_records(5, 12).expect("within the log");
    for from in [-1, 4, 13] {
        let error = log.reader().read(request(from, 100)).expect_err("outside");
        assert_eq!(error.code(), ErrorCode::OffsetOutOfRange, "{from}");
    }
    log.reader().read(request(5, 100)).expect("inside");
    let error = log.delete_records(13, 13).expect_err("past the end");
    assert_eq!(error.code(), ErrorCode::OffsetOutOfRange);
}

#[test]
fn segments_roll_and_reads_cross_them() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &small_config());
    for index in 0..100 {
        append(&mut log, one_record(&format!("record {index}"))).expect("appended");
    }
    assert!(log.segment_count() > 3, "{}", log.segment_count());
    let batches = all_batches(&log);
    let offsets: Vec<i64> = batches.iter().map(|batch| batch.header.base_offset).collect();
    assert_eq!(offsets, (0..100).collect::<Vec<_>>());
}

#[test]
fn one_call_may_fill_several_segments() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &small_config());
    let batches: Vec<_> = (0..100).map(|index| one_record(&index.to_string())).collect();
    let now = ManualClock::default().now();
    let outcomes = log.append_as_leader(&batches, 0, Origin::Client, now);
    for (offset, outcome) in (0..).zip(outcomes) {
        assert_eq!(outcome.expect("appended").base_offset, offset);
    }
    assert!(log.segment_count() > 3);
    assert_eq!(all_batches(&log).len(), 100);
}

#[test]
fn a_segment_rolls_by_the_time_in_its_records() {
    let disk = formatted_disk();
    let config = LogConfig { segment_ms: 1000, ..LogConfig::default() };
    let mut log = open_new(&disk, &config);
    let mut segments_after = |timestamp| {
        append(&mut log, batch_of(1, 10, timestamp)).expect("appended");
        log.segment_count()
    };
    assert_eq!(segments_after(5000), 1);
    assert_eq!(segments_after(6000), 1);
    assert_eq!(segments_after(6001), 2);
    assert_eq!(segments_after(5000), 2);
    assert_eq!(segments_after(7002), 3);
}

#[test]
fn a_segment_rolls_before_its_index_is_full_and_before_offsets_overflow() {
    let disk = formatted_disk();
    let config = LogConfig { index_bytes_max: 40, index_interval_bytes: 0, ..LogConfig::default() };
    let mut log = open_new(&disk, &config);
    for timestamp in 0..10 {
        append(&mut log, batch_of(1, 10, timestamp)).expect("appended");
    }
    assert!(log.segment_count() >= 3, "{}", log.segment_count());

    let far = TestBatch { base_offset: i64::from(i32::MAX) + 100, ..TestBatch::default() };
    let now = ManualClock::default().now();
    let before = log.segment_count();
    log.append_as_follower(&far.build(), now).expect("appended");
    assert_eq!(log.segment_count(), before + 1);
    assert_eq!(log.end_offset(), far.base_offset + 1);
    assert_eq!(
        all_batches(&log).last().map(|batch| batch.header.base_offset),
        Some(far.base_offset)
    );
}

#[test]
fn a_follower_keeps_offsets_and_epochs() {
    let disk = formatted_disk();
    let mut leader = open_new(&disk, &small_config());
    for epoch in 0..3 {
        let now = ManualClock::default().now();
        let outcomes =
            leader.append_as_leader(&vec![batch_of(2, 30, 1); 20], epoch, Origin::Client, now);
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let follower_disk = formatted_disk();
    let mut follower = open_new(&follower_disk, &small_config());
    let now = ManualClock::default().now();
    while follower.end_offset() < leader.end_offset() {
        let read = leader.reader().read(request(follower.end_offset(), 1000)).expect("readable");
        let bytes = read.records.into_contiguous();
        follower.append_as_follower(&bytes, now).expect("appended");
    }
    assert_eq!(all_batches(&leader), all_batches(&follower));
    assert_eq!(leader.reader().leader_epochs(), follower.reader().leader_epochs());

    // What ends a fetch in the middle of a batch is left out; what goes back or is damaged is refused.
    let more = TestBatch { base_offset: follower.end_offset(), ..TestBatch::default() }.build();
    let cut = Bytes::from([&more[..], &more[..40]].concat());
    follower.append_as_follower(&cut, now).expect("appended");
    assert_eq!(follower.end_offset(), leader.end_offset() + 1);
    let again = follower.append_as_follower(&more, now);
    assert!(matches!(again, Err(AppendError::OffsetNotRising { .. })), "{again:?}");
    let mut damaged =
        TestBatch { base_offset: follower.end_offset(), ..TestBatch::default() }.build().to_vec();
    damaged[65] ^= 1;
    let damaged = follower.append_as_follower(&Bytes::from(damaged), now);
    assert_eq!(damaged.map_err(|error| error.code()), Err(ErrorCode::CorruptMessage));
}

#[test]
fn what_is_no_batch_is_refused_and_changes_nothing() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &small_config());
    let batch = one_record("x");
    let mut negative_count = batch.to_vec();
    negative_count[23..27].copy_from_slice(&(-5i32).to_be_bytes());
    let check = |log: &mut _, bytes: Bytes, expect| {
        assert_eq!(append(log, bytes).map_err(|error| error.code()), Err(expect));
    };
    check(&mut log, Bytes::new(), ErrorCode::CorruptMessage);
    check(&mut log, batch.slice(..batch.len() - 1), ErrorCode::CorruptMessage);
    check(&mut log, Bytes::from([&batch[..], &batch[..]].concat()), ErrorCode::CorruptMessage);
    check(&mut log, Bytes::from(negative_count), ErrorCode::InvalidRecord);
    check(&mut log, batch_of(1, 3000, 1), ErrorCode::RecordListTooLarge);
    assert_eq!(log.end_offset(), 0);
    assert!(all_batches(&log).is_empty());
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_room() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    append(&mut log, batch_of(1, 500, 1)).expect("appended");
    disk.set_capacity(Some(900));
    let refused = append(&mut log, batch_of(1, 500, 1)).expect_err("full");
    assert!(matches!(&refused, AppendError::Storage(error) if error.is_no_space()), "{refused}");
    assert_eq!(log.end_offset(), 1);
    assert_eq!(all_batches(&log).len(), 1);
    disk.set_capacity(None);
    assert_eq!(append(&mut log, batch_of(1, 500, 1)).expect("room").base_offset, 1);
    assert_eq!(all_batches(&log).len(), 2);
}

#[test]
fn a_write_that_fails_half_way_leaves_no_trace() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    append(&mut log, idempotent(7, 0, 0, 2)).expect("appended");
    disk.fail_at(disk.operations(), Fault::Io);
    append(&mut log, idempotent(7, 0, 2, 2)).expect_err("the disk failed");
    log.check_online().expect("the write was taken back");
    // Neither the offsets nor the sequence were used up.
    assert_eq!(append(&mut log, idempotent(7, 0, 2, 2)).expect("appended").base_offset, 2);
    assert_eq!(all_batches(&log).len(), 2);
}

#[test]
fn a_write_that_cannot_be_taken_back_takes_the_log_offline() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    append(&mut log, one_record("a")).expect("appended");
    disk.fail_at(disk.operations(), Fault::Io);
    disk.fail_at(disk.operations() + 1, Fault::Io);
    append(&mut log, one_record("b")).expect_err("the disk failed");
    let error = append(&mut log, one_record("c")).expect_err("offline");
    assert_eq!(error.code(), ErrorCode::KafkaStorageError);
    assert!(error.to_string().contains("offline"), "{error}");
    assert!(log.reader().read(request(0, 10)).is_err());
}

#[test]
fn readers_see_whole_batches_while_the_log_grows_rolls_and_shrinks() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig { retention_bytes: Some(4000), ..small_config() });
    let is_done = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = log.reader();
            let is_done = Arc::clone(&is_done);
            scope.spawn(move || {
                let mut from = 0;
                while !is_done.load(Ordering::Acquire) {
                    match reader.read(request(from, i64::MAX)) {
                        Ok(read) => {
                            for batch in Batches::new(read.records.into_contiguous()) {
                                let batch = batch.expect("whole");
                                batch.verify_crc().expect("intact");
                                assert!(batch.header.last_offset() >= from);
                                from = batch.header.next_offset();
                            }
                        }
                        Err(error) => {
                            assert_eq!(error.code(), ErrorCode::OffsetOutOfRange, "{error}");
                            from = reader.start_offset();
                        }
                    }
                }
            });
        }
        let mut clock = ManualClock::default();
        for round in 0..600 {
            append(&mut log, batch_of(2, 50, 1)).expect("appended");
            if round % 20 == 0 {
                let now = clock.advance_ms(60_000);
                log.apply_retention(log.end_offset(), now).expect("applied");
                log.remove_doomed(now).expect("removed");
            }
            if round % 50 == 49 {
                let target = log.end_offset() - 4;
                assert_eq!(log.truncate_to(target, clock.now()).expect("cut"), target);
            }
        }
        is_done.store(true, Ordering::Release);
    });
}

#[test]
fn the_topic_id_is_kept_and_checked() {
    let disk = formatted_disk();
    let id = Uuid::from_bytes([1; 16]);
    let open = |topic_id| {
        let open = OpenLog { topic_id, ..unclean(&LogConfig::default()) };
        taffrail_log::Log::open(disk.clone(), open, ManualClock::default().now())
    };
    assert_eq!(open(None).expect("opened").0.topic_id(), None);
    assert_eq!(open(Some(id)).expect("opened").0.topic_id(), Some(id));
    assert_eq!(open(None).expect("opened").0.topic_id(), Some(id));
    let other = open(Some(Uuid::from_bytes([2; 16]))).err().expect("another topic");
    assert_eq!(other.code(), ErrorCode::InconsistentTopicId);
}
