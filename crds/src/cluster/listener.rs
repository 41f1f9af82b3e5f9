//! Listeners: ports for clients, how they are reached and who may come in.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// A port for clients.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Its name. Kafka knows it in upper case.
    #[schemars(length(min = 1, max = 12), regex(pattern = schema::LABEL))]
    #[x_kube(
        validation = Rule::new(
            "!(self in ['controller', 'nodes', 'replication'])"
        )
        .message(
            "controller, nodes and replication are names of a cluster's own: give the listener another name"
        )
    )]
    #[x_kube(
        validation = Rule::new(
            "!self.matches('-[0-9]+$')"
        )
        .message(
            "a name that ends with - and a number is taken for a node's: end the listener's name otherwise"
        )
    )]
    pub name: String,
    /// The port that nodes listen on, 9092 to 9199.
    #[schemars(range(min = 9092, max = 9199))]
    pub port: i32,
    /// How clients reach it.
    #[serde(default)]
    pub exposure: Exposure,
    /// Whether connections are encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// How clients prove who they are.
    #[serde(default)]
    pub authentication: ListenerAuthentication,
}

/// How clients reach a listener.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "!has(self.nodePort) || self.type == 'NodePort'"
    )
    .message("nodePort goes with type NodePort only: change the type, or leave nodePort out")
    .field_path(".nodePort")
)]
pub struct Exposure {
    /// The kind of exposure.
    #[serde(default, rename = "type")]
    pub kind: ExposureType,
    /// The port on every Kubernetes node at which clients bootstrap; with NodePort only, chosen by
    /// Kubernetes unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<i32>,
}

/// The kind of exposure.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ExposureType {
    /// Inside Kubernetes, by service names.
    #[default]
    Internal,
    /// By a port of the Kubernetes nodes.
    NodePort,
}

/// Encryption of a listener.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Whether it is on.
    #[serde(default)]
    pub mode: TlsMode,
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum TlsMode {
    /// They are not.
    #[default]
    Disabled,
    /// They have to be.
    Required,
}

/// How a listener's clients prove who they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerAuthentication {
    /// The kind of proof.
    #[serde(default, rename = "type")]
    pub kind: AuthenticationType,
}

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum AuthenticationType {
    /// They don't.
    #[default]
    None,
    /// A password, by SCRAM-SHA-512.
    ScramSHA512,
    /// A certificate of their own.
    MutualTLS,
}
