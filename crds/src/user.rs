//! `KafkaUser`: somebody who connects, what they may do and how fast.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClusterRef, schema};

/// An address of a host, or `*`.
const HOST: &str = r"^(\*|[0-9a-fA-F.:]+)$";
/// The name of a resource of Kafka: anything that can be seen.
const RESOURCE_NAME: &str = r"^[^\x00-\x1f\x7f]+$";

/// A user.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "taffrail.io",
    version = "v1beta1",
    kind = "KafkaUser",
    doc = "Somebody who connects to a cluster, what they may do and how fast.",
    plural = "kafkausers",
    shortname = "tfu",
    category = "taffrail",
    namespaced,
    status = "KafkaUserStatus",
    derive = "PartialEq",
    printcolumn(name = "Cluster", type_ = "string", json_path = r#".spec.clusterRef.name"#),
    printcolumn(name = "User", type_ = "string", json_path = r#".status.username"#),
    printcolumn(name = "Authentication", type_ = "string", json_path = r#".spec.authentication.type"#),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = r#".metadata.creationTimestamp"#),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    validation = Rule::new(
        "(has(self.spec.username) ? self.spec.username : self.metadata.name) \
         == (has(oldSelf.spec.username) ? oldSelf.spec.username : oldSelf.metadata.name)"
    )
    .message("username can't change: put the old one back, or make another resource for the other user")
    .field_path(".spec.username"),
    validation = Rule::new(
        "self.spec.authentication.type != 'MutualTLS' \
         || size(has(self.spec.username) ? self.spec.username : self.metadata.name) <= 64"
    )
    .message(
        "the name in a certificate has at most 64 characters: shorten username, or metadata.name where there \
         is none"
    )
    .field_path(".spec")
)]
#[serde(rename_all = "camelCase")]
pub struct KafkaUserSpec {
    /// The cluster that the user belongs to.
    pub cluster_ref: ClusterRef,
    /// The user's name in Kafka; the resource's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = schema::USERNAME))]
    pub username: Option<String>,
    /// How the user proves who they are.
    pub authentication: UserAuthentication,
    /// What the user may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub acls: Vec<Acl>,
    /// How fast the user may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotas: Option<Quotas>,
    /// The Secret that the operator writes: username, password, sasl.jaas.config, ca.crt,
    /// bootstrap.servers. Named after the resource unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret: Option<SecretName>,
}

/// How a user proves who they are.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAuthentication {
    /// The kind of proof.
    #[serde(rename = "type")]
    pub kind: UserAuthenticationType,
}

/// The kind of proof.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum UserAuthenticationType {
    /// A password, by SCRAM-SHA-512.
    ScramSHA512,
    /// A certificate that the operator issues.
    MutualTLS,
}

/// One rule.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acl {
    /// Whether it allows or denies.
    #[serde(default)]
    pub effect: Effect,
    /// What it speaks of.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub operations: Vec<Operation>,
    /// On what.
    pub resource: AclResource,
    /// From which host; from every one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45), regex(pattern = HOST))]
    pub host: Option<String>,
}

/// Whether a rule allows or denies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Effect {
    /// It allows.
    #[default]
    Allow,
    /// It denies, and wins over those that allow.
    Deny,
}

/// Kafka's operations.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are Kafka's own")]
pub enum Operation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
    CreateTokens,
    DescribeTokens,
    TwoPhaseCommit,
}

/// What a rule is about.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "(self.type == 'Cluster') != has(self.name)"
    )
    .message("a resource has a name unless its type is Cluster: give the name, or leave it out with Cluster")
)]
#[x_kube(
    validation = Rule::new(
        "self.type != 'Cluster' || self.pattern == 'Literal'"
    )
    .message("there is one cluster and its name has no start: leave pattern out with type Cluster")
    .field_path(".pattern")
)]
pub struct AclResource {
    /// The kind of resource.
    #[serde(rename = "type")]
    pub kind: AclResourceType,
    /// Its name, or the start of it. Absent for the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = RESOURCE_NAME))]
    pub name: Option<String>,
    /// How the name is read.
    #[serde(default)]
    pub pattern: PatternType,
}

/// Kafka's kinds of resources.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are Kafka's own")]
pub enum AclResourceType {
    Topic,
    Group,
    Cluster,
    TransactionalId,
    DelegationToken,
}

/// How the name of a resource is read.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PatternType {
    /// As it stands; `*` is every name.
    #[default]
    Literal,
    /// As the start of names.
    Prefixed,
}

/// How fast a user may be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quotas {
    /// Bytes a second to each broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::bytes")]
    pub producer_bytes_per_second: Option<Quantity>,
    /// Bytes a second from each broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::bytes")]
    pub consumer_bytes_per_second: Option<Quantity>,
    /// Percent of a broker's time for requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub request_percentage: Option<i32>,
    /// Partitions created or deleted a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub controller_mutations_per_second: Option<i32>,
}

/// The name of a Secret.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct SecretName {
    /// The name.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DNS_SUBDOMAIN))]
    pub name: String,
}

/// What the operator saw.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaUserStatus {
    /// The generation of the spec that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds, and what has to be done where it doesn't.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The user's name in Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub username: Option<String>,
}
