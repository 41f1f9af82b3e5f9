//! `Rebalance`: one run of the balancer, like a Job.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClusterRef, schema};

/// One run of the balancer.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "taffrail.io",
    version = "v1beta1",
    kind = "Rebalance",
    doc = "One run of the balancer, like a Job.",
    plural = "rebalances",
    shortname = "tfr",
    category = "taffrail",
    namespaced,
    status = "RebalanceStatus",
    derive = "PartialEq",
    printcolumn(name = "Cluster", type_ = "string", json_path = r#".spec.clusterRef.name"#),
    printcolumn(name = "Operation", type_ = "string", json_path = r#".spec.operation.type"#),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = r#".metadata.creationTimestamp"#),
    printcolumn(name = "Plan", type_ = "string", json_path = r#".status.planHash"#, priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "self.operation == oldSelf.operation && self.onStop == oldSelf.onStop \
         && has(self.limits) == has(oldSelf.limits) && (!has(self.limits) || self.limits == oldSelf.limits) \
         && has(self.ttlAfterFinished) == has(oldSelf.ttlAfterFinished) \
         && (!has(self.ttlAfterFinished) || self.ttlAfterFinished == oldSelf.ttlAfterFinished)"
    )
    .message(
        "a Rebalance is one run, of which only approval and suspend can change: put the rest back, or make \
         another"
    )
)]
pub struct RebalanceSpec {
    /// The cluster that is balanced.
    pub cluster_ref: ClusterRef,
    /// What is asked for.
    pub operation: RebalanceOperation,
    /// Bounds of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RebalanceLimits>,
    /// Who says that the plan may be carried out.
    #[serde(default)]
    pub approval: Approval,
    /// Hold the run where it is.
    #[serde(default)]
    pub suspend: bool,
    /// What happens to moves in flight when the run is stopped.
    #[serde(default)]
    pub on_stop: OnStop,
    /// How long the resource stays after the run, as `168h`; for ever unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 32), regex(pattern = schema::DURATION))]
    pub ttl_after_finished: Option<String>,
}

/// What is asked of the balancer.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "(self.type == 'AddBrokers') == has(self.addBrokers)"
    )
    .message("addBrokers goes with type AddBrokers, and that type needs it: give both, or neither")
)]
#[x_kube(
    validation = Rule::new(
        "(self.type == 'RemoveBrokers') == has(self.removeBrokers)"
    )
    .message("removeBrokers goes with type RemoveBrokers, and that type needs it: give both, or neither")
)]
pub struct RebalanceOperation {
    /// The kind of operation.
    #[serde(rename = "type")]
    pub kind: OperationType,
    /// With AddBrokers: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_brokers: Option<BrokerList>,
    /// With RemoveBrokers: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_brokers: Option<BrokerList>,
}

/// The kinds of operations.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OperationType {
    /// Balance all brokers.
    Rebalance,
    /// Give partitions to new brokers.
    AddBrokers,
    /// Take all partitions from brokers that go.
    RemoveBrokers,
    /// Put leaders back on the preferred replicas.
    ElectPreferredLeaders,
}

/// Brokers by id.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerList {
    /// Their ids.
    #[serde(rename = "nodeIDs")]
    #[schemars(length(min = 1, max = 256))]
    #[schemars(inner(range(min = 0, max = 99_999)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub node_ids: Vec<i32>,
}

/// Bounds of a run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebalanceLimits {
    /// Bytes a second into and out of each broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::bytes")]
    pub bytes_per_second_per_broker: Option<Quantity>,
    /// Bytes in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::bytes")]
    pub max_bytes: Option<Quantity>,
}

/// Who says that a plan may be carried out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// A person or nobody.
    #[serde(default)]
    pub mode: ApprovalMode,
    /// With Manual: the hash of the plan that is approved, from the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"))]
    pub plan_hash: Option<String>,
}

/// Whether somebody has to approve.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ApprovalMode {
    /// A person writes the plan's hash into the spec.
    #[default]
    Manual,
    /// Nobody has to.
    Automatic,
}

/// What happens to moves in flight when a run is stopped.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnStop {
    /// They end, and no more begin.
    #[default]
    FinishInFlight,
    /// They are cancelled.
    Cancel,
}

/// What the operator saw.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebalanceStatus {
    /// The generation of the spec that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds, and what has to be done where it doesn't.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The hash of the proposed plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub plan_hash: Option<String>,
}
