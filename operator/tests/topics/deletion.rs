//! Topics that go with their resources, and all the cases in which they don't.

use std::time::Duration;

use serde_json::{Value, json};
use taffrail_operator::stores::ObjectKey;
use taffrail_protocol::ApiKey;

use crate::pass::{CLUSTER, RECORD, TOPICS, World, topic_path};

/// A world with a topic `a` that goes with its resource.
async fn world() -> World {
    let world = World::new().await;
    world.put_topic("a", &json!({"deletionPolicy": "Delete"}));
    world.pass().await.unwrap();
    world.expect_ready("a", "True", "Ready");
    assert_eq!(entry(&world, "uid-a")["topic"], "a");
    world.expect_idle().await;
    world
}

fn entry(world: &World, uid: &str) -> Value {
    let state = world.api.state();
    let Some(record) = state.objects.get(RECORD) else { return Value::Null };
    let entry = record["data"][uid].as_str().unwrap_or("null");
    serde_json::from_str(entry).unwrap()
}

/// Lets time pass, beyond what a resource has to be gone for.
async fn wait() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
}

/// Two passes with time between them.
async fn twice(world: &World) {
    world.pass().await.unwrap();
    wait().await;
    world.pass().await.unwrap();
}

fn has_topic(world: &World) -> bool {
    world.broker.state().topics.contains_key("a")
}

#[tokio::test]
async fn a_topic_goes_with_its_resource() {
    let world = world().await;
    world.delete_topic("a");
    world.pass().await.unwrap();
    world.pass().await.unwrap();
    assert!(has_topic(&world), "it hasn't been gone for long");
    wait().await;
    world.pass().await.unwrap();
    assert!(!has_topic(&world));
    assert!(!world.api.state().objects.contains_key(RECORD), "an empty record has no object");
    assert!(world.api.state().events.contains(&"TopicDeleted".to_owned()));
    world.expect_idle().await;
}

#[tokio::test]
async fn the_record_is_written_before_the_topic_is_made() {
    let world = World::new().await;
    world.put_topic("a", &json!({"deletionPolicy": "Delete"}));
    world.api.state().broken.push(RECORD.to_owned());
    world.pass().await.unwrap_err();
    assert_eq!(world.broker.state().take_writes(), [], "nothing is made that isn't recorded");
    world.expect_ready("a", "False", "ClusterNotReady");
    world.api.state().broken.clear();
    world.pass().await.unwrap();
    let id = world.broker.state().topics["a"].id.to_string();
    assert_eq!(entry(&world, "uid-a")["topicID"], id.as_str());
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_is_made_good() {
    let mut world = World::new().await;
    world.put_topic("a", &json!({"deletionPolicy": "Delete"}));
    // The process ends before the broker takes the request that makes the topic.
    world.broker.state().unserved.insert(ApiKey::CreateTopics);
    world.pass().await.unwrap();
    assert_eq!(entry(&world, "uid-a")["topicID"], Value::Null, "entered, not made");
    // It was made all the same, and the entry was never completed.
    world.broker.state().unserved.clear();
    let id = world.broker.state().put("a", 1, &[]).to_string();
    world.restart();
    world.pass().await.unwrap();
    assert_eq!(entry(&world, "uid-a")["topicID"], id.as_str());
    // The topic was deleted, and its entry wasn't.
    world.delete_topic("a");
    world.broker.state().topics.clear();
    twice(&world).await;
    assert_eq!(entry(&world, "uid-a"), Value::Null);
    world.expect_idle().await;
}

#[tokio::test]
async fn an_entry_without_an_id_deletes_nothing() {
    let world = World::new().await;
    world.put_topic("a", &json!({"deletionPolicy": "Delete"}));
    world.broker.state().unserved.insert(ApiKey::CreateTopics);
    world.pass().await.unwrap();
    world.broker.state().unserved.clear();
    world.delete_topic("a");
    world.broker.state().put("a", 1, &[]);
    twice(&world).await;
    assert!(has_topic(&world));
    assert_eq!(entry(&world, "uid-a"), Value::Null);
}

#[tokio::test]
async fn a_process_that_starts_anew_waits_anew() {
    let mut world = world().await;
    world.delete_topic("a");
    world.pass().await.unwrap();
    wait().await;
    world.restart();
    world.pass().await.unwrap();
    assert!(has_topic(&world));
    wait().await;
    world.pass().await.unwrap();
    assert!(!has_topic(&world));
}

#[tokio::test]
async fn a_topic_that_is_kept_after_all_stays() {
    let world = world().await;
    world.put_topic("a", &json!({"deletionPolicy": "Retain"}));
    // The entry goes even while no broker answers.
    world.broker.state().hang_ups = usize::MAX;
    world.pass().await.unwrap_err();
    assert_eq!(entry(&world, "uid-a"), Value::Null);
    world.broker.state().hang_ups = 0;
    world.delete_topic("a");
    twice(&world).await;
    assert!(has_topic(&world));
}

#[tokio::test]
async fn a_lost_definition_deletes_nothing_not_even_when_it_comes_back() {
    for verbs in [None, Some(vec!["delete", "deletecollection", "get", "list", "watch"])] {
        let world = world().await;
        let served = std::mem::replace(&mut world.api.state().topic_verbs, verbs);
        world.delete_topic("a");
        // Brokers that are away at that moment don't matter.
        world.broker.state().hang_ups = usize::MAX;
        let _ = world.pass().await;
        world.broker.state().hang_ups = 0;
        world.api.state().topic_verbs = served;
        twice(&world).await;
        twice(&world).await;
        assert!(has_topic(&world));
        // Its resource comes back: it goes with that again.
        world.put_topic_as("a", "uid-again", &json!({"deletionPolicy": "Delete"}));
        world.pass().await.unwrap();
        assert_eq!(entry(&world, "uid-again")["topic"], "a");
    }
}

#[tokio::test]
async fn nothing_is_deleted_without_clear_answers() {
    let namespace = "/api/v1/namespaces/shop".to_owned();
    let kind = "/apis/taffrail.io/v1beta1".to_owned();
    let (cluster, record, topics) = (CLUSTER.to_owned(), RECORD.to_owned(), TOPICS.to_owned());
    for path in [topic_path("a"), kind, cluster, namespace, record, topics] {
        let world = world().await;
        world.delete_topic("a");
        world.api.state().broken.push(path.clone());
        twice(&world).await;
        twice(&world).await;
        assert!(has_topic(&world), "{path}");
        world.api.state().broken.clear();
        twice(&world).await;
        assert!(!has_topic(&world), "{path}");
    }
}

#[tokio::test]
async fn a_store_that_lags_deletes_nothing() {
    let world = world().await;
    // The watch lost the resource; the API server has it.
    world.context.stores.topics.deleted(&ObjectKey::new("shop", "a"));
    twice(&world).await;
    twice(&world).await;
    assert!(has_topic(&world));
    assert_eq!(entry(&world, "uid-a")["topic"], "a");
}

#[tokio::test]
async fn a_record_that_lags_deletes_nothing() {
    let world = world().await;
    world.delete_topic("a");
    world.pass().await.unwrap();
    // Another process, which acted before this one, had taken the entry out; so does who wants to keep the topic.
    let mut record = world.api.state().objects[RECORD].clone();
    record["data"] = json!({});
    world.api.state().put(RECORD, record);
    wait().await;
    let _ = world.pass().await;
    assert!(has_topic(&world));
}

#[tokio::test]
async fn a_resource_that_the_watch_has_not_brought_yet_keeps_its_topic() {
    for (resource, spec) in
        [("a", json!({})), ("b", json!({"topicName": "a"})), ("b", json!({"topicName": "other"}))]
    {
        let world = world().await;
        world.delete_topic("a");
        world.pass().await.unwrap();
        let mut topic = json!({
            "apiVersion": "taffrail.io/v1beta1", "kind": "Topic",
            "metadata": {"name": resource, "namespace": "shop", "uid": "uid-new"},
            "spec": {"clusterRef": {"name": "orders"}},
        });
        for (key, value) in spec.as_object().unwrap() {
            topic["spec"][key] = value.clone();
        }
        world.api.state().put(&topic_path(resource), topic);
        wait().await;
        world.pass().await.unwrap();
        assert_eq!(has_topic(&world), spec["topicName"] != "other", "{resource} {spec}");
    }
}

#[tokio::test]
async fn a_resource_that_waits_for_somebodys_finalizer_takes_its_topic_along_in_the_end() {
    for (policy, stays) in [("Delete", false), ("Retain", true)] {
        let world = world().await;
        let mut topic = world.api.state().objects[&topic_path("a")].clone();
        topic["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        topic["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
        topic["spec"]["deletionPolicy"] = policy.into();
        let topic = world.api.state().put(&topic_path("a"), topic);
        world.context.stores.topics.wrote(serde_json::from_value(topic).unwrap());
        twice(&world).await;
        assert!(has_topic(&world), "it is still there");
        world.delete_topic("a");
        twice(&world).await;
        assert_eq!(has_topic(&world), stays, "{policy}");
    }
}

#[tokio::test]
async fn a_mistake_in_an_edit_does_not_keep_a_topic_for_good() {
    let world = world().await;
    let mistake = json!({"deletionPolicy": "Delete", "config": {"retention.ms": {}}});
    world.put_topic("a", &mistake);
    world.pass().await.unwrap();
    world.expect_ready("a", "False", "Invalid");
    world.delete_topic("a");
    twice(&world).await;
    assert!(!has_topic(&world));
}

#[tokio::test]
async fn a_config_map_that_is_somebody_elses_is_never_taken_over() {
    let world = World::new().await;
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"theirs": "1"},
                        "metadata": {"name": "orders-topics", "namespace": "shop"}});
    let theirs = world.api.state().put(RECORD, theirs);
    world.put_topic("a", &json!({"deletionPolicy": "Delete"}));
    world.put_topic("b", &json!({}));
    world.pass().await.unwrap_err();
    assert_eq!(world.api.state().objects[RECORD], theirs);
    assert!(!has_topic(&world), "it couldn't be recorded");
    world.expect_ready("a", "False", "ClusterNotReady");
    world.expect_ready("b", "True", "Ready");
}

#[tokio::test]
async fn topics_stay_when_their_cluster_goes() {
    let going = |world: &World, path: &str| {
        let mut state = world.api.state();
        let mut object = state.objects[path].clone();
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        state.put(path, object);
    };
    for path in [CLUSTER, "/api/v1/namespaces/shop"] {
        let world = world().await;
        going(&world, path);
        world.delete_topic("a");
        twice(&world).await;
        twice(&world).await;
        assert!(has_topic(&world), "{path}");
    }
    // It is gone, and another has its name: the record of the first counts no more.
    let world = world().await;
    world.delete_topic("a");
    world.put_cluster("another-uid", &json!({}));
    twice(&world).await;
    twice(&world).await;
    assert!(has_topic(&world));
}

#[tokio::test]
async fn a_topic_that_another_resource_wants_stays() {
    let world = world().await;
    world.delete_topic("a");
    world.put_topic("b", &json!({"topicName": "a"}));
    twice(&world).await;
    twice(&world).await;
    assert!(has_topic(&world));
    world.expect_ready("b", "True", "Ready");
    assert_eq!(entry(&world, "uid-a"), Value::Null);
}

#[tokio::test]
async fn a_topic_of_the_same_name_but_another_id_stays() {
    let world = world().await;
    world.delete_topic("a");
    world.broker.state().topics.clear();
    world.broker.state().put("a", 1, &[]);
    twice(&world).await;
    assert!(has_topic(&world));
    assert_eq!(entry(&world, "uid-a"), Value::Null, "the one with that id is gone");
}

#[tokio::test]
async fn a_topic_that_others_made_anew_is_taken_over() {
    let world = world().await;
    world.broker.state().topics.clear();
    let id = world.broker.state().put("a", 1, &[]).to_string();
    world.pass().await.unwrap();
    assert!(world.api.state().events.contains(&"TopicMadeAnew".to_owned()));
    assert_eq!(entry(&world, "uid-a")["topicID"], id.as_str());
    world.expect_idle().await;
}
