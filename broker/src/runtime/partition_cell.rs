//! One partition behind its lock, and the ways around the lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use taffrail_log::{FoundOffset, LogError, LogReader, OffsetQuery, ReadRequest};
use taffrail_metadata::config::TopicConfigView;
use taffrail_model::{
    ErrorCode, GROUP_METADATA_TOPIC, LeaderEpoch, NodeId, Now, Offset, Timestamp, TopicIdPartition,
    TopicName, TopicPartition,
};
use taffrail_node::partition::{
    Acks, Append, AppendRefusal, Appended, Effect, Event, Partition, View, ViewState,
};
use taffrail_protocol::batch::{Batch, Batches, ProduceRules, ValidatedBatch};
use taffrail_protocol::wire::Records;
use tokio::sync::oneshot;

use super::clock::Clock;
use super::combining::Combining;
use super::flusher::Flusher;
use super::groups::GroupsHandle;
use super::os_disk::OsDisk;
use super::recovery_progress::RecoveryProgress;
use super::topic_rules::produce_rules;
use super::traffic::Traffic;
use super::waiters::Waiters;

/// Whom an append's answer goes to.
pub(crate) type Responder = oneshot::Sender<Result<Appended, AppendRefusal>>;

/// What ListOffsets answers where there is no such record.
pub(crate) const NO_SUCH_OFFSET: FoundOffset =
    FoundOffset { timestamp: -1, offset: -1, leader_epoch: None };

/// What a cell needs of the node around it.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) node_id: NodeId,
    pub(super) clock: Clock,
    pub(super) groups: GroupsHandle,
    pub(super) flusher: Flusher,
    pub(super) recovery: Arc<RecoveryProgress>,
}

/// `None` once the partition was removed.
type Hosted = Option<Partition<OsDisk, Responder>>;

/// One partition on this node.
pub(crate) struct PartitionCell {
    pub(crate) id: TopicIdPartition,
    pub(crate) topic: TopicName,
    /// The index of its log dir.
    pub(super) dir: usize,
    /// Fetches that wait for more.
    pub(crate) waiters: Waiters,
    /// What clients wrote and read here.
    pub(crate) traffic: Traffic,
    partition: Combining<Hosted, Append<Responder>>,
    view: Arc<View>,
    reader: LogReader<OsDisk>,
    config: ArcSwap<TopicConfigView>,
    surroundings: Surroundings,
}

impl PartitionCell {
    pub(super) fn new(
        id: TopicIdPartition,
        topic: TopicName,
        dir: usize,
        partition: Partition<OsDisk, Responder>,
        config: TopicConfigView,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            id,
            topic,
            dir,
            waiters: Waiters::default(),
            traffic: Traffic::default(),
            view: Arc::clone(partition.view()),
            reader: partition.reader(),
            partition: Combining::new(Some(partition)),
            config: ArcSwap::from_pointee(config),
            surroundings,
        }
    }

    /// The published numbers of this moment.
    pub(crate) fn view(&self) -> ViewState {
        self.view.load()
    }

    /// The bytes of all segments.
    pub(crate) fn log_size_bytes(&self) -> u64 {
        self.reader.size_bytes()
    }

    pub(crate) fn node_id(&self) -> NodeId {
        self.surroundings.node_id
    }

    /// Whether a client that believes in `epoch` (-1: in none) is up to date.
    pub(crate) fn check_leader_epoch(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        let current = self.view().leader_epoch;
        match epoch {
            e if e < 0 || e == current => Ok(()),
            e if e < current => Err(ErrorCode::FencedLeaderEpoch),
            _ => Err(ErrorCode::UnknownLeaderEpoch),
        }
    }

    /// What the topic asks of a produced batch.
    pub(crate) fn produce_rules(&self, now: Now, produce_version: i16) -> ProduceRules {
        produce_rules(&self.config.load(), now, produce_version)
    }

    /// Appends a validated batch; the answer comes when what `acks` asks for is true.
    pub(crate) fn append(
        &self,
        batch: ValidatedBatch,
        log_append_time: Timestamp,
        acks: Acks,
    ) -> oneshot::Receiver<Result<Appended, AppendRefusal>> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Append { batch: batch.bytes, acks, log_append_time, reply });
        answer
    }

    /// Appends a batch of the node's own and waits for the write, though not for the high watermark. Not for threads that
    /// carry connections.
    pub(super) fn append_now(&self, batch: Bytes) -> Result<Appended, AppendRefusal> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Append { batch, acks: Acks::None, log_append_time: -1, reply });
        answer.blocking_recv().unwrap_or(Err(AppendRefusal::NotLeader))
    }

    fn enqueue(&self, append: Append<Responder>) {
        self.partition.submit(append, |partition, appends| self.run(partition, appends));
    }

    /// Without a partition the appends are dropped, and their callers hear that nobody leads here.
    fn run(&self, partition: &mut Hosted, appends: Vec<Append<Responder>>) {
        if let Some(partition) = partition {
            let mut effects = Vec::with_capacity(appends.len() + 1);
            partition.step(self.surroundings.clock.now(), Event::Append(appends), &mut effects);
            self.carry_out(effects);
        }
    }

    /// Does something with the partition under its lock; appends that come meanwhile follow.
    fn with<T>(&self, action: impl FnOnce(&mut Hosted) -> T) -> T {
        self.partition.with(action, |partition, appends| self.run(partition, appends))
    }

    /// Tells the partition something that is no append.
    pub(super) fn step(&self, event: Event<Responder>) {
        self.with(|partition| {
            if let Some(partition) = partition {
                let mut effects = Vec::new();
                partition.step(self.surroundings.clock.now(), event, &mut effects);
                self.carry_out(effects);
            }
        });
    }

    /// Looks at the partition under its lock.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Partition<OsDisk, Responder>) -> T,
    ) -> Option<T> {
        self.with(|partition| partition.as_ref().map(look))
    }

    /// Takes the partition out: from now on nobody leads here.
    pub(super) fn take(&self) -> Option<Partition<OsDisk, Responder>> {
        let partition = self.with(Option::take);
        self.waiters.wake();
        partition
    }

    /// Syncs the log outside of the lock: what is due, or `at_once` all of it.
    pub(super) fn sync(&self, at_once: bool) {
        let now = self.surroundings.clock.now();
        let Some(Some(handle)) = self.look(|partition| partition.begin_sync(at_once, now)) else {
            return;
        };
        let result = handle.sync();
        self.with(|partition| {
            if let Some(partition) = partition {
                let mut effects = Vec::new();
                partition.synced(&handle, &result, &mut effects);
                self.carry_out(effects);
            }
        });
    }

    pub(super) fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.id.partition }
    }

    pub(super) fn configure(&self, config: TopicConfigView) {
        self.config.store(Arc::new(config));
    }

    pub(super) fn carry_out(&self, effects: Vec<Effect<Responder>>) {
        for effect in effects {
            match effect {
                Effect::Reply { reply, result } => {
                    // Who asked may have gone.
                    let _ = reply.send(result);
                }
                Effect::HighWatermark(high_watermark) => {
                    self.waiters.wake();
                    if self.topic.as_str() == GROUP_METADATA_TOPIC {
                        self.surroundings.groups.committed(self.id.partition, high_watermark);
                    }
                }
                Effect::SyncWanted => self.surroundings.flusher.sync_soon(self.dir, self.id),
                Effect::Offline(error) => {
                    tracing::error!(topic = %self.topic, partition = self.id.partition, error = %super::control::chain(&error), "the log is offline");
                    self.surroundings.flusher.report_offline(self.dir);
                }
            }
        }
    }

    /// Reads whole batches from `offset` up to `bound`, `max_bytes` at most; at least one where `owes_a_batch`.
    pub(crate) fn read(
        &self,
        offset: Offset,
        bound: Offset,
        max_bytes: usize,
        owes_a_batch: bool,
    ) -> Result<Records, ErrorCode> {
        let request = ReadRequest { from: offset, max_bytes, bound, min_one_batch: owes_a_batch };
        let read = self.reader.read(request).map_err(|error| self.read_failed(&error))?;
        Ok(read.records)
    }

    /// Reads and parses whole batches, for the node's own topics.
    pub(super) fn read_batches(
        &self,
        offset: Offset,
        bound: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Batch>, String> {
        let records =
            self.read(offset, bound, max_bytes, true).map_err(|error| error.to_string())?;
        Batches::new(records.into_contiguous())
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }

    fn read_failed(&self, error: &LogError) -> ErrorCode {
        if error.code() == ErrorCode::KafkaStorageError {
            let partition = self.id.partition;
            tracing::error!(topic = %self.topic, partition, error = %super::control::chain(error), "a read failed");
        }
        error.code()
    }

    /// Finds an offset for ListOffsets, where consumers see what lies below `bound`.
    pub(crate) fn find_offset(
        &self,
        query: OffsetQuery,
        bound: Offset,
    ) -> Result<FoundOffset, ErrorCode> {
        let found = self.reader.find_offset(query).map_err(|error| self.read_failed(&error))?;
        let is_visible =
            |found: &FoundOffset| query == OffsetQuery::Earliest || found.offset < bound;
        Ok(found.filter(is_visible).unwrap_or(NO_SUCH_OFFSET))
    }
}
