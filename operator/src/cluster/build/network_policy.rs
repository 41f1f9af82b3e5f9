//! Who may connect to nodes, where the cluster's network enforces it.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Blueprint;
use crate::cluster::names;

/// Clients may come from anywhere to the listeners, and so may probes and scrapes to theirs. The ports
/// between nodes are for the nodes and the operator alone. What goes out isn't restricted.
#[must_use]
pub fn network_policy(blueprint: &Blueprint<'_>) -> NetworkPolicy {
    let cluster = &blueprint.cluster.name;
    let mut open: Vec<i32> =
        blueprint.cluster.listeners.iter().map(|listener| listener.port).collect();
    open.push(names::HTTP_PORT);
    let own = [names::CONTROLLER_PORT, names::REPLICATION_PORT, names::GRPC_PORT];
    let rules = vec![
        NetworkPolicyIngressRule { from: None, ports: Some(ports(&open)) },
        NetworkPolicyIngressRule {
            from: Some(vec![nodes(cluster), operator()]),
            ports: Some(ports(&own)),
        },
    ];
    NetworkPolicy {
        metadata: blueprint.metadata(cluster.clone(), names::cluster_labels(cluster)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labels(names::nodes_selector(cluster))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(rules),
            egress: None,
        }),
    }
}

fn nodes(cluster: &str) -> NetworkPolicyPeer {
    let pod_selector = Some(labels(names::nodes_selector(cluster)));
    NetworkPolicyPeer { pod_selector, ..NetworkPolicyPeer::default() }
}

/// The operator may run in any namespace.
fn operator() -> NetworkPolicyPeer {
    let name = BTreeMap::from([(names::NAME_LABEL.to_owned(), names::OPERATOR_NAME.to_owned())]);
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        pod_selector: Some(labels(name)),
        ip_block: None,
    }
}

fn labels(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), match_expressions: None }
}

fn ports(ports: &[i32]) -> Vec<NetworkPolicyPort> {
    let port = |port: &i32| NetworkPolicyPort {
        port: Some(IntOrString::Int(*port)),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    };
    ports.iter().map(port).collect()
}
