//! What the API server last told of everything that the operator looks at, one watch for each kind and
//! namespace, shared by all controllers.
//!
//! Architecture Invariant: the watches never end while the process runs. An API server that is away, a
//! right that is missing, an object that doesn't parse: each is told once, and what is known stays.

mod key;
mod report;
mod store;
mod watch;

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolumeClaim, Pod, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use taffrail_crds::{KafkaCluster, KafkaUser, Rebalance, Topic};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use key::ObjectKey;
pub use store::Store;

use crate::metrics::Metrics;
use report::ServerReport;
use watch::Watches;

/// The label that everything carries that the operator made.
const OURS: &str = "app.kubernetes.io/managed-by=taffrail-operator";
/// `kubectl apply`'s copy of the object, which nobody here reads.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Where the operator looks for resources.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WatchScope {
    /// In every namespace.
    All,
    /// In these namespaces, and in no other.
    Namespaces(Vec<String>),
}

/// A store for each kind. Clones are handles to the same objects.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "each is named after the kind that it holds")]
pub struct Stores {
    pub clusters: Store<KafkaCluster>,
    pub topics: Store<Topic>,
    pub users: Store<KafkaUser>,
    pub rebalances: Store<Rebalance>,
    pub stateful_sets: Store<StatefulSet>,
    pub pods: Store<Pod>,
    pub claims: Store<PersistentVolumeClaim>,
    pub services: Store<Service>,
    pub config_maps: Store<ConfigMap>,
    pub budgets: Store<PodDisruptionBudget>,
    pub policies: Store<NetworkPolicy>,
    pub accounts: Store<ServiceAccount>,
    /// Fed only when every namespace is watched; else empty.
    pub namespaces: Store<Namespace>,
}

impl Stores {
    /// Keeps every store as the API server tells, until `shutdown`. The tasks end when they are dropped.
    pub fn watch(
        &self,
        client: &Client,
        scope: &WatchScope,
        metrics: &Metrics,
        shutdown: &CancellationToken,
    ) -> JoinSet<()> {
        let mut watches = Watches {
            client: client.clone(),
            metrics: metrics.clone(),
            server: Arc::new(ServerReport::default()),
            shutdown: shutdown.clone(),
            tasks: JoinSet::new(),
        };
        let namespaces: Vec<Option<&str>> = match scope {
            WatchScope::All => vec![None],
            WatchScope::Namespaces(names) => names.iter().map(|name| Some(name.as_str())).collect(),
        };
        for namespace in namespaces {
            watches.namespaced(&self.clusters, namespace, None);
            watches.namespaced(&self.topics, namespace, None);
            watches.namespaced(&self.users, namespace, None);
            watches.namespaced(&self.rebalances, namespace, None);
            watches.namespaced(&self.stateful_sets, namespace, Some(OURS));
            watches.namespaced(&self.pods, namespace, Some(OURS));
            watches.namespaced(&self.claims, namespace, Some(OURS));
            watches.namespaced(&self.services, namespace, Some(OURS));
            watches.namespaced(&self.config_maps, namespace, Some(OURS));
            watches.namespaced(&self.budgets, namespace, Some(OURS));
            watches.namespaced(&self.policies, namespace, Some(OURS));
            watches.namespaced(&self.accounts, namespace, Some(OURS));
        }
        if *scope == WatchScope::All {
            watches.cluster_scoped(&self.namespaces);
        }
        watches.tasks
    }

    /// Whether every store has been filled once.
    pub fn is_synced(&self) -> bool {
        self.clusters.is_synced()
            && self.topics.is_synced()
            && self.users.is_synced()
            && self.rebalances.is_synced()
            && self.namespaces.is_synced()
            && self.has_synced_objects()
    }

    fn has_synced_objects(&self) -> bool {
        self.stateful_sets.is_synced()
            && self.pods.is_synced()
            && self.claims.is_synced()
            && self.services.is_synced()
            && self.config_maps.is_synced()
            && self.budgets.is_synced()
            && self.policies.is_synced()
            && self.accounts.is_synced()
    }

    /// Waits until every store has been filled once. Nothing may be decided before.
    pub async fn synced(&self) {
        tokio::join!(
            self.clusters.synced(),
            self.topics.synced(),
            self.users.synced(),
            self.rebalances.synced(),
            self.stateful_sets.synced(),
            self.pods.synced(),
            self.claims.synced(),
            self.services.synced(),
            self.config_maps.synced(),
            self.budgets.synced(),
            self.policies.synced(),
            self.accounts.synced(),
            self.namespaces.synced(),
        );
    }
}

/// Drops what takes memory and nobody reads.
fn trim(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove(LAST_APPLIED);
    }
}
