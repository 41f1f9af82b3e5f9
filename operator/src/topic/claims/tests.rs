use serde_json::{Value, json};

use super::*;

fn cluster() -> KafkaCluster {
    serde_json::from_value(json!({
        "apiVersion": "taffrail.io/v1beta1", "kind": "KafkaCluster",
        "metadata": {"name": "orders", "namespace": "kafka"},
        "spec": {"pools": [], "listeners": [],
                 "tenancy": [{"namespaces": ["pay"], "kinds": ["Topic"], "namePrefix": "pay."}]},
    }))
    .unwrap()
}

/// A Topic of `namespace`, made at second `age`.
fn topic(namespace: &str, name: &str, age: u32, spec: &Value) -> Arc<Topic> {
    let mut topic = json!({
        "apiVersion": "taffrail.io/v1beta1", "kind": "Topic",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{namespace}-{name}"),
                     "creationTimestamp": format!("2026-01-01T00:00:{age:02}Z")},
        "spec": {"clusterRef": {"name": "orders", "namespace": "kafka"}},
    });
    for (key, value) in spec.as_object().unwrap() {
        topic["spec"][key] = value.clone();
    }
    Arc::new(serde_json::from_value(topic).unwrap())
}

/// Expects owners as `name <- namespace/object`, and refusals as `namespace/object: reason`.
fn check(topics: &[Arc<Topic>], owners: &[&str], refused: &[&str]) {
    let claims = settle(&cluster(), topics, |_| None);
    let found: Vec<String> =
        claims.owners.iter().map(|(name, claim)| format!("{name} <- {}", claim.object)).collect();
    assert_eq!(found, owners);
    let found: Vec<String> = claims
        .refused
        .iter()
        .map(|(object, verdict)| format!("{object}: {}", verdict.reason()))
        .collect();
    assert_eq!(found, refused);
}

#[test]
fn a_name_is_the_resources_own_unless_given() {
    let named = topic("kafka", "b", 2, &json!({"topicName": "B.b"}));
    check(&[topic("kafka", "a", 1, &json!({})), named], &["B.b <- kafka/b", "a <- kafka/a"], &[]);
}

#[test]
fn the_oldest_resource_owns_a_name() {
    let (old, new) =
        (topic("kafka", "z", 1, &json!({"topicName": "t"})), topic("kafka", "t", 2, &json!({})));
    let both = ["t <- kafka/z"];
    check(&[old.clone(), new.clone()], &both, &["kafka/t: TopicConflict"]);
    check(&[new.clone(), old.clone()], &both, &["kafka/t: TopicConflict"]);
    check(std::slice::from_ref(&new), &["t <- kafka/t"], &[]);
    let message =
        settle(&cluster(), &[old, new], |_| None).refused.into_values().next().unwrap().message();
    assert!(message.contains("belongs to Topic kafka/z"), "{message}");
    // Made in the same second: by namespace and name.
    let (a, b) = (
        topic("kafka", "a", 1, &json!({"topicName": "t"})),
        topic("kafka", "b", 1, &json!({"topicName": "t"})),
    );
    check(&[b, a], &["t <- kafka/a"], &["kafka/b: TopicConflict"]);
}

#[test]
fn a_mistake_does_not_hand_a_name_over() {
    let old = topic("kafka", "a", 1, &json!({"topicName": "t", "partitions": 0}));
    let new = topic("kafka", "b", 2, &json!({"topicName": "t"}));
    check(&[old, new], &[], &["kafka/a: Invalid", "kafka/b: TopicConflict"]);
}

#[test]
fn tenants_own_only_what_they_are_admitted_to() {
    let foreign = topic("shop", "t", 1, &json!({}));
    let astray = topic("pay", "t", 2, &json!({}));
    let own = topic("kafka", "t", 3, &json!({}));
    let tenant = topic("pay", "p", 4, &json!({"topicName": "pay.p"}));
    check(
        &[foreign, astray, own, tenant],
        &["pay.p <- pay/p", "t <- kafka/t"],
        &["pay/t: NotAdmitted", "shop/t: NotAdmitted"],
    );
}

#[test]
fn specs_that_make_no_sense_are_refused() {
    let check = |spec: Value, expect: &str| {
        let claims = settle(&cluster(), &[topic("kafka", "t", 1, &spec)], |_| None);
        let message = claims.refused.into_values().next().map(|verdict| verdict.message());
        assert!(message.as_deref().unwrap_or("").contains(expect), "{spec}: {message:?}");
    };
    check(json!({"topicName": "a b"}), "characters other than");
    check(json!({"topicName": "__consumer_offsets"}), "the brokers' own");
    check(json!({"partitions": -1}), "spec.partitions is -1");
    check(json!({"replicationFactor": 0}), "spec.replicationFactor is 0");
    check(json!({"replicationFactor": 40_000}), "spec.replicationFactor is 40000");
    check(json!({"config": {"a": {"b": 1}}}), "spec.config.a has to be");
    check(json!({"config": {"a": 1}, "unmanagedConfig": ["a"]}), "take it out of one");
}

#[test]
fn names_stay_wanted_whatever_becomes_of_the_resource() {
    let mut going = topic("kafka", "going", 1, &json!({})).as_ref().clone();
    going.metadata.deletion_timestamp = going.metadata.creation_timestamp.clone();
    let foreign = topic("shop", "foreign", 2, &json!({}));
    let claims = settle(&cluster(), &[Arc::new(going), foreign], |_| None);
    let wanted: Vec<&str> = claims.wanted.iter().map(TopicName::as_str).collect();
    assert_eq!(wanted, ["foreign", "going"]);
    assert!(claims.owners.is_empty());
}
