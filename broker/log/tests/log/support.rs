//! What the tests of the log share: a log on a disk in memory.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use taffrail_log::{
    AppendError, Appended, Disk, Log, LogConfig, LogError, OpenLog, Origin, ReadRequest,
    RecoveryReport,
};
use taffrail_model::Offset;
use taffrail_protocol::batch::{Batch, Batches};
use taffrail_testkit::{ManualClock, MemDisk, TestBatch};

pub(crate) const DIR: &str = "/data/orders-0";

/// A configuration under which every limit is reached soon.
pub(crate) fn small_config() -> LogConfig {
    LogConfig { segment_bytes: 2000, index_interval_bytes: 100, ..LogConfig::default() }
}

/// A disk whose log dir is there to stay.
pub(crate) fn formatted_disk() -> MemDisk {
    let disk = MemDisk::new();
    disk.create_dir_all(Path::new("/data")).expect("created");
    disk.settle();
    disk
}

/// What a process that didn't stop cleanly, and wrote no checkpoint, knows of its log.
pub(crate) fn unclean(config: &LogConfig) -> OpenLog {
    OpenLog {
        dir: PathBuf::from(DIR),
        topic_id: None,
        config: config.clone(),
        was_clean: false,
        recovery_point: 0,
        start_offset: 0,
    }
}

pub(crate) fn open_unclean(
    disk: &MemDisk,
    config: &LogConfig,
) -> Result<(Log<MemDisk>, RecoveryReport), LogError> {
    Log::open(disk.clone(), unclean(config), ManualClock::default().now())
}

pub(crate) fn open_new(disk: &MemDisk, config: &LogConfig) -> Log<MemDisk> {
    open_unclean(disk, config).expect("opened").0
}

/// Appends one batch as the leader of epoch 0.
pub(crate) fn append(log: &mut Log<MemDisk>, batch: Bytes) -> Result<Appended, AppendError> {
    let now = ManualClock::default().now();
    let mut outcomes = log.append_as_leader(&[batch], 0, Origin::Client, now);
    outcomes.pop().expect("an outcome for each batch")
}

/// A batch of one record with this value.
pub(crate) fn one_record(value: &str) -> Bytes {
    let values = vec![Bytes::copy_from_slice(value.as_bytes())];
    TestBatch { values, ..TestBatch::default() }.build()
}

/// A batch of an idempotent producer.
pub(crate) fn idempotent(producer_id: i64, epoch: i16, sequence: i32, count: usize) -> Bytes {
    let values = vec![Bytes::from_static(b"value"); count];
    let producer = Some((producer_id, epoch, sequence));
    TestBatch { producer, values, ..TestBatch::default() }.build()
}

/// All batches of a log, read piece by piece.
pub(crate) fn all_batches(log: &Log<MemDisk>) -> Vec<Batch> {
    let reader = log.reader();
    let mut from = reader.start_offset();
    let mut batches = Vec::new();
    loop {
        let read = reader.read(request(from, Offset::MAX)).expect("readable");
        if read.records.is_empty() {
            return batches;
        }
        for batch in Batches::new(read.records.into_contiguous()) {
            let batch = batch.expect("whole batches");
            batch.verify_crc().expect("intact");
            batches.push(batch);
        }
        from = read.next_offset;
    }
}

pub(crate) fn request(from: Offset, bound: Offset) -> ReadRequest {
    ReadRequest { from, max_bytes: 700, bound, min_one_batch: true }
}
