//! Disks that fail, and disks that are full.

use taffrail_log::LogConfig;
use taffrail_node::partition::{Acks, Event};
use taffrail_testkit::{Fault, MemDisk, batch_of};

use super::support::{ME, Scenario, config, durable, plain, registration};

#[test]
fn a_failed_sync_takes_the_partition_offline_for_good() {
    let mut scenario = Scenario::alone(durable());
    // The first sync of all writes the leader epochs too.
    scenario.append(&[("synced", Acks::All, plain())]);
    scenario.sync();
    scenario.append(&[("all", Acks::All, plain()), ("one", Acks::Leader, plain())]);
    let handle = scenario.begin_sync();
    scenario.disk.fail_at(scenario.disk.operations(), Fault::Io);
    assert_eq!(
        scenario.end_sync(&handle),
        ["one: KafkaStorageError", "all: KafkaStorageError", "offline"]
    );
    // What couldn't be synced isn't shown to consumers either.
    assert_eq!(scenario.view().high_watermark, 1);

    let said = scenario.append(&[("later", Acks::All, plain()), ("none", Acks::None, plain())]);
    assert_eq!(said, ["later: KafkaStorageError", "none: KafkaStorageError"]);
    assert!(scenario.step(Event::Maintain).is_empty(), "it was said once");
    assert!(scenario.partition.begin_sync(true, scenario.clock.now()).is_none());
    scenario
        .partition
        .close(scenario.clock.now(), &mut Vec::new())
        .expect_err("such a log needs recovery");
}

#[test]
fn a_disk_that_is_full_before_a_sync_only_delays_it() {
    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("all", Acks::All, plain()), ("one", Acks::Leader, plain())]);
    let handle = scenario.begin_sync();
    scenario.disk.fail_at(scenario.disk.operations(), Fault::NoSpace);
    let result = handle.sync();
    assert!(result.as_ref().is_err_and(taffrail_log::LogError::is_no_space));
    assert!(scenario.synced(&handle, &result).is_empty(), "they go on waiting");

    let due = scenario.partition.begin_sync(false, scenario.clock.now()).expect("still due");
    assert_eq!(scenario.end_sync(&due), ["one: 1..1", "all: 0..0", "high watermark 2"]);
}

#[test]
fn a_full_disk_refuses_one_write_and_takes_the_next() {
    let mut scenario = Scenario::alone(LogConfig::default());
    scenario.append(&[("before", Acks::All, plain())]);
    scenario.disk.fail_at(scenario.disk.operations(), Fault::NoSpace);
    let said = scenario.append(&[("a", Acks::All, plain()), ("b", Acks::Leader, plain())]);
    assert_eq!(said, ["a: KafkaStorageError", "b: KafkaStorageError"]);
    assert_eq!(scenario.view().log_end, 1);
    let said = scenario.append(&[("after", Acks::All, plain())]);
    assert_eq!(said, ["after: 1..1", "high watermark 2"]);
}

#[test]
fn a_write_that_cannot_be_taken_back_takes_the_partition_offline() {
    let mut scenario = Scenario::with_silent_follower();
    scenario.append(&[("waiting", Acks::All, plain())]);
    let next = scenario.disk.operations();
    scenario.disk.fail_at(next, Fault::Io);
    scenario.disk.fail_at(next + 1, Fault::Io);
    let said = scenario.append(&[("a", Acks::All, plain())]);
    assert_eq!(said, ["a: KafkaStorageError", "waiting: KafkaStorageError", "offline"]);
    assert_eq!(scenario.view().log_end, 1);
    let said = scenario.append(&[("b", Acks::Leader, plain())]);
    assert_eq!(said, ["b: KafkaStorageError"]);
}

/// Segments of one batch each, all but the last of which retention wants to remove.
fn with_old_segments() -> Scenario {
    let log = LogConfig {
        segment_bytes: 200,
        retention_bytes: Some(1),
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    };
    let mut scenario = Scenario::opened(MemDisk::new(), config(log));
    scenario.assign(registration(ME, &[ME], &[ME], (0, 0)));
    for reply in ["a", "b", "c"] {
        let batch = batch_of(1, 100, scenario.clock.now().wall);
        scenario.append(&[(reply, Acks::All, batch)]);
    }
    assert_eq!(scenario.partition.log().segment_count(), 3);
    scenario
}

#[test]
fn retention_moves_the_start_that_readers_see() {
    let mut scenario = with_old_segments();
    assert!(scenario.step(Event::Maintain).is_empty());
    assert_eq!(scenario.view().log_start, scenario.partition.log().start_offset());
    assert!(scenario.view().log_start > 0);
    assert!(scenario.view().log_start <= scenario.view().high_watermark);
}

#[test]
fn retention_fails_for_a_full_disk_and_the_partition_goes_on() {
    let mut scenario = with_old_segments();
    scenario.disk.fail_at(scenario.disk.operations(), Fault::NoSpace);
    scenario.step(Event::Maintain);
    let batch = batch_of(1, 100, scenario.clock.now().wall);
    let said = scenario.append(&[("d", Acks::All, batch)]);
    assert_eq!(said, ["d: 3..3", "high watermark 4"]);
}

#[test]
fn retention_on_a_failing_disk_takes_the_partition_offline() {
    let mut scenario = with_old_segments();
    // Its first operations may be ones that it can do without, so that every one of these fails.
    let next = scenario.disk.operations();
    (next..next + 20).for_each(|operation| scenario.disk.fail_at(operation, Fault::Io));
    assert_eq!(scenario.step(Event::Maintain), ["offline"]);
}
