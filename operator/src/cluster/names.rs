//! Every name, label, annotation and port of what a cluster is made of.
//!
//! Names, selectors and labels are a promise: volumes are found again by them, and Kubernetes doesn't
//! let most of them change. Validation keeps the parts so short that each name fits in 63 characters.

use std::collections::BTreeMap;

/// Who applies: the field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "taffrail-operator";
/// The container of a node's pod.
pub const CONTAINER: &str = "kafka";

/// Label: the cluster that an object belongs to.
pub const CLUSTER_LABEL: &str = "taffrail.io/cluster";
/// Label: the pool of a node's object.
pub const POOL_LABEL: &str = "taffrail.io/pool";
/// Label: the node id of a node's object.
pub const NODE_ID_LABEL: &str = "taffrail.io/node-id";
/// Label of the listener that a Service is for.
pub const LISTENER_LABEL: &str = "taffrail.io/listener";
/// Label of the volume that a claim is for.
pub const VOLUME_LABEL: &str = "taffrail.io/volume";
/// Label of everything that the operator makes: see [`FIELD_MANAGER`] for its value.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Label: what an object is, [`NODE_COMPONENT`] or [`CLUSTER_COMPONENT`].
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";
/// The component of what belongs to one node.
pub const NODE_COMPONENT: &str = "node";
/// The component of what belongs to the cluster as a whole.
pub const CLUSTER_COMPONENT: &str = "cluster";
/// The label by which the operator's own pods are known.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";
/// The value of [`NAME_LABEL`] on the operator's own pods.
pub const OPERATOR_NAME: &str = "taffrail-operator";
/// The value of [`NAME_LABEL`] on what clusters are made of.
pub const PRODUCT_NAME: &str = "taffrail";
/// The label of which Kubernetes makes a StatefulSet's revision known on a pod.
pub const REVISION_LABEL: &str = "controller-revision-hash";

/// Annotation: the cluster id, on StatefulSets and claims.
pub const CLUSTER_ID_ANNOTATION: &str = "taffrail.io/cluster-id";
/// Annotation of a pod template: a hash of the configuration that the pod starts with.
pub const CONFIG_HASH_ANNOTATION: &str = "taffrail.io/config-hash";
/// Annotation of a pod template: a hash of each key, so that a restart can say which keys changed.
pub const CONFIG_KEYS_ANNOTATION: &str = "taffrail.io/config-keys";
/// Annotation: a hash of what the operator applied, so that a field that is no longer asked for goes.
pub const APPLIED_HASH_ANNOTATION: &str = "taffrail.io/applied-hash";
/// Annotation of a KafkaCluster: with the value `true` the operator leaves it as it is.
pub const PAUSE_ANNOTATION: &str = "taffrail.io/pause";

/// The port of the controllers.
pub const CONTROLLER_PORT: i32 = 9090;
/// The port on which nodes, and the operator, speak to brokers.
pub const REPLICATION_PORT: i32 = 9091;
/// The ports that listeners of the spec may have.
pub const CLIENT_PORTS: std::ops::RangeInclusive<i32> = 9092..=9199;
/// The port of probes and metrics.
pub const HTTP_PORT: i32 = 9644;
/// The port of gRPC.
pub const GRPC_PORT: i32 = 9645;

/// Where the configuration is mounted.
pub const CONFIG_DIR: &str = "/etc/taffrail";
/// The configuration's file, and its key in the ConfigMap.
pub const CONFIG_FILE: &str = "server.properties";
/// Where volumes are mounted, each in a folder of its name.
pub const DATA_DIR: &str = "/var/lib/taffrail";

/// A node's StatefulSet and ConfigMap.
#[must_use]
pub fn node(cluster: &str, pool: &str, id: i32) -> String {
    format!("{cluster}-{pool}-{id}")
}

/// A node's pod.
#[must_use]
pub fn pod(cluster: &str, pool: &str, id: i32) -> String {
    format!("{cluster}-{pool}-{id}-0")
}

/// The claim of one of a node's volumes.
#[must_use]
pub fn claim(volume: &str, cluster: &str, pool: &str, id: i32) -> String {
    format!("{volume}-{cluster}-{pool}-{id}")
}

/// The headless Service of all nodes, ready or not.
#[must_use]
pub fn nodes_service(cluster: &str) -> String {
    format!("{cluster}-nodes")
}

/// The Service at which a listener's clients bootstrap.
#[must_use]
pub fn listener_service(cluster: &str, listener: &str) -> String {
    format!("{cluster}-{listener}")
}

/// The Service of one node on a listener that is reached from outside.
#[must_use]
pub fn node_listener_service(cluster: &str, listener: &str, id: i32) -> String {
    format!("{cluster}-{listener}-{id}")
}

/// The service account of the nodes' pods.
#[must_use]
pub fn service_account(cluster: &str) -> String {
    format!("{cluster}-node")
}

/// The record of topics whose resources ask for deletion. It isn't this room's, and never an orphan.
#[must_use]
pub fn topics_config_map(cluster: &str) -> String {
    format!("{cluster}-topics")
}

/// The name by which a pod is reached inside Kubernetes, ready or not.
#[must_use]
pub fn pod_host(cluster: &str, namespace: &str, pod: &str) -> String {
    format!("{pod}.{}.{namespace}.svc", nodes_service(cluster))
}

/// What Kafka calls a listener of the spec.
#[must_use]
pub fn kafka_listener(listener: &str) -> String {
    listener.to_ascii_uppercase().replace('-', "_")
}

/// The labels of what belongs to the cluster as a whole.
#[must_use]
pub fn cluster_labels(cluster: &str) -> BTreeMap<String, String> {
    labels(cluster, CLUSTER_COMPONENT)
}

/// The labels of what belongs to one node.
#[must_use]
pub fn node_labels(cluster: &str, pool: &str, id: i32) -> BTreeMap<String, String> {
    let mut labels = labels(cluster, NODE_COMPONENT);
    labels.insert(POOL_LABEL.to_owned(), pool.to_owned());
    labels.insert(NODE_ID_LABEL.to_owned(), id.to_string());
    labels
}

fn labels(cluster: &str, component: &str) -> BTreeMap<String, String> {
    BTreeMap::from(
        [
            (NAME_LABEL, PRODUCT_NAME),
            ("app.kubernetes.io/instance", cluster),
            (COMPONENT_LABEL, component),
            (MANAGED_BY_LABEL, FIELD_MANAGER),
            (CLUSTER_LABEL, cluster),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    )
}

/// Selects the pods of all nodes of a cluster.
#[must_use]
pub fn nodes_selector(cluster: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (CLUSTER_LABEL.to_owned(), cluster.to_owned()),
        (COMPONENT_LABEL.to_owned(), NODE_COMPONENT.to_owned()),
    ])
}

/// Selects the pod of one node.
#[must_use]
pub fn node_selector(cluster: &str, id: i32) -> BTreeMap<String, String> {
    let mut selector = nodes_selector(cluster);
    selector.insert(NODE_ID_LABEL.to_owned(), id.to_string());
    selector
}
