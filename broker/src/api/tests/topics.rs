//! Topics, configurations and metadata.

use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::messages::api_versions_request::ApiVersionsRequest;
use taffrail_protocol::messages::create_topics_request::CreateTopicsRequest;
use taffrail_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use taffrail_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use taffrail_protocol::messages::describe_topic_partitions_request::{
    Cursor, DescribeTopicPartitionsRequest,
};
use taffrail_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};

use super::{Client, Node, topic};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_created_each_for_itself() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("there", 1).await;
    let request = CreateTopicsRequest {
        topics: vec![
            topic("twice", 1, &[]),
            topic("there", 1, &[]),
            topic("twice", 2, &[]),
            topic("new", 3, &[("retention.ms", "1")]),
            topic("not a name", 1, &[]),
            topic("none", 0, &[]),
            topic("strange", 1, &[("no.such.key", "1")]),
            topic("compacted", 1, &[("cleanup.policy", "compact")]),
            topic("__cluster_metadata", 1, &[]),
        ],
        timeout_ms: 30_000,
        ..Default::default()
    };
    let response = client.ask(7, &request).await;
    let answers: Vec<(&str, Option<ErrorCode>)> = response
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), ErrorCode::from_code(topic.error_code)))
        .collect();
    let expect = [
        ("twice", ErrorCode::InvalidRequest),
        ("there", ErrorCode::TopicAlreadyExists),
        ("new", ErrorCode::None),
        ("not a name", ErrorCode::InvalidTopicException),
        ("none", ErrorCode::InvalidPartitions),
        ("strange", ErrorCode::InvalidConfig),
        ("compacted", ErrorCode::InvalidConfig),
        ("__cluster_metadata", ErrorCode::InvalidRequest),
    ];
    assert_eq!(answers, expect.map(|(name, error)| (name, Some(error))));
    let created = &response.topics[2];
    assert_eq!((created.num_partitions, created.replication_factor), (3, 1));
    let retention = created.configs.iter().flatten().find(|entry| entry.name == "retention.ms");
    assert_eq!(retention.and_then(|entry| entry.value.as_deref()), Some("1"));

    let tried = CreateTopicsRequest {
        topics: vec![topic("tried", 2, &[])],
        timeout_ms: 30_000,
        validate_only: true,
        ..Default::default()
    };
    let response = client.ask(7, &tried).await;
    assert_eq!(response.topics[0].error_code, 0);
    let found = metadata(&mut client, 12, &["tried"]).await;
    assert_eq!(found, [("tried".to_owned(), ErrorCode::UnknownTopicOrPartition.code())]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_deleted_by_name_or_by_id() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let id = client.create_topic("b", 1).await;
    let named = |name: Option<&str>, topic_id| DeleteTopicState {
        name: name.map(str::to_owned),
        topic_id,
        ..Default::default()
    };
    let request = DeleteTopicsRequest {
        topics: vec![
            named(None, Uuid::ZERO),
            named(Some("a"), id),
            named(Some("a"), Uuid::ZERO),
            named(None, id),
            named(None, Uuid::from_random([7; 16])),
            named(Some("missing"), Uuid::ZERO),
        ],
        timeout_ms: 30_000,
        ..Default::default()
    };
    let response = client.ask(6, &request).await;
    let mut codes: Vec<i16> =
        response.responses.iter().map(|response| response.error_code).collect();
    codes.sort_unstable();
    let mut expect = [
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidRequest,
        ErrorCode::None,
        ErrorCode::None,
        ErrorCode::UnknownTopicId,
        ErrorCode::UnknownTopicOrPartition,
    ]
    .map(|error| error.code());
    expect.sort_unstable();
    assert_eq!(codes, expect);
    assert!(metadata_of_all(&mut client).await.is_empty());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_may_not_be_deleted_stay() {
    let node = Node::start_with(
        &[("delete.topic.enable", "false"), ("auto.create.topics.enable", "false")],
        Default::default(),
    )
    .await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let request = DeleteTopicsRequest { topic_names: vec!["a".to_owned()], ..Default::default() };
    for (version, expect) in [(1, ErrorCode::InvalidRequest), (5, ErrorCode::TopicDeletionDisabled)]
    {
        let response = client.ask(version, &request).await;
        assert_eq!(response.responses[0].error_code, expect.code());
    }
    // Nor is a topic created for who only names it.
    let request = naming(&["b"], true);
    let response = client.ask(12, &request).await;
    assert_eq!(response.topics[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    assert_eq!(metadata_of_all(&mut client).await, ["a"]);
    node.stop().await;
}

fn naming(names: &[&str], allow_auto_topic_creation: bool) -> MetadataRequest {
    let topic =
        |name: &&str| MetadataRequestTopic { name: Some((*name).to_owned()), ..Default::default() };
    MetadataRequest {
        topics: Some(names.iter().map(topic).collect()),
        allow_auto_topic_creation,
        ..Default::default()
    }
}

async fn metadata(client: &mut Client, version: i16, names: &[&str]) -> Vec<(String, i16)> {
    let response = client.ask(version, &naming(names, false)).await;
    let answer = |topic: taffrail_protocol::messages::metadata_response::MetadataResponseTopic| {
        (topic.name.unwrap_or_default(), topic.error_code)
    };
    response.topics.into_iter().map(answer).collect()
}

async fn metadata_of_all(client: &mut Client) -> Vec<String> {
    let request = MetadataRequest { topics: None, ..Default::default() };
    let response = client.ask(12, &request).await;
    response.topics.into_iter().filter_map(|topic| topic.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn naming_a_topic_creates_it_where_that_is_wanted() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(metadata(&mut client, 12, &["a"]).await, [("a".to_owned(), unknown)]);
    // Named twice and created once; what can't be a topic is told so.
    let response = client.ask(12, &naming(&["a", "a", "not a name"], true)).await;
    let codes: Vec<i16> = response.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [0, ErrorCode::InvalidTopicException.code()]);
    assert_eq!(response.topics[0].partitions[0].leader_id, 1);

    // In version 0 an empty list is all topics, later it is none.
    assert_eq!(client.ask(0, &naming(&[], true)).await.topics.len(), 1);
    assert_eq!(client.ask(1, &naming(&[], true)).await.topics.len(), 0);
    let nameless = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { name: None, ..Default::default() }]),
        ..Default::default()
    };
    for (version, expect) in [(11, ErrorCode::InvalidRequest), (12, ErrorCode::UnknownTopicId)] {
        let response = client.ask(version, &nameless).await;
        assert_eq!(response.topics[0].error_code, expect.code(), "{version}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_described_page_by_page() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 3).await;
    client.create_topic("b", 2).await;
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let request = DescribeTopicPartitionsRequest {
            response_partition_limit: 2,
            cursor,
            ..Default::default()
        };
        let response = client.ask(0, &request).await;
        let page: Vec<(String, i32)> = response
            .topics
            .iter()
            .flat_map(|topic| {
                let name = topic.name.clone().unwrap_or_default();
                let name = move |index| (name.clone(), index);
                topic.partitions.iter().map(|partition| partition.partition_index).map(name)
            })
            .collect();
        pages.push(page);
        let Some(next) = response.next_cursor else { break };
        cursor = Some(Cursor {
            topic_name: next.topic_name,
            partition_index: next.partition_index,
            ..Default::default()
        });
    }
    let name = |name: &str, index| (name.to_owned(), index);
    assert_eq!(
        pages,
        [vec![name("a", 0), name("a", 1)], vec![name("a", 2), name("b", 0)], vec![name("b", 1)]]
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_that_are_asked_for_are_described() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let check = async |client: &mut Client, keys: Option<&[&str]>, expect: Option<usize>| {
        let resource = DescribeConfigsResource {
            resource_type: 2,
            resource_name: "a".to_owned(),
            configuration_keys: keys.map(|keys| keys.iter().map(|&key| key.to_owned()).collect()),
            ..Default::default()
        };
        let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
        let count = client.ask(4, &request).await.results[0].configs.len();
        assert!(expect.map_or(count > 20, |expect| count == expect), "{keys:?}: {count}");
    };
    check(&mut client, None, None).await;
    check(&mut client, Some(&[]), None).await;
    check(&mut client, Some(&["retention.ms", "no.such.key"]), Some(1)).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_the_future_learns_what_is_served() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    // ApiVersions 99, with the header of newer versions and a body that nobody here can read.
    client.stream_bytes(&[0, 0, 0, 14, 0, 18, 0, 99, 0, 0, 0, 0, 0, 1, b'x', 0, 0xab, 0xcd]).await;
    let response = client.receive::<ApiVersionsRequest>(0).await;
    assert_eq!(response.error_code, ErrorCode::UnsupportedVersion.code());
    assert!(response.api_keys.iter().any(|served| served.api_key == 18));
    node.stop().await;
}
