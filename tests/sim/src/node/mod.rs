//! One node, carried by a loop: the same rooms that the broker carries with threads, on a disk in memory.
//!
//! Owns the order in which effects are carried out, which is the broker's own: a published image is made true
//! (partitions opened, assigned, deleted; groups loaded) before an answer that rests on it goes out.
//!
//! Deliberately absent: connections and the wire. Clients of the simulation hand their requests to the rooms.

mod groups;
mod partitions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use taffrail_coordinator as coordinator;
use taffrail_log::LogError;
use taffrail_metadata::config::StaticConfig;
use taffrail_metadata::{
    Answer, BootstrapRecords, BrokerHeartbeat, ControllerConfig, Endpoint, MetadataImage,
    MetadataVersion, Operation, Refusal, RegisterBroker, ReplyToken, SecurityProtocol,
    supported_features,
};
use taffrail_model::{LeaderEpoch, NodeId, Now, Offset, TopicIdPartition, TopicName, Uuid};
use taffrail_node::control::{Control, ControlConfig, ControlEffect, ControlEvent};
use taffrail_node::format::{FormatOptions, format, verify_formatted};
use taffrail_node::groups::Groups;
use taffrail_node::partition::{AppendRefusal, Appended, Partition};
use taffrail_node::storage::Storage;
use taffrail_quorum::VoterEndpoint;
use taffrail_testkit::{MemDisk, SeededRng};

pub(crate) use self::partitions::ReadError;

/// The one node's id.
pub(crate) const NODE: NodeId = 1;
/// The node's only directory, for data and metadata.
pub(crate) const DATA_DIR: &str = "/data";
/// How many partitions `__consumer_offsets` has.
pub(crate) const OFFSETS_PARTITIONS: i32 = 2;
const CLUSTER_ID: &str = "simulated";

/// What a seed chooses of the node's configuration, the same for all its lives.
#[derive(Clone, Debug)]
pub(crate) struct NodeOptions {
    /// `segment.bytes` of every topic, below what the controller would let a user set.
    pub(crate) segment_bytes: u64,
}

/// An answer of the controller, or its refusal.
pub(crate) type ControlAnswer = Result<Answer, Refusal>;
/// An answer to an append, or its refusal.
pub(crate) type AppendAnswer = Result<Appended, AppendRefusal>;

/// A node that runs.
pub(crate) struct Node {
    disk: MemDisk,
    options: NodeOptions,
    statics: Arc<StaticConfig>,
    control: Control<MemDisk>,
    storage: Storage<MemDisk>,
    partitions: BTreeMap<TopicIdPartition, Partition<MemDisk, u64>>,
    hosted: BTreeMap<TopicIdPartition, TopicName>,
    groups: Groups,
    /// What the groups have yet to hear; no event interrupts another one's effects.
    group_inbox: VecDeque<taffrail_node::groups::Event>,
    is_telling_groups: bool,
    image: MetadataImage,
    image_offset: Offset,
    incarnation_id: Uuid,
    /// -1 before the controller has given one.
    broker_epoch: i64,
    is_unfenced: bool,
    next_token: u64,
    control_answers: BTreeMap<u64, ControlAnswer>,
    append_answers: BTreeMap<u64, AppendAnswer>,
    group_answers: BTreeMap<u64, coordinator::Answer>,
    sync_wanted: BTreeSet<TopicIdPartition>,
    syncing: Vec<partitions::Sync>,
    /// What took the node down, if anything did.
    failed: Option<String>,
    /// The epochs in which this life became the active controller.
    led_epochs: Vec<LeaderEpoch>,
    /// The images that were published and not looked at: their offsets and fingerprints.
    published: Vec<(Offset, u64)>,
    /// Logs whose recovery cut something off.
    truncations: u64,
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

/// An error with all its causes, in one line.
fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

impl Node {
    /// Starts a node on what the disk holds. It serves once [`Node::is_ready`].
    pub(crate) fn start(
        disk: &MemDisk,
        options: &NodeOptions,
        now: Now,
        rng: &mut SeededRng,
    ) -> Result<Self> {
        let settings = [
            ("offsets.topic.num.partitions", OFFSETS_PARTITIONS.to_string()),
            ("offsets.topic.replication.factor", "1".to_owned()),
        ];
        let texts = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let statics = Arc::new(StaticConfig::new(texts).map_err(|errors| anyhow!("{errors:?}"))?);
        let formatted = verify_formatted(disk, NODE, &[PathBuf::from(DATA_DIR)])?;
        let storage = Storage::open(disk.clone(), &formatted.directory_ids)?;
        let config = ControlConfig {
            node_id: NODE,
            directory_id: formatted
                .directory_id(Path::new(DATA_DIR))
                .context("the directory has no id")?,
            metadata_dir: PathBuf::from(DATA_DIR),
            endpoints: endpoints(),
            election_timeout: Duration::from_secs(1),
            segment_bytes: options.segment_bytes,
            segment_ms: i64::MAX,
            controller: ControllerConfig {
                node_id: NODE,
                cluster_id: CLUSTER_ID.to_owned(),
                static_config: Arc::clone(&statics),
                bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
            },
        };
        let control = Control::open(disk.clone(), config, now)?;
        let truncations = u64::from(control.recovery_report().truncation.is_some());
        let group_config = coordinator::GroupConfig {
            initial_rebalance_delay_ms: 0,
            ..coordinator::GroupConfig::default()
        };
        let mut node = Self {
            disk: disk.clone(),
            options: options.clone(),
            statics,
            control,
            storage,
            partitions: BTreeMap::new(),
            hosted: BTreeMap::new(),
            groups: Groups::new(group_config),
            group_inbox: VecDeque::new(),
            is_telling_groups: false,
            image: MetadataImage::default(),
            image_offset: -1,
            incarnation_id: Uuid::from_random(rng.bytes16()),
            broker_epoch: -1,
            is_unfenced: false,
            next_token: 0,
            control_answers: BTreeMap::new(),
            append_answers: BTreeMap::new(),
            group_answers: BTreeMap::new(),
            sync_wanted: BTreeSet::new(),
            syncing: Vec::new(),
            failed: None,
            led_epochs: Vec::new(),
            published: Vec::new(),
            truncations,
        };
        node.step_control(now, [ControlEvent::Start]);
        Ok(node)
    }

    /// What took the node down, if anything did. Only a new start helps then.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Whether the broker is registered and unfenced, so that it serves clients.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_unfenced && self.failed.is_none()
    }

    /// The metadata that the node has made true, and the offset of its last record.
    pub(crate) fn image(&self) -> (&MetadataImage, Offset) {
        (&self.image, self.image_offset)
    }

    /// The broker's epoch, -1 before it is registered.
    pub(crate) fn broker_epoch(&self) -> i64 {
        self.broker_epoch
    }

    /// The epochs that this life has led since the last call.
    pub(crate) fn take_led_epochs(&mut self) -> Vec<LeaderEpoch> {
        std::mem::take(&mut self.led_epochs)
    }

    /// The offsets and fingerprints of the images published since the last call.
    pub(crate) fn take_published(&mut self) -> Vec<(Offset, u64)> {
        std::mem::take(&mut self.published)
    }

    /// How many logs were cut by recovery since the last call.
    pub(crate) fn take_truncations(&mut self) -> u64 {
        std::mem::take(&mut self.truncations)
    }

    /// The quorum's epoch.
    pub(crate) fn quorum_epoch(&self) -> LeaderEpoch {
        self.control.epoch()
    }

    /// Asks the controller; `None` when the node went down over it.
    pub(crate) fn ask(
        &mut self,
        now: Now,
        rng: &mut SeededRng,
        operation: Operation,
    ) -> Option<ControlAnswer> {
        let token = self.token();
        let random = rng.next_u64();
        let token_of_room = ReplyToken(token);
        self.step_control(
            now,
            [ControlEvent::Request { token: token_of_room, deadline: None, random, operation }],
        );
        self.control_answers.remove(&token)
    }

    /// Time passed: for the rooms, and for the broker's own life in the eyes of the controller.
    pub(crate) fn tick(&mut self, now: Now, rng: &mut SeededRng) {
        self.step_control(now, [ControlEvent::Tick]);
        self.tell_groups(now, taffrail_node::groups::Event::Tick);
        if self.failed.is_none() && self.broker_epoch < 0 {
            self.register(now, rng);
        }
        if self.failed.is_none() && self.broker_epoch >= 0 {
            let heartbeat = self.heartbeat();
            self.is_unfenced = match self.ask(now, rng, heartbeat) {
                Some(Ok(Answer::BrokerHeartbeat(reply))) => !reply.is_fenced,
                _ => false,
            };
        }
    }

    fn register(&mut self, now: Now, rng: &mut SeededRng) {
        let operation = Operation::RegisterBroker(RegisterBroker {
            id: NODE,
            cluster_id: CLUSTER_ID.to_owned(),
            incarnation_id: self.incarnation_id,
            listeners: vec![Endpoint {
                listener: "PLAINTEXT".to_owned(),
                host: "sim".to_owned(),
                port: 9092,
                protocol: SecurityProtocol::Plaintext,
            }],
            features: supported_features()
                .iter()
                .map(|feature| (feature.name.to_owned(), feature.range))
                .collect(),
            rack: None,
            log_dirs: self.storage.ids(),
            previous_epoch: self.storage.previous_broker_epoch(),
        });
        // A refusal is the last life's session, which runs out.
        if let Some(Ok(Answer::RegisterBroker { broker_epoch })) = self.ask(now, rng, operation) {
            self.broker_epoch = broker_epoch;
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

    /// Stops in good order, so that the next start trusts what it finds. What can't be closed isn't marked as clean.
    ///
    /// # Errors
    /// What kept the shutdown from being clean.
    pub(crate) fn stop(mut self, now: Now) -> Result<()> {
        self.step_control(now, [ControlEvent::Shutdown]);
        self.checkpoint_high_watermarks();
        let ends = self.close_all(now);
        let broker_epoch = self.broker_epoch;
        let Self { control, storage, failed, .. } = self;
        // What isn't closed is recovered at the next start, as the metadata log always is.
        let _ = control.close(now);
        let ends = ends?;
        anyhow::ensure!(failed.is_none(), "the node had failed");
        // A checkpoint that can't be written costs the next start a longer recovery, no more.
        let _ = storage.checkpoint(0, taffrail_log::OffsetCheckpoint::RecoveryPoint, &ends);
        storage.mark_clean_shutdown(broker_epoch)?;
        Ok(())
    }

    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    fn fail(&mut self, reason: String) {
        self.is_unfenced = false;
        self.failed.get_or_insert(reason);
    }

    fn fail_on(&mut self, what: &str, error: LogError) {
        self.fail(format!("{what}: {}", chain(error)));
    }

    fn step_control(&mut self, now: Now, events: impl IntoIterator<Item = ControlEvent>) {
        let mut effects = Vec::new();
        self.control.step_many(now, events, &mut effects);
        for effect in effects {
            match effect {
                ControlEffect::Reply { token, answer } => {
                    self.control_answers.insert(token.0, answer);
                }
                ControlEffect::Publish(loaded) => self.apply(now, *loaded),
                ControlEffect::Leading { epoch } => self.led_epochs.push(epoch),
                ControlEffect::Resigned { .. } | ControlEffect::Announce(_) => {}
                ControlEffect::Failed(failure) => self.fail(format!("control: {}", chain(failure))),
            }
        }
    }
}
