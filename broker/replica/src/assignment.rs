//! What the controller says of a partition.

use taffrail_model::{LeaderEpoch, NodeId, Offset};

/// A partition's registration as the controller published it, cut down to what a replica acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The leader, or `None` while there is none.
    pub leader: Option<NodeId>,
    /// Rises with each election.
    pub leader_epoch: LeaderEpoch,
    /// Rises with each change of the partition's registration.
    pub partition_epoch: i32,
    /// All replicas, preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The in-sync replicas.
    pub isr: Vec<NodeId>,
    /// `min.insync.replicas` of the topic.
    pub min_isr: usize,
    /// Where this node's log ends when the assignment arrives: the start of the new leader's epoch.
    pub log_end: Offset,
    /// How much of that log counts towards the high watermark: all of it, or with `flush.messages=1` what is synced.
    pub written_end: Offset,
}
