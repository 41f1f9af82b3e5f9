//! A node's `server.properties`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use taffrail_crds::cluster::Role;

use super::{Blueprint, Node, properties};
use crate::cluster::names;

/// The ConfigMap of a node.
#[must_use]
pub fn config_map(blueprint: &Blueprint<'_>, node: &Node<'_>) -> ConfigMap {
    let text = properties::file(&properties_of(blueprint, node));
    ConfigMap {
        metadata: blueprint.metadata(blueprint.node_name(node), blueprint.node_labels(node)),
        data: Some(BTreeMap::from([(names::CONFIG_FILE.to_owned(), text)])),
        ..ConfigMap::default()
    }
}

/// The folder of a volume in the pod, in which the broker makes its own: file systems have a
/// `lost+found`, so that the mount itself isn't empty.
pub(super) fn mount_path(volume: &str) -> String {
    format!("{}/{volume}", names::DATA_DIR)
}

/// All that a node reads at its start: what the spec says, sizes that fit the number of brokers where
/// it doesn't, and what is the operator's own.
pub(super) fn properties_of(
    blueprint: &Blueprint<'_>,
    node: &Node<'_>,
) -> BTreeMap<String, String> {
    let mut properties = replication_defaults(blueprint);
    properties.extend(node.pool.config.clone());
    properties.extend(owned(blueprint, node));
    properties
}

/// Kafka's defaults are for three brokers. Internal topics couldn't be created with fewer.
fn replication_defaults(blueprint: &Blueprint<'_>) -> BTreeMap<String, String> {
    let brokers = blueprint.nodes.iter().filter(|node| node.is(Role::Broker)).count();
    let (replicas, in_sync) = (brokers.clamp(1, 3), brokers.clamp(1, 2));
    let defaults = [
        ("offsets.topic.replication.factor", replicas),
        ("share.coordinator.state.topic.min.isr", in_sync),
        ("share.coordinator.state.topic.replication.factor", replicas),
        ("transaction.state.log.min.isr", in_sync),
        ("transaction.state.log.replication.factor", replicas),
    ];
    defaults.into_iter().map(|(key, number)| (key.to_owned(), number.to_string())).collect()
}

fn owned(blueprint: &Blueprint<'_>, node: &Node<'_>) -> BTreeMap<String, String> {
    let volumes = &node.pool.volumes;
    let dirs: Vec<String> =
        volumes.iter().map(|volume| format!("{}/log", mount_path(&volume.name))).collect();
    let mut owned = BTreeMap::from([
        ("node.id", node.id.to_string()),
        ("process.roles", roles(node)),
        ("controller.quorum.voters", voters(blueprint)),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("inter.broker.listener.name", "REPLICATION".to_owned()),
        ("listeners", listeners(blueprint, node)),
        ("listener.security.protocol.map", protocols(blueprint)),
        ("log.dirs", dirs.join(",")),
        ("taffrail.http.listen", format!("0.0.0.0:{}", names::HTTP_PORT)),
        ("taffrail.grpc.listen", format!("0.0.0.0:{}", names::GRPC_PORT)),
    ]);
    if let Some(first) = dirs.into_iter().next() {
        owned.insert("metadata.log.dir", first);
    }
    owned.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn roles(node: &Node<'_>) -> String {
    let name = |role: &Role| match role {
        Role::Controller => "controller",
        Role::Broker => "broker",
    };
    node.pool.roles.iter().map(name).collect::<Vec<_>>().join(",")
}

fn voters(blueprint: &Blueprint<'_>) -> String {
    let controllers = blueprint.nodes.iter().filter(|node| node.is(Role::Controller));
    let voter = |node: &Node<'_>| {
        format!("{}@{}:{}", node.id, blueprint.host(node), names::CONTROLLER_PORT)
    };
    controllers.map(voter).collect::<Vec<_>>().join(",")
}

fn listeners(blueprint: &Blueprint<'_>, node: &Node<'_>) -> String {
    let mut listeners = Vec::new();
    if node.is(Role::Controller) {
        listeners.push(("CONTROLLER".to_owned(), names::CONTROLLER_PORT));
    }
    if node.is(Role::Broker) {
        listeners.push(("REPLICATION".to_owned(), names::REPLICATION_PORT));
        let clients = blueprint.cluster.listeners.iter();
        listeners
            .extend(clients.map(|listener| (names::kafka_listener(&listener.name), listener.port)));
    }
    let texts = listeners.into_iter().map(|(name, port)| format!("{name}://0.0.0.0:{port}"));
    texts.collect::<Vec<_>>().join(",")
}

fn protocols(blueprint: &Blueprint<'_>) -> String {
    let clients =
        blueprint.cluster.listeners.iter().map(|listener| names::kafka_listener(&listener.name));
    let all = ["CONTROLLER".to_owned(), "REPLICATION".to_owned()].into_iter().chain(clients);
    all.map(|name| format!("{name}:PLAINTEXT")).collect::<Vec<_>>().join(",")
}
