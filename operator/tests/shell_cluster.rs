//! Reconciles of clusters against an API server in memory: what is written, in which order, and what
//! becomes of failures.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests own clocks and files"
)]

mod fake_api;

use std::sync::Arc;

use axum::http::Method;
use fake_api::{FakeApi, until};
use serde_json::{Value, json};
use taffrail_crds::cluster::PullPolicy;
use taffrail_operator::cluster::controller::Reconciler;
use taffrail_operator::context::Context;
use taffrail_operator::events::Recorder;
use taffrail_operator::metrics::Metrics;
use taffrail_operator::settings::Settings;
use taffrail_operator::stores::{ObjectKey, Stores, WatchScope};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CLUSTERS: &str = "/apis/taffrail.io/v1beta1/namespaces/shop/kafkaclusters";
const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";
const SERVICES: &str = "/api/v1/namespaces/shop/services";

fn cluster() -> Value {
    json!({
        "apiVersion": "taffrail.io/v1beta1", "kind": "KafkaCluster", "metadata": {},
        "spec": {
            "pools": [{
                "name": "nodes", "roles": ["Controller", "Broker"], "replicas": 1,
                "storage": {"volumes": [{"name": "data", "size": "10Gi"}]},
            }],
            "listeners": [{"name": "internal", "port": 9092}],
        },
    })
}

/// An API server with the cluster `orders`, and an operator that watches it.
struct Shop {
    api: FakeApi,
    context: Context,
    reconciler: Reconciler,
    _watches: JoinSet<()>,
}

impl Shop {
    async fn open() -> Self {
        let api = FakeApi::start().await;
        api.put(CLUSTERS, "orders", cluster());
        Self::open_with(api).await
    }

    async fn open_with(api: FakeApi) -> Self {
        let (stores, metrics) = (Stores::default(), Metrics::new());
        let scope = WatchScope::Namespaces(vec!["shop".into()]);
        let watches = stores.watch(&api.client, &scope, &metrics, &CancellationToken::new());
        stores.synced().await;
        let context = Context {
            client: api.client.clone(),
            settings: Arc::new(Settings {
                broker_image: "taffrail/taffrail".into(),
                pull_policy: PullPolicy::IfNotPresent,
                version: "0.1.0".into(),
            }),
            recorder: Recorder::new(api.client.clone(), "test", metrics.clone()),
            stores,
            metrics,
        };
        Self { reconciler: Reconciler::new(context.clone()), api, context, _watches: watches }
    }

    /// Reconciles once. What was written, events left aside.
    async fn reconcile(&self) -> (anyhow::Result<Option<std::time::Duration>>, Vec<String>) {
        let outcome = self.reconciler.reconcile(&ObjectKey::new("shop", "orders")).await;
        let writes =
            self.api.writes().into_iter().filter(|write| !write.ends_with(" events")).collect();
        (outcome, writes)
    }

    /// Reconciles until nothing is written any more.
    async fn settle(&self) {
        for _ in 0..5 {
            let (outcome, writes) = self.reconcile().await;
            outcome.expect("it succeeds");
            if writes.is_empty() {
                return;
            }
        }
        panic!("it goes on writing");
    }
}

fn position(writes: &[String], part: &str) -> usize {
    writes
        .iter()
        .position(|write| write.contains(part))
        .unwrap_or_else(|| panic!("no {part} in {writes:#?}"))
}

#[tokio::test]
async fn a_cluster_is_made_in_order() {
    let shop = Shop::open().await;
    let (outcome, writes) = shop.reconcile().await;
    outcome.expect("it succeeds");
    let stateful_set = position(&writes, "statefulsets/orders-nodes-0");
    for before in [
        "serviceaccounts/",
        "configmaps/",
        "persistentvolumeclaims/",
        "services/",
        "networkpolicies/",
    ] {
        assert!(position(&writes, before) < stateful_set, "{before} comes later: {writes:#?}");
    }
    assert_eq!(position(&writes, "kafkaclusters/orders/status"), writes.len() - 1, "{writes:#?}");
    assert_eq!(stateful_set, writes.len() - 2, "{writes:#?}");
    assert!(writes.iter().all(|write| write.starts_with("PATCH ")), "{writes:#?}");
}

#[tokio::test]
async fn a_second_reconcile_applies_nothing_and_a_third_writes_nothing() {
    let shop = Shop::open().await;
    let (outcome, first) = shop.reconcile().await;
    outcome.expect("it succeeds");
    let (outcome, second) = shop.reconcile().await;
    outcome.expect("it succeeds");
    assert!(second.iter().all(|write| write.ends_with("/status")), "{second:#?}");
    shop.settle().await;
    let counted = |kind: &str| shop.context.metrics.writes(kind, "apply");
    let applied = first.iter().filter(|write| !write.ends_with("/status")).count();
    let kinds = [
        "ServiceAccount",
        "ConfigMap",
        "PersistentVolumeClaim",
        "Service",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "StatefulSet",
    ];
    assert_eq!(kinds.into_iter().map(counted).sum::<u64>(), u64::try_from(applied).expect("few"));
}

#[tokio::test]
async fn a_restarted_operator_writes_nothing() {
    let shop = Shop::open().await;
    shop.settle().await;
    let again = Shop::open_with(shop.api.clone()).await;
    let (outcome, writes) = again.reconcile().await;
    outcome.expect("it succeeds");
    assert_eq!(writes, Vec::<String>::new());
}

#[tokio::test]
async fn what_others_change_or_delete_is_put_back() {
    let shop = Shop::open().await;
    shop.settle().await;
    shop.api.change(&format!("{CONFIG_MAPS}/orders-nodes-0"), |map| {
        map["data"]["server.properties"] = "node.id=7".into();
    });
    let key = ObjectKey::new("shop", "orders-nodes-0");
    until("the change", || {
        let map = shop.context.stores.config_maps.get(&key);
        map.and_then(|map| map.data.clone())
            .is_some_and(|data| data.values().any(|text| text == "node.id=7"))
    })
    .await;
    let (outcome, writes) = shop.reconcile().await;
    outcome.expect("it succeeds");
    assert!(writes.iter().any(|write| write == "PATCH configmaps/orders-nodes-0"), "{writes:#?}");
    assert!(!writes.iter().any(|write| write.contains("services/")), "{writes:#?}");
    shop.settle().await;
}

#[tokio::test]
async fn a_failure_ends_the_reconcile_before_what_leans_on_it() {
    let shop = Shop::open().await;
    shop.api.fail(Method::PATCH, "/configmaps/", 500);
    let (outcome, writes) = shop.reconcile().await;
    let error = format!("{:#}", outcome.expect_err("it fails"));
    assert!(
        error.contains("apply ConfigMap shop/orders-nodes-0") && error.contains("500"),
        "{error}"
    );
    assert!(!writes.iter().any(|write| write.contains("statefulsets/")), "{writes:#?}");
    let (outcome, writes) = shop.reconcile().await;
    outcome.expect("it succeeds");
    position(&writes, "statefulsets/orders-nodes-0");
}

#[tokio::test]
async fn a_conflict_is_no_failure() {
    let shop = Shop::open().await;
    shop.api.fail(Method::PATCH, "/services/", 409);
    let (outcome, _) = shop.reconcile().await;
    assert!(outcome.expect("a plan that is out of date").is_some(), "it is made anew soon");
    shop.settle().await;
}

#[tokio::test]
async fn what_the_api_server_refuses_is_told_and_the_rest_goes_on() {
    for code in [403, 422] {
        let shop = Shop::open().await;
        shop.api.fail(Method::PATCH, "/persistentvolumeclaims/", code);
        let (outcome, writes) = shop.reconcile().await;
        outcome.expect("it is told in the status");
        position(&writes, "statefulsets/orders-nodes-0");
        let status =
            shop.api.get(&format!("{CLUSTERS}/orders")).expect("it is there")["status"].to_string();
        assert!(status.contains("the test wants it so"), "{status}");
        shop.settle().await;
        let status =
            shop.api.get(&format!("{CLUSTERS}/orders")).expect("it is there")["status"].to_string();
        assert!(!status.contains("the test wants it so"), "{status}");
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_never_taken_over() {
    let api = FakeApi::start().await;
    api.put(CLUSTERS, "orders", cluster());
    let theirs =
        json!({"kind": "Service", "metadata": {}, "spec": {"selector": {"app": "theirs"}}});
    api.put(SERVICES, "orders-internal", theirs);
    let shop = Shop::open_with(api).await;
    shop.settle().await;
    let service = shop.api.get(&format!("{SERVICES}/orders-internal")).unwrap();
    assert_eq!(service["spec"], json!({"selector": {"app": "theirs"}}));
    let status = shop.api.get(&format!("{CLUSTERS}/orders")).unwrap()["status"].to_string();
    assert!(status.contains("isn't this cluster's"), "{status}");
}

#[tokio::test]
async fn no_node_starts_on_a_volume_that_is_somebody_elses() {
    let api = FakeApi::start().await;
    api.put(CLUSTERS, "orders", cluster());
    let theirs = json!({"kind": "PersistentVolumeClaim", "metadata": {}, "spec": {}});
    api.put("/api/v1/namespaces/shop/persistentvolumeclaims", "data-orders-nodes-0", theirs);
    let shop = Shop::open_with(api).await;
    for _ in 0..2 {
        let (outcome, writes) = shop.reconcile().await;
        outcome.expect("it is told in the status");
        assert!(!writes.iter().any(|write| write.contains("statefulsets/")), "{writes:#?}");
    }
    let status = shop.api.get(&format!("{CLUSTERS}/orders")).unwrap()["status"].to_string();
    assert!(status.contains("isn't this cluster's"), "{status}");
}

#[tokio::test]
async fn what_lost_its_labels_is_known_by_its_owner() {
    let shop = Shop::open().await;
    shop.settle().await;
    let path = format!("{SERVICES}/orders-internal");
    shop.api.change(&path, |service| service["metadata"]["labels"] = Value::Null);
    let key = ObjectKey::new("shop", "orders-internal");
    until("the change", || {
        shop.context
            .stores
            .services
            .get(&key)
            .is_some_and(|service| service.metadata.labels.is_none())
    })
    .await;
    shop.settle().await;
    let service = shop.api.get(&path).unwrap();
    assert_eq!(service["metadata"]["labels"]["taffrail.io/cluster"], "orders");
}

#[tokio::test]
async fn a_cluster_that_goes_meanwhile_is_no_failure() {
    let shop = Shop::open().await;
    shop.api.fail(Method::PATCH, "/kafkaclusters/orders/status", 404);
    shop.reconcile().await.0.expect("it is gone, and that is all");
    let gone = shop.reconciler.reconcile(&ObjectKey::new("shop", "never")).await;
    assert_eq!(gone.expect("nothing to do"), None);
}

#[tokio::test]
async fn a_paused_cluster_is_left_as_it_is() {
    let shop = Shop::open().await;
    shop.settle().await;
    shop.api.change(&format!("{CLUSTERS}/orders"), |cluster| {
        cluster["spec"]["paused"] = true.into();
        cluster["spec"]["listeners"][0]["port"] = 9099.into();
    });
    until("the pause", || {
        let cluster = shop.context.stores.clusters.get(&ObjectKey::new("shop", "orders"));
        cluster.is_some_and(|cluster| cluster.spec.paused)
    })
    .await;
    let (outcome, writes) = shop.reconcile().await;
    outcome.expect("it succeeds");
    assert!(writes.iter().all(|write| write == "PATCH kafkaclusters/orders/status"), "{writes:#?}");
}

#[tokio::test]
async fn an_invalid_neighbour_disturbs_nobody() {
    let api = FakeApi::start().await;
    let broken = json!({
        "apiVersion": "taffrail.io/v1beta1", "kind": "KafkaCluster", "metadata": {},
        "spec": {"pools": "many", "listeners": 3},
    });
    api.put(CLUSTERS, "broken", broken.clone());
    api.put(CLUSTERS, "orders", cluster());
    let shop = Shop::open_with(api).await;
    assert_eq!(shop.context.stores.clusters.len(), 1);
    shop.settle().await;
    shop.api.put(CLUSTERS, "later", broken);
    shop.api.put(CLUSTERS, "last", cluster());
    let last = ObjectKey::new("shop", "last");
    until("the cluster after the invalid one", || {
        shop.context.stores.clusters.get(&last).is_some()
    })
    .await;
    let later = ObjectKey::new("shop", "later");
    assert!(shop.context.stores.clusters.invalid(&later).is_some());
    shop.reconciler.reconcile(&last).await.expect("it succeeds");
    assert!(shop.api.get(&format!("{SERVICES}/last-nodes")).is_some());
}

#[tokio::test]
async fn watches_outlive_failures() {
    let api = FakeApi::start().await;
    api.put(CLUSTERS, "orders", cluster());
    for code in [403, 500, 404] {
        api.fail(Method::GET, "/kafkaclusters", code);
    }
    let shop = Shop::open_with(api).await;
    assert_eq!(shop.context.stores.clusters.len(), 1);
}
