//! What goes at the beginning of a log, and when.

use std::path::Path;

use taffrail_log::{Disk, LogConfig};
use taffrail_testkit::{ManualClock, MemDisk, batch_of};

use crate::support::*;

/// A log with segments of four batches, one record each, a second apart.
fn log_of_seconds(config: &LogConfig) -> (MemDisk, taffrail_log::Log<MemDisk>, ManualClock) {
    let disk = formatted_disk();
    let clock = ManualClock::default();
    let config =
        LogConfig { segment_bytes: 4 * batch_of(1, 100, 1).len() as u64, ..config.clone() };
    let mut log = open_new(&disk, &config);
    for second in 0..22 {
        let timestamp = clock.now().wall + second * 1000;
        append(&mut log, batch_of(1, 100, timestamp)).expect("appended");
    }
    assert_eq!(log.segment_count(), 6);
    (disk, log, clock)
}

fn check(config: &LogConfig, after_ms: u32, high_watermark: i64, start: i64) {
    let (_disk, mut log, mut clock) = log_of_seconds(config);
    let now = clock.advance_ms(after_ms);
    log.apply_retention(high_watermark, now).expect("applied");
    assert_eq!(log.start_offset(), start, "{config:?}");
    let offsets: Vec<i64> =
        all_batches(&log).iter().map(|batch| batch.header.base_offset).collect();
    assert_eq!(offsets, (start..22).collect::<Vec<_>>());
    assert_eq!(log.end_offset(), 22);
}

#[test]
fn segments_go_by_age_size_and_never_above_the_high_watermark() {
    let segment = 4 * batch_of(1, 100, 1).len() as u64;
    let forever = LogConfig { retention_ms: None, ..LogConfig::default() };
    let by_age = LogConfig { retention_ms: Some(5000), ..LogConfig::default() };
    let by_size = LogConfig {
        retention_bytes: Some(3 * segment),
        retention_ms: None,
        ..LogConfig::default()
    };
    check(&forever, u32::MAX, 22, 0);
    check(&by_age, 0, 22, 0);
    // The first segment's last record is at second 3, the second's at 7.
    check(&by_age, 8000, 22, 0);
    check(&by_age, 8001, 22, 4);
    check(&by_age, 12_001, 22, 8);
    check(&by_age, 12_001, 7, 4);
    check(&by_age, 12_001, 3, 0);
    check(&by_age, 100_000, 22, 22);
    check(&by_size, 0, 22, 8);
    check(&by_size, 0, 5, 4);
    let compacted = LogConfig { is_cleaned_by_delete: false, ..by_age };
    check(&compacted, 100_000, 22, 0);
}

#[test]
fn deleted_records_are_out_of_reach_at_once_and_their_segments_go_later() {
    let forever = LogConfig { retention_ms: None, ..LogConfig::default() };
    let (_disk, mut log, clock) = log_of_seconds(&forever);
    log.delete_records(9, 22).expect("deleted");
    assert_eq!(log.start_offset(), 9);
    assert_eq!(log.segment_count(), 6);
    let retained = log.apply_retention(22, clock.now()).expect("applied");
    assert_eq!(retained.segments_removed, 2);
    assert_eq!(log.start_offset(), 9);
    log.delete_records(5, 22).expect("nothing to do");
    assert_eq!(log.start_offset(), 9);
    let epochs = log.reader().leader_epochs();
    assert_eq!(epochs.first().map(|entry| entry.start_offset), Some(9));
}

#[test]
fn files_are_removed_after_the_delay() {
    let config = LogConfig { retention_ms: Some(1), ..LogConfig::default() };
    let (disk, mut log, mut clock) = log_of_seconds(&config);
    let reader = log.reader();
    let old = reader.read(request(0, 22)).expect("readable");
    log.apply_retention(22, clock.advance_ms(100_000)).expect("applied");
    let deleted = |disk: &MemDisk| {
        let entries = disk.read_dir(Path::new(DIR)).expect("listed");
        entries.iter().filter(|entry| entry.name.ends_with(".log.deleted")).count()
    };
    assert_eq!(deleted(&disk), 6);
    assert_eq!(log.remove_doomed(clock.advance_ms(59_999)).expect("too early"), 0);
    let due = log.next_removal_at().expect("waiting");
    let now = clock.advance_ms(1);
    assert_eq!(due, now.mono);
    assert_eq!(log.remove_doomed(now).expect("removed"), 6);
    assert_eq!(deleted(&disk), 0);
    assert_eq!(log.next_removal_at(), None);
    assert_eq!(old.base_offset, 0);
    assert!(reader.read(request(0, 22)).is_err());
}
