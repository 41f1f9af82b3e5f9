//! The words that every room of Taffrail shares: ids, offsets, epochs, time and error codes.
//!
//! Architecture Invariant: this crate has no dependencies and knows neither wire formats nor I/O.

mod error_code;
mod ids;
mod java_hash;
mod time;
mod topic_name;
mod uuid;

pub use error_code::ErrorCode;
pub use ids::{
    BrokerEpoch, LeaderEpoch, NO_LEADER_EPOCH, NO_NODE, NO_OFFSET, NO_PRODUCER_ID, NodeId, Offset,
    PartitionIndex, ProducerEpoch, ProducerId, TopicIdPartition, TopicPartition,
};
pub use java_hash::{java_string_hash, partition_for_key};
pub use time::{Mono, Now, Timestamp};
pub use topic_name::{GROUP_METADATA_TOPIC, InvalidTopicName, TRANSACTION_STATE_TOPIC, TopicName};
pub use uuid::{ParseUuidError, Uuid};
