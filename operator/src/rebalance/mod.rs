//! `Rebalance`: what it says is checked; acting upon it comes with clusters of several brokers.

pub mod controller;
mod fault;

use taffrail_crds::condition::Condition;
use taffrail_crds::{ClusterRef, KafkaCluster, Rebalance, RebalanceStatus};

use crate::stores::{Store, Stores};
use crate::unsupported::Unsupported;

impl Unsupported for Rebalance {
    type Status = RebalanceStatus;
    const KIND: &'static str = "Rebalance";
    const INSTEAD: &'static str = "clusters have one broker until replication comes, so there is nowhere to move \
        partitions to. Delete this resource and create it anew after an upgrade";

    fn store(stores: &Stores) -> &Store<Self> {
        &stores.rebalances
    }

    fn cluster_ref(&self) -> &ClusterRef {
        &self.spec.cluster_ref
    }

    fn fault(&self, cluster: &KafkaCluster) -> Option<String> {
        fault::fault(&self.spec, cluster)
    }

    fn status(&self) -> Option<(&RebalanceStatus, &[Condition])> {
        self.status.as_ref().map(|status| (status, status.conditions.as_slice()))
    }

    fn new_status(&self, conditions: Vec<Condition>) -> RebalanceStatus {
        RebalanceStatus {
            observed_generation: self.metadata.generation,
            conditions,
            plan_hash: None,
        }
    }
}
