//! The controller's room: requests and time become records, records become images.
//!
//! [`Controller::step`] is the only door. Decisions are functions of the speculative image, one file a
//! kind of request; none of them changes anything: they give back records and an answer.

mod activation;
mod alter_partition;
mod answer;
mod brokers;
mod configs;
mod decision;
mod election;
mod event;
mod features;
mod heartbeat;
mod leadership;
mod operation;
mod partition_change;
mod partitions;
mod placement;
mod producer_ids;
mod random;
mod room;
mod schedule;
mod sessions;
mod state;
mod topics;
mod versioned;

pub use activation::BootstrapRecords;
pub use answer::{
    AllocatedProducerIds, AlteredConfig, AlteredPartition, AlteredPartitionTopic, Answer,
    BrokerHeartbeatReply, CreatedTopic, DeletedTopic, Refusal, TopicCreated, UpdatedFeature,
};
pub use event::{AppendId, Effect, Event, Notice, ReplyToken};
pub use operation::{
    AlterPartition, AlterPartitionTopic, BrokerHeartbeat, ConfigAlteration, ConfigChange,
    ConfigOperation, ConfigReplacement, CreatePartitions, DeleteTopic, FeatureUpdate, IsrChange,
    IsrMember, NewPartitions, NewTopic, Operation, RegisterBroker, UpgradeType,
};
pub use placement::{PlacementError, StripedPlacer, UsableBroker};
pub use random::SeededRandom;
pub use room::{Controller, ControllerConfig};
pub use versioned::VersionedRecord;
