//! Where every replica is and who leads: what a plan changes.

use crate::model::Model;

/// Where the replicas of a model are and who leads, by the model's indices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Placement {
    /// By replica: the index of its broker, or [`NONE`].
    pub(crate) broker: Vec<u32>,
    /// By replica: the index of its log directory, or [`NONE`].
    pub(crate) log_dir: Vec<u32>,
    /// By partition: the index of the replica that leads, or [`NONE`].
    pub(crate) leader: Vec<u32>,
    /// By partition: whether the leader is put first in the replica list. Otherwise the order stays.
    pub(crate) leader_first: Vec<bool>,
}

impl Placement {
    /// Where everything is now.
    pub(crate) fn of(model: &Model) -> Self {
        Self {
            broker: model.replicas.iter().map(|replica| replica.broker).collect(),
            log_dir: model.replicas.iter().map(|replica| replica.log_dir).collect(),
            leader: model.partitions.iter().map(|partition| partition.leader).collect(),
            leader_first: vec![false; model.partitions.len()],
        }
    }
}
