//! `KafkaUser`: what it says is checked; acting upon it comes with TLS and SCRAM.

pub mod controller;
mod fault;

use taffrail_crds::condition::Condition;
use taffrail_crds::{ClusterRef, KafkaCluster, KafkaUser, KafkaUserStatus};

use crate::stores::{Store, Stores};
use crate::unsupported::Unsupported;

impl Unsupported for KafkaUser {
    type Status = KafkaUserStatus;
    const KIND: &'static str = "KafkaUser";
    const INSTEAD: &'static str = "listeners have no authentication until TLS and SCRAM come, so every client is \
        anonymous. Limit who connects with the listener's exposure and the NetworkPolicy; this resource may stay \
        and takes effect after an upgrade";

    fn store(stores: &Stores) -> &Store<Self> {
        &stores.users
    }

    fn cluster_ref(&self) -> &ClusterRef {
        &self.spec.cluster_ref
    }

    fn fault(&self, _: &KafkaCluster) -> Option<String> {
        fault::fault(&self.spec)
    }

    fn status(&self) -> Option<(&KafkaUserStatus, &[Condition])> {
        self.status.as_ref().map(|status| (status, status.conditions.as_slice()))
    }

    fn new_status(&self, conditions: Vec<Condition>) -> KafkaUserStatus {
        KafkaUserStatus {
            observed_generation: self.metadata.generation,
            conditions,
            username: self.spec.username.clone().or_else(|| self.metadata.name.clone()),
        }
    }
}
