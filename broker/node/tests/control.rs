//! The control part on a disk that fails: what was answered is there after every crash.

mod control_node;

use std::path::Path;

use taffrail_model::Uuid;
use taffrail_node::control::ControlFailure;
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
