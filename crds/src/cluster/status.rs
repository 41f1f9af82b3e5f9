//! The status of a cluster: what the operator saw.
//!
//! Its bounds are wide, for a status that the API server refuses tells nobody anything.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// What the operator saw.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaClusterStatus {
    /// The generation of the spec that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds, and what has to be done where it doesn't.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The cluster id.
    #[serde(default, rename = "clusterID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub cluster_id: Option<String>,
    /// The version that every node runs; absent while they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub version: Option<String>,
    /// A row for each node.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".to_owned()]))]
    #[schemars(length(max = 2000))]
    pub nodes: Vec<NodeStatus>,
    /// Nodes that are ready, of those that there should be: `1/1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub ready_nodes: Option<String>,
    /// Where clients connect.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    #[schemars(length(max = 32))]
    pub listeners: Vec<ListenerStatus>,
    /// The node that leads the controllers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum_leader: Option<i32>,
    /// Topics in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<i64>,
    /// Partitions in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i64>,
    /// Partitions with a replica that isn't in sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_replicated_partitions: Option<i64>,
}

/// One node as the operator saw it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The node id.
    pub id: i32,
    /// Its pod.
    #[schemars(length(max = 253))]
    pub pod: String,
    /// How it is.
    pub state: NodeState,
    /// What the operator does with it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub step: Option<String>,
    /// What keeps it from being ready or the operator from going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub blocker: Option<String>,
}

/// How a node is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum NodeState {
    /// Its pod doesn't run yet.
    #[default]
    Pending,
    /// Its process starts.
    Starting,
    /// It recovers its logs.
    Recovering,
    /// It serves.
    Ready,
    /// It runs and doesn't serve.
    NotReady,
    /// It can't run: see the blocker.
    Failed,
    /// It is stopped, as asked.
    Stopped,
}

/// Where clients connect.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerStatus {
    /// The listener's name.
    #[schemars(length(max = 63))]
    pub name: String,
    /// What a client takes as `bootstrap.servers`.
    #[schemars(length(max = 16384))]
    pub bootstrap_servers: String,
    /// Hosts and ports that bootstrap.
    #[serde(default)]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub addresses: Vec<ListenerAddress>,
}

/// A host and a port.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ListenerAddress {
    /// A name or an IP address.
    #[schemars(length(max = 253))]
    pub host: String,
    /// The port.
    pub port: i32,
}
