//! A partition on a disk in memory, and what it says, as text.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use taffrail_log::{LogConfig, LogError, SyncHandle};
use taffrail_metadata::PartitionRegistration;
use taffrail_model::{NO_NODE, NodeId, TopicIdPartition, Uuid};
use taffrail_node::partition::{
    Acks, Append, Effect, Event, Partition, PartitionConfig, ViewState,
};
use taffrail_node::storage::Remembered;
use taffrail_testkit::{ManualClock, MemDisk, TestBatch};

pub(crate) const ME: NodeId = 1;
pub(crate) const DIR: &str = "/data/orders-0";
pub(crate) const ORDERS: TopicIdPartition =
    TopicIdPartition { topic_id: Uuid::from_bytes([7; 16]), partition: 0 };
pub(crate) const PRODUCER: i64 = 9;

/// A log that syncs every append.
pub(crate) fn durable() -> LogConfig {
    LogConfig { flush_messages: 1, ..LogConfig::default() }
}

/// The config of the partition on the disk, with nothing remembered.
pub(crate) fn config(log: LogConfig) -> PartitionConfig {
    PartitionConfig {
        id: ORDERS,
        node_id: ME,
        directory: DIR.into(),
        log,
        is_compacted: false,
        min_isr: 1,
        remembered: Remembered::default(),
    }
}

/// What the controller says: these replicas, these of them in sync, at these epochs.
pub(crate) fn registration(
    leader: NodeId,
    replicas: &[NodeId],
    isr: &[NodeId],
    (leader_epoch, partition_epoch): (i32, i32),
) -> Arc<PartitionRegistration> {
    let directories = vec![Uuid::ZERO; replicas.len()];
    Arc::new(PartitionRegistration {
        leader,
        leader_epoch,
        partition_epoch,
        ..PartitionRegistration::new(replicas.to_vec(), directories, isr.to_vec())
    })
}

/// A batch of one record.
pub(crate) fn plain() -> Bytes {
    TestBatch::default().build()
}

/// A batch of `count` records of an idempotent producer.
pub(crate) fn sequenced(first_sequence: i32, count: usize) -> Bytes {
    let values = vec![Bytes::from_static(b"value"); count];
    TestBatch { producer: Some((PRODUCER, 0, first_sequence)), values, ..TestBatch::default() }
        .build()
}

pub(crate) struct Scenario {
    pub(crate) disk: MemDisk,
    pub(crate) clock: ManualClock,
    pub(crate) partition: Partition<MemDisk, &'static str>,
}

impl Scenario {
    /// Opened, and not assigned to anybody yet.
    pub(crate) fn opened(disk: MemDisk, config: PartitionConfig) -> Self {
        let clock = ManualClock::default();
        taffrail_log::Disk::create_dir_all(&disk, Path::new("/data")).expect("created");
        let (partition, _) = Partition::open(disk.clone(), config, clock.now()).expect("opened");
        Self { disk, clock, partition }
    }

    /// The only replica, and so the leader.
    pub(crate) fn alone(log: LogConfig) -> Self {
        let mut scenario = Self::opened(MemDisk::new(), config(log));
        scenario.assign(registration(ME, &[ME], &[ME], (0, 0)));
        scenario
    }

    /// The leader of two replicas that are both in sync, of which the other never fetches.
    pub(crate) fn with_silent_follower() -> Self {
        let mut scenario = Self::opened(MemDisk::new(), config(LogConfig::default()));
        scenario.assign(registration(ME, &[ME, 2], &[ME, 2], (0, 0)));
        scenario
    }

    pub(crate) fn step(&mut self, event: Event<&'static str>) -> Vec<String> {
        let mut out = Vec::new();
        self.partition.step(self.clock.now(), event, &mut out);
        out.iter().map(render).collect()
    }

    pub(crate) fn assign(&mut self, registration: Arc<PartitionRegistration>) -> Vec<String> {
        self.step(Event::Assigned(registration))
    }

    /// Appends all of them at once.
    pub(crate) fn append(&mut self, appends: &[(&'static str, Acks, Bytes)]) -> Vec<String> {
        let appends = appends.iter().map(|(reply, acks, batch)| Append {
            batch: batch.clone(),
            acks: *acks,
            log_append_time: -1,
            reply: *reply,
        });
        let appends = appends.collect();
        self.step(Event::Append(appends))
    }

    pub(crate) fn begin_sync(&self) -> SyncHandle<MemDisk> {
        self.partition.begin_sync(true, self.clock.now()).expect("there is something to sync")
    }

    pub(crate) fn end_sync(&mut self, handle: &SyncHandle<MemDisk>) -> Vec<String> {
        let result = handle.sync();
        self.synced(handle, &result)
    }

    pub(crate) fn synced(
        &mut self,
        handle: &SyncHandle<MemDisk>,
        result: &Result<(), LogError>,
    ) -> Vec<String> {
        let mut out = Vec::new();
        self.partition.synced(handle, result, &mut out);
        out.iter().map(render).collect()
    }

    pub(crate) fn sync(&mut self) -> Vec<String> {
        let handle = self.begin_sync();
        self.end_sync(&handle)
    }

    pub(crate) fn view(&self) -> ViewState {
        self.partition.view().load()
    }

    /// Resigns in favour of nobody.
    pub(crate) fn resign(&mut self) -> Vec<String> {
        self.assign(registration(NO_NODE, &[ME], &[ME], (1, 1)))
    }
}

/// An effect in a few words.
pub(crate) fn render(effect: &Effect<&'static str>) -> String {
    match effect {
        Effect::Reply { reply, result: Ok(appended) } => {
            format!("{reply}: {}..{}", appended.base_offset, appended.last_offset)
        }
        Effect::Reply { reply, result: Err(refusal) } => format!("{reply}: {:?}", refusal.code()),
        Effect::HighWatermark(offset) => format!("high watermark {offset}"),
        Effect::SyncWanted => "sync".to_owned(),
        Effect::Offline(_) => "offline".to_owned(),
    }
}
