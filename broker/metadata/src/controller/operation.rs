//! What can be asked of the controller. Names are as the asker wrote them: whether they are legal is
//! part of the answer.

use taffrail_model::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex, Uuid};

use crate::features::VersionRange;
use crate::image::{ConfigResource, Endpoint, LeaderRecoveryState};

/// A request to the controller.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Create topics. Answered by [`super::Answer::CreateTopics`].
    CreateTopics {
        /// The topics.
        topics: Vec<NewTopic>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// Delete topics. Answered by [`super::Answer::DeleteTopics`].
    DeleteTopics {
        /// The topics.
        topics: Vec<DeleteTopic>,
    },
    /// Add partitions to topics. Answered by [`super::Answer::CreatePartitions`].
    CreatePartitions(CreatePartitions),
    /// A broker introduces itself. Answered by [`super::Answer::RegisterBroker`].
    RegisterBroker(RegisterBroker),
    /// A broker says that it lives. Answered by [`super::Answer::BrokerHeartbeat`].
    BrokerHeartbeat(BrokerHeartbeat),
    /// Forget a broker. Answered by [`super::Answer::UnregisterBroker`].
    UnregisterBroker {
        /// The broker.
        id: NodeId,
    },
    /// A broker wants a block of producer ids. Answered by [`super::Answer::AllocateProducerIds`].
    AllocateProducerIds {
        /// The broker.
        broker_id: NodeId,
        /// The epoch of its registration.
        broker_epoch: BrokerEpoch,
    },
    /// Change configurations key by key. Answered by [`super::Answer::AlterConfigs`].
    IncrementalAlterConfigs {
        /// The changes, one entry a resource.
        changes: Vec<ConfigAlteration>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// Give resources these configurations and no others. Answered by [`super::Answer::AlterConfigs`].
    ReplaceConfigs {
        /// The configurations, one entry a resource.
        replacements: Vec<ConfigReplacement>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// Change finalised features: all of them or none. Answered by [`super::Answer::UpdateFeatures`].
    UpdateFeatures {
        /// The changes.
        updates: Vec<FeatureUpdate>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// A leader wants other in-sync replicas. Answered by [`super::Answer::AlterPartition`].
    AlterPartition(AlterPartition),
}

/// A topic to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// The name.
    pub name: String,
    /// The number of partitions, -1 for `num.partitions`, or when `assignments` are given.
    pub num_partitions: i32,
    /// The number of replicas, -1 for `default.replication.factor`, or when `assignments` are given.
    pub replication_factor: i16,
    /// Replicas chosen by hand: a partition's index and its brokers, the first preferred.
    pub assignments: Vec<(PartitionIndex, Vec<NodeId>)>,
    /// Configuration keys and values.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteTopic {
    /// By its name.
    Name(String),
    /// By its id.
    Id(Uuid),
}

/// Partitions to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitions {
    /// One entry a topic.
    pub topics: Vec<NewPartitions>,
    /// Only say what would happen.
    pub validate_only: bool,
}

/// Partitions to add to one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// The topic's name.
    pub name: String,
    /// The number of partitions that the topic shall have then.
    pub count: i32,
    /// The brokers of each new partition, when chosen by hand.
    pub assignments: Option<Vec<Vec<NodeId>>>,
}

/// A broker's introduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBroker {
    /// The broker's node id.
    pub id: NodeId,
    /// The cluster that it thinks it belongs to.
    pub cluster_id: String,
    /// The id of its process.
    pub incarnation_id: Uuid,
    /// Where it is reached.
    pub listeners: Vec<Endpoint>,
    /// The feature levels that it can work at.
    pub features: Vec<(String, VersionRange)>,
    /// Its rack.
    pub rack: Option<String>,
    /// Its log directories.
    pub log_dirs: Vec<Uuid>,
    /// The epoch that it had when it stopped cleanly, -1 otherwise. When it isn't the one that the
    /// controller knows, what the broker's replicas hold isn't trusted (KIP-966).
    pub previous_epoch: BrokerEpoch,
}

/// A broker's sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerHeartbeat {
    /// The broker's node id.
    pub id: NodeId,
    /// The epoch of its registration.
    pub epoch: BrokerEpoch,
    /// The offset of the last metadata record that it has applied.
    pub metadata_offset: Offset,
    /// It wants to be, or to stay, fenced.
    pub want_fence: bool,
    /// It wants to shut down.
    pub want_shutdown: bool,
    /// Log directories that failed.
    pub offline_log_dirs: Vec<Uuid>,
    /// Log directories that shall take no new replicas; `None` until it knows.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

/// What to do with one configuration key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOperation {
    /// Give it this value.
    Set(String),
    /// Take it out, so that the default holds again.
    Delete,
    /// Add these comma-separated entries to a list.
    Append(String),
    /// Take these comma-separated entries out of a list.
    Subtract(String),
}

/// A change of one configuration key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The key.
    pub name: String,
    /// The change.
    pub operation: ConfigOperation,
}

/// Changes of one resource's configuration: all of them or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigAlteration {
    /// The resource.
    pub resource: ConfigResource,
    /// The changes.
    pub changes: Vec<ConfigChange>,
}

/// All that shall be set for one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigReplacement {
    /// The resource.
    pub resource: ConfigResource,
    /// Keys and values. What isn't among them is taken out.
    pub configs: Vec<(String, String)>,
}

/// Which way a feature may go (KIP-584).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeType {
    /// Only up.
    Upgrade,
    /// Down, when nothing is lost by it.
    SafeDowngrade,
    /// Down, whatever is lost.
    UnsafeDowngrade,
}

/// A feature to finalise at another level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature's name.
    pub name: String,
    /// The level, 0 to turn it off.
    pub level: i16,
    /// Which way it may go.
    pub upgrade_type: UpgradeType,
}

/// A leader's wish for other in-sync replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartition {
    /// The leading broker.
    pub broker_id: NodeId,
    /// The epoch of its registration.
    pub broker_epoch: BrokerEpoch,
    /// The topics.
    pub topics: Vec<AlterPartitionTopic>,
}

/// The part of an [`AlterPartition`] that is about one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartitionTopic {
    /// The topic.
    pub topic_id: Uuid,
    /// Its partitions.
    pub partitions: Vec<IsrChange>,
}

/// The in-sync replicas that a leader wants for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrChange {
    /// The partition's index.
    pub partition: PartitionIndex,
    /// The epoch in which the broker leads.
    pub leader_epoch: LeaderEpoch,
    /// The partition epoch that the wish is based on.
    pub partition_epoch: i32,
    /// The new in-sync replicas.
    pub new_isr: Vec<IsrMember>,
    /// Whether the leader has recovered.
    pub leader_recovery_state: LeaderRecoveryState,
}

/// A replica in an ISR, with the broker epoch under which the leader saw it fetch (KIP-903).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrMember {
    /// The broker.
    pub broker_id: NodeId,
    /// The epoch of its registration, -1 to skip the check.
    pub broker_epoch: BrokerEpoch,
}
