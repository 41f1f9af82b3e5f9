//! The part of the node that carries the partitions: what the applier and the log dirs' threads do in the broker.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use taffrail_coordinator as coordinator;
use taffrail_log::{
    LogConfig, LogError, OffsetCheckpoint, ReadRequest, SyncHandle, partition_dir_name,
};
use taffrail_metadata::Loaded;
use taffrail_metadata::config::TopicConfigView;
use taffrail_model::{
    GROUP_METADATA_TOPIC, Now, Offset, TopicIdPartition, TopicName, TopicPartition, Uuid,
};
use taffrail_node::changes::{self, PartitionChange};
use taffrail_node::groups;
use taffrail_node::partition::{
    Acks, Append, AppendRefusal, Effect, Event, Partition, PartitionConfig, ViewState,
};
use taffrail_protocol::batch::{Batch, BatchError, Batches};
use taffrail_testkit::MemDisk;

use super::{AppendAnswer, DATA_DIR, NODE, Node, chain};

/// What is read at once, in bytes, unless a batch is larger.
const READ_BYTES: usize = 4 << 10;

/// A sync that has been begun: the files are synced, and the log doesn't know yet.
pub(super) struct Sync {
    id: TopicIdPartition,
    handle: SyncHandle<MemDisk>,
    result: Result<(), LogError>,
}

/// Why a read of a log failed.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The disk or the log said so, which a fault may excuse.
    Log(LogError),
    /// What was read isn't what a log holds, which nothing excuses.
    Content(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Log(error) => f.write_str(&chain(error.clone())),
            Self::Content(what) => f.write_str(what),
        }
    }
}

impl From<BatchError> for ReadError {
    fn from(error: BatchError) -> Self {
        Self::Content(chain(error))
    }
}

impl Node {
    /// The partitions that are here, and their topics.
    pub(crate) fn hosted(&self) -> &BTreeMap<TopicIdPartition, TopicName> {
        &self.hosted
    }

    /// What a partition has published, if it is here.
    pub(crate) fn view(&self, id: TopicIdPartition) -> Option<ViewState> {
        self.partitions.get(&id).map(|partition| partition.view().load())
    }

    /// Below which offset a partition's log claims to be durable.
    pub(crate) fn recovery_point(&self, id: TopicIdPartition) -> Option<Offset> {
        self.partitions.get(&id).map(|partition| partition.log().recovery_point())
    }

    /// How many segments a partition's log has.
    pub(crate) fn segments(&self, id: TopicIdPartition) -> usize {
        self.partitions.get(&id).map_or(0, |partition| partition.log().segment_count())
    }

    /// Appends batches with one write. Their answers come by [`Node::take_append_answer`] under the tokens returned.
    pub(crate) fn append(
        &mut self,
        now: Now,
        id: TopicIdPartition,
        batches: Vec<Bytes>,
        acks: Acks,
    ) -> Vec<u64> {
        let tokens: Vec<u64> = batches.iter().map(|_| self.token()).collect();
        if self.partitions.contains_key(&id) {
            let appends = batches
                .into_iter()
                .zip(&tokens)
                .map(|(batch, &reply)| Append { batch, acks, log_append_time: -1, reply })
                .collect();
            self.step_partition(now, id, Event::Append(appends));
        } else {
            for &token in &tokens {
                self.append_answers.insert(token, Err(AppendRefusal::NotLeader));
            }
        }
        tokens
    }

    /// The answer to an append, once there is one.
    pub(crate) fn take_append_answer(&mut self, token: u64) -> Option<AppendAnswer> {
        self.append_answers.remove(&token)
    }

    /// Reads all batches from `from` up to `bound`, or to where there is nothing more.
    pub(crate) fn read(
        &self,
        id: TopicIdPartition,
        from: Offset,
        bound: Offset,
    ) -> Result<Vec<Batch>, ReadError> {
        let mut next = from;
        let mut all: Vec<Batch> = Vec::new();
        loop {
            let batches = self.read_once(id, next, bound)?;
            let Some(last) = batches.last() else { return Ok(all) };
            next = last.header.next_offset();
            all.extend(batches);
        }
    }

    /// Reads as much from `from` on as one fetch does, at least one batch unless there is none before `bound`.
    pub(crate) fn read_once(
        &self,
        id: TopicIdPartition,
        from: Offset,
        bound: Offset,
    ) -> Result<Vec<Batch>, ReadError> {
        let Some(partition) = self.partitions.get(&id) else { return Ok(Vec::new()) };
        if from >= bound {
            return Ok(Vec::new());
        }
        let request = ReadRequest { from, max_bytes: READ_BYTES, bound, min_one_batch: true };
        let read = partition.reader().read(request).map_err(ReadError::Log)?;
        let mut batches = Vec::new();
        for batch in Batches::new(read.records.into_contiguous()) {
            let batch = batch?;
            batch.verify_crc()?;
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Syncs the files of what waits for a sync, or has one due. The logs hear of it by [`Node::end_syncs`], so that
    /// appends come between.
    pub(crate) fn begin_syncs(&mut self, now: Now) {
        let wanted = std::mem::take(&mut self.sync_wanted);
        for (&id, partition) in &self.partitions {
            if self.syncing.iter().any(|sync| sync.id == id) {
                if wanted.contains(&id) {
                    self.sync_wanted.insert(id);
                }
                continue;
            }
            if let Some(handle) = partition.begin_sync(wanted.contains(&id), now) {
                let result = handle.sync();
                self.syncing.push(Sync { id, handle, result });
            }
        }
    }

    /// Tells the logs of the syncs that were begun.
    pub(crate) fn end_syncs(&mut self, now: Now) {
        for Sync { id, handle, result } in std::mem::take(&mut self.syncing) {
            let mut effects = Vec::new();
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.synced(&handle, &result, &mut effects);
            }
            self.carry_out_partition(now, id, effects);
        }
    }

    /// Retention and the like, and the removal of what was deleted.
    pub(crate) fn maintain(&mut self, now: Now) {
        let ids: Vec<_> = self.partitions.keys().copied().collect();
        for id in ids {
            self.step_partition(now, id, Event::Maintain);
        }
        // What isn't removed now is at the next start.
        let _ = self.storage.remove_deleted(0);
    }

    /// Writes the checkpoints of the log dir. One that can't be written costs the next start more recovery, no more.
    pub(crate) fn checkpoint(&self) {
        self.checkpoint_high_watermarks();
        let points = self.offsets_of(|partition| Some(partition.log().recovery_point()));
        let starts = self.offsets_of(|partition| {
            Some(partition.log().start_offset()).filter(|start| *start > 0)
        });
        let _ = self.storage.checkpoint(0, OffsetCheckpoint::RecoveryPoint, &points);
        let _ = self.storage.checkpoint(0, OffsetCheckpoint::LogStart, &starts);
    }

    pub(super) fn checkpoint_high_watermarks(&self) {
        let offsets = self.offsets_of(|partition| Some(partition.view().load().high_watermark));
        let _ = self.storage.checkpoint(0, OffsetCheckpoint::HighWatermark, &offsets);
    }

    fn offsets_of(
        &self,
        offset: impl Fn(&Partition<MemDisk, u64>) -> Option<Offset>,
    ) -> BTreeMap<TopicPartition, Offset> {
        let named = |(id, topic): (&TopicIdPartition, &TopicName)| {
            let offset = offset(self.partitions.get(id)?)?;
            Some((TopicPartition { topic: topic.clone(), partition: id.partition }, offset))
        };
        self.hosted.iter().filter_map(named).collect()
    }

    /// Closes every log; the offsets where they end.
    pub(super) fn close_all(&mut self, now: Now) -> Result<BTreeMap<TopicPartition, Offset>> {
        let mut ends = BTreeMap::new();
        let mut failure = None;
        for (id, partition) in std::mem::take(&mut self.partitions) {
            let topic = self.hosted.get(&id).context("a partition without a topic")?.clone();
            match partition.close(now, &mut Vec::new()) {
                Ok(end) => {
                    ends.insert(TopicPartition { topic, partition: id.partition }, end);
                }
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure {
            bail!("a log can't be closed: {}", chain(error));
        }
        Ok(ends)
    }

    /// Makes a published image true.
    pub(super) fn apply(&mut self, now: Now, loaded: Loaded) {
        let Loaded { image, delta, offset } = loaded;
        if self.image_offset < 0
            && let Err(error) = self.storage.set_strays_aside(&image, NODE)
        {
            self.fail_on("strays", error);
        }
        self.published.push((offset, image.fingerprint()));
        self.image = image;
        self.image_offset = offset;
        for change in changes::plan(&self.image, &delta, NODE, &self.hosted) {
            match change {
                PartitionChange::Remove { id } => self.remove(now, id),
                PartitionChange::Host { id, topic, registration } => {
                    let led = self.leads(id);
                    if !self.partitions.contains_key(&id) {
                        self.open(now, id, &topic);
                    }
                    self.step_partition(now, id, Event::Assigned(registration));
                    if topic.as_str() == GROUP_METADATA_TOPIC && self.leads(id) && !led {
                        self.load_groups(now, id);
                    }
                }
                PartitionChange::Configure { id, topic } => {
                    let (log, min_isr) = self.config_of(&topic);
                    self.step_partition(now, id, Event::Configured { log, min_isr });
                }
            }
        }
        let deleted: Vec<_> = delta
            .deleted_topics
            .iter()
            .map(|(&topic_id, name)| coordinator::DeletedTopic { name: name.to_string(), topic_id })
            .collect();
        if !deleted.is_empty() {
            self.tell_groups(now, groups::Event::TopicsDeleted(deleted));
        }
    }

    fn leads(&self, id: TopicIdPartition) -> bool {
        self.view(id).is_some_and(|view| view.leading)
    }

    fn config_of(&self, topic: &TopicName) -> (LogConfig, usize) {
        let view = TopicConfigView::resolve(&self.image, &self.statics, NODE, topic);
        let log = LogConfig {
            segment_bytes: self.options.segment_bytes,
            flush_messages: view.flush_messages,
            flush_ms: (view.flush_ms < i64::MAX).then_some(view.flush_ms),
            is_cleaned_by_delete: view.cleanup_policy.delete,
            index_interval_bytes: 256,
            // The simulation keeps what it checks.
            retention_ms: None,
            ..LogConfig::default()
        };
        (log, usize::try_from(view.min_insync_replicas).unwrap_or(1))
    }

    fn open(&mut self, now: Now, id: TopicIdPartition, topic: &TopicName) {
        let name = TopicPartition { topic: topic.clone(), partition: id.partition };
        let (log, min_isr) = self.config_of(topic);
        let view = TopicConfigView::resolve(&self.image, &self.statics, NODE, topic);
        let config = PartitionConfig {
            is_compacted: view.cleanup_policy.compact,
            id,
            node_id: NODE,
            directory: Path::new(DATA_DIR).join(partition_dir_name(&name)),
            log,
            min_isr,
            remembered: self.storage.remembered(0, &name),
        };
        match Partition::open(self.disk.clone(), config, now) {
            Ok((partition, report)) => {
                self.truncations += u64::from(report.truncation.is_some());
                self.partitions.insert(id, partition);
                self.hosted.insert(id, topic.clone());
            }
            Err(error) => self.fail_on(&format!("open {name}"), error),
        }
    }

    fn remove(&mut self, now: Now, id: TopicIdPartition) {
        let topic = self.hosted.remove(&id);
        let Some(partition) = self.partitions.remove(&id) else { return };
        if topic.is_some_and(|topic| topic.as_str() == GROUP_METADATA_TOPIC) {
            self.tell_groups(now, groups::Event::Resigned { partition: id.partition });
        }
        let mut effects = Vec::new();
        let unique_id = Uuid::from_random(u128::from(self.token()).to_be_bytes());
        // What isn't set aside now is a stray at the next start.
        let _ = partition.delete(unique_id, &mut effects);
        self.carry_out_partition(now, id, effects);
    }

    pub(super) fn step_partition(&mut self, now: Now, id: TopicIdPartition, event: Event<u64>) {
        let Some(partition) = self.partitions.get_mut(&id) else { return };
        let mut effects = Vec::new();
        partition.step(now, event, &mut effects);
        self.carry_out_partition(now, id, effects);
    }

    fn carry_out_partition(&mut self, now: Now, id: TopicIdPartition, effects: Vec<Effect<u64>>) {
        for effect in effects {
            match effect {
                Effect::Reply { reply, result } => {
                    self.append_answers.insert(reply, result);
                }
                Effect::HighWatermark(high_watermark) => {
                    let topic = self.hosted.get(&id);
                    if topic.is_some_and(|topic| topic.as_str() == GROUP_METADATA_TOPIC) {
                        let partition = id.partition;
                        let event = groups::Event::Committed { partition, high_watermark };
                        self.tell_groups(now, event);
                    }
                }
                Effect::SyncWanted => {
                    self.sync_wanted.insert(id);
                }
                Effect::Offline(error) => self.fail_on("the log is offline", error),
            }
        }
    }
}
