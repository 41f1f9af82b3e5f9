//! Policies: who may use a cluster, how restarts go through it, what the balancer may do by itself.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// The name of a principal. Kafka parts its list of them by semicolons.
const PRINCIPAL: &str = r"^[^;\s\x00-\x1f\x7f]([^;\x00-\x1f\x7f]*[^;\s\x00-\x1f\x7f])?$";

/// Who may do what.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// Users who may do everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 255), regex(pattern = PRINCIPAL)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub super_users: Vec<String>,
}

/// Namespaces whose resources may name this cluster.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "has(self.namespaceSelector) || (has(self.namespaces) && self.namespaces.size() > 0)"
    )
    .message("an entry of tenancy admits nobody: give it a namespaceSelector, or namespaces by name")
)]
pub struct Tenancy {
    /// The namespaces by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// The namespaces by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63), regex(pattern = schema::DNS_LABEL)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub namespaces: Vec<String>,
    /// The kinds that they may have.
    #[schemars(length(min = 1, max = 2))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub kinds: Vec<TenantKind>,
    /// What names of topics and users must start with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), regex(pattern = schema::TOPIC_NAME))]
    pub name_prefix: Option<String>,
}

/// A kind that other namespaces may have.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum TenantKind {
    /// Topics.
    Topic,
    /// Users.
    KafkaUser,
}

/// How restarts go through the cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// How many units may be down at a time.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable: i32,
    /// What goes down together.
    #[serde(default)]
    pub unit: RolloutUnit,
    /// How many nodes go first, and alone.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 100))]
    pub canary: i32,
}

fn one() -> i32 {
    1
}

impl Default for Rollout {
    fn default() -> Self {
        Self { max_unavailable: 1, unit: RolloutUnit::default(), canary: 1 }
    }
}

/// What goes down together in a rolling restart.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum RolloutUnit {
    /// One node.
    #[default]
    Node,
    /// The nodes of one rack.
    Rack,
}

/// What the balancer may do by itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balancing {
    /// How far it goes.
    #[serde(default)]
    pub mode: BalancingMode,
    /// What happens to partitions when nodes are added.
    #[serde(default)]
    pub on_scale_up: OnScaleUp,
    /// Bounds of what it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<BalancingLimits>,
}

/// How far the balancer goes by itself.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum BalancingMode {
    /// It does nothing. Its name outside isn't `Off`, which YAML takes for a boolean unless it is quoted.
    #[default]
    #[serde(rename = "Disabled")]
    Off,
    /// It proposes.
    Propose,
    /// It moves.
    Auto,
}

/// What happens to partitions when nodes are added.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnScaleUp {
    /// They stay where they are.
    #[default]
    Nothing,
    /// Some move to the new nodes.
    AddBrokers,
}

/// Bounds of what the balancer moves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancingLimits {
    /// Bytes a second into and out of each broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::bytes")]
    pub bytes_per_second_per_broker: Option<Quantity>,
}
