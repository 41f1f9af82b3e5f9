//! The admin client against a broker, and against one that lies.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_model::{ErrorCode, TopicName, Uuid};
use taffrail_operator::admin_client::{
    AdminClient, AdminError, ConfigChange, ConfigSource, NewTopic,
};
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::MetadataResponse;

use crate::fake_broker::FakeBroker;

fn name(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn names(names: &[&str]) -> BTreeSet<TopicName> {
    names.iter().map(|one| name(one)).collect()
}

fn client(broker: &FakeBroker) -> AdminClient {
    AdminClient::new(vec![broker.address.clone()])
}

#[tokio::test]
async fn one_request_holds_no_more_partitions_than_a_controller_takes() {
    let broker = FakeBroker::start().await;
    let sizes = [Some(4000), Some(9000), Some(4000), None, Some(1)];
    let wanted = sizes.into_iter().enumerate().map(|(index, partitions)| {
        let new = NewTopic { partitions, replication_factor: None, config: BTreeMap::new() };
        (name(&format!("t{index}")), new)
    });
    let created = client(&broker).create_topics(&wanted.collect()).await.unwrap();
    assert!(created.values().all(Result::is_ok), "{created:?}");
    assert_eq!(created.len(), sizes.len());
}

#[tokio::test]
async fn each_item_has_its_own_outcome() {
    let broker = FakeBroker::start().await;
    let id = broker.state().put("a", 2, &[("retention.ms", "5")]);
    let mut client = client(&broker);

    let topics = client.describe_topics(&names(&["a", "b"])).await.unwrap();
    let a = topics[&name("a")].as_ref().unwrap();
    assert_eq!((a.id, a.partitions, a.replication_factor), (id, 2, 1));
    let b = topics[&name("b")].as_ref().unwrap_err();
    assert_eq!(b.error(), Some(ErrorCode::UnknownTopicOrPartition));

    let configs = client.describe_configs(&names(&["a", "b"])).await.unwrap();
    let a = configs[&name("a")].as_ref().unwrap();
    let sources: Vec<_> =
        a.values.iter().map(|(key, value)| (key.as_str(), value.source)).collect();
    let expect = [("retention.ms", ConfigSource::Topic), ("segment.bytes", ConfigSource::Broker)];
    assert_eq!(sources, expect, "what has Kafka's default isn't there");
    assert!(configs[&name("b")].is_err());

    let new = NewTopic { partitions: Some(3), replication_factor: None, config: BTreeMap::new() };
    let wanted = BTreeMap::from([(name("a"), new.clone()), (name("b"), new)]);
    let created = client.create_topics(&wanted).await.unwrap();
    let refused = created[&name("a")].as_ref().unwrap_err();
    assert_eq!(refused.error(), Some(ErrorCode::TopicAlreadyExists));
    let b = created[&name("b")].as_ref().unwrap();
    assert_eq!(b.partitions, Some(3));

    let totals = BTreeMap::from([(name("a"), 1), (name("b"), 5)]);
    let grown = client.create_partitions(&totals).await.unwrap();
    assert!(grown[&name("a")].is_err() && grown[&name("b")].is_ok());

    let change = |value: ConfigChange| BTreeMap::from([("retention.ms".to_owned(), value)]);
    let changes = BTreeMap::from([
        (name("a"), change(ConfigChange::Delete)),
        (name("b"), change(ConfigChange::Set("soon".to_owned()))),
    ]);
    let altered = client.alter_configs(&changes).await.unwrap();
    assert!(altered[&name("a")].is_ok());
    let refused = altered[&name("b")].as_ref().unwrap_err().to_string();
    assert_eq!(refused, "Invalid value soon for configuration retention.ms (INVALID_CONFIG)");

    let other = Uuid::from_bytes([99; 16]);
    let deleted = client.delete_topics(&BTreeSet::from([id, other])).await.unwrap();
    assert!(deleted[&id].is_ok() && deleted[&other].is_err());
    let left: Vec<(String, i32)> = broker
        .state()
        .topics
        .iter()
        .map(|(name, topic)| (name.clone(), topic.partitions))
        .collect();
    assert_eq!(left, [("b".to_owned(), 5)]);
    let partitions = client.describe_partitions().await.unwrap();
    let indexes: Vec<i32> = partitions.iter().map(|partition| partition.index).collect();
    assert_eq!(indexes, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn hundreds_of_topics_go_in_parts() {
    let broker = FakeBroker::start().await;
    let mut client = client(&broker);
    let new = NewTopic { partitions: None, replication_factor: None, config: BTreeMap::new() };
    let wanted: BTreeMap<TopicName, NewTopic> =
        (0..450).map(|index| (name(&format!("t{index}")), new.clone())).collect();
    let created = client.create_topics(&wanted).await.unwrap();
    assert_eq!(created.values().filter(|outcome| outcome.is_ok()).count(), 450);
    assert!(broker.state().take_writes().len() > 1);
    let asked = wanted.keys().cloned().collect();
    assert_eq!(client.describe_topics(&asked).await.unwrap().len(), 450);
    assert_eq!(client.describe_configs(&asked).await.unwrap().len(), 450);
    assert!(client.describe_topics(&BTreeSet::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_next_address_is_tried_and_a_broken_connection_is_replaced() {
    let (one, other) = (FakeBroker::start().await, FakeBroker::start().await);
    // Nobody listens on a port that was bound for a moment.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut client = AdminClient::new(vec![nobody, one.address.clone(), other.address.clone()]);
    client.describe_partitions().await.unwrap();
    one.state().hang_ups = 1;
    client.describe_partitions().await.unwrap();
    // What changes something isn't sent twice.
    for broker in [&one, &other] {
        broker.state().hang_ups = 1;
    }
    let ids = BTreeSet::from([Uuid::from_bytes([9; 16])]);
    let error = client.delete_topics(&ids).await.unwrap_err();
    assert!(matches!(error, AdminError::Connection(_)), "{error}");
    assert_eq!(one.state().hang_ups + other.state().hang_ups, 1);
    let mut lost = AdminClient::new(Vec::new());
    assert!(matches!(lost.describe_partitions().await, Err(AdminError::NoAddress)));
}

#[tokio::test]
async fn a_request_that_the_broker_does_not_know_is_named() {
    let broker = FakeBroker::start().await;
    broker.state().unserved.insert(ApiKey::IncrementalAlterConfigs);
    let changes = BTreeMap::from([(
        name("a"),
        BTreeMap::from([("retention.ms".to_owned(), ConfigChange::Delete)]),
    )]);
    let error = client(&broker).alter_configs(&changes).await.unwrap_err().to_string();
    assert!(error.starts_with("this broker doesn't serve IncrementalAlterConfigs"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_question_is_refused() {
    async fn check(lie: fn(&mut MetadataResponse), expect: &str) {
        let broker = FakeBroker::start().await;
        broker.state().put("a", 2, &[]);
        broker.state().lie = Some(lie);
        let error = client(&broker).describe_topics(&names(&["a"])).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    check(|answer| answer.topics[0].name = Some("b".to_owned()), "was not asked about").await;
    check(|answer| answer.topics[0].name = Some("a b".to_owned()), "topic name is invalid").await;
    check(|answer| answer.topics[0].name = None, "without a name").await;
    check(|answer| answer.topics.clear(), "says nothing about \"a\"").await;
    check(|answer| answer.topics.push(answer.topics[0].clone()), "speaks of \"a\" twice").await;
    check(|answer| answer.topics[0].topic_id = Uuid::ZERO, "has no id").await;
    check(|answer| answer.topics[0].partitions.clear(), "aren't 0 to their count").await;
    check(|answer| answer.topics[0].partitions[1].partition_index = 7, "aren't 0 to their count")
        .await;
    check(|answer| answer.topics[0].partitions[1].partition_index = 0, "aren't 0 to their count")
        .await;
}
