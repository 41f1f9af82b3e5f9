//! One look at a cluster: what the stores hold of it, and what its nodes say.
//!
//! Objects come from the stores, which know of every write of this process. Nodes are asked all at once
//! and each has a deadline; one that doesn't answer is told as such and holds up nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt as _};
use taffrail_admin_api::v1::Phase;
use taffrail_crds::KafkaCluster;
use taffrail_model::TopicName;

use super::names::{CLUSTER_LABEL, GRPC_PORT, NODE_ID_LABEL, REPLICATION_PORT};
use super::pod_conditions::is_ready;
use super::{NodeHealth, NodePhase, NodeReport, Observed, PartitionHealth, Stranger};
use crate::admin_client::node::{self, Health};
use crate::admin_client::{AdminClient, PartitionDescription};
use crate::context::Context;
use crate::stores::{ObjectKey, Store};

/// How long the brokers may take to describe all partitions.
const PARTITIONS_TIMEOUT: Duration = Duration::from_secs(5);

/// Looks at `cluster`.
pub async fn observe(context: &Context, cluster: Arc<KafkaCluster>) -> Observed {
    let namespace = cluster.namespace().unwrap_or_default();
    let name = cluster.name_any();
    let stores = &context.stores;
    let pods = bearing(&stores.pods, &namespace, &name);
    let (reports, partitions) = tokio::join!(reports(&pods), partitions(&pods));
    Observed {
        stateful_sets: bearing(&stores.stateful_sets, &namespace, &name),
        claims: bearing(&stores.claims, &namespace, &name),
        services: bearing(&stores.services, &namespace, &name),
        config_maps: bearing(&stores.config_maps, &namespace, &name),
        budgets: bearing(&stores.budgets, &namespace, &name),
        policies: bearing(&stores.policies, &namespace, &name),
        accounts: bearing(&stores.accounts, &namespace, &name),
        strangers: strangers(context, &ObjectKey::new(namespace, name)),
        pods,
        reports,
        partitions,
        rejections: Vec::new(),
        cluster,
    }
}

/// What bears the label of the cluster.
fn bearing<K>(store: &Store<K>, namespace: &str, cluster: &str) -> Vec<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone,
{
    store.select_in(namespace, |object| {
        object.labels().get(CLUSTER_LABEL).is_some_and(|label| label == cluster)
    })
}

/// What the operator made in the namespace for other clusters.
fn strangers(context: &Context, cluster: &ObjectKey) -> Vec<Stranger> {
    let stores = &context.stores;
    let mut strangers = Vec::new();
    strangers_in(&stores.stateful_sets, cluster, &mut strangers);
    strangers_in(&stores.claims, cluster, &mut strangers);
    strangers_in(&stores.services, cluster, &mut strangers);
    strangers_in(&stores.config_maps, cluster, &mut strangers);
    strangers_in(&stores.budgets, cluster, &mut strangers);
    strangers_in(&stores.policies, cluster, &mut strangers);
    strangers_in(&stores.accounts, cluster, &mut strangers);
    strangers
}

fn strangers_in<K>(store: &Store<K>, cluster: &ObjectKey, strangers: &mut Vec<Stranger>)
where
    K: Resource<DynamicType = ()> + Clone,
{
    let other =
        |object: &K| object.labels().get(CLUSTER_LABEL).is_some_and(|label| *label != cluster.name);
    strangers.extend(store.select_in(&cluster.namespace, other).iter().map(|object| Stranger {
        kind: K::kind(&()).into_owned(),
        name: object.name_any(),
        cluster: object.labels().get(CLUSTER_LABEL).cloned().unwrap_or_default(),
    }));
}

/// The pods that have an address and aren't over, by node id.
fn addresses(pods: &[Arc<Pod>]) -> BTreeMap<i32, String> {
    pods.iter()
        .filter_map(|pod| {
            let status = pod.status.as_ref()?;
            let is_over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
            let id = pod.labels().get(NODE_ID_LABEL)?.parse().ok()?;
            let address =
                status.pod_ip.clone().filter(|address| !address.is_empty() && !is_over)?;
            Some((id, address))
        })
        .collect()
}

/// Asks every node how it is.
async fn reports(pods: &[Arc<Pod>]) -> BTreeMap<i32, NodeReport> {
    let asked = addresses(pods).into_iter().map(async |(id, address)| {
        let report = match node::health(&taffrail_client::join(&address, GRPC_PORT)).await {
            Ok(health) => NodeReport::Answered(node_health(health)),
            Err(error) => NodeReport::Failed(error.to_string()),
        };
        (id, report)
    });
    join_all(asked).await.into_iter().collect()
}

fn node_health(health: Health) -> NodeHealth {
    let Health { state, recovery } = health;
    NodeHealth {
        phase: match state.phase() {
            Phase::Unspecified | Phase::Starting => NodePhase::Starting,
            Phase::Recovering => NodePhase::Recovering,
            Phase::Ready => NodePhase::Ready,
            Phase::Stopping => NodePhase::Stopping,
        },
        fenced: state.fenced,
        recovered_logs: recovery.recovered_logs,
        total_logs: recovery.total_logs,
        cluster_id: state.cluster_id,
        version: state.version,
        is_active_controller: state.is_active_controller,
    }
}

/// Asks one of the brokers that are ready of all partitions.
async fn partitions(pods: &[Arc<Pod>]) -> Option<PartitionHealth> {
    let ready: Vec<Arc<Pod>> = pods.iter().filter(|pod| is_ready(pod)).cloned().collect();
    let addresses: Vec<String> = addresses(&ready)
        .into_values()
        .map(|address| taffrail_client::join(&address, REPLICATION_PORT))
        .collect();
    if addresses.is_empty() {
        return None;
    }
    let mut client = AdminClient::new(addresses);
    match tokio::time::timeout(PARTITIONS_TIMEOUT, client.describe_partitions()).await {
        Ok(Ok(described)) => Some(partition_health(&described)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no broker described the partitions");
            None
        }
        Err(_) => {
            tracing::debug!("no broker described the partitions in time");
            None
        }
    }
}

/// Counts partitions. A replica holds its node up when its partition isn't whole: that is never too
/// few, and needs no configuration. Partitions with one replica leave no choice and aren't counted.
fn partition_health(described: &[PartitionDescription]) -> PartitionHealth {
    let mut health = PartitionHealth::default();
    let topics: BTreeSet<&TopicName> = described.iter().map(|partition| &partition.topic).collect();
    health.topics = i64::try_from(topics.len()).unwrap_or(i64::MAX);
    for partition in described {
        let is_short = partition.in_sync.len() < partition.replicas.len();
        health.partitions += 1;
        health.under_replicated += i64::from(is_short);
        health.offline += i64::from(partition.leader.is_none());
        if is_short {
            for node in &partition.in_sync {
                *health.blocked_by_node.entry(*node).or_default() += 1;
            }
        }
    }
    health
}
