//! The Services by which clients come to a listener.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::{Blueprint, Node, service_port};
use crate::cluster::names;
use crate::cluster::validate::{ValidExposure, ValidListener};

/// The Service at which clients bootstrap: it leads to ready nodes alone.
#[must_use]
pub fn bootstrap_service(blueprint: &Blueprint<'_>, listener: &ValidListener) -> Service {
    let cluster = &blueprint.cluster.name;
    let mut port = service_port(&listener.name, listener.port);
    let kind = match listener.exposure {
        ValidExposure::Internal => "ClusterIP",
        ValidExposure::NodePort(node_port) => {
            port.node_port = node_port;
            "NodePort"
        }
    };
    let labels = with_listener(names::cluster_labels(cluster), listener);
    Service {
        metadata: blueprint.metadata(names::listener_service(cluster, &listener.name), labels),
        spec: Some(ServiceSpec {
            type_: Some(kind.to_owned()),
            selector: Some(names::nodes_selector(cluster)),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// The Service of one node on a listener that is reached from outside. It leads there whether the node is
/// ready or not: only the node itself can tell a client so.
#[must_use]
pub fn node_service(
    blueprint: &Blueprint<'_>,
    listener: &ValidListener,
    node: &Node<'_>,
) -> Service {
    let cluster = &blueprint.cluster.name;
    let name = names::node_listener_service(cluster, &listener.name, node.id);
    Service {
        metadata: blueprint.metadata(name, with_listener(blueprint.node_labels(node), listener)),
        spec: Some(ServiceSpec {
            type_: Some("NodePort".to_owned()),
            external_traffic_policy: Some("Local".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(names::node_selector(cluster, node.id)),
            ports: Some(vec![service_port(&listener.name, listener.port)]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn with_listener(
    mut labels: BTreeMap<String, String>,
    listener: &ValidListener,
) -> BTreeMap<String, String> {
    labels.insert(names::LISTENER_LABEL.to_owned(), listener.name.clone());
    labels
}
