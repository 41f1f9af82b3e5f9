//! The control part on a disk that fails: what was answered is there after every crash.

#![allow(clippy::disallowed_methods, reason = "fixtures are read from the real disk")]

mod control_node;

use std::path::{Path, PathBuf};

use taffrail_log::{Disk, DiskFile, OpenMode};
use taffrail_metadata::VersionedRecord;
use taffrail_model::Uuid;
use taffrail_node::control::{CLUSTER_METADATA_DIR, ControlFailure, write_snapshot};
use taffrail_quorum::snapshot::{Snapshot, file_name};
use taffrail_testkit::{Fault, MemDisk, SeededRng};

use control_node::{ControlNode, METADATA_DIR, create_topic, format_disk};

const TOPICS: [&str; 4] = ["a", "b", "c", "d"];

/// Creates topics until one isn't acknowledged; those that were, with their ids.
fn create_topics(node: &mut ControlNode) -> Vec<(String, Uuid)> {
    let mut created = Vec::new();
    for name in TOPICS {
        match node.create_topic(name) {
            Some(id) => created.push((name.to_owned(), id)),
            None => break,
        }
    }
    created
}

#[test]
fn a_new_cluster_is_led_and_has_its_features() {
    let disk = format_disk();
    let node = ControlNode::start(&disk).expect("opened");
    assert!(node.control.is_leading());
    assert_eq!(node.control.epoch(), 1);
    let image = node.image();
    assert_eq!(image.metadata_version().to_string(), "4.3-IV0");
    assert_eq!(image.features().level("group.version"), 1);
}

#[test]
fn a_restart_gives_the_same_image_in_a_higher_epoch() {
    let disk = format_disk();
    let mut node = ControlNode::start(&disk).expect("opened");
    node.register_broker().expect("registered");
    let created = create_topics(&mut node);
    assert_eq!(created.len(), TOPICS.len());
    let fingerprint = node.image().fingerprint();
    for epoch in 2..5 {
        node.stop();
        node = ControlNode::start(&disk).expect("opened");
        assert_eq!(node.control.epoch(), epoch);
        assert_eq!(node.image().fingerprint(), fingerprint);
    }
}

#[test]
fn requests_that_are_stepped_together_share_one_sync_and_answer_after_it() {
    let disk = format_disk();
    let mut node = ControlNode::start(&disk).expect("opened");
    node.register_broker().expect("registered");
    let before = node.image().topic_count();
    for name in TOPICS {
        node.step(create_topic(name));
    }
    assert!(node.control.wants_flush());
    assert!(node.answers.is_empty(), "{:?}", node.answers);
    assert_eq!(node.image().topic_count(), before);
    node.flush();
    assert!(!node.control.wants_flush());
    assert_eq!(node.answers.len(), TOPICS.len());
    assert_eq!(node.image().topic_count(), before + TOPICS.len());
}

/// A power cut at every operation of the disk, from the first start to the last topic.
#[test]
fn what_was_answered_survives_a_crash_at_every_operation() {
    let mut crashes = 0;
    for operation in 0.. {
        let disk = format_disk();
        disk.fail_at(disk.operations() + operation, Fault::Crash);
        let (acknowledged, epoch) = match ControlNode::start(&disk) {
            Ok(mut node) => {
                // Without a broker no topic is created, and without a disk neither.
                let _ = node.register_broker();
                (create_topics(&mut node), node.control.epoch())
            }
            Err(_) => (Vec::new(), 0),
        };
        let finished = !disk.is_down();
        disk.crash(&mut SeededRng::new(operation));

        let node = ControlNode::start(&disk)
            .unwrap_or_else(|error| panic!("after a crash at operation {operation}: {error:?}"));
        let image = node.image();
        for (name, id) in &acknowledged {
            let found = image.topic_by_name(name).map(|topic| topic.id);
            assert_eq!(found, Some(*id), "topic {name}, crash at operation {operation}");
        }
        // A topic more at most: the one that was on its way.
        assert!(image.topic_count() <= acknowledged.len() + 1);
        assert!(node.control.epoch() >= epoch.max(1), "crash at operation {operation}");
        if !acknowledged.is_empty() {
            assert!(node.control.epoch() > epoch, "crash at operation {operation}");
        }
        let fingerprint = image.fingerprint();

        // The same once more, without a fault: replay is deterministic, and there is progress.
        node.stop();
        let mut node = ControlNode::start(&disk).expect("opened");
        assert_eq!(node.image().fingerprint(), fingerprint);
        node.register_broker().expect("registered");
        assert!(node.create_topic("after").is_some(), "crash at operation {operation}");
        if finished {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 20, "only {crashes} crashes");
}

/// The disk fails once, at every operation: whatever comes after, nothing is acknowledged that isn't there.
#[test]
fn a_failed_disk_is_said_once_and_acknowledges_nothing_more() {
    let mut failures = 0;
    for operation in 0.. {
        let disk = format_disk();
        let first = disk.operations();
        disk.fail_at(first + operation, Fault::Io);
        let Ok(mut node) = ControlNode::start(&disk) else {
            failures += 1;
            continue;
        };
        let _ = node.register_broker();
        let acknowledged = create_topics(&mut node);
        let finished = disk.operations() <= first + operation;
        if node.failure.is_some() {
            failures += 1;
            assert!(!node.control.is_leading());
            assert!(!node.control.wants_flush());
            assert_eq!(node.create_topic("late"), None, "failure at operation {operation}");
        }
        disk.kill();
        let node = ControlNode::start(&disk)
            .unwrap_or_else(|error| panic!("after a failure at operation {operation}: {error:?}"));
        for (name, id) in &acknowledged {
            let found = node.image().topic_by_name(name).map(|topic| topic.id);
            assert_eq!(found, Some(*id), "topic {name}, failure at operation {operation}");
        }
        if finished {
            break;
        }
    }
    assert!(failures > 10, "only {failures} failures");
}

#[test]
fn a_shutdown_answers_everybody() {
    let disk = format_disk();
    let mut node = ControlNode::start(&disk).expect("opened");
    node.register_broker().expect("registered");
    node.step(create_topic("a"));
    node.shut_down();
    node.step(create_topic("b"));
    assert_eq!(node.answers.len(), 2);
    let outcomes: Vec<bool> = node.answers.iter().map(|(_, answer)| answer.is_ok()).collect();
    assert_eq!(outcomes, [true, false], "{:?}", node.answers);
}

/// The request is answered with an error, since this leader can't know; the next one commits its records.
#[test]
fn what_a_leader_left_uncommitted_is_committed_by_the_next() {
    let disk = format_disk();
    let mut node = ControlNode::start(&disk).expect("opened");
    node.register_broker().expect("registered");
    node.step(create_topic("a"));
    node.resign();
    assert!(node.control.is_leading());
    assert_eq!(node.control.epoch(), 2);
    let [(_, answer)] = &node.answers[..] else { panic!("{:?}", node.answers) };
    assert!(answer.is_err(), "{answer:?}");
    assert!(node.image().topic_by_name("a").is_some());
    assert!(node.create_topic("b").is_some());

    let fingerprint = node.image().fingerprint();
    node.stop();
    let node = ControlNode::start(&disk).expect("opened");
    assert_eq!(node.control.epoch(), 3);
    assert_eq!(node.image().fingerprint(), fingerprint);
}

/// Kafka makes snapshots, and removes the log below them.
#[test]
fn a_snapshot_stands_in_for_the_log_below_it() {
    for keeps_log in [true, false] {
        let disk = format_disk();
        let mut node = ControlNode::start(&disk).expect("opened");
        node.register_broker().expect("registered");
        create_topics(&mut node);
        let image = node.image();
        let snapshot_id = node.control.quorum().log_end();
        write_snapshot_of(&node, &disk);
        node.stop();
        if !keeps_log {
            remove_log(&disk);
        }

        let mut node = ControlNode::start(&disk).expect("opened");
        assert_eq!(node.control.epoch(), snapshot_id.epoch + 1);
        assert_eq!(node.image().fingerprint(), image.fingerprint());
        node.register_broker().expect("registered");
        let created = node.create_topic("later").expect("created");
        node.stop();
        let node = ControlNode::start(&disk).expect("opened");
        assert_eq!(node.image().topic_by_name("later").map(|topic| topic.id), Some(created));
        assert_eq!(node.image().topic_count(), image.topic_count() + 1);
    }
}

/// A snapshot of everything that the node has committed.
fn write_snapshot_of(node: &ControlNode, disk: &MemDisk) {
    let image = node.image();
    let values = image
        .to_records()
        .into_iter()
        .map(|record| VersionedRecord::new(record, image.features()).encode_value())
        .collect::<Result<_, _>>()
        .expect("encodable");
    let snapshot = Snapshot {
        last_contained_log_timestamp: 0,
        kraft_version: 1,
        voters: Some(node.control.quorum().voters().clone()),
        values,
    };
    let id = node.control.quorum().log_end();
    write_snapshot(disk, &log_dir().join(file_name(id)), id, &snapshot, 0).expect("written");
}

fn remove_log(disk: &MemDisk) {
    // What the election state says is lost as well, so that the epoch can only come from the snapshot.
    for entry in disk.read_dir(&log_dir()).expect("listed") {
        if !entry.name.ends_with(".checkpoint") {
            disk.remove_file(&log_dir().join(entry.name)).expect("removed");
        }
    }
}

fn log_dir() -> PathBuf {
    Path::new(METADATA_DIR).join(CLUSTER_METADATA_DIR)
}

#[test]
fn a_metadata_directory_that_cannot_be_trusted_is_refused() {
    let check = |file: &str, content: &[u8], expected: &str| {
        let disk = format_disk();
        ControlNode::start(&disk).expect("opened").stop();
        let path = Path::new(METADATA_DIR).join(file);
        disk.write_atomically(&path, content).expect("written");
        let error = ControlNode::start(&disk).err().expect("refused");
        let error = error.to_string();
        assert!(error.contains(expected), "{file}: {error}");
    };
    check("__cluster_metadata-0/quorum-state", b"{}", "leaderId");
    check("__cluster_metadata-0/quorum-state", b"", "quorum-state");
    check("__cluster_metadata-0/00000000000000000000-0000000000.checkpoint", b"", "checkpoint");
    check("__cluster_metadata-0/00000000000000000099-0000000001.checkpoint", b"x", "checkpoint");
    check("bootstrap.checkpoint", &[0; 100], "bootstrap.checkpoint");

    let disk = format_disk();
    let other = Uuid::from_bytes([9; 16]);
    let error = ControlNode::start_as(&disk, other, ("CONTROLLER", "localhost", 9093))
        .err()
        .expect("refused");
    assert!(error.to_string().contains("formatted anew"), "{error}");
}

/// A byte of a committed record that turns is not passed over: recovery cuts the log there, and says so.
#[test]
fn a_cut_log_is_reported() {
    let disk = format_disk();
    let mut node = ControlNode::start(&disk).expect("opened");
    assert!(node.control.recovery_report().truncation.is_none());
    node.register_broker().expect("registered");
    let offset = node.control.quorum().log_end().offset;
    node.stop();
    let path = log_dir().join("00000000000000000000.log");
    let file = disk.open(&path, OpenMode::ReadWrite).expect("opened");
    let last = file.len().expect("a length") - 1;
    file.write_all_at(&[0xff], last).expect("written");
    let node = ControlNode::start(&disk).expect("opened");
    assert!(node.control.recovery_report().truncation.is_some());
    assert!(node.control.quorum().log_end().offset <= offset + 1);
    assert_eq!(node.control.epoch(), 2);
}

#[test]
fn a_directory_without_a_format_is_refused() {
    let disk = MemDisk::new();
    let error = ControlNode::start(&disk).err().expect("refused");
    assert!(matches!(error, ControlFailure::NotFormatted(_)), "{error}");
    assert!(error.to_string().contains("taffrail storage format"), "{error}");
}

/// A node that Apache Kafka 4.3.1 formatted and ran moves over: files as Kafka left them.
#[test]
fn the_metadata_of_apache_kafka_is_taken_over() {
    let disk = MemDisk::new();
    control_node::copy_fixture(&disk, "kafka-4.3.1", Path::new(METADATA_DIR));
    let node = ControlNode::start_as(
        &disk,
        "yGlt4zo7RpeggXbFQuRiwQ".parse().expect("an id"),
        ("CONTROLLER", "localhost", 39093),
    )
    .expect("opened");
    assert!(node.control.is_leading());
    assert_eq!(node.control.epoch(), 2);
    let image = node.image();
    assert_eq!(image.metadata_version().to_string(), "4.3-IV0");
    let broker = image.broker(1).expect("registered");
    assert_eq!(broker.epoch, 13);
    assert_eq!(broker.listeners[0].port, 39092);
    // The entry of the voter was right already, so the epoch begins with a single record, at offset 54.
    assert_eq!(node.control.quorum().log_end().offset, 55);
}
