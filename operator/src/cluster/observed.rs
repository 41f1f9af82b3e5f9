//! All that a plan is made from: what Kubernetes has under a cluster's labels, and what its nodes say.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use taffrail_crds::KafkaCluster;

/// One look at a cluster. The lists hold what bears the cluster's label in its namespace, in any order.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The resource.
    pub cluster: Arc<KafkaCluster>,
    /// Its nodes' StatefulSets.
    pub stateful_sets: Vec<Arc<StatefulSet>>,
    /// Its nodes' pods.
    pub pods: Vec<Arc<Pod>>,
    /// Its nodes' volumes.
    pub claims: Vec<Arc<PersistentVolumeClaim>>,
    /// Its Services.
    pub services: Vec<Arc<Service>>,
    /// Its ConfigMaps, the record of topics included.
    pub config_maps: Vec<Arc<ConfigMap>>,
    /// Its disruption budgets.
    pub budgets: Vec<Arc<PodDisruptionBudget>>,
    /// Its network policies.
    pub policies: Vec<Arc<NetworkPolicy>>,
    /// Its service accounts.
    pub accounts: Vec<Arc<ServiceAccount>>,
    /// What the operator made in the namespace for other clusters, so that no two clusters ever share
    /// an object whose name both would derive.
    pub strangers: Vec<Stranger>,
    /// What nodes said of themselves, by node id; absent for those that weren't asked.
    pub reports: BTreeMap<i32, NodeReport>,
    /// What a broker said of the partitions; `None` when none was asked or none answered.
    pub partitions: Option<PartitionHealth>,
    /// What the API server said when it refused to apply an object at the last attempt.
    pub rejections: Vec<Rejection>,
}

/// An object of another cluster in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// Its kind, such as `StatefulSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The cluster on its label.
    pub cluster: String,
}

/// An object that the API server refused to take as the last plan had it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejection {
    /// Its kind, such as `PersistentVolumeClaim`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What the API server said.
    pub message: String,
}

/// What came of asking a node over gRPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeReport {
    /// It answered.
    Answered(NodeHealth),
    /// It didn't, for this reason.
    Failed(String),
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeHealth {
    /// How far it has come.
    pub phase: NodePhase,
    /// Whether the active controller lets it lead nothing.
    pub fenced: bool,
    /// Logs that are open.
    pub recovered_logs: u64,
    /// Logs that have to be opened, when that is known.
    pub total_logs: Option<u64>,
    /// The cluster that its volumes belong to, once they have been read.
    pub cluster_id: Option<String>,
    /// The version of its program.
    pub version: String,
    /// Whether its controller is the active one.
    pub is_active_controller: bool,
}

/// How far a node has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodePhase {
    /// It reads its configuration, or waits for the controller.
    #[default]
    Starting,
    /// It opens and mends its logs.
    Recovering,
    /// It serves.
    Ready,
    /// It is on the way out.
    Stopping,
}

/// What a broker says of all partitions together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionHealth {
    /// How many topics there are.
    pub topics: i64,
    /// How many partitions they have.
    pub partitions: i64,
    /// Partitions with a replica that isn't in sync.
    pub under_replicated: i64,
    /// Partitions without a leader.
    pub offline: i64,
    /// For each node: partitions that would have fewer replicas in sync than they need if it stopped.
    /// Those whose replication factor leaves no choice aren't counted.
    pub blocked_by_node: BTreeMap<i32, i64>,
}
