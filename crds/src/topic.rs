//! `Topic`: a topic of a cluster, kept as its spec says.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ClusterRef, schema};

/// A topic.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "taffrail.io",
    version = "v1beta1",
    kind = "Topic",
    doc = "A topic of a cluster, kept as its spec says.",
    plural = "topics",
    shortname = "tft",
    category = "taffrail",
    namespaced,
    status = "TopicStatus",
    derive = "PartialEq",
    printcolumn(name = "Cluster", type_ = "string", json_path = r#".spec.clusterRef.name"#),
    printcolumn(name = "Partitions", type_ = "integer", json_path = r#".status.partitions"#),
    printcolumn(name = "RF", type_ = "integer", json_path = r#".status.replicationFactor"#),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = r#".metadata.creationTimestamp"#),
    printcolumn(name = "Topic", type_ = "string", json_path = r#".status.topicName"#, priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    validation = Rule::new(
        "has(self.spec.topicName) || size(self.metadata.name) <= 249"
    )
    .message("a topic's name has at most 249 characters: shorten metadata.name, or give topicName")
    .field_path(".spec"),
    validation = Rule::new(
        "(has(self.spec.topicName) ? self.spec.topicName : self.metadata.name) \
         == (has(oldSelf.spec.topicName) ? oldSelf.spec.topicName : oldSelf.metadata.name)"
    )
    .message("topicName can't change: put the old one back, or make another resource for the other topic")
    .field_path(".spec.topicName")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "!has(oldSelf.partitions) || (has(self.partitions) && self.partitions >= oldSelf.partitions)"
    )
    .message(
        "partitions can't decrease, since Kafka takes none away: put the old number back, or make another topic"
    )
    .field_path(".partitions")
)]
pub struct TopicSpec {
    /// The cluster that has the topic.
    pub cluster_ref: ClusterRef,
    /// The topic's name in Kafka; the resource's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249), regex(pattern = schema::TOPIC_NAME))]
    #[x_kube(
        validation = Rule::new(
            "!(self in ['.', '..'])"
        )
        .message("a topic can't be called . or ..: give it another name")
    )]
    pub topic_name: Option<String>,
    /// How many partitions it has; the cluster's `num.partitions` unless given. They may grow, never shrink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub partitions: Option<i32>,
    /// How many replicas a partition has; the cluster's `default.replication.factor` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub replication_factor: Option<i32>,
    /// Whether the operator changes the topic or only reads it.
    #[serde(default)]
    pub management_policy: ManagementPolicy,
    /// What becomes of the topic when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// The topic's configuration, by Kafka's keys. Keys that aren't here take the cluster's default,
    /// but for those in `unmanagedConfig`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::config")]
    pub config: BTreeMap<String, Value>,
    /// Keys that others set and the operator leaves alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255), regex(pattern = schema::CONFIG_KEY)))]
    pub unmanaged_config: Vec<String>,
}

/// Whether the operator changes a topic.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ManagementPolicy {
    /// What the resource says wins.
    #[default]
    Manage,
    /// The operator reads, and changes nothing.
    Observe,
}

/// What becomes of a topic when its resource is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum DeletionPolicy {
    /// It stays, with its records.
    #[default]
    Retain,
    /// It is deleted, with its records.
    Delete,
}

/// What the operator saw.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicStatus {
    /// The generation of the spec that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds, and what has to be done where it doesn't.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The topic's name in Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 249))]
    pub topic_name: Option<String>,
    /// The topic's id: another id under the same name is another topic.
    #[serde(default, rename = "topicID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub topic_id: Option<String>,
    /// How many partitions it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// How many replicas its partitions have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_factor: Option<i32>,
}
