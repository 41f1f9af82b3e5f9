//! The headless Service by which nodes are found, ready or not: they have to meet to become ready.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::{Blueprint, service_port};
use crate::cluster::names;

/// The Service that gives every pod its host name.
#[must_use]
pub fn nodes_service(blueprint: &Blueprint<'_>) -> Service {
    let cluster = &blueprint.cluster.name;
    let mut ports = vec![
        service_port("controller", names::CONTROLLER_PORT),
        service_port("replication", names::REPLICATION_PORT),
    ];
    let listeners = &blueprint.cluster.listeners;
    ports.extend(listeners.iter().map(|listener| service_port(&listener.name, listener.port)));
    ports.push(service_port("http", names::HTTP_PORT));
    ports.push(service_port("grpc", names::GRPC_PORT));
    Service {
        metadata: blueprint.metadata(names::nodes_service(cluster), names::cluster_labels(cluster)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(names::nodes_selector(cluster)),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
