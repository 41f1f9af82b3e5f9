//! Whole passes: what becomes of topics, statuses and Events.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use serde_json::{Value, json};
use taffrail_crds::cluster::PullPolicy;
use taffrail_operator::context::Context;
use taffrail_operator::events::Recorder;
use taffrail_operator::metrics::Metrics;
use taffrail_operator::settings::Settings;
use taffrail_operator::stores::{ObjectKey, Stores};
use taffrail_operator::topic::pass::{self, Memory};
use taffrail_protocol::ApiKey;

use crate::fake_api::FakeApi;
use crate::fake_broker::FakeBroker;

/// The record of the cluster's topics.
pub(crate) const RECORD: &str = "/api/v1/namespaces/shop/configmaps/orders-topics";
/// The cluster.
pub(crate) const CLUSTER: &str = "/apis/taffrail.io/v1beta1/namespaces/shop/kafkaclusters/orders";

/// The Topics of its namespace.
pub(crate) const TOPICS: &str = "/apis/taffrail.io/v1beta1/namespaces/shop/topics";

/// A cluster `orders` in namespace `shop`, and the operator that looks after its topics.
pub(crate) struct World {
    pub(crate) api: FakeApi,
    pub(crate) broker: FakeBroker,
    pub(crate) context: Context,
    memory: Memory,
    has_broker: bool,
}

/// The path of a Topic.
pub(crate) fn topic_path(name: &str) -> String {
    format!("{TOPICS}/{name}")
}

impl World {
    pub(crate) async fn new() -> Self {
        let (api, broker) = (FakeApi::start().await, FakeBroker::start().await);
        let metrics = Metrics::new();
        let settings = Settings {
            broker_image: "taffrail/taffrail".to_owned(),
            pull_policy: PullPolicy::IfNotPresent,
            version: "0.1.0".to_owned(),
        };
        let context = Context {
            client: api.client.clone(),
            settings: Arc::new(settings),
            stores: Stores::default(),
            recorder: Recorder::new(api.client.clone(), "test", metrics.clone()),
            metrics,
        };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
        let namespace = api.state().put("/api/v1/namespaces/shop", namespace);
        let namespace: Namespace = serde_json::from_value(namespace).unwrap();
        context.stores.namespaces.wrote(namespace);
        let world = Self { api, broker, context, memory: Memory::default(), has_broker: true };
        world.put_cluster("cluster-uid", &json!({}));
        world
    }

    pub(crate) fn put_cluster(&self, uid: &str, spec: &Value) {
        let mut cluster = json!({
            "apiVersion": "taffrail.io/v1beta1", "kind": "KafkaCluster",
            "metadata": {"name": "orders", "namespace": "shop", "uid": uid},
            "spec": {"pools": [], "listeners": []},
        });
        set(&mut cluster["spec"], spec);
        let cluster = self.api.state().put(CLUSTER, cluster);
        self.context.stores.clusters.wrote(serde_json::from_value(cluster).unwrap());
    }

    /// Applies a Topic as a user does; an edit keeps its status.
    pub(crate) fn put_topic(&self, name: &str, spec: &Value) {
        self.put_topic_as(name, &format!("uid-{name}"), spec);
    }

    pub(crate) fn put_topic_as(&self, name: &str, uid: &str, spec: &Value) {
        let mut topic = json!({
            "apiVersion": "taffrail.io/v1beta1", "kind": "Topic",
            "metadata": {"name": name, "namespace": "shop", "uid": uid,
                         "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"clusterRef": {"name": "orders"}},
        });
        set(&mut topic["spec"], spec);
        let mut state = self.api.state();
        if let Some(old) =
            state.objects.get(&topic_path(name)).filter(|old| old["metadata"]["uid"] == uid)
        {
            topic["status"] = old["status"].clone();
        }
        let topic = state.put(&topic_path(name), topic);
        self.context.stores.topics.wrote(serde_json::from_value(topic).unwrap());
    }

    /// Deletes a Topic, as the watch tells.
    pub(crate) fn delete_topic(&self, name: &str) {
        self.api.state().objects.remove(&topic_path(name));
        self.context.stores.topics.deleted(&ObjectKey::new("shop", name));
    }

    /// The process dies, and another takes over.
    pub(crate) fn restart(&mut self) {
        self.memory = Memory::default();
    }

    pub(crate) async fn pass(&self) -> anyhow::Result<()> {
        let key = ObjectKey::new("shop", "orders");
        let addresses =
            if self.has_broker { vec![self.broker.address.clone()] } else { Vec::new() };
        pass::run(&self.context, &self.memory, &key, |_| addresses.clone()).await.map(drop)
    }

    /// A condition of a Topic: its status and reason.
    pub(crate) fn condition(&self, topic: &str, kind: &str) -> Option<(String, String)> {
        let state = self.api.state();
        let conditions =
            state.objects[&topic_path(topic)]["status"]["conditions"].as_array()?.clone();
        let found = conditions.into_iter().find(|condition| condition["type"] == kind)?;
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason")))
    }

    /// Expects the status and the reason of `Ready`.
    pub(crate) fn expect_ready(&self, topic: &str, status: &str, reason: &str) {
        let expect = Some((status.to_owned(), reason.to_owned()));
        let stored = self.api.state().objects[&topic_path(topic)]["status"].clone();
        assert_eq!(self.condition(topic, "Ready"), expect, "{topic}: {stored}");
    }

    /// A pass that finds nothing to do, on either side.
    pub(crate) async fn expect_idle(&self) {
        self.api.state().take_writes();
        self.broker.state().take_writes();
        self.pass().await.unwrap();
        assert_eq!(self.api.state().take_writes(), [""; 0]);
        assert_eq!(self.broker.state().take_writes(), []);
    }
}

fn set(spec: &mut Value, fields: &Value) {
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
}

#[tokio::test]
async fn topics_become_as_their_resources_say_and_stay_so() {
    let world = World::new().await;
    world.broker.state().put("old", 1, &[("retention.ms", "5"), ("max.message.bytes", "9")]);
    world.put_topic(
        "new",
        &json!({"partitions": 3, "config": {"cleanup.policy": ["compact", "delete"]}}),
    );
    world.put_topic("old", &json!({"partitions": 2, "config": {"retention.ms": 1000}}));
    world.pass().await.unwrap();
    {
        let broker = world.broker.state();
        assert_eq!(broker.topics["new"].partitions, 3);
        assert_eq!(broker.topics["new"].config["cleanup.policy"], "compact,delete");
        assert_eq!(broker.topics["old"].partitions, 2);
        let config: Vec<_> = broker.topics["old"].config.clone().into_iter().collect();
        assert_eq!(config, [("retention.ms".to_owned(), "1000".to_owned())]);
    }
    world.expect_ready("new", "True", "Ready");
    world.expect_ready("old", "True", "Ready");
    assert_eq!(world.api.state().objects[&topic_path("old")]["status"]["partitions"], 2);
    let mut events = std::mem::take(&mut world.api.state().events);
    events.sort();
    assert_eq!(events, ["ConfigChanged", "PartitionsAdded", "TopicCreated"]);
    assert!(!world.api.state().objects.contains_key(RECORD), "nothing is to be deleted");
    world.expect_idle().await;

    world
        .broker
        .state()
        .topics
        .get_mut("new")
        .unwrap()
        .config
        .insert("retention.ms".to_owned(), "1".to_owned());
    world.pass().await.unwrap();
    assert!(!world.broker.state().topics["new"].config.contains_key("retention.ms"));
    world.expect_idle().await;
}

#[tokio::test]
async fn what_is_refused_holds_up_nobody_else() {
    let world = World::new().await;
    world.put_topic("bad", &json!({"config": {"retention.ms": "soon"}}));
    world.put_topic("good", &json!({}));
    world.put_topic("twin", &json!({"topicName": "good"}));
    world.pass().await.unwrap();
    world.expect_ready("bad", "False", "ConfigRefused");
    world.expect_ready("good", "True", "Ready");
    world.expect_ready("twin", "False", "TopicConflict");
    assert!(world.condition("bad", "Stalled").is_some());
    assert_eq!(world.condition("good", "Stalled"), None);
    world.put_topic("bad", &json!({"config": {"retention.ms": "1000"}}));
    world.pass().await.unwrap();
    world.expect_ready("bad", "True", "Ready");
    assert_eq!(world.condition("bad", "Stalled"), None);
}

#[tokio::test]
async fn without_a_cluster_or_a_broker_topics_wait() {
    let mut world = World::new().await;
    world.put_topic("a", &json!({}));
    world.has_broker = false;
    world.pass().await.unwrap();
    world.expect_ready("a", "False", "ClusterNotReady");
    world.has_broker = true;
    world.broker.state().hang_ups = usize::MAX;
    world.pass().await.unwrap_err();
    world.expect_ready("a", "False", "ClusterNotReady");
    world.broker.state().hang_ups = 0;
    world.put_cluster("cluster-uid", &json!({"paused": true}));
    world.pass().await.unwrap();
    world.expect_ready("a", "False", "Paused");
    assert!(world.broker.state().topics.is_empty());
    world.context.stores.clusters.deleted(&ObjectKey::new("shop", "orders"));
    world.pass().await.unwrap();
    world.expect_ready("a", "False", "ClusterNotFound");
    world.put_cluster("cluster-uid", &json!({"paused": false}));
    world.pass().await.unwrap();
    world.expect_ready("a", "True", "Ready");
    world.expect_idle().await;
}

#[tokio::test]
async fn a_broker_without_a_request_is_told_of() {
    let world = World::new().await;
    world.broker.state().put("old", 1, &[]);
    world.broker.state().unserved.insert(ApiKey::IncrementalAlterConfigs);
    world.put_topic("old", &json!({"config": {"retention.ms": 1000}}));
    world.put_topic("new", &json!({}));
    world.pass().await.unwrap();
    world.expect_ready("old", "False", "NotSupported");
    world.expect_ready("new", "True", "Ready");
}
