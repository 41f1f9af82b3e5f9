//! What the controller answers.

use taffrail_model::{
    BrokerEpoch, ErrorCode, LeaderEpoch, NodeId, PartitionIndex, ProducerId, Uuid,
};

use crate::config::ConfigEntry;
use crate::image::{ConfigResource, LeaderRecoveryState};

/// Why something isn't done: Kafka's error, and words for the one who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {message}")]
pub struct Refusal {
    /// The error.
    pub error: ErrorCode,
    /// What is wrong. May be empty.
    pub message: String,
}

impl Refusal {
    /// A refusal with words.
    #[must_use]
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }
}

/// The answer to an [`super::Operation`] that was looked into, in the order of its items.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Per topic.
    CreateTopics(Vec<CreatedTopic>),
    /// Per topic.
    DeleteTopics(Vec<DeletedTopic>),
    /// Per topic's name.
    CreatePartitions(Vec<(String, Result<(), Refusal>)>),
    /// The registration's epoch.
    RegisterBroker {
        /// The epoch that the broker shall name from now on.
        broker_epoch: BrokerEpoch,
    },
    /// What the broker shall do.
    BrokerHeartbeat(BrokerHeartbeatReply),
    /// The broker is forgotten.
    UnregisterBroker,
    /// A block of ids.
    AllocateProducerIds(AllocatedProducerIds),
    /// Per resource.
    AlterConfigs(Vec<AlteredConfig>),
    /// Per feature.
    UpdateFeatures(Vec<UpdatedFeature>),
    /// Per topic and partition.
    AlterPartition(Vec<AlteredPartitionTopic>),
}

/// What became of one new topic.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatedTopic {
    /// The name as it was asked for.
    pub name: String,
    /// The topic, or why there is none.
    pub result: Result<TopicCreated, Refusal>,
}

/// A topic that was created, or would have been.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicCreated {
    /// Its id.
    pub topic_id: Uuid,
    /// How many partitions it has.
    pub num_partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i16,
    /// Its effective configuration, sorted by name.
    pub configs: Vec<ConfigEntry>,
}

/// What became of one topic to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, when it was asked for by name or is known.
    pub name: Option<String>,
    /// Its id, when it was asked for by id or is known; zero otherwise.
    pub topic_id: Uuid,
    /// Done, or why not.
    pub result: Result<(), Refusal>,
}

/// What a broker hears after a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerHeartbeatReply {
    /// The broker has applied its own registration.
    pub is_caught_up: bool,
    /// The broker is fenced.
    pub is_fenced: bool,
    /// The broker's leaderships are being moved, since it wants to go.
    pub in_controlled_shutdown: bool,
    /// The broker may go now.
    pub should_shut_down: bool,
}

/// A block of producer ids that nobody else gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocatedProducerIds {
    /// The first id.
    pub first: ProducerId,
    /// The number of ids.
    pub count: i32,
}

/// What became of one resource's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredConfig {
    /// The resource.
    pub resource: ConfigResource,
    /// Done, or why not.
    pub result: Result<(), Refusal>,
}

/// What became of one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatedFeature {
    /// The feature's name.
    pub name: String,
    /// Done, or why not.
    pub result: Result<(), Refusal>,
}

/// What became of one topic's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredPartitionTopic {
    /// The topic.
    pub topic_id: Uuid,
    /// Its partitions: the index, and the new state or why there is none.
    pub partitions: Vec<(PartitionIndex, Result<AlteredPartition, ErrorCode>)>,
}

/// The state of a partition after its leader asked for other in-sync replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredPartition {
    /// The leader.
    pub leader: NodeId,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync replicas.
    pub isr: Vec<NodeId>,
    /// Whether the leader has recovered.
    pub leader_recovery_state: LeaderRecoveryState,
    /// The partition's epoch.
    pub partition_epoch: i32,
}
