//! Pools: groups of equal nodes, where they run and what they keep their data on.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, ResourceRequirements, Toleration};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema;

/// Ids and ranges of ids, up to 99999, with commas between them.
const NODE_IDS: &str = "^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$";

/// A group of equal nodes.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// The pool's name, a part of its pods' names.
    #[schemars(length(min = 1, max = 12), regex(pattern = schema::LABEL))]
    pub name: String,
    /// What its nodes do.
    #[schemars(length(min = 1, max = 2))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(
        validation = Rule::new(
            "self == oldSelf"
        )
        .message(
            "the roles of a pool can't change: put them back, or make another pool and remove this one when \
             its nodes are empty"
        )
    )]
    pub roles: Vec<Role>,
    /// How many nodes there are.
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    /// The ids that its nodes take, lowest first: `0-9`, or several ranges with commas. Needed when
    /// there are several pools; `0-99` otherwise.
    #[serde(default, rename = "nodeIDs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = NODE_IDS))]
    pub node_ids: Option<String>,
    /// What its nodes keep their data on.
    pub storage: Storage,
    /// CPU and memory of a node's container. A broker sizes its buffers by its limit of memory: 1Gi, unless
    /// something is said about memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::resources")]
    pub resources: Option<ResourceRequirements>,
    /// Nodes of Kubernetes that may run them, by label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that they tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::tolerations")]
    pub tolerations: Vec<Toleration>,
    /// Where they run; apart from each other by host unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::affinity")]
    pub affinity: Option<Affinity>,
    /// Their priority class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DNS_SUBDOMAIN))]
    pub priority_class_name: Option<String>,
    /// Kafka's keys for the nodes of this pool; they win over the cluster's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::config")]
    pub config: BTreeMap<String, Value>,
}

/// What a node does.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum Role {
    /// Keeps the cluster's metadata.
    Controller,
    /// Keeps partitions and serves clients.
    Broker,
}

/// What a node keeps its data on.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// The volumes; each is a log directory, the first holds the metadata as well.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    #[schemars(length(min = 1, max = 16))]
    pub volumes: Vec<Volume>,
    /// What becomes of the volumes when the cluster is deleted.
    #[serde(default)]
    pub when_deleted: VolumePolicy,
    /// What becomes of a node's volumes when it is scaled away.
    #[serde(default)]
    pub when_scaled: VolumePolicy,
    /// What happens when a volume's disk is gone with its Kubernetes node.
    #[serde(default)]
    pub on_node_loss: NodeLossPolicy,
}

/// One volume of each node.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0"
    )
    .message(
        "a volume can't shrink: put its size back, or move the data to a smaller volume under another name"
    )
    .field_path(".size")
)]
#[x_kube(
    validation = Rule::new(
        "has(self.storageClassName) == has(oldSelf.storageClassName) \
         && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)"
    )
    .message(
        "the storage class of a volume can't change: put it back, or add a volume of the other class under \
         another name"
    )
    .field_path(".storageClassName")
)]
pub struct Volume {
    /// Its name, a part of the claim's name.
    #[schemars(length(min = 1, max = 12), regex(pattern = schema::LABEL))]
    #[x_kube(
        validation = Rule::new(
            "!(self in ['config', 'tmp'])"
        )
        .message("config and tmp are names of a node's own mounts: give the volume another name")
    )]
    pub name: String,
    /// How large it is. It may grow, never shrink.
    #[schemars(schema_with = "schema::size")]
    pub size: Quantity,
    /// The storage class; the cluster's default unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DNS_SUBDOMAIN))]
    pub storage_class_name: Option<String>,
}

/// What becomes of volumes that are no longer used.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum VolumePolicy {
    /// They stay, with all that is on them.
    #[default]
    Retain,
    /// They are deleted.
    Delete,
}

/// What happens when a volume's disk is gone for good.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum NodeLossPolicy {
    /// Wait for a person.
    #[default]
    Wait,
    /// Start the node with an empty volume when every partition has another replica in sync.
    Replace,
}
