//! When which cluster's topics are looked after.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use taffrail_crds::KafkaCluster;
use taffrail_crds::cluster::NodeState;
use tokio_util::sync::CancellationToken;

use super::claims::cluster_of;
use super::pass::{self, Memory};
use crate::cluster::names::{REPLICATION_PORT, pod_host, topics_config_map};
use crate::context::Context;
use crate::queue::Queue;
use crate::stores::ObjectKey;

/// The kind, in the log and in metrics.
const KIND: &str = "Topic";
/// Clusters whose topics are looked after at a time.
const PARALLEL: usize = 4;

/// Looks after the topics of every cluster until `shutdown`. The stores have to be synced.
pub async fn run(context: Context, shutdown: CancellationToken) {
    let context = Arc::new(context);
    let queue = Queue::new();
    let memory = Arc::new(Memory::default());
    subscribe(&context, &memory, &queue);
    let metrics = context.metrics.clone();
    let reconcile = |cluster: ObjectKey| {
        let (context, memory) = (Arc::clone(&context), Arc::clone(&memory));
        async move { pass::run(&context, &memory, &cluster, broker_addresses).await }
    };
    queue.run(KIND, PARALLEL, &metrics, &shutdown, reconcile).await;
}

/// Where the brokers of `cluster` are that are ready.
#[must_use]
pub fn broker_addresses(cluster: &KafkaCluster) -> Vec<String> {
    let (Some(name), Some(namespace), Some(status)) =
        (&cluster.metadata.name, &cluster.metadata.namespace, &cluster.status)
    else {
        return Vec::new();
    };
    let ready = status.nodes.iter().filter(|node| node.state == NodeState::Ready);
    ready
        .map(|node| taffrail_client::join(&pod_host(name, namespace, &node.pod), REPLICATION_PORT))
        .collect()
}

fn subscribe(context: &Arc<Context>, memory: &Arc<Memory>, queue: &Queue) {
    // Of a resource that is gone only the metadata is left: which cluster it named has to be remembered, and
    // one that names another now concerns both.
    let named: Mutex<BTreeMap<ObjectKey, ObjectKey>> = Mutex::default();
    let (shared, memory, woken) = (Arc::clone(context), Arc::clone(memory), queue.clone());
    context.stores.topics.subscribe(move |metadata| {
        let key = ObjectKey::of(metadata);
        let now = shared.stores.topics.get(&key).map(|topic| cluster_of(&topic));
        if now.is_none() {
            memory.forget_told(&shared, metadata.uid.as_deref().unwrap_or_default());
        }
        let mut named = named.lock();
        let before = match now.clone() {
            Some(cluster) => named.insert(key, cluster),
            None => named.remove(&key),
        };
        for cluster in before.into_iter().chain(now) {
            woken.add(cluster);
        }
    });
    let woken = queue.clone();
    context.stores.clusters.subscribe(move |metadata| woken.add(ObjectKey::of(metadata)));
    // Labels of namespaces decide about tenants.
    let (clusters, woken) = (context.stores.clusters.clone(), queue.clone());
    context.stores.namespaces.subscribe(move |_| {
        for cluster in clusters.select(|cluster| !cluster.spec.tenancy.is_empty()) {
            woken.add(ObjectKey::of(&cluster.metadata));
        }
    });
    // Somebody else's hand in the record: it is read again, and written as it should be.
    let (clusters, woken) = (context.stores.clusters.clone(), queue.clone());
    context.stores.config_maps.subscribe(move |metadata| {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let is_record = |cluster: &KafkaCluster| {
            let name = cluster.metadata.name.as_deref().map(topics_config_map);
            name.is_some() && name == metadata.name
        };
        for cluster in clusters.select_in(namespace, is_record) {
            woken.add(ObjectKey::of(&cluster.metadata));
        }
    });
}
