//! Cluster metadata: what the cluster is (image), what changed (delta), and who decides (controller).
//!
//! The metadata log is the only truth. [`MetadataImage`] is what its records add up to; only
//! [`MetadataImage::replay`] changes an image, live and at load alike. [`Controller`] turns requests and
//! the passing of time into records; it is a pure room, stepped by events and answering with effects.
//! [`config`] owns every configuration key: its type, default, bounds, and how far it is honoured.
//!
//! Invariants, checked by tests here and by the simulator:
//! - replay is total (every record type has a meaning) and deterministic (same records, same
//!   [`MetadataImage::fingerprint`]);
//! - epochs only rise; a leader is in the ISR, the ISR in the replicas; a fenced broker leads nothing;
//! - what was published is committed: speculation never leaves the controller.
//!
//! Deliberately absent: I/O, clocks, randomness, request and response types, and authorisation, which
//! happens before a request comes here.

pub mod config;
mod controller;
mod delta;
mod features;
mod image;

pub use controller::{
    AllocatedProducerIds, AlterPartition, AlterPartitionTopic, AlteredConfig, AlteredPartition,
    AlteredPartitionTopic, Answer, AppendId, BootstrapRecords, BrokerHeartbeat,
    BrokerHeartbeatReply, ConfigAlteration, ConfigChange, ConfigOperation, ConfigReplacement,
    Controller, ControllerConfig, CreatePartitions, CreatedTopic, DeleteTopic, DeletedTopic,
    Effect, Event, FeatureUpdate, IsrChange, IsrMember, NewPartitions, NewTopic, Notice, Operation,
    PlacementError, Refusal, RegisterBroker, ReplyToken, SeededRandom, StripedPlacer, TopicCreated,
    UpdatedFeature, UpgradeType, UsableBroker, VersionedRecord,
};
pub use delta::{MetadataDelta, TopicDelta};
pub use features::{
    ELIGIBLE_LEADER_REPLICAS_VERSION, FeatureLevels, GROUP_VERSION, KRAFT_VERSION,
    METADATA_VERSION, MetadataVersion, SHARE_VERSION, STREAMS_VERSION, SupportedFeature,
    TRANSACTION_VERSION, VersionRange, supported_features,
};
pub use image::{
    AclEntry, BrokerRegistration, ClientQuotaEntity, ConfigResource, ControllerRegistration,
    DelegationToken, Endpoint, ImageLoader, LeaderRecoveryState, Loaded, MetadataImage,
    PartitionRegistration, ProducerIdBlock, ReplayError, ResourceType, ScramCredential,
    SecurityProtocol, TopicImage,
};
