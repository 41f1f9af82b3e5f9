//! The log dirs: what is placed where, what is remembered, what doesn't belong there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use taffrail_log::{
    Disk, DiskFile, LogConfig, LogDir, OffsetCheckpoint, OpenMode, partition_dir_name,
};
use taffrail_metadata::{MetadataDelta, MetadataImage};
use taffrail_model::{NodeId, Offset, TopicIdPartition, TopicName, TopicPartition, Uuid};
use taffrail_node::partition::{Partition, PartitionConfig};
use taffrail_node::storage::{Remembered, Storage};
use taffrail_protocol::records::{MetadataRecord, PartitionRecord, TopicRecord};
use taffrail_testkit::{Fault, ManualClock, MemDisk};

const ME: NodeId = 1;
const A: &str = "/data/a";
const B: &str = "/data/b";
const ID_A: Uuid = Uuid::from_bytes([0xa; 16]);
const ID_B: Uuid = Uuid::from_bytes([0xb; 16]);
const OLD: Uuid = Uuid::from_bytes([1; 16]);
const NEW: Uuid = Uuid::from_bytes([2; 16]);

fn disk() -> MemDisk {
    let disk = MemDisk::new();
    for path in [A, B] {
        disk.create_dir_all(Path::new(path)).expect("created");
    }
    disk
}

fn open(disk: &MemDisk) -> Storage<MemDisk> {
    Storage::open(disk.clone(), &[(A.into(), ID_A), (B.into(), ID_B)]).expect("opened")
}

fn partition(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: TopicName::new(topic).expect("legal"), partition }
}

/// Opens a log of this topic in a log dir, as the carriers do.
fn open_log(
    disk: &MemDisk,
    storage: &Storage<MemDisk>,
    dir: usize,
    name: &TopicPartition,
    topic_id: Uuid,
) -> Partition<MemDisk, ()> {
    let config = PartitionConfig {
        id: TopicIdPartition { topic_id, partition: name.partition },
        node_id: ME,
        directory: storage.path(dir).expect("a log dir").join(partition_dir_name(name)),
        log: LogConfig::default(),
        is_compacted: false,
        min_isr: 1,
        remembered: storage.remembered(dir, name),
    };
    Partition::open(disk.clone(), config, ManualClock::default().now()).expect("opened").0
}

/// An image with topics of one partition each.
fn image(topics: &[(&str, Uuid, &[NodeId])]) -> MetadataImage {
    let mut image = MetadataImage::default();
    for (name, topic_id, replicas) in topics {
        let topic =
            TopicRecord { name: (*name).to_owned(), topic_id: *topic_id, ..TopicRecord::default() };
        let partition = PartitionRecord {
            partition_id: 0,
            topic_id: *topic_id,
            replicas: replicas.to_vec(),
            isr: replicas.to_vec(),
            leader: replicas[0],
            directories: vec![Uuid::ZERO; replicas.len()],
            ..PartitionRecord::default()
        };
        for record in [MetadataRecord::from(topic), MetadataRecord::from(partition)] {
            image.replay(&record, &mut MetadataDelta::default()).expect("it fits");
        }
    }
    image
}

fn names(disk: &MemDisk, path: &str) -> Vec<String> {
    let entries = disk.read_dir(Path::new(path)).expect("listed");
    entries.into_iter().filter(|entry| entry.is_dir).map(|entry| entry.name).collect()
}

#[test]
fn a_partition_goes_where_it_is_then_where_it_is_put_then_where_there_is_room() {
    let disk = disk();
    let storage = open(&disk);
    open_log(&disk, &storage, 0, &partition("here", 0), OLD);
    let check = |topic: &str, assigned: Option<Uuid>, counts: [usize; 2], expect: usize| {
        let placed =
            storage.place(&partition(topic, 0), assigned, |dir| counts[dir]).expect("placed");
        assert_eq!(placed, expect, "{topic} {assigned:?} {counts:?}");
    };
    check("here", None, [9, 0], 0);
    check("here", Some(ID_B), [9, 0], 0);
    check("elsewhere", Some(ID_B), [0, 9], 1);
    check("elsewhere", Some(Uuid::from_bytes([0xc; 16])), [3, 2], 1);
    check("elsewhere", None, [2, 3], 0);
    check("elsewhere", None, [2, 2], 0);

    storage.set_offline(0);
    assert_eq!(storage.offline(), [ID_A]);
    check("elsewhere", None, [0, 9], 1);
    // A log isn't begun anew because its dir failed.
    check("here", None, [0, 9], 0);
}

#[test]
fn strays_are_set_aside_and_nothing_else_is() {
    let disk = disk();
    let storage = open(&disk);
    for (dir, topic, topic_id) in [
        (0, "kept", Uuid::from_bytes([10; 16])),
        (0, "moved", Uuid::from_bytes([11; 16])),
        (0, "recreated", OLD),
        (1, "gone", Uuid::from_bytes([12; 16])),
        (1, "kept-too", Uuid::from_bytes([13; 16])),
    ] {
        open_log(&disk, &storage, dir, &partition(topic, 0), topic_id);
    }
    for other in ["__cluster_metadata-0", "no-id-0", "recreated-0.0-stray", "lost+found"] {
        disk.create_dir_all(&Path::new(A).join(other)).expect("created");
    }
    let image = image(&[
        ("kept", Uuid::from_bytes([10; 16]), &[ME, 2]),
        ("moved", Uuid::from_bytes([11; 16]), &[2, 3]),
        ("recreated", NEW, &[ME]),
        ("kept-too", Uuid::from_bytes([13; 16]), &[2, ME]),
        ("no-id", Uuid::from_bytes([14; 16]), &[ME]),
    ]);
    let strays = open(&disk).set_strays_aside(&image, ME).expect("set aside");
    let expect: Vec<PathBuf> = [
        (A, "moved-0.0-stray"),
        (A, "no-id-0.0-stray"),
        (A, "recreated-0.1-stray"),
        (B, "gone-0.0-stray"),
    ]
    .map(|(dir, name)| Path::new(dir).join(name))
    .to_vec();
    assert_eq!(strays, expect);
    assert_eq!(names(&disk, B), ["gone-0.0-stray", "kept-too-0"]);
    assert_eq!(
        names(&disk, A),
        [
            "__cluster_metadata-0",
            "kept-0",
            "lost+found",
            "moved-0.0-stray",
            "no-id-0.0-stray",
            "recreated-0.0-stray",
            "recreated-0.1-stray"
        ]
    );
    // They are no partitions any longer, and stay what they are.
    assert!(open(&disk).set_strays_aside(&image, ME).expect("nothing to do").is_empty());
}

#[test]
fn a_stray_of_the_longest_name_fits_a_file_system() {
    let disk = disk();
    let storage = open(&disk);
    let longest = "t".repeat(249);
    open_log(&disk, &storage, 0, &partition(&longest, 0), OLD);
    let strays = storage.set_strays_aside(&MetadataImage::default(), ME).expect("set aside");
    let name = strays[0].file_name().and_then(|name| name.to_str()).expect("a name");
    assert_eq!(name.len(), 255);
    assert!(name.ends_with("t-0.0-stray"), "{name}");
}

#[test]
fn a_log_that_does_not_say_whose_it_is_stays_where_it_is() {
    let disk = disk();
    let storage = open(&disk);
    open_log(&disk, &storage, 0, &partition("orders", 0), OLD);
    let path = Path::new(A).join("orders-0/partition.metadata");
    let file = disk.open(&path, OpenMode::ReadWrite).expect("opened");
    file.write_all_at(b"nonsense", 0).expect("written");
    let storage = open(&disk);
    let image = image(&[("orders", OLD, &[ME])]);
    assert!(storage.set_strays_aside(&image, ME).expect("searched").is_empty());
    assert_eq!(names(&disk, A), ["orders-0"]);
}

#[test]
fn a_topic_that_was_created_again_inherits_nothing() {
    let disk = disk();
    let storage = open(&disk);
    let name = partition("orders", 0);
    drop(open_log(&disk, &storage, 0, &name, OLD));
    let log_dir = LogDir::new(disk.clone(), A);
    for kind in [
        OffsetCheckpoint::RecoveryPoint,
        OffsetCheckpoint::LogStart,
        OffsetCheckpoint::HighWatermark,
    ] {
        log_dir.write_offsets(kind, &BTreeMap::from([(name.clone(), 500)])).expect("written");
    }

    // While the node runs: the log is deleted, and one of the same name begins.
    let storage = open(&disk);
    let old = open_log(&disk, &storage, 0, &name, OLD);
    assert_eq!(old.view().load().log_start, 500);
    old.delete(Uuid::from_bytes([9; 16]), &mut Vec::new()).expect("deleted");
    let new = open_log(&disk, &storage, 0, &name, NEW);
    assert_eq!((new.view().load().log_start, new.view().load().log_end), (0, 0));
    drop(new);

    // While it was down.
    let storage = open(&disk);
    assert_eq!(storage.remembered(0, &name).topic_id, Some(NEW));
    let third = Uuid::from_bytes([3; 16]);
    storage.set_strays_aside(&image(&[("orders", third, &[ME])]), ME).expect("set aside");
    let third = open_log(&disk, &storage, 0, &name, third);
    assert_eq!((third.view().load().log_start, third.view().load().log_end), (0, 0));
}

#[test]
fn checkpoints_are_read_at_the_next_start() {
    let disk = disk();
    let storage = open(&disk);
    let name = partition("orders", 0);
    drop(open_log(&disk, &storage, 1, &name, OLD));
    let write = |kind, offset: Offset| {
        storage.checkpoint(1, kind, &BTreeMap::from([(name.clone(), offset)])).expect("written");
    };
    write(OffsetCheckpoint::RecoveryPoint, 30);
    write(OffsetCheckpoint::LogStart, 10);
    write(OffsetCheckpoint::HighWatermark, 20);
    let expect = Remembered {
        topic_id: Some(OLD),
        clean: false,
        recovery_point: 30,
        log_start: 10,
        high_watermark: 20,
    };
    let storage = open(&disk);
    assert_eq!(storage.remembered(1, &name), expect);
    assert_eq!(storage.remembered(0, &name), Remembered::default());
    assert_eq!(storage.remembered(7, &name), Remembered::default());
    assert_eq!(storage.remembered(1, &partition("orders", 1)), Remembered::default());
}

#[test]
fn the_mark_of_a_clean_shutdown_lasts_for_one_start() {
    let disk = disk();
    let marked = open(&disk).mark_clean_shutdown(42).expect("marked");
    assert!(marked.is_empty());
    let name = partition("orders", 0);
    let storage = open(&disk);
    assert_eq!(storage.previous_broker_epoch(), 42);
    assert!(storage.remembered(0, &name).clean);
    let storage = open(&disk);
    assert_eq!(storage.previous_broker_epoch(), -1);
    assert!(!storage.remembered(0, &name).clean);
}

#[test]
fn one_unclean_log_dir_costs_the_broker_epoch() {
    let disk = disk();
    open(&disk).mark_clean_shutdown(42).expect("marked");
    LogDir::new(disk.clone(), B).take_clean_shutdown().expect("taken");
    let storage = open(&disk);
    assert_eq!(storage.previous_broker_epoch(), -1);
    let name = partition("orders", 0);
    assert!(storage.remembered(0, &name).clean);
    assert!(!storage.remembered(1, &name).clean);
}

#[test]
fn a_log_that_was_not_closed_keeps_its_dir_unclean() {
    let disk = disk();
    let storage = open(&disk);
    let (closed, never_opened) = (partition("closed", 0), partition("never-opened", 0));
    let log = open_log(&disk, &storage, 0, &closed, OLD);
    let end = log.close(ManualClock::default().now(), &mut Vec::new()).expect("closed");
    drop(open_log(&disk, &storage, 1, &never_opened, NEW));
    for (dir, ends) in [BTreeMap::from([(closed.clone(), end)]), BTreeMap::new()].iter().enumerate()
    {
        storage.checkpoint(dir, OffsetCheckpoint::RecoveryPoint, ends).expect("written");
    }
    assert_eq!(storage.mark_clean_shutdown(42).expect("marked"), [PathBuf::from(B)]);
    let storage = open(&disk);
    assert!(storage.remembered(0, &closed).clean);
    assert!(!storage.remembered(1, &never_opened).clean);
}

#[test]
fn what_was_deleted_is_removed_now_or_at_the_next_start() {
    let disk = disk();
    let delete = |topic: &str| {
        let storage = open(&disk);
        let log = open_log(&disk, &storage, 0, &partition(topic, 0), OLD);
        log.delete(Uuid::from_bytes([9; 16]), &mut Vec::new()).expect("deleted");
        storage
    };
    let storage = delete("one");
    assert_eq!(names(&disk, A).len(), 1);
    assert_eq!(storage.remove_deleted(0).expect("removed"), 1);
    assert!(names(&disk, A).is_empty());
    delete("two");
    open(&disk);
    assert!(names(&disk, A).is_empty());
}

#[test]
fn a_log_dir_that_cannot_be_read_is_an_error_and_never_an_empty_one() {
    let disk = disk();
    let before = disk.operations();
    open(&disk);
    for operation in 0..disk.operations() - before {
        disk.fail_at(disk.operations() + operation, Fault::Io);
        Storage::open(disk.clone(), &[(A.into(), ID_A), (B.into(), ID_B)])
            .expect_err("an operation failed");
    }
}
