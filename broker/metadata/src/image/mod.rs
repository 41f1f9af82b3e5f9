//! The image: everything that the metadata log says, as persistent maps.
//!
//! A clone is a handful of reference counts, so that every published state, every speculative one and
//! the one to roll back to are images of their own.

mod broker;
mod loader;
mod metadata_image;
mod records;
mod replay;
mod resource;
mod security;
mod topic;

pub use broker::{BrokerRegistration, ControllerRegistration, Endpoint, SecurityProtocol};
pub use loader::{ImageLoader, Loaded};
pub use metadata_image::{MetadataImage, ProducerIdBlock};
pub use replay::ReplayError;
pub use resource::{ConfigResource, ResourceType};
pub use security::{AclEntry, ClientQuotaEntity, DelegationToken, ScramCredential};
pub use topic::{LeaderRecoveryState, PartitionRegistration, TopicImage};

pub(crate) use topic::NO_LEADER_CHANGE;
