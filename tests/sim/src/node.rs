//! One node, carried by a loop: the same parts that the broker carries with threads, on a disk in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use taffrail_coordinator::{self as coordinator, GroupConfig, RequestContext};
use taffrail_log::{LogConfig, OffsetCheckpoint, ReadRequest, partition_dir_name};
use taffrail_metadata::config::{StaticConfig, TopicConfigView};
use taffrail_metadata::{
    Answer, BootstrapRecords, BrokerHeartbeat, ControllerConfig, Endpoint, Loaded, MetadataImage, MetadataVersion,
    Operation, Refusal, RegisterBroker, ReplyToken, SecurityProtocol, supported_features,
};
use taffrail_model::{
    GROUP_METADATA_TOPIC, NodeId, Now, Offset, TopicIdPartition, TopicName, TopicPartition, Uuid, partition_for_key,
};
use taffrail_node::changes::{self, PartitionChange};
use taffrail_node::control::{Control, ControlConfig, ControlEffect, ControlEvent};
use taffrail_node::format::{FormatOptions, format, verify_formatted};
use taffrail_node::groups::{self, Groups};
use taffrail_node::partition::{Acks, Append, AppendRefusal, Appended, Effect, Event, Partition, PartitionConfig};
use taffrail_node::storage::Storage;
use taffrail_protocol::batch::{Batch, Batches};
use taffrail_quorum::VoterEndpoint;
use taffrail_testkit::{MemDisk, SeededRng};

/// The one node's id.
pub(crate) const NODE: NodeId = 1;
const DATA_DIR: &str = "/data";
const CLUSTER_ID: &str = "simulated";
/// The most that a batch of the simulation may become.
const INFLATED_MAX: usize = 1 << 20;

/// A node that runs.
pub(crate) struct Node {
    disk: MemDisk,
    statics: Arc<StaticConfig>,
    control: Control<MemDisk>,
    storage: Storage<MemDisk>,
    partitions: BTreeMap<TopicIdPartition, Partition<MemDisk, u64>>,
    hosted: BTreeMap<TopicIdPartition, TopicName>,
    groups: Groups,
    image: MetadataImage,
    image_offset: Offset,
    broker_epoch: i64,
    next_token: u64,
    control_answers: BTreeMap<u64, std::result::Result<Answer, Refusal>>,
    append_answers: BTreeMap<u64, std::result::Result<Appended, AppendRefusal>>,
    group_answers: BTreeMap<u64, coordinator::Answer>,
    /// What took the node down, if anything did.
    failed: Option<String>,
}

/// Formats the disk of a new node.
pub(crate) fn format_disk(disk: &MemDisk, rng: &mut SeededRng, now: Now) -> Result<()> {
    let options = FormatOptions {
        log_dirs: vec![PathBuf::from(DATA_DIR)],
        metadata_dir: PathBuf::from(DATA_DIR),
        cluster_id: CLUSTER_ID.to_owned(),
        node_id: NODE,
        standalone_controller: Some(endpoints()),
        bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
        ignore_formatted: true,
    };
    format(disk, &options, &mut || rng.bytes16(), now.wall)?;
    Ok(())
}

fn endpoints() -> Vec<VoterEndpoint> {
    vec![VoterEndpoint { name: "CONTROLLER".to_owned(), host: "sim".to_owned(), port: 9093 }]
}

impl Node {
    /// Starts a node on what the disk holds, until its broker is registered and unfenced.
    pub(crate) fn start(disk: &MemDisk, now: Now, rng: &mut SeededRng) -> Result<Self> {
        let settings = [
            ("offsets.topic.num.partitions", "2"),
            ("offsets.topic.replication.factor", "1"),
            ("group.initial.rebalance.delay.ms", "0"),
        ];
        let texts = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let statics = Arc::new(StaticConfig::new(texts).map_err(|errors| anyhow!("{errors:?}"))?);
        let formatted = verify_formatted(disk, NODE, &[PathBuf::from(DATA_DIR)])?;
        let storage = Storage::open(disk.clone(), &formatted.directory_ids)?;
        let config = ControlConfig {
            node_id: NODE,
            directory_id: formatted.directory_id(Path::new(DATA_DIR)).context("no directory id")?,
            metadata_dir: PathBuf::from(DATA_DIR),
            endpoints: endpoints(),
            election_timeout: Duration::from_secs(1),
            segment_bytes: 1 << 20,
            segment_ms: i64::MAX,
            controller: ControllerConfig {
                node_id: NODE,
                cluster_id: CLUSTER_ID.to_owned(),
                static_config: Arc::clone(&statics),
                bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
            },
        };
        let control = Control::open(disk.clone(), config, now)?;
        let previous_epoch = storage.previous_broker_epoch();
        let mut node = Self {
            disk: disk.clone(),
            statics,
            control,
            storage,
            partitions: BTreeMap::new(),
            hosted: BTreeMap::new(),
            groups: Groups::new(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() }),
            image: MetadataImage::default(),
            image_offset: -1,
            broker_epoch: -1,
            next_token: 0,
            control_answers: BTreeMap::new(),
            append_answers: BTreeMap::new(),
            group_answers: BTreeMap::new(),
            failed: None,
        };
        node.step_control(now, vec![ControlEvent::Start]);
        node.register(now, rng, previous_epoch)?;
        Ok(node)
    }
    /// What took the node down, if anything did. Only a new start helps then.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// The metadata that the node has made true.
    pub(crate) fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// The quorum's epoch.
    pub(crate) fn quorum_epoch(&self) -> i32 {
        self.control.epoch()
    }

    /// The partitions that are served.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (&TopicIdPartition, &Partition<MemDisk, u64>)> {
        self.partitions.iter()
    }

    /// Asks the controller; `None` when the node went down over it.
    pub(crate) fn ask(
        &mut self,
        now: Now,
        rng: &mut SeededRng,
        operation: Operation,
    ) -> Option<std::result::Result<Answer, Refusal>> {
        let token = self.token();
        let request =
            ControlEvent::Request { token: ReplyToken(token), deadline: None, random: rng.next_u64(), operation };
        self.step_control(now, vec![request]);
        self.control_answers.remove(&token)
    }

    /// Appends a batch; `None` while the answer waits for a sync.
    pub(crate) fn append(&mut self, now: Now, id: TopicIdPartition, batch: Bytes, acks: Acks) -> u64 {
        let token = self.token();
        if self.partitions.contains_key(&id) {
            let append = Append { batch, acks, log_append_time: -1, reply: token };
            self.step_partition(now, id, Event::Append(vec![append]));
        } else {
            self.append_answers.insert(token, Err(AppendRefusal::NotLeader));
        }
        token
    }

    /// The answer to an append, once there is one.
    pub(crate) fn take_append_answer(&mut self, token: u64) -> Option<std::result::Result<Appended, AppendRefusal>> {
        self.append_answers.remove(&token)
    }

    /// Syncs what waits for a sync, as the threads of the log dirs do.
    pub(crate) fn sync(&mut self, now: Now, id: TopicIdPartition, at_once: bool) {
        let Some(partition) = self.partitions.get_mut(&id) else { return };
        let Some(handle) = partition.begin_sync(at_once, now) else { return };
        let result = handle.sync();
        let mut effects = Vec::new();
        partition.synced(&handle, &result, &mut effects);
        self.carry_out_partition(now, id, effects);
    }

    /// Retention and the like.
    pub(crate) fn maintain(&mut self, now: Now, id: TopicIdPartition) {
        self.step_partition(now, id, Event::Maintain);
    }

    /// Writes the checkpoints of the log dir.
    pub(crate) fn checkpoint(&mut self) {
        let mut recovery_points = BTreeMap::new();
        let mut high_watermarks = BTreeMap::new();
        for (id, partition) in &self.partitions {
            let Some(topic) = self.hosted.get(id) else { continue };
            let name = TopicPartition { topic: topic.clone(), partition: id.partition };
            recovery_points.insert(name.clone(), partition.log().recovery_point());
            high_watermarks.insert(name, partition.replica().high_watermark());
        }
        let written = self
            .storage
            .checkpoint(0, OffsetCheckpoint::RecoveryPoint, &recovery_points)
            .and_then(|()| self.storage.checkpoint(0, OffsetCheckpoint::HighWatermark, &high_watermarks));
        if let Err(error) = written {
            self.fail(format!("checkpoint: {error}"));
        }
    }

    /// Asks the shard of a group; `None` while the answer waits.
    pub(crate) fn ask_group(&mut self, now: Now, group_id: &str, request: coordinator::Request) -> u64 {
        let token = self.token();
        let context = RequestContext { client_id: "sim".to_owned(), client_host: "/127.0.0.1".to_owned() };
        let partitions = self.image.topic_by_name(GROUP_METADATA_TOPIC).map_or(1, |topic| topic.partitions.len());
        let partition = partition_for_key(group_id, i32::try_from(partitions).unwrap_or(1));
        let event = groups::Event::Request { partition, token: coordinator::ReplyToken(token), context, request };
        self.step_groups(now, event);
        token
    }

    /// The answer of a group, once there is one.
    pub(crate) fn take_group_answer(&mut self, token: u64) -> Option<coordinator::Answer> {
        self.group_answers.remove(&token)
    }

    /// Time passed.
    pub(crate) fn tick(&mut self, now: Now, rng: &mut SeededRng) {
        self.step_control(now, vec![ControlEvent::Tick]);
        self.step_groups(now, groups::Event::Tick);
        let heartbeat = self.heartbeat();
        if self.failed.is_none() && self.ask(now, rng, heartbeat).is_none() {
            self.fail("a heartbeat was not answered".to_owned());
        }
    }

    /// Stops in good order, so that the next start trusts what it finds.
    pub(crate) fn stop(mut self, now: Now) -> Result<()> {
        self.step_control(now, vec![ControlEvent::Shutdown]);
        let mut ends = BTreeMap::new();
        for (id, partition) in std::mem::take(&mut self.partitions) {
            let mut effects = Vec::new();
            let end = partition.close(now, &mut effects)?;
            let topic = self.hosted.get(&id).context("a partition without a topic")?.clone();
            ends.insert(TopicPartition { topic, partition: id.partition }, end);
        }
        self.control.close(now)?;
        self.storage.checkpoint(0, OffsetCheckpoint::RecoveryPoint, &ends)?;
        self.storage.checkpoint(0, OffsetCheckpoint::HighWatermark, &ends)?;
        self.storage.mark_clean_shutdown(self.broker_epoch)?;
        Ok(())
    }

    /// All batches of a partition, in the order of its log.
    pub(crate) fn read_all(&self, id: TopicIdPartition) -> Result<Vec<Batch>> {
        let partition = self.partitions.get(&id).context("the partition is not here")?;
        read_all(partition)
    }

    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    fn fail(&mut self, reason: String) {
        self.failed.get_or_insert(reason);
    }

    fn register(&mut self, now: Now, rng: &mut SeededRng, previous_epoch: i64) -> Result<()> {
        let operation = Operation::RegisterBroker(RegisterBroker {
            id: NODE,
            cluster_id: CLUSTER_ID.to_owned(),
            incarnation_id: Uuid::from_random(rng.bytes16()),
            listeners: vec![Endpoint {
                listener: "PLAINTEXT".to_owned(),
                host: "sim".to_owned(),
                port: 9092,
                protocol: SecurityProtocol::Plaintext,
            }],
            features: supported_features().iter().map(|feature| (feature.name.to_owned(), feature.range)).collect(),
            rack: None,
            log_dirs: self.storage.ids(),
            previous_epoch,
        });
        match self.ask(now, rng, operation) {
            Some(Ok(Answer::RegisterBroker { broker_epoch })) => self.broker_epoch = broker_epoch,
            other => bail!("registration: {other:?} {:?}", self.failed),
        }
        let heartbeat = self.heartbeat();
        match self.ask(now, rng, heartbeat) {
            Some(Ok(Answer::BrokerHeartbeat(reply))) if !reply.is_fenced => Ok(()),
            other => bail!("first heartbeat: {other:?} {:?}", self.failed),
        }
    }

    fn heartbeat(&self) -> Operation {
        Operation::BrokerHeartbeat(BrokerHeartbeat {
            id: NODE,
            epoch: self.broker_epoch,
            metadata_offset: self.image_offset,
            want_fence: false,
            want_shutdown: false,
            offline_log_dirs: Vec::new(),
            cordoned_log_dirs: Some(Vec::new()),
        })
    }

    fn step_control(&mut self, now: Now, events: Vec<ControlEvent>) {
        let mut effects = Vec::new();
        self.control.step_many(now, events, &mut effects);
        for effect in effects {
            match effect {
                ControlEffect::Reply { token, answer } => {
                    self.control_answers.insert(token.0, answer);
                }
                ControlEffect::Publish(loaded) => self.apply(now, *loaded),
                ControlEffect::Leading { .. } | ControlEffect::Resigned { .. } | ControlEffect::Announce(_) => {}
                ControlEffect::Failed(failure) => self.fail(format!("control: {failure}")),
            }
        }
    }

    fn apply(&mut self, now: Now, loaded: Loaded) {
        let Loaded { image, delta, offset } = loaded;
        if self.image_offset < 0
            && let Err(error) = self.storage.set_strays_aside(&image, NODE)
        {
            self.fail(format!("strays: {error}"));
        }
        self.image = image;
        self.image_offset = offset;
        for change in changes::plan(&self.image, &delta, NODE, &self.hosted) {
            match change {
                PartitionChange::Remove { id } => self.remove(now, id),
                PartitionChange::Host { id, topic, registration } => {
                    if !self.partitions.contains_key(&id) {
                        self.open(now, id, &topic);
                    }
                    let led = self.leads(id);
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
            self.step_groups(now, groups::Event::TopicsDeleted(deleted));
        }
    }

    fn leads(&self, id: TopicIdPartition) -> bool {
        self.partitions.get(&id).is_some_and(|partition| partition.replica().leading().is_some())
    }

    fn config_of(&self, topic: &TopicName) -> (LogConfig, usize) {
        let view = TopicConfigView::resolve(&self.image, &self.statics, NODE, topic);
        let log = LogConfig {
            segment_bytes: u64::try_from(view.segment_bytes).unwrap_or(u64::MAX),
            flush_messages: view.flush_messages,
            is_cleaned_by_delete: view.cleanup_policy.delete,
            // The simulation keeps what it checks.
            retention_ms: None,
            ..LogConfig::default()
        };
        (log, usize::try_from(view.min_insync_replicas).unwrap_or(1))
    }

    fn open(&mut self, now: Now, id: TopicIdPartition, topic: &TopicName) {
        let name = TopicPartition { topic: topic.clone(), partition: id.partition };
        let (log, min_isr) = self.config_of(topic);
        let config = PartitionConfig {
            id,
            node_id: NODE,
            directory: Path::new(DATA_DIR).join(partition_dir_name(&name)),
            log,
            min_isr,
            remembered: self.storage.remembered(0, &name),
        };
        match Partition::open(self.disk.clone(), config, now) {
            Ok((partition, _)) => {
                self.partitions.insert(id, partition);
                self.hosted.insert(id, topic.clone());
            }
            Err(error) => self.fail(format!("open {name}: {error}")),
        }
    }

    fn remove(&mut self, now: Now, id: TopicIdPartition) {
        let topic = self.hosted.remove(&id);
        let Some(partition) = self.partitions.remove(&id) else { return };
        if topic.is_some_and(|topic| topic.as_str() == GROUP_METADATA_TOPIC) {
            self.step_groups(now, groups::Event::Resigned { partition: id.partition });
        }
        let mut effects = Vec::new();
        let unique_id = Uuid::from_bytes(u128::from(self.token()).to_be_bytes());
        if let Err(error) = partition.delete(unique_id, &mut effects) {
            self.fail(format!("delete: {error}"));
        }
        self.carry_out_partition(now, id, effects);
    }

    fn step_partition(&mut self, now: Now, id: TopicIdPartition, event: Event<u64>) {
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
                    if self.hosted.get(&id).is_some_and(|topic| topic.as_str() == GROUP_METADATA_TOPIC) {
                        let partition = id.partition;
                        self.step_groups(now, groups::Event::Committed { partition, high_watermark });
                    }
                }
                Effect::SyncWanted => {}
                Effect::Offline(error) => self.fail(format!("{id} is offline: {error}")),
            }
        }
    }

    fn step_groups(&mut self, now: Now, event: groups::Event) {
        let mut effects = Vec::new();
        self.groups.step(now, event, &mut effects);
        let mut queue: std::collections::VecDeque<groups::Effect> = effects.drain(..).collect();
        while let Some(effect) = queue.pop_front() {
            match effect {
                groups::Effect::Append { partition, write_id, batch } => {
                    let event = self.append_for_group(now, partition, batch, write_id);
                    if let groups::Event::AppendFailed { partition: failed, .. } = event {
                        queue.retain(
                            |later| !matches!(later, groups::Effect::Append { partition, .. } if *partition == failed),
                        );
                    }
                    self.groups.step(now, event, &mut effects);
                    queue.extend(effects.drain(..));
                }
                groups::Effect::Reply { token, answer } => {
                    self.group_answers.insert(token.0, answer);
                }
                groups::Effect::LoadFailed { reason, .. } => self.fail(format!("groups: {reason}")),
                groups::Effect::LoadFinished { .. } | groups::Effect::Rebalancing { .. } => {}
            }
        }
    }
}

/// All batches of a partition, in the order of its log.
pub(crate) fn read_all(partition: &Partition<MemDisk, u64>) -> Result<Vec<Batch>> {
    let reader = partition.reader();
    let end = partition.log().end_offset();
    let mut from = partition.log().start_offset();
    let mut all = Vec::new();
    while from < end {
        let read =
            reader.read(ReadRequest { from, max_bytes: INFLATED_MAX, bound: end, min_one_batch: true })?;
        if read.records.is_empty() {
            bail!("nothing to read at {from} of {end}");
        }
        for batch in Batches::new(read.records.into_contiguous()) {
            let batch = batch?;
            batch.verify_crc()?;
            from = batch.header.next_offset();
            all.push(batch);
        }
    }
    Ok(all)
}
