//! Cutting a log at its end.

use taffrail_log::{Log, LogConfig, LogError, OpenLog, Origin, SyncScope};
use taffrail_testkit::{Fault, ManualClock, MemDisk, SeededRng, TestBatch, batch_of};

use crate::support::*;

/// Sixty batches of two records; epochs 0, 1 and 2 have twenty each.
fn log_of_three_epochs(disk: &MemDisk) -> Log<MemDisk> {
    let mut log = open_new(disk, &small_config());
    let now = ManualClock::default().now();
    for index in 0..60 {
        let batch = idempotent(1, 0, index * 2, 2);
        let outcomes = log.append_as_leader(&[batch], index / 20, Origin::Client, now);
        assert!(outcomes.iter().all(Result::is_ok));
    }
    log
}

#[test]
fn a_cut_leaves_a_prefix_and_its_producers_and_epochs() {
    for target in 0..=120 {
        let disk = formatted_disk();
        let mut log = log_of_three_epochs(&disk);
        let before = all_batches(&log);
        let now = ManualClock::default().now();
        let end = log.truncate_to(target, now).expect("cut");
        assert_eq!(end, target / 2 * 2, "a cut inside of a batch takes the batch");
        assert_eq!(log.end_offset(), end);
        let kept = usize::try_from(end / 2).expect("small");
        assert_eq!(all_batches(&log), before[..kept]);
        let epochs = log.reader().leader_epochs();
        assert_eq!(epochs.len() as i64, (end + 39) / 40, "target {target}");
        // What was cut can be appended again, at the same offset, and is no duplicate.
        let sequence = i32::try_from(end).expect("small");
        let again = append(&mut log, idempotent(1, 0, sequence, 2)).expect("appended");
        assert_eq!((again.base_offset, again.is_duplicate), (end, false), "target {target}");
    }
}

#[test]
fn what_was_cut_never_comes_back() {
    for seed in 0..100 {
        let disk = formatted_disk();
        let mut log = log_of_three_epochs(&disk);
        let now = ManualClock::default().now();
        log.flush(now).expect("synced");
        log.truncate_to(50, now).expect("cut");
        let outcomes = log.append_as_leader(&[one_record("new")], 3, Origin::Client, now);
        assert!(outcomes.iter().all(Result::is_ok));
        let recovery_point = log.recovery_point();
        assert_eq!(recovery_point, 50);
        disk.crash(&mut SeededRng::new(seed));
        let known = taffrail_log::OpenLog { recovery_point, ..unclean(&small_config()) };
        let (log, _) = Log::open(disk, known, now).expect("opened");
        let stored = all_batches(&log);
        assert!((25..=26).contains(&stored.len()), "seed {seed}: {}", stored.len());
        assert!(stored[25..].iter().all(|batch| batch.header.partition_leader_epoch == 3));
    }
}

/// Runs `change` on a synced log with a crash at each of its operations, and checks that what is left
/// after it has no hole.
fn check_crashes(change: impl Fn(&mut Log<MemDisk>) -> Result<(), LogError>, least: usize) {
    for operation in 0.. {
        let mut is_done = false;
        for seed in 0..5 {
            let disk = formatted_disk();
            let mut log = log_of_three_epochs(&disk);
            let now = ManualClock::default().now();
            log.flush(now).expect("synced");
            let before = all_batches(&log);
            disk.fail_at(disk.operations() + operation, Fault::Crash);
            is_done = change(&mut log).is_ok();
            disk.crash(&mut SeededRng::new(operation * 100 + seed));
            // The checkpoint is still that of before.
            let known = OpenLog { recovery_point: 120, ..unclean(&small_config()) };
            let (log, _) = Log::open(disk, known, now).expect("opened");
            let stored = all_batches(&log);
            let what = format!("operation {operation}, seed {seed}");
            assert!(stored.len() >= least, "{what}: {}", stored.len());
            assert_eq!(stored, before[..stored.len()], "{what}");
            assert!(!is_done || stored.len() == least, "{what}: {}", stored.len());
        }
        if is_done {
            return;
        }
    }
}

#[test]
fn a_crash_in_a_cut_leaves_no_hole() {
    let now = || ManualClock::default().now();
    check_crashes(|log| log.truncate_to(30, now()).map(|_| ()), 15);
    check_crashes(|log| log.truncate_to(118, now()).map(|_| ()), 59);
    check_crashes(|log| log.truncate_fully_and_start_at(500, now()), 0);
}

#[test]
fn a_sync_that_began_before_a_cut_writes_into_no_file_of_after_it() {
    let disk = formatted_disk();
    let mut log = log_of_three_epochs(&disk);
    let now = ManualClock::default().now();
    let handle = log.begin_sync(SyncScope::All, now).expect("online").expect("something");
    log.truncate_to(20, now).expect("cut");
    for _ in 0..50 {
        append(&mut log, one_record("another batch at the old offsets")).expect("appended");
    }
    let stored = all_batches(&log);
    handle.sync().expect("synced");
    log.close(now).expect("closed");
    let known = OpenLog { was_clean: true, ..unclean(&small_config()) };
    let (log, _) = Log::open(disk, known, now).expect("opened");
    assert_eq!(all_batches(&log), stored);
    for batch in &stored {
        let offset = batch.header.base_offset;
        let read = log.reader().read(request(offset, i64::MAX)).expect("readable");
        assert_eq!(read.base_offset, offset);
    }
}

#[test]
fn timestamps_are_known_after_a_cut() {
    let disk = formatted_disk();
    let config = LogConfig { index_interval_bytes: 300, ..LogConfig::default() };
    let mut log = open_new(&disk, &config);
    for timestamp in [10, 50, 20, 30, 90, 40] {
        append(&mut log, batch_of(1, 100, timestamp)).expect("appended");
    }
    let greatest = |log: &Log<MemDisk>| {
        let found = log.reader().find_offset(taffrail_log::OffsetQuery::MaxTimestamp);
        found.expect("readable").map(|found| (found.timestamp, found.offset))
    };
    assert_eq!(greatest(&log), Some((90, 4)));
    let now = ManualClock::default().now();
    log.truncate_to(4, now).expect("cut");
    assert_eq!(greatest(&log), Some((50, 1)));
    log.truncate_to(1, now).expect("cut");
    assert_eq!(greatest(&log), Some((10, 0)));
    log.truncate_to(0, now).expect("cut");
    assert_eq!(greatest(&log), None);
}

#[test]
fn a_log_can_begin_anew_anywhere() {
    for offset in [0, 50, 1_000_000] {
        let disk = formatted_disk();
        let mut log = log_of_three_epochs(&disk);
        let now = ManualClock::default().now();
        log.truncate_fully_and_start_at(offset, now).expect("begun anew");
        assert_eq!((log.start_offset(), log.end_offset()), (offset, offset));
        assert_eq!(log.producer_count(), 0);
        assert!(log.reader().leader_epochs().is_empty());
        let batch = TestBatch { base_offset: offset, leader_epoch: 9, ..TestBatch::default() };
        log.append_as_follower(&batch.build(), now).expect("appended");
        drop(log);
        let log = open_new(&disk, &small_config());
        assert_eq!((log.start_offset(), log.end_offset()), (offset, offset + 1));
        assert_eq!(all_batches(&log).len(), 1);
    }
}

#[test]
fn a_cut_below_the_beginning_begins_anew() {
    let disk = formatted_disk();
    let mut log = log_of_three_epochs(&disk);
    let now = ManualClock::default().now();
    log.delete_records(100, 120).expect("deleted");
    log.apply_retention(120, now).expect("applied");
    assert_eq!(log.truncate_to(10, now).expect("cut"), 10);
    assert_eq!((log.start_offset(), log.end_offset()), (10, 10));
}

#[test]
fn a_cut_at_the_end_takes_an_epoch_that_wrote_nothing() {
    let disk = formatted_disk();
    let mut log = log_of_three_epochs(&disk);
    log.begin_epoch(7);
    assert_eq!(log.reader().latest_epoch(), Some(7));
    let now = ManualClock::default().now();
    assert_eq!(log.truncate_to(500, now).expect("nothing to cut"), 120);
    assert_eq!(log.reader().latest_epoch(), Some(2));
    assert!(log.truncate_to(-1, now).is_err());
}
