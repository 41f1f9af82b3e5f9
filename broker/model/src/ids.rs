//! Numbers with a meaning. Offsets and epochs are aliases and not newtypes: they are added, compared
//! and put on the wire in every second line, and the field names say which is which.

use std::fmt;

use crate::{TopicName, Uuid};

/// The id of a node (broker, controller or both), as `node.id` sets it.
pub type NodeId = i32;
/// The position of a record in a partition.
pub type Offset = i64;
/// The epoch of a partition's leader, or of the quorum's; rises with each election.
pub type LeaderEpoch = i32;
/// The epoch of one registration of a broker: the offset of its registration record.
pub type BrokerEpoch = i64;
/// The index of a partition in its topic.
pub type PartitionIndex = i32;
/// The id of an idempotent or transactional producer.
pub type ProducerId = i64;
/// The epoch that fences older incarnations of a producer.
pub type ProducerEpoch = i16;

/// "No offset" on the wire.
pub const NO_OFFSET: Offset = -1;
/// "No node" on the wire.
pub const NO_NODE: NodeId = -1;
/// "No leader epoch" on the wire.
pub const NO_LEADER_EPOCH: LeaderEpoch = -1;
/// "Not idempotent" in a record batch.
pub const NO_PRODUCER_ID: ProducerId = -1;

/// A partition by its topic's id: the key inside Taffrail, since a name may come back as another topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicIdPartition {
    /// The topic's id.
    pub topic_id: Uuid,
    /// The partition's index.
    pub partition: PartitionIndex,
}

impl fmt::Display for TopicIdPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic_id, self.partition)
    }
}

/// A partition by its topic's name, as older clients, directories and people say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: TopicName,
    /// The partition's index.
    pub partition: PartitionIndex,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
