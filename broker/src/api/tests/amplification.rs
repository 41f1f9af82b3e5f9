//! Small requests never make large answers, or long work, by naming things again and again.

use taffrail_model::ErrorCode;
use taffrail_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use taffrail_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use taffrail_protocol::messages::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use taffrail_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use taffrail_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use taffrail_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use taffrail_protocol::messages::{CreateTopicsRequest, OffsetFetchRequest};

use super::{Node, topic};

/// As often as each thing is named. What is done for each of them may take a microsecond or so.
const MANY: i32 = 100_000;

/// The longest name that the protocol can carry; no topic has it.
fn long_name() -> String {
    "x".repeat(32_767)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_partitions_of_a_topic_with_a_long_name() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.find_coordinator("g").await;

    let partition =
        |partition_index| ListOffsetsPartition { partition_index, ..Default::default() };
    let topic = ListOffsetsTopic {
        name: long_name(),
        partitions: (0..MANY).chain(0..MANY).map(partition).collect(),
        ..Default::default()
    };
    let request = ListOffsetsRequest { topics: vec![topic], ..Default::default() };
    let response = client.ask(11, &request).await;
    assert_eq!(response.topics[0].partitions.len(), 2 * MANY as usize);

    let partition =
        |partition_index| OffsetCommitRequestPartition { partition_index, ..Default::default() };
    let topic = OffsetCommitRequestTopic {
        name: long_name(),
        partitions: (0..MANY).map(partition).collect(),
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        group_id: "g".to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    };
    let response = client.ask(9, &request).await;
    assert_eq!(response.topics[0].partitions.len(), MANY as usize);

    let topics = OffsetFetchRequestTopics {
        name: long_name(),
        partition_indexes: (0..MANY).collect(),
        ..Default::default()
    };
    let group = OffsetFetchRequestGroup {
        group_id: "g".to_owned(),
        topics: Some(vec![topics]),
        ..Default::default()
    };
    let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
    let response = client.ask(9, &request).await;
    assert_eq!(response.groups[0].topics[0].partitions.len(), MANY as usize);

    let partition = |partition| FetchPartition { partition, ..Default::default() };
    let topic = FetchTopic {
        topic: long_name(),
        partitions: (0..MANY).map(partition).collect(),
        ..Default::default()
    };
    let request = FetchRequest { session_epoch: 0, topics: vec![topic], ..Default::default() };
    let response = client.ask(12, &request).await;
    assert_eq!(response.error_code, ErrorCode::InvalidTopicException.code());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_thing_named_again_and_again() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 10).await;

    let named = MetadataRequestTopic { name: Some("a".to_owned()), ..Default::default() };
    let request =
        MetadataRequest { topics: Some(vec![named; MANY as usize]), ..Default::default() };
    assert_eq!(client.ask(12, &request).await.topics.len(), 1);

    let resource = DescribeConfigsResource {
        resource_type: 2,
        resource_name: "a".to_owned(),
        configuration_keys: None,
        ..Default::default()
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource; MANY as usize],
        include_synonyms: true,
        ..Default::default()
    };
    assert_eq!(client.ask(4, &request).await.results.len(), 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_topics_at_once() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    let topics = (0..MANY).map(|n| topic(&format!("t{n}"), 1, &[])).collect();
    let request = CreateTopicsRequest { topics, timeout_ms: 60_000, ..Default::default() };
    let response = client.ask(7, &request).await;
    assert_eq!(response.topics.len(), MANY as usize);
    let refused = ErrorCode::PolicyViolation.code();
    assert!(response.topics.iter().all(|topic| topic.error_code == refused));
    node.stop().await;
}
