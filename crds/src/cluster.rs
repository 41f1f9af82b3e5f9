//! `KafkaCluster`: nodes, their volumes, listeners and configuration.

mod listener;
mod policy;
mod pool;
mod status;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use listener::{
    AuthenticationType, Exposure, ExposureType, Listener, ListenerAuthentication, Tls, TlsMode,
};
pub use policy::{
    Authorization, Balancing, BalancingLimits, BalancingMode, OnScaleUp, Rollout, RolloutUnit,
    Tenancy, TenantKind,
};
pub use pool::{NodeLossPolicy, Pool, Role, Storage, Volume, VolumePolicy};
pub use status::{KafkaClusterStatus, ListenerAddress, ListenerStatus, NodeState, NodeStatus};

use crate::schema;

/// A version of Taffrail, which is a tag of its image as well.
const VERSION: &str = r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$";
/// Kafka's metadata.version, as `4.3-IV0` or `4.3`.
const METADATA_VERSION: &str = r"^[0-9]+\.[0-9]+(-IV[0-9]+)?$";
/// A UUID in URL-safe base64.
const CLUSTER_ID: &str = "^[A-Za-z0-9_-]{22}$";
/// A repository of images, with a registry and its port or without.
const REPOSITORY: &str = "^[a-zA-Z0-9]([a-zA-Z0-9._:/-]*[a-zA-Z0-9])?$";

/// A Kafka cluster.
#[derive(Clone, CustomResource, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "taffrail.io",
    version = "v1beta1",
    kind = "KafkaCluster",
    doc = "A Kafka cluster: its nodes, their volumes, its listeners and its configuration.",
    plural = "kafkaclusters",
    shortname = "tfc",
    category = "taffrail",
    namespaced,
    status = "KafkaClusterStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Nodes", type_ = "string", json_path = ".status.readyNodes"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "URP", type_ = "integer", json_path = ".status.underReplicatedPartitions"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    validation = Rule::new("size(self.metadata.name) <= 28").message(
        "metadata.name has at most 28 characters, so that the names made from it fit in 63: shorten it"
    ),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message(
        "metadata.name becomes a part of Services' names: begin it with a letter, and use a-z, 0-9 and - only"
    ),
    validation = Rule::new(
        "!has(self.spec.clusterID) || has(oldSelf.spec.clusterID) || !has(oldSelf.status) \
         || !has(oldSelf.status.clusterID) || self.spec.clusterID == oldSelf.status.clusterID"
    )
    .message("clusterID isn't the id that the cluster has: leave it out, or give the one in status.clusterID")
    .field_path(".spec.clusterID")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "self.pools.exists(p, p.roles.exists(r, r == 'Controller')) \
         && self.pools.exists(p, p.roles.exists(r, r == 'Broker'))"
    )
    .message(
        "a cluster needs controllers and brokers: give the role Controller to a pool, and the role Broker to \
         the same or another"
    )
    .field_path(".pools")
)]
#[x_kube(
    validation = Rule::new(
        "self.pools.size() <= 1 || self.pools.all(p, has(p.nodeIDs))"
    )
    .message(
        "with more than one pool each needs node ids of its own: give every pool nodeIDs, such as 0-9 and \
         100-199"
    )
    .field_path(".pools")
)]
#[x_kube(
    validation = Rule::new(
        "self.pools.map(p, p.replicas).sum() <= 1000"
    )
    .message("a cluster has at most 1000 nodes: lower the replicas of its pools")
    .field_path(".pools")
)]
#[x_kube(
    validation = Rule::new(
        "!has(oldSelf.clusterID) || (has(self.clusterID) && self.clusterID == oldSelf.clusterID)"
    )
    .message("clusterID can't change, since it is written on the volumes: put the old one back")
    .field_path(".clusterID")
)]
pub struct KafkaClusterSpec {
    /// The version of Taffrail that the nodes run; the operator's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 5, max = 64), regex(pattern = VERSION))]
    pub version: Option<String>,
    /// Another image than the operator's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Kafka's metadata.version. It is raised by an edit only, so that the image can still go back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 32), regex(pattern = METADATA_VERSION))]
    pub metadata_version: Option<String>,
    /// The cluster id: 22 characters. Generated unless given; given when a cluster is restored from its volumes.
    #[serde(default, rename = "clusterID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 22), regex(pattern = CLUSTER_ID))]
    pub cluster_id: Option<String>,
    /// The operator leaves the cluster as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Where a node's rack comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack: Option<Rack>,
    /// Groups of equal nodes.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    #[schemars(length(min = 1, max = 16))]
    pub pools: Vec<Pool>,
    /// Where clients come in.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_owned()]))]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(
        validation = Rule::new(
            "self.all(l, self.exists_one(m, m.port == l.port))"
        )
        .message("every listener needs a port of its own: give each another from 9092 to 9199")
    )]
    #[x_kube(
        validation = Rule::new(
            "self.all(l, !has(l.exposure.nodePort) \
             || self.exists_one(m, has(m.exposure.nodePort) && m.exposure.nodePort == l.exposure.nodePort))"
        )
        .message("two listeners ask for the same nodePort: give each another, or leave it out")
    )]
    pub listeners: Vec<Listener>,
    /// Kafka's own keys of `server.properties`, for every node. Keys that the operator owns are refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::config")]
    pub config: BTreeMap<String, Value>,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// Namespaces whose resources may name this cluster. Its own always may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub tenancy: Vec<Tenancy>,
    /// How restarts go through the cluster.
    #[serde(default)]
    pub rollout: Rollout,
    /// What the balancer may do by itself.
    #[serde(default)]
    pub balancing: Balancing,
}

/// An image and how to get it.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "!has(self.tag) || !has(self.digest)"
    )
    .message("an image has a tag or a digest, not both: leave one of them out")
)]
pub struct Image {
    /// The repository, with its registry if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = REPOSITORY))]
    pub repository: Option<String>,
    /// The tag; the version unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[a-zA-Z0-9_][a-zA-Z0-9._-]*$"))]
    pub tag: Option<String>,
    /// The digest, `sha256:…`, instead of a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 71, max = 135),
        regex(pattern = r"^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$")
    )]
    pub digest: Option<String>,
    /// When the kubelet pulls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<PullPolicy>,
    /// Names of Secrets with credentials for the registry, in the cluster's namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253), regex(pattern = schema::DNS_SUBDOMAIN)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub pull_secrets: Vec<String>,
}

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// Unless the node has it.
    IfNotPresent,
    /// Never; it has to be on the node.
    Never,
}

/// Where a node's rack comes from.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rack {
    /// The label of the Kubernetes node whose value is the rack.
    #[schemars(length(min = 1, max = 316), regex(pattern = schema::LABEL_KEY))]
    pub topology_key: String,
}
