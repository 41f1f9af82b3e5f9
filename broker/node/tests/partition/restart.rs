//! What a partition knows of its last life.

use taffrail_log::{LogConfig, LogError};
use taffrail_model::{TopicIdPartition, Uuid};
use taffrail_node::partition::{Acks, Partition, PartitionConfig};
use taffrail_node::storage::Remembered;
use taffrail_testkit::{MemDisk, TestBatch};

use super::support::{ME, ORDERS, PRODUCER, Scenario, config, plain, registration};

/// A disk with ten records in the log, closed in good order.
fn ten_records() -> MemDisk {
    let mut scenario = Scenario::alone(LogConfig::default());
    for _ in 0..10 {
        scenario.append(&[("a", Acks::All, plain())]);
    }
    scenario.partition.close(scenario.clock.now(), &mut Vec::new()).expect("closed");
    scenario.disk
}

fn remembering(remembered: Remembered) -> PartitionConfig {
    PartitionConfig { remembered, ..config(LogConfig::default()) }
}

#[test]
fn the_high_watermark_of_the_checkpoint_is_kept_within_the_log() {
    let check = |checkpoint, log_start, expect| {
        let remembered = Remembered {
            topic_id: Some(ORDERS.topic_id),
            clean: true,
            log_start,
            high_watermark: checkpoint,
            ..Remembered::default()
        };
        let scenario = Scenario::opened(ten_records(), remembering(remembered));
        assert_eq!(scenario.view().high_watermark, expect, "{checkpoint} from {log_start}");
        assert_eq!((scenario.view().log_start, scenario.view().log_end), (log_start, 10));
    };
    check(0, 0, 0);
    check(7, 0, 7);
    check(10, 0, 10);
    check(99, 0, 10);
    check(0, 4, 4);
    check(-5, 0, 0);
}

#[test]
fn what_is_remembered_of_another_topic_of_that_name_does_not_count() {
    let remembered = Remembered {
        topic_id: Some(Uuid::from_bytes([8; 16])),
        clean: true,
        recovery_point: 500,
        log_start: 500,
        high_watermark: 500,
    };
    let mut scenario = Scenario::opened(MemDisk::new(), remembering(remembered));
    scenario.assign(registration(ME, &[ME], &[ME], (0, 0)));
    assert_eq!(scenario.append(&[("a", Acks::All, plain())]), ["a: 0..0", "high watermark 1"]);
    assert_eq!(scenario.view().log_start, 0);
}

#[test]
fn a_directory_of_another_topic_is_not_opened() {
    let other = TopicIdPartition { topic_id: Uuid::from_bytes([8; 16]), partition: 0 };
    let config = PartitionConfig { id: other, ..config(LogConfig::default()) };
    let now = taffrail_testkit::ManualClock::default().now();
    let opened = Partition::<_, ()>::open(ten_records(), config, now);
    assert!(matches!(opened.err(), Some(LogError::TopicIdMismatch { .. })));
}

#[test]
fn transactions_that_ended_before_the_restart_are_stable_after_it() {
    let mut scenario = Scenario::alone(LogConfig::default());
    let batch = TestBatch {
        producer: Some((PRODUCER, 0, 0)),
        is_transactional: true,
        ..TestBatch::default()
    };
    scenario.append(&[("data", Acks::All, batch.build())]);
    assert_eq!(scenario.view().last_stable, 0);
    let marker = TestBatch { producer: Some((PRODUCER, 0, -1)), ..batch };
    scenario.append(&[("marker", Acks::All, marker.build_marker(true))]);
    assert_eq!(scenario.view().last_stable, 2);

    // All of it is read again.
    let disk = scenario.disk.clone();
    drop(scenario);
    disk.kill();
    let remembered =
        Remembered { topic_id: Some(ORDERS.topic_id), high_watermark: 2, ..Remembered::default() };
    let mut scenario = Scenario::opened(disk, remembering(remembered));
    assert_eq!((scenario.view().high_watermark, scenario.view().last_stable), (2, 2));
    // Nothing moves the high watermark any further.
    assert!(scenario.assign(registration(ME, &[ME], &[ME], (1, 1))).is_empty());
    assert_eq!(scenario.view().last_stable, 2);
}
