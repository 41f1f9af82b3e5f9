//! Opening a log: after a clean stop, with damaged files, and after an interrupted compaction.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use taffrail_log::{
    Disk, DiskFile, Log, LogConfig, LogDir, LogError, MetaProperties, OffsetCheckpoint, OpenLog,
    OpenMode, RecoveryReport, Truncation,
};
use taffrail_model::{TopicName, TopicPartition, Uuid};
use taffrail_testkit::{Fault, ManualClock, MemDisk, TestBatch, batch_of};

use crate::support::*;

fn file(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

fn names(disk: &MemDisk) -> Vec<String> {
    disk.read_dir(Path::new(DIR)).expect("listed").into_iter().map(|entry| entry.name).collect()
}

/// A log of `count` batches of one record in small segments, closed cleanly.
fn closed_log(count: i64) -> (MemDisk, OpenLog) {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &small_config());
    for index in 0..count {
        append(&mut log, batch_of(1, 100, 1000 + index)).expect("appended");
    }
    let recovery_point = log.close(ManualClock::default().now()).expect("closed");
    (disk, OpenLog { was_clean: true, recovery_point, ..unclean(&small_config()) })
}

fn open(disk: &MemDisk, open: &OpenLog) -> (Log<MemDisk>, RecoveryReport) {
    Log::open(disk.clone(), open.clone(), ManualClock::default().now()).expect("opened")
}

#[test]
fn a_clean_start_reads_little_and_finds_all() {
    let (disk, known) = closed_log(50);
    let before = disk.operations();
    let (log, report) = open(&disk, &known);
    assert!(disk.operations() - before < 40, "{}", disk.operations() - before);
    assert_eq!(report.segments_scanned, 0);
    assert_eq!(report.truncation, None);
    assert_eq!(log.end_offset(), 50);
    assert_eq!(log.recovery_point(), 50);
    assert_eq!(all_batches(&log).len(), 50);
}

/// The empty file of a roll that failed was taken for a segment: what the one before took meanwhile was hidden, or cut
/// with all that followed, though it was synced.
#[test]
fn a_roll_that_failed_half_way_costs_nothing() {
    let now = ManualClock::default().now();
    let mut failed_rolls = 0;
    for ahead in 0..20 {
        for (appends_after, was_clean) in [(1, false), (1, true), (20, false), (20, true)] {
            let disk = formatted_disk();
            let mut log = open_new(&disk, &small_config());
            append(&mut log, one_record("before")).expect("appended");
            disk.fail_at(disk.operations() + ahead, Fault::Io);
            failed_rolls += u32::from(log.roll(now).is_err());
            for _ in 0..appends_after {
                // The fault may strike here, too.
                let _ = append(&mut log, batch_of(1, 100, 1000));
            }
            let end = log.end_offset();
            let Ok(recovery_point) = log.close(now) else { continue };
            disk.kill();
            let known = OpenLog { was_clean, recovery_point, ..unclean(&small_config()) };
            let (log, _) = open(&disk, &known);
            assert_eq!(log.end_offset(), end, "{ahead} {appends_after} {was_clean}");
            let next = all_batches(&log).last().map(|batch| batch.header.next_offset());
            assert_eq!(next, Some(end));
            let records: i32 = all_batches(&log).iter().map(|b| b.header.records_count).sum();
            assert_eq!(i64::from(records), end);
        }
    }
    assert!(failed_rolls > 0);
}

#[test]
fn only_what_lies_above_the_recovery_point_is_scanned() {
    let (disk, known) = closed_log(50);
    let all = open(&disk, &OpenLog { was_clean: false, recovery_point: 0, ..known.clone() }).1;
    assert_eq!(all.segments_scanned, all.segments);
    let last = open(&disk, &OpenLog { was_clean: false, ..known }).1;
    assert_eq!(last.segments_scanned, 1);
    assert!(last.bytes_scanned < all.bytes_scanned);
}

/// Damages a closed log of one segment, opens it as after an unclean stop, and compares.
fn check_tail(damage: impl FnOnce(&<MemDisk as Disk>::File, u64), end: i64, reason: Option<&str>) {
    let disk = formatted_disk();
    let mut log = open_new(&disk, &LogConfig::default());
    for _ in 0..10 {
        append(&mut log, batch_of(1, 100, 5)).expect("appended");
    }
    log.close(ManualClock::default().now()).expect("closed");
    let path = file("00000000000000000000.log");
    let segment = disk.open(&path, OpenMode::ReadWrite).expect("there");
    let len = segment.len().expect("measured");
    damage(&segment, len);
    let (log, report) = open_unclean(&disk, &LogConfig::default()).expect("opened");
    let found = report.truncation.as_ref().map(|truncation| truncation.reason.as_str());
    match reason {
        None => assert_eq!(found, None),
        Some(reason) => assert!(found.is_some_and(|found| found.contains(reason)), "{found:?}"),
    }
    assert_eq!(log.end_offset(), end, "{report:?}");
    assert_eq!(all_batches(&log).len() as i64, end);
    assert_eq!(segment.len().expect("measured"), len / 10 * end as u64);
}

#[test]
fn damaged_tails_are_cut_at_the_last_whole_batch() {
    let write = |bytes: &'static [u8], from_end: u64| {
        move |file: &<MemDisk as Disk>::File, len: u64| {
            file.write_all_at(bytes, len - from_end).expect("written");
        }
    };
    check_tail(|_, _| {}, 10, None);
    check_tail(|file, len| file.set_len(len - 1).expect("cut"), 9, Some("cut short"));
    check_tail(|file, len| file.set_len(len - len / 10 + 11).expect("cut"), 9, Some("cut short"));
    check_tail(|file, len| file.set_len(len + 5).expect("grown"), 10, Some("cut short"));
    check_tail(|file, len| file.set_len(len + 4096).expect("grown"), 10, Some("magic 0"));
    check_tail(write(&[0xff; 300], 0), 10, Some("magic -1"));
    check_tail(write(&[9], 1), 9, Some("crc"));
    check_tail(|file, len| file.write_all_at(&[9], len / 2 + 70).expect("written"), 5, Some("crc"));
    check_tail(|file, _| file.write_all_at(&[9], 16).expect("written"), 0, Some("magic 9"));
    check_tail(|file, _| file.set_len(0).expect("cut"), 0, None);
}

#[test]
fn offsets_that_do_not_rise_are_cut_off() {
    let first = TestBatch { base_offset: 5, ..TestBatch::default() }.build();
    check_tail(
        |file, len| file.write_all_at(&first, len).expect("written"),
        10,
        Some("begins at offset 5, before 10"),
    );
}

#[test]
fn an_error_of_the_disk_cuts_nothing() {
    let (disk, known) = closed_log(30);
    let unclean = OpenLog { was_clean: false, recovery_point: 0, ..known };
    for operation in 0..400 {
        disk.fail_at(disk.operations() + operation, Fault::Io);
        let opened = Log::open(disk.clone(), unclean.clone(), ManualClock::default().now());
        disk.kill();
        match opened {
            Ok((log, report)) => assert_eq!((log.end_offset(), report.truncation), (30, None)),
            Err(LogError::Io { .. }) => {}
            Err(error) => panic!("operation {operation}: {error}"),
        }
        assert_eq!(open(&disk, &unclean).0.end_offset(), 30, "operation {operation}");
    }
}

#[test]
fn a_hole_between_unsynced_segments_is_the_end_of_a_log_that_is_not_compacted() {
    let (disk, known) = closed_log(50);
    let second = names(&disk).into_iter().filter(|name| name.ends_with(".log")).nth(1);
    let base: i64 = second.as_deref().and_then(|name| name[..20].parse().ok()).expect("a segment");
    let first = disk.open(&file("00000000000000000000.log"), OpenMode::ReadWrite).expect("there");
    let batch_bytes = batch_of(1, 100, 1000).len() as u64;
    first.set_len(first.len().expect("measured") - batch_bytes).expect("cut");

    let unclean = OpenLog { was_clean: false, recovery_point: 0, ..known };
    let now = ManualClock::default().now();
    let (compacted, report) =
        Log::open_compacted(disk.clone(), unclean.clone(), now).expect("opened");
    assert_eq!((compacted.end_offset(), report.truncation), (50, None));
    let (log, report) = open(&disk, &unclean);
    assert_eq!(log.end_offset(), base - 1);
    let Truncation { segment, position, reason, .. } = report.truncation.expect("cut");
    assert_eq!((segment, position), (base, 0));
    assert_eq!(reason, format!("the batches from {} to {base} are lost", base - 1));
    assert!(report.segments_removed >= 2);
}

#[test]
fn indexes_that_are_gone_or_wrong_are_rebuilt() {
    let damages: [fn(&MemDisk, &Path); 3] = [
        |disk, path| disk.remove_file(path).expect("removed"),
        |disk, path| {
            let file = disk.open(path, OpenMode::ReadWrite).expect("there");
            file.write_all_at(&[0x7f; 240], 0).expect("written");
        },
        |disk, path| {
            let file = disk.open(path, OpenMode::ReadWrite).expect("there");
            file.set_len(file.len().expect("measured") + 7).expect("grown");
        },
    ];
    for damage in damages {
        for suffix in ["index", "timeindex"] {
            let (disk, known) = closed_log(50);
            let intact: Vec<_> = index_contents(&disk);
            let logs: Vec<String> =
                names(&disk).into_iter().filter(|name| name.ends_with(".log")).collect();
            for log in &logs {
                damage(&disk, &file(&log.replace("log", suffix)));
            }
            let (log, _) = open(&disk, &known);
            assert_eq!(log.end_offset(), 50);
            for offset in 0..50 {
                let read = log.reader().read(request(offset, 100)).expect("readable");
                assert_eq!(read.base_offset, offset);
            }
            drop(log);
            let unclean = OpenLog { was_clean: false, recovery_point: 0, ..known };
            let (log, _) = open(&disk, &unclean);
            log.close(ManualClock::default().now()).expect("closed");
            assert_eq!(index_contents(&disk), intact, "a rebuilt index is as the first one was");
        }
    }
}

fn index_contents(disk: &MemDisk) -> Vec<(String, Vec<u8>)> {
    let indexes = names(disk).into_iter().filter(|name| name.ends_with("index"));
    indexes.map(|name| (name.clone(), disk.read(&file(&name), 1 << 20).expect("read"))).collect()
}

#[test]
fn files_of_an_interrupted_compaction_are_finished_or_undone() {
    let (disk, known) = closed_log(50);
    let bases: Vec<i64> = names(&disk)
        .into_iter()
        .filter(|name| name.ends_with(".log"))
        .map(|name| name[..20].parse().expect("an offset"))
        .collect();
    let put = |name: &str, bytes: &Bytes| {
        let file = disk.open(&file(name), OpenMode::Create).expect("created");
        file.write_all_at(bytes, 0).expect("written");
    };
    // The first two segments were compacted into one that holds their first and last record only.
    let last_replaced = bases[2] - 1;
    let at = |base_offset| TestBatch { base_offset, ..TestBatch::default() }.build();
    let swapped = Bytes::from([at(0), at(last_replaced)].concat());
    put("00000000000000000000.log.swap", &swapped);
    put("00000000000000000000.index.swap", &Bytes::new());
    put("00000000000000000000.timeindex.swap", &Bytes::new());
    // A later one was only being written, and other files wait for their removal.
    put(&format!("{:020}.log.cleaned", bases[3]), &at(bases[3]));
    put(&format!("{:020}.log.swap", bases[3]), &at(bases[3]));
    put("00000000000000000007.log.deleted", &at(7));
    put("00000000000000000007-0000000001.checkpoint.deleted", &at(7));

    let (log, report) = open(&disk, &known);
    assert_eq!(report.segments, bases.len() - 1);
    let offsets: Vec<i64> =
        all_batches(&log).iter().map(|batch| batch.header.base_offset).collect();
    let expect: Vec<i64> = [0, last_replaced].into_iter().chain(bases[2]..50).collect();
    assert_eq!(offsets, expect);
    let left: Vec<String> = names(&disk)
        .into_iter()
        .filter(|name| ["swap", "cleaned", "deleted"].iter().any(|suffix| name.ends_with(suffix)))
        .collect();
    assert_eq!(left, ["00000000000000000007-0000000001.checkpoint.deleted"]);
}

#[test]
fn a_log_that_lost_its_segments_begins_where_it_had_begun() {
    let (disk, known) = closed_log(50);
    for name in names(&disk).into_iter().filter(|name| name.ends_with(".log")) {
        disk.remove_file(&file(&name)).expect("removed");
    }
    let (log, _) = open(&disk, &OpenLog { start_offset: 30, ..known });
    assert_eq!((log.start_offset(), log.end_offset()), (30, 30));
}

#[test]
fn the_files_are_byte_for_byte_kafkas() {
    let disk = formatted_disk();
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let known = OpenLog { topic_id: Some(Uuid::ONE), ..unclean(&config) };
    let (mut log, _) = open(&disk, &known);
    let size = batch_of(1, 10, 1000).len() as u8;
    for timestamp in [1000, 900, 2000] {
        append(&mut log, batch_of(1, 10, timestamp)).expect("appended");
    }
    log.close(ManualClock::default().now()).expect("closed");
    let content = |name: &str| disk.read(&file(name), 1000).expect("there");
    let expect_names = [
        "00000000000000000000.index",
        "00000000000000000000.log",
        "00000000000000000000.timeindex",
        "00000000000000000003.snapshot",
        "leader-epoch-checkpoint",
        "partition.metadata",
    ];
    assert_eq!(names(&disk), expect_names);
    // The second and the third batch have entries: the first has none before it to be counted from.
    let expect_index = [0, 0, 0, 1, 0, 0, 0, size, 0, 0, 0, 2, 0, 0, 0, 2 * size];
    assert_eq!(content("00000000000000000000.index"), expect_index);
    let mut expect_times = Vec::new();
    for (timestamp, offset) in [(1000i64, 0i32), (2000, 2)] {
        expect_times.extend_from_slice(&timestamp.to_be_bytes());
        expect_times.extend_from_slice(&offset.to_be_bytes());
    }
    assert_eq!(content("00000000000000000000.timeindex"), expect_times);
    // Version 1, the CRC-32C of what follows, no producers.
    let expect_snapshot = [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0];
    assert_eq!(content("00000000000000000003.snapshot"), expect_snapshot);
    assert_eq!(content("leader-epoch-checkpoint"), b"0\n1\n0 0\n");
    let metadata = b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ";
    assert_eq!(content("partition.metadata"), metadata);
}

#[test]
fn a_log_dir_keeps_its_identity_checkpoints_and_lock() {
    let disk = formatted_disk();
    let dir = LogDir::new(disk.clone(), "/data");
    assert_eq!(dir.meta_properties().expect("readable"), None);
    let meta = MetaProperties {
        cluster_id: "cluster".to_owned(),
        node_id: 1,
        directory_id: Some(Uuid::from_bytes([9; 16])),
    };
    dir.write_meta_properties(&meta).expect("written");
    assert_eq!(dir.meta_properties().expect("readable"), Some(meta));

    let partition =
        TopicPartition { topic: TopicName::new("orders").expect("valid"), partition: 0 };
    let offsets = std::collections::BTreeMap::from([(partition.clone(), 42)]);
    assert!(dir.offsets(OffsetCheckpoint::LogStart).expect("readable").is_empty());
    dir.write_offsets(OffsetCheckpoint::LogStart, &offsets).expect("written");
    assert_eq!(dir.offsets(OffsetCheckpoint::LogStart).expect("readable"), offsets);

    assert_eq!(dir.take_clean_shutdown().expect("readable"), None);
    dir.mark_clean_shutdown(17).expect("written");
    let mark = dir.take_clean_shutdown().expect("readable").expect("marked");
    assert_eq!(mark.broker_epoch, Some(17));
    assert_eq!(dir.take_clean_shutdown().expect("readable"), None);

    let lock = dir.lock().expect("free");
    assert!(dir.lock().is_err());
    drop(lock);
    dir.lock().expect("free again");

    let log = open_new(&disk, &LogConfig::default());
    assert_eq!(dir.partitions().expect("listed"), [partition]);
    let reader = log.reader();
    log.delete(Uuid::from_bytes([7; 16])).expect("deleted");
    assert!(reader.read(request(0, 1)).is_err());
    assert!(dir.partitions().expect("listed").is_empty());
    assert_eq!(dir.remove_deleted().expect("removed"), 1);
    assert_eq!(dir.remove_deleted().expect("removed"), 0);
}
