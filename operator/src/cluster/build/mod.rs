//! The Kubernetes objects of a cluster, one kind a file.
//!
//! A [`Blueprint`] is a spec with its identity: the cluster id and the ids of the nodes. From the same
//! blueprint always come the same objects, to the byte. None of them is compared with anything here.

mod claims;
mod config_map;
mod disruption_budget;
mod listener_service;
mod network_policy;
mod nodes_service;
mod pod;
mod properties;
mod service_account;
mod stateful_set;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServicePort;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Resource;
use taffrail_crds::KafkaCluster;
use taffrail_crds::cluster::Role;

use super::names;
use super::validate::{ValidExposure, ValidPool, ValidatedCluster};
pub use claims::claim;
pub use config_map::config_map;
pub use disruption_budget::disruption_budget;
pub use listener_service::{bootstrap_service, node_service};
pub use network_policy::network_policy;
pub use nodes_service::nodes_service;
pub use service_account::service_account;
pub use stateful_set::stateful_set;

/// A spec with its identity.
#[derive(Clone, Debug)]
pub struct Blueprint<'a> {
    /// What the spec asks for.
    pub cluster: &'a ValidatedCluster,
    /// The id that every node of the cluster has on its volumes.
    pub cluster_id: String,
    /// The nodes, by id.
    pub nodes: Vec<Node<'a>>,
    /// The ports that Kubernetes gave to nodes, by listener and node id.
    pub node_ports: BTreeMap<(String, i32), i32>,
}

/// One node that there should be.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its id.
    pub id: i32,
    /// Its pool.
    pub pool: &'a ValidPool,
}

impl Node<'_> {
    /// Whether it has a role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.pool.roles.contains(&role)
    }
}

impl Blueprint<'_> {
    /// The name of a node's StatefulSet and ConfigMap.
    #[must_use]
    pub fn node_name(&self, node: &Node<'_>) -> String {
        names::node(&self.cluster.name, &node.pool.name, node.id)
    }

    /// The host name of a node inside Kubernetes.
    fn host(&self, node: &Node<'_>) -> String {
        let pod = names::pod(&self.cluster.name, &node.pool.name, node.id);
        names::pod_host(&self.cluster.name, &self.cluster.namespace, &pod)
    }

    /// What a node tells clients of where it is; `None` while Kubernetes hasn't given it every port.
    #[must_use]
    pub fn advertised_listeners(&self, node: &Node<'_>) -> Option<String> {
        let host = self.host(node);
        let mut advertised = vec![format!("REPLICATION://{host}:{}", names::REPLICATION_PORT)];
        for listener in &self.cluster.listeners {
            let name = names::kafka_listener(&listener.name);
            advertised.push(match listener.exposure {
                ValidExposure::Internal => format!("{name}://{host}:{}", listener.port),
                ValidExposure::NodePort(_) => {
                    let port = self.node_ports.get(&(listener.name.clone(), node.id))?;
                    format!("{name}://$(NODE_IP):{port}")
                }
            });
        }
        Some(advertised.join(","))
    }

    fn owner(&self) -> OwnerReference {
        OwnerReference {
            api_version: KafkaCluster::api_version(&()).into_owned(),
            kind: KafkaCluster::kind(&()).into_owned(),
            name: self.cluster.name.clone(),
            uid: self.cluster.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(false),
        }
    }

    /// The metadata of an object that goes with the cluster.
    fn metadata(&self, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name),
            namespace: Some(self.cluster.namespace.clone()),
            labels: Some(labels),
            owner_references: Some(vec![self.owner()]),
            ..ObjectMeta::default()
        }
    }

    fn node_labels(&self, node: &Node<'_>) -> BTreeMap<String, String> {
        names::node_labels(&self.cluster.name, &node.pool.name, node.id)
    }

    fn cluster_id_annotation(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(names::CLUSTER_ID_ANNOTATION.to_owned(), self.cluster_id.clone())])
    }
}

/// A port of a Service that leads to the port of the same number in the pod.
fn service_port(name: &str, port: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::Int(port)),
        ..ServicePort::default()
    }
}
