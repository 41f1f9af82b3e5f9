//! When a log is synced, and what that makes durable.

use taffrail_log::{LogConfig, OpenLog, SyncScope};
use taffrail_testkit::{Fault, ManualClock, SeededRng, batch_of};

use crate::support::*;

#[test]
fn flush_messages_and_flush_ms_ask_for_a_sync() {
    let disk = formatted_disk();
    let mut clock = ManualClock::default();
    let config = LogConfig { flush_messages: 3, flush_ms: Some(500), ..LogConfig::default() };
    let mut log = open_new(&disk, &config);
    assert_eq!(log.sync_due(clock.now()), None);
    append(&mut log, batch_of(2, 10, 1)).expect("appended");
    assert_eq!(log.sync_due(clock.now()), None);
    assert_eq!(log.next_sync_at(), Some(clock.now().mono.plus_ms(500)));
    append(&mut log, batch_of(1, 10, 1)).expect("appended");
    assert_eq!(log.sync_due(clock.now()), Some(SyncScope::All));
    log.flush(clock.now()).expect("synced");
    assert_eq!(log.recovery_point(), 3);
    assert_eq!(log.sync_due(clock.now()), None);
    append(&mut log, batch_of(1, 10, 1)).expect("appended");
    assert_eq!(log.sync_due(clock.advance_ms(499)), None);
    assert_eq!(log.sync_due(clock.advance_ms(1)), Some(SyncScope::All));
}

#[test]
fn rolled_segments_ask_for_a_sync_of_their_own() {
    let disk = formatted_disk();
    let now = ManualClock::default().now();
    let mut log = open_new(&disk, &small_config());
    for _ in 0..30 {
        append(&mut log, batch_of(1, 100, 1)).expect("appended");
    }
    assert_eq!(log.sync_due(now), Some(SyncScope::Sealed));
    let handle = log.begin_sync(SyncScope::Sealed, now).expect("online").expect("something");
    let result = handle.sync();
    log.end_sync(&handle, &result);
    assert!(log.recovery_point() > 0 && log.recovery_point() < log.end_offset());
    assert_eq!(log.recovery_point(), handle.target());
    assert_eq!(log.sync_due(now), None);
    assert!(log.begin_sync(SyncScope::Sealed, now).expect("online").is_none());
}

#[test]
fn a_sync_covers_what_was_there_when_it_began() {
    let disk = formatted_disk();
    let now = ManualClock::default().now();
    let mut log = open_new(&disk, &small_config());
    append(&mut log, batch_of(1, 100, 1)).expect("appended");
    let handle = log.begin_sync(SyncScope::All, now).expect("online").expect("something");
    for _ in 0..30 {
        append(&mut log, batch_of(1, 100, 1)).expect("appended");
    }
    let result = handle.sync();
    log.end_sync(&handle, &result);
    assert_eq!(log.recovery_point(), 1);
    log.flush(now).expect("synced");
    assert_eq!(log.recovery_point(), 31);
    for seed in 0..20 {
        disk.crash(&mut SeededRng::new(seed));
        let known = OpenLog { recovery_point: 31, ..unclean(&small_config()) };
        let (log, report) = taffrail_log::Log::open(disk.clone(), known, now).expect("opened");
        assert_eq!(log.end_offset(), 31);
        assert_eq!(report.truncation, None);
    }
}

#[test]
fn a_truncation_in_between_makes_a_sync_worthless() {
    let disk = formatted_disk();
    let now = ManualClock::default().now();
    let mut log = open_new(&disk, &LogConfig::default());
    for _ in 0..4 {
        append(&mut log, batch_of(1, 100, 1)).expect("appended");
    }
    let handle = log.begin_sync(SyncScope::All, now).expect("online").expect("something");
    let result = handle.sync();
    log.truncate_to(2, now).expect("cut");
    for _ in 0..4 {
        append(&mut log, batch_of(1, 100, 1)).expect("appended");
    }
    log.end_sync(&handle, &result);
    assert_eq!(log.recovery_point(), 0);
}

#[test]
fn a_failed_sync_takes_the_log_offline() {
    let disk = formatted_disk();
    let now = ManualClock::default().now();
    let mut log = open_new(&disk, &LogConfig::default());
    append(&mut log, batch_of(1, 100, 1)).expect("appended");
    disk.fail_at(disk.operations(), Fault::Io);
    log.flush(now).expect_err("the sync failed");
    assert_eq!(log.recovery_point(), 0);
    append(&mut log, batch_of(1, 100, 1)).expect_err("offline");
    assert!(log.begin_sync(SyncScope::All, now).is_err());
}

#[test]
fn a_sync_on_a_full_disk_is_due_again() {
    let disk = formatted_disk();
    let now = ManualClock::default().now();
    let mut log = open_new(&disk, &small_config());
    for _ in 0..30 {
        append(&mut log, batch_of(1, 100, 1)).expect("appended");
    }
    disk.set_capacity(Some(0));
    let error = log.flush(now).expect_err("the disk is full");
    assert!(error.is_no_space(), "{error}");
    log.check_online().expect("nothing is lost");
    assert_eq!(log.recovery_point(), 0);
    assert!(log.sync_due(now).is_some());
    disk.set_capacity(None);
    log.flush(now).expect("synced");
    assert_eq!(log.recovery_point(), 30);
    disk.crash(&mut SeededRng::new(1));
    let known = OpenLog { recovery_point: 30, ..unclean(&small_config()) };
    let (log, _) = taffrail_log::Log::open(disk, known, now).expect("opened");
    assert_eq!(all_batches(&log).len(), 30);
}
