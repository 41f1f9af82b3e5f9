//! Taffrail's resources on Kubernetes, group `taffrail.io`, version `v1beta1`.
//!
//! A module for each kind holds its spec and status; [`condition`] what every status has. The
//! definitions that are applied to a cluster are generated from these types ([`definition`], `crdgen`)
//! into the files beside this crate, and a test keeps the two together.
//!
//! Invariants: changes within a version only add; every list and string is bounded, since the API
//! server prices rules by the largest value; every list that has names in it merges by name; every
//! rule's message says what is wrong and how to mend it.
//!
//! Deliberately absent: anything that decides. What a spec means is the operator's. So is what a schema
//! can't say: ranges of node ids that overlap, configuration keys that the operator owns.

#![expect(
    clippy::duplicated_attributes,
    reason = "columns of one type look like one attribute said twice"
)]
#![expect(unreachable_pub, reason = "the derives of kube put copies of the types into functions")]

pub mod cluster;
pub mod condition;
pub mod definition;
pub mod rebalance;
mod schema;
pub mod topic;
pub mod user;

pub use cluster::{KafkaCluster, KafkaClusterSpec, KafkaClusterStatus};
pub use rebalance::{Rebalance, RebalanceSpec, RebalanceStatus};
pub use topic::{Topic, TopicSpec, TopicStatus};
pub use user::{KafkaUser, KafkaUserSpec, KafkaUserStatus};

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The API group of every kind.
pub const GROUP: &str = "taffrail.io";
/// The one version there is.
pub const VERSION: &str = "v1beta1";

/// The cluster that a resource belongs to. It never changes.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "self.name == oldSelf.name && has(self.__namespace__) == has(oldSelf.__namespace__) \
         && (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)"
    )
    .message("clusterRef can't change: put it back, or make another resource for the other cluster")
)]
pub struct ClusterRef {
    /// The name of the KafkaCluster.
    #[schemars(length(min = 1, max = 28), regex(pattern = schema::LABEL))]
    pub name: String,
    /// Its namespace, if it isn't this resource's own. The cluster's `tenancy` has to admit this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = schema::DNS_LABEL))]
    pub namespace: Option<String>,
}
