//! A batch of an idempotent producer is appended once, and transactions end once.

use taffrail_log::{AppendError, LogConfig, Origin};
use taffrail_model::ErrorCode;
use taffrail_testkit::{ManualClock, TestBatch};

use crate::support::*;

#[test]
fn a_duplicate_gets_the_offsets_of_its_original() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    for index in 0..6 {
        append(&mut log, idempotent(1, 0, index * 2, 2)).expect("appended");
        append(&mut log, one_record("of someone else")).expect("appended");
    }
    let end = log.end_offset();
    for index in 1..6 {
        let again = append(&mut log, idempotent(1, 0, index * 2, 2)).expect("a duplicate");
        assert!(again.is_duplicate);
        assert_eq!(again.base_offset, i64::from(index) * 3);
        assert_eq!(again.last_offset, i64::from(index) * 3 + 1);
    }
    let forgotten = append(&mut log, idempotent(1, 0, 0, 2)).map_err(|error| error.code());
    assert_eq!(forgotten, Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(log.end_offset(), end);
}

#[test]
fn a_duplicate_in_the_same_call_is_found() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    let batches = [
        idempotent(1, 0, 0, 2),
        idempotent(1, 0, 0, 2),
        idempotent(1, 0, 5, 1),
        idempotent(1, 0, 2, 1),
        idempotent(2, 0, 0, 1),
    ];
    let now = ManualClock::default().now();
    let outcomes = log.append_as_leader(&batches, 0, Origin::Client, now);
    let offsets: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().map(|done| (done.base_offset, done.is_duplicate)).ok())
        .collect();
    let expect = [Some((0, false)), Some((0, true)), None, Some((2, false)), Some((3, false))];
    assert_eq!(offsets, expect);
    assert_eq!(log.end_offset(), 4);
}

#[test]
fn a_failed_write_fails_duplicates_of_what_it_held() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    disk.fail_at(disk.operations(), taffrail_testkit::Fault::Io);
    let batches = [idempotent(1, 0, 0, 2), idempotent(1, 0, 0, 2), one_record("x")];
    let now = ManualClock::default().now();
    let outcomes = log.append_as_leader(&batches, 0, Origin::Client, now);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(AppendError::Storage(_)))));
    assert_eq!(log.end_offset(), 0);
    assert!(!append(&mut log, idempotent(1, 0, 0, 2)).expect("appended").is_duplicate);
}

#[test]
fn producers_are_known_after_a_restart_clean_or_not() {
    for is_clean in [true, false] {
        let disk = formatted_disk();
        let mut log = open_new(&disk, &small_config());
        for index in 0..30 {
            append(&mut log, idempotent(i64::from(index % 3), 1, index / 3 * 2, 2))
                .expect("appended");
        }
        if is_clean {
            log.close(ManualClock::default().now()).expect("closed");
        }
        let known = taffrail_log::OpenLog { was_clean: is_clean, ..unclean(&small_config()) };
        let (mut log, _) =
            taffrail_log::Log::open(disk.clone(), known, ManualClock::default().now())
                .expect("opened");
        assert_eq!(log.producer_count(), 3);
        for producer in 0..3 {
            let check = |log: &mut _, epoch, sequence, expect: Result<bool, ErrorCode>| {
                let outcome = append(log, idempotent(producer, epoch, sequence, 2));
                let outcome = outcome.map(|done| done.is_duplicate).map_err(|error| error.code());
                assert_eq!(outcome, expect, "producer {producer}, sequence {sequence}");
            };
            check(&mut log, 1, 18, Ok(true));
            check(&mut log, 1, 22, Err(ErrorCode::OutOfOrderSequenceNumber));
            check(&mut log, 0, 20, Err(ErrorCode::InvalidProducerEpoch));
            check(&mut log, 1, 20, Ok(false));
        }
    }
}

#[test]
fn idle_producers_are_forgotten() {
    let disk = formatted_disk();
    let mut clock = ManualClock::default();
    let config = LogConfig { producer_id_expiration_ms: 1000, ..LogConfig::default() };
    let mut log = open_new(&disk, &config);
    append(&mut log, idempotent(1, 0, 0, 1)).expect("appended");
    log.expire_producers(clock.advance_ms(999));
    assert_eq!(log.producer_count(), 1);
    log.expire_producers(clock.advance_ms(1));
    assert_eq!(log.producer_count(), 0);
    // Of a producer that is forgotten, any sequence is taken.
    append(&mut log, idempotent(1, 0, 7, 1)).expect("appended");
}

#[test]
fn coordinators_write_without_sequences() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    let now = ManualClock::default().now();
    for _ in 0..2 {
        let producer = Some((5, 0, -1));
        let batch = TestBatch { producer, ..TestBatch::default() }.build();
        let outcomes = log.append_as_leader(&[batch], 0, Origin::Coordinator, now);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(done) if !done.is_duplicate)));
    }
}

/// The records of an open transaction: of a producer, from a sequence on.
fn transactional(producer_id: i64, sequence: i32) -> TestBatch {
    let producer = Some((producer_id, 0, sequence));
    TestBatch { producer, is_transactional: true, ..TestBatch::default() }
}

#[test]
fn transactions_hold_back_the_first_unstable_offset_until_their_marker_is_replicated() {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    let now = ManualClock::default().now();
    append(&mut log, one_record("of someone else")).expect("appended");
    append(&mut log, transactional(1, 0).build()).expect("appended");
    append(&mut log, transactional(2, 0).build()).expect("appended");
    append(&mut log, transactional(1, 1).build()).expect("appended");
    assert_eq!(log.first_unstable_offset(), Some(1));

    let mixed = append(&mut log, idempotent(1, 0, 2, 1)).map_err(|error| error.code());
    assert_eq!(mixed, Err(ErrorCode::InvalidTxnState));

    let end = |log: &mut taffrail_log::Log<_>, producer_id, is_commit| {
        let marker = transactional(producer_id, -1).build_marker(is_commit);
        let outcomes = log.append_as_leader(&[marker], 0, Origin::Coordinator, now);
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    };
    end(&mut log, 1, false);
    assert_eq!(log.first_unstable_offset(), Some(1));
    log.replicated_to(5);
    assert_eq!(log.first_unstable_offset(), Some(2));
    end(&mut log, 2, true);
    log.replicated_to(6);
    assert_eq!(log.first_unstable_offset(), None);

    let aborted = |log: &taffrail_log::Log<_>, from, bound| {
        let found = log.reader().aborted_transactions(from, bound).expect("readable");
        let found = found.iter().map(|txn| (txn.producer_id, txn.first_offset, txn.last_offset));
        found.collect::<Vec<_>>()
    };
    assert_eq!(aborted(&log, 0, 6), [(1, 1, 4)]);
    assert_eq!(aborted(&log, 5, 6), []);
    assert_eq!(aborted(&log, 0, 1), []);

    // All of it follows from the batches.
    drop(log);
    let log = open_new(&disk, &LogConfig::default());
    assert_eq!(aborted(&log, 0, 6), [(1, 1, 4)]);
    log.close(now).expect("closed");
    let index = std::path::Path::new(DIR).join("00000000000000000000.txnindex");
    let content = taffrail_log::Disk::read(&disk, &index, 100).expect("there");
    let mut expect = vec![0, 0];
    for field in [1i64, 1, 4, 2] {
        expect.extend_from_slice(&field.to_be_bytes());
    }
    assert_eq!(content, expect);
}
