//! What an image means for the partitions of a node.

use std::collections::BTreeMap;

use taffrail_metadata::{MetadataDelta, MetadataImage, ResourceType};
use taffrail_model::{NodeId, TopicIdPartition, TopicName, Uuid};
use taffrail_node::changes::{PartitionChange, plan};
use taffrail_protocol::records::{
    ConfigRecord, MetadataRecord, PartitionChangeRecord, PartitionRecord, RemoveTopicRecord,
    TopicRecord,
};

const ME: NodeId = 1;

fn id(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

fn topic(name: &str, n: u8) -> MetadataRecord {
    MetadataRecord::from(TopicRecord {
        name: name.to_owned(),
        topic_id: id(n),
        ..TopicRecord::default()
    })
}

fn partition(n: u8, index: i32, replicas: &[NodeId]) -> MetadataRecord {
    MetadataRecord::from(PartitionRecord {
        topic_id: id(n),
        partition_id: index,
        replicas: replicas.to_vec(),
        isr: replicas.to_vec(),
        leader: replicas[0],
        directories: vec![Uuid::ZERO; replicas.len()],
        ..PartitionRecord::default()
    })
}

fn moved(n: u8, index: i32, replicas: &[NodeId]) -> MetadataRecord {
    MetadataRecord::from(PartitionChangeRecord {
        topic_id: id(n),
        partition_id: index,
        replicas: Some(replicas.to_vec()),
        isr: Some(replicas.to_vec()),
        leader: replicas[0],
        directories: Some(vec![Uuid::ZERO; replicas.len()]),
        ..PartitionChangeRecord::default()
    })
}

fn removed(n: u8) -> MetadataRecord {
    MetadataRecord::from(RemoveTopicRecord { topic_id: id(n), ..RemoveTopicRecord::default() })
}

fn configured(kind: ResourceType, name: &str) -> MetadataRecord {
    MetadataRecord::from(ConfigRecord {
        resource_type: kind.code(),
        resource_name: name.to_owned(),
        name: "retention.ms".to_owned(),
        value: Some("1000".to_owned()),
        ..ConfigRecord::default()
    })
}

/// Topic `orders` (1) with two partitions, of which the first is here, and `users` (2), which is here.
fn before() -> Vec<MetadataRecord> {
    vec![
        topic("orders", 1),
        partition(1, 0, &[ME, 2]),
        partition(1, 1, &[2, 3]),
        topic("users", 2),
        partition(2, 0, &[ME]),
    ]
}

fn replay(image: &mut MetadataImage, records: &[MetadataRecord]) -> MetadataDelta {
    let mut delta = MetadataDelta::default();
    for record in records {
        image.replay(record, &mut delta).expect("it fits");
    }
    delta
}

/// What there is to do, one change each: `-` for remove, `+` for host, `*` for configure.
fn render(change: &PartitionChange) -> String {
    let name = |id: &TopicIdPartition| format!("{}-{}", id.topic_id.to_bytes()[0], id.partition);
    match change {
        PartitionChange::Remove { id } => format!("-{}", name(id)),
        PartitionChange::Host { id, topic, registration } => {
            format!("+{} {topic} {}", name(id), registration.leader)
        }
        PartitionChange::Configure { id, topic } => format!("*{} {topic}", name(id)),
    }
}

/// After [`before`], with what follows from it done, these records come.
fn check(records: &[MetadataRecord], expect: &[&str]) {
    let mut image = MetadataImage::default();
    replay(&mut image, &before());
    let named = |name| TopicName::new(name).expect("legal");
    let hosted = BTreeMap::from([
        (TopicIdPartition { topic_id: id(1), partition: 0 }, named("orders")),
        (TopicIdPartition { topic_id: id(2), partition: 0 }, named("users")),
    ]);
    let delta = replay(&mut image, records);
    let plan: Vec<String> = plan(&image, &delta, ME, &hosted).iter().map(render).collect();
    assert_eq!(plan, expect);
}

#[test]
fn the_first_image_hosts_what_is_placed_here() {
    let mut image = MetadataImage::default();
    let delta = replay(&mut image, &before());
    let said: Vec<String> = plan(&image, &delta, ME, &BTreeMap::new()).iter().map(render).collect();
    assert_eq!(said, ["+1-0 orders 1", "+2-0 users 1"]);
}

#[test]
fn nothing_follows_from_nothing() {
    check(&[], &[]);
}

#[test]
fn topics_are_created() {
    check(&[topic("new", 3), partition(3, 0, &[2]), partition(3, 1, &[3, ME])], &["+3-1 new 3"]);
}

#[test]
fn topics_are_deleted() {
    check(&[removed(1)], &["-1-0"]);
    check(&[topic("brief", 3), partition(3, 0, &[ME]), removed(3)], &[]);
}

#[test]
fn a_topic_is_deleted_before_its_successor_is_hosted() {
    // The successor's id is the smaller one, so that the order isn't that of the ids by chance.
    check(&[removed(1), topic("orders", 0), partition(0, 0, &[ME])], &["-1-0", "+0-0 orders 1"]);
}

#[test]
fn partitions_come_and_go() {
    check(&[moved(1, 0, &[2, 3])], &["-1-0"]);
    check(&[moved(1, 1, &[2, ME])], &["+1-1 orders 2"]);
    check(&[moved(1, 0, &[2, 3]), moved(1, 1, &[ME, 3])], &["-1-0", "+1-1 orders 1"]);
    check(&[moved(1, 1, &[3, 2])], &[]);
    check(&[moved(1, 0, &[2, ME])], &["+1-0 orders 2"]);
}

#[test]
fn configurations_reach_those_whom_they_concern() {
    use ResourceType::{Broker, Topic};
    check(&[configured(Topic, "orders")], &["*1-0 orders"]);
    check(&[configured(Topic, "unknown")], &[]);
    check(&[configured(Broker, "")], &["*1-0 orders", "*2-0 users"]);
    check(&[configured(Broker, "1")], &["*1-0 orders", "*2-0 users"]);
    check(&[configured(Broker, "2")], &[]);
}

#[test]
fn what_leaves_and_what_arrives_is_not_configured_apart() {
    let config = configured(ResourceType::Topic, "orders");
    check(&[config.clone(), moved(1, 0, &[2])], &["-1-0"]);
    check(&[config.clone(), removed(1)], &["-1-0"]);
    check(&[config.clone(), moved(1, 1, &[ME])], &["+1-1 orders 1", "*1-0 orders"]);
    check(
        &[removed(1), topic("orders", 3), partition(3, 0, &[ME]), config],
        &["-1-0", "+3-0 orders 1"],
    );
}
