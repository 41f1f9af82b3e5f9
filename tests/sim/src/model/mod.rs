//! What must be true of the node: the model that every run is compared with.
//!
//! It holds what clients were told, what was seen in the logs, and what of it has to survive which kind of stop.

mod committed;
mod history;
mod metadata;
mod ownership;

use std::collections::BTreeMap;

use taffrail_model::TopicIdPartition;

pub(crate) use self::committed::CommittedOffsets;
pub(crate) use self::history::{Acked, BatchKey, History, SentBatches};
pub(crate) use self::metadata::{MetadataModel, TopicState};
pub(crate) use self::ownership::Ownership;

/// How a life of the node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// In good order.
    Clean,
    /// The process ended, the machine went on.
    Kill,
    /// The machine lost power.
    Power,
}

/// The whole model.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) metadata: MetadataModel,
    pub(crate) histories: BTreeMap<TopicIdPartition, History>,
    pub(crate) sent: SentBatches,
    pub(crate) committed: CommittedOffsets,
    pub(crate) ownership: Ownership,
}
