//! What a partition is told, and what it wants done.

use std::path::PathBuf;
use std::sync::Arc;

use taffrail_log::{LogConfig, LogError};
use taffrail_metadata::PartitionRegistration;
use taffrail_model::{NodeId, Offset, TopicIdPartition};

use super::append::{Append, AppendRefusal, Appended};
use crate::storage::Remembered;

/// What a partition is made of.
#[derive(Clone, Debug)]
pub struct PartitionConfig {
    /// The partition.
    pub id: TopicIdPartition,
    /// This node.
    pub node_id: NodeId,
    /// The partition's directory.
    pub directory: PathBuf,
    /// What the topic's configuration asks of the log.
    pub log: LogConfig,
    /// Whether `cleanup.policy` holds `compact`: offsets may then be missing between batches, which recovery would
    /// otherwise take for lost data.
    pub is_compacted: bool,
    /// `min.insync.replicas`.
    pub min_isr: usize,
    /// What the last process left to know.
    pub remembered: Remembered,
}

/// What a partition is told. `R` is how the carrier remembers whom to answer.
#[derive(Debug)]
pub enum Event<R> {
    /// The controller's word on the partition.
    Assigned(Arc<PartitionRegistration>),
    /// The topic's configuration.
    Configured {
        /// What it asks of the log.
        log: LogConfig,
        /// `min.insync.replicas`.
        min_isr: usize,
    },
    /// All appends that have gathered: one write.
    Append(Vec<Append<R>>),
    /// Time for what is due by time: retention, forgetting producers.
    Maintain,
}

/// What a partition wants done, in this order.
#[derive(Debug)]
pub enum Effect<R> {
    /// Answer an append.
    Reply {
        /// Whom.
        reply: R,
        /// What became of it.
        result: Result<Appended, AppendRefusal>,
    },
    /// The high watermark moved: fetches that wait may go on.
    HighWatermark(Offset),
    /// What was written waits for a sync (`flush.messages=1`): [`begin_sync`](super::Partition::begin_sync), sync without the lock, [`synced`](super::Partition::synced).
    SyncWanted,
    /// The log can't be written any longer. Said once; from now on every append is refused.
    Offline(LogError),
}
