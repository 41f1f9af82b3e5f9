//! `KafkaCluster`: from what is seen of a cluster to what has to be done about it.
//!
//! [`decide`] is the whole of it: [`validate()`] the spec, [`plan()`] against what is [`observed`], with
//! the objects that [`build`] makes of the spec. All of that is pure. It reads no clock, draws no random
//! number and keeps nothing between two calls, so that the truth is in Kubernetes and on the volumes alone.
//!
//! Invariants, each with a test: a plan that has been applied is followed by an empty one; a plan
//! has at most one step that takes a node away; nothing here can ask for a volume to be deleted, since no
//! type has a word for it; a spec that is refused changes nothing of what runs.
//!
//! Deliberately absent from the pure part: reading and writing, which the modules around it do.

pub mod apply;
pub mod build;
pub mod controller;
mod fingerprint;
pub mod names;
pub mod observe;
pub mod observed;
pub mod plan;
mod pod_conditions;
pub mod quantity;
pub mod validate;

use k8s_openapi::jiff::Timestamp;

pub use observed::{
    NodeHealth, NodePhase, NodeReport, Observed, PartitionHealth, Rejection, Stranger,
};
pub use plan::{Applied, EventDraft, EventKind, ObjectKind, ObjectRef, Plan, Step, plan};
pub use validate::{Invalid, InvalidReason, ValidatedCluster, validate};

use crate::settings::Settings;

/// What has to be done about a cluster as it was observed, at the time `now`.
#[must_use]
pub fn decide(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan {
    if observed.cluster.metadata.deletion_timestamp.is_some() {
        return plan::leaving(observed);
    }
    if plan::is_paused(&observed.cluster) {
        return plan::paused(observed, now);
    }
    match validate(&observed.cluster, settings) {
        Ok(cluster) => plan(observed, &cluster, now),
        Err(refusals) => plan::refused(observed, &refusals, now),
    }
}
