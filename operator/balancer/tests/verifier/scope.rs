//! What an operation may move for a soft goal.

use taffrail_balancer::{Operation, Options};

use super::facts::Facts;
use super::state::State;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scope {
    /// Every replica of a topic that isn't excluded.
    All,
    /// What has to go alone.
    Stranded,
    /// Nothing: leadership changes, and nothing is copied.
    Leadership,
}

impl Scope {
    pub(super) fn of(facts: &Facts, options: &Options, before: &State) -> Self {
        match options.operation {
            Operation::Leaders | Operation::Demote(_) => Self::Leadership,
            Operation::Rebalance | Operation::AddBrokers(_) => {
                let mut replicas =
                    before.partitions.iter().flat_map(|partition| &partition.replicas);
                if replicas.any(|replica| !facts.is_online(replica)) {
                    Self::Stranded
                } else {
                    Self::All
                }
            }
            Operation::FixOffline
            | Operation::RemoveBrokers(_)
            | Operation::RemoveLogDirs(_)
            | Operation::ReplicationFactor { .. } => Self::Stranded,
        }
    }
}
